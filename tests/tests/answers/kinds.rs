//! Kinds, versions and namespaces that the server does not have.

use expect_test::expect;
use gitops_tests::fixture::{check_with, dedent};
use gitops_tests::server::{Phase, TestServer};
use gitops_tests::shared;
use serde_json::json;

use crate::SHOW;
use crate::prepare::{namespace, until_refused};

#[test]
fn namespace_missing() {
    namespace("default");
    check_with(
        SHOW,
        expect![[r##"
            #- config.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: lost
              namespace: nope
            #            ^^^^ error apply/namespace-not-found: namespace "nope" does not exist
            data:
              key: value
        "##]],
    );
}

/// The server stops at the namespace; what else is wrong is said all the same, at once.
#[test]
fn what_else_is_wrong_beside_a_missing_namespace() {
    check_with(
        SHOW,
        expect![[r##"
            #- deployment.yaml
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: lost-and-wrong
              namespace: nope
            #            ^^^^ error apply/namespace-not-found: namespace "nope" does not exist
            spec:
              replica: 1
            # ^^^^^^^ error apply/unknown-field: unknown field "replica"; did you mean "replicas"?
            #> action: Rename it to replicas (preferred)
              selector:
                matchLabels: { app: lost }
              template:
                metadata:
                  labels: { app: found }
            #                    ^^^^^ error apply/invalid-value: label "app" is "found" here, but the selector looks for "lost"
            #| see 9:25-9:29 "lost": the selector
            #> action: Write lost (preferred)
                spec:
                  containers:
                    - name: web
            #         ^^^^^^^^^ error apply/required: required field "image" is missing
            #> action: Add image
        "##]],
    );
}

/// What the same save brings is not missing.
#[test]
fn namespace_of_the_same_save() {
    check_with(
        SHOW,
        expect![[r#"
            #- config.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: found
              namespace: same-save
            data:
              key: value
            ---
            apiVersion: v1
            kind: Namespace
            metadata:
              name: same-save
        "#]],
    );
}

#[test]
fn namespace_terminating() {
    let cluster = namespace("terminating");
    // What holds the namespace back, for as long as the sandbox lives.
    cluster.apply(
        "tests",
        &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "holds", "namespace": "terminating", "finalizers": ["example.com/holds"] } }),
    );
    cluster.delete("v1", "Namespace", None, "terminating");
    cluster.wait_until("v1", "Namespace", None, "terminating", |namespace| {
        namespace["status"]["phase"] == "Terminating"
    });
    let late =
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "late", "namespace": "terminating" } });
    until_refused(&late, "being terminated");
    check_with(
        SHOW,
        expect![[r##"
            #- config.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: late
              namespace: terminating
            #            ^^^^^^^^^^^ error apply/namespace-terminating: namespace "terminating" is being deleted; nothing can be created in it until it is gone and made again
            data:
              key: value
        "##]],
    );
}

#[test]
fn version_not_served() {
    namespace("not-served");
    check_with(
        SHOW,
        expect![[r#"
            #- budget.yaml
            apiVersion: policy/v1beta1
            #           ^^^^^^^^^^^^^^ error apply/version-not-served: policy/v1beta1 PodDisruptionBudget is not served here; use policy/v1
            #> action: Write policy/v1 (preferred)
            kind: PodDisruptionBudget
            metadata:
              name: web
              namespace: not-served
            spec:
              minAvailable: 1
              selector: { matchLabels: { app: web } }
            #- ingress.yaml
            apiVersion: extensions/v1beta1
            #           ^^^^^^^^^^^^^^^^^^ error apply/version-not-served: extensions/v1beta1 Ingress is not served here; use networking.k8s.io/v1
            #> action: Write networking.k8s.io/v1 (preferred)
            kind: Ingress
            metadata:
              name: web
              namespace: not-served
            #- deployment.yaml
            apiVersion: v1
            #           ^^ error apply/version-not-served: v1 Deployment is not served here; use apps/v1
            #> action: Write apps/v1 (preferred)
            kind: Deployment
            metadata:
              name: web
              namespace: not-served
            #- group.yaml
            apiVersion: app/v1
            #           ^^^^^^ error apply/version-not-served: app/v1 StatefulSet is not served here; use apps/v1
            #> action: Write apps/v1 (preferred)
            kind: StatefulSet
            metadata:
              name: web
              namespace: not-served
        "#]],
    );
}

#[test]
fn kind_not_served() {
    namespace("no-such-kind");
    check_with(
        SHOW,
        expect![[r##"
            #- case.yaml
            apiVersion: v1
            kind: configmap
            #     ^^^^^^^^^ error apply/kind-not-served: kind "configmap" is not served in v1; did you mean "ConfigMap"?
            #> action: Write ConfigMap (preferred)
            metadata:
              name: invalid-kind
              namespace: no-such-kind
            #- letter.yaml
            apiVersion: apps/v1
            kind: Deploymnet
            #     ^^^^^^^^^^ error apply/kind-not-served: kind "Deploymnet" is not served in apps/v1; did you mean "Deployment"?
            #> action: Write Deployment (preferred)
            metadata:
              name: web
              namespace: no-such-kind
            #- unknown.yaml
            apiVersion: monitoring.coreos.com/v1
            kind: ServiceMonitor
            #     ^^^^^^^^^^^^^^ error apply/kind-not-served: no kind "ServiceMonitor" is served here; the CRD that brings monitoring.coreos.com is not installed
            metadata:
              name: web
              namespace: no-such-kind
            #- well-known.yaml
            apiVersion: monitoring.coreos.com/v1
            kind: ServiceMonitro
            #     ^^^^^^^^^^^^^^ error apply/kind-not-served: monitoring.coreos.com has no kind "ServiceMonitro"; did you mean "ServiceMonitor"?
            #> action: Write ServiceMonitor (preferred)
            metadata:
              name: web
              namespace: no-such-kind
        "##]],
    );
}

/// A kind that somebody else brings to the cluster is known at the next save.
#[test]
fn kind_that_came_from_elsewhere() {
    let cluster = namespace("elsewhere");
    let (server, file) = (&shared::session().server, shared::file("object.yaml"));
    server.open_with(
        &file,
        "apiVersion: elsewhere.example.com/v1\nkind: Gadget\nmetadata: { name: one, namespace: elsewhere }\n",
    );
    assert!(!server.save_and_settle(&file).ok);
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "gadgets.elsewhere.example.com" },
        "spec": {
            "group": "elsewhere.example.com",
            "names": { "kind": "Gadget", "plural": "gadgets" },
            "scope": "Namespaced",
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": { "type": "object" } } }],
        },
    });
    cluster.apply("tests", &definition);
    let established = |definition: &serde_json::Value| {
        let conditions = definition["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        conditions
            .iter()
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
    };
    cluster.wait_until(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        None,
        "gadgets.elsewhere.example.com",
        established,
    );
    crate::prepare::until_served("elsewhere.example.com", "Gadget");
    let verdict = server.save_and_settle(&file);
    assert!(verdict.ok, "{:?}", server.diagnostics(&file).summary());
}

/// A file that brings something and waits for something else is tried again when that comes, not for what it brings itself.
/// It has a session of its own, since what other tests bring is a reason to try it again.
#[test]
fn kind_missing_beside_a_namespace() {
    let server = TestServer::builder().build();
    server.start_session(json!({}));
    let both = dedent(
        "
        apiVersion: v1
        kind: Namespace
        metadata: { name: beside }
        ---
        apiVersion: nobody.example.com/v1
        kind: Gadget
        metadata: { name: one, namespace: beside }
        ",
    );
    server.open_with("both.yaml", &both);
    let mark = server.client.mark();
    assert!(!server.save_and_settle("both.yaml").ok);
    // What is tried again and again is heard of while another file is saved.
    server.open_with(
        "other.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: other, namespace: beside }\n",
    );
    for _ in 0..5 {
        assert!(server.save_and_settle("other.yaml").ok);
    }
    // The namespace was new, for which all files that wait are tried again once.
    let verdicts = server.verdicts("both.yaml", Phase::Apply, mark).len();
    assert!(verdicts <= 2, "{verdicts} verdicts about one save");
}
