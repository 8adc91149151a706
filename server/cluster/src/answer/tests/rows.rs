//! The first table: one test per row of what a real server (Kubernetes 1.36.3) answers, as far as merge, conversion and validation say it.

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
fn the_port_of_a_backend() {
    let sent = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"}, "spec": {
        "rules": [{"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web"}}}]}}],
    }});
    let message = "Ingress.networking.k8s.io \"web\" is invalid: spec.rules[0].http.paths[0].backend: Required value: port name or number is required";
    let case = Case::new(422, message, sent).reason("Invalid").causes(&[(
        "FieldValueRequired",
        "Required value: port name or number is required",
        "spec.rules[0].http.paths[0].backend",
    )]);
    check(
        &case,
        &expect![[r#"
            required at spec.rules[0].http.paths[0].backend.service (missing port.number)
              required field "port.number" is missing: port name or number is required
              → insert port.number: ?
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
fn generated_name() {
    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "migrate-"}});
    let message = "the name of the object was undeterminable: name must be provided";
    check(
        &Case::new(400, message, sent),
        &expect![[r#"
        name-missing at metadata.generateName (key)
          with generateName each save would make another object; write metadata.name
          → set metadata.name: "migrate"
    "#]],
    );
}

/// `targetPort` is `port` when it is not written; once is enough.
#[test]
fn field_filled_in_from_the_one_beside_it() {
    let sent =
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 70000}]}});
    let message = "Service \"a\" is invalid: [spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive, spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive]";
    check(
        &Case::new(422, message, sent),
        &expect![[r#"
        invalid-value at spec.ports[0].port (value)
          70000 is not valid: must be between 1 and 65535, inclusive
          peel spec.ports[0].port
    "#]],
    );
}
