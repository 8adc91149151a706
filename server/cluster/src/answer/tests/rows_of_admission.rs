//! The first table: what cannot be changed, and what admission refuses.

use expect_test::expect;
use serde_json::json;

use super::{Case, check, known};

#[test]
fn immutable() {
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "s"}, "spec": {"selector": {"matchLabels": {"app": "shopfront"}}}});
    let live = json!({"spec": {"selector": {"matchLabels": {"app": "storefront"}}}});
    let words = "Invalid value: {\"matchLabels\":{\"app\":\"shopfront\"}}: field is immutable";
    let message = format!("Deployment.apps \"s\" is invalid: spec.selector: {words}");
    let causes = [("FieldValueInvalid", words, "spec.selector")];
    check(
        &Case::new(422, &message, sent).causes(&causes).live(live),
        &expect![[r#"
            immutable-field at spec.selector (key)
              field "selector" is immutable; to change it the object must be made anew
              → recreate
              peel spec.selector = {"matchLabels":{"app":"storefront"}}
        "#]],
    );

    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "immutable": true, "data": {"a": "1", "b": "3"}});
    let live = json!({"immutable": true, "data": {"a": "1", "b": "2"}});
    let causes = [(
        "FieldValueForbidden",
        "Forbidden: field is immutable when `immutable` is set",
        "data",
    )];
    let message = "ConfigMap \"c\" is invalid: data: Forbidden: field is immutable when `immutable` is set";
    let case = Case::new(422, message, sent).causes(&causes);
    check(
        &case.clone().live(live),
        &expect![[r#"
        immutable-field at data.b (value)
          field "b" is immutable: the live object has "2"; to change it the object must be made anew
          → recreate
          peel data.b = "2"
    "#]],
    );
    check(
        &case,
        &expect![[r#"
            immutable-field at data (key)
              field "data" is immutable; to change it the object must be made anew
              → recreate
        "#]],
    );

    let sent = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"clusterIP": "None", "ports": []}});
    let live = json!({"spec": {"clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7"], "ports": []}});
    let words = "Invalid value: [\"None\"]: may not change once set";
    let message = format!("Service \"s\" is invalid: spec.clusterIPs[0]: {words}");
    check(
        &Case::new(422, &message, sent)
            .causes(&[("FieldValueInvalid", words, "spec.clusterIPs[0]")])
            .live(live),
        &expect![[r#"
            immutable-field at spec.clusterIP (value)
              field "clusterIP" is immutable: the live object has "10.0.0.7"; to change it the object must be made anew
              → recreate
              peel spec.clusterIP = "10.0.0.7"
        "#]],
    );
}

#[test]
fn conflict() {
    let sent =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1", "b.c": "2"}});
    let message = "Apply failed with 1 conflict: conflict with \"one\": .data.a";
    let causes = [("FieldManagerConflict", "conflict with \"one\"", ".data.a")];
    check(
        &Case::new(409, message, sent.clone()).reason("Conflict").causes(&causes),
        &expect![[r#"
            conflict at data.a (value)
              field "a" belongs to "one", who gave it another value
              → take over from one
              peel data.a
        "#]],
    );

    let message = "Apply failed with 3 conflicts: conflicts with \"one\":\n- .data.a\n- .data.b.c\nconflicts with \"two\" using v1 at 2026-01-02T03:04:05Z:\n- .data.a";
    check(
        &Case::new(409, message, sent).reason("Conflict"),
        &expect![[r#"
        conflict at data.a (value)
          field "a" belongs to "one" and "two" (since 2026-01-02T03:04:05Z), who gave it another value
          → take over from one
          peel data.a
        conflict at data[b.c] (value)
          field "b.c" belongs to "one", who gave it another value
          → take over from one
          peel data[b.c]
    "#]],
    );
}

#[test]
fn quota() {
    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [
        {"name": "a", "resources": {"requests": {"cpu": "100m"}}}, {"name": "b", "resources": {"requests": {"cpu": "2"}}},
    ]}});
    let message = "pods \"p\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0";
    check(
        &Case::new(403, message, sent.clone()).reason("Forbidden"),
        &expect![[r#"
            quota-exceeded at the object (object)
              quota "q" is used up (pods: 1 asked for, 0 of 0 in use)
        "#]],
    );
    let message = "pods \"p\" is forbidden: exceeded quota: q, requested: requests.cpu=2100m, used: requests.cpu=0, limited: requests.cpu=1";
    check(
        &Case::new(403, message, sent).reason("Forbidden"),
        &expect![[r#"
            quota-exceeded at spec.containers[1].resources.requests.cpu (value)
              quota "q" is used up (requests.cpu: 2100m asked for, 0 of 1 in use)
        "#]],
    );
}

#[test]
fn pod_security() {
    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {
        "hostNetwork": true,
        "volumes": [{"name": "v", "hostPath": {"path": "/"}}],
        "containers": [
            {"name": "a", "securityContext": {"privileged": true, "capabilities": {"add": ["CHOWN", "NET_ADMIN"]}}},
            {"name": "b", "ports": [{"containerPort": 1}, {"hostPort": 80}]},
        ],
    }});
    let message = "pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": host namespaces (hostNetwork=true), hostPort (container \"b\" uses hostPort 80), privileged (container \"a\" must not set securityContext.privileged=true), allowPrivilegeEscalation != false (containers \"a\", \"b\" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (containers \"a\", \"b\" must set securityContext.capabilities.drop=[\"ALL\"]; container \"a\" must not include \"NET_ADMIN\" in securityContext.capabilities.add), restricted volume types (volume \"v\" uses restricted volume type \"hostPath\"), runAsNonRoot != true (pod or containers \"a\", \"b\" must set securityContext.runAsNonRoot=true), seccompProfile (pod or containers \"a\", \"b\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")";
    check(
        &Case::new(403, message, sent).reason("Forbidden"),
        &expect![[r#"
            pod-security at spec.hostNetwork (value)
              Pod Security level "restricted:latest": must not set hostNetwork: true
              → set spec.hostNetwork: false
              peel spec.hostNetwork = false
            pod-security at spec.containers[1].ports[1].hostPort (value)
              Pod Security level "restricted:latest": container "b" must not use hostPort 80
              → remove
              peel spec.containers[1].ports[1].hostPort
            pod-security at spec.containers[0].securityContext.privileged (value)
              Pod Security level "restricted:latest": container "a" must not set securityContext.privileged: true
              → set spec.containers[0].securityContext.privileged: false
              peel spec.containers[0].securityContext.privileged = false
            pod-security at spec.containers[0] (missing securityContext.allowPrivilegeEscalation)
              Pod Security level "restricted:latest": container "a" must set securityContext.allowPrivilegeEscalation: false, securityContext.capabilities.drop: [ALL], securityContext.runAsNonRoot: true and securityContext.seccompProfile.type: RuntimeDefault
              → set spec.containers[0].securityContext.allowPrivilegeEscalation: false, spec.containers[0].securityContext.capabilities.drop: ["ALL"], spec.securityContext.runAsNonRoot: true, spec.securityContext.seccompProfile.type: "RuntimeDefault"
            pod-security at spec.containers[1] (missing securityContext.allowPrivilegeEscalation)
              Pod Security level "restricted:latest": container "b" must set securityContext.allowPrivilegeEscalation: false, securityContext.capabilities.drop: [ALL], securityContext.runAsNonRoot: true and securityContext.seccompProfile.type: RuntimeDefault
              → set spec.containers[1].securityContext.allowPrivilegeEscalation: false, spec.containers[1].securityContext.capabilities.drop: ["ALL"], spec.securityContext.runAsNonRoot: true, spec.securityContext.seccompProfile.type: "RuntimeDefault"
            pod-security at spec.containers[0].securityContext.capabilities.add[1] (value)
              Pod Security level "restricted:latest": container "a" must not add capability NET_ADMIN
              → remove
              peel spec.containers[0].securityContext.capabilities.add[1]
            pod-security at spec.volumes[0].hostPath (value)
              Pod Security level "restricted:latest": volume "v" is of a type that is not allowed (restricted volume types)
              → remove
              peel spec.volumes[0].hostPath
        "#]],
    );
}

#[test]
fn validating_admission_policy() {
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 9, "template": {"spec": {"containers": [{"name": "a"}]}}}});
    let words = "ValidatingAdmissionPolicy 'replicas' with binding 'replicas' denied request: at most 5 replicas";
    let message = format!("deployments.apps \"d\" is forbidden: {words}");
    let causes = [("", words, "")];
    let case = Case::new(422, &message, sent.clone()).reason("Invalid").causes(&causes);
    let policy = known().with_policy("replicas", &[], "object.spec.replicas <= 5", "at most 5 replicas");
    check(
        &case.clone().knowing(policy),
        &expect![[r#"
        policy at spec.replicas (value)
          policy replicas: at most 5 replicas
          peel spec.replicas
    "#]],
    );
    let policy = known().with_policy(
        "replicas",
        &[("n", "object.spec.replicas")],
        "variables.n <= 5",
        "at most 5 replicas",
    );
    check(
        &case.clone().knowing(policy),
        &expect![[r#"
        policy at spec.replicas (value)
          policy replicas: at most 5 replicas
          peel spec.replicas
    "#]],
    );
    check(
        &case,
        &expect![[r#"
        policy at the object (object)
          policy replicas: at most 5 replicas
    "#]],
    );

    let words = "ValidatingAdmissionPolicy 'rep-owner' with binding 'rep-owner' denied request: every container must ask for cpu";
    let message = format!("deployments.apps \"d\" is forbidden: {words}");
    let expression = "object.spec.template.spec.containers.all(c, has(c.resources) && has(c.resources.requests) && 'cpu' in c.resources.requests)";
    let policy = known().with_policy("rep-owner", &[], expression, "every container must ask for cpu");
    check(
        &Case::new(422, &message, sent)
            .causes(&[("", words, "")])
            .knowing(policy),
        &expect![[r#"
            policy at spec.template.spec.containers[0] (missing resources.requests)
              policy rep-owner: every container must ask for cpu
        "#]],
    );
}

#[test]
fn rbac() {
    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}});
    let message = "configmaps \"c\" is forbidden: User \"system:serviceaccount:default:weak\" cannot patch resource \"configmaps\" in API group \"\" in the namespace \"default\"";
    check(
        &Case::new(403, message, sent.clone()).reason("Forbidden"),
        &expect![[r#"
            denied at the object (object)
              user "system:serviceaccount:default:weak" may not patch configmaps in namespace "default"
        "#]],
    );
    let message = "deployments.apps is forbidden: User \"jane\" cannot list resource \"deployments\" in API group \"apps\" at the cluster scope";
    check(
        &Case::new(403, message, sent).reason("Forbidden"),
        &expect![[r#"
        denied at the object (object)
          user "jane" may not list deployments.apps in the whole cluster
    "#]],
    );
}

/// Of several items the one that lacks what a policy wants, or has what it does not want.
#[test]
fn policy_about_one_of_several_containers() {
    let judged = |expression: &str| {
        let sent = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "a", "resources": {"requests": {"cpu": 1}}},
            {"name": "b", "stdin": true},
            {"name": "c", "resources": {"requests": {"cpu": 1}}},
        ]}}}});
        let message = "ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no";
        Case::new(422, message, sent).knowing(known().with_policy("p", &[], expression, "no"))
    };
    check(
        &judged("object.spec.template.spec.containers.all(c, has(c.resources) && has(c.resources.requests))"),
        &expect![[r#"
            policy at spec.template.spec.containers[1] (missing resources.requests)
              policy p: no
        "#]],
    );
    check(
        &judged("object.spec.template.spec.containers.all(c, !has(c.stdin) || c.stdin == false)"),
        &expect![[r#"
            policy at spec.template.spec.containers[1].stdin (value)
              policy p: no
              peel spec.template.spec.containers[1].stdin
        "#]],
    );
    check(
        &judged("object.spec.template.spec.containers.all(c, c.name != 'b')"),
        &expect![[r#"
        policy at spec.template.spec.containers (key)
          policy p: no
    "#]],
    );
}
