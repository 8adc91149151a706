//! Settings: told at the start, asked for, changed, and wrong.

use std::process::Command;

use expect_test::expect;
use gitops_tests::binary::gitops_lsp;
use gitops_tests::message_log::Mark;
use gitops_tests::server::{TestServer, bare_client};
use serde_json::{Value, json};

#[test]
fn unknown_settings_are_named() {
    let server = TestServer::builder()
        .options(json!({ "lens": { "enable": false }, "targets": "x" }))
        .settings(json!({ "sandbox": "moon", "trace": { "server": "off" } }))
        .build();
    let said = |wanted: &str| {
        server.client.wait_for(Mark::START, "window/showMessage", |params| {
            params["message"]
                .as_str()
                .is_some_and(|message| message.starts_with(wanted))
        })
    };
    let messages = [
        "there is no setting gitops.lens.enable",
        "there is no setting gitops.targets",
        "gitops.sandbox",
    ]
    .map(|wanted| said(wanted)["message"].clone());
    expect![[r#"
        [
            String("there is no setting gitops.lens.enable; did you mean gitops.lens.enabled?"),
            String("there is no setting gitops.targets; did you mean gitops.target?"),
            String("gitops.sandbox: unknown variant `moon`, expected `local`; its default is used"),
        ]
    "#]]
    .assert_debug_eq(&messages);
}

#[test]
fn settings_change_while_the_server_runs() {
    const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\n";
    // A client that is asked.
    let server = TestServer::builder().build();
    server.open_with("a.yaml", POD);
    assert_eq!(server.lenses("a.yaml").len(), 2);
    server.client.manners().settings = json!({ "lens": { "enabled": false } });
    let mark = server.client.mark();
    server
        .client
        .notify("workspace/didChangeConfiguration", json!({ "settings": null }));
    server.client.wait_for(mark, "workspace/configuration", |_| true);
    server.client.wait_for(mark, "workspace/codeLens/refresh", |_| true);
    assert_eq!(server.lenses("a.yaml"), []);
    // One that tells.
    let server = TestServer::builder().client(bare_client()).build();
    server.open_with("a.yaml", POD);
    assert_eq!(server.lenses("a.yaml").len(), 2);
    server.client.notify(
        "workspace/didChangeConfiguration",
        json!({ "settings": { "gitops": { "lens": { "enabled": false } } } }),
    );
    assert_eq!(server.lenses("a.yaml"), []);
}

#[test]
fn too_many_findings_are_counted() {
    let server = TestServer::builder()
        .options(json!({ "diagnostics": { "maximumPerFile": 3 } }))
        .settings(Value::Null)
        .build();
    server.open_with("many.yaml", &format!("kind: X\n{}", "a: 1\n".repeat(9)));
    let summary = server.wait_for_version("many.yaml", 1).summary();
    expect![[r#"
        [
            "error syntax/duplicate-key: the key `a` stands twice in this mapping",
            "error syntax/duplicate-key: the key `a` stands twice in this mapping",
            "error syntax/duplicate-key: the key `a` stands twice in this mapping",
            "information: 5 more findings in this file are not shown (gitops.diagnostics.maximumPerFile)",
        ]
    "#]]
    .assert_debug_eq(&summary);
}

#[test]
fn the_schema_of_the_settings_is_printed() {
    let output = Command::new(gitops_lsp())
        .arg("settings-schema")
        .output()
        .expect("it runs");
    assert!(output.status.success());
    let schema: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(schema["type"], "object");
    assert_eq!(
        schema["properties"]["session"]["properties"]["applyOnSave"]["default"],
        true
    );
}
