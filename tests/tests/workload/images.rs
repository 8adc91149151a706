//! Images that their registry does not have, asked of a real registry.

use std::process::Command;

use camino::Utf8Path;
use gitops_tests::binary::gitops_lsp;
use gitops_tests::chart_sources::ChartSources;
use gitops_tests::server::TestServer;
use serde_json::json;

use crate::shown;

const FILE: &str = "web.yaml";

/// A registry that has one version of one thing.
fn registry() -> (ChartSources, String) {
    let chart = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/reports/flux-h/charts/board");
    let sources = ChartSources::serve(&[&chart]);
    let registry = sources
        .registry
        .strip_prefix("oci://")
        .expect("an OCI registry")
        .to_owned();
    (sources, registry)
}

fn deployment(image: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {{ app: web }}
  template:
    metadata:
      labels: {{ app: web }}
    spec:
      containers:
        - name: web
          image: {image}
        - name: never
          image: {image}
          imagePullPolicy: Never
"
    )
}

fn settings(is_asking: bool) -> serde_json::Value {
    json!({ "verdicts": true, "images": { "askRegistries": is_asking } })
}

#[test]
fn what_the_registry_does_not_have_is_said_until_it_is_mended() {
    let (sources, registry) = registry();
    let server = TestServer::builder().settings(settings(true)).build();
    server.start_session(json!({}));
    let sound = format!("{registry}/board:0.2.0");
    let wait_for = |image: &str, wanted: &str| {
        let text = deployment(image);
        if server.is_open(FILE) {
            server.retype(FILE, &text);
        } else {
            server.open_with(FILE, &text);
        }
        let mark = server.save(FILE);
        server.wait_for_diagnostics(FILE, mark, |published| shown(&text, published) == wanted)
    };
    let near = format!("{registry}/board:0.2.1");
    let said = format!(
        "`{near}` warning runtime/would-not-start: would not start: the registry of image \"{near}\" does not have it; did you mean \"{sound}\"?\n"
    );
    let published = wait_for(&near, &said);
    let actions = server.actions(FILE, &published.diagnostics[0]["range"]);
    assert_eq!(actions[0]["title"], format!("Write \"{sound}\""), "{actions:?}");
    wait_for(&sound, "");
    // No tag is near, and then not even the repository is there.
    let other = format!("{registry}/board:latest");
    let said = format!(
        "`{other}` warning runtime/would-not-start: would not start: the registry of image \"{other}\" does not have it; there is 0.2.0\n"
    );
    wait_for(&other, &said);
    let nowhere = format!("{registry}/bord:0.2.0");
    let said = format!(
        "`{nowhere}` warning runtime/would-not-start: would not start: the registry of image \"{nowhere}\" does not have it\n"
    );
    wait_for(&nowhere, &said);
    // Whoever wants nobody to be asked is not told either.
    let mark = server.client.mark();
    server.client.manners().settings = settings(false);
    server
        .client
        .notify("workspace/didChangeConfiguration", json!({ "settings": null }));
    server.wait_for_diagnostics(FILE, mark, |published| published.diagnostics.is_empty());
    let mark = server.client.mark();
    server.client.manners().settings = settings(true);
    server
        .client
        .notify("workspace/didChangeConfiguration", json!({ "settings": null }));
    server.wait_for_diagnostics(FILE, mark, |published| !published.diagnostics.is_empty());
    drop(sources);
    server.assert_sound();
}

#[test]
fn a_registry_that_does_not_answer_says_nothing() {
    let (mut sources, registry) = registry();
    sources.end();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join(FILE);
    std::fs::write(&file, deployment(&format!("{registry}/board:0.2.1"))).expect("written");
    let (code, printed) = check(&file);
    assert_eq!(code, Some(0), "{printed}");
    assert!(!printed.contains("would not start"), "{printed}");
}

#[test]
fn a_check_waits_for_what_registries_say() {
    let (_sources, registry) = registry();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join(FILE);
    std::fs::write(&file, deployment(&format!("{registry}/board:0.2.1"))).expect("written");
    let (code, printed) = check(&file);
    // A warning is no error.
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("board:0.2.1\" does not have it"), "{printed}");
}

fn check(file: &std::path::Path) -> (Option<i32>, String) {
    let state = tempfile::tempdir().expect("a directory");
    let output = Command::new(gitops_lsp())
        .args(["check", "--sandbox", "--ask-registries"])
        .arg(file)
        .env("GITOPS_LSP_STATE_DIR", state.path())
        .output()
        .expect("it runs");
    let printed = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.code(), printed)
}
