//! Quotes that are not closed, closed too early, or have wrong escapes in them.

use super::{Fault, not_yaml};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::line::{character_at, line_at, narrow, rest_of_line};
use gitops_text::Span;

pub(super) fn unclosed(fault: &Fault<'_>) -> SyntaxError {
    let opener = opener(fault).unwrap_or(fault.at);
    unclosed_at(fault, opener, "is opened here and not closed")
}

fn unclosed_at(fault: &Fault<'_>, opener: u32, what: &str) -> SyntaxError {
    let line = line_at(fault.text, opener);
    let rest = Span::new(opener, line.end);
    let length = narrow(rest.slice(fault.text).trim_end().len());
    let quote = character_at(fault.text, opener);
    SyntaxError {
        span: Span::new(opener, opener.saturating_add(length)),
        kind: SyntaxErrorKind::UnclosedQuote,
        message: format!("the quote {} {what}", quote.slice(fault.text)),
        related: Some((quote, "opened here".into())),
    }
}

/// Something follows the closing quote, which then may not be the one that was meant.
pub(super) fn trailing(fault: &Fault<'_>) -> SyntaxError {
    let text = fault.text;
    let before = Span::new(fault.document.start, fault.at).slice(text);
    let closing = fault.document.start + narrow(before.trim_end().len()).saturating_sub(1);
    let Some(opener) = opener(fault).filter(|&opener| opener < closing) else {
        return not_yaml(rest_of_line(text, fault.at), "something follows the closing quote");
    };
    if line_at(text, opener).end < closing {
        let mut error = unclosed_at(
            fault,
            opener,
            "is opened here and closed only lines below, where more follows",
        );
        let place = character_at(text, closing);
        error.related = Some((place, "this quote closes it".into()));
        return error;
    }
    let quote = character_at(text, opener).slice(text);
    let rest = rest_of_line(text, fault.at);
    let adjacent = closing + 1 == fault.at;
    let message = match quote {
        "'" if adjacent => "the quote ends before this; inside '…' a single quote is written twice: ''",
        "\"" if adjacent => "the quote ends before this; inside \"…\" a double quote is written \\\"",
        _ => "something follows the closing quote: the whole value goes in quotes, or nothing of it",
    };
    let mut error = not_yaml(rest, message);
    error.related = Some((character_at(text, opener), "the quote is opened here".into()));
    error
}

/// The backslash that starts no escape; the parser says where its scalar starts.
pub(super) fn escape(fault: &Fault<'_>) -> SyntaxError {
    const ESCAPES: &str = "0abtnvfre\"/\\N_LPxuU \t\r\n";
    let text = fault.text;
    let rest = Span::new(fault.at, fault.document.end).slice(text);
    let mut characters = rest.char_indices();
    while let Some((at, character)) = characters.next() {
        if character != '\\' {
            continue;
        }
        match characters.next() {
            Some((_, escaped)) if ESCAPES.contains(escaped) => {}
            escaped => {
                let length = 1 + escaped.map_or(0, |(_, escaped)| escaped.len_utf8());
                let start = fault.at.saturating_add(narrow(at));
                let span = Span::new(start, start.saturating_add(narrow(length)));
                let found = span.slice(text);
                let message = format!(
                    "`{found}` means nothing inside \"…\": a backslash is written `\\\\` there, and just so inside '…'"
                );
                return not_yaml(span, message);
            }
        }
    }
    not_yaml(rest_of_line(text, fault.at), fault.kind.to_string())
}

/// The quote that opens the scalar at which the parser stopped.
fn opener(fault: &Fault<'_>) -> Option<u32> {
    let is_quote = |offset: u32| matches!(character_at(fault.text, offset).slice(fault.text), "\"" | "'");
    let start = fault.progress.next_token(fault.text);
    if is_quote(start) && start <= fault.at {
        return Some(start);
    }
    is_quote(fault.at).then_some(fault.at)
}
