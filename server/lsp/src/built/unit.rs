//! What is built on its own: the kustomization that is the target, or each Kustomization of a Flux repository.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use gitops_model::flux::{FluxObject, FluxSpec, Kustomization, Reference, Substitution, flux_component};
use gitops_model::kustomize::{self, Spot};
use gitops_render::{Built, BuiltObject, Fault, Kustomize};
use gitops_yaml::FieldPath;
use serde_json::{Value, json};

use super::worker::Worker;

/// How many Kustomizations of one target are built.
const MAX_UNITS: usize = 2_000;

/// A directory that is built on its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Unit {
    /// The directory, from the root.
    pub(super) path: String,
    /// The Flux Kustomization whose `path` it is.
    pub(super) flux: Option<FluxUnit>,
}

/// The Flux Kustomization of a unit.
#[derive(Clone, Debug)]
pub(super) struct FluxUnit {
    /// The object, as its own unit builds it.
    object: Value,
    /// Namespace and name.
    pub(super) name: (String, String),
    /// The file that it stands in, the number of its document, and its place in that; `None` for one that nobody wrote.
    pub(super) written: Option<(String, usize, FieldPath)>,
    /// Values for variables; `None` where nobody substitutes.
    variables: Option<BTreeMap<String, String>>,
    /// Whether a variable without a value is a fault: it is, where all values are known here.
    strict: bool,
}

/// What came of all units.
#[derive(Default)]
pub(super) struct AllBuilt {
    pub(super) units: Vec<Unit>,
    /// The objects, each with the number of its unit.
    pub(super) objects: Vec<(usize, BuiltObject)>,
    /// The units that could not be built, with the reason.
    pub(super) faults: Vec<(usize, Fault)>,
}

impl Unit {
    /// What is asked of the renderer to build it.
    pub(super) fn request(&self, tree: &str) -> Kustomize {
        let flux = self.flux.as_ref();
        Kustomize {
            tree: tree.to_owned(),
            path: self.path.clone(),
            origins: true,
            kustomization: flux.map(|flux| flux.object.clone()),
            variables: flux.and_then(|flux| flux.variables.clone()),
            strict: flux.is_some_and(|flux| flux.strict),
            ..Kustomize::default()
        }
    }

    /// Whether what it does not build any more is deleted: a Kustomization of Flux says so itself, and a session always does it.
    pub(super) fn prunes(&self) -> bool {
        let flux = self.flux.as_ref().filter(|flux| !flux.name.1.is_empty());
        flux.is_none_or(|flux| flux.object.pointer("/spec/prune") == Some(&Value::Bool(true)))
    }

    /// Where its Flux Kustomization is written.
    pub(super) fn spot(&self, tree: &kustomize::Tree) -> Option<Spot> {
        let (file, document, base) = self.flux.as_ref()?.written.clone()?;
        Some(Spot {
            sheet: tree.sheet(&file)?,
            document,
            path: base,
        })
    }
}

/// Builds the target and, where it is the entry of a Flux repository, all that follows from it.
pub(super) async fn build_all(worker: &mut Worker) -> AllBuilt {
    let mut all = AllBuilt::default();
    let root = Unit {
        path: worker.target.clone(),
        flux: worker.is_flux.then(|| FluxUnit {
            object: json!({ "spec": {} }),
            name: (String::new(), String::new()),
            written: None,
            variables: None,
            strict: false,
        }),
    };
    build_one(worker, root, &mut all).await;
    if !worker.is_flux {
        return all;
    }
    let mut seen = BTreeSet::new();
    let mut at = 0;
    let mut later: Vec<(Unit, Box<Kustomization>)> = Vec::new();
    while all.units.len() < MAX_UNITS {
        // Each object of what was built may be another Kustomization of this repository.
        while let Some((_, built)) = all.objects.get(at) {
            at += 1;
            if let Some(found) = unit_of(worker, built)
                && seen.insert(found.0.flux.as_ref().map(|flux| flux.name.clone()))
            {
                later.push(found);
            }
        }
        // One whose variables come from objects that are still to be built waits for them.
        let ready = later
            .iter()
            .position(|(_, kustomization)| values_are_known(kustomization, &all.objects));
        let Some(next) = ready.or((!later.is_empty()).then_some(0)) else {
            break;
        };
        let (mut unit, kustomization) = later.remove(next);
        if let Some(flux) = &mut unit.flux {
            flux.strict = ready.is_some();
            flux.variables = variables(&kustomization, &flux.name.0, &all.objects);
        }
        build_one(worker, unit, &mut all).await;
    }
    all
}

async fn build_one(worker: &mut Worker, unit: Unit, all: &mut AllBuilt) {
    let mut request = unit.request(worker.name_of_tree());
    request.overlay.clone_from(&worker.overlay);
    let number = all.units.len();
    all.units.push(unit);
    match worker.renderer.kustomize(&request).await {
        Ok(Built {
            objects, fault: None, ..
        }) => {
            // Flux itself is the sandbox's own, whatever version of it the repository has.
            let own = objects
                .into_iter()
                .filter(|built| flux_component(&built.object).is_none());
            all.objects.extend(own.map(|built| (number, built)));
        }
        Ok(Built { fault, .. }) => all.faults.push((number, fault.unwrap_or_default())),
        Err(gone) => all.faults.push((
            number,
            Fault {
                step: "build".to_owned(),
                message: gone.to_string(),
                object: None,
            },
        )),
    }
}

/// The unit that an object stands for: a Kustomization that builds a directory of this repository.
fn unit_of(worker: &mut Worker, built: &BuiltObject) -> Option<(Unit, Box<Kustomization>)> {
    let object = FluxObject::read(&built.object)?;
    let FluxSpec::Kustomization(kustomization) = object.spec else {
        return None;
    };
    let source = kustomization.source.as_ref()?;
    let is_own = source.kind == "GitRepository" && kustomization.directory != worker.target;
    if !is_own {
        return None;
    }
    let namespace = object.key.namespace.clone().unwrap_or_default();
    let written = placed_in(worker, built);
    let unit = Unit {
        path: kustomization.directory.clone(),
        flux: Some(FluxUnit {
            object: built.object.clone(),
            name: (namespace, object.key.name),
            written,
            variables: None,
            strict: true,
        }),
    };
    Some((unit, kustomization))
}

fn placed_in(worker: &mut Worker, built: &BuiltObject) -> Option<(String, usize, FieldPath)> {
    let (path, manifest) = super::placed::base(worker, built)?;
    Some((path, manifest.document, manifest.base))
}

fn find<'a>(reference: &Reference, namespace: &str, objects: &'a [(usize, BuiltObject)]) -> Option<&'a Value> {
    let wanted = reference.namespace.as_deref().unwrap_or(namespace);
    objects.iter().map(|(_, built)| &built.object).find(|object| {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        text("/kind") == Some(&reference.kind)
            && text("/metadata/name") == Some(&reference.name)
            && text("/metadata/namespace").is_none_or(|namespace| namespace == wanted)
    })
}

fn values_are_known(kustomization: &Kustomization, objects: &[(usize, BuiltObject)]) -> bool {
    kustomization.substitute_from.iter().all(|reference| {
        reference.is_optional || find(reference, "", objects).is_some() || {
            let namespace = reference.namespace.as_deref().unwrap_or_default();
            find(reference, namespace, objects).is_some()
        }
    })
}

/// The variables of a Kustomization, as kustomize-controller puts them together: those that it names itself go before
/// those of objects, and of these the last one counts.
fn variables(
    kustomization: &Kustomization,
    namespace: &str,
    objects: &[(usize, BuiltObject)],
) -> Option<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    for reference in &kustomization.substitute_from {
        let Some(object) = find(reference, namespace, objects) else {
            continue;
        };
        for field in ["data", "stringData"] {
            let entries = object.get(field).and_then(Value::as_object);
            for (key, value) in entries.into_iter().flatten() {
                let Some(text) = value.as_str() else { continue };
                let text = if reference.kind == "Secret" && field == "data" {
                    decoded(text)
                } else {
                    Some(text.to_owned())
                };
                variables.extend(text.map(|text| (key.clone(), text)));
            }
        }
    }
    variables.extend(kustomization.substitute.clone());
    match kustomization.substitution {
        Substitution::Never => None,
        Substitution::WithVariables => (!variables.is_empty()).then_some(variables),
        Substitution::Always => Some(variables),
    }
}

fn decoded(text: &str) -> Option<String> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    String::from_utf8(bytes).ok()
}
