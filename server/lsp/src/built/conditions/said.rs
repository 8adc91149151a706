//! What one object of Flux says, read: which fault it is, in words for people, and what it is about.

use gitops_model::Want;
use gitops_yaml::FieldPath;
use serde_json::Value;

use super::code::Slug;

/// One fault that Flux speaks of.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Said {
    /// Which fault it is.
    pub(super) slug: Slug,
    /// For people.
    pub(super) message: String,
    /// What it is about.
    pub(super) about: About,
}

/// What a fault is about.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum About {
    /// A field of the object that says it.
    Field(FieldPath, Want),
    /// Another object: the words are the API server's.
    Object(Named),
    /// Another object as a whole.
    Whole(Named),
    /// What a Kustomization is built from: the words are those of kustomize or of the substitution.
    Build,
    /// A value of a release, by its path among all values.
    Value(Vec<String>, Want),
    /// A template of the chart of a release, or another file of it: its path in the chart, and the line, from 1.
    Template(String, u32),
}

/// An object, as Flux names it: `Deployment/apps/web`, or `Namespace/apps`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Named {
    /// API group and version, where they are named.
    pub(super) api_version: Option<String>,
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

impl Named {
    /// Reads `Kind/namespace/name` or `Kind/name`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let kind = parts.next().filter(|kind| kind.starts_with(char::is_uppercase))?;
        let (first, second) = (parts.next()?, parts.next());
        if parts.next().is_some() || kind.contains(' ') || first.is_empty() {
            return None;
        }
        Some(Self {
            api_version: None,
            kind: kind.to_owned(),
            namespace: second.map(|_| first.to_owned()),
            name: second.unwrap_or(first).to_owned(),
        })
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(formatter, "{} {namespace}/{}", self.kind, self.name),
            None => write!(formatter, "{} {}", self.kind, self.name),
        }
    }
}

impl Said {
    /// A fault of a field of the object itself.
    pub(super) fn of_field(slug: Slug, path: FieldPath, message: impl Into<String>) -> Self {
        Self {
            slug,
            message: message.into(),
            about: About::Field(path, Want::Value),
        }
    }
}

/// A path of keys.
pub(super) fn keys(keys: &[&str]) -> FieldPath {
    let mut path = FieldPath::default();
    for key in keys {
        path.push_key(*key);
    }
    path
}

/// The first of these paths that the object has; the last one where it has none.
pub(super) fn first_of(object: &Value, paths: &[&[&str]]) -> FieldPath {
    let is_there = |path: &&&[&str]| path.iter().try_fold(object, |value, key| value.get(*key)).is_some();
    let found = paths.iter().find(is_there).or(paths.last());
    found.map(|path| keys(path)).unwrap_or_default()
}

/// The field of the first entry of a list that fits; the list itself where none does.
pub(super) fn entry(object: &Value, list: &[&str], fits: impl Fn(&Value) -> bool, field: &str) -> FieldPath {
    let mut path = keys(list);
    let items = list.iter().try_fold(object, |value, key| value.get(*key));
    let items = items.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if let Some(at) = items.iter().position(fits) {
        path.push_index(at);
        path.push_key(field);
    }
    path
}

/// A text of an object, empty where it has none.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Whether an entry that names something by `name` and perhaps `namespace` means this one.
pub(super) fn names(entry: &Value, own_namespace: &str, namespace: &str, name: &str) -> bool {
    let written = Some(text(entry, "/namespace")).filter(|written| !written.is_empty());
    text(entry, "/name") == name && written.unwrap_or(own_namespace) == namespace
}

/// What stands between two texts, the first time.
pub(super) fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

/// What follows a text, the last time that it occurs.
pub(super) fn after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.rsplit_once(start).map(|(_, rest)| rest)
}

/// The first line, which is what a person reads; the whole is shown beside it.
pub(super) fn first_line(text: &str) -> &str {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}
