//! Looking things up in the object that was sent.

use gitops_model::Gvk;
use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

/// How many leaves of one object are looked at; real objects have a few hundred.
const MAX_LEAVES: usize = 100_000;

/// One step down.
pub(super) fn child<'a>(value: &'a Value, step: &Step) -> Option<&'a Value> {
    match step {
        Step::Key(key) => value.as_object()?.get(key.as_ref()),
        Step::Index(index) => value.as_array()?.get(*index),
    }
}

/// The value at a path.
pub(super) fn value_at<'a>(object: &'a Value, path: &FieldPath) -> Option<&'a Value> {
    path.steps().iter().try_fold(object, |value, step| child(value, step))
}

/// The longest part of a path that exists.
pub(super) fn existing(object: &Value, path: &FieldPath) -> FieldPath {
    let mut value = object;
    let mut matched = 0;
    for step in path.steps() {
        match child(value, step) {
            Some(below) => value = below,
            None => break,
        }
        matched += 1;
    }
    path.prefix(matched)
}

/// What of a path is left below an ancestor, as text: `resources.limits.memory`.
pub(super) fn below(path: &FieldPath, ancestor: &FieldPath) -> String {
    let rest: FieldPath = path.steps().iter().skip(ancestor.len()).cloned().collect();
    rest.to_string()
}

/// The path with one more key.
pub(super) fn with_key(path: &FieldPath, key: &str) -> FieldPath {
    let mut longer = path.clone();
    longer.push_key(key);
    longer
}

/// The path with several more keys.
pub(super) fn with_keys(path: &FieldPath, keys: &[&str]) -> FieldPath {
    keys.iter().fold(path.clone(), |path, key| with_key(&path, key))
}

/// The path with one more index.
pub(super) fn with_index(path: &FieldPath, index: usize) -> FieldPath {
    let mut longer = path.clone();
    longer.push_index(index);
    longer
}

/// A path of keys from the top.
pub(super) fn keys(keys: &[&str]) -> FieldPath {
    with_keys(&FieldPath::new(), keys)
}

/// Every scalar, empty map and empty list below a value, in order.
pub(super) fn leaves(value: &Value) -> Vec<(FieldPath, &Value)> {
    let mut found = Vec::new();
    // A stack in reverse order, so that what is written first is found first.
    let mut stack = vec![(FieldPath::new(), value)];
    while let Some((path, value)) = stack.pop() {
        if found.len() >= MAX_LEAVES {
            break;
        }
        match value {
            Value::Object(map) if !map.is_empty() => {
                stack.extend(map.iter().rev().map(|(key, below)| (with_key(&path, key), below)));
            }
            Value::Array(items) if !items.is_empty() => {
                stack.extend(
                    items
                        .iter()
                        .enumerate()
                        .rev()
                        .map(|(index, below)| (with_index(&path, index), below)),
                );
            }
            _ => found.push((path, value)),
        }
    }
    found
}

/// Every place where a key stands, in order.
pub(super) fn places_of_key(object: &Value, key: &str) -> Vec<FieldPath> {
    let mut found = Vec::new();
    let mut stack = vec![(FieldPath::new(), object)];
    while let Some((path, value)) = stack.pop() {
        if found.len() >= MAX_LEAVES {
            break;
        }
        match value {
            Value::Object(map) => {
                if map.contains_key(key) {
                    found.push(with_key(&path, key));
                }
                stack.extend(map.iter().rev().map(|(key, below)| (with_key(&path, key), below)));
            }
            Value::Array(items) => {
                stack.extend(
                    items
                        .iter()
                        .enumerate()
                        .rev()
                        .map(|(index, below)| (with_index(&path, index), below)),
                );
            }
            _ => {}
        }
    }
    found
}

/// Takes away what stands at a path.
pub(super) fn remove(object: &mut Value, path: &FieldPath) -> Option<Value> {
    let (last, before) = path.steps().split_last()?;
    let parent = before.iter().try_fold(object, |value, step| match step {
        Step::Key(key) => value.as_object_mut()?.get_mut(key.as_ref()),
        Step::Index(index) => value.as_array_mut()?.get_mut(*index),
    })?;
    match last {
        // `shift_remove` keeps the order of what stays, so that answers keep coming in the file's order.
        Step::Key(key) => parent.as_object_mut()?.shift_remove(key.as_ref()),
        Step::Index(index) => {
            let items = parent.as_array_mut()?;
            (*index < items.len()).then(|| items.remove(*index))
        }
    }
}

/// Puts a value where one is already; false when nothing is there.
pub(super) fn replace(object: &mut Value, path: &FieldPath, value: Value) -> bool {
    let place = path.steps().iter().try_fold(object, |value, step| match step {
        Step::Key(key) => value.as_object_mut()?.get_mut(key.as_ref()),
        Step::Index(index) => value.as_array_mut()?.get_mut(*index),
    });
    match place {
        Some(place) => {
            *place = value;
            true
        }
        None => false,
    }
}

/// The key that a path starts with.
pub(super) fn first_key(path: &FieldPath) -> Option<&str> {
    match path.steps().first()? {
        Step::Key(key) => Some(key),
        Step::Index(_) => None,
    }
}

/// Whether a path leads into the payload of a Secret.
pub(super) fn is_secret(gvk: &Gvk, path: &FieldPath) -> bool {
    let payload = matches!(first_key(path), Some("data" | "stringData"));
    gvk.group.is_empty() && gvk.kind == "Secret" && payload
}

/// The text of a scalar as a path or a message of the server would write it.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null => Some("null".to_owned()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether two scalars are the same, when the type is not looked at.
pub(super) fn loosely_equal(left: &Value, right: &Value) -> bool {
    left == right || matches!((scalar_text(left), scalar_text(right)), (Some(left), Some(right)) if left == right)
}

#[cfg(test)]
mod tests {
    use gitops_yaml::FieldPath;
    use serde_json::json;

    use super::{existing, leaves, remove, value_at};

    #[test]
    fn finds_and_removes() {
        let mut object = json!({"a": {"b": [1, {"c": 2}], "d": {}}});
        let path = FieldPath::parse("a.b[1].c").expect("a path");
        assert_eq!(value_at(&object, &path), Some(&json!(2)));
        let longer = FieldPath::parse("a.b[1].x.y").expect("a path");
        assert_eq!(existing(&object, &longer).to_string(), "a.b[1]");
        let all: Vec<String> = leaves(&object).iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(all, ["a.b[0]", "a.b[1].c", "a.d"]);
        assert_eq!(remove(&mut object, &path), Some(json!(2)));
        assert_eq!(remove(&mut object, &longer), None);
        assert_eq!(remove(&mut object, &FieldPath::new()), None);
    }
}
