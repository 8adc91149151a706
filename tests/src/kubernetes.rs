//! The sandbox's API server asked directly, past the program under test.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use camino::Utf8Path;
use futures::StreamExt as _;
use gitops_cluster::kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams,
};
use gitops_cluster::kube::config::{KubeConfigOptions, Kubeconfig};
use gitops_cluster::kube::discovery::{self, ApiCapabilities, Scope};
use gitops_cluster::kube::runtime::{WatchStreamExt as _, watcher};
use gitops_cluster::kube::{Client, Config};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::message_log::PATIENCE;

/// A cluster as its administrator sees it.
pub struct Cluster {
    runtime: Runtime,
    client: Client,
    /// The kinds that were asked for.
    known: Mutex<HashMap<GroupVersionKind, (ApiResource, ApiCapabilities)>>,
}

impl Cluster {
    /// The one that a kubeconfig file leads to.
    pub fn new(kubeconfig: &Utf8Path) -> Self {
        // A thread of its own, so that watches see what happens while nobody asks.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let client = runtime.block_on(async {
            let config = Kubeconfig::read_from(kubeconfig).unwrap_or_else(|error| panic!("{kubeconfig}: {error}"));
            let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default())
                .await
                .expect("the kubeconfig is whole");
            Client::try_from(config).expect("the kubeconfig can be used")
        });
        Self {
            runtime,
            client,
            known: Mutex::default(),
        }
    }

    /// The live object, if there is one.
    pub fn get(&self, api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Option<Value> {
        let api = self.api(api_version, kind, namespace);
        let object = self
            .runtime
            .block_on(api.get_opt(name))
            .unwrap_or_else(|error| panic!("{kind} {name} cannot be read: {error}"));
        object.map(|object| serde_json::to_value(object).expect("an object is JSON"))
    }

    /// Watches an object until `wanted` holds for it.
    pub fn wait_until(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
        wanted: impl Fn(&Value) -> bool,
    ) {
        let api = self.api(api_version, kind, namespace);
        // The watch makes timers as soon as it is made, not only when it is waited for.
        let _in_runtime = self.runtime.enter();
        let events = watcher::watch_object(api, name).default_backoff();
        let seen = self.runtime.block_on(tokio::time::timeout(PATIENCE, async {
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                if let Ok(Some(object)) = event
                    && wanted(&serde_json::to_value(object).expect("an object is JSON"))
                {
                    return;
                }
            }
        }));
        assert!(
            seen.is_ok(),
            "{kind} {name} stayed as it is: {:?}",
            self.get(api_version, kind, namespace, name)
        );
    }

    /// Watches all objects of a kind on a thread of the runtime's own, until `seen` says false or the cluster is dropped.
    pub fn watch(&self, api_version: &str, kind: &str, seen: impl Fn(Value) -> bool + Send + 'static) {
        let api = self.api(api_version, kind, None);
        self.runtime.spawn(async move {
            let mut events = std::pin::pin!(watcher(api, watcher::Config::default()).default_backoff());
            while let Some(event) = events.next().await {
                if let Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) = event
                    && !seen(serde_json::to_value(object).expect("an object is JSON"))
                {
                    return;
                }
            }
        });
    }

    /// How many objects of a kind there are.
    pub fn count(&self, api_version: &str, kind: &str, namespace: Option<&str>) -> usize {
        let list = self
            .runtime
            .block_on(self.api(api_version, kind, namespace).list(&ListParams::default()));
        list.unwrap_or_else(|error| panic!("{kind} cannot be listed: {error}"))
            .items
            .len()
    }

    /// All objects of a kind, in all namespaces.
    pub fn list(&self, api_version: &str, kind: &str) -> Vec<Value> {
        let api = self.api(api_version, kind, None);
        let list = self.runtime.block_on(api.list(&ListParams::default()));
        let list = list.unwrap_or_else(|error| panic!("{kind} cannot be listed: {error}"));
        let objects = list.items.into_iter();
        objects
            .map(|object| serde_json::to_value(object).expect("an object is JSON"))
            .collect()
    }

    /// What would be if an object were applied as the field manager `manager`, conflicts overridden.
    pub fn dry_run(&self, manager: &str, object: &Value) -> Value {
        self.patch(object, &PatchParams::apply(manager).force().dry_run())
    }

    /// Applies an object as the field manager `manager`, conflicts overridden.
    pub fn apply(&self, manager: &str, object: &Value) {
        self.patch(object, &PatchParams::apply(manager).force());
    }

    fn patch(&self, object: &Value, parameters: &PatchParams) -> Value {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let api = self.api(
            text("/apiVersion").expect("apiVersion"),
            text("/kind").expect("kind"),
            text("/metadata/namespace"),
        );
        let applied = self.runtime.block_on(api.patch(
            text("/metadata/name").expect("a name"),
            parameters,
            &Patch::Apply(object),
        ));
        let applied = applied.unwrap_or_else(|error| panic!("{object} cannot be applied: {error}"));
        serde_json::to_value(applied).expect("an object is JSON")
    }

    /// Deletes an object, without waiting until it is gone.
    pub fn delete(&self, api_version: &str, kind: &str, namespace: Option<&str>, name: &str) {
        let deleted = self.runtime.block_on(
            self.api(api_version, kind, namespace)
                .delete(name, &DeleteParams::default()),
        );
        deleted.unwrap_or_else(|error| panic!("{kind} {name} cannot be deleted: {error}"));
    }

    fn api(&self, api_version: &str, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = GroupVersionKind::gvk(group, version, kind);
        let known = self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&kind)
            .cloned();
        let (resource, capabilities) = known.unwrap_or_else(|| {
            let found = self.runtime.block_on(discovery::pinned_kind(&self.client, &kind));
            let found = found.unwrap_or_else(|error| panic!("{kind:?} is not served: {error}"));
            self.known
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(kind, found.clone());
            found
        });
        match namespace.filter(|_| capabilities.scope == Scope::Namespaced) {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }
}
