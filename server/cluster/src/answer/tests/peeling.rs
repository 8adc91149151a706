//! Peeling, and what is not said again after it.

use gitops_model::Gvk;
use serde_json::{Value, json};

use super::super::{NoKnowledge, PeelRecord, Refusal, decode, peel};
use super::{Case, show};

fn typed(message: &str) -> Refusal {
    Refusal {
        status: 500,
        message: format!("failed to create typed patch object (/a; /v1, Kind=Pod): {message}"),
        ..Refusal::default()
    }
}

#[test]
fn takes_away_and_sets_right() {
    let mut object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 1}, "spec": {"foo": 1, "containers": [
        {"name": "a", "image": 22, "ports": [{"containerPort": 1}, {"containerPort": 1}, {"containerPort": 2, "protocol": 5}]},
    ]}});
    let refusal = typed(
        "errors:\n  .spec.foo: field not declared in schema\n  .spec.containers[name=\"a\"].image: expected string, got &value.valueUnstructured{Value:22}\n  .spec.containers[name=\"a\"].ports: duplicate entries for key [containerPort=1,protocol=\"TCP\"]\n  .metadata.name: expected string, got &value.valueUnstructured{Value:1}",
    );
    let kind = Gvk::parse("v1", "Pod");
    let answers = decode(&refusal, &kind, &object, None, &NoKnowledge);
    let mut record = PeelRecord::default();
    assert!(record.peel(&mut object, &answers));
    assert_eq!(
        object,
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "1"}, "spec": {"containers": [
            {"name": "a", "image": "22", "ports": [{"containerPort": 1}, {"containerPort": 2, "protocol": 5}]},
        ]}})
    );
    // What follows the item that was taken away is found where it was written.
    let refusal = typed(
        ".spec.containers[name=\"a\"].ports[containerPort=2,protocol=5].protocol: expected string, got &value.valueUnstructured{Value:5}",
    );
    let answers = decode(&refusal, &kind, &object, None, &NoKnowledge);
    let restored = record.restore(answers.clone());
    assert_eq!(
        restored.first().map(|answer| answer.path.to_string()),
        Some("spec.containers[0].ports[2].protocol".to_owned())
    );
    assert!(record.peel(&mut object, &answers));
    assert!(!record.peel(&mut object, &answers));
}

#[test]
fn does_not_say_again_what_peeling_made() {
    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "imag": "x", "stdin": []}]}});
    let refusal = typed(
        "errors:\n  .spec.containers[name=\"a\"].imag: field not declared in schema\n  .spec.containers[name=\"a\"].stdin: expected boolean, got &{[]}",
    );
    let knowledge = super::known();
    let kind = Gvk::parse("v1", "Pod");
    let mut object = sent.clone();
    let answers = decode(&refusal, &kind, &object, None, &knowledge);
    let mut record = PeelRecord::default();
    assert!(record.peel(&mut object, &answers));
    let causes = [
        ("FieldValueRequired", "Required value", "spec.containers[0].image"),
        ("FieldValueRequired", "Required value", "spec.containers[0].stdin"),
        ("FieldValueRequired", "Required value", "spec.dnsConfig"),
    ];
    let next = Case::new(422, "Pod \"a\" is invalid: …", object)
        .causes(&causes)
        .decode();
    let said = show(&record.restore(next));
    assert!(
        said.contains("missing dnsConfig") && !said.contains("image") && !said.contains("stdin"),
        "{said}"
    );
}

#[test]
fn never_touches_the_identity() {
    let mut object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 3, "namespace": 4}});
    let refusal = typed(
        "errors:\n  .metadata.name: expected string, got 3\n  .metadata.namespace: expected string, got 4\n  .kind: expected string, got 5\n  .metadata: expected map, got 6",
    );
    let answers = decode(&refusal, &Gvk::parse("v1", "Pod"), &object, None, &NoKnowledge);
    // A name that is a number is the same name as a text.
    assert!(peel(&mut object, &answers));
    assert_eq!(
        object,
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "3", "namespace": "4"}})
    );
    assert!(!peel(&mut object, &answers));
    assert!(!peel(&mut Value::Null, &answers));
}

/// A field one level too far out is not said to be missing where it belongs.
#[test]
fn does_not_miss_what_stands_elsewhere() {
    let sent = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": null, "containers": [{"name": "a", "image": "x"}]});
    let knowledge = super::known().with_fields("spec", &["containers", "volumes"]);
    let kind = Gvk::parse("v1", "Pod");
    let mut object = sent.clone();
    let answers = decode(
        &typed(".containers: field not declared in schema"),
        &kind,
        &object,
        None,
        &knowledge,
    );
    let mut record = PeelRecord::default();
    assert!(record.peel(&mut object, &answers));
    let refusal = Refusal {
        status: 422,
        message: "Pod \"a\" is invalid: spec.containers: Required value".to_owned(),
        ..Refusal::default()
    };
    let answers = decode(&refusal, &kind, &object, None, &knowledge);
    assert_eq!(record.restore(answers), []);
}

/// A map of a custom kind that is empty by now is null to the server.
#[test]
fn does_not_take_an_emptied_map_for_a_wrong_type() {
    let kind = Gvk::parse("example.com/v1", "Dump");
    let mut object =
        json!({"apiVersion": "example.com/v1", "kind": "Dump", "metadata": {"name": "a"}, "spec": {"schedule": "x"}});
    let invalid = |message: &str| Refusal {
        status: 422,
        message: format!("Dump.example.com \"a\" is invalid: {message}"),
        ..Refusal::default()
    };
    let answers = decode(
        &invalid("spec.schedule: Invalid value: \"x\": no"),
        &kind,
        &object,
        None,
        &NoKnowledge,
    );
    let mut record = PeelRecord::default();
    assert!(record.peel(&mut object, &answers));
    let refusal = invalid("spec: Invalid value: \"null\": spec in body must be of type object: \"null\"");
    let answers = decode(&refusal, &kind, &object, None, &NoKnowledge);
    assert_eq!(record.restore(answers), []);
}
