//! From start to stop, with everything that is told in between.

use std::os::unix::fs::PermissionsExt as _;

use expect_test::expect;
use gitops_tests::client::FAILED;
use gitops_tests::leftovers;
use gitops_tests::message_log::{Mark, PATIENCE};
use gitops_tests::server::{Phase, TestServer};
use serde_json::{Value, json};

use crate::{FILES, titles};

/// Each status once, without what differs from run to run: how far a start is, and whether something is under way.
fn statuses(server: &TestServer, since: Mark) -> String {
    let name = server
        .client
        .command("gitops.session.list", Value::Null)
        .expect("a list")[0]["name"]
        .clone();
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
    assert_eq!(
        started,
        json!({ "name": name, "sandbox": "local", "context": format!("gitops-lsp-{name}"), "target": "apps", "mode": "run", "kubeconfig": kubeconfig })
    );

    // What lies in the target is applied without a save; what is wrong with it is said on files that are not open.
    let applied = server.wait_for_verdict("apps/web.yaml", Phase::Apply, mark, 1);
    assert!(applied.ok);
    assert!(!server.wait_for_verdict("apps/broken.yaml", Phase::Apply, mark, 1).ok);
    let summary = server.diagnostics("apps/broken.yaml").summary();
    assert_eq!(
        summary,
        ["error apply/unknown-field: unknown field \"datta\"; did you mean \"data\"?"]
    );
    let cluster = server.cluster(&started);
    assert!(cluster.get("v1", "ConfigMap", Some("default"), "web").is_some());
    assert!(
        cluster
            .get("v1", "ConfigMap", Some("default"), "not-in-target")
            .is_none()
    );
    assert_eq!(titles(&server, "apps/web.yaml"), ["✓ applied · AGE"]);
    assert_eq!(
        titles(&server, "other/not-in-target.yaml"),
        ["not in session", "▶ Start session"]
    );

    // Progress, as the protocol has it.
    let token = server.client.wait_for(mark, "window/workDoneProgress/create", |_| true)["token"].clone();
    let progress: Vec<Value> = server
        .client
        .said(mark, "$/progress")
        .into_iter()
        .filter(|params| params["token"] == token)
        .map(|params| params["value"].clone())
        .collect();
    assert_eq!(progress.first().map(|value| &value["kind"]), Some(&json!("begin")));
    assert_eq!(progress[0]["cancellable"], true);
    assert!(
        progress.iter().filter(|value| value["kind"] == "report").count() >= 3,
        "{progress:?}"
    );
    assert_eq!(progress.iter().filter(|value| value["kind"] == "end").count(), 1);
    assert_eq!(progress.last().map(|value| &value["kind"]), Some(&json!("end")));
    let percentages: Vec<u64> = progress
        .iter()
        .filter_map(|value| value["percentage"].as_u64())
        .collect();
    assert!(percentages.is_sorted(), "{percentages:?}");

    // Nobody else on this machine reads any of it.
    for directory in [
        server.state().to_owned(),
        server.state().join("sandboxes"),
        server.state().join("sandboxes").join(&name),
    ] {
        let mode = std::fs::metadata(&directory).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{directory}");
    }

    let mut list = server
        .client
        .command("gitops.session.list", Value::Null)
        .expect("a list");
    assert!(list[0]["started"].is_string() || list[0]["started"].is_number());
    list[0]["started"] = json!("…");
    assert!(list[0]["owner"].is_string());
    list[0]["owner"] = json!("…");
    let entry = json!({ "name": name, "sandbox": "local", "context": started["context"], "root": server.workspace(), "target": "apps", "owner": "…", "started": "…", "lease": "held", "objects": 1 });
    assert_eq!(list, json!([entry]));

    // A second start of the same is the same; one of another target is told so.
    assert_eq!(
        server
            .client
            .command("gitops.session.start", json!({ "target": "./apps/" })),
        Ok(started.clone())
    );
    let refused = server
        .client
        .command("gitops.session.start", json!({ "target": "other" }))
        .expect_err("another target");
    assert_eq!(
        (refused.code, refused.message),
        (
            FAILED,
            format!("the session {name} runs on {}/apps; stop it first", server.workspace())
        )
    );

    server.wait_for_status(mark, |status| status["level"] == "session" && status["busy"] == false);
    expect![[r#"
        {"level":"offline","mode":"gitops","sandbox":"local","session":"NAME"}
        {"level":"session","mode":"run","sandbox":"local","context":"gitops-lsp-NAME","session":"NAME"}"#]]
    .assert_eq(&statuses(&server, mark));

    assert_eq!(
        server.client.command("gitops.session.stop", json!({ "name": name })),
        Ok(json!({ "deleted": 1, "restored": 0, "failed": [] }))
    );
    assert_eq!(
        server.status(),
        json!({ "level": "offline", "mode": "gitops", "busy": false })
    );
    server.client.wait_for(mark, "gitops/status", |status| {
        status["level"] == "offline" && status["busy"] == false
    });
    assert_eq!(
        leftovers::processes(server.state()).len(),
        1,
        "the server alone is left"
    );
    assert!(leftovers::sandboxes(server.state()).is_empty());
    assert_eq!(
        server.diagnostics("apps/broken.yaml").summary(),
        [""; 0],
        "the session's findings go with it"
    );
    assert_eq!(titles(&server, "apps/web.yaml"), ["not in session", "▶ Start session"]);
    assert_eq!(
        server
            .client
            .command("gitops.session.stop", Value::Null)
            .map_err(|refused| refused.code),
        Err(FAILED)
    );

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
    let key = || {
        cluster
            .get("v1", "ConfigMap", Some("default"), "web")
            .expect("it is there")["data"]["key"]
            .clone()
    };
    assert_eq!(key(), "value");
    assert!(server.save_and_settle("apps/web.yaml").ok);
    assert_eq!(key(), "typed");
}

#[test]
fn a_second_start_while_the_first_is_under_way() {
    let server = TestServer::builder().files(FILES).build();
    server.take_slot();
    let first = server
        .client
        .send_command("gitops.session.start", json!({ "target": "apps" }));
    let refused = server
        .client
        .command("gitops.session.start", json!({ "target": "apps" }))
        .expect_err("one is starting");
    assert_eq!(refused.code, FAILED);
    assert!(refused.message.ends_with("is starting already"), "{}", refused.message);
    assert_eq!(
        server.client.answer(first).expect("the first one starts")["target"],
        "apps"
    );
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
