//! The watches: one per kind, over all namespaces, each taken up again by itself.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use futures::StreamExt as _;
use gitops_cluster::Cluster;
use gitops_cluster::kube::Client;
use gitops_cluster::kube::api::{Api, ApiResource, DeleteParams, DynamicObject};
use gitops_cluster::kube::core::{GroupVersionKind, PartialObjectMeta, Resource};
use gitops_cluster::kube::runtime::watcher::Event;
use gitops_cluster::kube::runtime::{WatchStreamExt as _, watcher};
use gitops_model::ObjectKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::mpsc;

use super::reading::{Uid, number, uid};

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// The kinds that are watched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Kind {
    /// What owners make pods from, outermost first.
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    CronJob,
    Job,
    Pod,
    /// Warnings only.
    Event,
    Claim,
    /// Metadata only.
    ConfigMap,
    /// Metadata only.
    Secret,
    /// Metadata only.
    ServiceAccount,
    /// Metadata only.
    Node,
}

impl Kind {
    pub(super) const ALL: [Self; 13] = [
        Self::Deployment,
        Self::ReplicaSet,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::CronJob,
        Self::Job,
        Self::Pod,
        Self::Event,
        Self::Claim,
        Self::ConfigMap,
        Self::Secret,
        Self::ServiceAccount,
        Self::Node,
    ];

    /// API version, kind and plural.
    pub(super) fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Deployment => ("apps/v1", "Deployment", "deployments"),
            Self::ReplicaSet => ("apps/v1", "ReplicaSet", "replicasets"),
            Self::StatefulSet => ("apps/v1", "StatefulSet", "statefulsets"),
            Self::DaemonSet => ("apps/v1", "DaemonSet", "daemonsets"),
            Self::CronJob => ("batch/v1", "CronJob", "cronjobs"),
            Self::Job => ("batch/v1", "Job", "jobs"),
            Self::Pod => ("v1", "Pod", "pods"),
            Self::Event => ("v1", "Event", "events"),
            Self::Claim => ("v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
            Self::ConfigMap => ("v1", "ConfigMap", "configmaps"),
            Self::Secret => ("v1", "Secret", "secrets"),
            Self::ServiceAccount => ("v1", "ServiceAccount", "serviceaccounts"),
            Self::Node => ("v1", "Node", "nodes"),
        }
    }

    /// Whether all that counts is in its metadata. Of a `Secret` nothing else is ever asked for.
    fn is_metadata_enough(self) -> bool {
        matches!(self, Self::ConfigMap | Self::Secret | Self::ServiceAccount | Self::Node)
    }

    pub(super) fn resource(self) -> ApiResource {
        let (api_version, kind, plural) = self.names();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
    }
}

/// What a watch brings.
pub(super) enum Change {
    /// All objects of a kind are listed from here on: at first, and when a watch had been cut off for too long.
    Begin(Kind),
    /// An object is new, or other than it was.
    There(Kind, Box<Value>),
    /// An object is gone.
    Gone(Kind, Box<Value>),
    /// All objects of a kind have been listed.
    Listed(Kind),
}

/// Watches one kind until nobody wants to know.
pub(super) async fn watch(client: Client, kind: Kind, changes: mpsc::Sender<Change>) {
    let resource = kind.resource();
    if kind.is_metadata_enough() {
        let api: Api<PartialObjectMeta<DynamicObject>> = Api::all_with(client, &resource);
        watch_all(kind, api, &changes).await;
    } else {
        let api: Api<DynamicObject> = Api::all_with(client, &resource);
        watch_all(kind, api, &changes).await;
    }
}

async fn watch_all<K>(kind: Kind, api: Api<K>, changes: &mpsc::Sender<Change>)
where
    K: Resource + Clone + DeserializeOwned + Serialize + Debug + Send + 'static,
{
    let mut config = watcher::Config::default();
    if kind == Kind::Event {
        config = config.fields("type=Warning");
    }
    let mut events = watcher(api, config).default_backoff().boxed();
    while let Some(event) = events.next().await {
        if !pass_on(kind, event, changes).await {
            return;
        }
    }
}

/// Hands an event on; false when nobody takes it any more.
async fn pass_on<T: Serialize>(
    kind: Kind,
    event: Result<Event<T>, watcher::Error>,
    changes: &mpsc::Sender<Change>,
) -> bool {
    // One odd object never stops a stream.
    let value = |object: &T| serde_json::to_value(object).map(Box::new).ok();
    let change = match event {
        Ok(Event::Init) => Some(Change::Begin(kind)),
        Ok(Event::InitApply(object) | Event::Apply(object)) => value(&object).map(|object| Change::There(kind, object)),
        Ok(Event::Delete(object)) => value(&object).map(|object| Change::Gone(kind, object)),
        Ok(Event::InitDone) => Some(Change::Listed(kind)),
        Err(error) => {
            tracing::debug!("the watch of {} is taken up again: {error}", kind.names().2);
            None
        }
    };
    match change {
        Some(change) => changes.send(change).await.is_ok(),
        None => true,
    }
}

/// Deletes a pod. One that cannot be deleted stays, and is seen to stay.
pub(super) async fn delete_pod(client: &Client, namespace: &str, name: &str) {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &Kind::Pod.resource());
    let parameters = DeleteParams::default();
    let deleting = api.delete(name, &parameters);
    match tokio::time::timeout(REQUEST_LIMIT, deleting).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!("pod {namespace}/{name} is not deleted: {error}"),
        Err(_) => tracing::debug!("pod {namespace}/{name} is not deleted: no answer"),
    }
}

/// The objects as they are on the cluster now, each with its generation. What is not there is not waited for.
pub(super) async fn generations(cluster: &Cluster, keys: Vec<ObjectKey>) -> BTreeMap<ObjectKey, (Uid, i64)> {
    let kinds = cluster.kinds();
    let mut found = BTreeMap::new();
    for key in keys {
        let Some(served) = kinds.get(&key.gvk) else { continue };
        let namespace = cluster.namespace_of(&key, served);
        if let Ok(Some(object)) = cluster.get(&key, served).await {
            let resolved = ObjectKey { namespace, ..key };
            let generation = number(&object, "/metadata/generation").unwrap_or(0);
            found.insert(resolved, (uid(&object), generation));
        }
    }
    found
}
