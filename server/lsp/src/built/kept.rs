//! What is kept of a unit between saves, and when it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gitops_model::flux::{FluxObject, FluxSpec, Kustomization, SourceObject, flux_component};
use gitops_model::kustomize::Reads;
use gitops_model::{Finding, ObjectKey};
use gitops_render::fault::PlacedFault;
use gitops_render::{BuiltObject, Fault, ObjectId, OriginNote};
use gitops_session::Supplied;
use serde_json::Value;

use super::artifact::Generator;
use super::unit::{FluxUnit, Unit};
use super::worker::Worker;

/// A unit of so few objects is built whole in the time of a slice.
const SMALL: usize = 12;
/// A slice of more objects than this part of all is no faster than the whole.
const LARGEST_PART: usize = 2;

/// A unit as it was built last.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) unit: Unit,
    /// The objects, and each as it is sent. Both are with the worker except while it builds.
    pub(super) objects: Vec<BuiltObject>,
    pub(super) sent: Vec<Supplied>,
    /// Where objects come from in the unit's own tree, where that is not the work tree.
    pub(super) as_built: BTreeMap<usize, OriginNote>,
    /// The objects of Flux itself. They are not sent, but what changes them has an effect.
    pub(super) of_flux: Vec<BuiltObject>,
    pub(super) fault: Option<Fault>,
    /// Whether it could not be built because the renderer was not there: then it is tried again.
    pub(super) is_lost: bool,
    /// The files that it is built from.
    pub(super) reads: Reads,
    pub(super) brought: Brought,
    /// Whether some objects are only of a slice, and the whole is still to be built.
    pub(super) is_slice: bool,
    /// What of its kustomizations changes nothing; `None` until somebody asks.
    pub(super) unused: Option<Unused>,
    /// The fields of its kustomization that Flux drops, each with its file; `None` until somebody asks.
    pub(super) dropped: Option<Dropped>,
}

/// Fields that are dropped, each with its file.
pub(super) type Dropped = Arc<[(Arc<str>, Finding)]>;

/// What of the kustomizations of a unit changes nothing.
#[derive(Clone)]
pub(super) struct Unused {
    /// The text of the file of its Flux Kustomization: it can change, and lines in it move, without a build of the unit.
    pub(super) spec_in: Option<Arc<str>>,
    pub(super) found: Vec<PlacedFault>,
}

/// What other units follow from, among the objects of a unit.
#[derive(Default)]
pub(super) struct Brought {
    /// Kustomizations.
    pub(super) kustomizations: Vec<(Unit, Arc<Kustomization>)>,
    /// Generators of artifacts.
    pub(super) generators: Vec<Generator>,
    /// `GitRepository` objects: the object, and what it says.
    pub(super) repositories: Vec<(Arc<Value>, ObjectKey, Box<SourceObject>)>,
    /// Which objects are `ConfigMap`s and Secrets.
    pub(super) values: Vec<usize>,
}

impl Brought {
    /// Looks through the objects of a unit.
    pub(super) fn of(worker: &mut Worker, objects: &[BuiltObject]) -> Self {
        let mut brought = Self::default();
        for (index, built) in objects.iter().enumerate() {
            if matches!(kind_of(&built.object), "ConfigMap" | "Secret") {
                brought.values.push(index);
                continue;
            }
            let read = worker.readings.read(&built.object);
            let Some(FluxObject { key, spec }) = &read.flux else {
                continue;
            };
            let namespace = key.namespace.clone().unwrap_or_default();
            match spec {
                FluxSpec::Kustomization(kustomization) => {
                    let unit = Unit {
                        path: kustomization.directory.clone(),
                        flux: Some(FluxUnit {
                            object: Arc::clone(&built.object),
                            name: Arc::new((namespace, key.name.clone())),
                            written: placed_in(worker, built).map(Arc::new),
                            variables: None,
                            strict: true,
                        }),
                        artifact: None,
                    };
                    brought.kustomizations.push((unit, Arc::new((**kustomization).clone())));
                }
                FluxSpec::ArtifactGenerator(spec) => brought.generators.push(Generator {
                    namespace,
                    spec: (**spec).clone(),
                    written: placed_in(worker, built),
                }),
                FluxSpec::Source(source) if key.gvk.kind == "GitRepository" => {
                    let source = source.clone();
                    brought
                        .repositories
                        .push((Arc::clone(&built.object), key.clone(), source));
                }
                FluxSpec::Source(_) | FluxSpec::HelmRelease(_) => {}
            }
        }
        brought
    }
}

fn placed_in(worker: &mut Worker, built: &BuiltObject) -> Option<(String, usize, gitops_yaml::FieldPath)> {
    let written = worker.base(built)?;
    let manifest = &written.manifest;
    Some((written.path.clone(), manifest.document, manifest.base.clone()))
}

impl Kept {
    /// The objects that files feed, where that is all that a change of these files can change; `None` where the whole has to
    /// be built.
    pub(super) fn slice(&self, touched: &BTreeSet<&str>, restructured: &BTreeSet<String>) -> Option<Vec<ObjectId>> {
        let is_plain = |path: &&str| !restructured.contains(*path) && self.of_file(path).next().is_some();
        if self.fault.is_some() || self.objects.len() < SMALL || touched.is_empty() || !touched.iter().all(is_plain) {
            return None;
        }
        let fed = touched.iter().flat_map(|path| self.of_file(path));
        let only: Vec<ObjectId> = fed.map(|built| id_of(&built.object)).collect();
        (only.len() * LARGEST_PART < self.objects.len()).then_some(only)
    }

    /// The objects that stand in a file of the unit's tree.
    fn of_file(&self, path: &str) -> impl Iterator<Item = &BuiltObject> {
        let numbered = self.objects.iter().enumerate();
        let from = numbered.filter(move |(index, built)| {
            let origin = self.as_built.get(index).or(built.origin.as_ref());
            origin.is_some_and(|origin| origin.path == path)
        });
        from.map(|(_, built)| built)
    }

    /// Takes over the objects of a slice; false where one that was asked for is not there, so that the slice tells nothing.
    pub(super) fn take_slice(&mut self, only: &[ObjectId], slice: Vec<(BuiltObject, Supplied)>) -> bool {
        let ids: Vec<ObjectId> = slice.iter().map(|(built, _)| id_of(&built.object)).collect();
        if !only.iter().all(|id| ids.contains(id)) {
            return false;
        }
        let places: BTreeMap<ObjectId, usize> = self
            .objects
            .iter()
            .enumerate()
            .map(|(index, built)| (id_of(&built.object), index))
            .collect();
        for (id, (built, sent)) in ids.iter().zip(slice) {
            let Some(&index) = places.get(id) else { continue };
            if let (Some(own), Some(own_sent)) = (self.objects.get_mut(index), self.sent.get_mut(index)) {
                // What was run over it is told in full only by the whole.
                own.object = built.object;
                *own_sent = sent;
            }
        }
        self.is_slice = true;
        self.unused = None;
        true
    }
}

/// The objects of a build that are the user's, and those of Flux itself, which is the sandbox's own, whatever version of it
/// the repository has.
pub(super) fn own(objects: Vec<BuiltObject>) -> (Vec<BuiltObject>, Vec<BuiltObject>) {
    objects
        .into_iter()
        .partition(|built| flux_component(&built.object).is_none())
}

/// The identity of a built object.
pub(super) fn id_of(object: &Value) -> ObjectId {
    let text = |pointer: &str| {
        let text = object.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    ObjectId {
        api_version: text("/apiVersion"),
        kind: text("/kind"),
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name"),
    }
}

/// The kind of an object.
pub(super) fn kind_of(object: &Value) -> &str {
    object.get("kind").and_then(Value::as_str).unwrap_or_default()
}
