//! Warning headers.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::super::{decode_warning, decode_warnings};
use super::{kind_of, known, show};

fn check(header: &str, sent: &Value, expected: &Expect) {
    let answers = decode_warnings(header, &kind_of(sent), sent, &known());
    assert_eq!(
        decode_warning(header, &kind_of(sent), sent, &known()),
        answers.first().cloned()
    );
    expected.assert_eq(&show(&answers));
}

#[test]
fn deprecated_versions() {
    let sent = json!({"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget"});
    check(
        "299 - \"policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+, unavailable in v1.25+; use policy/v1 PodDisruptionBudget\"",
        &sent,
        &expect![[r#"
            deprecated-version (warning) at apiVersion (value)
              policy/v1beta1 PodDisruptionBudget is deprecated and gone from v1.25; use policy/v1
              → write policy/v1
        "#]],
    );
    let sent = json!({"apiVersion": "rep.example.org/v1alpha1", "kind": "Fence"});
    check(
        "rep.example.org/v1alpha1 Fence is deprecated; use rep.example.org/v1 Fence",
        &sent,
        &expect![[r#"
            deprecated-version (warning) at apiVersion (value)
              rep.example.org/v1alpha1 Fence is deprecated; use rep.example.org/v1
              → write rep.example.org/v1
        "#]],
    );
}

#[test]
fn kind_that_moved() {
    let sent = json!({"apiVersion": "v1", "kind": "Endpoints"});
    check(
        "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
        &sent,
        &expect![[r#"
            deprecated-version (warning) at apiVersion (value)
              v1 Endpoints is deprecated; use discovery.k8s.io/v1 EndpointSlice
        "#]],
    );
}

#[test]
fn fields() {
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"annotations": {"a/b": "c"}}, "spec": {"template": {"spec": {"containers": [{"name": "a", "imag": 1, "env": [{"name": "X"}, {"name": "X"}]}], "nodeName": "x"}}}});
    check(
        "299 - \"unknown field \\\"spec.template.spec.containers[0].imag\\\"\"",
        &sent,
        &expect![[r#"
            unknown-field (warning) at spec.template.spec.containers[0].imag (key)
              unknown field "imag"; did you mean "image"?
              → rename to image
              peel spec.template.spec.containers[0].imag
        "#]],
    );
    check(
        "duplicate field \"spec.template\"",
        &sent,
        &expect![[r#"
        duplicate-key (warning) at spec.template (key)
          the key "template" stands twice in this map
    "#]],
    );
    check(
        "spec.template.spec.containers[0].env[1]: hides previous definition of \"X\", which may be dropped when using apply",
        &sent,
        &expect![[r#"
            duplicate-item (warning) at spec.template.spec.containers[0].env[1] (value)
              hides previous definition of "X", which may be dropped when using apply
        "#]],
    );
    check(
        "spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead",
        &sent,
        &expect![[r#"
            deprecated-field (warning) at spec.template.spec (key)
              spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead
        "#]],
    );
    check(
        "spec.template.spec.nodeName is set; pods are not scheduled",
        &sent,
        &expect![[r#"
            warning (warning) at spec.template.spec.nodeName (value)
              "nodeName" is set; pods are not scheduled
        "#]],
    );
    check(
        "annotation a/b is deprecated, please use x/y instead",
        &sent,
        &expect![[r#"
            deprecated-field (warning) at metadata.annotations[a/b] (key)
              annotation a/b is deprecated, please use x/y instead
        "#]],
    );
    check(
        "something else altogether",
        &sent,
        &expect![[r#"
        warning (warning) at the object (object)
          something else altogether
    "#]],
    );
    check("299 - \"\"", &sent, &expect![[""]]);
}

#[test]
fn policies() {
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}}});
    check(
        "299 - \"would violate PodSecurity \\\"restricted:latest\\\": allowPrivilegeEscalation != false (containers \\\"a\\\", \\\"b\\\" must set securityContext.allowPrivilegeEscalation=false), runAsNonRoot != true (pod or containers \\\"a\\\", \\\"b\\\" must set securityContext.runAsNonRoot=true)\"",
        &sent,
        &expect![[r#"
            pod-security (warning) at spec.template.spec.containers[0] (missing securityContext.allowPrivilegeEscalation)
              Pod Security level "restricted:latest": container "a" must set securityContext.allowPrivilegeEscalation: false and securityContext.runAsNonRoot: true
              → set spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation: false, spec.template.spec.securityContext.runAsNonRoot: true
            pod-security (warning) at spec.template.spec.containers[1] (missing securityContext.allowPrivilegeEscalation)
              Pod Security level "restricted:latest": container "b" must set securityContext.allowPrivilegeEscalation: false and securityContext.runAsNonRoot: true
              → set spec.template.spec.containers[1].securityContext.allowPrivilegeEscalation: false, spec.template.spec.securityContext.runAsNonRoot: true
        "#]],
    );
    check(
        "Validation failed for ValidatingAdmissionPolicy 'replicas' with binding 'r': at most 5 replicas",
        &sent,
        &expect![[r#"
            policy (warning) at the object (object)
              policy replicas: at most 5 replicas
        "#]],
    );
}
