//! The events of an object and of what it owns: pods of a workload, objects that Flux has applied.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use futures::stream;
use gitops_cluster::Cluster;
use gitops_cluster::kube::api::{Api, ApiResource, DynamicObject, ListParams};
use gitops_model::{Gvk, ObjectKey};
use serde_json::Value;

use super::object_api::{ObjectApi, Refused, limited, resource, text, whole};
use super::standing::inventory;

/// How many events are returned at most; the newest are.
const MAX_EVENTS: usize = 200;
/// How many objects of one kind, or events, of one namespace are read.
const MAX_LISTED: u32 = 2_000;
/// How many namespaces are looked into for what a Kustomization has applied.
const MAX_NAMESPACES: usize = 20;
/// How many namespaces are looked into at once.
const AT_ONCE: usize = 4;
/// The kinds that others make for an object.
const OWNED: [(&str, &str, &str); 4] = [
    ("apps", "v1", "ReplicaSet"),
    ("batch", "v1", "Job"),
    ("", "v1", "Pod"),
    ("source.toolkit.fluxcd.io", "v1", "HelmChart"),
];

/// An event.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ObjectEvent {
    /// When it came last, as RFC 3339 has it.
    pub time: String,
    /// `Normal` or `Warning`.
    pub kind: String,
    /// A word for it, such as `FailedCreate`.
    pub reason: String,
    /// The object that it is about.
    pub object: String,
    /// What is said.
    pub message: String,
    /// How often it came.
    pub count: u64,
}

/// The newest events of an object and of what it owns, newest last.
pub async fn events(cluster: &Cluster, key: &ObjectKey) -> Result<Vec<ObjectEvent>, Refused> {
    let object = ObjectApi::new(cluster, key)?;
    let live = object.live().await?;
    let mut roots = vec![object.key.clone()];
    roots.extend(inventory(&live).into_iter().map(|(key, _)| key));
    let mut namespaces: BTreeSet<String> = roots.iter().filter_map(|key| key.namespace.clone()).collect();
    if namespaces.is_empty() {
        // Events about what is in no namespace are in the default one.
        namespaces.insert("default".to_owned());
    }
    let looking = namespaces
        .into_iter()
        .take(MAX_NAMESPACES)
        .map(|namespace| events_in(cluster, namespace, &roots));
    let found: Vec<Result<Vec<ObjectEvent>, Refused>> = stream::iter(looking).buffered(AT_ONCE).collect().await;
    let mut all = Vec::new();
    for events in found {
        all.extend(events?);
    }
    all.sort();
    Ok(all.split_off(all.len().saturating_sub(MAX_EVENTS)))
}

async fn events_in(cluster: &Cluster, namespace: String, roots: &[ObjectKey]) -> Result<Vec<ObjectEvent>, Refused> {
    let mut owned = BTreeMap::new();
    for (group, version, kind) in OWNED {
        let gvk = Gvk {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        };
        for object in list(cluster, &namespace, &gvk).await? {
            owned.insert(ObjectKey::of(&object), owners(&object));
        }
    }
    let names = with_owned(roots, &owned);
    let event = Gvk {
        group: String::new(),
        version: "v1".to_owned(),
        kind: "Event".to_owned(),
    };
    let events = list(cluster, &namespace, &event).await?;
    Ok(events.iter().filter_map(|event| read(event, &names)).collect())
}

async fn list(cluster: &Cluster, namespace: &str, gvk: &Gvk) -> Result<Vec<Value>, Refused> {
    let kinds = cluster.kinds();
    let Some(served) = kinds.get(gvk) else {
        return Ok(Vec::new());
    };
    let resource: ApiResource = resource(gvk, served);
    let api: Api<DynamicObject> = Api::namespaced_with(cluster.client().clone(), namespace, &resource);
    let about = ObjectKey {
        gvk: gvk.clone(),
        namespace: Some(namespace.to_owned()),
        name: "*".to_owned(),
    };
    let parameters = ListParams::default().limit(MAX_LISTED);
    let found = limited(&about, api.list(&parameters)).await?;
    Ok(found
        .items
        .iter()
        .filter_map(|object| whole(object, &resource))
        .collect())
}

/// Kind and name of whoever made an object.
fn owners(object: &Value) -> Vec<(String, String)> {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners
        .into_iter()
        .flatten()
        .map(|owner| (text(owner, "/kind").to_owned(), text(owner, "/name").to_owned()))
        .collect()
}

/// Kind, namespace and name of the objects, and of what is made for them.
fn with_owned(
    roots: &[ObjectKey],
    made: &BTreeMap<ObjectKey, Vec<(String, String)>>,
) -> BTreeSet<(String, Option<String>, String)> {
    let name = |key: &ObjectKey| (key.gvk.kind.clone(), key.namespace.clone(), key.name.clone());
    let mut names: BTreeSet<_> = roots.iter().map(name).collect();
    // A CronJob has Jobs, which have pods: nothing is deeper.
    for _ in 0..3 {
        let more: Vec<_> = made
            .iter()
            .filter(|(key, owners)| {
                let owned = |(kind, owner): &(String, String)| {
                    names.contains(&(kind.clone(), key.namespace.clone(), owner.clone()))
                };
                owners.iter().any(owned)
            })
            .map(|(key, _)| name(key))
            .collect();
        names.extend(more);
    }
    names
}

fn read(event: &Value, names: &BTreeSet<(String, Option<String>, String)>) -> Option<ObjectEvent> {
    let about = |field: &str| text(event, &format!("/involvedObject/{field}")).to_owned();
    let namespace = Some(about("namespace")).filter(|namespace| !namespace.is_empty());
    let (kind, name) = (about("kind"), about("name"));
    if !names.contains(&(kind.clone(), namespace.clone(), name.clone())) {
        return None;
    }
    // Old and new events say the time in different places (`core/v1` Event).
    let times = [
        "/series/lastObservedTime",
        "/lastTimestamp",
        "/eventTime",
        "/firstTimestamp",
    ];
    let time = times
        .into_iter()
        .map(|pointer| text(event, pointer))
        .find(|time| !time.is_empty())
        .unwrap_or_else(|| text(event, "/metadata/creationTimestamp"));
    let count = event.pointer("/series/count").or_else(|| event.get("count"));
    Some(ObjectEvent {
        time: time.to_owned(),
        kind: text(event, "/type").to_owned(),
        reason: text(event, "/reason").to_owned(),
        object: match namespace {
            Some(namespace) => format!("{kind}/{namespace}/{name}"),
            None => format!("{kind}/{name}"),
        },
        message: text(event, "/message").trim().to_owned(),
        count: count.and_then(Value::as_u64).unwrap_or(1),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gitops_model::{Gvk, ObjectKey};
    use serde_json::json;

    use super::{read, with_owned};

    fn key(kind: &str, name: &str) -> ObjectKey {
        ObjectKey {
            gvk: Gvk::parse("v1", kind),
            namespace: Some("a".to_owned()),
            name: name.to_owned(),
        }
    }

    #[test]
    fn what_is_made_for_an_object_counts_with_what_is_made_for_that() {
        let owner = |kind: &str, name: &str| vec![(kind.to_owned(), name.to_owned())];
        let made = BTreeMap::from([
            (key("ReplicaSet", "web-1"), owner("Deployment", "web")),
            (key("Pod", "web-1-x"), owner("ReplicaSet", "web-1")),
            (key("Pod", "other"), owner("ReplicaSet", "other-1")),
        ]);
        let names = with_owned(&[key("Deployment", "web")], &made);
        let names: Vec<&str> = names.iter().map(|(_, _, name)| name.as_str()).collect();
        assert_eq!(names, ["web", "web-1-x", "web-1"]);
    }

    #[test]
    fn old_and_new_events_are_read() {
        let names = with_owned(&[key("Pod", "web")], &BTreeMap::new());
        let about = json!({ "kind": "Pod", "namespace": "a", "name": "web" });
        let old = json!({ "involvedObject": about, "type": "Warning", "reason": "Failed", "message": "no\\n", "count": 3, "lastTimestamp": "2026-01-02T03:04:05Z" });
        let event = read(&old, &names).expect("it is about the pod");
        assert_eq!(
            (event.time.as_str(), event.count, event.object.as_str()),
            ("2026-01-02T03:04:05Z", 3, "Pod/a/web")
        );
        let new = json!({ "involvedObject": about, "reason": "Scheduled", "eventTime": "2026-01-02T03:04:06.5Z", "lastTimestamp": null });
        assert_eq!(
            read(&new, &names).expect("about the pod").time,
            "2026-01-02T03:04:06.5Z"
        );
        assert_eq!(
            read(&json!({ "involvedObject": { "kind": "Pod", "name": "web" } }), &names),
            None
        );
    }
}
