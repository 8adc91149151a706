//! What an object of Flux says of itself: whether it is ready, and if not, why.

use gitops_model::ObjectKey;
use serde_json::{Value, json};

use crate::actions::Suspension;

/// What Flux says about an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition {
    /// Which object.
    pub key: ObjectKey,
    /// How it is.
    pub readiness: Readiness,
    /// Whether it is about the newest save: generation, revision and reconcile request are those that it brought.
    pub current: bool,
    /// The revision that it is about, where it has one.
    pub revision: String,
    /// The `HelmRelease` that a `HelmChart` was made for: namespace and name. Nobody has written such a chart.
    pub made_for: Option<(String, String)>,
    /// Who suspended it, where somebody did with a command of ours.
    pub suspension: Option<Suspension>,
}

/// How an object of Flux is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Readiness {
    /// Ready.
    Ready,
    /// Not yet.
    Waiting {
        /// What it waits for.
        message: String,
    },
    /// It waits for another object of Flux, which says by itself what is wrong.
    Blocked {
        /// Which one, in Flux's words.
        message: String,
    },
    /// It failed.
    Failed {
        /// Flux's reason, such as `BuildFailed`.
        reason: String,
        /// Flux's message.
        message: String,
    },
    /// It is suspended.
    Suspended,
    /// It is gone.
    Gone,
}

/// A text of an object, empty where it has none.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// One of the conditions of an object.
pub(crate) fn condition<'a>(object: &'a Value, wanted: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| text(condition, "/type") == wanted)
}

/// Whether what an object says was said of the object as it is now, and not of one before an edit of it.
///
/// The controllers note a generation in the status only when they succeed or give up, in a condition always.
pub(crate) fn is_of_this_generation(object: &Value) -> bool {
    let generation = object.pointer("/metadata/generation");
    let seen = condition(object, "Ready").and_then(|ready| ready.get("observedGeneration"));
    match seen.or_else(|| object.pointer("/status/observedGeneration")) {
        Some(seen) => Some(seen) == generation,
        None => false,
    }
}

/// How an object is, by its own words alone.
pub(crate) fn readiness(object: &Value) -> Readiness {
    if object.pointer("/spec/suspend") == Some(&json!(true)) {
        return Readiness::Suspended;
    }
    if !has_conditions(object) {
        return Readiness::Ready;
    }
    let Some(ready) = condition(object, "Ready") else {
        return Readiness::Waiting { message: String::new() };
    };
    let message = text(ready, "/message").to_owned();
    match (text(ready, "/status"), text(ready, "/reason")) {
        ("True", _) => Readiness::Ready,
        ("False", "HealthCheckCanceled") => Readiness::Waiting { message },
        ("False", "DependencyNotReady") if !is_about_what_is_not_there(&message) => Readiness::Blocked { message },
        ("False", "SourceNotReady" | "NoSourceArtifact") => Readiness::Blocked { message },
        ("False", "ArtifactFailed") if message.contains("retrying in") || message.contains("Retrying in") => {
            Readiness::Blocked { message }
        }
        ("False", reason) => first_cause(object, reason, message),
        _ => Readiness::Waiting { message },
    }
}

/// A registry is looked into only when a chart is wanted; it has nothing to say itself.
fn has_conditions(object: &Value) -> bool {
    let is_registry = text(object, "/kind") == "HelmRepository"
        && (text(object, "/spec/type") == "oci" || text(object, "/spec/url").starts_with("oci://"));
    !is_registry || condition(object, "Ready").is_some()
}

/// Kustomizations and releases have different words for a dependency that does not exist.
fn is_about_what_is_not_there(message: &str) -> bool {
    message.ends_with("not found") || message.contains("' not found: ")
}

/// Of a release that gave up, or was rolled back, what went wrong in the first place: what it says last is what was done
/// about that.
fn first_cause(object: &Value, reason: &str, message: String) -> Readiness {
    let is_consequence = matches!(
        reason,
        "RetriesExceeded"
            | "MissingRollbackTarget"
            | "RollbackSucceeded"
            | "RollbackFailed"
            | "UninstallSucceeded"
            | "UninstallFailed"
    );
    let earlier = ["Released", "TestSuccess"]
        .into_iter()
        .filter_map(|name| condition(object, name))
        .find(|earlier| text(earlier, "/status") == "False");
    match earlier {
        Some(earlier) if is_consequence => Readiness::Failed {
            reason: text(earlier, "/reason").to_owned(),
            message: text(earlier, "/message").to_owned(),
        },
        _ => Readiness::Failed {
            reason: reason.to_owned(),
            message,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Readiness, readiness};

    fn release(conditions: Value) -> Value {
        json!({
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": { "name": "web", "namespace": "apps", "generation": 1 },
            "status": { "conditions": conditions },
        })
    }

    fn condition(name: &str, status: &str, reason: &str, message: &str) -> Value {
        json!({ "type": name, "status": status, "reason": reason, "message": message })
    }

    #[test]
    fn what_a_release_gave_up_on_is_what_went_wrong_first() {
        let object = release(json!([
            condition(
                "Ready",
                "False",
                "RollbackSucceeded",
                "Helm rollback to previous release succeeded"
            ),
            condition("Released", "False", "UpgradeFailed", "Helm upgrade failed: tag needed"),
            condition(
                "Remediated",
                "True",
                "RollbackSucceeded",
                "Helm rollback to previous release succeeded"
            ),
        ]));
        let expected = Readiness::Failed {
            reason: "UpgradeFailed".to_owned(),
            message: "Helm upgrade failed: tag needed".to_owned(),
        };
        assert_eq!(readiness(&object), expected);
    }

    #[test]
    fn waiting_for_another_is_no_failure_and_for_what_is_not_there_is_one() {
        let said = |message: &str| {
            readiness(&release(json!([condition(
                "Ready",
                "False",
                "DependencyNotReady",
                message
            )])))
        };
        assert!(matches!(
            said("dependency 'apps/db' is not ready"),
            Readiness::Blocked { .. }
        ));
        let missing = "unable to get 'apps/db' dependency: helmreleases.helm.toolkit.fluxcd.io \"db\" not found";
        assert!(matches!(said(missing), Readiness::Failed { .. }));
    }
}
