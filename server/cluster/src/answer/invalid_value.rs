//! `Invalid value`: a format, a range, a pattern, a type or a rule. Where the named field is a map, the entry that is meant is looked for.

use gitops_model::nearest;
use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::expression::{FieldRead, ReadStep, Root, fields_read};
use super::go_value::BadValue;
use super::invalid::{at, place_of};
use super::reads::{choose, position_of_word};
use super::sent::{first_key, loosely_equal, value_at, with_key};
use super::wording::{between, lower_first, name_scalar, quote, take_quoted, yaml_scalar};
use super::wrong_type::{self, Expected};
use super::{Answer, Context, Place, Suggestion, codes, conversion, internal_path, quantity, template_labels};

/// The resources that containers and quotas count without a domain.
const RESOURCES: &[&str] = &["cpu", "memory", "ephemeral-storage", "storage"];

/// What is said about an invalid value.
pub(super) fn answers(context: &Context<'_>, path: &FieldPath, bad: &BadValue, detail: &str) -> Vec<Answer> {
    if let Some(answer) = wrong_type(context, path, detail) {
        return vec![answer];
    }
    if let Some(answer) = forms(context, detail) {
        return vec![answer];
    }
    if let Some(answer) = template_labels::answer(context, path, detail) {
        return vec![answer];
    }
    let written = value_at(context.sent, path);
    let words = tidy(detail, path);
    // `requests[cpus]: Invalid value: "cpus"` is about the key.
    let about_key =
        bad.as_str().is_some_and(|bad| path.last_key() == Some(bad)) && written.and_then(Value::as_str) != bad.as_str();
    match written {
        Some(_) if about_key => vec![scalar(context, path.clone(), Place::Key, bad, &words)],
        Some(Value::Object(_) | Value::Array(_)) => match entry_named(context, path, bad, detail) {
            Some((entry, place)) => vec![scalar(context, entry, place, bad, &words)],
            None => vec![rule(context, path, bad, &words)],
        },
        Some(value) if !path.is_empty() => {
            if let Some(answer) = of_format(context, path, value, detail) {
                return vec![answer];
            }
            vec![scalar(context, path.clone(), Place::Value, bad, &words)]
        }
        _ => vec![rule(context, path, bad, &words)],
    }
}

/// `"spec.one" must validate one and only one schema (oneOf). Found none valid`, said of the whole object.
fn forms(context: &Context<'_>, detail: &str) -> Option<Answer> {
    let (name, rest) = take_quoted(detail)?;
    let counts = match rest.trim_start() {
        rest if rest.starts_with("must validate one and only one schema") => "exactly one",
        rest if rest.starts_with("must validate at least one schema") => "one",
        rest if rest.starts_with("must validate all the schemas") => "each",
        _ => return None,
    };
    let path = internal_path::resolve(context, &name);
    let found = rest
        .split_once("). ")
        .map_or(String::new(), |(_, found)| format!(" ({})", lower_first(found.trim())));
    let mut answer = at(
        context.sent,
        &path,
        codes::INVALID_VALUE,
        format!(
            "field {} must have {counts} of its possible forms{found}",
            quote(path.last_key().unwrap_or("spec"))
        ),
    );
    if answer.place == Place::Value
        && value_at(context.sent, &answer.path).is_some_and(|value| value.is_object() || value.is_array())
    {
        answer.place = Place::Key;
    }
    Some(answer)
}

/// A text that is no quantity, time or duration, in the same words as where built-in kinds have them.
fn of_format(context: &Context<'_>, path: &FieldPath, value: &Value, detail: &str) -> Option<Answer> {
    let quantity =
        context.knowledge.is_quantity(context.gvk, path) || detail.contains("(([KMGTPE]i)|[numkMGTPE]|([eE]");
    if quantity && quantity::amount_of(value).is_none() {
        return Some(conversion::bad_quantity(path, value, ""));
    }
    let (_, format) = detail.split_once("must be of type ")?;
    let wanted = match format.split(':').next()?.trim() {
        "date-time" => "a time such as 2006-01-02T15:04:05Z",
        "date" => "a date such as 2006-01-02",
        "duration" => "a duration such as 30s, 5m or 1h30m",
        _ => return None,
    };
    Some(
        Answer::new(
            path.clone(),
            Place::Value,
            codes::BAD_TIME,
            format!("{} is not {wanted}", name_scalar(value)),
        )
        .removable(),
    )
}

/// `spec.x in body must be of type integer: "string"`
fn wrong_type(context: &Context<'_>, path: &FieldPath, detail: &str) -> Option<Answer> {
    let (_, rest) = detail.split_once("must be of type ")?;
    let expected = Expected::from_word(rest.split([':', ' ']).next()?)?;
    let written = value_at(context.sent, path)?;
    let wrong = wrong_type::explain(expected, written, path, context.is_secret(path));
    let place = if written.is_null() {
        Place::Key
    } else {
        place_of(context.sent, path)
    };
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
    let words = words.lines().next().unwrap_or_default().trim().trim_end_matches(',');
    // `must be of type ipv4: "1.2.3"` repeats the value.
    let words = match words.split_once("must be of type ") {
        Some((_, rest)) => words
            .get(..words.len() - rest.len() + rest.find(": \"").unwrap_or(rest.len()))
            .unwrap_or(words),
        None => words,
    };
    match words.split_once("ERROR: <input>:") {
        Some((_, rest)) => compile_error(rest),
        None => words.to_owned(),
    }
}

/// `1:5: undefined field 'nope'`, as the compiler of expressions says it.
fn compile_error(rest: &str) -> String {
    let mut parts = rest.splitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(line), Some(column), Some(words)) => {
            format!("{} (line {line}, column {column} of the expression)", words.trim())
        }
        _ => rest.to_owned(),
    }
}

/// The values that a sentence allows: `must be one of a, b, c`, `must be either a, b, or c`.
fn choices_in(words: &str) -> Vec<String> {
    let list = ["must be one of ", "must be either ", "should be one of "]
        .iter()
        .find_map(|mark| words.split_once(mark));
    let Some((_, list)) = list else { return Vec::new() };
    let list = list
        .trim_start_matches('[')
        .trim_end_matches(']')
        .replace(", or ", ", ")
        .replace(" or ", ", ");
    let separator = if list.contains(", ") { ", " } else { " " };
    let choices: Vec<String> = list
        .split(separator)
        .map(|choice| choice.trim().trim_matches(['"', '\'', '`']).to_owned())
        .collect();
    let plain = |choice: &String| !choice.is_empty() && choice.len() < 60 && !choice.contains([' ', ':']);
    if choices.len() > 1 && choices.iter().all(plain) {
        choices
    } else {
        Vec::new()
    }
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
    let text = shown.and_then(Value::as_str).filter(|_| !secret);
    let mut choices = choices_in(words);
    if let Some(best) = text
        .and_then(|text| nearest(text, choices.iter().map(String::as_str)))
        .map(str::to_owned)
    {
        choices.retain(|choice| *choice != best);
        choices.insert(0, best);
    }
    let suggestion = match text {
        _ if !choices.is_empty() => Suggestion::Replace(choices.iter().map(|choice| yaml_scalar(choice)).collect()),
        Some(text) if is_name_rule(words) => {
            named_rightly(text, words).map_or(Suggestion::None, |name| Suggestion::Replace(vec![name]))
        }
        Some(text) if words.contains("leading or trailing whitespace") => {
            Suggestion::Replace(vec![yaml_scalar(text.trim())])
        }
        Some(text) if place == Place::Key && words.contains("standard resource") => {
            nearest(text, RESOURCES.iter().copied())
                .map_or(Suggestion::None, |near| Suggestion::Replace(vec![near.to_owned()]))
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
fn named_rightly(text: &str, rule: &str) -> Option<String> {
    let dots = rule.contains("subdomain");
    // Of an address the name of the host is meant.
    let host = text
        .split_once("://")
        .map(|(_, host)| host.split(['/', ':']).next().unwrap_or_default());
    let name: String = host
        .unwrap_or(text)
        .to_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || (c == '.' && dots) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let name = name.trim_matches(['-', '.']).to_owned();
    (!name.is_empty() && name != text).then(|| yaml_scalar(&name))
}

/// A rule over a map, or over a field that was filled in: placed on a field that the rule reads and that is written.
fn rule(context: &Context<'_>, path: &FieldPath, bad: &BadValue, words: &str) -> Answer {
    let reads = rule_reads(context, path, words);
    let mut node = path.clone();
    if reads.is_empty() && value_at(context.sent, path).is_none() {
        // A field that was filled in: what is said is about the map that it is in.
        let name = path.last_key().unwrap_or_default();
        let nothing = bad.scalar().is_none_or(|value| {
            value.is_null() || value.as_str() == Some("") || value.as_i64() == Some(0) || value.as_bool() == Some(false)
        });
        let has = match bad.scalar() {
            Some(value) if !nothing && !context.is_secret(path) => {
                format!("is {} when it is not written", name_scalar(value))
            }
            _ => "is missing".to_owned(),
        };
        let message = format!("field {} {has}: {}", quote(name), lower_first(words));
        let mut answer = at(context.sent, path, codes::INVALID_VALUE, message);
        if let Place::Missing { field } = &answer.place {
            answer.suggestion = super::invalid::insert(field, None);
        }
        return answer;
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
        answer = answer.with_related(other, "this is looked at too");
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
            may_be_absent: false,
        })
        .collect()
}
