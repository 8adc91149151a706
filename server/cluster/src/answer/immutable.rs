//! Fields that cannot be changed on the live object: which leaf it is that was changed.

use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::sent::{child, existing, leaves, loosely_equal, value_at};
use super::wording::{name_scalar, quote, take_quoted};
use super::{Answer, Context, Peel, Place, Suggestion, codes, quantity};

/// How many changed leaves are shown.
const MAX_LEAVES: usize = 8;

/// Whether the server says that something cannot be changed.
pub(super) fn says_immutable(detail: &str) -> bool {
    const PHRASES: &[&str] = &[
        "immutable",
        "may not change",
        "may not be changed",
        "may not be updated",
        "may not be unset",
        "cannot change ",
        "cannot be changed",
        "can not be changed",
        "can't be changed",
        "cannot be updated",
        "updates may not",
        "are forbidden",
    ];
    let lower = detail.to_lowercase();
    // `updates to parameters are forbidden`, but not just anything that is forbidden.
    PHRASES.iter().any(|phrase| lower.contains(phrase))
        && (!lower.contains("are forbidden") || lower.contains("updates to"))
}

/// The changed leaves at or below a field, or the field itself where they cannot be told.
pub(super) fn answers(context: &Context<'_>, path: &FieldPath, detail: &str) -> Vec<Answer> {
    let field = existing(context.sent, path);
    let by_diff = in_diff(context, &field, detail);
    let changed = if by_diff.is_empty() {
        let all = changed_leaves(context, &field);
        let refused: Vec<FieldPath> = all
            .iter()
            .filter(|leaf| is_refused(context, &field, leaf, detail))
            .cloned()
            .collect();
        if refused.is_empty() { all } else { refused }
    } else {
        by_diff
    };
    if changed.is_empty() {
        return vec![answer(context, path, &field)];
    }
    let mut found: Vec<FieldPath> = Vec::new();
    let shown = |leaf: FieldPath| up_to_selector(&up_to_addition(context, &field, leaf));
    for leaf in changed.into_iter().map(shown) {
        if !found.contains(&leaf) && found.len() < MAX_LEAVES {
            found.push(leaf);
        }
    }
    found.iter().map(|leaf| answer(context, leaf, leaf)).collect()
}

/// Whether a change is one that the text refuses: `may not change fields other than 'replicas', …`,
/// `pod updates may not add or remove containers`.
fn is_refused(context: &Context<'_>, field: &FieldPath, leaf: &FieldPath, detail: &str) -> bool {
    if detail.contains("add or remove") {
        return up_to_addition(context, field, leaf.clone()).len() < leaf.len();
    }
    let Some(allowed) = ["other than ", "except "]
        .iter()
        .find_map(|words| detail.split_once(words))
    else {
        return true;
    };
    let allowed: Vec<&str> = allowed
        .1
        .split(|character: char| !character.is_alphanumeric())
        .collect();
    // `spec.containers[*].image` allows the image; `'template'` everything in it.
    let below = leaf.steps().iter().skip(field.len());
    let named = |step: &Step| matches!(step, Step::Key(key) if !matches!(&**key, "spec" | "containers") && allowed.contains(&&**key));
    !below.into_iter().any(named)
}

/// What was added is shown once, and not at each of its own fields.
fn up_to_addition(context: &Context<'_>, field: &FieldPath, leaf: FieldPath) -> FieldPath {
    let Some(live) = context.live else { return leaf };
    (field.len() + 1..leaf.len())
        .map(|length| leaf.prefix(length))
        .find(|ancestor| live_value(live, context.sent, ancestor).is_none())
        .unwrap_or(leaf)
}

/// `field "image"`, `item "sidecar" of "containers"`.
fn subject(context: &Context<'_>, path: &FieldPath) -> String {
    match path.steps().last() {
        Some(Step::Key(name)) => format!("field {}", quote(name)),
        Some(Step::Index(index)) => {
            let list = path.parent().unwrap_or_default();
            let name = value_at(context.sent, path)
                .and_then(|item| item.get("name"))
                .map_or_else(|| (index + 1).to_string(), name_scalar);
            format!("item {name} of {}", quote(list.last_key().unwrap_or("the list")))
        }
        None => "the object".to_owned(),
    }
}

fn answer(context: &Context<'_>, path: &FieldPath, field: &FieldPath) -> Answer {
    let live = context.live.and_then(|live| live_value(live, context.sent, field));
    let shown =
        live.filter(|value| !value.is_object() && !value.is_array() && !value.is_null() && !context.is_secret(field));
    let mut message = format!("{} is immutable", subject(context, path));
    if field.len() == path.len() && context.live.is_some() && live.is_none() {
        message = format!("{message}: the live object has none");
    } else if let Some(value) =
        shown.filter(|value| value_at(context.sent, field).is_some_and(|sent| !same(sent, value)))
    {
        message = format!("{message}: the live object has {}", name_scalar(value));
    }
    message = format!("{message}; to change it the object must be made anew");
    let place = if field.is_empty() {
        Place::Object
    } else if field.len() < path.len() {
        Place::Missing {
            field: super::sent::below(path, field),
        }
    } else {
        super::invalid::place_of(context.sent, field)
    };
    let peel = match (&place, context.live, live) {
        (Place::Value | Place::Key, _, Some(value)) => Peel::Set {
            path: field.clone(),
            value: value.clone(),
        },
        (Place::Value | Place::Key, Some(_), None) => Peel::Remove(field.clone()),
        _ => Peel::Stop,
    };
    Answer::new(field.clone(), place, codes::IMMUTABLE_FIELD, message)
        .with_suggestion(Suggestion::Recreate)
        .with_peel(peel)
}

/// Selectors are one thing: what is shown is the selector, not one label in it.
fn up_to_selector(path: &FieldPath) -> FieldPath {
    let at = path
        .steps()
        .iter()
        .position(|step| matches!(step, Step::Key(key) if matches!(key.as_ref(), "selector" | "labelSelector")));
    at.map_or_else(|| path.clone(), |at| path.prefix(at + 1))
}

/// The leaves below a field that the server's diff names: lines such as `+ "StorageClassName": "b",`, in Go's names.
fn in_diff(context: &Context<'_>, field: &FieldPath, detail: &str) -> Vec<FieldPath> {
    let Some(value) = value_at(context.sent, field) else {
        return Vec::new();
    };
    let below = leaves(value);
    let mut found = Vec::new();
    for line in detail.lines().filter_map(|line| line.strip_prefix('+')) {
        let Some((name, rest)) = take_quoted(line.trim_start()) else {
            continue;
        };
        let written = rest.trim_start_matches(':').trim().trim_end_matches(',');
        let written: Value = serde_json::from_str(written).unwrap_or(Value::Null);
        let same_name = |path: &FieldPath| path.last_key().is_some_and(|key| key.eq_ignore_ascii_case(&name));
        if let Some((path, _)) = below
            .iter()
            .find(|(path, leaf)| same_name(path) && loosely_equal(leaf, &written))
        {
            found.push(field.join(path));
        }
    }
    found
}

/// The leaves below a field that differ from the live object. What the live object has more is filled in by the server.
pub(super) fn changed_leaves(context: &Context<'_>, field: &FieldPath) -> Vec<FieldPath> {
    let Some(live) = context.live else { return Vec::new() };
    let Some(value) = value_at(context.sent, field) else {
        return Vec::new();
    };
    leaves(value)
        .into_iter()
        .filter(|(path, leaf)| {
            let found = live_value(live, context.sent, &field.join(path));
            !(found.is_some_and(|found| same(leaf, found)) || leaf.is_null() && found.is_none())
        })
        .map(|(path, _)| field.join(&path))
        .collect()
}

fn same(sent: &Value, live: &Value) -> bool {
    loosely_equal(sent, live) || quantity::same(sent, live)
}

/// The live object's value of a field that was sent: items of lists are found by their `name`, as the server merges them.
fn live_value<'a>(live: &'a Value, sent: &Value, path: &FieldPath) -> Option<&'a Value> {
    let mut sent_value = Some(sent);
    let mut live_value = live;
    for step in path.steps() {
        let sent_below = sent_value.and_then(|value| child(value, step));
        let name = sent_below.and_then(|item| item.get("name"));
        live_value = match (step, name) {
            (Step::Index(_), Some(name)) => live_value
                .as_array()?
                .iter()
                .find(|item| item.get("name") == Some(name))
                .or_else(|| child(live_value, step))?,
            _ => child(live_value, step)?,
        };
        sent_value = sent_below;
    }
    Some(live_value)
}
