//! Sandboxes that cannot start, and say why.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use camino::{Utf8Path, Utf8PathBuf};
use gitops_tests::binary::target_directory;
use gitops_tests::client::FAILED;
use gitops_tests::leftovers;
use gitops_tests::server::TestServer;
use serde_json::{Value, json};

/// A bundle whose programs are not what they should be.
struct Bundle {
    directory: tempfile::TempDir,
}

impl Bundle {
    /// The real one, by links, with the programs in `replaced` replaced by scripts.
    fn with(replaced: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = Utf8Path::from_path(directory.path()).expect("UTF-8");
        for entry in target_directory()
            .join("sandbox")
            .read_dir_utf8()
            .expect("the sandbox is built: run `cargo xtask build`")
            .flatten()
        {
            if !replaced.iter().any(|(name, _)| *name == entry.file_name()) {
                symlink(entry.path(), path.join(entry.file_name())).expect("linked");
            }
        }
        for (name, script) in replaced {
            let file = path.join(name);
            std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("written");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("executable");
        }
        Self { directory }
    }

    fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.directory.path()).expect("UTF-8")
    }
}

fn refusal_with_bundle(bundle: &Utf8Path) -> String {
    let server = TestServer::builder()
        .environment("GITOPS_LSP_BUNDLE", bundle.as_str())
        .build();
    let mark = server.client.mark();
    let refused = server.try_start_session(Value::Null).expect_err("it cannot start");
    assert_eq!(refused.code, FAILED);
    assert_eq!(
        server
            .client
            .said(mark, "$/progress")
            .last()
            .map(|params| params["value"]["kind"].clone()),
        Some(json!("end"))
    );
    assert_eq!(
        server.status(),
        json!({ "level": "offline", "mode": "gitops", "busy": false })
    );
    // Everything else goes on.
    server.open_with("a.yaml", "a: [\n");
    assert_eq!(server.wait_for_version("a.yaml", 1).diagnostics.len(), 1);
    assert!(leftovers::sandboxes(server.state()).is_empty());
    refused.message
}

#[test]
fn a_component_that_dies_at_once_is_named_with_its_last_words() {
    // One program is four components; its first argument says which.
    let real = target_directory().join("sandbox").join("controlplane");
    for (component, words, code) in [
        ("etcd", "the dog ate the data", 3),
        ("kube-apiserver", "no port is good enough", 7),
    ] {
        let script =
            format!("case \"$1\" in {component}) echo '{words}' >&2; exit {code};; *) exec {real} \"$@\";; esac");
        let bundle = Bundle::with(&[("controlplane", &script)]);
        let message = refusal_with_bundle(bundle.path());
        for part in [component, words, &format!("exit status: {code}")] {
            assert!(message.contains(part), "{part:?} is not in: {message}");
        }
    }

    let bundle = Bundle::with(&[("kwok", "echo 'no nodes today' >&2\nexit 1")]);
    let message = refusal_with_bundle(bundle.path());
    assert!(
        message.contains("kwok") && message.contains("no nodes today"),
        "{message}"
    );
}

#[test]
fn a_bundle_that_is_not_there() {
    let nowhere = refusal_with_bundle(Utf8Path::new("/nowhere/at-all"));
    assert!(
        nowhere.contains("GITOPS_LSP_BUNDLE") && nowhere.contains("/nowhere/at-all"),
        "{nowhere}"
    );
    let bundle = Bundle::with(&[("kwok", "")]);
    std::fs::remove_file(bundle.path().join("kwok")).expect("removed");
    let half = refusal_with_bundle(bundle.path());
    assert!(half.contains("kwok"), "{half}");
    let bundle = Bundle::with(&[("kwok", "")]);
    std::fs::set_permissions(bundle.path().join("kwok"), std::fs::Permissions::from_mode(0o644))
        .expect("not executable");
    let message = refusal_with_bundle(bundle.path());
    assert!(message.contains("kwok"), "{message}");
}

#[test]
fn a_state_directory_that_cannot_be() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = Utf8PathBuf::from_path_buf(file.path().to_owned())
        .expect("UTF-8")
        .join("state");
    let server = TestServer::builder().unprepared().state(&path).build();
    let refused = server.try_start_session(Value::Null).expect_err("there is no place");
    assert!(refused.message.contains(path.as_str()), "{}", refused.message);
    assert_eq!(server.status()["level"], "offline");
}
