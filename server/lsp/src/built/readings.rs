//! What is read of built objects, kept for as long as they are the same: of thousands of objects a save changes a few.

use std::collections::HashMap;
use std::sync::Arc;

use gitops_cluster::SentObject;
use gitops_model::Manifest;
use gitops_model::references::ReadObject;
use gitops_render::BuiltObject;
use serde_json::Value;

use super::sent::sent;
use super::worker::Worker;
use crate::parsed::Parsed;

/// What is read of objects, by the address of each, which is its own for as long as it is held here.
#[derive(Default)]
pub(super) struct Readings {
    known: HashMap<usize, Reading>,
}

struct Reading {
    object: Arc<Value>,
    read: Arc<ReadObject>,
    /// Where it is written, and the version of the tree in which that was so.
    written: Option<(u64, Arc<Written>)>,
    sent: Option<SentObject>,
}

/// The file and the manifest that bring an object.
pub(super) struct Written {
    /// The file, from the root.
    pub(super) path: String,
    /// The file, as the loop knows it.
    pub(super) name: Arc<str>,
    /// What it holds.
    pub(super) text: Arc<Parsed>,
    /// The manifest in it.
    pub(super) manifest: Manifest,
}

impl Readings {
    fn of(&mut self, object: &Arc<Value>) -> &mut Reading {
        self.known.entry(Arc::as_ptr(object).addr()).or_insert_with(|| Reading {
            object: Arc::clone(object),
            read: Arc::new(ReadObject::of(object)),
            written: None,
            sent: None,
        })
    }

    /// What is read of an object.
    pub(super) fn read(&mut self, object: &Arc<Value>) -> Arc<ReadObject> {
        Arc::clone(&self.of(object).read)
    }

    /// An object as it is sent.
    pub(super) fn sent(&mut self, object: &Arc<Value>, is_flux: bool) -> SentObject {
        let sent = self.of(object).sent.get_or_insert_with(|| sent(object, is_flux));
        sent.clone()
    }

    /// Forgets what nobody has any more.
    pub(super) fn sweep(&mut self) {
        self.known.retain(|_, reading| Arc::strong_count(&reading.object) > 1);
    }
}

impl Worker {
    /// The file and the manifest that bring an object. What a chart renders that is the target itself is written in no
    /// file: its `Chart.yaml` stands for all of it.
    pub(super) fn base(&mut self, built: &BuiltObject) -> Option<Arc<Written>> {
        if self.values_files.is_some() {
            let path = self.chart_file();
            return Some(Arc::new(Written {
                name: self.name(&path),
                text: self.parsed(&path)?,
                manifest: self.releases.manifest_of_chart()?,
                path,
            }));
        }
        let path = &built.origin.as_ref()?.path;
        let version = self.tree.version();
        let known = self.readings.of(&built.object).written.as_ref();
        if let Some((_, known)) = known.filter(|(of, known)| *of == version && known.path == *path) {
            return Some(Arc::clone(known));
        }
        let text = self.parsed(path)?;
        if let Some((of, known)) = &mut self.readings.of(&built.object).written
            && Arc::ptr_eq(&known.text, &text)
            && known.path == *path
        {
            *of = version;
            return Some(Arc::clone(known));
        }
        let written = Arc::new(Written {
            name: self.name(path),
            manifest: manifest_of(&text, &built.object)?.clone(),
            path: path.clone(),
            text,
        });
        self.readings.of(&built.object).written = Some((version, Arc::clone(&written)));
        Some(written)
    }
}

/// The manifest that an object is built of: that of its name, else one whose name became a part of it, else any of its kind.
fn manifest_of<'a>(text: &'a Parsed, object: &Value) -> Option<&'a Manifest> {
    let kind = object.get("kind")?.as_str()?;
    let name = object.pointer("/metadata/name")?.as_str()?;
    let same: Vec<&Manifest> = text
        .manifests()
        .filter(|manifest| manifest.key.gvk.kind == kind)
        .collect();
    let of_name = same.iter().find(|manifest| manifest.key.name == name);
    let of_part = || same.iter().find(|manifest| name.contains(&manifest.key.name));
    of_name.or_else(of_part).or_else(|| same.first()).copied()
}
