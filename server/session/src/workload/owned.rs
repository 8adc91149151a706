//! An object that makes pods, or makes something that does: how far it is and what it says is wrong.

use gitops_cluster::answer::{Trouble, of_any_pod};
use gitops_model::ObjectKey;
use serde_json::Value;

use super::needs::Needs;
use super::reading::{Uid, condition, controller, entry, key, list, number, text};
use super::watch::Kind;

/// What is kept of it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that its status says, read by its name"
)]
pub(super) struct Owned {
    pub(super) kind: Kind,
    pub(super) key: ObjectKey,
    pub(super) controller: Option<Uid>,
    pub(super) generation: i64,
    /// Whether what is said of it is about what it is now.
    pub(super) is_observed: bool,
    /// Whether it is as far as it comes.
    pub(super) is_done: bool,
    /// Whether it has fewer pods than it wants.
    pub(super) lacks_pods: bool,
    /// Whether it has done all that it was to do.
    pub(super) has_succeeded: bool,
    /// The revision of the pods that count, where its pods have one.
    pub(super) revision_of_pods: Option<String>,
    /// The number of its revision among those of its owner.
    pub(super) revision: u64,
    /// When it was made, as text that sorts.
    pub(super) created: String,
    /// What it says itself.
    pub(super) troubles: Vec<Trouble>,
    /// What its pods need.
    pub(super) needs: Needs,
    /// Namespace and name of the Helm release of Flux that brought it.
    pub(super) release: Option<(String, String)>,
}

impl Owned {
    pub(super) fn read(kind: Kind, object: &Value) -> Self {
        let (api_version, name, _) = kind.names();
        let key = key(object, api_version, name);
        let controller = controller(object);
        let generation = number(object, "/metadata/generation").unwrap_or(0);
        let observed = number(object, "/status/observedGeneration").unwrap_or(0);
        let progress = Progress::read(kind, object);
        let helm = |what: &str| entry(object, "labels", &format!("helm.toolkit.fluxcd.io/{what}")).map(str::to_owned);
        Self {
            kind,
            needs: Needs::of(&key, object, controller.as_ref()),
            is_observed: !has_observed_generation(kind) || observed >= generation,
            is_done: progress.is_done,
            lacks_pods: progress.lacks_pods,
            has_succeeded: kind == Kind::Job && has(object, "Complete"),
            revision_of_pods: revision_of_pods(kind, object),
            revision: entry(object, "annotations", "deployment.kubernetes.io/revision")
                .and_then(|revision| revision.parse().ok())
                .unwrap_or(0),
            created: text(object, "/metadata/creationTimestamp").to_owned(),
            troubles: troubles(kind, object),
            release: helm("namespace").zip(helm("name")),
            key,
            controller,
            generation,
        }
    }
}

/// Whether a condition holds.
fn has(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| text(condition, "/status") == "True")
}

fn has_observed_generation(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet
    )
}

fn revision_of_pods(kind: Kind, object: &Value) -> Option<String> {
    let revision = match kind {
        Kind::StatefulSet => text(object, "/status/updateRevision"),
        Kind::DaemonSet => entry(object, "annotations", "deprecated.daemonset.template.generation").unwrap_or_default(),
        _ => "",
    };
    (!revision.is_empty()).then(|| revision.to_owned())
}

/// How far it is.
struct Progress {
    is_done: bool,
    lacks_pods: bool,
}

impl Progress {
    fn read(kind: Kind, object: &Value) -> Self {
        let count = |pointer: &str| number(object, pointer).and_then(|count| u64::try_from(count).ok());
        let of_status = |field: &str| count(&format!("/status/{field}")).unwrap_or(0);
        let wanted = count("/spec/replicas").unwrap_or(1);
        match kind {
            Kind::Deployment => {
                let (all, updated) = (of_status("replicas"), of_status("updatedReplicas"));
                let available = of_status("availableReplicas");
                let is_paused = object.pointer("/spec/paused") == Some(&Value::Bool(true));
                Self {
                    is_done: is_paused || (updated >= wanted && all == updated && available >= wanted),
                    lacks_pods: updated < wanted,
                }
            }
            Kind::ReplicaSet => Self {
                is_done: of_status("readyReplicas") >= wanted,
                lacks_pods: of_status("replicas") < wanted,
            },
            Kind::StatefulSet => {
                let rolls = text(object, "/spec/updateStrategy/type") != "OnDelete";
                let first = count("/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
                let updated = of_status("updatedReplicas") + first.min(wanted);
                let is_current = text(object, "/status/currentRevision") == text(object, "/status/updateRevision");
                Self {
                    is_done: of_status("readyReplicas") >= wanted && (!rolls || is_current || updated >= wanted),
                    lacks_pods: of_status("replicas") < wanted,
                }
            }
            Kind::DaemonSet => {
                let wanted = of_status("desiredNumberScheduled");
                let rolls = text(object, "/spec/updateStrategy/type") != "OnDelete";
                let is_updated = !rolls || of_status("updatedNumberScheduled") >= wanted;
                Self {
                    is_done: is_updated && of_status("numberAvailable") >= wanted,
                    lacks_pods: of_status("currentNumberScheduled") < wanted,
                }
            }
            Kind::Job => {
                let has_ended = ["Complete", "Failed", "Suspended"].iter().any(|end| has(object, end));
                let active = of_status("active");
                let started = active + of_status("succeeded") + of_status("failed");
                Self {
                    is_done: has_ended || (active > 0 && of_status("ready") >= active),
                    lacks_pods: !has_ended && started == 0,
                }
            }
            // It is there; its Jobs come in their time.
            _ => Self {
                is_done: true,
                lacks_pods: true,
            },
        }
    }
}

/// What its own conditions say is wrong.
fn troubles(kind: Kind, object: &Value) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    for condition in list(object, "/status/conditions") {
        let (type_of, status) = (text(condition, "/type"), text(condition, "/status"));
        let (reason, message) = (text(condition, "/reason"), text(condition, "/message"));
        match (kind, type_of, status) {
            // A Deployment repeats what its ReplicaSets say, older ones included (pkg/controller/deployment/sync.go,
            // `calculateStatus`), so those are asked.
            (Kind::ReplicaSet, "ReplicaFailure", "True") if reason == "FailedCreate" => {
                troubles.push(Trouble::NotCreated {
                    text: of_any_pod(message),
                });
            }
            (Kind::Deployment, "Progressing", "False") if reason == "ProgressDeadlineExceeded" => {
                troubles.push(Trouble::Deadline {
                    text: message.to_owned(),
                });
            }
            (Kind::Deployment, "Progressing", "False") if reason == "ReplicaSetCreateError" => {
                troubles.push(Trouble::NotCreated {
                    text: message.to_owned(),
                });
            }
            (Kind::Job, "Failed", "True") => troubles.push(Trouble::Failed {
                reason: reason.to_owned(),
                text: message.to_owned(),
            }),
            _ => {}
        }
    }
    troubles
}
