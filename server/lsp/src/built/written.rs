//! Which tree a unit is built from, and from places in it to the files of the work tree.

use std::sync::Arc;

use gitops_model::kustomize;
use gitops_model::{Want, place as place_field};
use gitops_render::origins::{Origins, Place, Question};
use gitops_render::{BuiltObject, Kustomize};
use gitops_yaml::FieldPath;

use super::artifact::Artifact;
use super::unit::Unit;
use super::worker::Worker;

impl Worker {
    /// The files that a unit is built from.
    pub(super) fn tree_of(&self, unit: &Unit) -> &kustomize::Tree {
        let artifact = unit.artifact.as_ref().and_then(|name| self.artifacts.get(name));
        artifact.map_or(self.tree.texts(), Artifact::tree)
    }

    /// Name of a unit's tree at the renderer.
    pub(super) fn tree_at_renderer(&self, unit: &Unit) -> &str {
        let artifact = unit.artifact.as_ref().and_then(|name| self.artifacts.get(name));
        artifact.map_or(self.name_of_tree(), Artifact::name_of_tree)
    }

    /// Where a file of a unit's tree is written in the work tree.
    pub(super) fn written(&self, unit: &Unit, path: &str) -> Option<Arc<str>> {
        let artifact = unit.artifact.as_ref().and_then(|name| self.artifacts.get(name))?;
        artifact.written(path).cloned()
    }

    /// A directory of the repository as it is in the workspace; `None` where it is outside of it.
    pub(super) fn inside(&self, path: &str) -> Option<String> {
        if self.prefix.is_empty() || path == self.prefix {
            return Some(if self.prefix.is_empty() {
                path.to_owned()
            } else {
                String::new()
            });
        }
        Some(path.strip_prefix(&self.prefix)?.strip_prefix('/')?.to_owned())
    }

    pub(super) fn is_source_of_target(&self, namespace: &str, name: &str) -> bool {
        let (own_namespace, own_name) = &self.source_of_target;
        own_namespace == namespace && own_name == name
    }

    /// What is needed to find the places of what a unit builds: its kustomizations, and what is asked to build it.
    pub(super) fn origins_of<'a>(&'a self, unit: &Unit, objects: &'a [BuiltObject]) -> (Origins<'a>, Kustomize) {
        let texts = self.tree.texts();
        let origins = Origins::read(self.tree_of(unit), &unit.path, unit.spot(texts));
        let origins = origins.with_values_of(texts).among(objects);
        (origins, unit.request(self.tree_at_renderer(unit)))
    }

    /// Who supplies a field of object number `index` of a unit, best first, in the files that a person has.
    pub(super) async fn suppliers(
        &self,
        unit: &Unit,
        (origins, request): &(Origins<'_>, Kustomize),
        (index, built): (usize, &BuiltObject),
        path: &FieldPath,
        want: Want,
    ) -> Vec<Place> {
        // Origins are looked for where it was built from, which is an artifact for some.
        let as_built = self.as_built.get(&index).map(|note| BuiltObject {
            origin: Some(note.clone()),
            ..built.clone()
        });
        let question = Question {
            built: as_built.as_ref().unwrap_or(built),
            path,
            want,
        };
        // A renderer that is gone leaves what structure says.
        let places = match origins.find(question, &*self.renderer, request).await {
            Ok(places) => places,
            Err(_) => origins.propose(question).places,
        };
        places.into_iter().map(|place| self.in_its_file(unit, place)).collect()
    }

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
