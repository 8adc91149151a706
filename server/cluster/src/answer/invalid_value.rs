//! `Invalid value`: a format, a range, a pattern, a type or a rule. Where the named field is a map, the entry that is meant is looked for.

use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::expression::{FieldRead, ReadStep, Root, fields_read};
use super::go_value::BadValue;
use super::invalid::at;
use super::reads::{choose, position_of_word};
use super::sent::{first_key, loosely_equal, value_at, with_key, with_keys};
use super::wording::{between, lower_first, name_scalar, quote, yaml_scalar};
use super::wrong_type::{self, Expected};
use super::{Answer, Context, Peel, Place, Suggestion, codes, quantity};

/// What is said about an invalid value.
pub(super) fn answers(context: &Context<'_>, path: &FieldPath, bad: &BadValue, detail: &str) -> Vec<Answer> {
    if let Some(answer) = wrong_type(context, path, detail) {
        return vec![answer];
    }
    let written = value_at(context.sent, path);
    let words = tidy(detail, path);
    match written {
        Some(Value::Object(_) | Value::Array(_)) => {
            if let Some((entry, place)) = entry_named(context, path, bad, detail) {
                return vec![scalar(context, entry, place, bad, &words)];
            }
            if let Some(answer) = unlike_selector(context, path, detail) {
                return vec![answer];
            }
            vec![rule(context, path, bad, &words)]
        }
        Some(_) if !path.is_empty() => vec![scalar(context, path.clone(), Place::Value, bad, &words)],
        _ => vec![rule(context, path, bad, &words)],
    }
}

/// `spec.x in body must be of type integer: "string"`
fn wrong_type(context: &Context<'_>, path: &FieldPath, detail: &str) -> Option<Answer> {
    let (_, rest) = detail.split_once("must be of type ")?;
    let expected = Expected::from_word(rest.split([':', ',', ' ']).next()?)?;
    let written = value_at(context.sent, path)?;
    let wrong = wrong_type::explain(expected, written, path, context.is_secret(path));
    let place = if written.is_null() { Place::Key } else { Place::Value };
    Some(
        Answer::new(path.clone(), place, codes::WRONG_TYPE, wrong.message)
            .with_suggestion(wrong.suggestion)
            .with_peel(wrong.peel),
    )
}

/// The server's words without its own path and its examples.
fn tidy(detail: &str, path: &FieldPath) -> String {
    let name = path.to_string();
    let mut words = detail.trim();
    for prefix in [format!("{name} in body "), format!("{name} ")] {
        words = words.strip_prefix(prefix.as_str()).unwrap_or(words);
    }
    let words = match words.split_once(" in body ") {
        Some((before, after)) if !before.contains(' ') => after,
        _ => words,
    };
    let words = match words.split_once(" (e.g. ") {
        Some((before, after)) => {
            let rest = after.rsplit_once("')").map_or("", |(_, rest)| rest);
            format!("{before}{rest}")
        }
        None => words.to_owned(),
    };
    words.trim().to_owned()
}

/// The entry of a map or list that the server means: the one whose key or value it quotes, or whose key it speaks of.
fn entry_named(context: &Context<'_>, path: &FieldPath, bad: &BadValue, detail: &str) -> Option<(FieldPath, Place)> {
    let bad = bad.scalar()?;
    match value_at(context.sent, path)? {
        Value::Object(map) => {
            let by_value = || {
                let same = |value: &Value| loosely_equal(value, bad) || quantity::same(value, bad);
                let mut fitting: Vec<&String> = map
                    .iter()
                    .filter(|(_, value)| same(value))
                    .map(|(key, _)| key)
                    .collect();
                // `must be less than or equal to cpu limit` names the entry when two have the same value.
                fitting.sort_by_key(|key| position_of_word(detail, key).is_none());
                fitting.first().map(|key| (with_key(path, key), Place::Value))
            };
            let by_key = || {
                let key = bad.as_str()?;
                map.contains_key(key).then(|| (with_key(path, key), Place::Key))
            };
            // The server checks keys as "name part" and "prefix part", values as "label".
            let about_value = detail.contains("a valid label must be");
            if about_value {
                by_value().or_else(by_key)
            } else {
                by_key().or_else(by_value)
            }
        }
        Value::Array(items) => {
            let index = items.iter().position(|item| loosely_equal(item, bad))?;
            Some((super::sent::with_index(path, index), Place::Value))
        }
        _ => None,
    }
}

fn scalar(context: &Context<'_>, path: FieldPath, place: Place, bad: &BadValue, words: &str) -> Answer {
    let secret = context.is_secret(&path) && place != Place::Key;
    let written = value_at(context.sent, &path);
    let shown = if place == Place::Key {
        bad.scalar()
    } else {
        written
            .filter(|value| !value.is_object() && !value.is_array())
            .or(bad.scalar())
    };
    if let Some(answer) = too_long(&path, &place, shown, words) {
        return answer;
    }
    let named = match shown {
        Some(value) if !secret => name_scalar(value),
        _ => "this value".to_owned(),
    };
    let message = if words.is_empty() {
        format!("{named} is not valid here")
    } else {
        format!("{named} is not valid: {}", lower_first(words))
    };
    let suggestion = match shown.and_then(Value::as_str) {
        Some(text) if is_name_rule(words) && !secret => {
            named_rightly(text).map_or(Suggestion::None, |name| Suggestion::Replace(vec![name]))
        }
        _ if words.contains("leading or trailing whitespace") => {
            let trimmed = shown.and_then(Value::as_str).map(str::trim).unwrap_or_default();
            Suggestion::Replace(vec![yaml_scalar(trimmed)])
        }
        _ => Suggestion::None,
    };
    let suggestion = match (suggestion, &place) {
        (Suggestion::Replace(names), Place::Key) => Suggestion::Rename(names),
        (suggestion, _) => suggestion,
    };
    Answer::new(path, place, codes::INVALID_VALUE, message)
        .with_suggestion(suggestion)
        .removable()
}

/// `must be no more than 63 characters`, and the other ways to say it.
fn too_long(path: &FieldPath, place: &Place, value: Option<&Value>, words: &str) -> Option<Answer> {
    const MARKS: &[&str] = &[
        "must be no more than ",
        "must be at most ",
        "should be at most ",
        "may not be more than ",
        "may not be longer than ",
    ];
    let rest = MARKS
        .iter()
        .find_map(|mark| words.split_once(mark))
        .map(|(_, rest)| rest)?;
    let unit = ["character", "chars", "byte"].iter().any(|unit| rest.contains(unit));
    let most: usize = rest.split(' ').next()?.parse().ok()?;
    let length = value?.as_str()?.chars().count();
    if !unit || length <= most {
        return None;
    }
    let message = format!("too long: {length} characters, and at most {most} are allowed");
    Some(Answer::new(path.clone(), place.clone(), codes::TOO_LONG, message).removable())
}

fn is_name_rule(words: &str) -> bool {
    words.contains("RFC 1123") || words.contains("RFC 1035")
}

/// A name as these rules want it; `None` when nothing would be left.
fn named_rightly(text: &str) -> Option<String> {
    let name: String = text
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .collect();
    let name = name.trim_matches(['-', '.']).to_owned();
    (!name.is_empty() && name != text).then(|| yaml_scalar(&name))
}

/// A template whose labels its own selector does not find: the label that differs, or that is missing.
fn unlike_selector(context: &Context<'_>, path: &FieldPath, detail: &str) -> Option<Answer> {
    if !(detail.contains("selector") && detail.contains("template") && detail.contains("labels")) {
        return None;
    }
    let labels = value_at(context.sent, path)?.as_object()?;
    let spec = path.prefix(
        path.steps()
            .iter()
            .position(|step| matches!(step, Step::Key(key) if key.as_ref() == "template"))?,
    );
    let selector_path = [&["selector", "matchLabels"][..], &["selector"][..]]
        .into_iter()
        .map(|keys| with_keys(&spec, keys))
        .find(|selector| value_at(context.sent, selector).is_some_and(Value::is_object))?;
    let (key, wanted) = value_at(context.sent, &selector_path)?
        .as_object()?
        .iter()
        .find(|(key, wanted)| labels.get(*key) != Some(wanted) && !wanted.is_object())?;
    let selected = with_key(&selector_path, key);
    let value = super::wording::yaml_value(wanted);
    let answer = match labels.get(key) {
        Some(has) => Answer::new(
            with_key(path, key),
            Place::Value,
            codes::INVALID_VALUE,
            format!(
                "label {} is {} here, but the selector looks for {}",
                quote(key),
                name_scalar(has),
                name_scalar(wanted)
            ),
        )
        .with_suggestion(Suggestion::Replace(vec![value])),
        None => Answer::new(
            path.clone(),
            Place::Missing {
                field: with_key(&FieldPath::new(), key).to_string(),
            },
            codes::INVALID_VALUE,
            format!(
                "the selector looks for label {} with value {}, which these labels lack",
                quote(key),
                name_scalar(wanted)
            ),
        )
        .with_suggestion(Suggestion::SetField {
            path: with_key(path, key),
            value: wanted.clone(),
        }),
    };
    let peel = Peel::Set {
        path: with_key(path, key),
        value: wanted.clone(),
    };
    Some(answer.with_peel(peel).with_related(selected, "the selector"))
}

/// A rule over a map, or over a field that was filled in: placed on a field that the rule reads and that is written.
fn rule(context: &Context<'_>, path: &FieldPath, bad: &BadValue, words: &str) -> Answer {
    let reads = rule_reads(context, path, words);
    let mut node = path.clone();
    if reads.is_empty() && value_at(context.sent, path).is_none() {
        // A field that was filled in: what is said is about the map that it is in.
        let named = bad
            .scalar()
            .map_or_else(String::new, |value| format!(" ({})", name_scalar(value)));
        let name = path.last_key().unwrap_or_default();
        return at(
            context.sent,
            path,
            codes::INVALID_VALUE,
            format!("field {}{named}: {}", quote(name), lower_first(words)),
        );
    }
    if value_at(context.sent, &node).is_none() {
        node = super::sent::existing(context.sent, &node);
    }
    let placed = choose(context, &node, &reads, words);
    let message = if words.is_empty() {
        "not valid".to_owned()
    } else {
        lower_first(words)
    };
    let mut answer = Answer::new(placed.path.clone(), placed.place, codes::INVALID_VALUE, message);
    if answer.place == Place::Value && !is_protected(&placed.path) {
        answer = answer.removable();
    }
    for other in placed.others {
        answer = answer.with_related(other, "the rule reads this too");
    }
    answer
}

fn is_protected(path: &FieldPath) -> bool {
    path.is_empty() || first_key(path) == Some("metadata") || path.len() == 1
}

/// The fields that the failing rule at a node reads: the rule is known by its text; without it, fields that the text names.
fn rule_reads(context: &Context<'_>, node: &FieldPath, words: &str) -> Vec<FieldRead> {
    if let Some(expression) = words.strip_prefix("failed rule: ") {
        return fields_read(expression);
    }
    let rules = context.knowledge.rules(context.gvk, node);
    let by_text = rules
        .iter()
        .find(|rule| rule.message.as_deref().map(str::trim) == Some(words.trim()));
    let mut computed = rules.iter().filter(|rule| rule.message_expression.is_some());
    let failing = by_text.or_else(|| computed.next().filter(|_| computed.next().is_none()));
    if let Some(rule) = failing {
        return fields_read(&rule.rule);
    }
    let Some(Value::Object(map)) = value_at(context.sent, node) else {
        return Vec::new();
    };
    let identity = node.is_empty();
    map.keys()
        .filter(|key| !(identity && matches!(key.as_str(), "apiVersion" | "kind" | "metadata")))
        .filter(|key| position_of_word(words, key).is_some() || between(words, "`", "`") == Some(key.as_str()))
        .map(|key| FieldRead {
            root: Root::SelfValue,
            steps: vec![ReadStep::Known(Step::Key(key.as_str().into()))],
        })
        .collect()
}
