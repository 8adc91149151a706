//! Flux's `Kustomization`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::artifact_path::in_artifact;
use super::reference::{Reference, Role};
use super::spec::Field;

/// The API group of Flux's Kustomizations.
pub(super) const GROUP: &str = "kustomize.toolkit.fluxcd.io";

/// When variables are substituted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Substitution {
    /// Never: there is no `postBuild`.
    Never,
    /// If there is at least one variable; a `${…}` stays as it is without.
    WithVariables,
    /// Always.
    Always,
}

/// Which part of a source a `Kustomization` builds, and what it makes of it (v1, v1beta2).
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the object's own, each a field of it"
)]
pub struct Kustomization {
    /// The directory in the source's artifact: without slashes at its ends, and empty for the whole.
    pub directory: String,
    /// The source.
    pub source: Option<Reference>,
    /// Kustomizations that must be ready first.
    pub depends_on: Vec<Reference>,
    /// Variables of its own.
    pub substitute: BTreeMap<String, String>,
    /// `ConfigMap`s and Secrets whose keys are variables; a later one goes before an earlier one, and
    /// [`substitute`](Self::substitute) before all of them.
    pub substitute_from: Vec<Reference>,
    /// What is done with `${…}` in what is built.
    pub substitution: Substitution,
    /// The namespace that everything is put into.
    pub target_namespace: Option<String>,
    /// Directories of kustomize components, relative to [`directory`](Self::directory), as they are written.
    pub components: Vec<String>,
    /// Whether components may be missing.
    pub ignores_missing_components: bool,
    /// What must be healthy for it to be ready, beside what it waits for anyway.
    pub health_checks: Vec<Reference>,
    /// Whether it waits for the health of everything that it applies.
    pub waits: bool,
    /// Whether it deletes what it does not build any more.
    pub prunes: bool,
    /// Whether it recreates objects whose immutable fields change.
    pub forces: bool,
    /// Whether it is suspended.
    pub is_suspended: bool,
    /// Everything else that it names.
    pub others: Vec<Reference>,
}

pub(super) fn read(object: &Value) -> Kustomization {
    let spec = Field::of(object).get("spec");
    let post_build = spec.get("postBuild");
    let substitute = post_build.get("substitute").value.and_then(Value::as_object);
    let substitute: BTreeMap<String, String> = substitute
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    let substitute_from: Vec<Reference> = post_build
        .get("substituteFrom")
        .items()
        .filter_map(|item| item.data(Role::Variables))
        .collect();
    let others = [
        spec.get("decryption").get("secretRef").secret(),
        spec.get("decryption").get("serviceAccountName").service_account(),
        spec.get("kubeConfig").cluster(),
        spec.get("serviceAccountName").service_account(),
    ];
    Kustomization {
        directory: in_artifact(spec.get("path").text().unwrap_or_default()),
        source: spec.get("sourceRef").source(Role::Source),
        depends_on: spec
            .get("dependsOn")
            .items()
            .filter_map(|item| item.of_kind(Role::Dependency, GROUP, "Kustomization"))
            .collect(),
        substitution: match post_build.get("substituteStrategy").text() {
            _ if !post_build.is_there() => Substitution::Never,
            Some("Always") => Substitution::Always,
            _ => Substitution::WithVariables,
        },
        substitute,
        substitute_from,
        target_namespace: spec.get("targetNamespace").owned(),
        components: spec.get("components").texts(),
        ignores_missing_components: spec.get("ignoreMissingComponents").is_true(),
        health_checks: spec
            .get("healthChecks")
            .items()
            .filter_map(|item| item.of_any_kind(Role::HealthCheck, ""))
            .collect(),
        waits: spec.get("wait").is_true(),
        prunes: spec.get("prune").is_true(),
        forces: spec.get("force").is_true(),
        is_suspended: spec.get("suspend").is_true(),
        others: others.into_iter().flatten().collect(),
    }
}

impl Kustomization {
    pub(super) fn references(&self) -> impl Iterator<Item = &Reference> {
        let lists = [
            &self.depends_on,
            &self.substitute_from,
            &self.health_checks,
            &self.others,
        ];
        self.source.iter().chain(lists.into_iter().flatten())
    }
}
