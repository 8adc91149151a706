//! The parser's errors in words for people, where the fault is.
//!
//! The parser says where it could not go on. People look for the quote that was not closed, the line that lost a blank, the colon too many; finding these is what happens here, from the text and from what of the tree there is.

mod brackets;
mod colons;
mod columns;
mod quotes;
mod tabs;

pub(crate) use tabs::tab_error;

use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::line::{character_at, content_of_line, rest_of_line, word_at};
use crate::progress::Progress;
use gitops_text::Span;
use granit_parser::ErrorKind;

/// Where and why the parser stopped.
pub(crate) struct Fault<'a> {
    pub(crate) text: &'a str,
    /// The document's part of the text.
    pub(crate) document: Span,
    /// Where the parser says that the fault is.
    pub(crate) at: u32,
    pub(crate) kind: &'a ErrorKind,
    /// What was read before.
    pub(crate) progress: Progress<'a>,
}

/// Says what a fault means.
pub(crate) fn explain(fault: &Fault<'_>) -> SyntaxError {
    let mut error = tabs::explain(fault)
        .or_else(|| conflict_marker(fault))
        .or_else(|| template_line(fault))
        .unwrap_or_else(|| by_kind(fault));
    error.span = within(fault, error.span);
    error.related = error.related.map(|(span, message)| (within(fault, span), message));
    error
}

/// Keeps a span in its document.
fn within(fault: &Fault<'_>, span: Span) -> Span {
    let Span { start, end } = fault.document;
    Span::new(span.start.clamp(start, end), span.end.clamp(start, end))
}

fn by_kind(fault: &Fault<'_>) -> SyntaxError {
    let (text, at) = (fault.text, fault.at);
    match fault.kind {
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::DocumentIndicatorInQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent => quotes::unclosed(fault),
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            quotes::trailing(fault)
        }
        ErrorKind::UnknownQuotedScalarEscape => quotes::escape(fault),
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::FlowMappingValueAdjacentCollection
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::PlainScalarStartsWithDashFlowIndicator
        | ErrorKind::BlockEntryInFlowCollection => brackets::inside(fault),
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => brackets::mismatched(fault, *open, *close),
        ErrorKind::MisplacedFlowCollectionEnd => brackets::misplaced(fault),
        ErrorKind::MappingValueNotAllowed => colons::second_colon(fault),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => colons::no_colon(fault),
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::ExpectedDocumentStart
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidIndentation => columns::explain(fault),
        ErrorKind::BlockSequenceEntryNotAllowed => not_yaml(
            rest_of_line(text, at),
            "a list cannot start on the line of its key: the first `-` goes on the next line",
        ),
        ErrorKind::UnexpectedCharacter { character } => unexpected_character(fault, *character),
        ErrorKind::BomInsideDocument => SyntaxError {
            span: character_at(text, at),
            kind: SyntaxErrorKind::ControlCharacter,
            message: "an invisible byte order mark (U+FEFF) stands in the middle of the text".into(),
            related: None,
        },
        ErrorKind::RecursionLimitExceeded => SyntaxError {
            span: character_at(text, at),
            kind: SyntaxErrorKind::TooDeep,
            message: format!("nested deeper than {} levels", crate::reading::MAX_DEPTH),
            related: None,
        },
        ErrorKind::MissingAnchorOrAliasName => {
            let sign = character_at(text, at).slice(text);
            let name = if sign == "&" { "an anchor" } else { "an alias" };
            let message = format!("`{sign}` starts {name} and needs a name; a text that starts with it goes in quotes");
            not_yaml(rest_of_line(text, at), message)
        }
        ErrorKind::MissingTagUri
        | ErrorKind::InvalidTagTerminator
        | ErrorKind::UnclosedVerbatimTag
        | ErrorKind::InvalidTagEscape
        | ErrorKind::InvalidGlobalTagCharacter
        | ErrorKind::UndeclaredTagHandle => not_yaml(
            word_at(text, at),
            "`!` starts a tag, and this is none; a text that starts with it goes in quotes",
        ),
        ErrorKind::InvalidBlockScalarHeader | ErrorKind::ZeroBlockScalarIndent => {
            let sign = character_at(text, at).slice(text);
            let message = format!(
                "`{sign}` starts a text that begins on the next line; behind it only `+`, `-`, a digit from 1 to 9 and a comment can stand. A value that starts with `{sign}` goes in quotes"
            );
            not_yaml(rest_of_line(text, at), message)
        }
        ErrorKind::CommentNotSeparated => {
            not_yaml(word_at(text, at), "a blank is missing before the `#` of the comment")
        }
        ErrorKind::CommentInterceptedScalar => not_yaml(
            content_of_line(text, at),
            "a text that goes on over several lines cannot have a comment in between",
        ),
        ErrorKind::MappingKeyNotAllowed => not_yaml(
            rest_of_line(text, at),
            "`?` starts a key, which cannot stand here; a text that starts with it goes in quotes",
        ),
        ErrorKind::DuplicateVersionDirective
        | ErrorKind::UnsupportedYamlMajorVersion
        | ErrorKind::DuplicateTagDirective
        | ErrorKind::MissingDocumentEndBeforeDirective
        | ErrorKind::InvalidDirectiveTerminator
        | ErrorKind::MissingYamlVersionSeparator
        | ErrorKind::MissingDirectiveName
        | ErrorKind::InvalidDirectiveName
        | ErrorKind::DirectiveByteLimitExceeded { .. }
        | ErrorKind::TooManyReservedDirectiveParams { .. }
        | ErrorKind::YamlVersionTooLong
        | ErrorKind::MissingYamlVersion
        | ErrorKind::ExpectedTagDirectiveBang
        | ErrorKind::InvalidTagDirectiveTerminator => directive(content_of_line(text, at)),
        kind => {
            let word = word_at(text, at);
            let message = match word.slice(text) {
                "" => kind.to_string(),
                found => format!("`{found}` cannot stand here: {kind}"),
            };
            not_yaml(word, message)
        }
    }
}

/// A line that starts with `%`.
pub(crate) fn directive(span: Span) -> SyntaxError {
    SyntaxError {
        span,
        kind: SyntaxErrorKind::Directive,
        message: "a line that starts with `%` is a directive, and kubectl and Flux cannot read a file that has one"
            .into(),
        related: None,
    }
}

fn not_yaml(span: Span, message: impl Into<String>) -> SyntaxError {
    SyntaxError {
        span,
        kind: SyntaxErrorKind::NotYaml,
        message: message.into(),
        related: None,
    }
}

fn unexpected_character(fault: &Fault<'_>, character: char) -> SyntaxError {
    let text = fault.text;
    if character.is_control() || matches!(character, '\u{FFFE}' | '\u{FFFF}') {
        // The parser says where the scalar starts in which the character is.
        let rest = Span::new(fault.at, fault.document.end).slice(text);
        let found = rest.find(character).map_or(0, crate::line::narrow);
        return SyntaxError {
            span: character_at(text, fault.at.saturating_add(found)),
            kind: SyntaxErrorKind::ControlCharacter,
            message: format!("the character U+{:04X} is not allowed in YAML", u32::from(character)),
            related: None,
        };
    }
    let message = match character {
        '`' => "a text that starts with a backtick goes in quotes".to_owned(),
        _ => format!("a text that starts with `{character}` goes in quotes"),
    };
    not_yaml(rest_of_line(text, fault.at), message)
}

/// A line that is nothing but `{{ … }}`.
fn template_line(fault: &Fault<'_>) -> Option<SyntaxError> {
    let line = content_of_line(fault.text, fault.at);
    let from = line
        .start
        .saturating_add(crate::line::narrow(dashes(line.slice(fault.text))));
    brackets::template(fault, from)
}

/// How many bytes the dashes of list items take that a line starts with.
fn dashes(words: &str) -> usize {
    words.len() - words.trim_start_matches("- ").len()
}

/// What Git leaves in a file in which two changes meet.
fn conflict_marker(fault: &Fault<'_>) -> Option<SyntaxError> {
    let line = content_of_line(fault.text, fault.at);
    let marks = ["<<<<<<< ", "=======", ">>>>>>> "];
    let words = line.slice(fault.text);
    marks
        .iter()
        .any(|mark| words.starts_with(mark))
        .then(|| not_yaml(line, "a merge conflict is not resolved here"))
}
