//! The document of a file that is no object, and what it is that it lacks.

use gitops_model::nearest;
use gitops_text::Span;
use gitops_yaml::{Dialect, Node, Parse};
use serde_json::Value;

/// The place in the first document that has no `apiVersion`, `kind` or `metadata.name`: the value that is no text, or the key
/// that was to be it; else the key around what is missing.
pub(super) fn not_an_object(text: &str, parse: &Parse) -> Option<Span> {
    parse.documents.iter().find_map(|document| {
        let root = document.root(text)?;
        let value = document.to_json(text, Dialect::Kustomize).ok()?;
        lacking(root, &value)
    })
}

fn lacking(root: Node<'_>, value: &Value) -> Option<Span> {
    if value.is_null() {
        return None;
    }
    for key in ["apiVersion", "kind", "metadata"] {
        let is_there = match value.get(key) {
            Some(Value::Object(_)) => key == "metadata",
            Some(Value::String(text)) => key != "metadata" && !text.is_empty(),
            _ => false,
        };
        let is_list = value
            .get("kind")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.ends_with("List"));
        let may_be_without = is_list && key == "metadata";
        if !is_there && !may_be_without {
            return place(root, key).or_else(|| root.entries().next().map(|(key, _)| key.span()));
        }
    }
    let metadata = value.get("metadata")?;
    let is_named = metadata.get("generateName").is_some_and(Value::is_string)
        || metadata
            .get("name")
            .and_then(Value::as_str)
            .is_some_and(|name| !name.is_empty());
    if is_named {
        return None;
    }
    let (key, inner) = root.entry("metadata")?;
    Some(place(inner, "name").unwrap_or_else(|| key.span()))
}

/// The value of a key; where there is none, the key that is nearly it.
fn place(node: Node<'_>, key: &str) -> Option<Span> {
    if let Some(value) = node.get(key) {
        return Some(value.span());
    }
    let written = node.entries().map(|(key, _)| key);
    let is_near = |written: &Node<'_>| {
        written
            .as_str()
            .is_some_and(|written| nearest(written, [key]).is_some())
    };
    written.into_iter().find(is_near).map(Node::span)
}
