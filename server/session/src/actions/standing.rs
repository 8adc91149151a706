//! How an object is on the sandbox: what a hover tells.

use std::time::SystemTime;

use futures::StreamExt as _;
use futures::stream;
use gitops_cluster::Cluster;
use gitops_model::{Gvk, ObjectKey};
use serde_json::Value;

use super::health::{Health, health};
use super::object_api::{ObjectApi, Refused, moment, text};
use super::suspension::Suspension;

/// How many objects of an inventory are looked at.
const MAX_HELD: usize = 200;
/// How many are asked for at once.
const AT_ONCE: usize = 8;
/// How many releases of a `HelmRelease` are told.
const MAX_RELEASES: usize = 5;

/// How an object is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The object, with the version that was asked for.
    pub key: ObjectKey,
    /// How it is, by its status.
    pub health: Health,
    /// Its `Ready` condition, or what its kind has in place of one.
    pub ready: Option<Ready>,
    /// The revision that it has applied or fetched; empty where it has none.
    pub revision: String,
    /// The revision that it tried last, where that is another one.
    pub attempted: String,
    /// When it was made.
    pub created: Option<SystemTime>,
    /// Who has fields of it, and of which subresource.
    pub managers: Vec<String>,
    /// Who suspended it; `None` where that is not known, or it is not suspended.
    pub suspension: Option<Suspension>,
    /// Whether it is suspended.
    pub is_suspended: bool,
    /// What it has applied.
    pub holds: Option<HeldObjects>,
    /// Its releases, newest first.
    pub releases: Vec<Release>,
}

/// A condition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ready {
    /// Its type: `Ready`, `Available`, …
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// A word.
    pub reason: String,
    /// What is said.
    pub message: String,
    /// Since when.
    pub since: Option<SystemTime>,
}

/// The objects that a Flux object has applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldObjects {
    /// How many.
    pub count: usize,
    /// How many of them were looked at.
    pub looked_at: usize,
    /// Which are not as they should be, with what is missing.
    pub not_ready: Vec<(ObjectKey, String)>,
}

/// A release of a `HelmRelease`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Release {
    /// Number of the release.
    pub version: u64,
    /// Chart with its version.
    pub chart: String,
    /// `deployed`, `failed`, …
    pub status: String,
    /// When it was deployed last.
    pub deployed: Option<SystemTime>,
}

/// How an object is; `None` when it is not on the sandbox.
pub async fn standing(cluster: &Cluster, key: &ObjectKey) -> Result<Option<Standing>, Refused> {
    let object = ObjectApi::new(cluster, key)?;
    let Some(live) = object.get().await? else {
        return Ok(None);
    };
    let mut standing = read(object.key, &live);
    let held = inventory(&live);
    if live.pointer("/status/inventory").is_some() {
        standing.holds = Some(held_objects(cluster, held).await);
    }
    Ok(Some(standing))
}

fn read(key: ObjectKey, live: &Value) -> Standing {
    let is_suspended = live.pointer("/spec/suspend") == Some(&Value::Bool(true));
    let revision = ["/status/lastAppliedRevision", "/status/artifact/revision"]
        .into_iter()
        .map(|pointer| text(live, pointer))
        .find(|revision| !revision.is_empty())
        .unwrap_or_default();
    let attempted = text(live, "/status/lastAttemptedRevision");
    Standing {
        health: health(live),
        ready: ready(live),
        revision: revision.to_owned(),
        attempted: if attempted == revision {
            String::new()
        } else {
            attempted.to_owned()
        },
        created: moment(text(live, "/metadata/creationTimestamp")),
        managers: managers(live),
        suspension: Suspension::of(live).filter(|_| is_suspended),
        is_suspended,
        holds: None,
        releases: releases(live),
        key,
    }
}

fn ready(live: &Value) -> Option<Ready> {
    let conditions = live.pointer("/status/conditions").and_then(Value::as_array)?;
    let kinds = ["Ready", "Available", "Complete", "Failed", "Established"];
    let condition = kinds
        .into_iter()
        .find_map(|kind| conditions.iter().find(|condition| text(condition, "/type") == kind))?;
    let word = |field: &str| text(condition, field).to_owned();
    Some(Ready {
        kind: word("/type"),
        status: word("/status"),
        reason: word("/reason"),
        message: word("/message"),
        since: moment(text(condition, "/lastTransitionTime")),
    })
}

fn managers(live: &Value) -> Vec<String> {
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    let mut names: Vec<String> = Vec::new();
    for entry in entries.into_iter().flatten() {
        let name = match text(entry, "/subresource") {
            "" => text(entry, "/manager").to_owned(),
            part => format!("{} ({part})", text(entry, "/manager")),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn releases(live: &Value) -> Vec<Release> {
    let history = live.pointer("/status/history").and_then(Value::as_array);
    history
        .into_iter()
        .flatten()
        .take(MAX_RELEASES)
        .filter(|snapshot| snapshot.get("chartName").is_some())
        .map(|snapshot| Release {
            version: snapshot.get("version").and_then(Value::as_u64).unwrap_or(0),
            chart: format!("{} {}", text(snapshot, "/chartName"), text(snapshot, "/chartVersion")),
            status: text(snapshot, "/status").to_owned(),
            deployed: moment(text(snapshot, "/lastDeployed")),
        })
        .collect()
}

/// What a Flux object says it has applied: identity, and the entry as it is written.
///
/// An entry is `NAMESPACE_NAME_GROUP_KIND` with the version beside it, and `__` for a colon in the name
/// (`sigs.k8s.io/cli-utils/pkg/object/objmetadata.go`).
pub(super) fn inventory(live: &Value) -> Vec<(ObjectKey, String)> {
    let entries = live.pointer("/status/inventory/entries").and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let id = text(entry, "/id");
            let (rest, kind) = id.rsplit_once('_')?;
            let (rest, group) = rest.rsplit_once('_')?;
            let (namespace, name) = rest.split_once('_')?;
            let key = ObjectKey {
                gvk: Gvk {
                    group: group.to_owned(),
                    version: text(entry, "/v").to_owned(),
                    kind: kind.to_owned(),
                },
                namespace: Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty()),
                name: name.replace("__", ":"),
            };
            Some((key, id.to_owned()))
        })
        .collect()
}

async fn held_objects(cluster: &Cluster, held: Vec<(ObjectKey, String)>) -> HeldObjects {
    let count = held.len();
    let looking = held.into_iter().take(MAX_HELD).map(|(key, _)| async move {
        let why = match ObjectApi::new(cluster, &key) {
            Ok(object) => match object.get().await {
                Ok(Some(live)) => not_current(health(&live)),
                Ok(None) => Some("it is gone".to_owned()),
                Err(Refused(reason)) => Some(reason),
            },
            Err(Refused(reason)) => Some(reason),
        };
        (key, why)
    });
    let looked_at: Vec<(ObjectKey, Option<String>)> = stream::iter(looking).buffered(AT_ONCE).collect().await;
    HeldObjects {
        count,
        looked_at: looked_at.len(),
        not_ready: looked_at
            .into_iter()
            .filter_map(|(key, why)| Some((key, why?)))
            .collect(),
    }
}

fn not_current(health: Health) -> Option<String> {
    match health {
        Health::Current => None,
        Health::InProgress(why) | Health::Failed(why) => Some(why),
        Health::Terminating => Some("it is being deleted".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use gitops_model::ObjectKey;
    use serde_json::json;

    use super::{inventory, read};

    #[test]
    fn an_inventory_names_objects() {
        let live = json!({ "status": { "inventory": { "entries": [
            { "id": "apps_web_apps_Deployment", "v": "v1" },
            { "id": "_apps__Namespace", "v": "v1" },
            { "id": "_system__node__x_rbac.authorization.k8s.io_ClusterRole", "v": "v1" },
        ] } } });
        let names: Vec<String> = inventory(&live).iter().map(|(key, _)| key.to_string()).collect();
        assert_eq!(
            names,
            ["Deployment/apps/web", "Namespace/apps", "ClusterRole/system:node:x"]
        );
    }

    #[test]
    fn a_release_tells_its_history() {
        let live = json!({ "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": { "managedFields": [{ "manager": "kustomize-controller" }, { "manager": "helm-controller", "subresource": "status" }] },
            "status": { "history": [{ "chartName": "demo", "chartVersion": "0.1.0", "version": 2, "status": "failed", "lastDeployed": "2026-01-02T03:04:05Z" }],
                "conditions": [{ "type": "Ready", "status": "False", "reason": "UpgradeFailed", "message": "no" }] } });
        let standing = read(ObjectKey::of(&live), &live);
        assert_eq!(standing.releases[0].chart, "demo 0.1.0");
        assert_eq!(standing.managers, ["kustomize-controller", "helm-controller (status)"]);
        assert_eq!(standing.ready.expect("it has one").reason, "UpgradeFailed");
    }
}
