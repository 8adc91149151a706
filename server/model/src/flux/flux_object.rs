//! An object of Flux's, of whatever kind and version.

use serde_json::Value;

use super::artifact_generator::{self, ArtifactGenerator};
use super::helm_release::{self, HelmRelease};
use super::kustomization::{self, Kustomization};
use super::reference::{Reference, SOURCE_GROUP};
use super::source_object::{self, SourceObject};
use super::spec::{Field, key_of};
use crate::object::ObjectKey;

/// An object of Flux's and its identity.
#[derive(Clone, PartialEq, Debug)]
pub struct FluxObject {
    /// Its identity, with the version as written.
    pub key: ObjectKey,
    /// What it says.
    pub spec: FluxSpec,
}

/// What an object of Flux's says.
#[derive(Clone, PartialEq, Debug)]
pub enum FluxSpec {
    /// A `Kustomization`.
    Kustomization(Box<Kustomization>),
    /// A `HelmRelease`.
    HelmRelease(Box<HelmRelease>),
    /// A source.
    Source(Box<SourceObject>),
    /// An `ArtifactGenerator`.
    ArtifactGenerator(Box<ArtifactGenerator>),
}

impl FluxObject {
    /// Reads an object. `None` if it is none of Flux's, or one that neither brings nor uses artifacts.
    ///
    /// The version does not matter: fields kept their names and meaning from one to the next.
    /// A field that is not of its type is as good as left out; that it is wrong is for the schema to say.
    pub fn read(object: &Value) -> Option<Self> {
        // Most objects are none.
        let version = object.get("apiVersion")?.as_str()?;
        version.contains(".fluxcd.io/").then_some(())?;
        let key = key_of(object)?;
        let spec = match (key.gvk.group.as_str(), key.gvk.kind.as_str()) {
            (kustomization::GROUP, "Kustomization") => FluxSpec::Kustomization(Box::new(kustomization::read(object))),
            (helm_release::GROUP, "HelmRelease") => FluxSpec::HelmRelease(Box::new(helm_release::read(object))),
            (SOURCE_GROUP, kind) => FluxSpec::Source(Box::new(source_object::read(kind, object)?)),
            (artifact_generator::GROUP, "ArtifactGenerator") => {
                FluxSpec::ArtifactGenerator(Box::new(artifact_generator::read(object)))
            }
            _ => return None,
        };
        Some(Self { key, spec })
    }

    /// Every object that it names.
    pub fn references(&self) -> Vec<&Reference> {
        match &self.spec {
            FluxSpec::Kustomization(spec) => spec.references().collect(),
            FluxSpec::HelmRelease(spec) => spec.references().collect(),
            FluxSpec::Source(spec) => spec.references().collect(),
            FluxSpec::ArtifactGenerator(spec) => spec.sources.iter().map(|(_, source)| source).collect(),
        }
    }

    /// Whether it is told to do nothing.
    pub fn is_suspended(&self) -> bool {
        match &self.spec {
            FluxSpec::Kustomization(spec) => spec.is_suspended,
            FluxSpec::HelmRelease(spec) => spec.is_suspended,
            FluxSpec::Source(spec) => spec.is_suspended,
            FluxSpec::ArtifactGenerator(spec) => spec.is_disabled,
        }
    }
}

/// The version of Flux whose own component an object is: one of those that a bootstrap puts into a repository, and that
/// must not be put over a sandbox's own. The version is empty where the object does not say it.
pub fn flux_component(object: &Value) -> Option<&str> {
    let labels = Field::of(object).get("metadata").get("labels");
    let is_part = labels.get("app.kubernetes.io/part-of").text() == Some("flux");
    // The objects of a bootstrap that are the user's own, GitRepository and Kustomization, do not have the label.
    is_part.then(|| labels.get("app.kubernetes.io/version").text().unwrap_or_default())
}

#[cfg(test)]
#[path = "flux_object/tests.rs"]
mod tests;
