//! What is built on its own: the kustomization that is the target, or each Kustomization of a Flux repository.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use gitops_model::at_pointer;
use gitops_model::flux::{Kustomization, Reference, Substitution};
use gitops_model::kustomize::{self, Spot};
use gitops_render::Kustomize;
use gitops_yaml::FieldPath;
use serde_json::{Value, json};

use super::artifact::ArtifactName;
use super::units::UnitName;

/// A directory that is built on its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Unit {
    /// The directory, from the root.
    pub(super) path: String,
    /// The Flux Kustomization whose `path` it is.
    pub(super) flux: Option<FluxUnit>,
    /// The artifact that it is a directory of; `None` for the work tree.
    pub(super) artifact: Option<ArtifactName>,
}

/// The Flux Kustomization of a unit.
#[derive(Clone, Debug)]
pub(super) struct FluxUnit {
    /// The object, as its own unit builds it.
    pub(super) object: Arc<Value>,
    /// Namespace and name.
    pub(super) name: UnitName,
    /// The file that it stands in, the number of its document, and its place in that; `None` for one that nobody wrote.
    pub(super) written: Option<Arc<(String, usize, FieldPath)>>,
    /// Values for variables; `None` where nobody substitutes.
    pub(super) variables: Option<BTreeMap<String, String>>,
    /// Whether a variable without a value is a fault: it is, where all values are known here.
    pub(super) strict: bool,
}

impl Unit {
    /// The target itself.
    pub(super) fn root(target: &str, is_flux: bool) -> Self {
        Self {
            path: target.to_owned(),
            flux: is_flux.then(|| FluxUnit {
                object: Arc::new(json!({ "spec": {} })),
                name: UnitName::default(),
                written: None,
                variables: None,
                strict: false,
            }),
            artifact: None,
        }
    }

    /// Namespace and name of its Flux Kustomization; empty for the target itself.
    pub(super) fn name(&self) -> UnitName {
        let name = self.flux.as_ref().map(|flux| Arc::clone(&flux.name));
        name.unwrap_or_default()
    }

    /// Whether the same is asked of the renderer to build another.
    pub(super) fn asks_the_same(&self, other: &Self) -> bool {
        let is_same = match (&self.flux, &other.flux) {
            (Some(own), Some(other)) => {
                own.strict == other.strict && own.variables == other.variables && own.object == other.object
            }
            (own, other) => own.is_none() && other.is_none(),
        };
        is_same && self.path == other.path && self.artifact == other.artifact
    }

    /// What is asked of the renderer to build it.
    pub(super) fn request(&self, tree: &str) -> Kustomize {
        let flux = self.flux.as_ref();
        Kustomize {
            tree: tree.to_owned(),
            path: self.path.clone(),
            origins: true,
            kustomization: flux.map(|flux| Arc::clone(&flux.object)),
            variables: flux.and_then(|flux| flux.variables.clone()),
            strict: flux.is_some_and(|flux| flux.strict),
            ..Kustomize::default()
        }
    }

    /// Whether what it does not build any more is deleted: a Kustomization of Flux says so itself, and a session always does it.
    pub(super) fn prunes(&self) -> bool {
        let flux = self.flux.as_ref().filter(|flux| !flux.name.1.is_empty());
        flux.is_none_or(|flux| at_pointer(&flux.object, "/spec/prune") == Some(&Value::Bool(true)))
    }

    /// Whether it is a directory of this repository that a Flux Kustomization names.
    pub(super) fn is_of_repository(&self) -> bool {
        let kind = self
            .flux
            .as_ref()
            .and_then(|flux| flux.object.pointer("/spec/sourceRef/kind"));
        kind.and_then(Value::as_str) == Some("GitRepository")
    }

    /// The variables that it is built with.
    pub(super) fn variables(&self) -> Option<&BTreeMap<String, String>> {
        self.flux.as_ref()?.variables.as_ref()
    }

    /// The file that its Flux Kustomization is written in.
    pub(super) fn written_in(&self) -> Option<&str> {
        let (file, ..) = &**self.flux.as_ref()?.written.as_ref()?;
        Some(file)
    }

    /// Where its Flux Kustomization is written.
    pub(super) fn spot(&self, tree: &kustomize::Tree) -> Option<Spot> {
        let (file, document, base) = &**self.flux.as_ref()?.written.as_ref()?;
        Some(Spot {
            sheet: tree.sheet(file)?,
            document: *document,
            path: base.clone(),
        })
    }
}

/// The variables of a Kustomization, as kustomize-controller puts them together: those that it names itself go before
/// those of objects, and of these the last one counts. `find` is the object that a reference means.
pub(super) fn variables<'a>(
    kustomization: &Kustomization,
    find: impl Fn(&Reference) -> Option<&'a Value>,
) -> Option<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    for reference in &kustomization.substitute_from {
        let Some(object) = find(reference) else { continue };
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
