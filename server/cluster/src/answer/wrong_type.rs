//! A value of another type than its field: what to say, and what would mend it.

use serde_json::Value;

use super::sent::scalar_text;
use super::wording::{describe, yaml_scalar};
use super::{Peel, Suggestion};
use gitops_yaml::FieldPath;

/// The hint where a map is wanted of which nothing is known.
pub(super) const KEYS_BELOW: &str = "write key: value on the lines below";

/// What the field wants, in YAML's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expected {
    /// Text.
    String,
    /// Any number.
    Number,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A list.
    List,
    /// A map.
    Map,
    /// A text, number or boolean.
    Scalar,
    /// A whole number or a text.
    IntegerOrString,
}

impl Expected {
    /// From the word that the server uses, in any of its layers.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "string" => Self::String,
            "numeric" | "number" | "float64" | "float32" | "float" => Self::Number,
            "integer" | "int" | "int32" | "int64" | "int16" | "int8" | "uint" | "uint32" | "uint64" | "uint16" => {
                Self::Integer
            }
            "boolean" | "bool" => Self::Boolean,
            "list" | "array" | "slice" => Self::List,
            "map" | "object" | "struct" => Self::Map,
            "any scalar" => Self::Scalar,
            "integer,string" | "string,integer" => Self::IntegerOrString,
            _ => return None,
        })
    }

    /// Whether a value is what is wanted.
    pub(super) fn fits(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::IntegerOrString => value.is_i64() || value.is_u64() || value.is_string(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Map => value.is_object(),
            Self::Scalar => !value.is_array() && !value.is_object() && !value.is_null(),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Map => "map",
            Self::Scalar => "single value",
            Self::IntegerOrString => "integer or string",
        }
    }
}

/// What is said about a wrong type, and what goes with it.
pub(super) struct WrongType {
    /// For people.
    pub(super) message: String,
    /// What would mend it.
    pub(super) suggestion: Suggestion,
    /// How to get past it.
    pub(super) peel: Peel,
}

/// Says what is wrong about `got` at `path`; a Secret's values are not repeated.
pub(super) fn explain(expected: Expected, got: &Value, path: &FieldPath, secret: bool) -> WrongType {
    let said = format!("expected {}, got {}", expected.word(), describe(got, secret));
    let (hint, suggestion, better) = advice(expected, got);
    let message = if hint.is_empty() {
        said
    } else {
        format!("{said} — {hint}")
    };
    let peel = match better {
        Some(value) => Peel::Set {
            path: path.clone(),
            value,
        },
        None => Peel::Remove(path.clone()),
    };
    WrongType {
        message,
        suggestion,
        peel,
    }
}

/// A hint, a suggestion, and a value of the right type where one can be made.
fn advice(expected: Expected, got: &Value) -> (&'static str, Suggestion, Option<Value>) {
    match (expected, got) {
        (Expected::String, Value::Number(_) | Value::Bool(_)) => (
            "put it in quotes",
            Suggestion::Quote,
            scalar_text(got).map(Value::String),
        ),
        (Expected::String, Value::Array(_) | Value::Object(_)) => (
            "for a text of several lines write | after the colon",
            Suggestion::None,
            None,
        ),
        (Expected::Number | Expected::Integer, Value::String(text)) => match number_in(text, expected) {
            Some(number) => (
                "remove the quotes",
                Suggestion::Replace(vec![number.to_string()]),
                Some(number),
            ),
            None => ("", Suggestion::None, None),
        },
        (Expected::Boolean, Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => (
                "remove the quotes",
                Suggestion::Replace(vec!["true".to_owned()]),
                Some(Value::Bool(true)),
            ),
            "false" => (
                "remove the quotes",
                Suggestion::Replace(vec!["false".to_owned()]),
                Some(Value::Bool(false)),
            ),
            "yes" | "on" | "y" => (
                "write true",
                Suggestion::Replace(vec!["true".to_owned()]),
                Some(Value::Bool(true)),
            ),
            "no" | "off" | "n" => (
                "write false",
                Suggestion::Replace(vec!["false".to_owned()]),
                Some(Value::Bool(false)),
            ),
            _ => ("write true or false", Suggestion::None, None),
        },
        (Expected::Boolean, _) => ("write true or false", Suggestion::None, None),
        (Expected::List, Value::String(text)) if !text.contains('\n') => {
            let item = format!("[{}]", yaml_scalar(text));
            (
                "put it in brackets or behind a dash",
                Suggestion::Replace(vec![item]),
                Some(Value::Array(vec![got.clone()])),
            )
        }
        (Expected::List, Value::Object(_)) => (
            "start each item with a dash",
            Suggestion::None,
            Some(Value::Array(vec![got.clone()])),
        ),
        (Expected::List | Expected::Map, Value::Null) => {
            ("give it a value or remove the key", Suggestion::Remove, None)
        }
        (Expected::Map, Value::Array(_)) => ("write key: value without dashes", Suggestion::None, None),
        (Expected::Map, Value::String(text)) if lacks_a_blank(text) => {
            ("a blank is missing after the colon", Suggestion::None, None)
        }
        (Expected::Map, _) => (KEYS_BELOW, Suggestion::None, None),
        _ => ("", Suggestion::None, None),
    }
}

/// The number that a text holds, if it is one that YAML and JSON write the same way.
fn number_in(text: &str, expected: Expected) -> Option<Value> {
    let value: Value = serde_json::from_str(text.trim()).ok()?;
    let fits = value.is_i64() || value.is_u64() || (value.is_f64() && expected == Expected::Number);
    fits.then_some(value)
}

/// Whether a text looks like `key:value`.
fn lacks_a_blank(text: &str) -> bool {
    text.split_once(':').is_some_and(|(key, value)| {
        let name = !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
        name && !value.is_empty() && !value.starts_with(['/', ' '])
    })
}

#[cfg(test)]
mod tests {
    use gitops_yaml::FieldPath;
    use serde_json::{Value, json};

    use super::{Expected, explain};

    fn check(expected: Expected, got: &Value, message: &str) {
        assert_eq!(explain(expected, got, &FieldPath::new(), false).message, message);
    }

    #[test]
    fn says_what_to_do() {
        check(
            Expected::String,
            &json!(22),
            "expected string, got number 22 — put it in quotes",
        );
        check(
            Expected::String,
            &json!(["a"]),
            "expected string, got list — for a text of several lines write | after the colon",
        );
        check(
            Expected::Number,
            &json!("8080"),
            "expected number, got string \"8080\" — remove the quotes",
        );
        check(
            Expected::Number,
            &json!("three"),
            "expected number, got string \"three\"",
        );
        check(
            Expected::Boolean,
            &json!("yes"),
            "expected boolean, got string \"yes\" — write true",
        );
        check(
            Expected::List,
            &json!({"key": "value"}),
            "expected list, got map — start each item with a dash",
        );
        check(
            Expected::Map,
            &json!(["not a map"]),
            "expected map, got list — write key: value without dashes",
        );
        check(
            Expected::Map,
            &json!("app:web"),
            "expected map, got string \"app:web\" — a blank is missing after the colon",
        );
        check(
            Expected::List,
            &json!(null),
            "expected list, got nothing (null) — give it a value or remove the key",
        );
        let secret = explain(Expected::String, &json!(4711), &FieldPath::new(), true);
        assert_eq!(secret.message, "expected string, got number — put it in quotes");
    }
}
