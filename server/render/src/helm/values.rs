//! The values of a release, and which of its sources supplies which of them.

use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::release::Release;
use crate::value_at::value_at;

/// One source of values.
#[derive(Clone)]
pub(super) struct Source {
    /// Where it stands.
    pub(super) stands: Stands,
    /// Its number in `valuesFrom`; `None` for the values in the release itself.
    pub(super) reference: Option<usize>,
    /// Where the one value goes that it is.
    pub(super) target: Option<FieldPath>,
    /// What it holds.
    pub(super) value: Value,
    /// Whether it must not be shown.
    pub(super) is_secret: bool,
    /// Its number in the request.
    pub(super) position: Option<usize>,
}

/// Where values stand.
#[derive(Clone, Debug)]
pub(super) enum Stands {
    /// In a field of one of the built objects.
    In(usize, FieldPath),
    /// In a file of the tree, which holds nothing else.
    File(String),
}

/// The value may be that of a Secret.
impl std::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Source({:?})", self.stands)
    }
}

impl Source {
    /// Whether it has a value at a path of the merged values, and the path of that in itself.
    pub(super) fn supplies(&self, path: &FieldPath) -> Option<FieldPath> {
        match &self.target {
            // One value at a place of its own: what is around it is made for it, what is in it is read out of it.
            Some(target) => (path.starts_with(target) || target.starts_with(path)).then(FieldPath::new),
            None if self.value.is_object() => value_at(&self.value, path).map(|_| path.clone()),
            None => None,
        }
    }
}

impl Release {
    /// The sources of a value, the strongest first.
    pub(super) fn suppliers(&self, path: &FieldPath) -> Vec<(&Source, FieldPath)> {
        let sources = self.sources.iter();
        sources
            .filter_map(|source| Some((source, source.supplies(path)?)))
            .collect()
    }
}

/// A path in the syntax of `helm --set` (`helm.sh/helm/v4/pkg/strvals`).
pub(super) fn target_path(written: &str) -> FieldPath {
    let mut path = FieldPath::new();
    let mut name = String::new();
    let mut letters = written.chars();
    let flush = |name: &mut String, path: &mut FieldPath| {
        if !name.is_empty() {
            path.push_key(std::mem::take(name));
        }
    };
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => name.extend(letters.next()),
            '.' => flush(&mut name, &mut path),
            '[' => {
                flush(&mut name, &mut path);
                let digits: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                if let Ok(index) = digits.parse() {
                    path.push_index(index);
                }
            }
            letter => name.push(letter),
        }
    }
    flush(&mut name, &mut path);
    path
}

/// How many leaves of values are looked at.
const MAX_LEAVES: usize = 1_000;

/// The scalars of values, with those collections that are empty, in their order.
pub(super) fn leaves(values: &Value) -> Vec<FieldPath> {
    let mut found = Vec::new();
    collect(values, &mut Vec::new(), &mut found);
    found
}

fn collect(value: &Value, path: &mut Vec<Step>, found: &mut Vec<FieldPath>) {
    if found.len() >= MAX_LEAVES {
        return;
    }
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                path.push(Step::Key(key.as_str().into()));
                collect(value, path, found);
                path.pop();
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                path.push(Step::Index(index));
                collect(value, path, found);
                path.pop();
            }
        }
        _ => found.push(FieldPath::from(path.clone())),
    }
}

/// A path as the renderer takes it.
pub(super) fn as_json(path: &FieldPath) -> Vec<Value> {
    let steps = path.steps().iter();
    steps
        .map(|step| match step {
            Step::Key(key) => Value::from(&**key),
            Step::Index(index) => Value::from(*index),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::target_path;

    #[test]
    fn a_target_path_is_read_as_helm_reads_it() {
        for (written, read) in [
            ("a.b", "a.b"),
            ("a[0].b", "a[0].b"),
            (r"a\.b.c", "[a.b].c"),
            ("a", "a"),
            ("", ""),
        ] {
            assert_eq!(target_path(written).to_string(), read);
        }
    }
}
