//! Starts that fail, and starts that find something in their way.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_session::sandbox::{Bundle, Component, StartErrorKind, StartOptions, StateDirectory, Step, list, start};
use gitops_tests::sandboxes::{bundle, client, options, started, within};

use crate::setting::{create_config_map, fresh_state, shared_state};

/// A bundle whose `controlplane` is a script that handles the components by its first argument.
fn scripted_bundle(directory: &Utf8Path, script: &str) -> Bundle {
    fs::create_dir_all(directory).unwrap();
    for (name, text) in [("controlplane", script), ("kwok", "#!/bin/sh\nexec cat\n")] {
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(directory.join("stages.yaml"), "").unwrap();
    fs::write(
        directory.join("bundle.json"),
        r#"{ "kubernetes": "v0.0.0", "etcd": "0.0.0", "kwok": "v0.0.0" }"#,
    )
    .unwrap();
    Bundle::at(directory).unwrap()
}

fn path_of(directory: &tempfile::TempDir) -> Utf8PathBuf {
    Utf8PathBuf::from_path_buf(directory.path().to_owned()).unwrap()
}

fn assert_nothing_left(state: &StateDirectory) {
    assert!(list(state).unwrap().is_empty());
}

#[tokio::test]
async fn a_component_that_ends_at_once_is_named_with_its_last_lines() {
    let (keep, state) = fresh_state();
    let script = "#!/bin/sh\n\
        if [ \"$1\" = etcd ]; then exec cat; fi\n\
        for number in $(seq 1 30); do echo \"line $number\"; done\n\
        echo 'cannot go on: the moon is full' >&2\n\
        exit 7\n";
    let bundle = scripted_bundle(&path_of(&keep).join("bundle"), script);
    let options = StartOptions::new("ends-at-once", bundle, state.clone());
    let error = within("the failure", start(options, |_| ())).await.unwrap_err();
    assert_eq!(error.kind, StartErrorKind::Component);
    assert_eq!(error.component, Some(Component::ApiServer));
    assert_eq!(error.log_tail.len(), 20);
    assert_eq!(error.log_tail.last().unwrap(), "cannot go on: the moon is full");
    let text = error.to_string();
    assert!(text.starts_with("kube-apiserver ended (exit status: 7)\n"), "{text}");
    assert!(
        text.contains("the last lines of kube-apiserver's log:\n  line 12\n"),
        "{text}"
    );
    assert_nothing_left(&state);
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let (keep, state) = fresh_state();
    let directory = path_of(&keep).join("bundle");
    let bundle = scripted_bundle(&directory, "");
    fs::remove_file(directory.join("controlplane")).unwrap();
    let missing = Bundle::at(&directory).unwrap_err().to_string();
    assert!(missing.contains("controlplane is missing"), "{missing}");
    assert!(missing.contains("cargo xtask build"), "{missing}");

    // It was there when it was looked for, and is not when it is needed.
    let options = StartOptions::new("missing", bundle, state.clone());
    let error = within("the failure", start(options, |_| ())).await.unwrap_err();
    assert_eq!(error.component, Some(Component::Etcd));
    assert!(error.message.contains("No such file"), "{error}");
    assert_nothing_left(&state);
}

#[tokio::test]
async fn a_program_that_cannot_be_executed_is_named() {
    let (keep, state) = fresh_state();
    let directory = path_of(&keep).join("bundle");
    let bundle = scripted_bundle(&directory, "");
    fs::set_permissions(directory.join("controlplane"), fs::Permissions::from_mode(0o644)).unwrap();
    let options = StartOptions::new("not-executable", bundle, state.clone());
    let error = within("the failure", start(options, |_| ())).await.unwrap_err();
    assert_eq!(error.component, Some(Component::Etcd));
    assert!(error.message.contains("Permission denied"), "{error}");
    assert_nothing_left(&state);
}

#[tokio::test]
async fn a_port_that_is_taken_is_not_insisted_on() {
    let state = shared_state();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut options = options("port-clash", &state);
    options.port = Some(port);
    let sandbox = within("the start", start(options, |_| ())).await.unwrap();
    assert!(!sandbox.server().ends_with(&format!(":{port}")), "{}", sandbox.server());
    create_config_map(&client(sandbox.kubeconfig()).await, "works").await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_broken_prepared_store_is_replaced() {
    let (_keep, state) = fresh_state();
    started("makes-it", &state).await.stop().await;
    let prepared = state.path().join("prepared");
    let entries: Vec<_> = prepared.read_dir_utf8().unwrap().flatten().collect();
    assert_eq!(entries.len(), 1);
    let log = entries[0].path().join("member/wal");
    for segment in log.read_dir_utf8().unwrap().flatten() {
        fs::write(segment.path(), "this is no log of etcd's").unwrap();
    }

    let steps = std::sync::Mutex::new(Vec::new());
    let record = |step| steps.lock().unwrap().push(step);
    let sandbox = within("the start", start(options("finds-it-broken", &state), record))
        .await
        .unwrap();
    create_config_map(&client(sandbox.kubeconfig()).await, "works").await;
    sandbox.stop().await;
    let seen = std::mem::take(&mut *steps.lock().unwrap());
    assert!(seen.contains(&Step::Copy) && seen.contains(&Step::Keep), "{seen:?}");

    let record = |step| steps.lock().unwrap().push(step);
    let sandbox = within("the start", start(options("finds-it-mended", &state), record))
        .await
        .unwrap();
    sandbox.stop().await;
    let seen = steps.lock().unwrap().clone();
    assert!(seen.contains(&Step::Copy) && !seen.contains(&Step::Keep), "{seen:?}");
}

#[tokio::test]
async fn a_start_that_is_dropped_leaves_nothing() {
    let state = shared_state();
    let name = "dropped";
    for step_to_drop_at in [Step::Credentials, Step::ApiServer, Step::Controllers, Step::Node] {
        let (sender, mut reached) = tokio::sync::watch::channel(false);
        let starting = start(options(name, &state), move |step| {
            if step == step_to_drop_at {
                sender.send_replace(true);
            }
        });
        tokio::select! {
            biased;
            _ = reached.wait_for(|reached| *reached) => {}
            outcome = starting => assert!(outcome.is_ok()),
        }
        let left = list(&state).unwrap();
        assert!(!left.iter().any(|entry| entry.name == name), "{step_to_drop_at:?}");
        let directory = state.path().join("sandboxes").join(name);
        assert_eq!(processes_in(&directory), 0, "{step_to_drop_at:?}");
    }
}

/// How many processes of this machine work in `directory`, or did before it was removed.
fn processes_in(directory: &Utf8Path) -> usize {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path().join("cwd")).ok())
        .filter(|cwd| cwd.to_string_lossy().contains(directory.as_str()))
        .count()
}

#[tokio::test]
async fn names_that_cannot_be_had_are_refused() {
    let state = shared_state();
    for name in ["", "Upper", "a/b", "..", "-a"] {
        let error = start(options(name, &state), |_| ()).await.unwrap_err();
        assert_eq!(error.kind, StartErrorKind::BadName, "{name}");
    }
    let sandbox = started("had", &state).await;
    let error = start(options("had", &state), |_| ()).await.unwrap_err();
    assert_eq!(error.kind, StartErrorKind::NameInUse);
    assert_eq!(error.to_string(), "a sandbox named had is running already");
    create_config_map(&client(sandbox.kubeconfig()).await, "not-disturbed").await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_state_directory_that_cannot_be_made_is_named() {
    let (keep, _) = fresh_state();
    let file = path_of(&keep).join("file");
    fs::write(&file, "").unwrap();
    let state = StateDirectory::at(&file.join("state"));
    let options = StartOptions::new("nowhere", bundle(), state);
    let error = start(options, |_| ()).await.unwrap_err();
    assert_eq!(error.kind, StartErrorKind::State);
    assert!(error.message.contains("file/state"), "{error}");
}
