//! The life of a session: start, status, cancel, folders, stop, and every way in which a server can end. Each test has a
//! sandbox of its own, or several.

use std::os::unix::fs::PermissionsExt as _;

use expect_test::expect;
use gitops_tests::client::{CANCELLED, FAILED};
use gitops_tests::leftovers;
use gitops_tests::message_log::{Mark, PATIENCE};
use gitops_tests::server::{GONE_WITHIN, Phase, TestServer, bare_client};
use gitops_tests::show::ageless;
use serde_json::{Value, json};

const FILES: &str = "
    #- apps/web.yaml
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: web
      namespace: default
    data:
      key: value
    #- apps/broken.yaml
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: broken
      namespace: default
    datta: {}
    #- other/not-in-target.yaml
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: not-in-target
      namespace: default
    ";

fn titles(server: &TestServer, file: &str) -> Vec<String> {
    server.lenses(file).into_iter().map(|(_, title)| ageless(&title)).collect()
}

/// Each status once, without what differs from run to run: how far a start is, and whether something is under way.
fn statuses(server: &TestServer, since: Mark) -> String {
    let name = server.client.command("gitops.session.list", Value::Null).expect("a list")[0]["name"].clone();
    let mut seen: Vec<String> = Vec::new();
    for mut status in server.client.said(since, "gitops/status") {
        let fields = status.as_object_mut().expect("a status is an object");
        assert!(fields.remove("busy").is_some_and(|busy| busy.is_boolean()));
        fields.remove("message");
        let text = status.to_string().replace(name.as_str().unwrap_or("no name"), "NAME");
        if seen.last() != Some(&text) {
            seen.push(text);
        }
    }
    seen.join("\n")
}

#[test]
fn from_start_to_stop() {
    let server = TestServer::builder().files(FILES).build();
    server.open("apps/web.yaml");
    server.open("other/not-in-target.yaml");
    assert_eq!(titles(&server, "apps/web.yaml"), ["not in session", "▶ Start session"]);
    let mark = server.client.mark();
    let started = server.start_session(json!({ "target": "apps" }));
    let name = started["name"].as_str().expect("a name").to_owned();
    let kubeconfig = started["kubeconfig"].as_str().expect("a kubeconfig").to_owned();
    assert_eq!(started, json!({ "name": name, "sandbox": "local", "context": format!("gitops-lsp-{name}"), "target": "apps", "mode": "run", "kubeconfig": kubeconfig }));

    // What lies in the target is applied without a save; what is wrong with it is said on files that are not open.
    let applied = server.wait_for_verdict("apps/web.yaml", Phase::Apply, mark, 1);
    assert!(applied.ok);
    assert!(!server.wait_for_verdict("apps/broken.yaml", Phase::Apply, mark, 1).ok);
    let summary = server.diagnostics("apps/broken.yaml").summary();
    assert_eq!(summary, ["error apply/unknown-field: unknown field \"datta\"; did you mean \"data\"?"]);
    let cluster = server.cluster(&started);
    assert!(cluster.get("v1", "ConfigMap", Some("default"), "web").is_some());
    assert!(cluster.get("v1", "ConfigMap", Some("default"), "not-in-target").is_none());
    assert_eq!(titles(&server, "apps/web.yaml"), ["✓ applied · AGE"]);
    assert_eq!(titles(&server, "other/not-in-target.yaml"), ["not in session", "▶ Start session"]);

    // Progress, as the protocol has it.
    let token = server.client.wait_for(mark, "window/workDoneProgress/create", |_| true)["token"].clone();
    let progress: Vec<Value> = server.client.said(mark, "$/progress").into_iter().filter(|params| params["token"] == token).map(|params| params["value"].clone()).collect();
    assert_eq!(progress.first().map(|value| &value["kind"]), Some(&json!("begin")));
    assert_eq!(progress[0]["cancellable"], true);
    assert!(progress.iter().filter(|value| value["kind"] == "report").count() >= 3, "{progress:?}");
    assert_eq!(progress.iter().filter(|value| value["kind"] == "end").count(), 1);
    assert_eq!(progress.last().map(|value| &value["kind"]), Some(&json!("end")));
    let percentages: Vec<u64> = progress.iter().filter_map(|value| value["percentage"].as_u64()).collect();
    assert!(percentages.is_sorted(), "{percentages:?}");

    // Nobody else on this machine reads any of it.
    for directory in [server.state().to_owned(), server.state().join("sandboxes"), server.state().join("sandboxes").join(&name)] {
        let mode = std::fs::metadata(&directory).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{directory}");
    }

    let mut list = server.client.command("gitops.session.list", Value::Null).expect("a list");
    assert!(list[0]["started"].is_string() || list[0]["started"].is_number());
    list[0]["started"] = json!("…");
    assert!(list[0]["owner"].is_string());
    list[0]["owner"] = json!("…");
    let entry = json!({ "name": name, "sandbox": "local", "context": started["context"], "root": server.workspace(), "target": "apps", "owner": "…", "started": "…", "lease": "held", "objects": 1 });
    assert_eq!(list, json!([entry]));

    // A second start of the same is the same; one of another target is told so.
    assert_eq!(server.client.command("gitops.session.start", json!({ "target": "./apps/" })), Ok(started.clone()));
    let refused = server.client.command("gitops.session.start", json!({ "target": "other" })).expect_err("another target");
    assert_eq!((refused.code, refused.message), (FAILED, format!("the session {name} runs on {}/apps; stop it first", server.workspace())));

    server.wait_for_status(mark, |status| status["level"] == "session" && status["busy"] == false);
    expect![[r#"
        {"level":"offline","mode":"gitops","sandbox":"local","session":"NAME"}
        {"level":"session","mode":"run","sandbox":"local","context":"gitops-lsp-NAME","session":"NAME"}"#]].assert_eq(&statuses(&server, mark));

    assert_eq!(server.client.command("gitops.session.stop", json!({ "name": name })), Ok(json!({ "deleted": 1, "restored": 0, "failed": [] })));
    assert_eq!(server.status(), json!({ "level": "offline", "mode": "gitops", "busy": false }));
    server.client.wait_for(mark, "gitops/status", |status| status["level"] == "offline" && status["busy"] == false);
    assert_eq!(leftovers::processes(server.state()).len(), 1, "the server alone is left");
    assert!(leftovers::sandboxes(server.state()).is_empty());
    assert_eq!(server.diagnostics("apps/broken.yaml").summary(), [""; 0], "the session's findings go with it");
    assert_eq!(titles(&server, "apps/web.yaml"), ["not in session", "▶ Start session"]);
    assert_eq!(server.client.command("gitops.session.stop", Value::Null).map_err(|refused| refused.code), Err(FAILED));

    // And once more: nothing of the first session is in the way.
    let again = server.start_session(json!({ "target": "apps" }));
    assert_eq!(again["name"], name.as_str());
    let mark = server.client.mark();
    server.edit("apps/web.yaml", "value", "changed");
    server.save("apps/web.yaml");
    assert!(server.wait_for_verdict("apps/web.yaml", Phase::Apply, mark, 1).ok);
}

/// What is on disk is what is applied at the start, not what is typed and not saved.
#[test]
fn the_start_applies_what_is_saved() {
    let server = TestServer::builder().files(FILES).build();
    server.open("apps/web.yaml");
    server.edit("apps/web.yaml", "key: value", "key: typed");
    let mark = server.client.mark();
    let started = server.start_session(json!({ "target": "apps", "name": "named-by-hand" }));
    assert_eq!(started["name"], "named-by-hand");
    server.wait_for_verdict("apps/web.yaml", Phase::Apply, mark, 1);
    let cluster = server.cluster(&started);
    let key = || cluster.get("v1", "ConfigMap", Some("default"), "web").expect("it is there")["data"]["key"].clone();
    assert_eq!(key(), "value");
    assert!(server.save_and_settle("apps/web.yaml").ok);
    assert_eq!(key(), "typed");
}

#[test]
fn a_start_is_cancelled_by_its_request() {
    cancelled_start(|server, request, _| server.client.notify("$/cancelRequest", json!({ "id": request })));
}

#[test]
fn a_start_is_cancelled_by_its_progress() {
    cancelled_start(|server, _, token| server.client.notify("window/workDoneProgress/cancel", json!({ "token": token })));
}

#[test]
fn a_start_is_ended_by_a_stop() {
    cancelled_start(|server, _, _| {
        assert_eq!(server.stop_session(), json!({ "deleted": 0, "restored": 0, "failed": [] }));
    });
}

/// At each step of a start, cancelling it leaves nothing, and the next start works.
fn cancelled_start(cancel: impl Fn(&TestServer, i64, &Value)) {
    let server = TestServer::builder().files(FILES).build();
    server.take_slot();
    for wanted in [0, 1, 2, 3] {
        let mark = server.client.mark();
        let request = server.client.send_command("gitops.session.start", Value::Null);
        let token = server.client.wait_for(mark, "window/workDoneProgress/create", |_| true)["token"].clone();
        let mut reports = 0;
        server.client.wait(mark, "the progress of the start", |message| {
            let value = (message["method"] == "$/progress").then(|| &message["params"]["value"])?;
            reports += usize::from(value["kind"] == "report");
            (reports >= wanted).then_some(())
        });
        cancel(&server, request, &token);
        let refused = server.client.answer(request).expect_err("it was cancelled");
        assert_eq!(refused.code, CANCELLED, "{refused:?}");
        server.client.wait_for(mark, "$/progress", |params| params["token"] == token && params["value"]["kind"] == "end");
        server.wait_for_status(mark, |status| status["level"] == "offline" && status["busy"] == false && status["session"].is_null());
        assert_eq!(server.client.command("gitops.session.list", Value::Null), Ok(json!([])));
        assert!(leftovers::sandboxes(server.state()).is_empty(), "cancelled at report {wanted}");
        assert_eq!(leftovers::processes(server.state()).len(), 1, "cancelled at report {wanted}: {:?}", leftovers::processes(server.state()));
    }
    let started = server.start_session(Value::Null);
    assert_eq!(started["mode"], "run");
}

#[test]
fn a_second_start_while_the_first_is_under_way() {
    let server = TestServer::builder().files(FILES).build();
    server.take_slot();
    let first = server.client.send_command("gitops.session.start", json!({ "target": "apps" }));
    let refused = server.client.command("gitops.session.start", json!({ "target": "apps" })).expect_err("one is starting");
    assert_eq!(refused.code, FAILED);
    assert!(refused.message.ends_with("is starting already"), "{}", refused.message);
    assert_eq!(server.client.answer(first).expect("the first one starts")["target"], "apps");
}

#[test]
fn one_of_several_folders_is_chosen() {
    let server = TestServer::builder().files(FILES).folders(&["apps", "other"]).build();
    server.client.manners().choice = Some(server.workspace().join("other").to_string());
    server.open("apps/web.yaml");
    server.open("other/not-in-target.yaml");
    let mark = server.client.mark();
    let started = server.start_session(Value::Null);
    assert_eq!(server.client.said(mark, "window/showMessageRequest").len(), 1);
    assert!(server.wait_for_verdict("other/not-in-target.yaml", Phase::Apply, mark, 1).ok);
    assert_eq!(titles(&server, "other/not-in-target.yaml"), ["✓ applied · AGE"]);
    assert_eq!(titles(&server, "apps/web.yaml"), ["not in session", "▶ Start session"]);
    // A save outside of the session's folder is not applied.
    server.save("apps/web.yaml");
    server.status();
    let cluster = server.cluster(&started);
    assert!(cluster.get("v1", "ConfigMap", Some("default"), "web").is_none());
    assert!(cluster.get("v1", "ConfigMap", Some("default"), "not-in-target").is_some());
    // A third folder joins, and is one that a session can be started for.
    std::fs::create_dir(server.workspace().join("third")).expect("a folder");
    let event = json!({ "added": [{ "uri": server.uri("third"), "name": "third" }], "removed": [{ "uri": server.uri("apps"), "name": "apps" }] });
    server.client.notify("workspace/didChangeWorkspaceFolders", json!({ "event": event }));
    assert_eq!(titles(&server, "apps/web.yaml"), ["not in session"], "its folder is no longer one of the workspace");
}

#[test]
fn no_choice_is_no_start() {
    let server = TestServer::builder().files(FILES).folders(&["apps", "other"]).build();
    let refused = server.client.command("gitops.session.start", Value::Null).expect_err("nothing was chosen");
    assert_eq!(refused.code, CANCELLED);
    assert_eq!(server.status()["level"], "offline");
}

/// A client without any of the newer abilities loses nothing: `notify` sees what changes on disk.
#[test]
fn a_bare_client_has_a_session_too() {
    let server = TestServer::builder().client(bare_client()).files(FILES).build();
    let mark = server.client.mark();
    let started = server.start_session(json!({ "target": "apps" }));
    assert!(server.wait_for_verdict("apps/web.yaml", Phase::Apply, mark, 1).ok);
    assert_eq!(server.client.said(mark, "$/progress"), [] as [Value; 0]);
    assert!(!server.client.said(mark, "gitops/status").is_empty());
    let broken = server.wait_for_diagnostics("apps/broken.yaml", mark, |published| !published.diagnostics.is_empty());
    let message = broken.diagnostics[0]["message"].as_str().expect("a message");
    assert!(message.contains("field not declared in schema"), "the cluster's words are in the message: {message}");

    let cluster = server.cluster(&started);
    let value = || cluster.get("v1", "ConfigMap", Some("default"), "web").map(|object| object["data"]["key"].clone());
    // Written in place, replaced by a rename as Git does, new in a new directory, and removed: all without a word to the server.
    let generation = server.generation("apps/web.yaml");
    let text = std::fs::read_to_string(server.workspace().join("apps/web.yaml")).expect("it is there");
    server.write("apps/web.yaml", text.replace("value", "written"));
    server.wait_for_verdict("apps/web.yaml", Phase::Apply, mark, generation + 1);
    assert_eq!(value(), Some(json!("written")));
    let generation = server.generation("apps/web.yaml");
    server.write("apps/web.yaml.new", text.replace("value", "renamed"));
    std::fs::rename(server.workspace().join("apps/web.yaml.new"), server.workspace().join("apps/web.yaml")).expect("renamed");
    server.wait_for_verdict("apps/web.yaml", Phase::Apply, mark, generation + 1);
    assert_eq!(value(), Some(json!("renamed")));
    server.write("apps/new/deep.yaml", text.replace("name: web", "name: deep"));
    server.wait_for_verdict("apps/new/deep.yaml", Phase::Apply, mark, 1);
    assert!(cluster.get("v1", "ConfigMap", Some("default"), "deep").is_some());
    let generation = server.generation("apps/web.yaml");
    server.remove("apps/web.yaml");
    server.wait_for_verdict("apps/web.yaml", Phase::Apply, mark, generation + 1);
    assert_eq!(value(), None);
}

/// With `applyOnSave` off a save is asked about, and nothing is written.
#[test]
fn a_session_that_only_asks() {
    let settings = json!({ "verdicts": true, "session": { "applyOnSave": false } });
    let server = TestServer::builder().files(FILES).options(settings.clone()).settings(settings).build();
    server.open("apps/web.yaml");
    let mark = server.client.mark();
    let started = server.start_session(json!({ "target": "apps" }));
    server.wait_for_verdict("apps/web.yaml", Phase::DryRun, mark, 1);
    server.edit("apps/web.yaml", "data:\n  key", "datta:\n  key");
    let generation = server.generation("apps/web.yaml");
    let mark = server.save("apps/web.yaml");
    assert!(!server.wait_for_verdict("apps/web.yaml", Phase::DryRun, mark, generation + 1).ok);
    assert_eq!(server.diagnostics("apps/web.yaml").summary(), ["error apply/unknown-field: unknown field \"datta\"; did you mean \"data\"?"]);
    server.edit("apps/web.yaml", "datta:", "data:");
    let generation = server.generation("apps/web.yaml");
    let mark = server.save("apps/web.yaml");
    assert!(server.wait_for_verdict("apps/web.yaml", Phase::DryRun, mark, generation + 1).ok);
    assert_eq!(titles(&server, "apps/web.yaml"), ["✓ accepted · dry run only"]);
    server.wait_for_status(mark, |status| status["busy"] == false);
    assert!(server.cluster(&started).get("v1", "ConfigMap", Some("default"), "web").is_none());
}

#[test]
fn two_editors_side_by_side() {
    let state = tempfile::tempdir().expect("a directory");
    let state = camino::Utf8Path::from_path(state.path()).expect("UTF-8").to_owned();
    let servers = [(); 2].map(|()| TestServer::builder().files(FILES).state(&state).build());
    let sessions: Vec<Value> = std::thread::scope(|scope| {
        let starting: Vec<_> = servers.iter().map(|server| scope.spawn(|| server.start_session(json!({ "target": "apps" })))).collect();
        starting.into_iter().map(|starting| starting.join().expect("it starts")).collect()
    });
    assert_ne!(sessions[0]["name"], sessions[1]["name"]);
    for (server, started) in servers.iter().zip(&sessions) {
        server.wait_for_verdict("apps/web.yaml", Phase::Apply, Mark::START, 1);
        assert!(server.cluster(started).get("v1", "ConfigMap", Some("default"), "web").is_some());
    }
    // The end of one is nothing to the other.
    let [first, second] = servers;
    first.client.request("shutdown", Value::Null).expect("shutdown is answered");
    first.client.notify("exit", Value::Null);
    first.wait_until_process_ended();
    second.open("apps/web.yaml");
    second.edit("apps/web.yaml", "value", "still here");
    assert!(second.save_and_settle("apps/web.yaml").ok);
    assert_eq!(leftovers::sandboxes(&state).len(), 1);
}

fn running_session() -> TestServer {
    let server = TestServer::builder().files(FILES).build();
    let mark = server.client.mark();
    server.start_session(json!({ "target": "apps" }));
    server.wait_for_verdict("apps/web.yaml", Phase::Apply, mark, 1);
    assert!(leftovers::processes(server.state()).len() >= 6, "etcd, three of Kubernetes, kwok and the server");
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
    server.client.wait_for(mark, "$/progress", |params| params["value"]["percentage"].as_u64().is_some_and(|percentage| percentage > 5));
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

/// The first start of a machine sets everything up; it must not take the patience of the other tests.
#[test]
fn the_very_first_start() {
    let server = TestServer::builder().files(FILES).unprepared().build();
    let started = std::time::Instant::now();
    server.start_session(json!({ "target": "apps" }));
    assert!(started.elapsed() < PATIENCE);
    assert!(server.state().join("prepared").is_dir(), "the next one is faster");
}
