//! What the API server will say of the metadata of an object, once it serves its kind.
//!
//! A CRD that is still to come decides about everything but this: names, labels and annotations are the same for all kinds
//! (`k8s.io/apimachinery/pkg/api/validation`, `ValidateObjectMeta`; names of custom resources by `NameIsDNSSubdomain`).

use gitops_yaml::FieldPath;
use serde_json::Value;

use super::sent::keys;
use super::wrong_type::{Expected, explain};
use super::{Answer, Place, codes};

/// Longest name of an object, in bytes.
const MAX_NAME: usize = 253;
/// Longest value of a label, in bytes.
const MAX_LABEL: usize = 63;

/// What is wrong with the metadata of an object of a kind that is not served yet.
pub fn metadata_of_unserved_kind(object: &Value) -> Vec<Answer> {
    let mut found = Vec::new();
    let metadata = |key: &str| object.get("metadata").and_then(|metadata| metadata.get(key));
    for key in ["name", "namespace"] {
        let path = keys(&["metadata", key]);
        match metadata(key) {
            Some(Value::String(name)) if !name.is_empty() && !is_sound_name(name) => found.push(invalid(
                path,
                name,
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
            )),
            Some(value) => found.extend(unless_text(path, value)),
            None => {}
        }
    }
    for (map, is_label) in [("labels", true), ("annotations", false)] {
        let entries = metadata(map).and_then(Value::as_object);
        for (key, value) in entries.into_iter().flatten() {
            let path = keys(&["metadata", map, key]);
            match value {
                Value::String(text) if is_label && !is_sound_label(text) => found.push(invalid(
                    path,
                    text,
                    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
                )),
                value => found.extend(unless_text(path, value)),
            }
        }
    }
    found
}

fn invalid(path: FieldPath, written: &str, rule: &str) -> Answer {
    let words = format!("\"{written}\" is not valid: {rule}");
    Answer::new(path, Place::Value, codes::INVALID_VALUE, words)
}

fn unless_text(path: FieldPath, value: &Value) -> Option<Answer> {
    if value.is_string() || value.is_null() {
        return None;
    }
    let wrong = explain(Expected::String, value, &path, false);
    Some(Answer::new(path, Place::Value, codes::WRONG_TYPE, wrong.message).with_suggestion(wrong.suggestion))
}

/// RFC 1123, section 2.1, as Kubernetes takes it for names.
pub fn is_sound_name(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    name.len() <= MAX_NAME
        && name.starts_with(is_letter)
        && name.ends_with(is_letter)
        && name
            .chars()
            .all(|letter| is_letter(letter) || letter == '-' || letter == '.')
}

fn is_sound_label(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric();
    text.is_empty()
        || (text.len() <= MAX_LABEL
            && text.starts_with(is_letter)
            && text.ends_with(is_letter)
            && text.chars().all(|letter| is_letter(letter) || "-_.".contains(letter)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::metadata_of_unserved_kind;

    fn check(object: &serde_json::Value, expected: &[&str]) {
        let found = metadata_of_unserved_kind(object);
        let found: Vec<String> = found
            .iter()
            .map(|answer| {
                let words: String = answer.message.chars().take(30).collect();
                format!("{} {} {words}", answer.path, answer.slug)
            })
            .collect();
        assert_eq!(found, expected, "{object}");
    }

    #[test]
    fn what_is_sound() {
        check(
            &json!({"metadata": {
                "name": "a.b-c", "namespace": "shop",
                "labels": {"app": "Web_1.0", "empty": ""}, "annotations": {"note": "anything: at all", "none": null},
            }}),
            &[],
        );
        check(&json!({"metadata": {"generateName": "a-"}}), &[]);
        check(&json!({}), &[]);
        check(&json!({"metadata": 1}), &[]);
    }

    #[test]
    fn what_no_kind_takes() {
        check(
            &json!({"metadata": {
                "name": "Web_1", "namespace": 17, "labels": {"a": "b c", "n": 1}, "annotations": {"on": true},
            }}),
            &[
                "metadata.name invalid-value \"Web_1\" is not valid: a lowerc",
                "metadata.namespace wrong-type expected string, got number 17",
                "metadata.labels.a invalid-value \"b c\" is not valid: a valid la",
                "metadata.labels.n wrong-type expected string, got number 1 ",
                "metadata.annotations.on wrong-type expected string, got boolean t",
            ],
        );
    }
}
