//! What the objects of a repository can ask for, and what becomes of it.

use gitops_session::source::{AccessToken, SourceServer};
use serde_json::{Value, json};

use crate::flux::Session;

const CONFIG_MAP: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: groesse
data:
  size: \"1\"
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_form_of_a_reference_becomes_ready_with_what_is_saved() {
    let mut session = Session::start("references", &[("apps/config.yaml", CONFIG_MAP)]).await;
    let elsewhere = "ssh://git@github.com/team/fleet";
    let commit = "3f2c0f5d1b6e4a7c8d9e0f1a2b3c4d5e6f708192";
    let forms = [
        ("none", json!({})),
        ("branch", json!({ "ref": { "branch": "staging" } })),
        ("branches", json!({ "ref": { "branch": "staging/west" } })),
        ("tag", json!({ "ref": { "tag": "v1.2.3", "branch": "main" } })),
        ("semver", json!({ "ref": { "semver": ">=1.0.0 <2.0.0" } })),
        ("name", json!({ "ref": { "name": "refs/heads/staging" } })),
        ("pull", json!({ "ref": { "name": "refs/pull/420/head" } })),
        ("name-of-tag", json!({ "ref": { "name": "refs/tags/v1.2.3" } })),
        ("commit", json!({ "ref": { "commit": commit, "branch": "main" } })),
        (
            "sparse",
            json!({ "ref": { "branch": "main" }, "sparseCheckout": ["apps"] }),
        ),
        (
            "everything",
            json!({
                "provider": "azure",
                "serviceAccountName": "default",
                "secretRef": { "name": "flux-system" },
                "proxySecretRef": { "name": "proxy" },
                "verify": { "mode": "HEAD", "secretRef": { "name": "keys" } },
                "recurseSubmodules": true,
            }),
        ),
    ];
    let mut expected = Vec::new();
    for (name, form) in forms {
        let mut spec = json!({ "url": elsewhere, "interval": "1h" });
        if let (Value::Object(spec), Value::Object(form)) = (&mut spec, form) {
            spec.extend(form);
        }
        let redirection = session.git_repository(name, spec).await;
        expected.push((name, redirection));
    }
    for (name, redirection) in &expected {
        session
            .until_fetched(name, &redirection.revision(session.commit()))
            .await;
    }
    // The next save reaches them all, too.
    session
        .save("apps/config.yaml", &CONFIG_MAP.replace("\"1\"", "\"2\""), "none")
        .await;
    for (name, redirection) in &expected {
        session.reconcile(name).await;
        session
            .until_fetched(name, &redirection.revision(session.commit()))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_is_applied_by_flux_under_its_own_ignore_rules() {
    let files = [
        ("apps/größe und mehr.yaml", CONFIG_MAP),
        ("apps/broken.yaml", "{{ no: yaml"),
        ("apps/ignored.yaml", "{{ no: yaml"),
        (".sourceignore", "broken.yaml\n"),
        (".gitignore", "ignored.yaml\n"),
    ];
    let mut session = Session::start("applied", &files).await;
    let spec = json!({ "url": "https://github.com/team/fleet", "interval": "1h" });
    let redirection = session.git_repository("fleet", spec).await;
    session
        .apply(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": { "name": "apps" },
            "spec": {
                "interval": "1h",
                "path": "./apps",
                "prune": true,
                "targetNamespace": "flux-system",
                "sourceRef": { "kind": "GitRepository", "name": "fleet" },
            },
        }))
        .await;
    for size in ["1", "2"] {
        let applied = redirection.revision(session.commit());
        session
            .until("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "apps", |object| {
                object.pointer("/status/lastAppliedRevision") == Some(&json!(applied))
            })
            .await;
        session
            .until("v1", "ConfigMap", "groesse", |object| {
                object.pointer("/data/size") == Some(&json!(size))
            })
            .await;
        session
            .save(
                "apps/größe und mehr.yaml",
                &CONFIG_MAP.replace("\"1\"", "\"2\""),
                "fleet",
            )
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_was_cut_off_says_so_and_comes_back() {
    let mut session = Session::start("cut-off", &[("apps/config.yaml", CONFIG_MAP)]).await;
    let spec = json!({ "url": "https://github.com/team/fleet", "interval": "1h" });
    let redirection = session.git_repository("fleet", spec).await;
    session
        .until_fetched("fleet", &redirection.revision(session.commit()))
        .await;

    let port = session.server.port();
    let elsewhere = AccessToken::random().expect("a token");
    let other = SourceServer::start(
        &session.source,
        elsewhere,
        None,
        gitops_session::source::ServerBounds::default(),
    )
    .await
    .expect("a server");
    std::mem::replace(&mut session.server, other).stop().await;
    session
        .save("apps/config.yaml", &CONFIG_MAP.replace("\"1\"", "\"2\""), "fleet")
        .await;
    let why = session.until_refused("fleet").await;
    assert!(why.contains("connection refused"), "{why}");

    session.serve_again(port).await;
    session.reconcile("fleet").await;
    session
        .until_fetched("fleet", &redirection.revision(session.commit()))
        .await;
}
