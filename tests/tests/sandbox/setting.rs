//! What the tests stand on: state directories, objects, processes.

use std::collections::HashMap;
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

/// The children of a process, by the second word of their command lines: which component it is, or what is held.
pub(crate) fn children(parent: u32) -> HashMap<String, u32> {
    let mut children = HashMap::new();
    for id in child_ids(parent) {
        let command = std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        if let Some(component) = command.split('\0').nth(1) {
            let component = component.rsplit('/').next().unwrap_or_default();
            children.insert(component.to_owned(), id);
        }
    }
    children
}

/// The children of a process.
pub(crate) fn child_ids(parent: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten();
    tasks
        .flatten()
        .flat_map(|task| {
            let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            text.split_whitespace()
                .map(|id| id.parse().unwrap())
                .collect::<Vec<u32>>()
        })
        .collect()
}

/// The TCP sockets that a process listens on, from what Linux tells about it.
pub(crate) fn listening_addresses(id: u32) -> Vec<String> {
    let sockets: Vec<String> = std::fs::read_dir(format!("/proc/{id}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .filter_map(|target| {
            let target = target.to_string_lossy().into_owned();
            Some(target.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let mut addresses = Vec::new();
    for table in ["tcp", "tcp6"] {
        let text = std::fs::read_to_string(format!("/proc/{id}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            // 0A is LISTEN.
            if fields[3] == "0A" && sockets.iter().any(|inode| inode == fields[9]) {
                addresses.push(readable_address(fields[1]));
            }
        }
    }
    addresses
}

/// `0100007F:1F90` is 127.0.0.1:8080.
fn readable_address(hexadecimal: &str) -> String {
    let (address, port) = hexadecimal.split_once(':').unwrap();
    let port = u16::from_str_radix(port, 16).unwrap();
    match u32::from_str_radix(address, 16) {
        Ok(address) => format!("{}:{port}", std::net::Ipv4Addr::from(address.swap_bytes())),
        Err(_) => format!("[{address}]:{port}"),
    }
}
