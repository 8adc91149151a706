//! A field that the kind does not have: a near name, or the level that it belongs to.

use gitops_model::{Severity, nearest};
use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::sent::{value_at, with_index, with_key};
use super::wording::quote;
use super::{Answer, Context, Place, Suggestion, codes};

/// How many names are offered.
const MAX_NAMES: usize = 3;
/// In how many maps below a field is looked for.
const MAX_MAPS: usize = 500;
/// Up to how many fields of a map are listed where none is near.
const MAX_LISTED: usize = 8;

/// The answer about a field that is not declared.
pub(super) fn answer(context: &Context<'_>, path: &FieldPath, detail: &str, severity: Severity) -> Answer {
    let Some(Step::Key(name)) = path.steps().last() else {
        let mut answer =
            Answer::new(path.clone(), Place::Value, codes::UNKNOWN_FIELD, "unknown field").with_detail(detail);
        answer.severity = severity;
        return answer.removable();
    };
    let parent = path.parent().unwrap_or_default();
    let known = context.knowledge.fields(context.gvk, &parent);
    let free: Vec<&str> = known
        .iter()
        .map(String::as_str)
        .filter(|field| !is_sent(context, &parent, field))
        .collect();
    let written = value_at(context.sent, path);

    let mut message = format!("unknown field {}", quote(name));
    let mut suggestion = Suggestion::None;
    let mut belongs_to = None;
    if let Some((path, place)) = elsewhere(context, &parent, name) {
        message = format!("{message} here; {place}");
        belongs_to = Some(path).filter(|path| !path.is_empty());
    } else {
        let near = near_names(name, &free, |field| fits(context, &with_key(&parent, field), written));
        if let Some(best) = near.first() {
            message = format!("{message}; did you mean {}?", quote(best));
            suggestion = Suggestion::Rename(near);
        } else if let Some((path, place)) = deeper(context, &parent, name) {
            message = format!("{message} here; {place}");
            belongs_to = Some(path).filter(|path| value_at(context.sent, path).is_some());
        } else if let Some(sent) =
            nearest(name, known.iter().map(String::as_str)).filter(|field| is_sent(context, &parent, field))
        {
            message = format!("{message}; {} is written already", quote(sent));
        } else if free.contains(&"matchLabels") {
            message = format!("{message} here; labels belong below \"matchLabels\"");
        } else if !free.is_empty() && free.len() <= MAX_LISTED {
            message = format!("{message}; what can be written here: {}", free.join(", "));
        }
    }
    let mut answer = Answer::new(path.clone(), Place::Key, codes::UNKNOWN_FIELD, message)
        .with_detail(detail)
        .with_suggestion(suggestion)
        .removable();
    if let Some(path) = belongs_to {
        answer = answer.with_related(path, format!("{} belongs here", quote(name)));
    }
    answer.severity = severity;
    answer
}

fn is_sent(context: &Context<'_>, parent: &FieldPath, field: &str) -> bool {
    value_at(context.sent, parent).and_then(|map| map.get(field)).is_some()
}

/// Names near the one that was written, the nearest first.
fn near_names(name: &str, candidates: &[&str], fits: impl Fn(&str) -> bool) -> Vec<String> {
    let mut left: Vec<&str> = candidates.iter().copied().filter(|field| fits(field)).collect();
    let mut near = Vec::new();
    while near.len() < MAX_NAMES
        && let Some(found) = nearest(name, left.iter().copied())
    {
        left.retain(|field| *field != found);
        near.push(found.to_owned());
    }
    near
}

/// Whether what was written could stand at a field: a text is no use where a map is wanted.
fn fits(context: &Context<'_>, field: &FieldPath, written: Option<&Value>) -> bool {
    match written {
        Some(Value::Object(_) | Value::Array(_)) => context.knowledge.scalar_type(context.gvk, field).is_none(),
        Some(Value::Null) | None => true,
        Some(_) => context.knowledge.fields(context.gvk, field).is_empty(),
    }
}

/// The level that a field of this name belongs to: further out, or inside a map beside it. Usually the indentation is off.
fn elsewhere(context: &Context<'_>, parent: &FieldPath, name: &str) -> Option<(FieldPath, String)> {
    let has = |path: &FieldPath| {
        context
            .knowledge
            .fields(context.gvk, path)
            .iter()
            .any(|field| field == name)
    };
    let mut outer = parent.parent();
    for _ in 0..3 {
        let Some(path) = outer else { break };
        if has(&path) && !is_sent(context, &path, name) {
            let place = path
                .last_key()
                .map_or_else(|| "the top of the object".to_owned(), quote);
            let words = format!("it belongs to {place}, further to the left");
            return Some((path, words));
        }
        outer = path.parent();
    }
    let siblings = value_at(context.sent, parent)?.as_object()?;
    let declared = context.knowledge.fields(context.gvk, parent);
    let inside = siblings
        .iter()
        .filter(|(sibling, value)| sibling.as_str() != name && (value.is_object() || value.is_null()))
        .map(|(sibling, _)| sibling.as_str())
        .filter(|sibling| declared.iter().any(|field| field == sibling))
        .find(|sibling| {
            let path = with_key(parent, sibling);
            has(&path) && !is_sent(context, &path, name)
        })?;
    let words = format!("it belongs below {}, further to the right", quote(inside));
    Some((with_key(parent, inside), words))
}

/// A map further in, or beside the one in which it stands, that has a field of this name: the one that is written, or the
/// only one.
fn deeper(context: &Context<'_>, parent: &FieldPath, name: &str) -> Option<(FieldPath, String)> {
    let outer = parent.parent();
    let (top, map) = [Some(parent), outer.as_ref()].into_iter().flatten().find_map(|top| {
        let near = maps_in(context, top);
        let far = near
            .iter()
            .flat_map(|map| maps_in(context, map))
            .take(MAX_MAPS)
            .collect();
        let map = with_field(context, near, name).or_else(|| with_field(context, far, name))?;
        Some((top, map))
    })?;
    let below: FieldPath = map.steps().iter().skip(top.len()).cloned().collect();
    let words = match map.steps().last() {
        Some(Step::Index(_)) => {
            let list = below.parent().unwrap_or_default();
            format!("it belongs to the items of {}", quote(&list.to_string()))
        }
        _ => format!("it belongs below {}", quote(&below.to_string())),
    };
    Some((map, words))
}

/// What the fields of a map lead to: maps, and the first items of lists. What the server itself writes is left out.
fn maps_in(context: &Context<'_>, map: &FieldPath) -> Vec<FieldPath> {
    let names = context.knowledge.fields(context.gvk, map);
    names
        .iter()
        .filter(|name| !matches!(name.as_str(), "status" | "managedFields"))
        .map(|name| with_key(map, name))
        .flat_map(|path| [with_index(&path, 0), path])
        .collect()
}

/// The map that has a field: the first that is written, or the only one.
fn with_field(context: &Context<'_>, maps: Vec<FieldPath>, name: &str) -> Option<FieldPath> {
    let has = |map: &FieldPath| {
        context
            .knowledge
            .fields(context.gvk, map)
            .iter()
            .any(|field| field == name)
    };
    let mut found: Vec<FieldPath> = maps.into_iter().filter(has).collect();
    match found.iter().position(|map| value_at(context.sent, map).is_some()) {
        Some(written) => Some(found.swap_remove(written)),
        None => found.pop().filter(|_| found.is_empty()),
    }
}
