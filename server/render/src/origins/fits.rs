//! Whether what is written can have become what is built.

use gitops_model::kustomize::Field;
use serde_json::Value;

/// Whether a node is built as it is written, apart from variables in its texts.
pub(super) fn fits(field: &Field<'_>, built: &Value) -> bool {
    field.json().is_some_and(|written| becomes(&written, built))
}

/// Whether a value becomes another by nothing but substitution.
pub(super) fn becomes(written: &Value, built: &Value) -> bool {
    match (written, built) {
        (Value::String(text), built) => {
            built.as_str() == Some(text) || (has_variable(text) && fits_text(text, built)) || same_text(text, built)
        }
        (Value::Object(written), Value::Object(built)) => {
            written.len() == built.len()
                && written
                    .iter()
                    .all(|(key, value)| built.get(key).is_some_and(|built| becomes(value, built)))
        }
        (Value::Array(written), Value::Array(built)) => {
            written.len() == built.len()
                && written
                    .iter()
                    .zip(built)
                    .all(|(written, built)| becomes(written, built))
        }
        (Value::Number(written), Value::Number(built)) => {
            written == built || (written.as_f64().is_some() && written.as_f64() == built.as_f64())
        }
        // A number or boolean where a text is wanted is built as the text that it is written with.
        (Value::Number(_) | Value::Bool(_), Value::String(built)) => scalar_text(written).as_ref() == Some(built),
        _ => written == built,
    }
}

/// A text that is built as a number or boolean, as after a substitution.
fn same_text(text: &str, built: &Value) -> bool {
    !built.is_string() && scalar_text(built).is_some_and(|built| built == text)
}

/// A scalar as YAML writes it without quotes; `None` for null and what is no scalar.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether a text has a variable of post-build substitution or one of kustomize's `vars`.
pub(super) fn has_variable(text: &str) -> bool {
    text.contains("${") || text.contains("$(")
}

/// Whether a text becomes a value when each variable in it stands for any text.
pub(super) fn fits_text(text: &str, built: &Value) -> bool {
    let built = match built {
        Value::Null => String::new(),
        built => match scalar_text(built) {
            Some(built) => built,
            None => return false,
        },
    };
    if !has_variable(text) {
        return text == built;
    }
    let fixed = fixed_parts(text);
    let (Some(first), Some(last)) = (fixed.first(), fixed.last()) else {
        return false;
    };
    let Some(rest) = built.strip_prefix(first.as_str()) else {
        return false;
    };
    let Some(mut rest) = rest.strip_suffix(last.as_str()) else {
        return false;
    };
    for part in fixed.iter().skip(1).take(fixed.len().saturating_sub(2)) {
        match rest.find(part.as_str()) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or(""),
            None => return false,
        }
    }
    true
}

/// What stands between the variables of a text: one part more than there are variables. `$$` stands for `$`.
fn fixed_parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        if let Some(part) = parts.last_mut() {
            part.push_str(before);
        }
        let close = match from.as_bytes().get(1) {
            Some(b'{') => from.find('}'),
            Some(b'(') => from.find(')'),
            _ => None,
        };
        if let Some(close) = close {
            parts.push(String::new());
            rest = from.get(close + 1..).unwrap_or("");
            continue;
        }
        let doubled = from.starts_with("$$");
        if let Some(part) = parts.last_mut() {
            part.push('$');
        }
        rest = from.get(1 + usize::from(doubled)..).unwrap_or("");
    }
    if let Some(part) = parts.last_mut() {
        part.push_str(rest);
    }
    parts
}

/// Whether a name is built from another by prefixes, suffixes and kustomize's hash of ten letters and digits.
pub(super) fn fits_name(written: &str, built: &str, prefixes: &[&str], suffixes: &[&str]) -> bool {
    if written.is_empty() {
        return false;
    }
    let found = built.match_indices(written);
    found.into_iter().any(|(at, _)| {
        let before = built.get(..at).unwrap_or("");
        let after = built.get(at + written.len()..).unwrap_or("");
        explained(before, prefixes, false) && explained(after, suffixes, true)
    })
}

/// Whether a text consists of some of the given ones, with a hash at its end where one may be.
fn explained(text: &str, affixes: &[&str], may_hash: bool) -> bool {
    if text.is_empty() || (may_hash && is_hash(text)) {
        return true;
    }
    affixes.iter().filter(|affix| !affix.is_empty()).any(|affix| {
        text.strip_prefix(affix)
            .is_some_and(|rest| explained(rest, affixes, may_hash))
    })
}

fn is_hash(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|hash| {
        hash.len() == 10
            && hash
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}
