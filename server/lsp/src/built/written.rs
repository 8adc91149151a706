//! From places in an artifact to the files of the work tree that they were copied from.

use std::sync::Arc;

use gitops_model::{Want, place as place_field};
use gitops_render::origins::Place;

use super::unit::Unit;
use super::worker::Worker;

impl Worker {
    /// A place that was found for an object of a unit, in the file that a person has.
    pub(super) fn in_its_file(&self, unit: &Unit, mut place: Place) -> Place {
        let Some(artifact) = unit.artifact.as_ref().and_then(|name| self.artifacts.get(name)) else {
            return place;
        };
        // The Flux Kustomization and what it takes variables from are found in the work tree itself, whose paths these are.
        let own = self.tree.texts().name(&place.origin.file);
        if own.is_some_and(|own| Arc::ptr_eq(own, &place.origin.file)) {
            return place;
        }
        let copied = place.origin.file.to_string();
        if let Some(written) = artifact.written(&copied) {
            place.origin.file = Arc::clone(written);
        }
        // What is merged stands in the last of its files that has it.
        for file in artifact.merged(&copied) {
            let Some(sheet) = self.tree.texts().sheet(file) else {
                continue;
            };
            let (base, path) = (&place.origin.base, &place.origin.path);
            let is_there = sheet.node(0, &base.join(path)).is_some();
            if let Some(document) = sheet.documents().first().filter(|_| is_there) {
                place.span = place_field(document, sheet.text(), base, path, Want::Value);
                place.origin.file = Arc::clone(file);
                break;
            }
        }
        place
    }
}
