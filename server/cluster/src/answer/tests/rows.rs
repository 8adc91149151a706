//! The first table: one test per row of what a real server (Kubernetes 1.36.3) answers.

use expect_test::expect;
use serde_json::json;

use super::{Case, check, known};

#[test]
fn unknown_field() {
    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "nginx-pod"}, "spec": {"contAIN3rz": [{"name": "nginx"}]}});
    let message = "failed to create typed patch object (/nginx-pod; /v1, Kind=Pod): .spec.contAIN3rz: field not declared in schema";
    let knowledge = known().with_fields("spec", &["containers", "volumes", "restartPolicy"]);
    check(
        &Case::new(500, message, sent).knowing(knowledge),
        &expect![[r#"
        unknown-field at spec.contAIN3rz (key)
          unknown field "contAIN3rz"; did you mean "containers"?
          → rename to containers
          peel spec.contAIN3rz
    "#]],
    );
}

#[test]
fn several_unknown_fields() {
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "podinfo"}, "spec": {
        "foo": 1,
        "template": {"spec": {"containers": [{"name": "sidecar", "image": "b"}, {"name": "podinfo", "imag": "a"}]}},
    }});
    let message = "failed to create typed patch object (default/podinfo; apps/v1, Kind=Deployment): errors:\n  .spec.template.spec.containers[name=\"podinfo\"].imag: field not declared in schema\n  .spec.foo: field not declared in schema";
    check(
        &Case::new(500, message, sent),
        &expect![[r#"
        unknown-field at spec.template.spec.containers[1].imag (key)
          unknown field "imag"; did you mean "image"?
          → rename to image
          peel spec.template.spec.containers[1].imag
        unknown-field at spec.foo (key)
          unknown field "foo"
          peel spec.foo
    "#]],
    );
}

#[test]
fn unknown_field_of_another_level() {
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {
        "template": {"spec": {"containers": [{"name": "a", "restartPolicy": "Always"}], "command": ["a"]}},
    }});
    let message = "failed to create typed patch object (default/a; apps/v1, Kind=Deployment): errors:\n  .spec.template.spec.containers[name=\"a\"].restartPolicy: field not declared in schema\n  .spec.template.spec.command: field not declared in schema";
    check(
        &Case::new(500, message, sent),
        &expect![[r#"
            unknown-field at spec.template.spec.containers[0].restartPolicy (key)
              unknown field "restartPolicy" here; it belongs to "spec", further to the left
              see spec.template.spec: "restartPolicy" belongs here
              peel spec.template.spec.containers[0].restartPolicy
            unknown-field at spec.template.spec.command (key)
              unknown field "command" here; it belongs to the items of "containers"
              see spec.template.spec.containers[0]: "command" belongs here
              peel spec.template.spec.command
        "#]],
    );

    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "my-pod"}, "spec": null, "containers": [{"name": "my-container"}]});
    let message =
        "failed to create typed patch object (/my-pod; /v1, Kind=Pod): .containers: field not declared in schema";
    let knowledge = known().with_fields("spec", &["containers", "volumes"]);
    check(
        &Case::new(500, message, sent).knowing(knowledge),
        &expect![[r#"
            unknown-field at containers (key)
              unknown field "containers" here; it belongs below "spec", further to the right
              see spec: "containers" belongs here
              peel containers
        "#]],
    );
}

#[test]
fn wrong_type() {
    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "nginx-pod"}, "spec": {"containers": [
        {"name": "nginx", "image": "nginx", "ports": [{"protocol": 22, "containerPort": 88}]},
    ]}});
    let message = "failed to create typed patch object (/nginx-pod; /v1, Kind=Pod): .spec.containers[name=\"nginx\"].ports[containerPort=88,protocol=22].protocol: expected string, got &value.valueUnstructured{Value:22}";
    check(
        &Case::new(500, message, sent),
        &expect![[r#"
        wrong-type at spec.containers[0].ports[0].protocol (value)
          expected string, got number 22 — put it in quotes
          → quote
          peel spec.containers[0].ports[0].protocol = "22"
    "#]],
    );

    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "podinfo"}, "spec": {"replicas": "three"}});
    let message = "failed to create typed patch object (default/podinfo; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string";
    check(
        &Case::new(500, message, sent),
        &expect![[r#"
        wrong-type at spec.replicas (value)
          expected number, got string "three"
          peel spec.replicas
    "#]],
    );
}

#[test]
fn map_for_list_and_list_for_map() {
    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "finalizers": {"key": "value"}}, "data": ["not a map"]});
    let message = "failed to create typed patch object (/a; /v1, Kind=ConfigMap): errors:\n  .metadata.finalizers: expected list, got &{map[key:value]}\n  .data: expected map, got &{[not a map]}";
    check(
        &Case::new(500, message, sent),
        &expect![[r#"
            wrong-type at metadata.finalizers (key)
              expected list, got map — start each item with a dash
              peel metadata.finalizers = [{"key":"value"}]
            wrong-type at data (key)
              expected map, got list — write key: value without dashes
              peel data
        "#]],
    );
}

#[test]
fn duplicate_list_map_key() {
    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [
        {"name": "nginx", "ports": [{"protocol": "UDP", "containerPort": 88}, {"containerPort": 88}, {"protocol": "TCP", "containerPort": 88}]},
    ]}});
    let message = "failed to create typed patch object (/a; /v1, Kind=Pod): .spec.containers[name=\"nginx\"].ports: duplicate entries for key [containerPort=88,protocol=\"TCP\"]";
    check(
        &Case::new(500, message, sent),
        &expect![[r#"
        duplicate-item at spec.containers[0].ports[2] (value)
          duplicate item: another item of "ports" has containerPort 88 and protocol "TCP" too
          see spec.containers[0].ports[1]: the first item with containerPort 88 and protocol "TCP"
          → remove
          peel spec.containers[0].ports[2]
    "#]],
    );
}

#[test]
fn quantity() {
    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "my-pod"}, "spec": {"containers": [{"name": "a", "resources": {
        "limits": {"cpu": "1", "memory": "512MB"}, "requests": {"cpu": true, "memory": "256Mi"},
    }}]}});
    let message = "failed to convert new object (/my-pod; /v1, Kind=Pod) to proper version: unable to convert unstructured object to /v1, Kind=Pod: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    check(
        &Case::new(500, message, sent.clone()),
        &expect![[r#"
        bad-quantity at spec.containers[0].resources.limits.memory (value)
          "512MB" is not a quantity; did you mean 512M?
          → write 512M | 512Mi
          peel spec.containers[0].resources.limits.memory
        bad-quantity at spec.containers[0].resources.requests.cpu (value)
          true is not a quantity; write a number with or without a unit, such as 100m, 1.5 or 512Mi
          peel spec.containers[0].resources.requests.cpu
    "#]],
    );
    // Without a schema the same, by the names of the fields.
    check(
        &Case::new(500, message, sent).knowing(super::Known::default()),
        &expect![[r#"
            bad-quantity at spec.containers[0].resources.limits.memory (value)
              "512MB" is not a quantity; did you mean 512M?
              → write 512M | 512Mi
              peel spec.containers[0].resources.limits.memory
            bad-quantity at spec.containers[0].resources.requests.cpu (value)
              true is not a quantity; write a number with or without a unit, such as 100m, 1.5 or 512Mi
              peel spec.containers[0].resources.requests.cpu
        "#]],
    );
}

#[test]
fn duplicate_yaml_key() {
    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": []}});
    let message = "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 24: key \"containers\" already set in map";
    check(
        &Case::new(400, message, sent),
        &expect![[r#"
        duplicate-key at spec.containers (key)
          the key "containers" stands twice in this map
    "#]],
    );
}

#[test]
fn required() {
    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "nginx-pod"}, "spec": {"containers": [{"name": "nginx"}]}});
    let message = "Pod \"nginx-pod\" is invalid: spec.containers[0].image: Required value";
    let case = Case::new(422, message, sent).reason("Invalid").causes(&[(
        "FieldValueRequired",
        "Required value",
        "spec.containers[0].image",
    )]);
    check(
        &case,
        &expect![[r#"
        required at spec.containers[0] (missing image)
          required field "image" is missing
          → insert image: ?
    "#]],
    );
}

#[test]
fn supported_values() {
    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "ports": [{"protocol": "udp"}]}]}});
    let words = "Unsupported value: \"udp\": supported values: \"SCTP\", \"TCP\", \"UDP\"";
    let message = format!("Pod \"a\" is invalid: spec.containers[0].ports[0].protocol: {words}");
    let causes = [("FieldValueNotSupported", words, "spec.containers[0].ports[0].protocol")];
    check(
        &Case::new(422, &message, sent).causes(&causes),
        &expect![[r#"
        unsupported-value at spec.containers[0].ports[0].protocol (value)
          "udp" is not supported; use one of SCTP, TCP, UDP
          → write UDP | SCTP | TCP
          peel spec.containers[0].ports[0].protocol = "UDP"
    "#]],
    );
}

#[test]
fn rule_at_a_field() {
    let sent = json!({"apiVersion": "stable.example.com/v1", "kind": "CELBasic", "metadata": {"name": "my-basic"}, "value": -3});
    let causes = [(
        "FieldValueInvalid",
        "Invalid value: -3: Must be positive non-zero",
        "value",
    )];
    let message =
        "CELBasic.stable.example.com \"my-basic\" is invalid: value: Invalid value: -3: Must be positive non-zero";
    check(
        &Case::new(422, message, sent).causes(&causes),
        &expect![[r#"
        invalid-value at value (value)
          -3 is not valid: must be positive non-zero
          peel value
    "#]],
    );
}

#[test]
fn rule_at_the_root() {
    let sent = json!({"apiVersion": "stable.example.com/v1", "kind": "CELBasic", "metadata": {"name": "my-basic"}, "value": 3, "other_value": 8});
    let causes = [(
        "FieldValueInvalid",
        "Invalid value: Other must be a multiple of value",
        "<nil>",
    )];
    let message =
        "CELBasic.stable.example.com \"my-basic\" is invalid: <nil>: Invalid value: Other must be a multiple of value";
    let case = Case::new(422, message, sent).causes(&causes);
    let rule = known().with_rule(
        "",
        "!has(self.other_value) || self.other_value % self.value == 0",
        "Other must be a multiple of value",
    );
    check(
        &case.clone().knowing(rule),
        &expect![[r#"
            invalid-value at other_value (value)
              other must be a multiple of value
              see value: this is looked at too
        "#]],
    );
    // The CRD is not known: the fields that the text names.
    check(
        &case,
        &expect![[r#"
        invalid-value at value (value)
          other must be a multiple of value
    "#]],
    );
}

#[test]
fn bad_label() {
    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "labels": {"app": "x", "owner": "_"}}});
    let words = "Invalid value: \"_\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    let message = format!("ConfigMap \"x\" is invalid: metadata.labels: {words}");
    check(
        &Case::new(422, &message, sent).causes(&[("FieldValueInvalid", words, "metadata.labels")]),
        &expect![[r#"
            invalid-value at metadata.labels.owner (value)
              "_" is not valid: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character
              peel metadata.labels.owner
        "#]],
    );

    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "labels": {"a b": "x"}}});
    let words = "Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    let message = format!("ConfigMap \"x\" is invalid: metadata.labels: {words}");
    check(
        &Case::new(422, &message, sent).causes(&[("FieldValueInvalid", words, "metadata.labels")]),
        &expect![[r#"
            invalid-value at metadata.labels.a b (key)
              "a b" is not valid: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character
              peel metadata.labels.a b
        "#]],
    );
}

#[test]
fn bad_and_long_names() {
    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x.com^2"}});
    let words = "Invalid value: \"x.com^2\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    let message = format!("ConfigMap \"x.com^2\" is invalid: metadata.name: {words}");
    check(
        &Case::new(422, &message, sent).causes(&[("FieldValueInvalid", words, "metadata.name")]),
        &expect![[r#"
            invalid-value at metadata.name (value)
              "x.com^2" is not valid: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character
              → write x.com-2
              peel metadata.name
        "#]],
    );

    let name = "thisisaveryverylongname".repeat(12);
    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    let words = format!("Invalid value: \"{name}\": must be no more than 253 characters");
    let message = format!("ConfigMap \"{name}\" is invalid: metadata.name: {words}");
    check(
        &Case::new(422, &message, sent).causes(&[("FieldValueInvalid", &words, "metadata.name")]),
        &expect![[r#"
            too-long at metadata.name (value)
              too long: 276 characters, and at most 253 are allowed
              peel metadata.name
        "#]],
    );
}

#[test]
fn definition_in_its_internal_form() {
    let sent = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "a"}, "spec": {"versions": [
        {"name": "v1", "schema": {"openAPIV3Schema": {"properties": {"spec": {"properties": {"message": {"type": "strign"}}}}}}},
    ]}});
    let words = "Unsupported value: \"strign\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"";
    let field = "spec.validation.openAPIV3Schema.properties[spec].properties[message].type";
    let message = format!("CustomResourceDefinition.apiextensions.k8s.io \"a\" is invalid: {field}: {words}");
    check(
        &Case::new(422, &message, sent).causes(&[("FieldValueNotSupported", words, field)]),
        &expect![[r#"
            unsupported-value at spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.message.type (value)
              "strign" is not supported; use one of array, boolean, integer, number, object, string
              → write string | array | boolean | integer | number | object
              peel spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.message.type = "string"
        "#]],
    );
}

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
fn name_missing() {
    let message = "the name of the object (x based on URL) was undeterminable: name must be provided";
    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": {}}});
    check(
        &Case::new(400, message, sent),
        &expect![[r#"
        name-missing at metadata (missing name)
          the object has no name: metadata.name is missing
          → insert name: ?
    "#]],
    );
    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap"});
    check(
        &Case::new(400, message, sent),
        &expect![[r#"
        name-missing at the object (missing metadata.name)
          the object has no name: metadata.name is missing
          → insert metadata.name: ?
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
    check(&judged("object.spec.template.spec.containers.all(c, c.name != 'b')"), &expect![[r#"
        policy at spec.template.spec.containers (key)
          policy p: no
    "#]]);
}

#[test]
fn generated_name() {
    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "migrate-"}});
    let message = "the name of the object was undeterminable: name must be provided";
    check(&Case::new(400, message, sent), &expect![[r#"
        name-missing at metadata.generateName (key)
          with generateName each save would make another object; write metadata.name
          → set metadata.name: "migrate"
    "#]]);
}

/// `targetPort` is `port` when it is not written; once is enough.
#[test]
fn field_filled_in_from_the_one_beside_it() {
    let sent = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 70000}]}});
    let message = "Service \"a\" is invalid: [spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive, spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive]";
    check(&Case::new(422, message, sent), &expect![[r#"
        invalid-value at spec.ports[0].port (value)
          70000 is not valid: must be between 1 and 65535, inclusive
          peel spec.ports[0].port
    "#]]);
}
