//! Keys without a colon, colons without a blank, and values with a colon in them.

use super::{Fault, not_yaml};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::line::{content_of_line, line_at, narrow, rest_of_line};
use gitops_text::Span;

/// YAML's own bound for the length of a key.
const LONGEST_KEY: u32 = 1024;

/// A colon stands where a key cannot end.
pub(super) fn second_colon(fault: &Fault<'_>) -> SyntaxError {
    let text = fault.text;
    let start = fault.progress.last_text_before(fault.text, fault.at);
    if fault.at.saturating_sub(start) > LONGEST_KEY {
        return not_yaml(
            content_of_line(text, fault.at),
            "a key can have 1024 characters at most",
        );
    }
    let first_line = line_at(text, start);
    if first_line.end >= fault.at {
        return value_with_colon(fault, start);
    }
    // A text that starts on a line above goes on here, up to this colon.
    let before = Span::new(first_line.start, start).slice(text);
    let is_value = before.contains(": ") || before.trim_end().ends_with(':');
    let here = content_of_line(text, fault.at);
    let first = content_of_line(text, start);
    if is_value {
        let key = before.trim().trim_start_matches("- ").trim_end_matches(':').trim_end();
        let message = format!(
            "this line is indented deeper than `{key}`, which has a value on its own line already, so that it reads as more of that value"
        );
        return SyntaxError {
            span: here,
            kind: SyntaxErrorKind::Indentation,
            message,
            related: Some((first, format!("the value of `{key}`"))),
        };
    }
    let mut error = key_without_colon(text, rest_of_line(text, start));
    error.related = Some((here, "this line reads as more of it".into()));
    error
}

fn value_with_colon(fault: &Fault<'_>, start: u32) -> SyntaxError {
    let text = fault.text;
    let value = rest_of_line(text, start.min(fault.at));
    let message = match value.slice(text).strip_prefix(['"', '\'', '[', '{']) {
        Some(_) => "a second `: ` stands on this line: one line can have one key and its value",
        None => "a value without quotes cannot have `: ` in it: put the value in quotes",
    };
    not_yaml(value, message)
}

/// A line is neither a key nor an item.
pub(super) fn no_colon(fault: &Fault<'_>) -> SyntaxError {
    key_without_colon(fault.text, rest_of_line(fault.text, fault.at))
}

/// `spec`, `replicas:3` or `name web` where `key: value` was meant.
fn key_without_colon(text: &str, span: Span) -> SyntaxError {
    let words = span.slice(text);
    let name_length = words.find(|character: char| !is_name(character)).unwrap_or(words.len());
    let (name, rest) = words.split_at_checked(name_length).unwrap_or((words, ""));
    let place = Span::new(span.start, span.start.saturating_add(narrow(words.len())));
    if let Some(value) = rest
        .strip_prefix(':')
        .filter(|value| !value.is_empty() && !name.is_empty())
    {
        let message = format!("a blank is missing after the colon: `{name}: {}`", shortened(value));
        return not_yaml(place, message);
    }
    let more = "more of a text above is indented deeper than its key";
    let message = match (name, rest.trim()) {
        ("", _) => format!("this line is neither a key with a colon nor a list item; {more}"),
        (name, "") => format!("`{name}` has no colon: a key is written `{name}:`; {more}"),
        (name, value) if value.contains(' ') => {
            format!(
                "this line has no colon: a key is written `{name}: {}`; {more}",
                shortened(value)
            )
        }
        (name, value) => format!("`{name}` has no colon: a key is written `{name}: {value}`"),
    };
    not_yaml(place, message)
}

/// The start of a text, so that a message stays a line.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 30;
    let text = text.trim();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '_' | '.' | '/')
}
