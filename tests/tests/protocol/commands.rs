//! Commands without a session, and what nobody knows.

use std::fmt::Write as _;

use expect_test::expect;
use gitops_tests::client::{FAILED, INVALID_PARAMS, METHOD_NOT_FOUND};
use gitops_tests::server::TestServer;
use serde_json::{Value, json};

#[test]
fn commands_without_a_session() {
    let server = TestServer::builder()
        .files("#- a.yaml\napiVersion: v1\nkind: Pod\nmetadata: { name: a }\n")
        .build();
    assert_eq!(
        server.status(),
        json!({ "level": "offline", "mode": "gitops", "busy": false })
    );
    assert_eq!(server.client.command("gitops.session.list", Value::Null), Ok(json!([])));
    let outside = server.uri("../elsewhere");
    let mut answers = String::new();
    for (command, argument) in [
        ("gitops.session.stop", Value::Null),
        ("gitops.session.stop", json!({ "name": "x" })),
        ("gitops.session.stop", json!({ "nam": "x" })),
        ("gitops.session.stop", json!("x")),
        ("gitops.apply", Value::Null),
        ("gitops.apply", json!({ "uri": server.uri("a.yaml") })),
        ("gitops.apply", json!({ "uri": 5 })),
        (
            "gitops.apply",
            json!({ "uri": server.uri("a.yaml"), "force": "recreate" }),
        ),
        ("gitops.session.start", json!({ "sandbox": "vcluster" })),
        ("gitops.session.start", json!({ "sandbox": "moon" })),
        ("gitops.session.start", json!({ "context": "production" })),
        ("gitops.session.start", json!({ "target": "../x" })),
        ("gitops.session.start", json!({ "target": "nothing/here" })),
        ("gitops.session.start", json!({ "target": "a.yaml" })),
        ("gitops.session.start", json!({ "root": outside })),
        ("gitops.session.start", json!({ "root": "https://example.com" })),
        ("gitops.session.start", json!({ "tagret": "apps" })),
        ("gitops.session.start", json!({ "name": "Not A Name" })),
        ("gitops.reconcile", Value::Null),
        ("gitops.suspend", json!({ "uri": server.uri("a.yaml") })),
        ("gitops.resume", json!({ "object": { "kind": "Pod", "name": "a" } })),
        (
            "gitops.showRendered",
            json!({ "object": { "apiVersion": "v1", "kind": "Pod", "name": "a" } }),
        ),
        (
            "gitops.diffLive",
            json!({ "uri": server.uri("a.yaml"), "position": { "line": 0, "character": 0 } }),
        ),
        ("gitops.events", json!({ "objects": [] })),
        ("gitops.preview", json!({ "uri": server.uri("a.yaml") })),
        ("gitops.session.begin", Value::Null),
        ("frobnicate", Value::Null),
    ] {
        let refused = server
            .client
            .command(command, argument.clone())
            .expect_err("it cannot be done");
        assert!(
            [FAILED, INVALID_PARAMS].contains(&refused.code),
            "{command} {argument}: {refused:?}"
        );
        let argument = argument.to_string().replace(server.workspace().as_str(), "WORKSPACE");
        let message = refused
            .message
            .replace(server.workspace().as_str(), "WORKSPACE")
            .replace(server.workspace().parent().expect("a parent").as_str(), "PARENT");
        let _ = writeln!(answers, "{command} {argument}\n  {message}");
    }
    expect![[r#"
        gitops.session.stop null
          no session is active
        gitops.session.stop {"name":"x"}
          there is no session called x
        gitops.session.stop {"nam":"x"}
          unknown field `nam`, expected `name`
        gitops.session.stop "x"
          gitops.session.stop takes an object as its argument, not "x"
        gitops.apply null
          no session applies this file; start one first (gitops.session.start)
        gitops.apply {"uri":"file://WORKSPACE/a.yaml"}
          no session applies this file; start one first (gitops.session.start)
        gitops.apply {"uri":5}
          invalid type: integer `5`, expected a string
        gitops.apply {"uri":"file://WORKSPACE/a.yaml","force":"recreate"}
          object and force belong together
        gitops.session.start {"sandbox":"vcluster"}
          this version has no vcluster sandbox yet; use local
        gitops.session.start {"sandbox":"moon"}
          there is no sandbox called moon; use local
        gitops.session.start {"context":"production"}
          a local sandbox has a context of its own; leave context out
        gitops.session.start {"target":"../x"}
          the target ../x is outside the workspace folder WORKSPACE
        gitops.session.start {"target":"nothing/here"}
          the target WORKSPACE/nothing/here is no directory, and no values file in a Helm chart
        gitops.session.start {"target":"a.yaml"}
          the target WORKSPACE/a.yaml is no directory, and no values file in a Helm chart
        gitops.session.start {"root":"file://WORKSPACE/../elsewhere"}
          the root PARENT/elsewhere is in no workspace folder
        gitops.session.start {"root":"https://example.com"}
          the root https://example.com is no file URI
        gitops.session.start {"tagret":"apps"}
          gitops.session.start: unknown field `tagret`, expected one of `root`, `target`, `valuesFiles`, `sandbox`, `context`, `name`
        gitops.session.start {"name":"Not A Name"}
          the sandbox did not start: "Not A Name" cannot be the name of a sandbox: it must be lowercase letters, digits and dashes, at most 63 of them
        gitops.reconcile null
          say which object: { uri, position } or { object: { apiVersion, kind, namespace, name } }
        gitops.suspend {"uri":"file://WORKSPACE/a.yaml"}
          uri and position belong together
        gitops.resume {"object":{"kind":"Pod","name":"a"}}
          missing field `apiVersion`
        gitops.showRendered {"object":{"apiVersion":"v1","kind":"Pod","name":"a"}}
          no session applies this; start one first (gitops.session.start)
        gitops.diffLive {"uri":"file://WORKSPACE/a.yaml","position":{"line":0,"character":0}}
          a.yaml is not open
        gitops.events {"objects":[]}
          unknown field `objects`, expected one of `uri`, `position`, `object`, `reason`, `show`
        gitops.preview {"uri":"file://WORKSPACE/a.yaml"}
          no session applies this file; start one first (gitops.session.start)
        gitops.session.begin null
          there is no command gitops.session.begin; did you mean gitops.session.list?
        frobnicate null
          there is no command frobnicate
    "#]].assert_eq(&answers);
    assert_eq!(
        server.status(),
        json!({ "level": "offline", "mode": "gitops", "busy": false }),
        "nothing was started"
    );
}

#[test]
fn what_nobody_knows_is_refused_or_dropped() {
    let server = TestServer::builder().build();
    assert_eq!(
        server
            .client
            .request("textDocument/nonsense", json!({}))
            .map_err(|refused| refused.code),
        Err(METHOD_NOT_FOUND)
    );
    assert_eq!(
        server
            .client
            .request("textDocument/codeLens", json!({ "textDocument": 5 }))
            .map_err(|refused| refused.code),
        Err(INVALID_PARAMS)
    );
    assert_eq!(
        server
            .client
            .request("workspace/executeCommand", json!([]))
            .map_err(|refused| refused.code),
        Err(INVALID_PARAMS)
    );
    for (method, params) in [
        ("$/setTrace", json!({ "value": "off" })),
        ("some/notification", json!({})),
        ("textDocument/didOpen", json!({ "textDocument": "no" })),
        (
            "textDocument/didChange",
            json!({ "textDocument": { "uri": server.uri("never-opened.yaml"), "version": 3 }, "contentChanges": [{ "text": "a" }] }),
        ),
        (
            "textDocument/didSave",
            json!({ "textDocument": { "uri": server.uri("never-opened.yaml") } }),
        ),
        (
            "textDocument/didClose",
            json!({ "textDocument": { "uri": server.uri("never-opened.yaml") } }),
        ),
        ("$/cancelRequest", json!({ "id": 999_999 })),
        ("$/cancelRequest", json!({ "id": "what" })),
        ("window/workDoneProgress/cancel", json!({ "token": "nothing" })),
    ] {
        server.client.notify(method, params);
    }
    assert_eq!(server.status()["level"], "offline");
    assert_eq!(
        server.client.request(
            "textDocument/codeLens",
            json!({ "textDocument": { "uri": server.uri("never-opened.yaml") } })
        ),
        Ok(json!([]))
    );
    assert_eq!(
        server.actions(
            "never-opened.yaml",
            &json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } })
        ),
        [] as [Value; 0]
    );
}
