//! Which folder, which files of it, and what becomes of them.

use gitops_tests::client::CANCELLED;
use gitops_tests::leftovers;
use gitops_tests::message_log::Mark;
use gitops_tests::server::{Phase, TestServer, bare_client};
use serde_json::{Value, json};

use crate::{FILES, titles};

#[test]
fn one_of_several_folders_is_chosen() {
    let server = TestServer::builder().files(FILES).folders(&["apps", "other"]).build();
    server.client.manners().choice = Some(server.workspace().join("other").to_string());
    server.open("apps/web.yaml");
    server.open("other/not-in-target.yaml");
    let mark = server.client.mark();
    let started = server.start_session(Value::Null);
    assert_eq!(server.client.said(mark, "window/showMessageRequest").len(), 1);
    assert!(
        server
            .wait_for_verdict("other/not-in-target.yaml", Phase::Apply, mark, 1)
            .ok
    );
    assert_eq!(titles(&server, "other/not-in-target.yaml"), ["✓ applied · AGE"]);
    assert_eq!(titles(&server, "apps/web.yaml"), ["not in session", "▶ Start session"]);
    // A save outside of the session's folder is not applied.
    server.save("apps/web.yaml");
    server.status();
    let cluster = server.cluster(&started);
    assert!(cluster.get("v1", "ConfigMap", Some("default"), "web").is_none());
    assert!(
        cluster
            .get("v1", "ConfigMap", Some("default"), "not-in-target")
            .is_some()
    );
    // A third folder joins, and is one that a session can be started for.
    std::fs::create_dir(server.workspace().join("third")).expect("a folder");
    let event = json!({ "added": [{ "uri": server.uri("third"), "name": "third" }], "removed": [{ "uri": server.uri("apps"), "name": "apps" }] });
    server
        .client
        .notify("workspace/didChangeWorkspaceFolders", json!({ "event": event }));
    assert_eq!(
        titles(&server, "apps/web.yaml"),
        ["not in session"],
        "its folder is no longer one of the workspace"
    );
}

#[test]
fn no_choice_is_no_start() {
    let server = TestServer::builder().files(FILES).folders(&["apps", "other"]).build();
    let refused = server
        .client
        .command("gitops.session.start", Value::Null)
        .expect_err("nothing was chosen");
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
    assert!(
        message.contains("field not declared in schema"),
        "the cluster's words are in the message: {message}"
    );

    let cluster = server.cluster(&started);
    let value = || {
        cluster
            .get("v1", "ConfigMap", Some("default"), "web")
            .map(|object| object["data"]["key"].clone())
    };
    // Written in place, replaced by a rename as Git does, new in a new directory, and removed: all without a word to the server.
    let generation = server.generation("apps/web.yaml");
    let text = std::fs::read_to_string(server.workspace().join("apps/web.yaml")).expect("it is there");
    server.write("apps/web.yaml", text.replace("value", "written"));
    server.wait_for_verdict("apps/web.yaml", Phase::Apply, mark, generation + 1);
    assert_eq!(value(), Some(json!("written")));
    let generation = server.generation("apps/web.yaml");
    server.write("apps/web.yaml.new", text.replace("value", "renamed"));
    std::fs::rename(
        server.workspace().join("apps/web.yaml.new"),
        server.workspace().join("apps/web.yaml"),
    )
    .expect("renamed");
    server.wait_for_verdict("apps/web.yaml", Phase::Apply, mark, generation + 1);
    assert_eq!(value(), Some(json!("renamed")));
    server.write("apps/new/deep.yaml", text.replace("name: web", "name: deep"));
    server.wait_for_verdict("apps/new/deep.yaml", Phase::Apply, mark, 1);
    assert!(cluster.get("v1", "ConfigMap", Some("default"), "deep").is_some());
    let generation = server.generation("apps/web.yaml");
    server.remove("apps/web.yaml");
    server.wait_for_verdict("apps/web.yaml", Phase::Apply, mark, generation + 1);
    assert_eq!(value(), None);
    // A directory is renamed, and removed with all that is in it.
    let deep = || cluster.get("v1", "ConfigMap", Some("default"), "deep");
    let generation = server.generation("apps/new/deep.yaml");
    std::fs::rename(server.workspace().join("apps/new"), server.workspace().join("apps/old")).expect("renamed");
    server.wait_for_verdict("apps/old/deep.yaml", Phase::Apply, mark, 1);
    server.wait_for_verdict("apps/new/deep.yaml", Phase::Apply, mark, generation + 1);
    assert!(deep().is_some());
    std::fs::remove_dir_all(server.workspace().join("apps/old")).expect("removed");
    server
        .client
        .wait(mark, "that what was in the directory is pruned", |message| {
            (message["method"] == "gitops/verdict" && deep().is_none()).then_some(())
        });
}

/// What a start does not read is not read later either, whoever writes it: hidden, ignored by Git, part of a chart, a link.
#[test]
fn what_is_left_out_stays_out() {
    let server = TestServer::builder().client(bare_client()).files(FILES).build();
    let text =
        |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name}, namespace: default }}\n");
    server.write(".gitignore", "ignored/\n");
    server.write("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 0.1.0\n");
    let left_out = [
        "ignored/one.yaml",
        ".hidden/two.yaml",
        "chart/templates/three.yaml",
        "chart/crds/four.yaml",
    ];
    for (number, file) in left_out.iter().enumerate() {
        server.write(file, text(&format!("left-out-{number}")));
    }
    // The folder as a whole: the chart in it could be a target by itself.
    let started = server.start_session(json!({ "target": "" }));
    server.wait_for_verdict("apps/web.yaml", Phase::Apply, Mark::START, 1);
    let mark = server.client.mark();
    for (number, file) in left_out.iter().enumerate() {
        server.write(file, format!("{}data: {{}}\n", text(&format!("left-out-{number}"))));
    }
    std::os::unix::fs::symlink("/etc", server.workspace().join("link")).expect("linked");
    std::os::unix::fs::symlink(
        server.workspace().join("ignored/one.yaml"),
        server.workspace().join("link.yaml"),
    )
    .expect("linked");
    server.watched(&[
        "ignored/one.yaml",
        ".hidden/two.yaml",
        "chart/templates/three.yaml",
        "link.yaml",
    ]);
    server.write("seen.yaml", text("seen"));
    server.wait_for_verdict("seen.yaml", Phase::Apply, mark, 1);
    let cluster = server.cluster(&started);
    for (number, file) in left_out.iter().enumerate() {
        let live = cluster.get("v1", "ConfigMap", Some("default"), &format!("left-out-{number}"));
        assert!(live.is_none(), "{file}");
    }
}

/// With `applyOnSave` off a save is asked about, and nothing is written.
#[test]
fn a_session_that_only_asks() {
    let settings = json!({ "verdicts": true, "session": { "applyOnSave": false } });
    let server = TestServer::builder()
        .files(FILES)
        .options(settings.clone())
        .settings(settings)
        .build();
    server.open("apps/web.yaml");
    let mark = server.client.mark();
    let started = server.start_session(json!({ "target": "apps" }));
    server.wait_for_verdict("apps/web.yaml", Phase::DryRun, mark, 1);
    server.edit("apps/web.yaml", "data:\n  key", "datta:\n  key");
    let generation = server.generation("apps/web.yaml");
    let mark = server.save("apps/web.yaml");
    assert!(
        !server
            .wait_for_verdict("apps/web.yaml", Phase::DryRun, mark, generation + 1)
            .ok
    );
    assert_eq!(
        server.diagnostics("apps/web.yaml").summary(),
        ["error apply/unknown-field: unknown field \"datta\"; did you mean \"data\"?"]
    );
    server.edit("apps/web.yaml", "datta:", "data:");
    let generation = server.generation("apps/web.yaml");
    let mark = server.save("apps/web.yaml");
    assert!(
        server
            .wait_for_verdict("apps/web.yaml", Phase::DryRun, mark, generation + 1)
            .ok
    );
    assert_eq!(titles(&server, "apps/web.yaml"), ["✓ accepted · dry run only"]);
    server.wait_for_status(mark, |status| status["busy"] == false);
    assert!(
        server
            .cluster(&started)
            .get("v1", "ConfigMap", Some("default"), "web")
            .is_none()
    );
}

#[test]
fn two_editors_side_by_side() {
    let state = tempfile::tempdir().expect("a directory");
    let state = camino::Utf8Path::from_path(state.path()).expect("UTF-8").to_owned();
    let servers = [(); 2].map(|()| TestServer::builder().files(FILES).state(&state).build());
    let sessions: Vec<Value> = std::thread::scope(|scope| {
        let starting: Vec<_> = servers
            .iter()
            .map(|server| scope.spawn(|| server.start_session(json!({ "target": "apps" }))))
            .collect();
        starting
            .into_iter()
            .map(|starting| starting.join().expect("it starts"))
            .collect()
    });
    assert_ne!(sessions[0]["name"], sessions[1]["name"]);
    for (server, started) in servers.iter().zip(&sessions) {
        server.wait_for_verdict("apps/web.yaml", Phase::Apply, Mark::START, 1);
        assert!(
            server
                .cluster(started)
                .get("v1", "ConfigMap", Some("default"), "web")
                .is_some()
        );
    }
    // The end of one is nothing to the other.
    let [first, second] = servers;
    first
        .client
        .request("shutdown", Value::Null)
        .expect("shutdown is answered");
    first.client.notify("exit", Value::Null);
    first.wait_until_process_ended();
    second.open("apps/web.yaml");
    second.edit("apps/web.yaml", "value", "still here");
    assert!(second.save_and_settle("apps/web.yaml").ok);
    assert_eq!(leftovers::sandboxes(&state).len(), 1);
}
