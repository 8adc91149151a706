//! The first table: what the cluster does not have, and its own troubles.

use expect_test::expect;
use serde_json::json;

use super::{Case, check};

#[test]
fn namespaces() {
    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "nope"}});
    check(
        &Case::new(404, "namespaces \"nope\" not found", sent.clone()).reason("NotFound"),
        &expect![[r#"
            namespace-not-found at metadata.namespace (value)
              namespace "nope" does not exist
        "#]],
    );
    let without = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}});
    check(
        &Case::new(404, "namespaces \"nope\" not found", without).reason("NotFound"),
        &expect![[r#"
            namespace-not-found at the object (object)
              namespace "nope" does not exist
        "#]],
    );
    let message =
        "configmaps \"c\" is forbidden: unable to create new content in namespace q because it is being terminated";
    let causes = [(
        "NamespaceTerminating",
        "namespace q is being terminated",
        "metadata.namespace",
    )];
    check(
        &Case::new(403, message, sent).reason("Forbidden").causes(&causes),
        &expect![[r#"
            namespace-terminating at metadata.namespace (value)
              namespace "q" is being deleted; nothing can be created in it until it is gone and made again
        "#]],
    );
}

#[test]
fn kinds_that_are_not_served() {
    for (api_version, kind, expected) in [
        (
            "policy/v1beta1",
            "PodDisruptionBudget",
            expect![[r#"
            version-not-served at apiVersion (value)
              policy/v1beta1 PodDisruptionBudget is not served here; use policy/v1
              → write policy/v1
        "#]],
        ),
        (
            "extensions/v1beta1",
            "Ingress",
            expect![[r#"
            version-not-served at apiVersion (value)
              extensions/v1beta1 Ingress is not served here; use networking.k8s.io/v1
              → write networking.k8s.io/v1
        "#]],
        ),
        (
            "v1",
            "configmap",
            expect![[r#"
            kind-not-served at kind (value)
              kind "configmap" is not served in v1; did you mean "ConfigMap"?
              → write ConfigMap
        "#]],
        ),
        (
            "v1",
            "Deployment",
            expect![[r#"
            version-not-served at apiVersion (value)
              v1 Deployment is not served here; use apps/v1
              → write apps/v1
        "#]],
        ),
        (
            "apps/v1",
            "Deploymnet",
            expect![[r#"
            kind-not-served at kind (value)
              kind "Deploymnet" is not served in apps/v1; did you mean "Deployment"?
              → write Deployment
        "#]],
        ),
        (
            "app/v1",
            "Deployment",
            expect![[r#"
            version-not-served at apiVersion (value)
              app/v1 Deployment is not served here; use apps/v1
              → write apps/v1
        "#]],
        ),
        (
            "cert-manager.io/v1",
            "Certificate",
            expect![[r#"
            kind-not-served at kind (value)
              no kind "Certificate" is served here; the CRD that brings cert-manager.io is not installed
        "#]],
        ),
        (
            "apps/v1",
            "Zebra",
            expect![[r#"
            kind-not-served at kind (value)
              kind "Zebra" is not served in apps/v1
        "#]],
        ),
    ] {
        let sent = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}});
        let message = format!("no matches for kind \"{kind}\" in version \"{api_version}\"");
        check(&Case::new(404, &message, sent), &expected);
    }
}

#[test]
fn webhooks() {
    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "spec": {"tls": {"min": 1}}});
    let message = "Internal error occurred: failed calling webhook \"w.x.io\": failed to call webhook: Post \"https://w.x.svc:443/validate?timeout=10s\": dial tcp 10.0.0.1:443: connect: connection refused";
    let causes = [("", "failed calling webhook \"w.x.io\": failed to call webhook: …", "")];
    check(
        &Case::new(500, message, sent.clone())
            .reason("InternalError")
            .causes(&causes),
        &expect![[r#"
            webhook-unavailable at the object (object)
              the cluster's admission webhook "w.x.io" does not answer (connection refused); nothing in this file is wrong
        "#]],
    );
    let message =
        "admission webhook \"check.x.io\" denied the request: spec.tls.min: Invalid value: 1: must be 2 or more";
    check(
        &Case::new(403, message, sent.clone()).reason("Forbidden"),
        &expect![[r#"
            webhook-denied at spec.tls.min (value)
              webhook check.x.io: 1 is not valid: must be 2 or more
              peel spec.tls.min
        "#]],
    );
    let message = "admission webhook \"check.x.io\" denied the request: policy says no to `spec.tls.min`";
    check(
        &Case::new(400, message, sent.clone()),
        &expect![[r#"
        webhook-denied at spec.tls.min (value)
          webhook check.x.io: policy says no to `spec.tls.min`
          peel spec.tls.min
    "#]],
    );
    check(
        &Case::new(400, "admission webhook \"check.x.io\" does not support dry run", sent),
        &expect![[r#"
            webhook-no-dry-run at the object (object)
              the cluster's admission webhook "check.x.io" has side effects and cannot be asked in a dry run
        "#]],
    );
}

#[test]
fn troubles_of_the_server() {
    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}});
    for (status, reason, message, expected) in [
        (
            401,
            "Unauthorized",
            "Unauthorized",
            expect![[r#"
            unauthorized at the object (object)
              the server does not know who is asking: the credentials of this context are wrong or have run out
        "#]],
        ),
        (
            409,
            "Conflict",
            "Operation cannot be fulfilled on configmaps \"c\": the object has been modified; please apply your changes to the latest version and try again",
            expect![[r#"
                object-changed at the object (object)
                  the object was changed on the cluster in between; save again
            "#]],
        ),
        (
            409,
            "AlreadyExists",
            "configmaps \"c\" already exists",
            expect![[r#"
            already-exists at the object (object)
              the object exists already
        "#]],
        ),
        (
            413,
            "RequestEntityTooLarge",
            "Request entity too large: limit is 3145728",
            expect![[r#"
                too-large at the object (object)
                  the object is larger than the server takes
            "#]],
        ),
        (
            429,
            "TooManyRequests",
            "Too many requests: please try again later.",
            expect![[r#"
                server-busy at the object (object)
                  the server has too much to do; save again in a moment
            "#]],
        ),
        (
            500,
            "InternalError",
            "Internal error occurred: something broke",
            expect![[r#"
                server-error at the object (object)
                  the server failed: something broke
            "#]],
        ),
        (
            500,
            "",
            "etcdserver: request timed out",
            expect![[r#"
            timeout at the object (object)
              the server did not finish in time; save again
        "#]],
        ),
        (
            503,
            "ServiceUnavailable",
            "apiserver not ready",
            expect![[r#"
            server-busy at the object (object)
              the server is not ready; save again in a moment
        "#]],
        ),
        (
            504,
            "Timeout",
            "Timeout: request did not complete within requested timeout - context deadline exceeded",
            expect![[r#"
                timeout at the object (object)
                  the server did not finish in time; save again
            "#]],
        ),
        (
            400,
            "BadRequest",
            "metadata.managedFields must be nil",
            expect![[r#"
            bad-request at the object (object)
              the server does not take this: metadata.managedFields must be nil
        "#]],
        ),
        (
            500,
            "",
            "",
            expect![[r#"
            server-error at the object (object)
              the server failed (HTTP 500)
        "#]],
        ),
    ] {
        check(&Case::new(status, message, sent.clone()).reason(reason), &expected);
    }
}
