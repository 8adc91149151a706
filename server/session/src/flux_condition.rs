//! What an object of Flux says of itself: whether it is ready, and if not, why.

use gitops_model::{ObjectKey, at_pointer};
use serde_json::{Value, json};

use crate::actions::Suspension;
use crate::flux_object::was_called_off;

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
    at_pointer(object, pointer).and_then(Value::as_str).unwrap_or_default()
}

/// One of the conditions of an object.
pub(crate) fn condition<'a>(object: &'a Value, wanted: &str) -> Option<&'a Value> {
    let conditions = at_pointer(object, "/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| text(condition, "/type") == wanted)
}

/// Whether what an object says was said of the object as it is now, and not of one before an edit of it.
///
/// The controllers note a generation in the status only when they succeed or give up, in a condition always. That of a
/// condition is the one at the time when it was written (fluxcd/pkg/runtime/patch), which may be newer than what the
/// controller has looked at; so of two the one in the status counts.
pub(crate) fn is_of_this_generation(object: &Value) -> bool {
    let generation = at_pointer(object, "/metadata/generation");
    let ready = condition(object, "Ready");
    let in_status = at_pointer(object, "/status/observedGeneration");
    let in_condition = ready.and_then(|ready| ready.get("observedGeneration"));
    let is_true = ready.is_some_and(|ready| text(ready, "/status") == "True");
    let seen = if is_true {
        in_status.or(in_condition)
    } else {
        in_condition.or(in_status)
    };
    seen.is_some_and(|seen| Some(seen) == generation)
}

/// How an object is, by its own words alone.
pub(crate) fn readiness(object: &Value) -> Readiness {
    if at_pointer(object, "/spec/suspend") == Some(&json!(true)) {
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
        ("False", "HealthCheckCanceled") if !was_called_off(object) => Readiness::Waiting { message },
        ("False", "DependencyNotReady") if !is_about_what_is_not_there(&message) => Readiness::Blocked { message },
        ("False", "SourceNotReady" | "NoSourceArtifact") => Readiness::Blocked { message },
        ("False", "ArtifactFailed") if message.contains("retrying in") || message.contains("Retrying in") => {
            Readiness::Blocked { message }
        }
        ("False", reason) => first_cause(object, reason, message),
        _ => failed_attempt(object).unwrap_or(Readiness::Waiting { message }),
    }
}

/// A release whose attempt failed before anything was stored of it, as at a template or a schema: helm-controller tries
/// again, ever later, and until then says that it is under way.
fn failed_attempt(object: &Value) -> Option<Readiness> {
    let released = condition(object, "Released").filter(|released| text(released, "/status") == "False")?;
    let attempted = text(object, "/status/lastAttemptedRevision");
    let message = text(released, "/message");
    // What is left of an earlier attempt names another version of the chart, or is of another generation.
    let is_of_this = !attempted.is_empty()
        && message.contains(&format!("@{attempted}: "))
        && released.get("observedGeneration") == at_pointer(object, "/metadata/generation");
    is_of_this.then(|| Readiness::Failed {
        reason: text(released, "/reason").to_owned(),
        message: message.to_owned(),
    })
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
            | "HealthCheckCanceled"
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
    fn an_attempt_that_stored_nothing_has_failed_though_it_is_tried_again() {
        let attempt = |version: &str| {
            let mut object = release(json!([
                condition(
                    "Ready",
                    "Unknown",
                    "Progressing",
                    "Running 'upgrade' action with timeout of 20s"
                ),
                condition(
                    "Released",
                    "False",
                    "UpgradeFailed",
                    "Helm upgrade failed for release a/web with chart web@1: no"
                ),
            ]));
            object["status"]["lastAttemptedRevision"] = json!(version);
            object["status"]["conditions"][1]["observedGeneration"] = json!(1);
            readiness(&object)
        };
        assert!(matches!(attempt("1"), Readiness::Failed { .. }));
        assert!(
            matches!(attempt("2"), Readiness::Waiting { .. }),
            "that was the chart before"
        );
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
