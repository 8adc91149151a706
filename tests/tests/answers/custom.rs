//! What the schemas and rules of custom kinds refuse, and what is wrong with a definition itself.

use expect_test::expect;
use gitops_tests::fixture::check_with;
use gitops_tests::shared;
use serde_json::{Value, json};

use crate::SHOW;
use crate::prepare::namespace;

/// Makes a namespace, and a kind in a group that is named after it.
fn namespace_and_kind(name: &str, kind: &str, schema: &Value) {
    namespace(name);
    let group = format!("{name}.example.com");
    let plural = format!("{}s", kind.to_ascii_lowercase());
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group,
            "names": { "kind": kind, "plural": plural },
            "scope": "Namespaced",
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    });
    let (server, file) = (&shared::session().server, shared::file("definition.yaml"));
    server.open_with(
        &file,
        &serde_json::to_string_pretty(&definition).expect("JSON, which is YAML"),
    );
    assert!(
        server.save_and_settle(&file).ok,
        "{:?}",
        server.diagnostics(&file).summary()
    );
}

#[test]
fn rule_of_a_field() {
    let schema = json!({ "type": "object", "properties": { "value": {
        "type": "integer", "x-kubernetes-validations": [{ "rule": "self > 0", "message": "Must be positive non-zero" }],
    } } });
    namespace_and_kind("rule-of-field", "Basic", &schema);
    check_with(
        SHOW,
        expect![[r#"
            #- object.yaml
            apiVersion: rule-of-field.example.com/v1
            kind: Basic
            metadata:
              name: my-basic
              namespace: rule-of-field
            value: -3
            #      ^^ error apply/invalid-value: -3 is not valid: must be positive non-zero
        "#]],
    );
}

/// The server names no field at all: the rule itself tells which it reads.
#[test]
fn rule_at_the_root() {
    let schema = json!({
        "type": "object",
        "properties": { "value": { "type": "integer" }, "other_value": { "type": "integer" }, "note": { "type": "string" } },
        "x-kubernetes-validations": [{ "rule": "!has(self.other_value) || self.other_value % self.value == 0", "message": "Other must be a multiple of value" }],
    });
    namespace_and_kind("rule-at-root", "Basic", &schema);
    check_with(
        SHOW,
        expect![[r##"
            #- object.yaml
            apiVersion: rule-at-root.example.com/v1
            kind: Basic
            metadata:
              name: my-basic
              namespace: rule-at-root
            note: nothing to do with it
            value: 3
            other_value: 8
            #            ^ error apply/invalid-value: other must be a multiple of value
            #| see 7:8-7:9 "3": this is looked at too
        "##]],
    );
}

/// One of the two fields of the rule is written, the other is filled in by the server.
#[test]
fn rule_across_a_defaulted_field() {
    let schema = json!({ "type": "object", "properties": { "spec": {
        "type": "object",
        "properties": { "holder": { "type": "string" }, "validFor": { "type": "string", "default": "2160h" }, "renewBefore": { "type": "string" } },
        "x-kubernetes-validations": [{
            "rule": "!has(self.renewBefore) || duration(self.renewBefore) < duration(self.validFor)",
            "message": "renewBefore must be shorter than validFor",
        }],
    } } });
    namespace_and_kind("rule-and-default", "Passport", &schema);
    check_with(
        SHOW,
        expect![[r#"
            #- object.yaml
            apiVersion: rule-and-default.example.com/v1
            kind: Passport
            metadata:
              name: front
              namespace: rule-and-default
            spec:
              holder: front.example.org
              renewBefore: 7200h
            #              ^^^^^ error apply/invalid-value: renewBefore must be shorter than validFor
        "#]],
    );
}

/// That some rules were not checked is no finding.
#[test]
fn key_with_only_a_comment_below_it() {
    let rules = json!({ "type": "array", "items": { "type": "object", "properties": { "ports": { "type": "array", "items": { "type": "integer" } } } } });
    let schema = json!({ "type": "object", "properties": { "spec": {
        "type": "object",
        "properties": { "ingress": rules, "egress": rules },
        "x-kubernetes-validations": [{ "rule": "has(self.ingress) || has(self.egress)", "message": "at least one ingress or egress rule is needed" }],
    } } });
    namespace_and_kind("only-a-comment", "Fence", &schema);
    check_with(
        SHOW,
        expect![[r#"
            #- object.yaml
            apiVersion: only-a-comment.example.com/v1
            kind: Fence
            metadata:
              name: front
              namespace: only-a-comment
            spec:
              ingress:
                - ports: [8080]
              egress:
            # ^^^^^^ error apply/wrong-type: expected list, got nothing (null) — give it a value or remove the key
            #> action: Remove it
                # - ports: [5432]
        "#]],
    );
}

/// Everything that a schema can say, at once.
#[test]
fn schema_of_a_custom_kind() {
    let schema = json!({ "type": "object", "required": ["spec"], "properties": { "spec": {
        "type": "object",
        "required": ["port", "authority"],
        "properties": {
            "port": { "type": "integer", "minimum": 1, "maximum": 65535 },
            "interval": { "type": "string", "pattern": "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$" },
            "names": { "type": "array", "maxItems": 2, "items": { "type": "string", "maxLength": 5 }, "x-kubernetes-list-type": "set" },
            "authority": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" }, "kind": { "type": "string", "enum": ["Bureau", "ClusterBureau"] } } },
            "size": { "x-kubernetes-int-or-string": true },
            "paused": { "type": "boolean" },
        },
    } } });
    namespace_and_kind("schema-says", "Watcher", &schema);
    check_with(
        SHOW,
        expect![[r##"
            #- wrong.yaml
            apiVersion: schema-says.example.com/v1
            kind: Watcher
            metadata:
              name: values
              namespace: schema-says
            spec:
              port: 70000
            #       ^^^^^ error apply/invalid-value: 70000 is not valid: should be less than or equal to 65535
              interval: "10"
            #           ^^^^ error apply/invalid-value: "10" is not valid: should match '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$'
              names: [one, two, three, thousand]
            # ^^^^^ error apply/too-many: too many: must have at most 2 items (it has 4)
            #                          ^^^^^^^^ error apply/too-long: too long: may not be more than 5 bytes (it has 8 characters)
              authority:
            # ^^^^^^^^^ error apply/required: required field "name" is missing
            #> action: Add name
                kind: CityBureau
            #         ^^^^^^^^^^ error apply/unsupported-value: "CityBureau" is not supported; use one of Bureau, ClusterBureau
            #> action: Write Bureau
            #> action: Write ClusterBureau
              size: [1]
            # ^^^^ error apply/wrong-type: expected integer or string, got list
              paused: "true"
            #         ^^^^^^ error apply/wrong-type: expected boolean, got string "true" — remove the quotes
            #> action: Write true (preferred)
              intervall: 10s
            # ^^^^^^^^^ error apply/unknown-field: unknown field "intervall"; "interval" is written already
            #- missing.yaml
            apiVersion: schema-says.example.com/v1
            kind: Watcher
            metadata:
              name: missing
              namespace: schema-says
            spec:
            #<^^ error apply/required: required field "authority" is missing
            #> action: Add authority
            #<^^ error apply/required: required field "port" is missing
            #> action: Add port
              interval: 10s
            #- twice.yaml
            apiVersion: schema-says.example.com/v1
            kind: Watcher
            metadata:
              name: twice
              namespace: schema-says
            spec:
              port: 80
              authority: { name: main }
              names: [one, one]
            #              ^^^ error apply/duplicate-item: duplicate item: another item of "names" has the value "one" too
            #| see 9:11-9:14 "one": the first item with the value "one"
            #- empty.yaml
            apiVersion: schema-says.example.com/v1
            kind: Watcher
            #<^^^^^^^^^^^ error apply/required: required field "spec" is missing
            #> action: Add spec
            metadata:
              name: empty
              namespace: schema-says
        "##]],
    );
}

/// A definition with one version is answered in the server's internal form, which has the schema elsewhere.
#[test]
fn definition_with_a_slip() {
    namespace("definition-slip");
    check_with(
        SHOW,
        expect![[r##"
            #- definition.yaml
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata:
              name: letters.definition-slip.example.com
            spec:
              group: definition-slip.example.com
              scope: Namespaced
              names:
                kind: Letter
                plural: letters
              versions:
                - name: v1
                  served: true
                  storage: true
                  schema:
                    openAPIV3Schema:
                      type: object
                      properties:
                        spec:
                          type: object
                          properties:
                            message:
                              type: strign
            #                       ^^^^^^ error apply/unsupported-value: "strign" is not supported; use one of array, boolean, integer, number, object, string
            #> action: Write string
            #> action: Write array
            #> action: Write boolean
            #> action: Write integer
            #> action: Write number
            #> action: Write object
                              description: a message to display
                            tags:
            #               ^^^^ error apply/required: required field "items" is missing
            #> action: Add items
                              type: array
        "##]],
    );
}

#[test]
fn definition_with_two_versions() {
    namespace("definition-two");
    check_with(
        SHOW,
        expect![[r##"
            #- definition.yaml
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata:
              name: letter.definition-two.example.com
            #       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ error apply/invalid-value: "letter.definition-two.example.com" is not valid: must be spec.names.plural+"."+spec.group
            spec:
              group: definition-two.example.com
              scope: Namespaced
              names:
                kind: Letter
                plural: letters
              versions:
            # ^^^^^^^^ error apply/invalid-value: must have exactly one version marked as storage version
                - name: v1
                  served: true
                  storage: true
                  schema:
                    openAPIV3Schema:
                      type: object
                - name: v2
                  served: true
                  storage: true
                  schema:
                    openAPIV3Schema:
                      type: object
                      properties:
                        spec:
                          type: object
                          properties:
                            message:
                              type: string
                              minLenght: 3
            #                 ^^^^^^^^^ error apply/unknown-field: unknown field "minLenght"; did you mean "minLength"?
            #> action: Rename it to minLength (preferred)
            #> action: Rename it to maxLength
        "##]],
    );
}
