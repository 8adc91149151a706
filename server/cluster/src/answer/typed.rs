//! What structured merge says before anything else looks at the object: `failed to create typed patch object (ns/name; gv, Kind=K): …`.

use gitops_model::Severity;
use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::invalid::place_of;
use super::merge_path::{claimants, read_selector, resolve};
use super::sent::{value_at, with_index};
use super::wording::{name_scalar, quote, quoted};
use super::wrong_type::{self, Expected};
use super::{Answer, Context, Peel, Place, Suggestion, codes, go_value, unknown_field};

const PATCH: &str = "failed to create typed patch object (";
/// Up to how many keys of a map are named where something else is written.
const MAX_KEYS: usize = 6;
const LIVE: &str = "failed to create typed live object (";

/// The answers of this layer; empty when the text is of another.
pub(super) fn decode(context: &Context<'_>) -> Vec<Answer> {
    let message = context.refusal.message.as_str();
    if let Some((_, rest)) = message.split_once(LIVE) {
        let words = "the object on the cluster does not fit its own kind any more, so nothing can be merged into it";
        return vec![
            Answer::about_object(codes::SERVER_ERROR, words)
                .with_detail(rest)
                .with_suggestion(Suggestion::Recreate),
        ];
    }
    let Some((_, rest)) = message.split_once(PATCH) else {
        return Vec::new();
    };
    let errors = rest.split_once("): ").map_or(rest, |(_, errors)| errors);
    let mut duplicates: Vec<(FieldPath, String)> = Vec::new();
    items(errors)
        .iter()
        .filter_map(|item| answer(context, item, &mut duplicates))
        .collect()
}

/// The single errors: one, or a list in which each starts with two blanks.
fn items(errors: &str) -> Vec<String> {
    let Some(list) = errors.strip_prefix("errors:") else {
        return vec![errors.to_owned()];
    };
    let mut found: Vec<String> = Vec::new();
    for line in list.lines() {
        match (line.strip_prefix("  "), found.last_mut()) {
            (Some(item), _) if item.starts_with(['.', '[']) || item.starts_with("element ") => {
                found.push(item.to_owned());
            }
            // A value that spans lines goes on.
            (_, Some(last)) => {
                last.push('\n');
                last.push_str(line);
            }
            (Some(item), None) => found.push(item.to_owned()),
            (None, None) => {}
        }
    }
    found
}

fn answer(context: &Context<'_>, item: &str, duplicates: &mut Vec<(FieldPath, String)>) -> Option<Answer> {
    let (path, said) = resolve(item, context.sent).unwrap_or((FieldPath::new(), item));
    let detail = if context.is_secret(&path) {
        said.split(", got ").next().unwrap_or_default()
    } else {
        item
    };
    let said = said.trim();
    if said.is_empty() {
        return None;
    }
    if said.starts_with("field not declared in schema") {
        return Some(unknown_field::answer(context, &path, detail, Severity::Error));
    }
    if let Some(key) = said.strip_prefix("duplicate entries for key ") {
        let earlier = duplicates
            .iter()
            .filter(|(list, other)| *list == path && other == key)
            .count();
        duplicates.push((path.clone(), key.to_owned()));
        return Some(duplicate(context, &path, key, earlier).with_detail(detail));
    }
    if let Some((index, problem)) = said.strip_prefix("element ").and_then(|rest| rest.split_once(": ")) {
        return Some(element(context, &path, index, problem).with_detail(detail));
    }
    if let Some((expected, got)) = said
        .strip_prefix("expected ")
        .and_then(|rest| rest.split_once(", got "))
    {
        let expected = expected.split(" (").next().unwrap_or(expected);
        let written = value_at(context.sent, &path)
            .cloned()
            .or_else(|| go_value::from_dump(got))
            .unwrap_or(Value::Null);
        if let Some(expected) = Expected::from_word(expected) {
            let other = odd_item(context, &path, expected).filter(|_| expected.fits(&written));
            let written = other
                .as_ref()
                .and_then(|other| value_at(context.sent, other))
                .unwrap_or(&written);
            let place = other.as_ref().unwrap_or(&path).clone();
            return Some(wrong(context, place, expected, written).with_detail(detail));
        }
    }
    let place = if path.is_empty() { Place::Object } else { Place::Value };
    let answer = Answer::new(path.clone(), place, codes::INVALID_VALUE, said).with_detail(detail);
    Some(if path.is_empty() { answer } else { answer.removable() })
}

/// The same field of another item of its list, of the wrong type: items without their keys are all one to the server.
fn odd_item(context: &Context<'_>, path: &FieldPath, expected: Expected) -> Option<FieldPath> {
    let at = path.steps().iter().rposition(|step| matches!(step, Step::Index(_)))?;
    let list = path.prefix(at);
    let rest: FieldPath = path.steps().iter().skip(at + 1).cloned().collect();
    let items = value_at(context.sent, &list)?.as_array()?.len();
    (0..items)
        .map(|index| with_index(&list, index).join(&rest))
        .find(|other| value_at(context.sent, other).is_some_and(|value| !expected.fits(value)))
}

fn wrong(context: &Context<'_>, path: FieldPath, expected: Expected, written: &Value) -> Answer {
    let mut wrong = wrong_type::explain(expected, written, &path, context.is_secret(&path));
    let fields = context.knowledge.fields(context.gvk, &path);
    if expected == Expected::Map && !fields.is_empty() && fields.len() <= MAX_KEYS {
        let keys = format!("write its keys ({}) on the lines below", fields.join(", "));
        wrong.message = wrong.message.replace(wrong_type::KEYS_BELOW, &keys);
    }
    let peel = match (wrong.peel, path.parent()) {
        // Without its key an item is another item: leave it out as a whole.
        (Peel::Remove(_), Some(item)) if is_list_key(context, &path) => Peel::Remove(item),
        (peel, _) => peel,
    };
    let place = place_of(context.sent, &path);
    Answer::new(path, place, codes::WRONG_TYPE, wrong.message)
        .with_suggestion(wrong.suggestion)
        .with_peel(peel)
}

/// The item that claims a key again: the second of those that do, or a later one when the same was said before.
fn duplicate(context: &Context<'_>, list: &FieldPath, key: &str, earlier: usize) -> Answer {
    let name = list.last_key().unwrap_or("the list").to_owned();
    let items = value_at(context.sent, list).and_then(Value::as_array);
    let selector = read_selector(key).map(|(selector, _)| selector);
    let (Some(items), Some(selector)) = (items, selector) else {
        let message = format!("two items of {} have the same key {key}", quote(&name));
        return Answer::new(list.clone(), Place::Key, codes::DUPLICATE_ITEM, message).removable();
    };
    let claiming = claimants(items, &selector);
    let (Some(first), Some(second)) = (claiming.first(), claiming.get(earlier + 1).or_else(|| claiming.get(1))) else {
        let message = format!("two items of {} have the same key {key}", quote(&name));
        return Answer::new(list.clone(), Place::Key, codes::DUPLICATE_ITEM, message).removable();
    };
    let same = say_selector(&selector, items.get(*second));
    Answer::new(
        with_index(list, *second),
        Place::Value,
        codes::DUPLICATE_ITEM,
        format!("duplicate item: another item of {} has {same} too", quote(&name)),
    )
    .with_related(with_index(list, *first), format!("the first item with {same}"))
    .with_suggestion(Suggestion::Remove)
    .removable()
}

/// `name "LISTEN"`, `containerPort 88 and protocol "TCP" (the default)`, `the value "x"`.
fn say_selector(selector: &super::merge_path::Selector, item: Option<&Value>) -> String {
    use super::merge_path::Selector;
    match selector {
        Selector::Index(index) => format!("index {index}"),
        Selector::Item(value) => format!("the value {}", name_scalar(value)),
        Selector::Keys(pairs) => {
            let words: Vec<String> = pairs
                .iter()
                .map(|(name, value)| {
                    let written = item.and_then(|item| item.get(name)).is_some();
                    let default = if written { "" } else { " (the default)" };
                    format!("{name} {}{default}", name_scalar(value))
                })
                .collect();
            super::wording::and(&words)
        }
    }
}

/// An item of a list that the server cannot tell apart from others: it lacks its key, or is no map at all.
fn element(context: &Context<'_>, list: &FieldPath, index: &str, problem: &str) -> Answer {
    let Ok(index) = index.parse::<usize>() else {
        return Answer::new(list.clone(), Place::Key, codes::INVALID_VALUE, problem).removable();
    };
    let path = with_index(list, index);
    let written = value_at(context.sent, &path).unwrap_or(&Value::Null);
    if problem.contains("omits all key fields") {
        let field = quoted(problem).into_iter().next().unwrap_or_else(|| "name".to_owned());
        let peel = Peel::Remove(path.clone());
        return Answer::new(
            path,
            Place::Missing { field: field.clone() },
            codes::REQUIRED,
            format!("required field {} is missing", quote(&field)),
        )
        .with_suggestion(Suggestion::Insert { field, value: None })
        .with_peel(peel);
    }
    let expected = if problem.contains("non-map elements") || problem.contains("a null element") {
        Some(Expected::Map)
    } else if problem.contains("a map type")
        || problem.contains("lists as elements")
        || problem.contains("explicit null")
    {
        Some(Expected::Scalar)
    } else {
        None
    };
    match expected {
        Some(_) if written.is_null() => Answer::new(
            path.clone(),
            Place::Value,
            codes::WRONG_TYPE,
            "this item of the list is empty",
        )
        .with_suggestion(Suggestion::Remove)
        .removable(),
        Some(expected) => {
            let mut answer = wrong(context, path.clone(), expected, written);
            answer.peel = Peel::Remove(path);
            answer
        }
        None => Answer::new(path, Place::Value, codes::INVALID_VALUE, problem).removable(),
    }
}

/// Whether the last step of a path is the key by which its item is told apart from others.
fn is_list_key(context: &Context<'_>, path: &FieldPath) -> bool {
    let (Some(Step::Key(key)), Some(item)) = (path.steps().last(), path.parent()) else {
        return false;
    };
    matches!(item.steps().last(), Some(Step::Index(_)))
        && item.parent().is_some_and(|list| {
            context
                .knowledge
                .list_keys(context.gvk, &list)
                .iter()
                .any(|name| name.as_str() == key.as_ref())
        })
}
