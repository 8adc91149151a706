//! Two files, or two documents, that supply one object: whichever is saved last wins, which nobody wants.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gitops_model::{Code, Finding, ObjectKey, Related, Severity, Source};
use gitops_session::Supplied;

use crate::files::File;
use crate::parsed::Parsed;

/// Which files supply which object.
pub(crate) type Owners = BTreeMap<ObjectKey, BTreeSet<Arc<str>>>;

/// Remembers what a file supplies now, in place of what it supplied before.
pub(crate) fn supplied(owners: &mut Owners, name: &Arc<str>, file: &mut File, objects: &[Supplied]) {
    for key in std::mem::take(&mut file.supplies) {
        if let Some(files) = owners.get_mut(&key) {
            files.remove(name);
            if files.is_empty() {
                owners.remove(&key);
            }
        }
    }
    file.supplies = objects
        .iter()
        .map(|supplied| supplied.manifest.key.clone())
        .filter(|key| !key.name.is_empty())
        .collect();
    for key in &file.supplies {
        owners.entry(key.clone()).or_default().insert(Arc::clone(name));
    }
}

/// What there is to say about a file's objects that others supply, too.
pub(crate) fn findings(owners: &Owners, name: &Arc<str>, file: &File, parsed: &Parsed) -> Vec<Finding> {
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
            object: Some(manifest.key.clone()),
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
            .get(&manifest.key)
            .filter(|_| file.supplies.contains(&manifest.key))
        else {
            continue;
        };
        if let Some(other) = others.iter().find(|other| *other != name) {
            findings.push(finding(
                format!(
                    "{} is in {other}, too; whichever is saved last is on the cluster",
                    manifest.key
                ),
                Vec::new(),
            ));
        }
    }
    findings
}
