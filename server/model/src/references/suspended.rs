//! What is suspended while others wait for it.

use std::collections::BTreeMap;

use super::ObjectFinding;
use super::index::Index;
use super::words::{listed, path, shown};
use crate::flux::{FluxObject, FluxSpec, Role};

/// On the `suspend` of each object that others wait for: what is suspended says nothing of itself, and those that wait
/// say that they wait.
pub(super) fn look(index: &Index<'_>, found: &mut Vec<ObjectFinding>) {
    let mut waiting: BTreeMap<usize, Vec<(usize, gitops_yaml::FieldPath)>> = BTreeMap::new();
    let is_suspended = |at: usize| index.flux_of(at).is_some_and(FluxObject::is_suspended);
    for (at, flux) in index.flux().filter(|(_, flux)| !flux.is_suspended()) {
        for reference in flux.references() {
            let waits = matches!(
                reference.role,
                Role::Source | Role::Chart | Role::Dependency | Role::Include
            );
            let namespace = reference.namespace.as_deref().unwrap_or_else(|| index.namespace(at));
            let other = index.find(&reference.group, &reference.kind, Some(namespace), &reference.name);
            if let Some(other) = other.filter(|other| waits && is_suspended(*other)) {
                waiting.entry(other).or_default().push((at, reference.field.clone()));
            }
        }
    }
    // What a Kustomization with `wait` brings has to become ready, and what is suspended does not.
    for (at, owner) in index.scene.owners.iter().enumerate() {
        let Some(owner) = owner.filter(|_| is_suspended(at)) else {
            continue;
        };
        let waits = index.flux_of(owner).is_some_and(|flux| {
            matches!(&flux.spec, FluxSpec::Kustomization(kustomization) if kustomization.waits && !kustomization.is_suspended)
        });
        if waits {
            waiting.entry(at).or_default().push((owner, path(&["spec", "wait"])));
        }
    }
    for (at, waiting) in waiting {
        // An ArtifactGenerator is switched off by an annotation, which has no place of this name.
        if index
            .object(at)
            .and_then(|object| object.pointer("/spec/suspend"))
            .is_none()
        {
            continue;
        }
        let mut names: Vec<String> = waiting.iter().map(|(waiting, _)| shown(index, *waiting)).collect();
        names.sort();
        names.dedup();
        let verb = if names.len() == 1 { "waits" } else { "wait" };
        let message = format!(
            "suspended, and {} {verb} for it: where it was never ready, such as in a sandbox, they are not reconciled",
            listed(&names)
        );
        let mut finding = ObjectFinding::warning(at, path(&["spec", "suspend"]), "suspended", message);
        for (other, field) in waiting {
            finding = finding.beside(other, field, "it is waited for here");
        }
        found.push(finding);
    }
}
