//! Whether an object is as it should be, by what its status says: the rules of kstatus
//! (`sigs.k8s.io/cli-utils/pkg/kstatus/status`, `core.go` and `status.go`), by which Flux waits, too.

use serde_json::Value;

use super::object_api::text;

/// How an object is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Health {
    /// As it should be.
    Current,
    /// Not yet; what is missing.
    InProgress(String),
    /// It will not come by waiting; why.
    Failed(String),
    /// It is being deleted.
    Terminating,
}

/// How an object is.
pub fn health(object: &Value) -> Health {
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Health::Terminating;
    }
    let generation = object.pointer("/metadata/generation");
    if let Some(observed) = object.pointer("/status/observedGeneration")
        && generation.is_some_and(|generation| generation != observed)
    {
        return Health::InProgress("its controller has not seen the newest state".to_owned());
    }
    if let Some(stalled) = condition(object, "Stalled", "True") {
        return Health::Failed(words(stalled));
    }
    if let Some(reconciling) = condition(object, "Reconciling", "True") {
        return Health::InProgress(words(reconciling));
    }
    let group = text(object, "/apiVersion")
        .split_once('/')
        .map_or("", |(group, _)| group);
    match (group, text(object, "/kind")) {
        ("apps", "Deployment") => deployment(object),
        ("apps", "StatefulSet" | "ReplicaSet") => replicas(object),
        ("apps", "DaemonSet") => daemon_set(object),
        ("batch", "Job") => job(object),
        ("", "Pod") => pod(object),
        ("", "PersistentVolumeClaim") => match text(object, "/status/phase") {
            "Bound" => Health::Current,
            phase => Health::InProgress(format!("the claim is {phase}")),
        },
        ("", "Namespace") => match text(object, "/status/phase") {
            "Terminating" => Health::Terminating,
            _ => Health::Current,
        },
        ("apiextensions.k8s.io", "CustomResourceDefinition") => match condition(object, "Established", "True") {
            Some(_) => Health::Current,
            None => Health::InProgress("its kind is not served yet".to_owned()),
        },
        _ => of_ready(object),
    }
}

fn of_ready(object: &Value) -> Health {
    if let Some(not) = condition(object, "Ready", "False") {
        return Health::InProgress(words(not));
    }
    match condition(object, "Ready", "Unknown") {
        Some(unknown) => Health::InProgress(words(unknown)),
        None => Health::Current,
    }
}

fn number(object: &Value, pointer: &str) -> u64 {
    object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// How many replicas are wanted: one, where nothing is written.
fn wanted(object: &Value) -> u64 {
    object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1)
}

fn short_of(have: u64, want: u64, what: &str) -> Option<Health> {
    (have < want).then(|| Health::InProgress(format!("{have} of {want} {what}")))
}

fn deployment(object: &Value) -> Health {
    if let Some(progressing) = condition(object, "Progressing", "False")
        && text(progressing, "/reason") == "ProgressDeadlineExceeded"
    {
        return Health::Failed(words(progressing));
    }
    let want = wanted(object);
    let updated = number(object, "/status/updatedReplicas");
    let replicas = number(object, "/status/replicas");
    short_of(replicas, want, "pods are there")
        .or_else(|| short_of(updated, want, "pods are of the newest template"))
        .or_else(|| {
            (replicas > want).then(|| Health::InProgress(format!("{} old pods are still there", replicas - want)))
        })
        .or_else(|| short_of(number(object, "/status/availableReplicas"), want, "pods are available"))
        .or_else(|| short_of(number(object, "/status/readyReplicas"), want, "pods are ready"))
        .unwrap_or(Health::Current)
}

fn replicas(object: &Value) -> Health {
    let want = wanted(object);
    short_of(number(object, "/status/replicas"), want, "pods are there")
        .or_else(|| short_of(number(object, "/status/readyReplicas"), want, "pods are ready"))
        .unwrap_or(Health::Current)
}

fn daemon_set(object: &Value) -> Health {
    let want = number(object, "/status/desiredNumberScheduled");
    short_of(
        number(object, "/status/updatedNumberScheduled"),
        want,
        "pods are of the newest template",
    )
    .or_else(|| short_of(number(object, "/status/numberAvailable"), want, "pods are available"))
    .or_else(|| short_of(number(object, "/status/numberReady"), want, "pods are ready"))
    .unwrap_or(Health::Current)
}

/// A Job that runs is current for kstatus: only one that failed is not.
fn job(object: &Value) -> Health {
    if let Some(failed) = condition(object, "Failed", "True") {
        return Health::Failed(words(failed));
    }
    let has_begun = object.pointer("/status/startTime").is_some();
    if has_begun || condition(object, "Complete", "True").is_some() || condition(object, "Suspended", "True").is_some()
    {
        return Health::Current;
    }
    Health::InProgress("the job has not begun".to_owned())
}

fn pod(object: &Value) -> Health {
    match text(object, "/status/phase") {
        "Succeeded" => Health::Current,
        "Failed" => Health::Failed(text(object, "/status/message").to_owned()),
        _ if condition(object, "Ready", "True").is_some() => Health::Current,
        _ => match waiting(object) {
            Some(why) if why.starts_with("CrashLoopBackOff") => Health::Failed(why),
            Some(why) => Health::InProgress(why),
            None => Health::InProgress(condition(object, "PodScheduled", "False").map_or_else(String::new, words)),
        },
    }
}

fn waiting(pod: &Value) -> Option<String> {
    let statuses = pod.pointer("/status/containerStatuses").and_then(Value::as_array)?;
    let waiting = statuses.iter().find_map(|status| status.pointer("/state/waiting"))?;
    Some(words(waiting))
}

/// The condition of a type, if it has this status.
pub(super) fn condition<'a>(object: &'a Value, kind: &str, status: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array)?;
    conditions
        .iter()
        .find(|condition| text(condition, "/type") == kind && text(condition, "/status") == status)
}

/// `Reason: message`, as far as there are any.
fn words(condition: &Value) -> String {
    match (text(condition, "/reason"), text(condition, "/message")) {
        ("", message) => message.to_owned(),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Health, health};

    #[test]
    fn a_deployment_is_current_when_all_pods_of_the_newest_template_are_there() {
        let deployment = |updated: u64, available: u64| {
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "generation": 2 }, "spec": { "replicas": 2 },
                "status": { "observedGeneration": 2, "replicas": 2, "updatedReplicas": updated, "availableReplicas": available, "readyReplicas": available } })
        };
        assert_eq!(health(&deployment(2, 2)), Health::Current);
        assert_eq!(
            health(&deployment(1, 2)),
            Health::InProgress("1 of 2 pods are of the newest template".to_owned())
        );
        assert_eq!(
            health(&deployment(2, 0)),
            Health::InProgress("0 of 2 pods are available".to_owned())
        );
        let mut behind = deployment(2, 2);
        behind["metadata"]["generation"] = json!(3);
        assert!(matches!(health(&behind), Health::InProgress(_)));
    }

    #[test]
    fn what_has_no_status_is_current_and_what_is_not_ready_says_why() {
        assert_eq!(
            health(&json!({ "apiVersion": "v1", "kind": "ConfigMap" })),
            Health::Current
        );
        let object = json!({ "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "status": { "conditions": [{ "type": "Ready", "status": "False", "reason": "BuildFailed", "message": "no" }] } });
        assert_eq!(health(&object), Health::InProgress("BuildFailed: no".to_owned()));
        let stalled = json!({ "kind": "HelmRelease", "apiVersion": "helm.toolkit.fluxcd.io/v2",
            "status": { "conditions": [{ "type": "Stalled", "status": "True", "reason": "RetriesExceeded", "message": "" }] } });
        assert_eq!(health(&stalled), Health::Failed("RetriesExceeded".to_owned()));
    }
}
