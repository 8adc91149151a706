//! Components of the sandbox that end by themselves.

use gitops_tests::leftovers::{self, component, kill};
use gitops_tests::server::{Phase, TestServer};
use serde_json::{Value, json};

use crate::{config_map, message_of, titles};

/// The API server is killed: the status says so, edits go on, and what is saved meanwhile is applied when it is back.
#[test]
fn the_api_server_is_killed() {
    let server = TestServer::builder().build();
    let started = server.start_session(Value::Null);
    server.open_with("a.yaml", &config_map("before", "one"));
    assert!(server.save_and_settle("a.yaml").ok);
    let mark = server.client.mark();
    kill(&component(server.state(), "kube-apiserver"));
    let status = server.wait_for_status(mark, |status| message_of(status).contains("kube-apiserver"));
    assert!(message_of(&status).contains("started again"), "{status}");
    server.client.wait_for(mark, "window/showMessage", |params| {
        params["message"]
            .as_str()
            .is_some_and(|message| message.contains("kube-apiserver"))
    });
    // Edits go on.
    let version = server.edit("a.yaml", "key: one", "key: [");
    assert_eq!(server.wait_for_version("a.yaml", version).diagnostics.len(), 1);
    let version = server.edit("a.yaml", "key: [", "key: two");
    assert_eq!(server.wait_for_version("a.yaml", version).summary(), [""; 0]);
    // A save that nobody answers now is applied when the server is back; until then its lens says so.
    let before = server.generation("a.yaml");
    let saved = server.save("a.yaml");
    server.wait_for_recovery(mark, "kube-apiserver");
    let verdict = server.client.wait(saved, "the verdict once the server is back", |_| {
        server
            .verdicts("a.yaml", Phase::Apply, saved)
            .into_iter()
            .find(|verdict| verdict.ok && verdict.generation > before)
    });
    assert!(verdict.generation > before);
    assert_eq!(titles(&server, "a.yaml"), ["✓ applied · AGE"]);
    assert_eq!(server.diagnostics("a.yaml").summary(), [""; 0]);
    let cluster = server.cluster(&started);
    assert_eq!(
        cluster
            .get("v1", "ConfigMap", Some("default"), "before")
            .expect("it is there")["data"]["key"],
        "two"
    );
}

/// It is killed while saves are under way, again and again, at another moment each time: none of them is lost.
#[test]
fn the_api_server_is_killed_in_the_middle_of_an_apply() {
    let server = TestServer::builder().build();
    let started = server.start_session(Value::Null);
    let files: Vec<String> = (0..20).map(|number| format!("{number}.yaml")).collect();
    for (number, file) in files.iter().enumerate() {
        server.open_with(file, &config_map(&format!("many-{number}"), "zero"));
    }
    for round in ["one", "two"] {
        let mark = server.client.mark();
        for (number, file) in files.iter().enumerate() {
            server.retype(file, &config_map(&format!("many-{number}"), round));
            server.save(file);
        }
        // As soon as the first is through, others are under way.
        server
            .client
            .wait_for(mark, "gitops/verdict", |verdict| verdict["phase"] == "apply");
        kill(&component(server.state(), "kube-apiserver"));
        for file in &files {
            server.client.wait(mark, &format!("that {file} is applied"), |_| {
                server
                    .verdicts(file, Phase::Apply, mark)
                    .into_iter()
                    .find(|verdict| verdict.ok)
            });
        }
        server.wait_for_recovery(mark, "kube-apiserver");
        let cluster = server.cluster(&started);
        for number in 0..files.len() {
            assert_eq!(
                cluster
                    .get("v1", "ConfigMap", Some("default"), &format!("many-{number}"))
                    .expect("it is there")["data"]["key"],
                round
            );
        }
    }
}

/// Every other component is started again, too.
#[test]
fn components_are_started_again() {
    let server = TestServer::builder().build();
    server.start_session(Value::Null);
    server.open_with("a.yaml", &config_map("component", "zero"));
    for name in ["etcd", "kube-controller-manager", "kwok"] {
        let mark = server.client.mark();
        let killed = component(server.state(), name);
        kill(&killed);
        server.wait_for_recovery(mark, name);
        let again = component(server.state(), name);
        assert_ne!(again.id, killed.id, "{name}");
        let mark = server.client.mark();
        server.retype("a.yaml", &config_map("component", name));
        server.save("a.yaml");
        server
            .client
            .wait(mark, &format!("that a save is applied after {name} was killed"), |_| {
                server
                    .verdicts("a.yaml", Phase::Apply, mark)
                    .into_iter()
                    .find(|verdict| verdict.ok)
            });
    }
}

/// One that does not stay up is given up, with what to do; a new session works.
#[test]
fn a_component_that_does_not_stay_up() {
    let server = TestServer::builder().build();
    server.start_session(Value::Null);
    let mut killed = 0;
    loop {
        let mark = server.client.mark();
        kill(&component(server.state(), "kube-scheduler"));
        killed += 1;
        assert!(killed < 20, "it is started again for ever");
        let mut ended = false;
        let said = server.client.wait(mark, "what became of the scheduler", |message| {
            let status = (message["method"] == "gitops/status").then(|| &message["params"])?;
            ended |= message_of(status).contains("kube-scheduler");
            let decided = message_of(status).contains("does not stay up") || status["message"].is_null();
            (ended && decided).then(|| status.clone())
        });
        if message_of(&said).contains("does not stay up") {
            assert!(
                message_of(&said).contains("start it again"),
                "what to do is said: {said}"
            );
            break;
        }
    }
    assert_eq!(server.stop_session()["failed"], json!([]));
    assert!(leftovers::sandboxes(server.state()).is_empty());
    assert_eq!(server.start_session(Value::Null)["mode"], "run");
}
