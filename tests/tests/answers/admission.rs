//! What comes after validation: quotas, Pod Security, webhooks, and what a user may do.

use expect_test::expect;
use gitops_tests::fixture::check_with;
use serde_json::{Value, json};

use crate::SHOW;
use crate::prepare::{Asker, namespace, namespace_with, until_refused};

fn pod(namespace: &str, spec: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "probe", "namespace": namespace }, "spec": spec })
}

#[test]
fn quota() {
    let cluster = namespace("quota");
    cluster.apply("tests", &json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "team", "namespace": "quota" }, "spec": { "hard": { "requests.cpu": "1", "count/configmaps": "2" } } }));
    until_refused(
        &pod(
            "quota",
            &json!({ "containers": [{ "name": "a", "image": "a", "resources": { "requests": { "cpu": "2" } } }] }),
        ),
        "exceeded quota",
    );
    check_with(
        SHOW,
        expect![[r##"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: hungry
              namespace: quota
            spec:
              containers:
                - name: small
                  image: small
                  resources:
                    requests:
                      cpu: 100m
                - name: large
                  image: large
                  resources:
                    requests:
                      cpu: 2
            #              ^ error apply/quota-exceeded: quota "team" is used up (requests.cpu: 2100m asked for, 0 of 1 in use)
            #- nothing-asked.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: nothing-asked
              namespace: quota
            spec:
              containers:
                - name: a
            #     ^^^^^^^ error apply/quota-exceeded: quota "team" wants requests.cpu to be set
            #> action: Add resources.requests.cpu
                  image: a
        "##]],
    );
}

#[test]
fn quota_of_objects() {
    let cluster = namespace("quota-objects");
    cluster.apply("tests", &json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "few", "namespace": "quota-objects" }, "spec": { "hard": { "pods": "0" } } }));
    until_refused(
        &pod(
            "quota-objects",
            &json!({ "containers": [{ "name": "a", "image": "a" }] }),
        ),
        "exceeded quota",
    );
    check_with(
        SHOW,
        expect![[r##"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            #<^^^^^^^ error apply/quota-exceeded: quota "few" is used up (pods: 1 asked for, 0 of 0 in use)
            metadata:
              name: one-too-many
              namespace: quota-objects
            spec:
              containers:
                - name: a
                  image: a
        "##]],
    );
}

#[test]
fn limit_range() {
    let cluster = namespace("limit-range");
    let limits = json!([{ "type": "Container", "min": { "memory": "32Mi" }, "max": { "memory": "1Gi" } }]);
    cluster.apply("tests", &json!({ "apiVersion": "v1", "kind": "LimitRange", "metadata": { "name": "sizes", "namespace": "limit-range" }, "spec": { "limits": limits } }));
    let small = json!({ "containers": [{ "name": "a", "image": "a", "resources": { "requests": { "memory": "16Mi" }, "limits": { "memory": "64Mi" } } }] });
    until_refused(&pod("limit-range", &small), "minimum memory usage");
    check_with(
        SHOW,
        expect![[r#"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: out-of-range
              namespace: limit-range
            spec:
              containers:
                - name: small
                  image: small
                  resources:
                    requests:
                      memory: 16Mi
            #                 ^^^^ error apply/limit-range: memory request 16Mi is below the minimum of 32Mi (limit range)
            #> action: Write 32Mi (preferred)
                    limits:
                      memory: 64Mi
                - name: large
                  image: large
                  resources:
                    requests:
                      memory: 64Mi
                    limits:
                      memory: 2Gi
            #                 ^^^ error apply/limit-range: memory limit 2Gi is above the maximum of 1Gi (limit range)
            #> action: Write 1Gi (preferred)
        "#]],
    );
}

#[test]
fn pod_security() {
    namespace_with(
        "pod-security",
        &json!({ "pod-security.kubernetes.io/enforce": "restricted" }),
    );
    check_with(
        SHOW,
        expect![[r##"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: loose
              namespace: pod-security
            spec:
              hostNetwork: true
            #              ^^^^ error apply/pod-security: Pod Security level "restricted:latest": must not set hostNetwork: true
            #> action: Set hostNetwork to false
              volumes:
                - name: host
                  hostPath:
                    path: /
            #       ^^^^^^^ error apply/pod-security: Pod Security level "restricted:latest": volume "host" is of a type that is not allowed (restricted volume types)
            #> action: Remove it
              containers:
                - name: a
            #     ^^^^^^^ error apply/pod-security: Pod Security level "restricted:latest": container "a" must set securityContext.allowPrivilegeEscalation: false, securityContext.capabilities.drop: [ALL], securityContext.runAsNonRoot: true and securityContext.seccompProfile.type: RuntimeDefault
            #> action: Set allowPrivilegeEscalation, capabilities.drop, runAsNonRoot and seccompProfile.type
                  image: a
                - name: b
            #     ^^^^^^^ error apply/pod-security: Pod Security level "restricted:latest": container "b" must set securityContext.allowPrivilegeEscalation: false, securityContext.capabilities.drop: [ALL], securityContext.runAsNonRoot: true and securityContext.seccompProfile.type: RuntimeDefault
            #> action: Set allowPrivilegeEscalation, capabilities.drop, runAsNonRoot and seccompProfile.type
                  image: b
                  securityContext:
                    privileged: true
            #                   ^^^^ error apply/pod-security: Pod Security level "restricted:latest": container "b" must not set securityContext.privileged: true
            #> action: Set privileged to false
                    capabilities:
                      add: [SYS_ADMIN]
            #               ^^^^^^^^^ error apply/pod-security: Pod Security level "restricted:latest": container "b" must not add capability SYS_ADMIN
        "##]],
    );
}

/// Of a template the server only warns; its pods would be refused later.
#[test]
fn pod_security_of_a_template() {
    namespace_with(
        "pod-security-warn",
        &json!({ "pod-security.kubernetes.io/warn": "restricted" }),
    );
    check_with(
        SHOW,
        expect![[r##"
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
              namespace: pod-security-warn
            spec:
              replicas: 0
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
            #         ^^^^^^^^^ warning apply/pod-security: Pod Security level "restricted:latest": container "web" must set securityContext.capabilities.drop: [ALL], securityContext.runAsNonRoot: true and securityContext.seccompProfile.type: RuntimeDefault
            #> action: Set capabilities.drop, runAsNonRoot and seccompProfile.type
                      image: nginx
                      securityContext:
                        allowPrivilegeEscalation: true
            #                                     ^^^^ warning apply/pod-security: Pod Security level "restricted:latest": container "web" must set securityContext.allowPrivilegeEscalation: false
            #> action: Set allowPrivilegeEscalation to false
        "##]],
    );
}

#[test]
fn webhook_unreachable() {
    let cluster = namespace("webhook");
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "unreachable" },
        "webhooks": [{
            "name": "unreachable.example.com",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": 2,
            // Nothing listens on the port that is reserved for nothing.
            "clientConfig": { "url": "https://127.0.0.1:1/validate" },
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "webhook" } },
            "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"] }],
        }],
    });
    cluster.apply("tests", &configuration);
    until_refused(
        &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "probe", "namespace": "webhook" } }),
        "failed calling webhook",
    );
    check_with(
        SHOW,
        expect![[r##"
            #- config.yaml
            apiVersion: v1
            kind: ConfigMap
            #<^^^^^^^^^^^^^ error apply/webhook-unavailable: the cluster's admission webhook "unreachable.example.com" does not answer (connection refused); nothing in this file is wrong
            metadata:
              name: config
              namespace: webhook
            data:
              key: value
        "##]],
    );
}

/// A session is its sandbox's administrator, so another user asks here, without one.
#[test]
fn user_who_may_not() {
    namespace("may-not");
    let weak = Asker::new(Some("system:serviceaccount:may-not:weak"));
    let config = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "config", "namespace": "may-not" }, "data": { "key": "value" } });
    let role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": "may-not" } });
    expect![[r#"
        (
            [
                "Object  denied: user \"system:serviceaccount:may-not:weak\" may not patch configmaps in namespace \"may-not\"",
            ],
            [
                "Object  denied: user \"system:serviceaccount:may-not:weak\" may not patch clusterroles.rbac.authorization.k8s.io in the whole cluster",
            ],
        )
    "#]].assert_debug_eq(&(weak.judge(&config), weak.judge(&role)));
}

/// Things that a pod names and that are not there.
#[test]
fn references_that_admission_looks_up() {
    namespace("references");
    check_with(
        SHOW,
        expect![[r##"
            #- account.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: account
              namespace: references
            spec:
              serviceAccountName: nobody
            #                     ^^^^^^ error apply/reference-not-found: service account "nobody" does not exist in namespace "references"
              containers:
                - name: a
                  image: a
            #- priority.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: priority
              namespace: references
            spec:
              priorityClassName: most-important
            #                    ^^^^^^^^^^^^^^ error apply/reference-not-found: PriorityClass "most-important" does not exist
              containers:
                - name: a
                  image: a
            #- runtime.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: runtime
              namespace: references
            spec:
              runtimeClassName: gvisor
            #                   ^^^^^^ error apply/reference-not-found: RuntimeClass "gvisor" does not exist
              containers:
                - name: a
                  image: a
        "##]],
    );
}
