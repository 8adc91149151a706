//! What validation says: status 422, one cause per field.

use gitops_model::nearest;
use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::causes::{FAULTS, Fault, body, causes, fault};
use super::consequences::{is_copy, together, without_consequences};
use super::go_value::{self, BadValue};
use super::sent::{below, existing, leaves, loosely_equal, value_at, with_key};
use super::wording::{name_scalar, one_of, quote, quoted, take_quoted, yaml_scalar};
use super::{
    Answer, Cause, Context, Peel, Place, Suggestion, codes, forbidden, immutable, internal_path, invalid_names,
    invalid_value,
};

const NOT_CHECKED: &str = "some validation rules were not checked";

/// The answers of this layer; empty when the text is of another.
pub(super) fn decode(context: &Context<'_>) -> Vec<Answer> {
    let causes = causes(context.refusal);
    let telling: Vec<&Cause> = causes
        .iter()
        .filter(|cause| !cause.message.contains(NOT_CHECKED) && !is_copy(context, cause, &causes))
        .collect();
    let shown = if telling.is_empty() {
        causes.iter().collect()
    } else {
        telling
    };
    let answers = shown.into_iter().flat_map(|cause| of_cause(context, cause));
    without_consequences(context, together(answers))
}

/// The answers about one cause.
pub(super) fn of_cause(context: &Context<'_>, cause: &Cause) -> Vec<Answer> {
    let Some(fault) = fault(cause) else { return Vec::new() };
    let path = internal_path::resolve(context, &cause.field);
    let body = body(&cause.message);
    let mut answers = match fault {
        Fault::Required => vec![required(context, &path, body)],
        Fault::NotSupported => vec![unsupported(context, &path, body)],
        Fault::Duplicate => vec![invalid_names::duplicate(context, &path, body)],
        Fault::NotFound => vec![invalid_names::not_found(context, &path, body)],
        Fault::Forbidden if immutable::says_immutable(body) => immutable::answers(context, &path, body),
        Fault::Forbidden => vec![forbidden::answer(context, &path, body)],
        Fault::TooLong => vec![size(context, &path, body, codes::TOO_LONG, "too long")],
        Fault::TooMany => vec![size(context, &path, body, codes::TOO_MANY, "too many")],
        Fault::TooFew => vec![size(context, &path, body, codes::TOO_FEW, "too few")],
        Fault::Internal => vec![at(
            context.sent,
            &path,
            codes::SERVER_ERROR,
            format!("the server failed at this field: {body}"),
        )],
        Fault::Invalid => {
            let (bad, detail) = go_value::split(body);
            if immutable::says_immutable(detail) {
                immutable::answers(context, &path, detail)
            } else {
                invalid_value::answers(context, &path, &bad, detail)
            }
        }
    };
    let detail = detail(context, cause, &path);
    for answer in &mut answers {
        if answer.detail.is_empty() {
            *answer = answer.clone().with_detail(&detail);
        }
    }
    answers
}

/// The server's words about one field; of a Secret's payload only what kind of fault it is.
fn detail(context: &Context<'_>, cause: &Cause, path: &FieldPath) -> String {
    if context.is_secret(path) {
        let words = FAULTS
            .iter()
            .find(|(_, words, _)| cause.message.starts_with(words))
            .map_or("", |(_, words, _)| *words);
        return format!("{}: {words}", cause.field);
    }
    // A diff is for those who know Go's names; what it says is in the message.
    let first = cause
        .message
        .split("\n@@")
        .next()
        .unwrap_or_default()
        .split("\n  (")
        .next()
        .unwrap_or_default();
    format!("{}: {}", cause.field, first.trim())
}

/// Where a field is shown: lists and maps on their key, since their value starts on a line below it.
pub(super) fn place_of(sent: &Value, path: &FieldPath) -> Place {
    let block = value_at(sent, path).is_some_and(|value| value.is_object() || value.is_array());
    if block && matches!(path.steps().last(), Some(Step::Key(_))) {
        Place::Key
    } else {
        Place::Value
    }
}

/// An answer at a field, or at its nearest existing ancestor.
pub(super) fn at(sent: &Value, path: &FieldPath, slug: &'static str, message: String) -> Answer {
    let found = existing(sent, path);
    if found.len() == path.len() {
        let place = if path.is_empty() {
            Place::Object
        } else {
            place_of(sent, path)
        };
        return Answer::new(found, place, slug, message);
    }
    let field = below(path, &found);
    Answer::new(found, Place::Missing { field }, slug, message)
}

/// The field that is meant where the server names one around it: of a backend of an Ingress it says that the port of its
/// Service is missing (`pkg/apis/networking/validation`, `validateIngressBackend`).
fn meant(sent: &Value, path: &FieldPath, body: &str) -> Option<FieldPath> {
    let mut meant = path.clone();
    meant.push_key("service");
    let is_port = body.trim() == "port name or number is required" && value_at(sent, &meant).is_some();
    is_port.then(|| {
        meant.push_key("port");
        meant.push_key("number");
        meant
    })
}

fn required(context: &Context<'_>, path: &FieldPath, body: &str) -> Answer {
    let meant = meant(context.sent, path, body);
    let path = meant.as_ref().unwrap_or(path);
    let name = path.last_key().unwrap_or_default().to_owned();
    if name == "name" && path.len() == 2 && super::sent::first_key(path) == Some("metadata") {
        return name_missing(context.sent);
    }
    let choices = if body.starts_with("valid values: ") {
        quoted(body)
    } else {
        Vec::new()
    };
    let hint = match (choices.is_empty(), body) {
        (false, _) => format!("; {}", one_of(&choices)),
        (true, words) if words.is_empty() || words.trim_start_matches(name.as_str()).trim() == "must be specified" => {
            String::new()
        }
        (true, words) => format!(": {}", words.trim()),
    };
    match value_at(context.sent, path) {
        Some(value) if !path.is_empty() => required_but_written(path, &name, value, &choices, &hint),
        _ => {
            let message = format!("required field {} is missing{hint}", quote(&name));
            let mut answer = at(context.sent, path, codes::REQUIRED, message);
            if let Place::Missing { field } = &answer.place {
                // Where more than the field itself is missing, its whole way is said.
                if field.contains('.') && !field.contains('[') {
                    answer.message = format!("required field {} is missing{hint}", quote(field));
                }
                answer.suggestion = insert(field, choices.first().map(|choice| yaml_scalar(choice)));
            }
            answer
        }
    }
}

/// What is required is written, but empty, or not what is required.
fn required_but_written(path: &FieldPath, name: &str, value: &Value, choices: &[String], hint: &str) -> Answer {
    let empty = match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    let (slug, message) = match (empty, choices.is_empty()) {
        (true, _) if value.is_null() => (
            codes::REQUIRED,
            format!("required field {} has no value{hint}", quote(name)),
        ),
        (true, _) => (
            codes::REQUIRED,
            format!("required field {} must not be empty{hint}", quote(name)),
        ),
        (false, false) => (
            codes::UNSUPPORTED_VALUE,
            format!("{} is not supported{hint}", name_scalar(value)),
        ),
        (false, true) if hint.is_empty() => (codes::REQUIRED, format!("field {} lacks what is required", quote(name))),
        (false, true) => (codes::REQUIRED, format!("field {}{hint}", quote(name))),
    };
    let scalar = !value.is_object() && !value.is_array() && !value.is_null();
    let place = if scalar { Place::Value } else { Place::Key };
    let choices: Vec<String> = choices.iter().map(|choice| yaml_scalar(choice)).collect();
    let suggestion = if choices.is_empty() {
        Suggestion::None
    } else {
        Suggestion::Replace(choices)
    };
    Answer::new(path.clone(), place, slug, message).with_suggestion(suggestion)
}

/// A field to write, unless its name cannot be written as a plain key.
pub(super) fn insert(field: &str, value: Option<String>) -> Suggestion {
    if field.contains('[') {
        Suggestion::None
    } else {
        Suggestion::Insert {
            field: field.to_owned(),
            value,
        }
    }
}

/// The object has no name: below `metadata:`, or missing altogether.
pub(super) fn name_missing(sent: &Value) -> Answer {
    let path = super::sent::keys(&["metadata", "name"]);
    let words = "the object has no name: metadata.name is missing";
    match value_at(sent, &path) {
        Some(value) if !value.is_null() => Answer::new(
            path,
            Place::Value,
            codes::NAME_MISSING,
            "the object has no name: metadata.name is empty",
        ),
        Some(_) => Answer::new(
            path,
            Place::Key,
            codes::NAME_MISSING,
            "the object has no name: metadata.name has no value",
        ),
        None => {
            let generated = super::sent::keys(&["metadata", "generateName"]);
            if let Some(prefix) = value_at(sent, &generated).and_then(Value::as_str) {
                let name = prefix.trim_end_matches(['-', '.']);
                let words = "with generateName each save would make another object; write metadata.name";
                return Answer::new(generated, Place::Key, codes::NAME_MISSING, words).with_suggestion(
                    Suggestion::SetField {
                        path,
                        value: Value::from(name),
                    },
                );
            }
            let mut answer = at(sent, &path, codes::NAME_MISSING, words.to_owned());
            if let Place::Missing { field } = &answer.place {
                answer.suggestion = insert(field, None);
            }
            answer
        }
    }
}

/// `"udp": supported values: "SCTP", "TCP", "UDP"`
fn unsupported(context: &Context<'_>, path: &FieldPath, body: &str) -> Answer {
    let (bad, detail) = go_value::split(body);
    let mut choices = choices(detail.strip_prefix("supported values: ").unwrap_or(detail));
    let written = value_at(context.sent, path);
    // A list or map in which one entry is the wrong one.
    let inner = written
        .filter(|value| value.is_array() || value.is_object())
        .and_then(|_| entry_with(context, path, &bad));
    let bad_text = bad
        .as_str()
        .map(str::to_owned)
        .or_else(|| {
            let value = inner.as_ref().map_or(written, |inner| value_at(context.sent, inner));
            value.and_then(super::sent::scalar_text)
        })
        .unwrap_or_default();
    if let Some(best) = likeliest(&bad_text, &choices) {
        choices.retain(|choice| *choice != best);
        choices.insert(0, best);
    }
    let listed = {
        let mut sorted = choices.clone();
        sorted.sort_unstable();
        sorted
    };
    let shown = inner.as_ref().map_or(written, |inner| value_at(context.sent, inner));
    let named = match (&bad, shown) {
        (_, Some(value)) if !value.is_array() && !value.is_object() => name_scalar(value),
        (BadValue::Scalar(value), _) => name_scalar(value),
        _ => "this value".to_owned(),
    };
    let hint = if listed.is_empty() {
        String::new()
    } else {
        format!("; {}", one_of(&listed))
    };
    let as_yaml: Vec<String> = choices.iter().map(|choice| yaml_scalar(choice)).collect();
    let mut answer = at(
        context.sent,
        inner.as_ref().unwrap_or(path),
        codes::UNSUPPORTED_VALUE,
        format!("{named} is not supported{hint}"),
    );
    match &answer.place {
        Place::Missing { field } => {
            answer.message = format!(
                "{} is {named} when it is not written, which is not supported{hint}",
                quote(path.last_key().unwrap_or_default())
            );
            answer.suggestion = Suggestion::Insert {
                field: field.clone(),
                value: as_yaml.into_iter().next(),
            };
        }
        _ if as_yaml.is_empty() => {}
        _ => {
            answer.suggestion = Suggestion::Replace(as_yaml);
            answer.peel = match choices.first() {
                Some(choice) => Peel::Set {
                    path: answer.path.clone(),
                    value: Value::from(choice.as_str()),
                },
                None => Peel::Remove(answer.path.clone()),
            };
        }
    }
    answer
}

/// The choice that was most likely meant: the only one that goes on from what is written, else the nearest.
fn likeliest(written: &str, choices: &[String]) -> Option<String> {
    let start = written.to_lowercase();
    let mut longer = choices
        .iter()
        .filter(|choice| choice.to_lowercase().starts_with(&start));
    let only = longer.next().filter(|_| start.len() > 1 && longer.next().is_none());
    only.cloned()
        .or_else(|| nearest(written, choices.iter().map(String::as_str)).map(str::to_owned))
}

/// The entry of a list or map whose value is the one named, or one of those in a dump with Go's names.
fn entry_with(context: &Context<'_>, path: &FieldPath, bad: &BadValue) -> Option<FieldPath> {
    if let (BadValue::Json(Value::Object(dump)), Some(Value::Object(map))) = (bad, value_at(context.sent, path)) {
        return dump
            .iter()
            .filter(|(_, value)| value.is_string())
            .find_map(|(name, value)| {
                let (key, _) = map
                    .iter()
                    .find(|(key, written)| key.eq_ignore_ascii_case(name) && *written == value)?;
                Some(with_key(path, key))
            });
    }
    let bad = bad.scalar()?;
    let (below, _) = leaves(value_at(context.sent, path)?)
        .into_iter()
        .find(|(_, value)| loosely_equal(value, bad))?;
    Some(path.join(&below))
}

/// Values in quotes or bare, with commas between them.
fn choices(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (choice, after) = take_quoted(rest).unwrap_or_else(|| {
            let end = rest.find(", ").unwrap_or(rest.len());
            let (bare, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            (bare.trim().to_owned(), after)
        });
        if !choice.is_empty() && !found.contains(&choice) {
            found.push(choice);
        }
        rest = after.trim_start_matches([',', ' ']);
        if rest == after && !rest.is_empty() {
            break;
        }
    }
    found
}

/// Too long, too many, too few.
fn size(context: &Context<'_>, path: &FieldPath, body: &str, slug: &'static str, words: &str) -> Answer {
    let (bad, detail) = go_value::split(body);
    let detail = if detail.is_empty() { body } else { detail };
    let written = value_at(context.sent, path);
    let has = match (slug, written, bad.scalar()) {
        (codes::TOO_LONG, Some(Value::String(text)), _) => format!(" (it has {} characters)", text.chars().count()),
        (_, Some(Value::Array(items)), _) => format!(" (it has {})", items.len()),
        (_, Some(Value::Object(map)), _) => format!(" (it has {})", map.len()),
        _ => String::new(),
    };
    let answer = at(context.sent, path, slug, format!("{words}: {}{has}", detail.trim()));
    if matches!(answer.place, Place::Value) && slug != codes::TOO_FEW {
        answer.removable()
    } else {
        answer
    }
}
