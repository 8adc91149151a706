//! From the fields that an expression reads to the one field of the object that a person should look at.

use std::cmp::Reverse;

use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::expression::{FieldRead, ReadStep, Root, fields_read};
use super::sent::{below, existing, value_at};
use super::{Context, Place};

/// How deep variables of a policy are followed into each other.
const MAX_VARIABLES: usize = 8;

/// The field to look at, and the others that were read.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Placed {
    /// The field, or the nearest existing ancestor of one that is missing.
    pub(super) path: FieldPath,
    /// Which part of it.
    pub(super) place: Place,
    /// Other fields that the expression reads and that are written.
    pub(super) others: Vec<FieldPath>,
}

/// The fields that an expression reads, with the variables of a policy followed.
pub(super) fn with_variables(expression: &str, variables: &[(String, String)]) -> Vec<FieldRead> {
    let mut found = Vec::new();
    follow(fields_read(expression), variables, 0, &mut found);
    found
}

fn follow(reads: Vec<FieldRead>, variables: &[(String, String)], depth: usize, found: &mut Vec<FieldRead>) {
    for read in reads {
        let Root::Variable(name) = &read.root else {
            if !found.contains(&read) {
                found.push(read);
            }
            continue;
        };
        let Some((_, expression)) = variables.iter().find(|(variable, _)| variable == name) else {
            continue;
        };
        if depth >= MAX_VARIABLES || found.len() > 200 {
            continue;
        }
        let inner: Vec<FieldRead> = fields_read(expression)
            .into_iter()
            .map(|mut inner| {
                // A path that goes on from the variable goes on from what it stands for, when it is one field.
                if !expression.contains('(') {
                    inner.steps.extend(read.steps.iter().cloned());
                }
                inner
            })
            .collect();
        follow(inner, variables, depth + 1, found);
    }
}

/// Chooses among the fields that are read below `node`: of those that are written, the one that the message speaks of first.
///
/// When none is written and only one is read, that one is missing; otherwise the whole of `node` is meant.
pub(super) fn choose(context: &Context<'_>, node: &FieldPath, reads: &[FieldRead], message: &str) -> Placed {
    let paths: Vec<FieldPath> = reads
        .iter()
        .filter(|read| !matches!(read.root, Root::Variable(_)))
        .flat_map(|read| concrete(context.sent, node, read))
        .collect();
    // A map or list that is only gone through is less telling than what is read in it, whether that is written or not.
    let is_end = |path: &FieldPath| !paths.iter().any(|other| other != path && other.starts_with(path));
    let mut written: Vec<FieldPath> = Vec::new();
    for path in paths.iter().filter(|path| path.len() > node.len() && is_end(path)) {
        if value_at(context.sent, path).is_some_and(|value| !value.is_null()) && !written.contains(path) {
            written.push(path.clone());
        }
    }
    written.sort_by_key(|path| (mentioned_at(message, path), Reverse(is_scalar(context.sent, path))));
    if let Some(best) = written.first() {
        let others = written.iter().skip(1).take(4).cloned().collect();
        let place = if is_scalar(context.sent, best) {
            Place::Value
        } else {
            Place::Key
        };
        return Placed {
            path: best.clone(),
            place,
            others,
        };
    }
    let missing: Vec<&FieldPath> = paths.iter().filter(|path| path.len() > node.len()).collect();
    if let Some(only) = missing.first().filter(|first| {
        missing
            .iter()
            .all(|path| path.starts_with(first) || first.starts_with(path))
    }) {
        let longest = missing.iter().max_by_key(|path| path.len()).unwrap_or(only);
        let ancestor = existing(context.sent, longest);
        let field = below(longest, &ancestor);
        if !field.is_empty() {
            return Placed {
                path: ancestor,
                place: Place::Missing { field },
                others: Vec::new(),
            };
        }
    }
    whole(context, node)
}

/// The node itself: its key, or the object.
pub(super) fn whole(context: &Context<'_>, node: &FieldPath) -> Placed {
    let path = existing(context.sent, node);
    let place = match value_at(context.sent, &path) {
        _ if path.is_empty() => Place::Object,
        Some(Value::Object(_) | Value::Array(_)) => Place::Key,
        _ => Place::Value,
    };
    Placed {
        path,
        place,
        others: Vec::new(),
    }
}

/// The paths of the object that a read means. A list is gone into when it has one item; of several only where some have the
/// field and some do not, since then it is known which the expression is about.
fn concrete(sent: &Value, node: &FieldPath, read: &FieldRead) -> Vec<FieldPath> {
    let mut path = match read.root {
        Root::SelfValue => node.clone(),
        Root::Object | Root::Variable(_) => FieldPath::new(),
    };
    for (at, step) in read.steps.iter().enumerate() {
        match step {
            ReadStep::Known(step) => path.push(step.clone()),
            ReadStep::Each => match value_at(sent, &path) {
                Some(Value::Array(items)) if items.len() == 1 => path.push_index(0),
                Some(Value::Object(map)) if map.len() == 1 => {
                    if let Some(key) = map.keys().next() {
                        path.push_key(key.as_str());
                    }
                }
                Some(Value::Array(items)) => {
                    let rest = read.steps.get(at + 1..).unwrap_or_default();
                    return vec![odd_one(items.len(), sent, &path, rest, read.may_be_absent).unwrap_or(path)];
                }
                _ => return vec![path],
            },
        }
    }
    vec![path]
}

/// The field of the first item that lacks it, or has it where it may be absent, among items of which only some do.
fn odd_one(items: usize, sent: &Value, list: &FieldPath, rest: &[ReadStep], wanted: bool) -> Option<FieldPath> {
    let below: FieldPath = rest
        .iter()
        .map(|step| match step {
            ReadStep::Known(step) => Some(step.clone()),
            ReadStep::Each => None,
        })
        .collect::<Option<_>>()?;
    let fields: Vec<(FieldPath, bool)> = (0..items)
        .map(|index| super::sent::with_index(list, index).join(&below))
        .map(|path| {
            let is_there = value_at(sent, &path).is_some();
            (path, is_there)
        })
        .collect();
    if below.is_empty() || fields.iter().all(|(_, is_there)| *is_there) || !fields.iter().any(|(_, is_there)| *is_there)
    {
        return None;
    }
    fields
        .into_iter()
        .find(|(_, is_there)| *is_there == wanted)
        .map(|(path, _)| path)
}

fn is_scalar(sent: &Value, path: &FieldPath) -> bool {
    value_at(sent, path).is_some_and(|value| !value.is_object() && !value.is_array())
}

/// Where a message first speaks of a field: its name, or one of the words in it. Far beyond the end when it does not.
fn mentioned_at(message: &str, path: &FieldPath) -> usize {
    let key = match path.steps().last() {
        Some(Step::Key(key)) => key.to_string(),
        _ => return usize::MAX,
    };
    let lower = message.to_lowercase();
    let whole = position_of_word(&lower, &key.to_lowercase());
    let parts = words_of(&key)
        .into_iter()
        .filter(|word| word.len() > 2)
        .filter_map(|word| position_of_word(&lower, &word))
        .min();
    whole.into_iter().chain(parts).min().unwrap_or(usize::MAX)
}

/// Where a word stands in a text, not as part of a longer one.
pub(super) fn position_of_word(text: &str, word: &str) -> Option<usize> {
    if word.is_empty() {
        return None;
    }
    text.match_indices(word)
        .find(|(at, _)| {
            let before = text.get(..*at).and_then(|before| before.chars().next_back());
            let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
            let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            !part(before) && !part(after)
        })
        .map(|(at, _)| at)
}

/// `renewBefore` → `renew`, `before`; `other_value` → `other`, `value`.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    for character in name.chars() {
        if matches!(character, '_' | '-' | '.' | '/') || character.is_uppercase() {
            words.push(String::new());
        }
        if character.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
