//! Paths as structured-merge-diff writes them: `.spec.containers[name="x"].ports[containerPort=88,protocol="TCP"]`.
//!
//! Names are written without quotes whatever they contain, so where a name ends can only be told by looking at what was sent.

use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::sent::{loosely_equal, scalar_text};
use super::wording::{closing, take_quoted};

/// How many places are tried for one path; lists with many equal items would otherwise be tried in every combination.
const MAX_TRIES: usize = 5_000;

/// What a bracket says about an item.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Selector {
    /// `[0]`
    Index(usize),
    /// `[name="x",port=80]`
    Keys(Vec<(String, Value)>),
    /// `[="x"]`, the item of a set.
    Item(Value),
}

/// Reads a path that ends at `: ` or at the end of the text; gives what follows the `: `.
///
/// As much of it as possible is found in `sent`; the rest is read as it is written. `None` when the text does not start with a path.
pub(super) fn resolve<'a>(text: &'a str, sent: &Value) -> Option<(FieldPath, &'a str)> {
    if !text.starts_with(['.', '[']) {
        return None;
    }
    let mut search = Search {
        tries: 0,
        best: (FieldPath::new(), text),
    };
    if let Some((path, rest)) = search.walk(text, sent, &FieldPath::new()) {
        return Some((path, rest));
    }
    let (path, rest) = search.best;
    Some(read_plainly(rest, path))
}

struct Search<'a> {
    tries: usize,
    /// The furthest that was got to: the path, and what was left of the text.
    best: (FieldPath, &'a str),
}

impl<'a> Search<'a> {
    fn walk(&mut self, text: &'a str, value: &Value, path: &FieldPath) -> Option<(FieldPath, &'a str)> {
        if text.is_empty() {
            return Some((path.clone(), ""));
        }
        if let Some(rest) = text.strip_prefix(": ") {
            return Some((path.clone(), rest));
        }
        self.tries += 1;
        if self.tries > MAX_TRIES {
            return None;
        }
        if text.len() < self.best.1.len() {
            self.best = (path.clone(), text);
        }
        match value {
            Value::Object(map) => {
                let after_dot = text.strip_prefix('.')?;
                let mut names: Vec<&String> = map.keys().filter(|key| starts_with_name(after_dot, key)).collect();
                // The longest name that fits: `a.b` before `a`.
                names.sort_by_key(|name| std::cmp::Reverse(name.len()));
                names.into_iter().find_map(|name| {
                    let mut longer = path.clone();
                    longer.push_key(name.as_str());
                    self.walk(after_dot.get(name.len()..)?, map.get(name)?, &longer)
                })
            }
            Value::Array(items) => {
                let (selector, rest) = read_selector(text)?;
                matching(items, &selector).into_iter().find_map(|index| {
                    let mut longer = path.clone();
                    longer.push_index(index);
                    self.walk(rest, items.get(index)?, &longer)
                })
            }
            _ => None,
        }
    }
}

fn starts_with_name(text: &str, name: &str) -> bool {
    text.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']) || rest.starts_with(": "))
}

/// Reads what could not be found in what was sent: names end at a dot, a bracket or `: `.
fn read_plainly(text: &str, mut path: FieldPath) -> (FieldPath, &str) {
    let mut rest = text;
    loop {
        if rest.is_empty() {
            return (path, "");
        }
        if let Some(message) = rest.strip_prefix(": ") {
            return (path, message);
        }
        if let Some((selector, after)) = read_selector(rest) {
            path.push(match selector {
                Selector::Index(index) => Step::Index(index),
                // An item that is not there: the list is the nearest thing that is.
                Selector::Keys(_) | Selector::Item(_) => return (path, after_message(after)),
            });
            rest = after;
            continue;
        }
        let Some(after_dot) = rest.strip_prefix('.') else {
            return (path, rest);
        };
        let end = [after_dot.find(['.', '[']), after_dot.find(": ")]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(after_dot.len());
        let (name, after) = after_dot.split_at_checked(end).unwrap_or((after_dot, ""));
        if !name.is_empty() {
            path.push_key(name);
        }
        rest = after;
    }
}

fn after_message(text: &str) -> &str {
    text.split_once(": ").map_or("", |(_, message)| message)
}

/// Reads a bracket at the start, and gives what follows it.
pub(super) fn read_selector(text: &str) -> Option<(Selector, &str)> {
    let inside = text.strip_prefix('[')?;
    if let Some(item) = inside.strip_prefix('=') {
        let (value, rest) = read_value(item);
        return Some((Selector::Item(value), rest.strip_prefix(']')?));
    }
    if let Some((digits, rest)) = inside.split_once(']')
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Some((Selector::Index(digits.parse().ok()?), rest));
    }
    let mut pairs = Vec::new();
    let mut rest = inside;
    loop {
        let (name, after_name) = rest.split_once('=')?;
        if name.is_empty() || name.contains(['[', ']', '"', ' ']) {
            return None;
        }
        let (value, after_value) = read_value(after_name);
        pairs.push((name.to_owned(), value));
        if let Some(after) = after_value.strip_prefix(']') {
            return Some((Selector::Keys(pairs), after));
        }
        rest = after_value.strip_prefix(',')?;
    }
}

/// A value in JSON's notation, up to the comma or bracket behind it.
fn read_value(text: &str) -> (Value, &str) {
    if let Some((content, rest)) = take_quoted(text) {
        return (Value::String(content), rest);
    }
    let end = match text.chars().next() {
        Some('{' | '[') => closing(text).unwrap_or(text.len()),
        _ => text.find([',', ']']).unwrap_or(text.len()),
    };
    let (raw, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (
        serde_json::from_str(raw).unwrap_or_else(|_| Value::String(raw.to_owned())),
        rest,
    )
}

/// The items that a bracket can mean, the likeliest first.
///
/// A key is compared as it is written, then by its text alone (the server names a port `8080` that was written `"8080"`);
/// a key that the item does not have may have been filled in with its default, so it counts as fitting.
pub(super) fn matching(items: &[Value], selector: &Selector) -> Vec<usize> {
    match selector {
        Selector::Index(index) => items.get(*index).map(|_| vec![*index]).unwrap_or_default(),
        Selector::Item(value) => {
            let exact: Vec<usize> = positions(items, |item| item == value);
            if exact.is_empty() {
                positions(items, |item| loosely_equal(item, value))
            } else {
                exact
            }
        }
        Selector::Keys(pairs) => {
            let mut fitting: Vec<(usize, usize, usize)> = items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| misfit(item, pairs).map(|(absent, loose)| (absent, loose, index)))
                .collect();
            fitting.sort_unstable();
            fitting.into_iter().map(|(_, _, index)| index).collect()
        }
    }
}

/// How far an item is from what a bracket says: keys that it lacks, and keys of another type; `None` when it is another item.
fn misfit(item: &Value, pairs: &[(String, Value)]) -> Option<(usize, usize)> {
    let map = item.as_object()?;
    let mut absent = 0;
    let mut loose = 0;
    for (name, wanted) in pairs {
        match map.get(name) {
            None | Some(Value::Null) => absent += 1,
            Some(written) if written == wanted => {}
            Some(written) if same_text(written, wanted) => loose += 1,
            Some(_) => return None,
        }
    }
    Some((absent, loose))
}

fn same_text(left: &Value, right: &Value) -> bool {
    matches!((scalar_text(left), scalar_text(right)), (Some(left), Some(right)) if left == right)
}

/// The items that claim one key, in the order in which they are written.
pub(super) fn claimants(items: &[Value], selector: &Selector) -> Vec<usize> {
    let Selector::Keys(pairs) = selector else {
        return matching(items, selector);
    };
    let full = positions(items, |item| misfit(item, pairs).is_some_and(|(absent, _)| absent == 0));
    if full.len() > 1 {
        return full;
    }
    positions(items, |item| {
        misfit(item, pairs).is_some_and(|(absent, _)| absent < pairs.len())
    })
}

fn positions(items: &[Value], fits: impl Fn(&Value) -> bool) -> Vec<usize> {
    items
        .iter()
        .enumerate()
        .filter(|(_, item)| fits(item))
        .map(|(index, _)| index)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Selector, claimants, read_selector, resolve};

    fn check(text: &str, sent: &Value, path: &str, rest: &str) {
        let (found, left) = resolve(text, sent).expect("a path");
        assert_eq!((found.to_string().as_str(), left), (path, rest));
    }

    #[test]
    fn finds_items_by_their_keys() {
        let sent = json!({"spec": {"containers": [
            {"name": "a", "imag": 1},
            {"name": "b", "ports": [{"containerPort": 80}, {"containerPort": "8080", "protocol": 22}]},
        ], "finalizers": ["x/y", "z"]}});
        check(
            ".spec.containers[name=\"a\"].imag: field not declared in schema",
            &sent,
            "spec.containers[0].imag",
            "field not declared in schema",
        );
        check(
            ".spec.containers[name=\"b\"].ports[containerPort=80,protocol=\"TCP\"]",
            &sent,
            "spec.containers[1].ports[0]",
            "",
        );
        check(
            ".spec.containers[name=\"b\"].ports[containerPort=8080,protocol=22].protocol: expected string",
            &sent,
            "spec.containers[1].ports[1].protocol",
            "expected string",
        );
        check(".spec.finalizers[=\"z\"]", &sent, "spec.finalizers[1]", "");
        check(".spec.containers[0].name: x", &sent, "spec.containers[0].name", "x");
    }

    #[test]
    fn names_with_dots_are_found_in_what_was_sent() {
        let sent = json!({"data": {"a": 1, "a.b": 2, "a.b.c: d": 3}, "metadata": {"annotations": {"x.io/y[0]": 1}}});
        check(".data.a.b: expected string", &sent, "data[a.b]", "expected string");
        check(
            ".data.a.b.c: d: expected string",
            &sent,
            "data[a.b.c: d]",
            "expected string",
        );
        check(
            ".metadata.annotations.x.io/y[0]: expected",
            &sent,
            "metadata.annotations[x.io/y[0]]",
            "expected",
        );
    }

    #[test]
    fn what_was_not_sent_is_read_as_written() {
        let sent = json!({"spec": {"a": []}});
        check(".spec.b.c: oops", &sent, "spec.b.c", "oops");
        check(".spec.a[name=\"gone\"].x: oops", &sent, "spec.a", "oops");
        check(".spec.a[3].x", &sent, "spec.a[3].x", "");
        assert!(resolve("spec.a", &sent).is_none());
    }

    #[test]
    fn defaulted_keys_count() {
        let items = [
            json!({"containerPort": 88, "protocol": "UDP"}),
            json!({"containerPort": 88}),
            json!({"containerPort": 88, "protocol": "TCP"}),
        ];
        let (selector, rest) = read_selector("[containerPort=88,protocol=\"TCP\"] x").expect("a selector");
        assert_eq!(rest, " x");
        assert_eq!(claimants(&items, &selector), [1, 2]);
        assert_eq!(
            read_selector("[=\"a]b\"]").map(|(selector, _)| selector),
            Some(Selector::Item(json!("a]b")))
        );
        assert_eq!(read_selector("[a"), None);
    }
}
