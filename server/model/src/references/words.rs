//! Reading objects, and writing what is said of them.

use gitops_yaml::FieldPath;
use serde_json::Value;

use super::index::Index;
use crate::object::at_pointer;

/// The namespace of a namespaced object whose manifest names none.
pub(super) const DEFAULT_NAMESPACE: &str = "default";

/// A path of keys and, where a part is a number, of items.
pub(super) fn path(parts: &[&str]) -> FieldPath {
    let mut path = FieldPath::new();
    for part in parts {
        match part.parse() {
            Ok(item) => path.push_index(item),
            Err(_) => path.push_key(*part),
        }
    }
    path
}

/// The same with more keys at its end.
pub(super) fn below(path: &FieldPath, keys: &[&str]) -> FieldPath {
    let mut path = path.clone();
    for key in keys {
        path.push_key(*key);
    }
    path
}

/// The same with an item at its end.
pub(super) fn item(path: &FieldPath, index: usize) -> FieldPath {
    let mut path = path.clone();
    path.push_index(index);
    path
}

/// A text of an object by its JSON pointer; an empty one is none.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    at_pointer(value, pointer)?.as_str().filter(|text| !text.is_empty())
}

/// The items of a list.
pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = (usize, &'a Value)> {
    let items = at_pointer(value, pointer).and_then(Value::as_array);
    items.into_iter().flatten().enumerate()
}

/// The keys and texts of a map such as of labels.
pub(super) fn texts(value: Option<&Value>) -> impl Iterator<Item = (&str, &str)> {
    let entries = value.and_then(Value::as_object);
    entries
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

/// `Kustomization flux-system/apps`.
pub(super) fn shown(index: &Index<'_>, object: usize) -> String {
    index.key(object).map_or_else(String::new, |key| match &key.namespace {
        Some(namespace) => format!("{} {namespace}/{}", key.gvk.kind, key.name),
        None => format!("{} {}", key.gvk.kind, key.name),
    })
}

/// `there is a`, `there are a and b`.
pub fn there_are(words: &[String]) -> String {
    let are = if words.len() == 1 { "is" } else { "are" };
    format!("there {are} {}", listed(words))
}

/// `a`, `a and b`, `a, b and c`, `a, b, c and 4 more`.
pub fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if words.len() <= 4 => format!("{} and {last}", first.join(", ")),
        [a, b, c, rest @ ..] => format!("{a}, {b}, {c} and {} more", rest.len()),
        _ => words.join(", "),
    }
}
