//! Every way in which a server can end: nothing is left.

use gitops_tests::leftovers;
use gitops_tests::server::{GONE_WITHIN, Phase, TestServer};
use serde_json::{Value, json};

use crate::FILES;

fn running_session() -> TestServer {
    let server = TestServer::builder().files(FILES).build();
    let mark = server.client.mark();
    server.start_session(json!({ "target": "apps" }));
    server.wait_for_verdict("apps/web.yaml", Phase::Apply, mark, 1);
    assert!(
        leftovers::processes(server.state()).len() >= 6,
        "etcd, three of Kubernetes, kwok and the server"
    );
    server
}

#[test]
fn a_crashed_editor_leaves_nothing() {
    running_session().hang_up();
}

#[test]
fn exit_without_shutdown_leaves_nothing() {
    assert_eq!(running_session().exit_rudely(), 1);
}

#[test]
fn an_editor_that_crashes_during_a_start_leaves_nothing() {
    let server = TestServer::builder().build();
    server.take_slot();
    let mark = server.client.mark();
    server.client.send_command("gitops.session.start", Value::Null);
    server.client.wait_for(mark, "$/progress", |params| {
        params["value"]["percentage"]
            .as_u64()
            .is_some_and(|percentage| percentage > 5)
    });
    server.hang_up();
}

/// Killed by a signal that cannot be handled: the processes go at once, the directory with the next start.
#[test]
fn a_killed_server_leaves_a_directory_that_is_swept() {
    let directory = tempfile::tempdir().expect("a directory");
    let state = camino::Utf8Path::from_path(directory.path()).expect("UTF-8").to_owned();
    let server = TestServer::builder().files(FILES).state(&state).build();
    server.start_session(json!({ "target": "apps" }));
    server.kill();
    assert_eq!(leftovers::sandboxes(&state).len(), 1);
    let next = TestServer::builder().state(&state).build();
    next.start_session(Value::Null);
    assert_eq!(leftovers::sandboxes(&state).len(), 1, "the stale one is gone");
    drop(next);
    leftovers::wait_until_none(&state, GONE_WITHIN).expect("nothing is left");
}
