//! An object as text for people: YAML, without what no person wrote and without the values of Secrets.

use serde_json::Value;

use super::object_api::text;

/// What stands for a value of a Secret.
const MASK: &str = "***";
/// What the API server and its controllers write into an object.
const SERVER_METADATA: [&str; 6] = [
    "managedFields",
    "resourceVersion",
    "uid",
    "creationTimestamp",
    "generation",
    "selfLink",
];
/// `kubectl apply` copies the whole object into it, values of Secrets included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The Deployment controller counts its `ReplicaSets` in it.
const DEPLOYMENT_REVISION: &str = "deployment.kubernetes.io/revision";

/// An object as YAML, with the values of a Secret masked, and wherever else one of `secrets` stands in it.
pub fn written(object: &Value, secrets: &[String]) -> String {
    let mut object = object.clone();
    mask(&mut object, None);
    mask_texts(&mut object, secrets);
    yaml(&object)
}

/// YAML of a value, in the order of its keys.
pub(super) fn yaml(value: &Value) -> String {
    // What is JSON can always be written as YAML; if that were ever not so, JSON is YAML.
    yaml_serde::to_string(value).unwrap_or_else(|_| value.to_string())
}

/// The same value with the keys of every mapping in the order of the alphabet: two servers, or two requests, give them in
/// different orders.
pub(super) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let mut entries: Vec<(String, Value)> = entries.into_iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// Takes out what the API server and controllers keep in an object: nobody compares that.
pub(super) fn without_server_fields(object: &mut Value) {
    let Some(entries) = object.as_object_mut() else { return };
    entries.shift_remove("status");
    let Some(metadata) = entries.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    for field in SERVER_METADATA {
        metadata.shift_remove(field);
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        for annotation in [LAST_APPLIED, DEPLOYMENT_REVISION] {
            annotations.shift_remove(annotation);
        }
        if annotations.is_empty() {
            metadata.shift_remove("annotations");
        }
    }
}

/// Masks the values of a Secret. With another one to be compared with, values that differ are masked differently, as
/// `kubectl diff` does it: that they differ is seen, what they are is not.
pub(super) fn mask(object: &mut Value, other: Option<(&Value, &str)>) {
    if !is_secret(object) {
        return;
    }
    if let Some(annotations) = object
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.shift_remove(LAST_APPLIED);
    }
    for field in ["data", "stringData"] {
        let Some(values) = object.get_mut(field) else { continue };
        let Some(entries) = values.as_object_mut() else {
            *values = Value::from(MASK);
            continue;
        };
        for (key, value) in entries {
            let theirs = other.and_then(|(other, _)| other.get(field)?.get(key));
            let differs = theirs.is_some_and(|theirs| theirs != value);
            let side = other.filter(|_| differs).map(|(_, side)| format!("{MASK} ({side})"));
            *value = Value::from(side.unwrap_or_else(|| MASK.to_owned()));
        }
    }
}

/// Masks what is known to be secret wherever it stands, such as the value of a variable that comes from a Secret.
pub(super) fn mask_texts(value: &mut Value, secrets: &[String]) {
    match value {
        Value::String(text) => {
            for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
                if text.contains(secret.as_str()) {
                    *text = text.replace(secret.as_str(), MASK);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask_texts(item, secrets)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| mask_texts(entry, secrets)),
        // A number or a truth value that comes from a Secret is not told from any other.
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_secret(object: &Value) -> bool {
    text(object, "/kind") == "Secret" && text(object, "/apiVersion") == "v1"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{mask, without_server_fields, written};

    #[test]
    fn values_of_a_secret_are_never_written() {
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "a", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "hunter2" } },
            "data": { "password": "aHVudGVyMg==" }, "stringData": { "token": "hunter2" } });
        let text = written(&secret, &[]);
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
        assert!(text.contains("password: '***'"), "{text}");
        let broken = json!({ "apiVersion": "v1", "kind": "Secret", "stringData": "hunter2" });
        assert!(!written(&broken, &[]).contains("hunter2"));
        let other = json!({ "kind": "ConfigMap", "data": { "url": "https://user:hunter2@example.org" } });
        let text = written(&other, &["hunter2".to_owned(), String::new()]);
        assert!(text.contains("https://user:***@example.org"), "{text}");
    }

    #[test]
    fn that_two_secrets_differ_is_seen() {
        let secret = |value: &str| json!({ "apiVersion": "v1", "kind": "Secret", "data": { "a": value, "b": "same" } });
        let (mut live, built) = (secret("x"), secret("y"));
        mask(&mut live, Some((&built, "before")));
        assert_eq!(live["data"], json!({ "a": "*** (before)", "b": "***" }));
    }

    #[test]
    fn what_the_server_keeps_is_taken_out() {
        let mut object = json!({ "metadata": { "name": "a", "uid": "1", "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{}" } },
            "spec": {}, "status": {} });
        without_server_fields(&mut object);
        assert_eq!(object, json!({ "metadata": { "name": "a" }, "spec": {} }));
    }
}
