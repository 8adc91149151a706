//! What an object of Flux says of itself: whether it is ready, and whether that is about the newest save.

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
    /// Whether it is about the newest save: generation and revision are those that it brought.
    pub current: bool,
    /// The revision that it is about, where it has one.
    pub revision: String,
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
    /// It waits for another object of Flux.
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

/// What the conditions of an object say, and whether they are about a commit.
///
/// The generation that was observed, the revision that was attempted and the reason are read together: a Ready that is
/// left from before is no success.
pub(crate) fn condition(object: &Value, commit: &str) -> Condition {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let of_type = |wanted: &str| {
        conditions?
            .iter()
            .find(|condition| condition.get("type").and_then(Value::as_str) == Some(wanted))
    };
    let word = |condition: &Value, key: &str| {
        condition
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let generation = object.pointer("/metadata/generation");
    let observed = object.pointer("/status/observedGeneration") == generation;
    let ready = of_type("Ready");
    let of_this_generation = ready.is_some_and(|ready| {
        ready
            .get("observedGeneration")
            .is_none_or(|seen| Some(seen) == generation)
    });
    let revision = match text("/kind") {
        "Kustomization" => text("/status/lastAttemptedRevision"),
        "GitRepository" => text("/status/artifact/revision"),
        _ => "",
    };
    let waits = ready.is_some_and(|ready| word(ready, "reason") == "DependencyNotReady");
    let is_of_commit = match text("/kind") {
        // What waits for another attempts nothing, so the revision stays an older one.
        "Kustomization" if waits => true,
        "Kustomization" => revision.ends_with(commit) || !revision.contains("@sha1:"),
        _ => true,
    };
    let readiness = if object.pointer("/spec/suspend") == Some(&json!(true)) {
        Readiness::Suspended
    } else {
        match ready {
            Some(ready) if word(ready, "status") == "True" => Readiness::Ready,
            Some(ready) if word(ready, "reason") == "DependencyNotReady" => {
                let message = word(ready, "message");
                // What is not there at all will not come by waiting.
                if message.ends_with("not found") {
                    Readiness::Failed {
                        reason: word(ready, "reason"),
                        message,
                    }
                } else {
                    Readiness::Blocked { message }
                }
            }
            Some(ready) if word(ready, "status") == "False" => Readiness::Failed {
                reason: word(ready, "reason"),
                message: word(ready, "message"),
            },
            Some(ready) => Readiness::Waiting {
                message: word(ready, "message"),
            },
            None => Readiness::Waiting { message: String::new() },
        }
    };
    Condition {
        key: ObjectKey::of(object),
        readiness,
        current: (observed || waits) && of_this_generation && is_of_commit,
        revision: revision.to_owned(),
        suspension: Suspension::of(object),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Readiness, condition};

    #[test]
    fn a_ready_that_is_left_from_before_is_not_current() {
        let object = |attempted: &str, observed: u64| {
            json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": { "name": "apps", "namespace": "flux-system", "generation": 2 },
                "status": { "observedGeneration": observed, "lastAttemptedRevision": format!("main@sha1:{attempted}"),
                    "conditions": [{ "type": "Ready", "status": "True", "observedGeneration": observed }] },
            })
        };
        assert!(condition(&object("abc", 2), "abc").current);
        assert!(!condition(&object("abc", 1), "abc").current);
        assert!(!condition(&object("abc", 2), "bcd").current);
        assert_eq!(condition(&object("abc", 2), "bcd").readiness, Readiness::Ready);
    }
}
