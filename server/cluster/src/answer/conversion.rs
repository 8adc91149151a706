//! What the server says when it cannot turn the merged object into its own types, or cannot decode it strictly.
//!
//! Most of these texts name no field. What they complain about is looked for in what was sent.

use gitops_model::Severity;
use gitops_yaml::FieldPath;
use serde_json::Value;

use super::invalid::place_of;
use super::sent::{leaves, places_of_key, scalar_text, value_at};
use super::wording::{between, name_scalar, quote, quoted};
use super::wrong_type::{self, Expected};
use super::{
    Answer, Context, Place, ScalarType, Suggestion, base64_fields, codes, quantity, unknown_field, validation_path,
};

/// The answers of this layer; empty when the text is of another.
pub(super) fn decode(context: &Context<'_>) -> Vec<Answer> {
    let message = context.refusal.message.as_str();
    let strict = strict_errors(context, message);
    if !strict.is_empty() {
        return strict;
    }
    if is_quantity_text(message) {
        return quantities(context, message);
    }
    if let Some(offset) = message
        .split_once("illegal base64 data at input byte ")
        .map(|(_, rest)| digits(rest))
    {
        return base64_fields::answers(context, message, offset);
    }
    let conversion = message.contains("failed to convert new object (")
        || message.contains("unable to convert unstructured object")
        || message.contains("failed to create new object")
        || message.contains("cannot be handled as a");
    if message.contains("parsing time ") || message.contains("time: ") && message.contains("duration") {
        return times(context, message);
    }
    if let Some((_, rest)) = message.split_once("json: cannot unmarshal ") {
        return unmarshal(context, message, rest);
    }
    if conversion {
        quoted_values(context, message)
    } else {
        Vec::new()
    }
}

/// `strict decoding error: unknown field "spec.x", duplicate field "spec.y"`.
fn strict_errors(context: &Context<'_>, message: &str) -> Vec<Answer> {
    let mut found = Vec::new();
    let Some((_, mut rest)) = message.split_once("strict decoding error: ") else {
        return found;
    };
    while let Some((before, after)) = rest.split_once(" field \"") {
        let Some((name, next)) = after.split_once('"') else {
            break;
        };
        let path = validation_path::resolve(name, context.sent);
        if before.ends_with("unknown") {
            found.push(unknown_field::answer(
                context,
                &path,
                &format!("unknown field \"{name}\""),
                Severity::Error,
            ));
        } else if before.ends_with("duplicate") {
            found.push(duplicate_key(path, &format!("duplicate field \"{name}\"")));
        }
        rest = next;
    }
    found
}

/// One key twice in one map.
pub(super) fn duplicate_key(path: FieldPath, detail: &str) -> Answer {
    let name = path.last_key().unwrap_or_default().to_owned();
    let place = if path.is_empty() { Place::Object } else { Place::Key };
    Answer::new(
        path,
        place,
        codes::DUPLICATE_KEY,
        format!("the key {} stands twice in this map", quote(&name)),
    )
    .with_detail(detail)
}

fn is_quantity_text(message: &str) -> bool {
    message.contains("quantities must match the regular expression")
        || message.contains("unable to parse quantity's suffix")
        || message.contains("unable to parse numeric part of quantity")
}

/// The quantity fields whose value is none. The server names no field and stops at the first, so all are found here.
fn quantities(context: &Context<'_>, message: &str) -> Vec<Answer> {
    let all = leaves(context.sent);
    let wrong = |known: &dyn Fn(&FieldPath) -> bool| -> Vec<Answer> {
        all.iter()
            .filter(|(path, value)| quantity::amount_of(value).is_none() && !value.is_null() && known(path))
            .map(|(path, value)| bad_quantity(path, value, message))
            .collect()
    };
    let by_schema = wrong(&|path| context.knowledge.is_quantity(context.gvk, path));
    if !by_schema.is_empty() {
        return by_schema;
    }
    let by_name = wrong(&looks_like_a_quantity);
    if !by_name.is_empty() {
        return by_name;
    }
    let words =
        "some field wants a quantity such as 100m, 1.5 or 512Mi and has another value; the server does not say which";
    vec![Answer::about_object(codes::BAD_QUANTITY, words).with_detail(message)]
}

/// The answer about one value that is no quantity.
pub(super) fn bad_quantity(path: &FieldPath, value: &Value, message: &str) -> Answer {
    let meant = scalar_text(value)
        .map(|text| quantity::meant(&text))
        .unwrap_or_default();
    let named = match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
        scalar => name_scalar(scalar),
    };
    let words = match meant.first() {
        Some(best) => format!("{named} is not a quantity; did you mean {best}?"),
        None => format!("{named} is not a quantity; write a number with or without a unit, such as 100m, 1.5 or 512Mi"),
    };
    let suggestion = if meant.is_empty() {
        Suggestion::None
    } else {
        Suggestion::Replace(meant)
    };
    Answer::new(path.clone(), Place::Value, codes::BAD_QUANTITY, words)
        .with_detail(message)
        .with_suggestion(suggestion)
        .removable()
}

/// Where built-in kinds have quantities, for when no schema is at hand.
fn looks_like_a_quantity(path: &FieldPath) -> bool {
    const MAPS: &[&str] = &[
        "requests",
        "limits",
        "capacity",
        "allocatable",
        "hard",
        "default",
        "defaultRequest",
        "max",
        "min",
        "maxLimitRequestRatio",
        "overhead",
        "podFixed",
    ];
    const FIELDS: &[&str] = &["sizeLimit", "divisor", "averageValue"];
    let key = |path: &FieldPath| path.last_key().map(str::to_owned);
    let in_map = path
        .parent()
        .and_then(|parent| key(&parent))
        .is_some_and(|name| MAPS.contains(&name.as_str()));
    in_map || key(path).is_some_and(|name| FIELDS.contains(&name.as_str()))
}

fn digits(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// `parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": …`, `time: invalid duration "10"`.
fn times(context: &Context<'_>, message: &str) -> Vec<Answer> {
    let duration = !message.contains("parsing time ");
    let wanted = if duration {
        "a duration such as 30s, 5m or 1h30m"
    } else {
        "a time such as 2006-01-02T15:04:05Z"
    };
    let value = if duration {
        message
            .rsplit_once("duration ")
            .and_then(|(_, rest)| quoted(rest).into_iter().next())
    } else {
        between(message, "parsing time ", " as ").and_then(|text| {
            quoted(text.trim_end_matches('"'))
                .into_iter()
                .next()
                .or_else(|| quoted(text).into_iter().next())
        })
    };
    let value = value.map(|text| text.trim_matches('"').to_owned());
    let found = value
        .as_deref()
        .map(|text| places_of(context, text))
        .unwrap_or_default();
    if found.is_empty() {
        return vec![Answer::about_object(codes::BAD_TIME, format!("some field wants {wanted}")).with_detail(message)];
    }
    found
        .into_iter()
        .map(|path| {
            let named = quote(value.as_deref().unwrap_or_default());
            Answer::new(path, Place::Value, codes::BAD_TIME, format!("{named} is not {wanted}"))
                .with_detail(message)
                .removable()
        })
        .collect()
}

/// The places of a scalar that reads so.
fn places_of(context: &Context<'_>, text: &str) -> Vec<FieldPath> {
    leaves(context.sent)
        .into_iter()
        .filter(|(_, value)| scalar_text(value).as_deref() == Some(text) && !value.is_null())
        .map(|(path, _)| path)
        .collect()
}

/// `string into Go struct field PodSpec.spec.replicas of type int32`.
fn unmarshal(context: &Context<'_>, message: &str, rest: &str) -> Vec<Answer> {
    let got = rest.split(" into ").next().unwrap_or_default();
    let go_field = between(rest, "Go struct field ", " of type").unwrap_or_default();
    let go_type = rest
        .split_once(" of type ")
        .map_or("", |(_, name)| name.split([' ', ',', ';']).next().unwrap_or_default());
    let Some((expected, list)) = go_type_in_yaml(go_type) else {
        return quoted_values(context, message);
    };
    let fields: Vec<&str> = go_field.split('.').skip(1).collect();
    let is_got = |value: &Value| match got.split(' ').next() {
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("bool") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    let Some(last) = fields.last().filter(|field| !field.is_empty()) else {
        return quoted_values(context, message);
    };
    let full = validation_path::resolve(&fields.join("."), context.sent);
    let mut places: Vec<FieldPath> = places_of_key(context.sent, last);
    if value_at(context.sent, &full).is_some() {
        places = vec![full];
    }
    let found: Vec<Answer> = places
        .into_iter()
        .filter_map(|path| {
            let value = value_at(context.sent, &path)?;
            // A list in which one item is wrong is named by the list.
            let (path, value) = match (value.as_array(), list) {
                (Some(items), true) if !is_got(value) || got.starts_with("array") => {
                    let index = items.iter().position(is_got)?;
                    (super::sent::with_index(&path, index), items.get(index)?)
                }
                _ if is_got(value) => (path, value),
                _ => return None,
            };
            let wrong = wrong_type::explain(expected, value, &path, context.is_secret(&path));
            let detail = if context.is_secret(&path) { "" } else { message };
            Some(
                Answer::new(
                    path.clone(),
                    place_of(context.sent, &path),
                    codes::WRONG_TYPE,
                    wrong.message,
                )
                .with_detail(detail)
                .with_suggestion(wrong.suggestion)
                .with_peel(wrong.peel),
            )
        })
        .collect();
    if found.is_empty() {
        quoted_values(context, message)
    } else {
        found
    }
}

/// What a Go type is in YAML's words, and whether it is that of a list's items.
fn go_type_in_yaml(name: &str) -> Option<(Expected, bool)> {
    if let Some(item) = name.strip_prefix("[]").filter(|item| *item != "uint8") {
        return Some((go_type_in_yaml(item).map_or(Expected::List, |_| Expected::List), false));
    }
    if name.starts_with("map[") {
        return Some((Expected::Map, false));
    }
    if let Some(scalar) = Expected::from_word(name) {
        return Some((scalar, true));
    }
    name.contains('.').then_some((Expected::Map, true))
}

/// Another text: the values that it quotes are looked for, else it is about the object.
fn quoted_values(context: &Context<'_>, message: &str) -> Vec<Answer> {
    let reason = last_reason(message);
    for text in quoted(reason) {
        let places = places_of(context, &text);
        if let [path] = places.as_slice() {
            let path = path.clone();
            let detail = if context.is_secret(&path) { "" } else { message };
            let words = if context.is_secret(&path) {
                "the server cannot read this value".to_owned()
            } else {
                reason.to_owned()
            };
            return vec![
                Answer::new(path, Place::Value, codes::INVALID_VALUE, words)
                    .with_detail(detail)
                    .removable(),
            ];
        }
    }
    if let Some(found) = cannot_convert(context, reason, message) {
        return vec![found];
    }
    vec![
        Answer::about_object(
            codes::INVALID_VALUE,
            format!("the server cannot read this object: {reason}"),
        )
        .with_detail(message),
    ]
}

/// `cannot convert int64 to string`, `cannot restore slice from map`: the only field that can be meant, if there is one.
fn cannot_convert(context: &Context<'_>, reason: &str, message: &str) -> Option<Answer> {
    let (from, to) = if let Some(rest) = reason.strip_prefix("cannot convert ") {
        rest.split_once(" to ")?
    } else {
        let (to, from) = reason.strip_prefix("cannot restore ")?.split_once(" from")?;
        (from.trim_start_matches([':', ' ']), to)
    };
    let expected = Expected::from_word(to.trim())?;
    let wanted: &[ScalarType] = match expected {
        Expected::String => &[ScalarType::String],
        Expected::Integer | Expected::Number => &[ScalarType::Integer, ScalarType::Number],
        Expected::Boolean => &[ScalarType::Boolean],
        _ => &[],
    };
    let fits = |value: &Value| match from.trim() {
        "int64" => value.is_i64() || value.is_u64(),
        "float64" => value.is_f64(),
        "string" => value.is_string(),
        "bool" => value.is_boolean(),
        "map" => value.is_object(),
        "slice" => value.is_array(),
        _ => false,
    };
    let mut found = leaves(context.sent).into_iter().filter(|(path, value)| {
        fits(value)
            && context
                .knowledge
                .scalar_type(context.gvk, path)
                .is_some_and(|known| wanted.contains(&known))
    });
    let (path, value) = found.next()?;
    if found.next().is_some() {
        return None;
    }
    let wrong = wrong_type::explain(expected, value, &path, context.is_secret(&path));
    Some(
        Answer::new(
            path.clone(),
            place_of(context.sent, &path),
            codes::WRONG_TYPE,
            wrong.message,
        )
        .with_detail(message)
        .with_suggestion(wrong.suggestion)
        .with_peel(wrong.peel),
    )
}

/// What is left of a text when the names of the layers before it are taken off.
fn last_reason(message: &str) -> &str {
    let mut reason = message;
    for mark in [
        "to proper version: ",
        "unable to convert unstructured object to ",
        "error decoding from json: ",
        "failed to create new object: ",
    ] {
        if let Some((_, rest)) = reason.split_once(mark) {
            reason = rest;
        }
        // The kind that follows: `/v1, Kind=Pod: `.
        if let Some((_, rest)) = reason.split_once(", Kind=").and_then(|(_, rest)| rest.split_once(": ")) {
            reason = rest;
        }
    }
    reason
}
