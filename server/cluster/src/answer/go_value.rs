//! Values as Go prints them inside the server's messages.

use serde_json::Value;

use super::wording::{closing, take_quoted};

/// The value that a validation message names.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum BadValue {
    /// None is named.
    None,
    /// A text, number, boolean or null.
    Scalar(Value),
    /// A small list or map in JSON.
    Json(Value),
    /// One of Go's dumps, of which nothing is repeated.
    Dump,
}

impl BadValue {
    /// The text of a named string.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The named scalar.
    pub(super) fn scalar(&self) -> Option<&Value> {
        match self {
            Self::Scalar(value) => Some(value),
            _ => None,
        }
    }
}

/// Splits `VALUE: detail`, as it follows `Invalid value: `, into both; the value may have been left out by the server.
pub(super) fn split(text: &str) -> (BadValue, &str) {
    if let Some((content, rest)) = take_quoted(text) {
        if let Some(detail) = detail_of(rest) {
            return (BadValue::Scalar(Value::String(content)), detail);
        }
        return (BadValue::None, text);
    }
    if text.starts_with(['{', '[']) {
        return split_brackets(text, 0);
    }
    // A word, a number, or the name of a Go type with a bracket behind it.
    let end = text.find([' ', ':', '{', '(', '[']).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    if rest.starts_with(['{', '(', '[']) && (!word.is_empty() || rest.starts_with('(')) {
        return split_brackets(text, end);
    }
    match (plain(word), detail_of(rest)) {
        (Some(value), Some(detail)) => (BadValue::Scalar(value), detail),
        _ => (BadValue::None, text),
    }
}

fn plain(word: &str) -> Option<Value> {
    match word {
        "" => None,
        "<nil>" => Some(Value::Null),
        word => serde_json::from_str::<Value>(word)
            .ok()
            .filter(|value| !value.is_array() && !value.is_object()),
    }
}

/// Skips brackets, one behind the other (`[]string{"a"}`, `(*int64)(nil)`, `map[string]string{…}`), from an offset on.
fn split_brackets(text: &str, from: usize) -> (BadValue, &str) {
    let mut at = from;
    while let Some(rest) = text.get(at..) {
        if rest.starts_with(['{', '[', '(']) {
            match closing(rest) {
                Some(end) => at += end,
                None => return (BadValue::Dump, ""),
            }
        } else if rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '*' | '&' | '_')) {
            at += rest
                .find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '*' | '&' | '_')))
                .unwrap_or(rest.len());
        } else {
            break;
        }
    }
    let (value, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    let Some(detail) = detail_of(rest) else {
        return (BadValue::Dump, "");
    };
    match serde_json::from_str::<Value>(value) {
        Ok(json) => (BadValue::Json(json), detail),
        Err(_) => (BadValue::Dump, detail),
    }
}

fn detail_of(rest: &str) -> Option<&str> {
    if rest.is_empty() {
        Some("")
    } else {
        rest.strip_prefix(": ").or_else(|| rest.strip_prefix(':'))
    }
}

/// What a Go dump of structured merge is, in JSON as far as it can be told: `&value.valueUnstructured{Value:22}`, `&{map[a:b]}`, `&{true}`.
pub(super) fn from_dump(dump: &str) -> Option<Value> {
    let dump = dump.trim();
    match dump {
        "string" => return Some(Value::String("…".to_owned())),
        "bool" => return Some(Value::Bool(true)),
        "nil" | "<nil>" => return Some(Value::Null),
        _ => {}
    }
    if dump.starts_with("map[") {
        return Some(Value::Object(serde_json::Map::new()));
    }
    if dump.starts_with("[]") {
        return Some(Value::Array(Vec::new()));
    }
    let content = dump
        .strip_prefix("&value.valueUnstructured{Value:")
        .or_else(|| dump.strip_prefix("&{"))
        .or_else(|| dump.strip_prefix("value.valueUnstructured{Value:"))?;
    let content = content.strip_suffix('}').unwrap_or(content);
    if content.starts_with("map[") {
        Some(Value::Object(serde_json::Map::new()))
    } else if content.starts_with("[]") || content.starts_with('[') {
        Some(Value::Array(Vec::new()))
    } else if let Some((text, "")) = take_quoted(content) {
        Some(Value::String(text))
    } else {
        Some(plain(content).unwrap_or_else(|| Value::String(content.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{BadValue, from_dump, split};

    #[test]
    fn splits_values_from_details() {
        for (text, value, detail) in [
            ("\"_\": a valid label", BadValue::Scalar(json!("_")), "a valid label"),
            ("-3: Must be positive", BadValue::Scalar(json!(-3)), "Must be positive"),
            ("null: not checked", BadValue::Scalar(json!(null)), "not checked"),
            (
                "Other must be a multiple of value",
                BadValue::None,
                "Other must be a multiple of value",
            ),
            ("rule: with a colon", BadValue::None, "rule: with a colon"),
            (
                "{\"a\":{\"b\":1}}: field is immutable",
                BadValue::Json(json!({"a": {"b": 1}})),
                "field is immutable",
            ),
            (
                "[\"None\"]: may not change once set",
                BadValue::Json(json!(["None"])),
                "may not change once set",
            ),
            (
                "core.PodSpec{A:[]string{\"}\"}}: field is immutable",
                BadValue::Dump,
                "field is immutable",
            ),
            ("[]string(nil): cannot be unset", BadValue::Dump, "cannot be unset"),
            ("map[string]string{\"a\":\"b\"}: no", BadValue::Dump, "no"),
            ("\"a\"", BadValue::Scalar(json!("a")), ""),
            ("core.PodSpec{A: cut off", BadValue::Dump, ""),
        ] {
            assert_eq!(split(text), (value, detail), "{text}");
        }
    }

    #[test]
    fn reads_dumps() {
        assert_eq!(from_dump("&value.valueUnstructured{Value:22}"), Some(json!(22)));
        assert_eq!(
            from_dump("&value.valueUnstructured{Value:[]interface {}{\"a\"}}"),
            Some(json!([]))
        );
        assert_eq!(from_dump("&{map[key:value]}"), Some(json!({})));
        assert_eq!(from_dump("&{[not a map]}"), Some(json!([])));
        assert_eq!(from_dump("&{text}"), Some(json!("text")));
        assert_eq!(from_dump("?"), None);
    }
}
