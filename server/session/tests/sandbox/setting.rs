//! What the tests stand on: the bundle, state directories, clients and bounded waits.

use std::future::Future;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use gitops_session::sandbox::{Bundle, Component, Sandbox, StartOptions, StateDirectory, start};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;

/// Longer than anything takes on a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// The real programs. They are not optional: without them nothing here is tested.
pub(crate) fn bundle() -> Bundle {
    Bundle::find().unwrap_or_else(|error| panic!("{error}"))
}

/// A state directory that all tests and their later runs share, so that only the first start is a slow one.
pub(crate) fn shared_state() -> StateDirectory {
    StateDirectory::at(&Utf8Path::new(env!("CARGO_TARGET_TMPDIR")).join("sandbox-state"))
}

/// A state directory of its own, and what removes it.
pub(crate) fn fresh_state() -> (tempfile::TempDir, StateDirectory) {
    let directory = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(directory.path().join("state")).unwrap();
    (directory, StateDirectory::at(&path))
}

pub(crate) fn options(name: &str, state: &StateDirectory) -> StartOptions {
    StartOptions::new(name, bundle(), state.clone())
}

pub(crate) async fn started(name: &str, state: &StateDirectory) -> Sandbox {
    match within("the start", start(options(name, state), |_| ())).await {
        Ok(sandbox) => sandbox,
        Err(error) => panic!("{error}"),
    }
}

pub(crate) async fn client(kubeconfig: &Utf8Path) -> Client {
    let read = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default())
        .await
        .unwrap();
    Client::try_from(config).unwrap()
}

pub(crate) async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| panic!("{what} took more than {} s", PATIENCE.as_secs()))
}

pub(crate) fn config_map(name: &str, content: &str) -> ConfigMap {
    serde_json::from_value(json!({
        "metadata": { "name": name },
        "data": { "content": content },
    }))
    .unwrap()
}

pub(crate) async fn create_config_map(client: &Client, name: &str) {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    maps.create(&PostParams::default(), &config_map(name, ""))
        .await
        .unwrap();
}

pub(crate) async fn has_config_map(client: &Client, name: &str) -> bool {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    maps.get_opt(name).await.unwrap().is_some()
}

pub(crate) fn process_ids(sandbox: &Sandbox) -> Vec<u32> {
    Component::ALL
        .into_iter()
        .map(|component| sandbox.process_id(component).unwrap())
        .collect()
}

/// Whether a process is there and not just waiting to be reaped.
pub(crate) fn is_alive(id: u32) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{id}/stat")) else {
        return false;
    };
    // The state follows the name, which is in parentheses and may contain anything.
    let state = status.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state != Some('Z')
}

/// Waits until none of the processes is there any more; an editor's user is promised 5 seconds.
pub(crate) fn assert_gone_soon(ids: &[u32]) {
    let began = Instant::now();
    while ids.iter().any(|&id| is_alive(id)) {
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "still there: {:?}",
            ids.iter().filter(|&&id| is_alive(id)).collect::<Vec<_>>()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal, by its name, to a process that the test has started.
pub(crate) fn send_signal(id: u32, signal: &str) {
    let status = std::process::Command::new("kill")
        .arg(format!("-{signal}"))
        .arg(id.to_string())
        .status()
        .unwrap();
    assert!(status.success());
}
