//! What an object of Flux says of itself beside its conditions: who it is, who makes it, what it names.

use gitops_model::at_pointer;
use serde_json::Value;

use crate::flux_condition::{condition, text};

/// The annotation that asks for a reconciliation now.
pub(crate) const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// The annotation that, with the same value, forgets earlier failures of a release (helm-controller, `ShouldHandleResetRequest`).
pub(crate) const RESET_AT: &str = "reconcile.fluxcd.io/resetAt";

/// Kind, namespace and name. The kinds that are seen here have names of their own, whatever version is served.
pub(crate) type Id = (String, String, String);

/// Whether a Kustomization has come so far that it looks at the health of what it has applied.
pub(crate) fn checks_health(object: &Value) -> bool {
    condition(object, "Reconciling").is_some_and(|running| {
        text(running, "/status") == "True"
            && text(running, "/message").starts_with("Running health checks for revision ")
    })
}

/// Whether the artifact of a chart is the one that its condition speaks of: conditions come before the rest of the status.
pub(crate) fn is_packaged(chart: &Value) -> bool {
    let ready = condition(chart, "Ready").filter(|ready| text(ready, "/status") == "True");
    let said = ready.and_then(|ready| text(ready, "/message").split_once("chart with version '"));
    let version = said.and_then(|(_, rest)| rest.split('\'').next());
    version.is_none_or(|version| version == text(chart, "/status/artifact/revision"))
}

/// Whether helm-controller is installing or upgrading a release now. A request would call that off: it counts as failed then.
pub(crate) fn is_under_way(object: &Value) -> bool {
    text(object, "/kind") == "HelmRelease"
        && condition(object, "Ready").is_some_and(|ready| {
            text(ready, "/status") == "Unknown" && text(ready, "/message").starts_with("Running '")
        })
}

/// Whether a release was called off by a request, and nothing comes after that: helm-controller counts an action whose health
/// check is called off as failed, and one that is not to be retried has failed for good.
pub(crate) fn was_called_off(object: &Value) -> bool {
    let is = |name: &str, status: &str, reason: &str| {
        let found = condition(object, name);
        found.is_some_and(|found| text(found, "/status") == status && text(found, "/reason") == reason)
    };
    text(object, "/kind") == "HelmRelease"
        && is("Ready", "False", "HealthCheckCanceled")
        && is("Stalled", "True", "RetriesExceeded")
}

pub(crate) fn generation(object: &Value) -> i64 {
    let generation = at_pointer(object, "/metadata/generation").and_then(Value::as_i64);
    generation.unwrap_or_default()
}

/// Whether a kind is one that values and variables come from.
pub(crate) fn is_data(kind: &str) -> bool {
    matches!(kind, "ConfigMap" | "Secret")
}

pub(crate) fn has_artifact(source: &Value) -> bool {
    !text(source, "/status/artifact/revision").is_empty()
}

pub(crate) fn requested_at(object: &Value) -> &str {
    at_pointer(object, "/metadata/annotations")
        .and_then(|annotations| annotations.get(REQUESTED_AT))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

pub(crate) fn id_of(object: &Value) -> Id {
    (
        text(object, "/kind").to_owned(),
        text(object, "/metadata/namespace").to_owned(),
        text(object, "/metadata/name").to_owned(),
    )
}

/// What a reference names, in the namespace of the object itself where it names none.
pub(crate) fn reference(object: &Value, pointer: &str) -> Option<Id> {
    reference_in(at_pointer(object, pointer)?, text(object, "/metadata/namespace"))
}

pub(crate) fn reference_in(reference: &Value, own_namespace: &str) -> Option<Id> {
    let (kind, name) = (text(reference, "/kind"), text(reference, "/name"));
    let namespace = Some(text(reference, "/namespace")).filter(|namespace| !namespace.is_empty());
    let is_whole = !kind.is_empty() && !name.is_empty();
    is_whole.then(|| {
        (
            kind.to_owned(),
            namespace.unwrap_or(own_namespace).to_owned(),
            name.to_owned(),
        )
    })
}

/// Namespace and name that a controller notes in labels of what it makes.
pub(crate) fn label(object: &Value, group: &str) -> Option<(String, String)> {
    let labels = at_pointer(object, "/metadata/labels")?;
    let of = |what: &str| labels.get(format!("{group}/{what}")).and_then(Value::as_str);
    Some((of("namespace")?.to_owned(), of("name")?.to_owned()))
}

/// The Kustomization that puts an object on the cluster.
pub(crate) fn owner(object: &Value) -> Option<Id> {
    let (namespace, name) = label(object, "kustomize.toolkit.fluxcd.io")?;
    Some(("Kustomization".to_owned(), namespace, name))
}

/// The `ConfigMap`s and Secrets that an object takes values or variables from.
pub(crate) fn data_of(object: &Value) -> Vec<Id> {
    let pointer = match text(object, "/kind") {
        "HelmRelease" => "/spec/valuesFrom",
        "Kustomization" => "/spec/postBuild/substituteFrom",
        _ => return Vec::new(),
    };
    let namespace = text(object, "/metadata/namespace");
    let entries = at_pointer(object, pointer).and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| reference_in(entry, namespace))
        .collect()
}
