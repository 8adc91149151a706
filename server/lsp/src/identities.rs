//! Two files, or two documents, that supply one object: whichever is saved last wins, which nobody wants.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gitops_model::{Code, Finding, Gvk, Manifest, ObjectKey, Related, Severity, Source};
use gitops_session::Supplied;

use crate::files::File;
use crate::parsed::Parsed;

/// What the files of sessions supply.
#[derive(Default)]
pub(crate) struct Owners {
    /// Which files supply an object.
    files_of: BTreeMap<ObjectKey, BTreeSet<Arc<str>>>,
    /// Which file brings a kind with a CRD, by group and kind.
    definitions: BTreeMap<(String, String), Arc<str>>,
}

impl Owners {
    /// The file whose CRD would bring a kind.
    pub(crate) fn definition_of(&self, gvk: &Gvk) -> Option<&Arc<str>> {
        self.definitions.get(&(gvk.group.clone(), gvk.kind.clone()))
    }
}

/// Remembers what a file supplies now, in place of what it supplied before.
pub(crate) fn supplied(owners: &mut Owners, name: &Arc<str>, file: &mut File, objects: &[Supplied]) {
    for key in std::mem::take(&mut file.supplies) {
        if let Some(files) = owners.files_of.get_mut(&key) {
            files.remove(name);
            if files.is_empty() {
                owners.files_of.remove(&key);
            }
        }
        if is_definition(&key.gvk) {
            owners.definitions.retain(|_, file| file != name);
        }
    }
    file.supplies = objects
        .iter()
        .map(|supplied| ObjectKey::clone(&supplied.manifest.key))
        .filter(|key| !key.name.is_empty())
        .collect();
    // Most files have one object, and a vector that grows takes room for four.
    file.supplies.shrink_to_fit();
    for key in &file.supplies {
        owners.files_of.entry(key.clone()).or_default().insert(Arc::clone(name));
    }
    for supplied in objects
        .iter()
        .filter(|supplied| is_definition(&supplied.manifest.key.gvk))
    {
        let object = supplied.object.value();
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(serde_json::Value::as_str)
                .map(str::to_owned)
        };
        if let (Some(group), Some(kind)) = (text("/spec/group"), text("/spec/names/kind")) {
            owners.definitions.insert((group, kind), Arc::clone(name));
        }
    }
}

fn is_definition(gvk: &Gvk) -> bool {
    gvk.group == "apiextensions.k8s.io" && gvk.kind == "CustomResourceDefinition"
}

/// The objects of a file that do not become JSON within its bounds: each is said, since it is not sent.
pub(crate) fn left_out(parsed: &Parsed, objects: &[Supplied]) -> Vec<ObjectKey> {
    let sent = |manifest: &&Manifest| objects.iter().any(|supplied| supplied.manifest == **manifest);
    if objects.len() == parsed.manifests().count() {
        return Vec::new();
    }
    parsed
        .manifests()
        .filter(|manifest| !sent(manifest))
        .map(|manifest| ObjectKey::clone(&manifest.key))
        .collect()
}

/// A finding on each object that is left out.
pub(crate) fn left_out_findings(file: &File, parsed: &Parsed) -> Vec<Finding> {
    let left_out = parsed
        .manifests()
        .filter(|manifest| file.left_out.contains(&manifest.key));
    left_out
        .map(|manifest| Finding {
            code: Code {
                source: Source::Model,
                slug: "too-large",
            },
            severity: Severity::Error,
            span: manifest.kind_span,
            message: format!(
                "{} is not sent: with its aliases expanded it is too large or too deep",
                manifest.key
            ),
            detail: None,
            related: Vec::new(),
            fixes: Vec::new(),
            object: Some(ObjectKey::clone(&manifest.key)),
        })
        .collect()
}

/// What there is to say about a file's objects that others supply, too.
pub(crate) fn findings(
    owners: &Owners,
    name: &Arc<str>,
    file: &File,
    parsed: &Parsed,
    shown: impl Fn(&str) -> String,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: BTreeMap<&ObjectKey, gitops_text::Span> = BTreeMap::new();
    for manifest in parsed.manifests().filter(|manifest| !manifest.key.name.is_empty()) {
        let finding = |message: String, related: Vec<Related>| Finding {
            code: Code {
                source: Source::Model,
                slug: "duplicate-object",
            },
            severity: Severity::Warning,
            span: manifest.kind_span,
            message,
            detail: None,
            related,
            fixes: Vec::new(),
            object: Some(ObjectKey::clone(&manifest.key)),
        };
        if let Some(first) = seen.insert(&manifest.key, manifest.kind_span) {
            let related = vec![Related {
                file: None,
                span: first,
                message: "it stands here first".to_owned(),
            }];
            findings.push(finding(
                format!("{} stands twice in this file; only the last one counts", manifest.key),
                related,
            ));
        }
        let Some(others) = owners
            .files_of
            .get(&manifest.key)
            .filter(|_| file.supplies.contains(&manifest.key))
        else {
            continue;
        };
        if let Some(other) = others.iter().find(|other| *other != name) {
            findings.push(finding(
                format!(
                    "{} is in {}, too; whichever is saved last is on the cluster",
                    manifest.key,
                    shown(other)
                ),
                Vec::new(),
            ));
        }
    }
    findings
}
