//! The sources among what is built that are this workspace: Flux is to read them from the session.

use gitops_model::kustomize::read_kustomization;
use gitops_session::{BroughtObject, BroughtRepository};
use serde_json::Value;

use super::{FLUX_SYSTEM, Round, UnitName};
use crate::built::artifact::is_workspace;
use crate::built::worker::Worker;

impl Round {
    /// The sources that are this workspace, with the Kustomizations that lead to them.
    pub(super) fn repositories(&self, worker: &Worker) -> Vec<BroughtRepository> {
        let mut found = Vec::new();
        for name in &self.order {
            let Some(kept) = worker.kept.get(name) else { continue };
            for (object, key, source) in &kept.brought.repositories {
                let namespace = key.namespace.as_deref().unwrap_or(FLUX_SYSTEM);
                let is_own = is_workspace(&source.origin, &worker.remotes);
                if is_own && !worker.is_source_of_target(namespace, &key.name) {
                    found.push(BroughtRepository {
                        repository: brought(worker, name, object),
                        way: self.way(worker, name),
                    });
                }
            }
        }
        found
    }

    fn way(&self, worker: &Worker, name: &UnitName) -> Vec<BroughtObject> {
        let mut way = Vec::new();
        let mut at = name;
        // The parents of units are built before them, so that there is no cycle.
        while let Some(parent) = self.parents.get(at) {
            let flux = worker.kept.get(at).and_then(|kept| kept.unit.flux.as_ref());
            way.extend(flux.map(|flux| brought(worker, parent, &flux.object)));
            at = parent;
        }
        way.reverse();
        way
    }
}

/// An object as a unit brings it.
fn brought(worker: &Worker, by: &UnitName, object: &Value) -> BroughtObject {
    let is_moved = worker.kept.get(by).is_some_and(|kept| {
        let flux = kept.unit.flux.as_ref();
        let tree = worker.tree_of(&kept.unit);
        let sheet = tree
            .kustomization_file(&kept.unit.path)
            .and_then(|file| tree.sheet(&file));
        flux.is_some_and(|flux| flux.object.pointer("/spec/targetNamespace").is_some())
            || sheet.is_some_and(|sheet| read_kustomization(&sheet).namespace.is_some())
    });
    BroughtObject {
        object: object.clone(),
        is_moved,
    }
}
