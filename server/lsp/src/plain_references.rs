//! What the objects of a folder of plain manifests say about each other.
//!
//! Each file is applied for itself, and anything else may be on the cluster, so only slips are said: names that are nearly
//! those of objects that are there, or that are there in another namespace.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::Utf8Path;
use gitops_model::references::{self, ObjectFinding, ReadObject, Scene};
use gitops_model::{Code, Finding, Manifest, ObjectKey, Related, Source, Want, place};
use gitops_session::{Supplied, Supply};
use gitops_text::Span;
use gitops_yaml::FieldPath;
use serde_json::Value;

use crate::event::{Event, TaskDone};
use crate::follow;
use crate::parsed::Parsed;
use crate::reference_fix::written_instead;
use crate::state::State;
use crate::workspace::read_file;

/// What the files of one session supply, and what is said of that.
#[derive(Default)]
pub(crate) struct PlainReferences {
    supplied: Arc<BySupplier>,
    /// Files that were saved since they were looked at, with what they supplied then and the text of the save.
    saved: BTreeMap<Arc<str>, Saved>,
    /// The files that something is said in, with the text that it is about.
    said_in: BTreeMap<Arc<str>, Arc<Parsed>>,
    /// Whether it is being looked at.
    is_looking: bool,
    /// Whether what was found last was overtaken by a save, and not said.
    is_overtaken: bool,
}

/// What each file supplies.
type BySupplier = BTreeMap<Arc<str>, Arc<[Supplied]>>;

/// A file that was saved.
struct Saved {
    before: Option<Arc<[Supplied]>>,
    text: Option<Arc<Parsed>>,
}

/// Findings by file, with the text that they are about; none in a file that is only involved.
type ByFile = BTreeMap<Arc<str>, (Arc<Parsed>, Vec<Finding>)>;

/// What was found.
pub(crate) struct Found {
    /// For which session.
    number: u64,
    /// What there is to say; `None` where nothing that was saved makes a difference.
    files: Option<ByFile>,
}

/// Files were saved into a session. What they say about each other is looked at once the cluster has spoken: nothing of
/// it is said of an object that a save has not to wait for.
pub(crate) fn supplied(state: &mut State, number: u64, supplies: &[Supply]) {
    let plain = state.plain.entry(number).or_default();
    let supplied = Arc::make_mut(&mut plain.supplied);
    for supply in supplies {
        let before = if supply.objects.is_empty() {
            supplied.remove(&supply.file)
        } else {
            supplied.insert(Arc::clone(&supply.file), Arc::clone(&supply.objects))
        };
        let file = state.files.get(&supply.file);
        let text = file.and_then(|file| file.saved.clone().or_else(|| file.parsed.clone()));
        let saved = plain.saved.entry(Arc::clone(&supply.file));
        saved.or_insert(Saved { before, text: None }).text = text;
    }
}

/// The cluster has spoken about what was saved: all objects of the session are held against each other, off the loop.
pub(crate) fn judged(state: &mut State, number: u64) {
    let Some(plain) = state.plain.get_mut(&number) else {
        return;
    };
    // One look at a time; what is saved meanwhile is looked at once, afterwards.
    if plain.is_looking || plain.saved.is_empty() {
        return;
    }
    plain.is_looking = true;
    let is_overtaken = std::mem::take(&mut plain.is_overtaken);
    let saved = std::mem::take(&mut plain.saved);
    let said_in = plain.said_in.clone();
    let supplied = Arc::clone(&plain.supplied);
    let inbox = state.inbox.clone();
    state.runtime.spawn_blocking(move || {
        let is_known = |(name, saved): (&Arc<str>, &Saved)| {
            !said_in.contains_key(name) && is_alike(saved.before.as_deref(), supplied.get(name).map(|now| &**now))
        };
        let files = (is_overtaken || !saved.iter().all(is_known)).then(|| {
            let mut known = said_in;
            known.extend(saved.into_iter().filter_map(|(name, saved)| Some((name, saved.text?))));
            find(&supplied, known)
        });
        // The loop changes it in place again.
        drop(supplied);
        let _ = inbox.send(Event::Task(TaskDone::ReferencesFound(Found { number, files })));
    });
}

/// Whether what a file supplied before and what it supplies now are the same to all others: only the content of a
/// `ConfigMap` or a Secret is another.
fn is_alike(before: Option<&[Supplied]>, now: Option<&[Supplied]>) -> bool {
    let (Some(before), Some(now)) = (before, now) else {
        return false;
    };
    before.len() == now.len()
        && before.iter().zip(now).all(|(before, now)| {
            before.manifest.key == now.manifest.key
                && (before.object.json() == now.object.json() || face(before).is_some() && face(before) == face(now))
        })
}

/// What others see of an object whose content is nobody's business: all but its values. `None` for any other kind.
fn face(supplied: &Supplied) -> Option<Value> {
    let gvk = &supplied.manifest.key.gvk;
    if !gvk.group.is_empty() || !matches!(gvk.kind.as_str(), "ConfigMap" | "Secret") {
        return None;
    }
    let mut object = supplied.object.value();
    for field in ["data", "stringData", "binaryData"] {
        if let Some(entries) = object.get_mut(field).and_then(Value::as_object_mut) {
            entries.values_mut().for_each(|value| *value = Value::Null);
        }
    }
    Some(object)
}

/// What was found is said, unless something was saved meanwhile: then that is looked at, too.
pub(crate) fn on_found(state: &mut State, found: Found) {
    let Found { number, files } = found;
    let Some(plain) = state.plain.get_mut(&number) else {
        return;
    };
    plain.is_looking = false;
    let Some(files) = files else {
        return judged(state, number);
    };
    if !plain.saved.is_empty() {
        plain.is_overtaken = true;
        return judged(state, number);
    }
    let mut earlier = std::mem::take(&mut plain.said_in);
    plain.said_in = files
        .iter()
        .map(|(name, (text, _))| (Arc::clone(name), Arc::clone(text)))
        .collect();
    earlier.retain(|name, _| !files.contains_key(name));
    let generation = state.generation;
    for name in earlier.into_keys() {
        state.ledger.set(&name, Source::Render, generation, Vec::new());
    }
    for (name, (text, mut findings)) in files {
        if let Some((_, file)) = state.files.at_path(Utf8Path::new(&*name)) {
            match &file.parsed {
                Some(now) if file.version.is_some() => findings = follow::all(&text, now, findings),
                _ => file.parsed = Some(text),
            }
        }
        state.ledger.set(&name, Source::Render, generation, findings);
    }
}

fn find(supplied: &BySupplier, mut known: BTreeMap<Arc<str>, Arc<Parsed>>) -> ByFile {
    let objects: Vec<(&Arc<str>, &Manifest, Value)> = supplied
        .iter()
        .flat_map(|(name, objects)| objects.iter().map(move |object| (name, object)))
        .map(|(name, object)| (name, &object.manifest, object.object.value()))
        .collect();
    let values: Vec<&Value> = objects.iter().map(|(.., value)| value).collect();
    let read: Vec<ReadObject> = values.iter().map(|value| ReadObject::of(value)).collect();
    let read: Vec<&ReadObject> = read.iter().collect();
    let found = references::findings(Scene {
        objects: &values,
        read: &read,
        owners: &[],
        written_names: &[],
        variables: &[],
        given: &[],
        repository: None,
        is_flux: false,
    });
    let mut files = ByFile::new();
    let mut spot = |object: usize, path: &FieldPath, want: Want| {
        let (name, manifest, _) = objects.get(object)?;
        let text = text_of(&mut known, name)?;
        let document = text.parse.documents.get(manifest.document)?;
        let span = if path.is_empty() {
            manifest.kind_span
        } else {
            place(document, text.text.as_str(), &manifest.base, path, want)
        };
        Some((Arc::clone(name), text, span))
    };
    // What is missing without anything near to it may be on the cluster.
    for found in found.iter().filter(|found| !found.related.is_empty()) {
        let Some((name, text, span)) = spot(found.object, &found.path, found.want) else {
            continue;
        };
        let mut related = Vec::new();
        for (object, path, message) in &found.related {
            let Some((name, text, span)) = spot(*object, path, Want::Value) else {
                continue;
            };
            related.push(Related {
                file: Some(name.to_string()),
                span,
                message: message.clone(),
            });
            files.entry(name).or_insert_with(|| (text, Vec::new()));
        }
        let key = objects
            .get(found.object)
            .map(|(_, manifest, _)| ObjectKey::clone(&manifest.key));
        let finding = finding(found, span, text.text.as_str(), related, key);
        files.entry(name).or_insert_with(|| (text, Vec::new())).1.push(finding);
    }
    files
}

fn finding(found: &ObjectFinding, span: Span, text: &str, related: Vec<Related>, object: Option<ObjectKey>) -> Finding {
    let fix = found
        .instead
        .as_deref()
        .and_then(|instead| written_instead(text, span, instead));
    Finding {
        code: Code {
            source: Source::Model,
            slug: found.slug,
        },
        severity: found.severity,
        span,
        message: found.message.clone(),
        detail: None,
        related,
        fixes: fix.into_iter().collect(),
        object,
    }
}

/// The text of a file: that of the editor, or what is on the disk.
fn text_of(known: &mut BTreeMap<Arc<str>, Arc<Parsed>>, name: &Arc<str>) -> Option<Arc<Parsed>> {
    if !known.contains_key(name)
        && let Ok(Some(parsed)) = read_file(Utf8Path::new(&**name))
    {
        known.insert(Arc::clone(name), parsed);
    }
    known.get(name).cloned()
}
