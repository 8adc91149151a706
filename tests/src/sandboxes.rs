//! Sandboxes started without a server: by tests, and by processes that tests start and kill.

use std::future::Future;
use std::time::Duration;

use camino::Utf8Path;
use gitops_session::sandbox::{Bundle, Sandbox, StartOptions, StateDirectory, start};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;

/// Longer than anything takes on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// The real programs. They are not optional: without them nothing here is tested.
///
/// # Panics
///
/// When they are not built.
#[must_use]
pub fn bundle() -> Bundle {
    Bundle::find().unwrap_or_else(|error| panic!("{error}"))
}

/// How a sandbox of this name is started here.
pub fn options(name: &str, state: &StateDirectory) -> StartOptions {
    StartOptions::new(name, bundle(), state.clone())
}

/// How one with Flux is started here.
pub fn options_with_flux(name: &str, state: &StateDirectory) -> StartOptions {
    StartOptions {
        flux: true,
        ..options(name, state)
    }
}

/// Starts a sandbox with Flux.
///
/// # Panics
///
/// When it does not start.
pub async fn started_with_flux(name: &str, state: &StateDirectory) -> Sandbox {
    match within("the start", start(options_with_flux(name, state), |_| ())).await {
        Ok(sandbox) => sandbox,
        Err(error) => panic!("{error}"),
    }
}

/// Starts a sandbox.
///
/// # Panics
///
/// When it does not start.
pub async fn started(name: &str, state: &StateDirectory) -> Sandbox {
    match within("the start", start(options(name, state), |_| ())).await {
        Ok(sandbox) => sandbox,
        Err(error) => panic!("{error}"),
    }
}

/// A client of the cluster that a kubeconfig names.
///
/// # Panics
///
/// When the file cannot be read.
pub async fn client(kubeconfig: &Utf8Path) -> Client {
    let read = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default())
        .await
        .unwrap();
    Client::try_from(config).unwrap()
}

/// Waits for something that ends by itself.
///
/// # Panics
///
/// When it takes longer than [`PATIENCE`].
pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| panic!("{what} took more than {} s", PATIENCE.as_secs()))
}

/// A `ConfigMap` with one value.
///
/// # Panics
///
/// Never: the object is a right one.
#[must_use]
pub fn config_map(name: &str, content: &str) -> ConfigMap {
    serde_json::from_value(json!({
        "metadata": { "name": name },
        "data": { "content": content },
    }))
    .unwrap()
}

/// Process ids of all components.
///
/// # Panics
///
/// When one of them does not run.
#[must_use]
pub fn process_ids(sandbox: &Sandbox) -> Vec<u32> {
    sandbox
        .components()
        .into_iter()
        .map(|component| sandbox.process_id(component).unwrap())
        .collect()
}
