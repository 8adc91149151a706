//! What is known about kinds, from a real document and from definitions.

#![expect(clippy::needless_raw_string_hashes, reason = "as expect-test writes them")]

use std::fmt::Write;

use expect_test::{Expect, expect};
use gitops_model::Gvk;
use gitops_schema::{OpenApi, Schemas};
use gitops_yaml::FieldPath;
use proptest::prelude::*;
use serde_json::{Value, json};

fn apps() -> Schemas {
    let mut schemas = Schemas::default();
    schemas.insert(
        "apps/v1",
        OpenApi::parse(include_bytes!("data/apps_v1.json")).expect("the document is JSON"),
    );
    schemas
}

fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).expect("a path")
}

/// Prints the fields, and the type without its description, at a path.
fn check(schemas: &Schemas, kind: &Gvk, at: &str, expected: &Expect) {
    let mut text = String::new();
    let path = path(at);
    match schemas.field_type(kind, &path) {
        None => writeln!(text, "unknown"),
        Some(field) => writeln!(
            text,
            "{:?} format {:?} enum {:?} keys {:?} required {:?} default {:?} keeps unknown {}",
            field.kind,
            field.format,
            field.enumeration,
            field.list_keys,
            field.required,
            field.defaults,
            field.keeps_unknown_fields
        ),
    }
    .expect("a string takes everything");
    writeln!(text, "fields {:?}", schemas.fields(kind, &path)).expect("a string takes everything");
    for rule in schemas.rules(kind, &path) {
        writeln!(text, "rule {rule:?}").expect("a string takes everything");
    }
    expected.assert_eq(&text);
}

#[test]
fn real_document() {
    let schemas = apps();
    let kind = Gvk::parse("apps/v1", "Deployment");
    assert!(schemas.has("apps/v1") && !schemas.has("v1") && schemas.knows(&kind));
    for (at, expected) in [
        (
            "",
            expect![[r#"
            Object format None enum [] keys [] required [] default None keeps unknown false
            fields ["apiVersion", "kind", "metadata", "spec", "status"]
        "#]],
        ),
        (
            "spec",
            expect![[r#"
            Object format None enum [] keys [] required ["selector", "template"] default None keeps unknown false
            fields ["paused", "replicas", "selector", "strategy", "template"]
        "#]],
        ),
        (
            "spec.strategy",
            expect![[r#"
            Object format None enum [] keys [] required [] default None keeps unknown false
            fields ["rollingUpdate", "type"]
        "#]],
        ),
        (
            "spec.strategy.rollingUpdate.maxSurge",
            expect![[r#"
            IntOrString format Some("int-or-string") enum [] keys [] required [] default None keeps unknown false
            fields []
        "#]],
        ),
        (
            "spec.template.spec.containers",
            expect![[r#"
            Array format None enum [] keys ["name"] required [] default None keeps unknown false
            fields []
        "#]],
        ),
        (
            "spec.template.spec.containers[3]",
            expect![[r#"
            Object format None enum [] keys [] required ["name"] default None keeps unknown false
            fields ["env", "image", "name", "ports", "resources"]
        "#]],
        ),
        (
            "spec.template.spec.containers[0].ports",
            expect![[r#"
            Array format None enum [] keys ["containerPort", "protocol"] required [] default None keeps unknown false
            fields []
        "#]],
        ),
        (
            "spec.template.spec.containers[0].ports[0].protocol",
            expect![[r#"
            String format None enum [] keys [] required [] default Some("\"TCP\"") keeps unknown false
            fields []
        "#]],
        ),
        (
            "spec.template.spec.containers[0].resources.limits",
            expect![[r#"
            Object format None enum [] keys [] required [] default None keeps unknown false
            fields []
        "#]],
        ),
        (
            "spec.template.spec.containers[0].resources.limits[example.com/gpu]",
            expect![[r#"
                Quantity format None enum [] keys [] required [] default None keeps unknown false
                fields []
            "#]],
        ),
        (
            "metadata.labels",
            expect![[r#"
            Object format None enum [] keys [] required [] default None keeps unknown false
            fields []
        "#]],
        ),
        (
            "metadata.labels[a.b/c]",
            expect![[r#"
            String format None enum [] keys [] required [] default None keeps unknown false
            fields []
        "#]],
        ),
        (
            "metadata.creationTimestamp",
            expect![[r#"
            String format Some("date-time") enum [] keys [] required [] default None keeps unknown false
            fields []
        "#]],
        ),
        (
            "spec.nonsense",
            expect![[r#"
            unknown
            fields []
        "#]],
        ),
        (
            "spec.replicas.deeper",
            expect![[r#"
            unknown
            fields []
        "#]],
        ),
        (
            "spec[0]",
            expect![[r#"
            unknown
            fields []
        "#]],
        ),
    ] {
        check(&schemas, &kind, at, &expected);
    }
    check(
        &schemas,
        &Gvk::parse("apps/v1", "Zebra"),
        "spec",
        &expect![[r#"
        unknown
        fields []
    "#]],
    );
    let spec = schemas
        .field_type(&kind, &path("spec.replicas"))
        .and_then(|field| field.description);
    assert!(spec.is_some_and(|words| words.starts_with("Number of desired pods")));
}

#[test]
fn quantities_of_an_object() {
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 1, "template": {"spec": {
        "volumes": [{"name": "a", "emptyDir": {"sizeLimit": "1Gi"}}],
        "containers": [{"name": "a", "resources": {"limits": {"cpu": 1.5, "x/y": "z"}, "requests": null}}, "nonsense"],
    }}}});
    let found: Vec<String> = apps()
        .quantity_paths(&Gvk::parse("apps/v1", "Deployment"), &object)
        .into_iter()
        .map(|(path, text)| format!("{path} = {text}"))
        .collect();
    assert_eq!(
        found,
        [
            "spec.template.spec.volumes[0].emptyDir.sizeLimit = 1Gi",
            "spec.template.spec.containers[0].resources.limits.cpu = 1.5",
            "spec.template.spec.containers[0].resources.limits[x/y] = z",
        ]
    );
}

#[test]
fn definition_of_the_workspace() {
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "spec": {"group": "rep.example.org", "names": {"kind": "Passport"}, "versions": [
            {"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {
                "type": "object", "required": ["holder"],
                "x-kubernetes-validations": [
                    {"rule": "self.a < self.b", "message": " a before b "},
                    {"rule": "has(self.c)", "messageExpression": "'c of ' + self.holder"},
                    {"message": "no rule"},
                ],
                "properties": {
                    "holder": {"type": "string", "enum": ["one", 2, true, null]},
                    "size": {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": true,
                        "pattern": "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$"},
                    "port": {"x-kubernetes-int-or-string": true},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                    "list": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a", "b"], "items": {"type": "object", "properties": {"a": {"type": "integer", "default": 7}}}},
                },
            }}}}},
            {"name": "v2"},
            {"schema": {}},
        ]},
    });
    let mut schemas = Schemas::default();
    let kinds: Vec<String> = schemas.define(&definition).iter().map(ToString::to_string).collect();
    assert_eq!(kinds, ["rep.example.org/v1 Passport", "rep.example.org/v2 Passport"]);
    let kind = Gvk::parse("rep.example.org/v1", "Passport");
    for (at, expected) in [
        (
            "",
            expect![[r#"
            Object format None enum [] keys [] required [] default None keeps unknown false
            fields ["spec", "apiVersion", "kind", "metadata"]
        "#]],
        ),
        (
            "metadata",
            expect![[r#"
            Object format None enum [] keys [] required [] default None keeps unknown false
            fields ["annotations", "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers", "generateName", "generation", "labels", "managedFields", "name", "namespace", "ownerReferences", "resourceVersion", "selfLink", "uid"]
        "#]],
        ),
        (
            "spec",
            expect![[r#"
            Object format None enum [] keys [] required ["holder"] default None keeps unknown false
            fields ["holder", "size", "port", "free", "list"]
            rule Rule { rule: "self.a < self.b", message: Some("a before b"), message_expression: None }
            rule Rule { rule: "has(self.c)", message: None, message_expression: Some("'c of ' + self.holder") }
        "#]],
        ),
        (
            "spec.holder",
            expect![[r#"
            String format None enum ["one", "2", "true"] keys [] required [] default None keeps unknown false
            fields []
        "#]],
        ),
        (
            "spec.size",
            expect![[r#"
            Quantity format None enum [] keys [] required [] default None keeps unknown false
            fields []
        "#]],
        ),
        (
            "spec.port",
            expect![[r#"
            IntOrString format None enum [] keys [] required [] default None keeps unknown false
            fields []
        "#]],
        ),
        (
            "spec.free",
            expect![[r#"
            Object format None enum [] keys [] required [] default None keeps unknown true
            fields []
        "#]],
        ),
        (
            "spec.free.anything",
            expect![[r#"
            unknown
            fields []
        "#]],
        ),
        (
            "spec.list",
            expect![[r#"
            Array format None enum [] keys ["a", "b"] required [] default None keeps unknown false
            fields []
        "#]],
        ),
        (
            "spec.list[0].a",
            expect![[r#"
            Integer format None enum [] keys [] required [] default Some("7") keeps unknown false
            fields []
        "#]],
        ),
    ] {
        check(&schemas, &kind, at, &expected);
    }
    schemas.forget(&kind);
    assert!(!schemas.knows(&kind));
    assert!(schemas.define(&json!({"kind": "ConfigMap"})).is_empty());
    assert!(schemas.define(&Value::Null).is_empty());
}

#[test]
fn what_the_server_publishes_goes_first() {
    let mut schemas = Schemas::default();
    let document = r#"{"components": {"schemas": {"a": {"properties": {"served": {"type": "string"}}, "x-kubernetes-group-version-kind": [{"group": "g.io", "version": "v1", "kind": "K"}]}}}}"#;
    schemas.insert(
        "g.io/v1",
        OpenApi::parse(document.as_bytes()).expect("the document is JSON"),
    );
    schemas.define(&json!({"kind": "CustomResourceDefinition", "spec": {"group": "g.io", "names": {"kind": "K"}, "versions": [{"name": "v1"}]}}));
    assert_eq!(
        schemas.fields(&Gvk::parse("g.io/v1", "K"), &FieldPath::new()),
        ["served"]
    );
}

#[test]
fn circles_end() {
    let document = r##"{"components": {"schemas": {
        "a": {"allOf": [{"$ref": "#/components/schemas/b"}], "properties": {"next": {"$ref": "#/components/schemas/a"}}, "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "A"}]},
        "b": {"allOf": [{"$ref": "#/components/schemas/a"}, {"$ref": "#/components/schemas/gone"}], "properties": {"own": {"type": "string"}}}
    }}}"##;
    let mut schemas = Schemas::default();
    schemas.insert("v1", OpenApi::parse(document.as_bytes()).expect("the document is JSON"));
    let kind = Gvk::parse("v1", "A");
    assert_eq!(schemas.fields(&kind, &path("next.next.next")), ["next", "own"]);
    assert!(
        schemas
            .quantity_paths(&kind, &json!({"next": {"next": {"own": "1"}}}))
            .is_empty()
    );
}

#[test]
fn what_is_no_document() {
    let error = OpenApi::parse(b"<html>").expect_err("not JSON");
    assert!(error.to_string().contains("line 1"), "{error}");
    assert_eq!(OpenApi::parse(b"{}").map(|document| document.kinds().count()), Ok(0));
    let deep = format!(
        "{}{}",
        r#"{"components":{"schemas":{"a":"#,
        r#"{"items":"#.repeat(5_000)
    );
    assert!(OpenApi::parse(deep.as_bytes()).is_err());
}

/// A schema with any of the keywords holding anything.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        Just(json!("object")),
        Just(json!(3)),
        Just(json!({"$ref": "#/components/schemas/a"})),
        Just(json!(["a", 1, null])),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        let keyword = prop::sample::select(vec![
            "type",
            "$ref",
            "allOf",
            "properties",
            "items",
            "additionalProperties",
            "enum",
            "required",
            "default",
            "format",
            "x-kubernetes-validations",
            "x-kubernetes-list-map-keys",
            "x-kubernetes-int-or-string",
            "x-kubernetes-group-version-kind",
            "a",
            "b",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((keyword, inner), 0..6).prop_map(|entries| Value::Object(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_panics(first in schema(), second in schema(), object in schema()) {
        let mut first = first;
        if let Some(map) = first.as_object_mut() {
            map.insert("x-kubernetes-group-version-kind".to_owned(), json!([{"version": "v1", "kind": "A"}]));
        }
        let document = json!({"components": {"schemas": {"a": first, "b": second}}}).to_string();
        let kind = Gvk::parse("v1", "A");
        let mut schemas = Schemas::default();
        if let Ok(document) = OpenApi::parse(document.as_bytes()) {
            schemas.insert("v1", document);
        }
        for at in ["", "a", "a.b", "items[0].a", "a.a.a.b[1]"] {
            schemas.fields(&kind, &path(at));
            schemas.field_type(&kind, &path(at));
            schemas.rules(&kind, &path(at));
        }
        schemas.quantity_paths(&kind, &object);
        let mut definition = json!({"kind": "CustomResourceDefinition", "spec": {"group": "g.io", "names": {"kind": "K"}, "versions": [{"name": "v1"}]}});
        definition["spec"]["versions"][0]["schema"] = json!({"openAPIV3Schema": object});
        schemas.define(&definition);
    }
}
