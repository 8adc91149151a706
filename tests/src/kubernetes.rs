//! The sandbox's API server asked directly, past the program under test.

use camino::Utf8Path;
use futures::StreamExt as _;
use gitops_cluster::kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams,
};
use gitops_cluster::kube::config::{KubeConfigOptions, Kubeconfig};
use gitops_cluster::kube::runtime::{WatchStreamExt as _, watcher};
use gitops_cluster::kube::{Client, Config};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::message_log::PATIENCE;

/// A cluster as its administrator sees it.
pub struct Cluster {
    runtime: Runtime,
    client: Client,
}

impl Cluster {
    /// The one that a kubeconfig file leads to.
    pub fn new(kubeconfig: &Utf8Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
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
        Self { runtime, client }
    }

    /// The live object, if there is one. `kind` is one whose plural is made by an `s`, or by `ies` of a `y`.
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
        // The watch makes timers as soon as it is made, not only when it is waited for.
        let _in_runtime = self.runtime.enter();
        let events = watcher::watch_object(self.api(api_version, kind, namespace), name).default_backoff();
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

    /// How many objects of a kind there are.
    pub fn count(&self, api_version: &str, kind: &str, namespace: Option<&str>) -> usize {
        let list = self
            .runtime
            .block_on(self.api(api_version, kind, namespace).list(&ListParams::default()));
        list.unwrap_or_else(|error| panic!("{kind} cannot be listed: {error}"))
            .items
            .len()
    }

    /// Applies an object as the field manager `manager`, conflicts overridden.
    pub fn apply(&self, manager: &str, object: &Value) {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let api = self.api(
            text("/apiVersion").expect("apiVersion"),
            text("/kind").expect("kind"),
            text("/metadata/namespace"),
        );
        let applied = self.runtime.block_on(api.patch(
            text("/metadata/name").expect("a name"),
            &PatchParams::apply(manager).force(),
            &Patch::Apply(object),
        ));
        applied.unwrap_or_else(|error| panic!("{object} cannot be applied: {error}"));
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
        let lower = kind.to_ascii_lowercase();
        let plural = match lower.strip_suffix('y') {
            Some(stem) => format!("{stem}ies"),
            None => format!("{lower}s"),
        };
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), &plural);
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }
}
