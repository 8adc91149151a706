//! Words for people: YAML's words for values, lists of choices, and the server's words made short.

use serde_json::Value;

/// How much of the server's words is kept in a detail, in characters.
const MAX_DETAIL: usize = 800;
/// How much of one value is repeated in a message, in characters.
const MAX_VALUE: usize = 60;
/// From how many characters on a dump in braces is shortened.
const MAX_DUMP: usize = 80;

/// A value in YAML's words: `number 22`, `string "a"`, `list`, `map`, `nothing (null)`.
pub(super) fn describe(value: &Value, secret: bool) -> String {
    match value {
        Value::Null => "nothing (null)".to_owned(),
        Value::Bool(_) if secret => "boolean".to_owned(),
        Value::Number(_) if secret => "number".to_owned(),
        Value::String(_) if secret => "string".to_owned(),
        Value::Bool(flag) => format!("boolean {flag}"),
        Value::Number(number) => format!("number {number}"),
        Value::String(text) => format!("string {}", quote(text)),
        Value::Array(_) => "list".to_owned(),
        Value::Object(_) => "map".to_owned(),
    }
}

/// A text in double quotes, on one line, cut where it is long.
pub(super) fn quote(text: &str) -> String {
    let cut = cut(text, MAX_VALUE);
    format!(
        "\"{}\"",
        cut.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
            .replace('\r', "\\r")
    )
}

/// A scalar as a message names it: texts in quotes, the rest as it is.
pub(super) fn name_scalar(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        other => cut(&other.to_string(), MAX_VALUE),
    }
}

/// `use A` or `use one of A, B, C`; long lists are cut.
pub(super) fn one_of(choices: &[String]) -> String {
    const SHOWN: usize = 12;
    match choices {
        [] => String::new(),
        [only] => format!("use {only}"),
        many => {
            let shown: Vec<&str> = many.iter().take(SHOWN).map(String::as_str).collect();
            let more = if many.len() > SHOWN { ", …" } else { "" };
            format!("use one of {}{more}", shown.join(", "))
        }
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn and(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// A text as YAML writes it so that it stays a text: plain where that is possible, else in double quotes.
pub(super) fn yaml_scalar(text: &str) -> String {
    let plain_start = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/');
    let plain = plain_start
        && !text.ends_with(char::is_whitespace)
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '+' | ' ' | ':'))
        && !text.contains(": ")
        && !text.ends_with(':');
    let reads_as_something_else = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null" | "nan" | "inf"
    );
    if plain && !reads_as_something_else {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

/// A JSON scalar as YAML writes it.
pub(super) fn yaml_value(value: &Value) -> String {
    match value {
        Value::String(text) => yaml_scalar(text),
        other => other.to_string(),
    }
}

/// The server's words: on few lines, without dumps, cut where they are long.
pub(super) fn shorten(text: &str) -> String {
    cut(without_dumps(text).trim(), MAX_DETAIL)
}

/// Replaces everything in braces that is long, whether JSON or one of Go's notations, by `{…}`.
pub(super) fn without_dumps(text: &str) -> String {
    let mut short = String::with_capacity(text.len().min(MAX_DETAIL * 4));
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        short.push_str(before);
        match closing(from) {
            Some(end) if end <= MAX_DUMP => short.push_str(from.get(..end).unwrap_or_default()),
            Some(_) => short.push_str("{…}"),
            None => {
                // Not closed: a dump that was cut, or a brace in a pattern.
                if from.len() > MAX_DUMP {
                    short.push_str("{…");
                } else {
                    short.push_str(from);
                }
                return short;
            }
        }
        rest = closing(from).and_then(|end| from.get(end..)).unwrap_or_default();
    }
    short.push_str(rest);
    short
}

/// Where the bracket closes that a text starts with, just after it; brackets in quotes do not count.
pub(super) fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut in_quotes = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if in_quotes {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_quotes = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_quotes = true,
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// The first `most` characters, with `…` where more follow.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Every text in double quotes, unescaped, in order.
pub(super) fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('"') {
        let from = rest.get(open..).unwrap_or_default();
        match take_quoted(from) {
            Some((content, after)) => {
                found.push(content);
                rest = after;
            }
            None => break,
        }
    }
    found
}

/// A text in double quotes at the start, unescaped, and what follows it.
pub(super) fn take_quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut escaped = false;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => {
                let content = inside.get(..at)?;
                return Some((unescape(content), inside.get(at + 1..)?));
            }
            _ => {}
        }
    }
    None
}

/// Undoes the escapes of JSON and of Go's `%q`.
fn unescape(content: &str) -> String {
    if !content.contains('\\') {
        return content.to_owned();
    }
    if let Ok(text) = serde_json::from_str::<String>(&format!("\"{content}\"")) {
        return text;
    }
    let mut text = String::with_capacity(content.len());
    let mut characters = content.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

/// A sentence as it stands behind a colon; what begins with a name or an abbreviation stays as it is.
pub(super) fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}

/// What stands between two marks, from the first time the first one occurs.
pub(super) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(content, _)| content)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{describe, one_of, quoted, shorten, without_dumps, yaml_scalar};

    #[test]
    fn says_values_in_yaml_words() {
        assert_eq!(describe(&json!(22), false), "number 22");
        assert_eq!(describe(&json!("a\"b"), false), "string \"a\\\"b\"");
        assert_eq!(describe(&json!([1]), false), "list");
        assert_eq!(describe(&json!("top secret"), true), "string");
    }

    #[test]
    fn lists_choices() {
        assert_eq!(one_of(&["A".to_owned()]), "use A");
        assert_eq!(one_of(&["A".to_owned(), "B".to_owned()]), "use one of A, B");
    }

    #[test]
    fn keeps_texts_texts() {
        assert_eq!(yaml_scalar("ClusterIP"), "ClusterIP");
        assert_eq!(yaml_scalar("true"), "\"true\"");
        assert_eq!(yaml_scalar("8080"), "\"8080\"");
        assert_eq!(yaml_scalar("a: b"), "\"a: b\"");
        assert_eq!(yaml_scalar(""), "\"\"");
    }

    #[test]
    fn leaves_dumps_out() {
        let dump = format!("Invalid value: {{{}}}: field is immutable", "\"a\":1,".repeat(40));
        assert_eq!(without_dumps(&dump), "Invalid value: {…}: field is immutable");
        assert_eq!(without_dumps("{\"a\":1} and {b"), "{\"a\":1} and {b");
        assert!(shorten(&"x".repeat(5000)).chars().count() <= 801);
    }

    #[test]
    fn reads_quotes() {
        assert_eq!(quoted(r#"a "b" c "d\"e" "open"#), ["b", "d\"e"]);
    }
}
