//! What is missing only until Flux has brought it.

use std::collections::BTreeSet;
use std::sync::Arc;

use gitops_cluster::answer::{Answer, codes, metadata_of_unserved_kind};
use gitops_model::at_pointer;
use gitops_model::references::ReadObject;
use gitops_render::BuiltObject;
use gitops_session::{ObjectVerdict, Outcome};

use super::releases::Releases;
use super::worker::Worker;

/// What the objects of a Flux repository bring: it is missing until Flux has applied it, and then it is there.
#[derive(Default)]
pub(super) struct Coming {
    namespaces: BTreeSet<String>,
    /// Group and kind.
    kinds: BTreeSet<(String, String)>,
    /// Whether charts are installed that are not known here, which can bring any kind.
    has_charts: bool,
}

impl Coming {
    pub(super) fn of(objects: &[BuiltObject], read: &[Arc<ReadObject>], releases: &Releases) -> Self {
        let mut coming = Self::default();
        for (number, (built, read)) in objects.iter().zip(read).enumerate() {
            let text = |pointer: &str| {
                let text = at_pointer(&built.object, pointer).and_then(serde_json::Value::as_str);
                text.unwrap_or_default().to_owned()
            };
            match read.key.gvk.kind.as_str() {
                "Namespace" => {
                    coming.namespaces.insert(read.key.name.clone());
                }
                "CustomResourceDefinition" => {
                    coming.kinds.insert((text("/spec/group"), text("/spec/names/kind")));
                }
                "HelmRelease" => {
                    coming.has_charts |= !releases.renders(number);
                    if at_pointer(&built.object, "/spec/install/createNamespace") == Some(&true.into()) {
                        coming.namespaces.insert(text("/spec/targetNamespace"));
                    }
                }
                _ => {}
            }
        }
        coming
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
        let key = &verdict.manifest.key;
        let namespace = key.namespace.as_deref().unwrap_or("default");
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
        answers.retain(|answer| match answer.slug {
            codes::NAMESPACE_NOT_FOUND => !self.namespaces.contains(namespace),
            codes::KIND_NOT_SERVED => {
                let comes = self.kinds.contains(&kind) || (self.has_charts && answer.may_come);
                too_late.is_some() || !comes
            }
            _ => true,
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
