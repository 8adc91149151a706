//! Lines at a column where nothing can stand.

use super::{Fault, brackets, not_yaml};
use crate::document::Shape;
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::line::{column, content_of_line, indentation, line_at, line_number, narrow, rest_of_line};
use crate::node::Style;
use crate::progress::Around;
use gitops_text::Span;

pub(super) fn explain(fault: &Fault<'_>) -> SyntaxError {
    let text = fault.text;
    let line = line_at(text, fault.at);
    let indented = narrow(indentation(line.slice(text)).len());
    let content = line.start.saturating_add(indented);
    let before = Span::new(content, fault.at).slice(text);
    // The parser can have read the dash of an item before it found that there is no list.
    let is_dash = !before.is_empty() && before.chars().all(|character| matches!(character, '-' | ' '));
    if !before.is_empty() && !is_dash {
        return behind_a_value(fault);
    }
    let here = content_of_line(text, fault.at);
    if let Some(last) = fault.progress.last_node()
        && matches!(last.shape, Shape::Scalar(Style::Literal | Style::Folded))
        && last.end < content
    {
        let first = line_at(text, last.start).slice(text);
        let sign = if last.shape == Shape::Scalar(Style::Literal) {
            '|'
        } else {
            '>'
        };
        if !here.slice(text).contains(": ") && !here.slice(text).ends_with(':') {
            return SyntaxError {
                span: here,
                kind: SyntaxErrorKind::Indentation,
                message: format!(
                    "this line is indented less than the text after `{sign}` that it stands below, and so is no part of it"
                ),
                related: Some((
                    Span::new(last.start, last.start + 1),
                    format!("the text starts here: `{}`", first.trim()),
                )),
            };
        }
    }
    misplaced(fault, here, column(text, content))
}

/// Something stands on the line of a value that is already complete.
fn behind_a_value(fault: &Fault<'_>) -> SyntaxError {
    let text = fault.text;
    let rest = rest_of_line(text, fault.at);
    let Some(last) = fault.progress.last_token() else {
        return not_yaml(rest, "something stands behind a value on its line");
    };
    match last.shape {
        Shape::FlowMapping | Shape::FlowSequence => brackets::behind(fault, last.span()),
        Shape::Alias => not_yaml(
            Span::new(last.start, rest.end),
            "something stands behind an alias; a text that starts with `*` goes in quotes",
        ),
        _ if rest.slice(text).starts_with(['&', '*', '!']) => {
            not_yaml(rest, "a value can have one anchor and one tag, and an alias has none")
        }
        _ => not_yaml(rest, "something stands behind a value on its line"),
    }
}

fn misplaced(fault: &Fault<'_>, here: Span, indented: usize) -> SyntaxError {
    let text = fault.text;
    let words = here.slice(text);
    let is_item = words == "-" || words.starts_with("- ");
    let around = &fault.progress.around;
    let same = around.iter().rev().find(|around| around.column == indented);
    let what = if is_item { "list item" } else { "key" };
    if let Some(same) = same.filter(|same| same.is_sequence() != is_item) {
        let other = if same.is_sequence() {
            "the items of a list"
        } else {
            "the keys of a mapping"
        };
        return SyntaxError {
            span: here,
            kind: SyntaxErrorKind::Indentation,
            message: format!(
                "a {what} stands in the column of {other}: its indentation of {indented} is that of line {}",
                line_number(text, same.start) + 1
            ),
            related: Some((content_of_line(text, same.start), format!("{other} start here"))),
        };
    }
    if around.is_empty() {
        return not_yaml(
            here,
            "the document is complete above this line: what follows belongs to nothing; a new document starts with `---`",
        );
    }
    if let Some(odd) = too_deep(text, around, here, indented) {
        return odd;
    }
    let mut columns: Vec<usize> = around.iter().map(|around| around.column).collect();
    columns.dedup();
    let list = enumerate(&columns);
    let nearest = around
        .iter()
        .min_by_key(|around| (around.column.abs_diff(indented), around.is_sequence() != is_item));
    SyntaxError {
        span: here,
        kind: SyntaxErrorKind::Indentation,
        message: format!(
            "this line is indented by {indented} and belongs to no mapping or list: those around it stand at {list}"
        ),
        related: nearest.map(|nearest: &Around| {
            (
                content_of_line(text, nearest.start),
                format!("this one stands at {}", nearest.column),
            )
        }),
    }
}

/// One key above that is itself out of line: all others are indented as this line is, and it is the only one of its mapping.
fn too_deep(text: &str, around: &[Around], here: Span, indented: usize) -> Option<SyntaxError> {
    let first = around.iter().position(|around| around.column > indented)?;
    let (above, deepest) = (around.get(..first)?, around.get(first)?);
    let parent = above.last()?;
    if deepest.is_sequence() || parent.column == indented {
        return None;
    }
    let steps = above.windows(2).filter_map(|pair| match pair {
        [outer, inner] => inner.column.checked_sub(outer.column).filter(|step| *step > 0),
        _ => None,
    });
    let steps: Vec<usize> = steps.collect();
    // For want of another in the text: nobody indents by an odd number.
    let is_usual = |column: usize| match column - parent.column {
        step if steps.is_empty() => step % 2 == 0,
        step => steps.contains(&step),
    };
    let keys = Span::new(line_at(text, deepest.start).start, line_at(text, here.start).start);
    let own = keys.slice(text).lines().filter(|line| {
        let is_comment = line.trim_start().starts_with('#');
        !is_comment && indentation(line).len() == deepest.column
    });
    // The first key of a list's item stands behind a dash, and is none of them.
    if !is_usual(indented) || is_usual(deepest.column) || own.count() > 1 {
        return None;
    }
    Some(SyntaxError {
        span: content_of_line(text, deepest.start),
        kind: SyntaxErrorKind::Indentation,
        message: format!(
            "this line is indented by {} and what follows by {indented}, so that they do not belong together",
            deepest.column
        ),
        related: Some((here, format!("this one stands at {indented}"))),
    })
}

fn enumerate(numbers: &[usize]) -> String {
    let words: Vec<String> = numbers.iter().map(usize::to_string).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
