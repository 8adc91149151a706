//! What must be on the cluster before other objects can be: namespaces and kinds, as Flux stages them.

use std::time::Duration;

use futures::StreamExt;
use gitops_cluster::kube::core::{DynamicObject, GroupVersionKind};
use gitops_cluster::kube::runtime::{WatchStreamExt, watcher};
use gitops_cluster::kube::{Api, discovery::ApiResource};
use gitops_cluster::{Cluster, ServedKind};
use gitops_model::{Gvk, ObjectKey};

use crate::supply::Supplied;

/// How long a namespace or a kind may take to be usable, and a deleted object to be gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether objects of this kind are applied before all others.
pub(crate) fn comes_first(gvk: &Gvk) -> bool {
    (gvk.group.is_empty() && gvk.kind == "Namespace") || is_definition(gvk)
}

/// Whether objects of this kind bring kinds.
pub(crate) fn is_definition(gvk: &Gvk) -> bool {
    gvk.group == "apiextensions.k8s.io" && gvk.kind == "CustomResourceDefinition"
}

/// Waits until the kind of a CRD that was applied can be used: it is established and served.
///
/// After [`PATIENCE`] it goes on: the next dry run says what is missing better than a time-out here could.
pub(crate) async fn wait_until_served(cluster: &Cluster, supplied: &Supplied) {
    let definitions = all_of(
        cluster,
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        None,
    );
    let _ = tokio::time::timeout(PATIENCE, async {
        until(&definitions, &supplied.manifest.key.name, |object| {
            object.is_some_and(|object| has_condition(object, "Established"))
        })
        .await;
        served_now(cluster, supplied).await;
    })
    .await;
}

/// Waits until a new namespace has its default service account: until then the API server takes no pods in it
/// (admission plug-in `ServiceAccount`). Everything else it takes at once.
pub(crate) async fn wait_until_pods_are_taken(cluster: &Cluster, namespace: &str) {
    let accounts = all_of(cluster, "", "v1", "ServiceAccount", "serviceaccounts", Some(namespace));
    let _ = tokio::time::timeout(PATIENCE, until(&accounts, "default", |object| object.is_some())).await;
}

/// Waits until an object is gone, finalizers and all.
pub(crate) async fn wait_until_gone(cluster: &Cluster, key: &ObjectKey, served: &ServedKind) {
    let namespace = cluster.namespace_of(key, served);
    let api = all_of(
        cluster,
        &key.gvk.group,
        &key.gvk.version,
        &key.gvk.kind,
        &served.plural,
        namespace.as_deref(),
    );
    let _ = tokio::time::timeout(PATIENCE, until(&api, &key.name, |object| object.is_none())).await;
}

/// Discovery follows a CRD's Established condition with a short delay that nothing announces.
async fn served_now(cluster: &Cluster, supplied: &Supplied) {
    let object = supplied.object.value();
    let text = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (group, kind) = (text("/spec/group"), text("/spec/names/kind"));
    let mut pause = Duration::from_millis(10);
    loop {
        if cluster.refresh_kinds().await.is_ok()
            && cluster.kinds().all().any(|gvk| gvk.group == group && gvk.kind == kind)
        {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

fn all_of(
    cluster: &Cluster,
    group: &str,
    version: &str,
    kind: &str,
    plural: &str,
    namespace: Option<&str>,
) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
    match namespace {
        Some(namespace) => Api::namespaced_with(cluster.client().clone(), namespace, &resource),
        None => Api::all_with(cluster.client().clone(), &resource),
    }
}

/// Watches one object until `done`; `None` is an object that is not there.
async fn until(api: &Api<DynamicObject>, name: &str, done: impl Fn(Option<&DynamicObject>) -> bool) {
    let events = watcher::watch_object(api.clone(), name).default_backoff();
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        if let Ok(object) = event
            && done(object.as_ref())
        {
            return;
        }
    }
}

fn has_condition(object: &DynamicObject, kind: &str) -> bool {
    object
        .data
        .pointer("/status/conditions")
        .and_then(serde_json::Value::as_array)
        .is_some_and(|conditions| {
            conditions.iter().any(|condition| {
                condition.get("type").and_then(serde_json::Value::as_str) == Some(kind)
                    && condition.get("status").and_then(serde_json::Value::as_str) == Some("True")
            })
        })
}
