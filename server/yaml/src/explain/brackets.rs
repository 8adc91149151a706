//! Brackets and braces that are not closed, closed wrongly, or have something wrong inside.

use super::{Fault, not_yaml};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::line::{character_at, line_at, narrow, rest_of_line};
use gitops_text::Span;
use granit_parser::ErrorKind;

/// Something is wrong between brackets.
pub(super) fn inside(fault: &Fault<'_>) -> SyntaxError {
    let text = fault.text;
    let Some(opener) = opener(fault) else {
        return not_yaml(rest_of_line(text, fault.at), fault.kind.to_string());
    };
    if let Some(error) = template(fault, opener) {
        return error;
    }
    let bracket = character_at(text, opener).slice(text);
    let never_closed = matches!(
        fault.kind,
        ErrorKind::UnclosedFlowCollection { .. }
            | ErrorKind::UnexpectedEofFlowMapping
            | ErrorKind::UnexpectedEofFlowSequence
    );
    let opener_line = line_at(text, opener);
    let at_end = Span::new(fault.at, fault.document.end).slice(text).trim().is_empty();
    if never_closed || at_end || opener_line.end < fault.at {
        let rest = Span::new(opener, opener_line.end).slice(text).trim_end();
        return SyntaxError {
            span: Span::new(opener, opener.saturating_add(narrow(rest.len()))),
            kind: SyntaxErrorKind::UnclosedBracket,
            message: format!("the bracket `{bracket}` is opened here and not closed"),
            related: Some((character_at(text, opener), "opened here".into())),
        };
    }
    let closing = if bracket == "{" { "}" } else { "]" };
    let found = character_at(text, fault.at).slice(text);
    let mut error = not_yaml(
        Span::new(opener, rest_of_line(text, opener).end),
        format!("between `{bracket}` and `{closing}`, `{found}` cannot stand here: `,` or `{closing}` is expected"),
    );
    error.related = Some((character_at(text, fault.at), "unexpected".into()));
    error
}

/// One kind of bracket is closed by the other.
pub(super) fn mismatched(fault: &Fault<'_>, open: char, close: char) -> SyntaxError {
    let text = fault.text;
    let opener = opener(fault).unwrap_or(fault.at);
    let mut error = SyntaxError {
        span: rest_of_line(text, opener),
        kind: SyntaxErrorKind::UnclosedBracket,
        message: format!("the bracket `{open}` is closed by `{close}`"),
        related: None,
    };
    let rest = Span::new(opener, fault.document.end).slice(text);
    if let Some(found) = rest.find(close) {
        let place = character_at(text, opener.saturating_add(narrow(found)));
        error.related = Some((place, "closed here".into()));
    }
    error
}

/// A bracket closes nothing.
pub(super) fn misplaced(fault: &Fault<'_>) -> SyntaxError {
    let bracket = character_at(fault.text, fault.at);
    let found = bracket.slice(fault.text);
    not_yaml(bracket, format!("the bracket `{found}` closes nothing that is open"))
}

/// Something follows a closing bracket on its line.
pub(super) fn behind(fault: &Fault<'_>, collection: Span) -> SyntaxError {
    let text = fault.text;
    if let Some(error) = template(fault, collection.start) {
        return error;
    }
    let bracket = character_at(text, collection.start).slice(text);
    let what = if bracket == "{" { "a mapping" } else { "a list" };
    let mut error = not_yaml(
        Span::new(collection.start, rest_of_line(text, fault.at).end),
        format!(
            "text follows a closing bracket: YAML reads what `{bracket}` starts as {what} (a flow collection); a text that starts with `{bracket}` goes in quotes"
        ),
    );
    error.related = Some((rest_of_line(text, fault.at), "unexpected text".into()));
    error
}

/// `{{ … }}` of Helm, Go or Jinja.
pub(super) fn template(fault: &Fault<'_>, opener: u32) -> Option<SyntaxError> {
    let text = fault.text;
    let from = match Span::new(opener.saturating_sub(1), opener.saturating_add(1)).slice(text) {
        "{{" => opener - 1,
        _ => opener,
    };
    let rest = text.get(from as usize..)?;
    rest.starts_with("{{").then(|| {
        let span = rest_of_line(text, from);
        not_yaml(
            span,
            "`{{ … }}` is a template and no YAML: YAML reads each `{` as the opening bracket of a mapping. Put it in quotes, or render the template first",
        )
    })
}

/// The innermost bracket that is open.
fn opener(fault: &Fault<'_>) -> Option<u32> {
    let is_bracket = |offset: u32| matches!(character_at(fault.text, offset).slice(fault.text), "[" | "{");
    if matches!(
        fault.kind,
        ErrorKind::UnclosedFlowCollection { .. } | ErrorKind::MismatchedFlowCollectionEnd { .. }
    ) && is_bracket(fault.at)
    {
        return Some(fault.at);
    }
    // The parser can have seen a bracket that is not in the tree yet.
    let next = fault.progress.next_token(fault.text);
    if next < fault.at && is_bracket(next) {
        return Some(next);
    }
    fault.progress.bracket
}
