//! Both ends of a connection: what is agreed at its beginning, and how it ends.

use std::process::{Command, Stdio};

use expect_test::expect;
use gitops_tests::message_log::Mark;
use gitops_tests::server::{TestServer, bare_client};
use serde_json::{Value, json};

/// `InvalidRequest` of JSON-RPC.
const INVALID_REQUEST: i64 = -32600;

/// `ServerNotInitialized` of LSP.
const NOT_INITIALIZED: i64 = -32002;

#[test]
fn what_the_server_can_do() {
    let server = TestServer::builder().client(bare_client()).build();
    assert_eq!(server.initialized["serverInfo"]["name"], "gitops-lsp");
    let mut capabilities = server.initialized["capabilities"].clone();
    capabilities.sort_all_objects();
    expect![[r#"
        {
          "codeActionProvider": {
            "codeActionKinds": [
              "quickfix"
            ]
          },
          "codeLensProvider": {
            "resolveProvider": false
          },
          "executeCommandProvider": {
            "commands": [
              "gitops.session.start",
              "gitops.session.stop",
              "gitops.session.list",
              "gitops.apply",
              "gitops.reconcile",
              "gitops.suspend",
              "gitops.resume",
              "gitops.showRendered",
              "gitops.diffLive",
              "gitops.events",
              "gitops.preview",
              "gitops.mode"
            ],
            "workDoneProgress": true
          },
          "hoverProvider": true,
          "positionEncoding": "utf-16",
          "textDocumentSync": {
            "change": 2,
            "openClose": true,
            "save": {
              "includeText": false
            }
          },
          "workspace": {
            "workspaceFolders": {
              "changeNotifications": true,
              "supported": true
            }
          }
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&capabilities).expect("JSON"));
}

#[test]
fn the_encoding_is_agreed() {
    for (offered, chosen) in [
        (json!(["utf-8", "utf-16"]), "utf-8"),
        (json!(["utf-16", "utf-8"]), "utf-8"),
        (json!(["utf-16"]), "utf-16"),
        (json!(["utf-32"]), "utf-32"),
        (json!(["utf-32", "utf-16"]), "utf-32"),
        (json!(["utf-7"]), "utf-16"),
        (json!([]), "utf-16"),
        (Value::Null, "utf-16"),
    ] {
        let server = TestServer::builder()
            .client(json!({ "general": { "positionEncodings": offered } }))
            .build();
        assert_eq!(
            server.initialized["capabilities"]["positionEncoding"], chosen,
            "{offered}"
        );
    }
}

#[test]
fn what_a_client_says_it_can_do_may_be_anything() {
    for capabilities in [
        json!({ "workspace": null }),
        json!({ "general": { "positionEncodings": ["utf-9"] } }),
        json!({ "somethingNew": { "deep": [1, 2] } }),
    ] {
        let server = TestServer::builder().without_handshake().build();
        match server.client.request(
            "initialize",
            json!({ "processId": null, "rootUri": null, "capabilities": capabilities }),
        ) {
            Ok(_) => {
                server.client.notify("initialized", json!({}));
                assert_eq!(server.shut_down(), 0);
            }
            Err(refused) => panic!("{capabilities}: {refused:?}"),
        }
    }
}

/// A server that a plain client runs is asked for nothing that the client does not know.
#[test]
fn a_bare_client_is_asked_nothing() {
    let server = TestServer::builder().client(bare_client()).build();
    server.open_with(
        "a.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: {}\nspec: {}\n",
    );
    let published = server.wait_for_version("a.yaml", 1);
    assert!(published.diagnostics[0].get("relatedInformation").is_none());
    assert!(published.diagnostics[0].get("codeDescription").is_none());
    server.status();
    let asked = server.client.log().said(Mark::START, |message| {
        message.get("id").and(message.get("method")).cloned()
    });
    assert_eq!(asked, [] as [Value; 0]);
    let full = TestServer::builder().build();
    full.open_with(
        "a.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: {}\nspec: {}\n",
    );
    let published = full.wait_for_version("a.yaml", 1);
    assert!(published.diagnostics[0].get("relatedInformation").is_some());
    assert!(
        published.diagnostics[0]["codeDescription"]["href"]
            .as_str()
            .is_some_and(|page| page.ends_with("/docs/codes/syntax/duplicate-key.md"))
    );
    full.status();
    for method in ["client/registerCapability", "workspace/configuration"] {
        assert_eq!(full.client.said(Mark::START, method).len(), 1, "{method}");
    }
}

#[test]
fn nothing_is_done_before_the_handshake_or_after_the_goodbye() {
    let server = TestServer::builder().without_handshake().build();
    assert_eq!(
        server
            .client
            .request("textDocument/codeLens", json!({}))
            .map_err(|refused| refused.code),
        Err(NOT_INITIALIZED)
    );
    let capabilities = server
        .client
        .request(
            "initialize",
            json!({ "processId": null, "rootUri": null, "capabilities": {} }),
        )
        .expect("initialize is answered");
    assert_eq!(capabilities["capabilities"]["positionEncoding"], "utf-16");
    server.client.notify("initialized", json!({}));
    assert_eq!(server.status()["level"], "offline");
    server
        .client
        .request("shutdown", Value::Null)
        .expect("shutdown is answered");
    assert_eq!(
        server
            .client
            .command("gitops.mode", Value::Null)
            .map_err(|refused| refused.code),
        Err(INVALID_REQUEST)
    );
    assert_eq!(server.exit_rudely(), 0, "it was not so rude: shutdown came before");
}

#[test]
fn exit_codes() {
    assert_eq!(TestServer::builder().build().shut_down(), 0);
    assert_eq!(TestServer::builder().build().exit_rudely(), 1);
    assert_eq!(TestServer::builder().without_handshake().build().exit_rudely(), 1);
    TestServer::builder().build().hang_up();
    TestServer::builder().without_handshake().build().hang_up();
}

/// The client's process is gone although its end of the pipe is held open by somebody else.
#[test]
fn the_server_does_not_outlive_its_client() {
    let mut client = Command::new("sleep")
        .arg("600")
        .stdin(Stdio::null())
        .spawn()
        .expect("sleep runs");
    let server = TestServer::builder().process_id(client.id()).build();
    assert_eq!(server.status()["level"], "offline");
    client.kill().expect("it can be killed");
    client.wait().expect("it has ended");
    server.wait_until_ended();
}
