//! The identity of an object, and an object as a file supplies it.

use std::fmt;
use std::sync::Arc;

use gitops_text::Span;
use gitops_yaml::FieldPath;
use serde_json::Value;

/// Group, version and kind. The core group is the empty string.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Gvk {
    /// API group, e.g. `apps`; empty for the core group.
    pub group: String,
    /// Version, e.g. `v1`.
    pub version: String,
    /// Kind, e.g. `Deployment`.
    pub kind: String,
}

impl Gvk {
    /// From `apiVersion` and `kind` as a manifest writes them: `apps/v1` or `v1`.
    pub fn parse(api_version: &str, kind: &str) -> Self {
        let (group, version) = parts_of(api_version);
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        }
    }

    /// As a manifest writes it: `apps/v1`, or `v1` for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// What a JSON pointer (RFC 6901) leads to, as [`Value::pointer`], which writes each part anew to look for escapes in it.
/// Of thousands of objects that is most of the time that looking takes.
pub fn at_pointer<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    if pointer.contains('~') || !pointer.starts_with('/') {
        return value.pointer(pointer);
    }
    pointer.split('/').skip(1).try_fold(value, |value, part| match value {
        Value::Object(entries) => entries.get(part),
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Group and version of an `apiVersion`.
fn parts_of(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// A text of a map, empty where it has none.
fn text_of<'a>(map: Option<&'a Value>, key: &str) -> &'a str {
    map.and_then(|map| map.get(key)?.as_str()).unwrap_or_default()
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.api_version(), self.kind)
    }
}

/// What names one object on a cluster.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObjectKey {
    /// Group, version and kind as written in the manifest.
    pub gvk: Gvk,
    /// Namespace as written; `None` where the manifest names none.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

impl ObjectKey {
    /// Of an object as JSON: what is missing in it is empty.
    pub fn of(object: &Value) -> Self {
        let metadata = object.get("metadata");
        let namespace = text_of(metadata, "namespace");
        Self {
            gvk: Gvk::parse(text_of(Some(object), "apiVersion"), text_of(Some(object), "kind")),
            namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
            name: text_of(metadata, "name").to_owned(),
        }
    }

    /// Whether an object is this one, in this version.
    pub fn is_of(&self, object: &Value) -> bool {
        let metadata = object.get("metadata");
        let (group, version) = parts_of(text_of(Some(object), "apiVersion"));
        text_of(metadata, "name") == self.name
            && text_of(Some(object), "kind") == self.gvk.kind
            && text_of(metadata, "namespace") == self.namespace.as_deref().unwrap_or_default()
            && (group, version) == (self.gvk.group.as_str(), self.gvk.version.as_str())
    }

    /// Whether both name the same object whatever the version they are written in.
    pub fn same_object(&self, other: &Self) -> bool {
        self.gvk.group == other.gvk.group
            && self.gvk.kind == other.gvk.kind
            && self.namespace == other.namespace
            && self.name == other.name
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{namespace}/{}", self.gvk.kind, self.name),
            None => write!(f, "{}/{}", self.gvk.kind, self.name),
        }
    }
}

/// One object as a file supplies it.
#[derive(Clone, PartialEq, Debug)]
pub struct Manifest {
    /// Identity. The name is empty when the manifest names none: such an object is never sent.
    pub key: Arc<ObjectKey>,
    /// Index of the document in its file, from 0.
    pub document: usize,
    /// Where the object stands in its document: empty, or `items[n]` of a `List`.
    pub base: FieldPath,
    /// The `kind:` entry, where what belongs to the whole object is shown.
    pub kind_span: Span,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ObjectKey, at_pointer};

    #[test]
    fn a_pointer_leads_where_it_leads_elsewhere() {
        let value = json!({ "a": [{ "b/c": 1, "~": 2, "": 3 }], "x": { "y": null } });
        for pointer in [
            "",
            "/a",
            "/a/0",
            "/a/0/b~1c",
            "/a/0/~0",
            "/a/0/",
            "/a/1",
            "/a/x",
            "/x/y",
            "/x/y/z",
            "a",
        ] {
            assert_eq!(at_pointer(&value, pointer), value.pointer(pointer), "{pointer:?}");
        }
    }

    #[test]
    fn a_key_is_that_of_its_object_alone() {
        let object = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "shop" } });
        let key = ObjectKey::of(&object);
        assert_eq!(key.to_string(), "Deployment/shop/web");
        assert!(key.is_of(&object));
        for (pointer, other) in [
            ("/apiVersion", "apps/v2"),
            ("/apiVersion", "v1"),
            ("/kind", "StatefulSet"),
            ("/metadata/name", "db"),
            ("/metadata/namespace", ""),
        ] {
            let mut changed = object.clone();
            *changed.pointer_mut(pointer).expect("it is there") = json!(other);
            assert!(!key.is_of(&changed), "{pointer}");
        }
        let core = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" } });
        assert!(ObjectKey::of(&core).is_of(&core));
        assert_eq!(ObjectKey::of(&core).namespace, None);
    }
}
