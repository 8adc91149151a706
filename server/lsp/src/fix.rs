//! From what the cluster suggests to edits of the text.

use base64::Engine;
use gitops_cluster::answer::{Answer, Suggestion};
use gitops_model::{Fix, FixKind};
use gitops_text::Span;
use gitops_yaml::{Document, FieldPath, Node, NodeKind, Step, Style};
use serde_json::Value;

/// How many choices of one answer are offered at most.
const MAX_CHOICES: usize = 8;

/// What can be done about an answer in one keystroke.
pub(crate) fn of(document: &Document, text: &str, base: &FieldPath, answer: &Answer) -> Vec<Fix> {
    let place = Place { document, text, base };
    match &answer.suggestion {
        Suggestion::None => Vec::new(),
        Suggestion::Rename(names) => place.rename(&answer.path, names),
        Suggestion::Replace(values) => place.replace(&answer.path, values),
        Suggestion::Insert { field, value } => {
            let title = match value {
                Some(value) => format!("Add {field}: {value}"),
                None => format!("Add {field}"),
            };
            edit_fix(
                title,
                place.insert(&answer.path, field, value.as_deref().unwrap_or("")),
                value.is_some(),
            )
        }
        Suggestion::Quote => place.quote(&answer.path),
        Suggestion::EncodeBase64 => place.encode(&answer.path),
        Suggestion::Remove => edit_fix("Remove it".to_owned(), place.remove(&answer.path), false),
        Suggestion::Recreate => vec![Fix {
            title: "Delete it from the sandbox and create it anew".to_owned(),
            kind: FixKind::Recreate,
            preferred: false,
        }],
        Suggestion::TakeOver { manager } => vec![Fix {
            title: format!("Take it over from {manager}"),
            kind: FixKind::TakeOver,
            preferred: false,
        }],
        Suggestion::SetField { path, value } => place.set_all(&[(path.clone(), value.clone())]),
        Suggestion::SetFields(fields) => place.set_all(fields),
    }
}

fn edit_fix(title: String, edits: Vec<(Span, String)>, preferred: bool) -> Vec<Fix> {
    if edits.is_empty() {
        Vec::new()
    } else {
        vec![Fix {
            title,
            kind: FixKind::Edit(edits),
            preferred,
        }]
    }
}

/// One object in its text.
#[derive(Clone, Copy)]
struct Place<'a> {
    document: &'a Document,
    text: &'a str,
    base: &'a FieldPath,
}

impl<'a> Place<'a> {
    fn node(self, path: &FieldPath) -> Option<Node<'a>> {
        self.document.node_at(self.text, &self.base.join(path))
    }

    fn rename(self, path: &FieldPath, names: &[String]) -> Vec<Fix> {
        let full = self.base.join(path);
        let located = self.document.locate(self.text, &full);
        let Some(key) = located.key.filter(|_| located.matched == full.steps().len()) else {
            return Vec::new();
        };
        // A key that is there already is not what was meant.
        let siblings = path.parent().and_then(|parent| self.node(&parent));
        names
            .iter()
            .filter(|name| siblings.is_none_or(|siblings| siblings.get(name).is_none()))
            .take(MAX_CHOICES)
            .enumerate()
            .map(|(index, name)| Fix {
                title: format!("Rename it to {name}"),
                kind: FixKind::Edit(vec![(key, name.clone())]),
                preferred: index == 0,
            })
            .collect()
    }

    fn replace(self, path: &FieldPath, values: &[String]) -> Vec<Fix> {
        let Some(node) = self
            .node(path)
            .filter(|node| node.kind() == NodeKind::Scalar && !node.span().is_empty())
        else {
            return Vec::new();
        };
        let only = values.len() == 1;
        values
            .iter()
            .take(MAX_CHOICES)
            .enumerate()
            .map(|(index, value)| {
                // The likeliest comes first when it differs from what is written in case alone; then it is meant beyond doubt.
                let same_word = node.as_str().is_some_and(|written| written.eq_ignore_ascii_case(value));
                Fix {
                    title: format!("Write {value}"),
                    kind: FixKind::Edit(vec![(node.span(), value.clone())]),
                    preferred: index == 0 && (only || same_word),
                }
            })
            .collect()
    }

    fn quote(self, path: &FieldPath) -> Vec<Fix> {
        let Some(node) = self.node(path) else { return Vec::new() };
        let Some(scalar) = node.scalar().filter(|scalar| scalar.style == Style::Plain) else {
            return Vec::new();
        };
        if scalar.raw.contains('\n') || node.span().is_empty() {
            return Vec::new();
        }
        edit_fix(
            "Put it in quotes".to_owned(),
            vec![(node.span(), quoted(scalar.raw))],
            true,
        )
    }

    fn encode(self, path: &FieldPath) -> Vec<Fix> {
        let Some(node) = self.node(path) else { return Vec::new() };
        let (Some(value), false) = (node.as_str(), node.span().is_empty()) else {
            return Vec::new();
        };
        edit_fix(
            "Encode it in base64".to_owned(),
            vec![(node.span(), base64::engine::general_purpose::STANDARD.encode(value))],
            false,
        )
    }

    /// Takes an entry of a map or an item of a list away, with its line.
    fn remove(self, path: &FieldPath) -> Vec<(Span, String)> {
        let full = self.base.join(path);
        let located = self.document.locate(self.text, &full);
        if located.matched != full.steps().len() {
            return Vec::new();
        }
        let Some(value) = located.value else { return Vec::new() };
        let whole = match located.key {
            Some(key) => key.cover(value),
            None => value,
        };
        let Some(lines) = self.whole_lines(whole, located.key.is_none()) else {
            return Vec::new();
        };
        vec![(lines, String::new())]
    }

    /// The lines of a span, when nothing else stands on them but the dash of its own item.
    fn whole_lines(self, span: Span, is_item: bool) -> Option<Span> {
        let start = self.text.get(..span.start as usize)?.rfind('\n').map_or(0, |at| at + 1);
        let before = self.text.get(start..span.start as usize)?.trim_start_matches(' ');
        // The dash of an item goes with it.
        let own_dash = is_item
            && before
                .strip_prefix('-')
                .is_some_and(|rest| rest.chars().all(|character| character == ' '));
        if !before.is_empty() && !own_dash {
            return None;
        }
        let rest = self.text.get(span.end as usize..)?;
        let line_end = rest.find('\n').map_or(self.text.len(), |at| span.end as usize + at + 1);
        let after = self.text.get(span.end as usize..line_end)?.trim();
        (after.is_empty() || after.starts_with('#')).then(|| Span::new(offset(start), offset(line_end)))
    }

    fn set_all(self, fields: &[(FieldPath, Value)]) -> Vec<Fix> {
        let mut edits: Vec<(Span, String)> = Vec::new();
        // Several fields that need the same parent are written under it once.
        let mut inserted: Vec<(FieldPath, Vec<(FieldPath, Value)>)> = Vec::new();
        for (path, value) in fields {
            let full = self.base.join(path);
            let located = self.document.locate(self.text, &full);
            if located.matched == full.steps().len() {
                if let Some(span) = located.value.filter(|span| !span.is_empty()) {
                    edits.push((span, flow(value)));
                }
                continue;
            }
            let depth = located.matched.saturating_sub(self.base.steps().len());
            let mut parent = FieldPath::default();
            let mut rest = FieldPath::default();
            for (index, step) in path.steps().iter().enumerate() {
                let target = if index < depth { &mut parent } else { &mut rest };
                match step {
                    Step::Key(key) => target.push_key(key.clone()),
                    Step::Index(item) => target.push_index(*item),
                }
            }
            match inserted.iter_mut().find(|(known, _)| *known == parent) {
                Some((_, children)) => children.push((rest, value.clone())),
                None => inserted.push((parent, vec![(rest, value.clone())])),
            }
        }
        for (parent, children) in inserted {
            let mut tree = Value::Object(serde_json::Map::new());
            for (path, value) in children {
                put(&mut tree, path.steps(), value);
            }
            let Value::Object(entries) = tree else { continue };
            let lines: Vec<String> = entries.iter().flat_map(|(key, value)| block(key, value, 0)).collect();
            let Some(edit) = self.insertion(&parent, &lines) else {
                return Vec::new();
            };
            edits.push(edit);
        }
        let title = match fields {
            [(path, value)] if self.node(path).is_some() => {
                format!("Set {} to {}", path.last_key().unwrap_or_default(), flow(value))
            }
            [(path, value)] => format!("Add {}: {}", self.missing_part(path), flow(value)),
            _ => format!("Set {}", and(&without_common_part(fields))),
        };
        edit_fix(title, edits, false)
    }

    /// The end of a path, from where it leaves what is written.
    fn missing_part(self, path: &FieldPath) -> FieldPath {
        let matched = self.document.locate(self.text, &self.base.join(path)).matched;
        let written = matched.saturating_sub(self.base.len());
        path.steps().iter().skip(written).cloned().collect()
    }

    fn insert(self, parent: &FieldPath, field: &str, value: &str) -> Vec<(Span, String)> {
        let names: Vec<&str> = field.split('.').collect();
        let mut existing = parent.clone();
        let mut rest = names.as_slice();
        while let [first, more @ ..] = rest {
            let mut child = existing.clone();
            child.push_key(*first);
            if more.is_empty()
                || self
                    .node(&child)
                    .is_none_or(|node| node.resolved().kind() != NodeKind::Mapping)
            {
                break;
            }
            existing = child;
            rest = more;
        }
        let lines: Vec<String> = rest
            .iter()
            .enumerate()
            .map(|(depth, name)| {
                let last = depth + 1 == rest.len();
                format!(
                    "{}{name}:{}",
                    "  ".repeat(depth),
                    if last { format!(" {value}") } else { String::new() }
                )
            })
            .collect();
        self.insertion(&existing, &lines).into_iter().collect()
    }

    /// Writes lines as the next entries of the map at `parent`: after its first entry where that is one line, else before it.
    fn insertion(self, parent: &FieldPath, lines: &[String]) -> Option<(Span, String)> {
        let node = self.node(parent)?;
        let map = node.resolved();
        if map.kind() != NodeKind::Mapping {
            return self.insertion_into_nothing(parent, node, lines);
        }
        let (first_key, first_value) = map.entries().next()?;
        if self
            .text
            .get(..first_key.span().start as usize)?
            .trim_end()
            .ends_with(['{', ','])
        {
            let [line] = lines else { return None };
            return Some((
                Span::new(first_key.span().start, first_key.span().start),
                format!("{line}, "),
            ));
        }
        let start = first_key.span().start as usize;
        let line_start = self.text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
        let indentation = " ".repeat(self.text.get(line_start..start)?.chars().count());
        let ending = if self.text.get(..start)?.ends_with("\r\n") || self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        let value_span = first_value.span();
        let one_line = first_value.kind() == NodeKind::Scalar
            && !value_span.is_empty()
            && !value_span.slice(self.text).contains('\n');
        if one_line {
            let end = value_span.end as usize;
            let line_end = self
                .text
                .get(end..)?
                .find(['\r', '\n'])
                .map_or(self.text.len(), |at| end + at);
            let written: String = lines
                .iter()
                .map(|line| format!("{ending}{indentation}{line}"))
                .collect();
            return Some((Span::new(offset(line_end), offset(line_end)), written));
        }
        let written: String = lines
            .iter()
            .map(|line| format!("{line}{ending}{indentation}"))
            .collect();
        Some((Span::new(first_key.span().start, first_key.span().start), written))
    }

    /// A key with nothing below it, or with `{}`.
    fn insertion_into_nothing(self, parent: &FieldPath, node: Node<'a>, lines: &[String]) -> Option<(Span, String)> {
        let full = self.base.join(parent);
        let located = self.document.locate(self.text, &full);
        let key = located.key.filter(|_| located.matched == full.steps().len())?;
        let empty = node.span().is_empty() || matches!(node.span().slice(self.text), "{}" | "null" | "~");
        if !empty {
            return None;
        }
        let start = key.start as usize;
        let line_start = self.text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
        let indentation = " ".repeat(self.text.get(line_start..start)?.chars().count() + 2);
        let written: String = lines.iter().map(|line| format!("\n{indentation}{line}")).collect();
        Some((Span::new(key.end + 1, node.span().end.max(key.end + 1)), written))
    }
}

/// The ends of paths, from where they part; what stands in a security context is known without its way there, which is
/// long, and one of the pod for one field and of a container for another.
fn without_common_part(fields: &[(FieldPath, Value)]) -> Vec<String> {
    let Some((first, _)) = fields.first() else {
        return Vec::new();
    };
    let common = (0..first.len())
        .take_while(|at| {
            let step = first.steps().get(*at);
            fields
                .iter()
                .all(|(path, _)| path.len() > at + 1 && path.steps().get(*at) == step)
        })
        .count();
    let is_security_context = |step: &Step| matches!(step, Step::Key(key) if &**key == "securityContext");
    let end = |path: &FieldPath| {
        let steps = path.steps();
        let from = steps.iter().position(is_security_context).map_or(common, |at| at + 1);
        steps.iter().skip(from).cloned().collect::<FieldPath>().to_string()
    };
    fields.iter().map(|(path, _)| end(path)).collect()
}

/// `a`, `a and b`, `a, b and c`.
fn and(words: &[String]) -> String {
    match words {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => words.concat(),
    }
}

fn put(tree: &mut Value, steps: &[Step], value: Value) {
    let Some((first, rest)) = steps.split_first() else {
        return;
    };
    let Step::Key(key) = first else { return };
    let Value::Object(entries) = tree else { return };
    if rest.is_empty() {
        entries.insert(key.to_string(), value);
        return;
    }
    let child = entries
        .entry(key.to_string())
        .or_insert_with(|| Value::Object(serde_json::Map::new()));
    put(child, rest, value);
}

/// `key: value` in block style, as lines.
fn block(key: &str, value: &Value, depth: usize) -> Vec<String> {
    let indentation = "  ".repeat(depth);
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            let mut lines = vec![format!("{indentation}{key}:")];
            lines.extend(entries.iter().flat_map(|(key, value)| block(key, value, depth + 1)));
            lines
        }
        other => vec![format!("{indentation}{key}: {}", flow(other))],
    }
}

/// A value in flow style. JSON is YAML; a plain word needs no quotes.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let plain = !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/' | b'.'))
                && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
            let word = matches!(
                gitops_yaml::resolve(gitops_yaml::Dialect::Kubectl, text, Style::Plain, None),
                gitops_yaml::Value::String(_)
            );
            if plain && word { text.clone() } else { quoted(text) }
        }
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
