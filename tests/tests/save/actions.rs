//! What can be done about a verdict: by command and by code action.

use expect_test::expect;
use gitops_tests::fixture;
use gitops_tests::server::Phase;
use gitops_tests::shared::{self, Shared, file};
use serde_json::json;

use crate::config_map;

#[test]
fn applied_without_a_save() {
    let shared = shared::session();
    let (server, cluster) = (&shared.server, shared.cluster());
    let name = file("command.yaml");
    server.open_with(&name, &config_map("by-command", "one"));
    let verdict = server.apply(&name);
    assert!(verdict.ok);
    assert_eq!(
        cluster
            .get("v1", "ConfigMap", Some("default"), "by-command")
            .expect("it is there")["data"]["key"],
        "one"
    );
    server.assert_sound();
}

#[test]
fn a_field_is_taken_over_from_its_manager() {
    let shared = shared::session();
    let (server, cluster) = (&shared.server, shared.cluster());
    let name = file("conflict.yaml");
    cluster.apply("somebody-else", &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "contested", "namespace": "default" }, "data": { "key": "theirs" } }));
    server.open_with(&name, &config_map("contested", "ours"));
    assert!(!server.save_and_settle(&name).ok);
    let diagnostics = server.diagnostics(&name);
    expect![[r#"
        [
            "error apply/conflict: field \"key\" belongs to \"somebody-else\", who gave it another value",
        ]
    "#]]
    .assert_debug_eq(&diagnostics.summary());
    let (before, mark) = (server.generation(&name), server.client.mark());
    server.apply_action(
        &name,
        &diagnostics.diagnostics[0]["range"],
        "Take it over from somebody-else",
    );
    assert!(server.wait_for_verdict(&name, Phase::Apply, mark, before + 1).ok);
    assert_eq!(
        cluster
            .get("v1", "ConfigMap", Some("default"), "contested")
            .expect("it is there")["data"]["key"],
        "ours"
    );
    assert_eq!(server.diagnostics(&name).summary(), [""; 0]);
    server.assert_sound();
}

#[test]
fn an_immutable_object_is_made_anew() {
    let shared = shared::session();
    let (server, cluster) = (&shared.server, shared.cluster());
    let name = file("immutable.yaml");
    let text = |value: &str| format!("{}immutable: true\n", config_map("carved", value));
    server.open_with(&name, &text("stone"));
    assert!(server.save_and_settle(&name).ok);
    server.edit(&name, "stone", "marble");
    assert!(!server.save_and_settle(&name).ok);
    let diagnostics = server.diagnostics(&name);
    expect![[r#"
        [
            "error apply/immutable-field: field \"key\" is immutable: the live object has \"stone\"; to change it the object must be made anew",
        ]
    "#]]
    .assert_debug_eq(&diagnostics.summary());
    let (before, mark) = (server.generation(&name), server.client.mark());
    server.apply_action(
        &name,
        &diagnostics.diagnostics[0]["range"],
        "Delete it from the sandbox and create it anew",
    );
    assert!(server.wait_for_verdict(&name, Phase::Apply, mark, before + 1).ok);
    assert_eq!(
        cluster
            .get("v1", "ConfigMap", Some("default"), "carved")
            .expect("it is there")["data"]["key"],
        "marble"
    );
    server.assert_sound();
}

/// What is offered mends: the edit of each action, saved, is taken.
#[test]
fn an_action_mends() {
    let Shared { server, .. } = shared::session();
    let name = file("mend.yaml");
    let text = fixture::dedent(
        "
        apiVersion: v1
        kind: Service
        metadata:
          name: mend
          namespace: default
        spec:
          type: clusterip
          ports:
            - prot: 80
        ",
    );
    server.open_with(&name, &text);
    assert!(!server.save_and_settle(&name).ok);
    for title in ["Write ClusterIP", "Rename it to port"] {
        let published = server.diagnostics(&name);
        let range = published
            .diagnostics
            .iter()
            .map(|diagnostic| diagnostic["range"].clone())
            .find(|range| {
                server
                    .actions(&name, range)
                    .iter()
                    .any(|action| action["title"] == title)
            })
            .unwrap_or_else(|| panic!("{title:?} is offered nowhere: {:?}", published.summary()));
        server.apply_action(&name, &range, title);
        server.save_and_settle(&name);
    }
    assert_eq!(server.diagnostics(&name).summary(), [""; 0], "{}", server.text(&name));
    server.assert_sound();
}
