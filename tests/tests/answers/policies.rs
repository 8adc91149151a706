//! What a `ValidatingAdmissionPolicy` refuses: it lands on the field that the failing expression reads.

use expect_test::expect;
use gitops_tests::fixture::check_with;
use serde_json::{Value, json};

use crate::SHOW;
use crate::prepare::{Asker, namespace, until_refused};

/// Puts a policy on one namespace, and waits until it is in force there.
fn policy(name: &str, validations: &Value, refused: &Value, words: &str) {
    let administrator = Asker::new(None);
    let rules = json!([{ "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments"] }]);
    let group = "admissionregistration.k8s.io/v1";
    let policy = json!({
        "apiVersion": group,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": { "name": name },
        "spec": { "matchConstraints": { "resourceRules": rules }, "validations": validations },
    });
    let binding = json!({
        "apiVersion": group,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": { "name": name },
        "spec": { "policyName": name, "validationActions": ["Deny"], "matchResources": { "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": name } } } },
    });
    administrator.put(&policy);
    administrator.put(&binding);
    until_refused(refused, words);
}

fn deployment(namespace: &str, replicas: u64) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "probe", "namespace": namespace },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": "probe" } },
            "template": { "metadata": { "labels": { "app": "probe" } }, "spec": { "containers": [{ "name": "a", "image": "a" }] } },
        },
    })
}

/// The refusal names no field: the expression that fails tells which it reads.
#[test]
fn validating_admission_policy() {
    namespace("replicas-policy");
    let validations = json!([{ "expression": "object.spec.replicas <= 5", "message": "at most 5 replicas" }]);
    policy(
        "replicas-policy",
        &validations,
        &deployment("replicas-policy", 6),
        "at most 5 replicas",
    );
    check_with(
        SHOW,
        expect![[r#"
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
              namespace: replicas-policy
            spec:
              replicas: 10
            #           ^^ error apply/policy: policy replicas-policy: at most 5 replicas
              selector:
                matchLabels:
                  app: web
              template:
                metadata:
                  labels:
                    app: web
                spec:
                  containers:
                    - name: web
                      image: nginx
        "#]],
    );
}

/// Only the first failing validation is named; the second shows when the first is out of the way.
#[test]
fn policy_with_two_validations() {
    namespace("two-validations");
    let validations = json!([
        { "expression": "object.spec.replicas <= 5", "message": "at most 5 replicas" },
        { "expression": "object.spec.template.spec.containers.all(c, c.image.startsWith('registry.example.org/'))", "message": "images come from registry.example.org" },
    ]);
    policy(
        "two-validations",
        &validations,
        &deployment("two-validations", 6),
        "at most 5 replicas",
    );
    check_with(
        SHOW,
        expect![[r#"
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
              namespace: two-validations
            spec:
              replicas: 10
            #           ^^ error apply/policy: policy two-validations: at most 5 replicas
              selector:
                matchLabels:
                  app: web
              template:
                metadata:
                  labels:
                    app: web
                spec:
                  containers:
            #     ^^^^^^^^^^ error apply/policy: policy two-validations: images come from registry.example.org
                    - name: good
                      image: registry.example.org/good
                    - name: bad
                      image: docker.io/bad
        "#]],
    );
}

/// The field that the policy wants is not there.
#[test]
fn policy_about_what_is_missing() {
    namespace("missing-by-policy");
    let expression = "object.spec.template.spec.containers.all(c, has(c.resources) && has(c.resources.requests) && 'cpu' in c.resources.requests)";
    let validations = json!([{ "expression": expression, "message": "every container must ask for cpu" }]);
    policy(
        "missing-by-policy",
        &validations,
        &deployment("missing-by-policy", 1),
        "every container must ask for cpu",
    );
    check_with(
        SHOW,
        expect![[r#"
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
              namespace: missing-by-policy
            spec:
              selector:
                matchLabels:
                  app: web
              template:
                metadata:
                  labels:
                    app: web
                spec:
                  containers:
                    - name: asks
                      image: nginx
                      resources:
                        requests:
                          cpu: 10m
                    - name: silent
            #         ^^^^^^^^^^^^ error apply/policy: policy missing-by-policy: every container must ask for cpu
                      image: nginx
        "#]],
    );
}
