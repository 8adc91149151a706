//! Paths as validation writes them: `spec.containers[0].image`, `metadata.labels[app.kubernetes.io/name]`, `<nil>`.
//!
//! Brackets hold an index or a key; some validations write keys with dots as if they were fields, so what was sent is looked at first.

use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

/// How many places are tried for one path.
const MAX_TRIES: usize = 2_000;

/// Reads a whole path: as much of it as possible is found in `sent`, the rest is read as it is written.
pub(super) fn resolve(text: &str, sent: &Value) -> FieldPath {
    let text = text.trim();
    if text.is_empty() || text == "<nil>" {
        return FieldPath::new();
    }
    let text = text.strip_prefix('.').unwrap_or(text);
    let mut search = Search {
        tries: 0,
        best: (FieldPath::new(), text),
    };
    if let Some(path) = search.walk(text, sent, &FieldPath::new()) {
        return path;
    }
    let (path, rest) = search.best;
    path.join(&plainly(rest))
}

struct Search<'a> {
    tries: usize,
    best: (FieldPath, &'a str),
}

impl<'a> Search<'a> {
    fn walk(&mut self, text: &'a str, value: &Value, path: &FieldPath) -> Option<FieldPath> {
        if text.is_empty() {
            return Some(path.clone());
        }
        self.tries += 1;
        if self.tries > MAX_TRIES {
            return None;
        }
        if text.len() < self.best.1.len() {
            self.best = (path.clone(), text);
        }
        let at_start = path.is_empty();
        match value {
            Value::Object(map) => {
                let name_text = if at_start { Some(text) } else { text.strip_prefix('.') };
                let mut names: Vec<(&String, &'a str)> = map
                    .keys()
                    .filter_map(|key| {
                        let as_field = name_text.and_then(|text| after_name(text, key));
                        as_field.or_else(|| after_bracket(text, key)).map(|rest| (key, rest))
                    })
                    .collect();
                names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
                names.into_iter().find_map(|(name, rest)| {
                    let mut longer = path.clone();
                    longer.push_key(name.as_str());
                    self.walk(rest, map.get(name)?, &longer)
                })
            }
            // Some validations leave the index out.
            Value::Array(items) if text.starts_with('.') => {
                let [only] = items.as_slice() else { return None };
                let mut longer = path.clone();
                longer.push_index(0);
                self.best = (longer.clone(), text);
                self.walk(text, only, &longer)
            }
            Value::Array(items) => {
                let (content, rest) = text.strip_prefix('[')?.split_once(']')?;
                let index = content.parse().ok().or_else(|| {
                    items
                        .iter()
                        .position(|item| item.get("name").and_then(Value::as_str) == Some(content))
                })?;
                let mut longer = path.clone();
                longer.push_index(index);
                self.walk(rest, items.get(index)?, &longer)
            }
            _ => None,
        }
    }
}

fn ends_a_name(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['.', '['])
}

fn after_name<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.strip_prefix(name)
        .filter(|rest| !name.is_empty() && ends_a_name(rest))
}

fn after_bracket<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.strip_prefix('[')?
        .strip_prefix(key)?
        .strip_prefix(']')
        .filter(|rest| ends_a_name(rest))
}

fn plainly(text: &str) -> FieldPath {
    let text = text.strip_prefix('.').unwrap_or(text);
    FieldPath::parse(text).unwrap_or_else(|| FieldPath::from(vec![Step::Key(text.into())]))
}

/// Splits a path off the start of a warning or a webhook's message: `spec.a[0].b: text`, or `spec.a.b text`.
///
/// Only what starts with a field of the object counts as a path, so that a sentence is not taken for one.
pub(super) fn leading<'a>(text: &'a str, sent: &Value) -> Option<(FieldPath, &'a str)> {
    let end = end_of_path(text);
    let (raw, rest) = text.split_at_checked(end)?;
    let first = raw.split(['.', '[']).next().unwrap_or_default();
    let known = matches!(
        first,
        "spec" | "metadata" | "data" | "stringData" | "status" | "webhooks" | "rules" | "subjects" | "roleRef"
    );
    let sent_here = sent.get(first).is_some();
    if first.is_empty() || !(sent_here || known) || (!known && !raw.contains(['.', '['])) {
        return None;
    }
    let message = rest
        .strip_prefix(": ")
        .or_else(|| rest.strip_prefix(' '))
        .unwrap_or(rest);
    (!message.is_empty() || rest.is_empty()).then(|| (resolve(raw, sent), message))
}

/// Where a path ends that stands at the start of a text: at a blank or a colon outside of brackets.
fn end_of_path(text: &str) -> usize {
    let mut depth = 0_u32;
    for (at, character) in text.char_indices() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ' ' | ',' | ';' | ':' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{leading, resolve};

    #[test]
    fn reads_paths() {
        let sent = json!({
            "metadata": {"labels": {"app.kubernetes.io/name": "x"}, "annotations": {"volume.beta.io/class": "a"}},
            "spec": {"containers": [{"name": "a", "ports": [{}]}], "properties": {"spec": {"properties": {"0": {}}}}},
        });
        for (text, path) in [
            ("<nil>", ""),
            ("spec.containers[0].image", "spec.containers[0].image"),
            (
                "spec.containers[0].ports[0].protocol",
                "spec.containers[0].ports[0].protocol",
            ),
            (
                "metadata.labels[app.kubernetes.io/name]",
                "metadata.labels[app.kubernetes.io/name]",
            ),
            (
                "metadata.annotations.volume.beta.io/class",
                "metadata.annotations[volume.beta.io/class]",
            ),
            (
                "spec.properties[spec].properties[0]",
                "spec.properties.spec.properties.0",
            ),
            ("spec.containers[a].image", "spec.containers[0].image"),
            ("spec.[", "spec.["),
        ] {
            assert_eq!(
                resolve(text, &sent).to_string(),
                path.replace("spec.[", "spec[[]"),
                "{text}"
            );
        }
    }

    #[test]
    fn splits_paths_off() {
        let sent = json!({"spec": {"a": [{"b": 1}]}});
        let (path, rest) = leading("spec.a[0].b: hides it", &sent).expect("a path");
        assert_eq!((path.to_string().as_str(), rest), ("spec.a[0].b", "hides it"));
        let (path, rest) = leading("spec.externalIPs is ignored", &sent).expect("a path");
        assert_eq!((path.to_string().as_str(), rest), ("spec.externalIPs", "is ignored"));
        assert!(leading("annotation x is deprecated", &sent).is_none());
        assert!(leading("volume \"a\": overlapping", &sent).is_none());
    }
}
