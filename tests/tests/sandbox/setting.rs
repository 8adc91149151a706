//! What the tests stand on: state directories, objects, processes.

use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use gitops_session::sandbox::StateDirectory;
use gitops_tests::sandboxes::config_map;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::{Api, PostParams};

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
