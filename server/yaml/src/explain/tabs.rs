//! Tabs where blanks are counted.

use super::Fault;
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::line::{indentation, line_at, narrow, next_line};
use gitops_text::Span;
use granit_parser::ErrorKind;

/// How many lines below the parser's place a tab is looked for: it names the start of a text that goes on over lines.
const LINES: usize = 50;

pub(super) fn explain(fault: &Fault<'_>) -> Option<SyntaxError> {
    let about_tabs = matches!(
        fault.kind,
        ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabNotAllowed
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::InvalidBlockEntryWhitespace
            | ErrorKind::InvalidMappingValueWhitespace
            | ErrorKind::UnexpectedCharacter { character: '\t' }
    );
    let about_columns = matches!(
        fault.kind,
        ErrorKind::ExpectedBlockMappingKey
            | ErrorKind::ExpectedBlockSequenceEntry
            | ErrorKind::ExpectedDocumentStart
            | ErrorKind::InvalidIndentation
            | ErrorKind::InvalidBlockScalarIndent
            | ErrorKind::SimpleKeyExpected
            | ErrorKind::MappingValueNotAllowed
    );
    let here = line_at(fault.text, fault.at);
    let tab = if about_tabs {
        let lines = std::iter::successors(Some(here), |line| next_line(fault.text, line.end));
        lines
            .take(LINES)
            .find_map(|line| tab_in_indentation(fault.text, line))
            .or_else(|| first_tab(fault.text, Span::new(fault.at, here.end)))?
    } else if about_columns {
        tab_in_indentation(fault.text, here).or_else(|| tab_in_blank_lines_above(fault.text, here))?
    } else {
        return None;
    };
    Some(tab_error(tab))
}

/// The fault that a run of tabs is.
pub(crate) fn tab_error(span: Span) -> SyntaxError {
    SyntaxError {
        span,
        kind: SyntaxErrorKind::Tab,
        message: "a tab stands where YAML counts blanks: indentation is made of blanks alone".into(),
        related: None,
    }
}

/// A text after `|` ends at a line of tabs, which looks as if it were blank.
fn tab_in_blank_lines_above(text: &str, line: Span) -> Option<Span> {
    let above = |line: &Span| Some(line_at(text, line.start.checked_sub(1)?));
    std::iter::successors(above(&line), above)
        .take(LINES)
        .take_while(|line| line.slice(text).trim().is_empty())
        .find_map(|line| tab_in_indentation(text, line))
}

fn tab_in_indentation(text: &str, line: Span) -> Option<Span> {
    let blanks = narrow(indentation(line.slice(text)).len());
    first_tab(text, Span::new(line.start, line.start.saturating_add(blanks)))
}

fn first_tab(text: &str, span: Span) -> Option<Span> {
    let words = span.slice(text);
    let found = words.find('\t')?;
    let tabs = words.get(found..)?;
    let length = tabs.len() - tabs.trim_start_matches('\t').len();
    let start = span.start.saturating_add(narrow(found));
    Some(Span::new(start, start.saturating_add(narrow(length))))
}
