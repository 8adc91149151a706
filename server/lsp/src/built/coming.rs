//! What is missing only until Flux has brought it.

use std::collections::BTreeSet;
use std::sync::Arc;

use gitops_cluster::answer::{Answer, codes, metadata_of_unserved_kind};
use gitops_model::{ObjectKey, at_pointer};
use gitops_render::BuiltObject;
use gitops_session::{ObjectVerdict, Outcome};
use serde_json::Value;

use super::worker::Worker;

/// What the objects of a Flux repository bring: it is missing until Flux has applied it, and then it is there.
#[derive(Default)]
pub(crate) struct Coming {
    namespaces: BTreeSet<String>,
    /// Group and kind.
    kinds: BTreeSet<(String, String)>,
    /// Whether charts are installed that are not known here, which can bring any kind.
    has_charts: bool,
}

impl Coming {
    /// Of objects, each with its kind, and whether what it brings is known by itself.
    pub(super) fn of<'a>(objects: impl Iterator<Item = (&'a str, &'a Value, bool)>) -> Self {
        let mut coming = Self::default();
        for (kind, object, is_known) in objects {
            let text = |pointer: &str| {
                let text = at_pointer(object, pointer).and_then(Value::as_str);
                text.unwrap_or_default().to_owned()
            };
            match kind {
                "Namespace" => {
                    coming.namespaces.insert(text("/metadata/name"));
                }
                "CustomResourceDefinition" => {
                    coming.kinds.insert((text("/spec/group"), text("/spec/names/kind")));
                }
                "HelmRelease" => {
                    coming.has_charts |= !is_known;
                    if at_pointer(object, "/spec/install/createNamespace") == Some(&true.into()) {
                        coming.namespaces.insert(text("/spec/targetNamespace"));
                    }
                }
                _ => {}
            }
        }
        coming
    }

    /// Whether what an answer about an object misses will be there.
    fn brings(&self, key: &ObjectKey, answer: &Answer) -> bool {
        match answer.slug {
            codes::NAMESPACE_NOT_FOUND => self.namespaces.contains(key.namespace.as_deref().unwrap_or("default")),
            codes::KIND_NOT_SERVED => {
                let kind = (key.gvk.group.clone(), key.gvk.kind.clone());
                self.kinds.contains(&kind) || (self.has_charts && answer.may_come)
            }
            _ => false,
        }
    }

    /// Takes out of a verdict what is missing only until it is brought.
    pub(crate) fn take_out_of(&self, verdict: &mut ObjectVerdict) {
        let key = &verdict.manifest.key;
        verdict.judgement.answers.retain(|answer| !self.brings(key, answer));
    }

    /// The release that brings a kind, where it is applied together with an object of that kind, and so after the check.
    fn comes_too_late(
        worker: &Worker,
        objects: &[BuiltObject],
        object: usize,
        kind: &(String, String),
    ) -> Option<String> {
        let (group, kind) = kind;
        let (release, name) = worker.releases.bringing(objects, group, kind)?;
        let unit = |object: usize| worker.unit_of.get(object);
        (unit(object) == unit(release)).then_some(name)
    }

    /// Takes out of a verdict what will be there by itself; whether there was something.
    pub(super) fn take_out(&self, worker: &Worker, objects: &[BuiltObject], verdict: &mut ObjectVerdict) -> bool {
        let key = Arc::clone(&verdict.manifest.key);
        let kind = (key.gvk.group.clone(), key.gvk.kind.clone());
        let is_unknown = |answer: &Answer| answer.slug == codes::KIND_NOT_SERVED;
        let unknown = verdict.judgement.answers.iter().any(is_unknown);
        let too_late = if unknown {
            Self::comes_too_late(worker, objects, verdict.manifest.document, &kind)
        } else {
            None
        };
        let answers = &mut verdict.judgement.answers;
        if let Some(release) = &too_late {
            for answer in answers
                .iter_mut()
                .filter(|answer| answer.slug == codes::KIND_NOT_SERVED)
            {
                answer.message = format!(
                    "{}; {release} brings it, but all of one Kustomization is checked before any of it is applied: put this into one that depends on it",
                    answer.message
                );
            }
        }
        let before = answers.len();
        // What comes too late is missing all the same.
        answers.retain(|answer| {
            let is_late = too_late.is_some() && answer.slug == codes::KIND_NOT_SERVED;
            is_late || !self.brings(&key, answer)
        });
        let is_coming = answers.len() < before;
        // Whatever kind a CRD brings, its objects have the metadata of all.
        let object = objects.get(verdict.manifest.document);
        if let Some(built) = object.filter(|_| is_coming && unknown) {
            answers.extend(metadata_of_unserved_kind(&built.object));
        }
        if is_coming && answers.is_empty() && matches!(verdict.outcome, Outcome::Rejected) {
            verdict.outcome = Outcome::Accepted;
        }
        is_coming
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Coming;

    #[test]
    fn what_objects_bring_is_read_from_them() {
        let objects = [
            json!({ "kind": "Namespace", "metadata": { "name": "apps" } }),
            json!({ "kind": "CustomResourceDefinition", "spec": { "group": "x.io", "names": { "kind": "Gadget" } } }),
        ];
        let kinds = objects.iter().map(|object| object["kind"].as_str().unwrap_or_default());
        let coming = Coming::of(kinds.zip(&objects).map(|(kind, object)| (kind, object, false)));
        assert!(coming.namespaces.contains("apps") && !coming.has_charts);
        assert!(coming.kinds.contains(&("x.io".to_owned(), "Gadget".to_owned())));
    }
}
