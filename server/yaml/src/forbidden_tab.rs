//! Tabs that today's YAML lets pass and go-yaml, so kubectl and Flux, refuses.
//!
//! Its rules, from `scannerc.go`: between tokens, outside brackets, a tab is refused wherever a key could start, which is at the start of a line and behind `-` and `?`; below a text without quotes it is refused up to the column of the mapping around it; in a text after `|` or `>` it is refused in the indentation.

use crate::document::{Document, NodeData, Shape};
use crate::error::SyntaxError;
use crate::explain::tab_error;
use crate::line::{column, narrow};
use crate::node::Style;
use gitops_text::Span;

/// Finds them in a whole document.
pub(crate) fn forbidden_tabs(document: &Document, text: &str, errors: &mut Vec<SyntaxError>) {
    if !document.span.slice(text).contains('\t') {
        return;
    }
    let mut found = Vec::new();
    // The block collections around a node: where each ends, and its column.
    let mut around: Vec<(u32, usize)> = Vec::new();
    let mut before = Before::Nothing;
    let mut at = document.span.start;
    let mut index = 0_u32;
    while let Some(&node) = document.nodes.get(index as usize) {
        while around.pop_if(|(next, _)| *next <= index).is_some() {}
        match node.shape {
            Shape::BlockMapping | Shape::BlockSequence => {
                around.push((node.next, column(text, node.start)));
            }
            Shape::Scalar(Style::Plain) if node.start == node.end => {}
            _ => {
                in_gap(text, Span::new(at, node.start), &before, &mut found);
                before = Before::of(node, around.last().map(|&(_, column)| column));
                if before == Before::Block {
                    in_block_scalar(
                        text,
                        node,
                        around.last().map_or(0, |&(_, column)| column + 1),
                        &mut found,
                    );
                }
                at = node.end;
            }
        }
        index = if node.is_flow() {
            node.next.max(index + 1)
        } else {
            index + 1
        };
    }
    in_gap(text, Span::new(at, document.span.end), &before, &mut found);
    errors.extend(found.into_iter().map(tab_error));
}

/// What stands before a gap between tokens.
#[derive(PartialEq, Eq)]
enum Before {
    Nothing,
    /// A text without quotes, in a collection that stands at a column.
    Plain(Option<usize>),
    /// A text after `|` or `>`.
    Block,
    Other,
}

impl Before {
    fn of(node: NodeData, around: Option<usize>) -> Self {
        match node.shape {
            Shape::Scalar(Style::Plain) => Self::Plain(around),
            Shape::Scalar(Style::Literal | Style::Folded) => Self::Block,
            _ => Self::Other,
        }
    }
}

fn in_gap(text: &str, gap: Span, before: &Before, found: &mut Vec<Span>) {
    let bytes = gap.slice(text).as_bytes();
    let mut at = 0;
    let mut key_can_start = matches!(before, Before::Nothing | Before::Block);
    match before {
        Before::Plain(around) => {
            at = below_plain(bytes, gap.start, *around, found);
            let passed = bytes.get(..at).unwrap_or_default();
            key_can_start = passed.contains(&b'\n');
        }
        Before::Block => {
            // Blank lines are still part of that text.
            let blank = bytes.iter().position(|byte| !byte.is_ascii_whitespace());
            let blanks = bytes.get(..blank.unwrap_or(bytes.len())).unwrap_or_default();
            at = blanks
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(0, |line| line + 1);
            if blank.is_none() {
                return;
            }
        }
        Before::Nothing | Before::Other => {}
    }
    let mut line_is_blank = key_can_start;
    while let Some(&byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let next_is_blank = rest.get(1).is_none_or(u8::is_ascii_whitespace);
        let mut length = 1;
        match byte {
            b'\n' | b'\r' => {
                key_can_start = true;
                line_is_blank = true;
            }
            b' ' => {}
            b'\t' => {
                length = run(rest, |byte| byte == b'\t');
                if key_can_start {
                    found.push(place(gap.start, at, length));
                }
            }
            b'#' => length = run(rest, |byte| byte != b'\n' && byte != b'\r'),
            b'-' | b'?' if next_is_blank => {
                key_can_start = true;
                line_is_blank = false;
            }
            b':' => {
                // A colon that starts a line is behind a key that has a line of its own.
                key_can_start = line_is_blank;
                line_is_blank = false;
            }
            _ => {
                length = run(rest, |byte| !byte.is_ascii_whitespace());
                key_can_start = false;
                line_is_blank = false;
            }
        }
        at += length;
    }
}

/// What go-yaml reads over while a text without quotes could go on; says where that ends.
fn below_plain(bytes: &[u8], start: u32, around: Option<usize>, found: &mut Vec<Span>) -> usize {
    let mut line_start = None;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\n' | b'\r' => line_start = Some(at + 1),
            b' ' => {}
            b'\t' => {
                let column = line_start.map(|start| at - start);
                if column.is_some_and(|column| around.is_some_and(|around| column <= around)) {
                    let rest = bytes.get(at..).unwrap_or_default();
                    let length = run(rest, |byte| byte == b'\t');
                    found.push(place(start, at, length));
                    at += length - 1;
                }
            }
            _ => break,
        }
        at += 1;
    }
    at
}

/// Tabs in the indentation of a text after `|` or `>`; `least` is the column in which it can start.
fn in_block_scalar(text: &str, node: NodeData, least: usize, found: &mut Vec<Span>) {
    let raw = node.span().slice(text);
    let mut lines = raw.split_inclusive('\n');
    let header = lines.next().unwrap_or("");
    let mut offset = header.len();
    let digit = header
        .chars()
        .skip(1)
        .take(2)
        .find_map(|character| character.to_digit(10));
    let mut indented = digit.map(|digit| least.saturating_sub(1) + digit as usize);
    let mut deepest = 0;
    for line in lines {
        let blanks = run(line.as_bytes(), |byte| byte == b' ');
        deepest = deepest.max(blanks);
        let rest = line.as_bytes().get(blanks..).unwrap_or_default();
        if rest.first() == Some(&b'\t') && indented.is_none_or(|indented| blanks < indented) {
            let length = run(rest, |byte| byte == b'\t');
            found.push(place(node.start, offset + blanks, length));
        }
        let has_words = rest.iter().any(|byte| !byte.is_ascii_whitespace());
        if indented.is_none() && has_words {
            indented = Some(deepest.max(least));
        }
        offset += line.len();
    }
}

/// How many bytes are of a sort.
fn run(bytes: &[u8], is_wanted: impl Fn(u8) -> bool) -> usize {
    let other = bytes.iter().position(|&byte| !is_wanted(byte));
    other.unwrap_or(bytes.len())
}

fn place(start: u32, at: usize, length: usize) -> Span {
    let start = start.saturating_add(narrow(at));
    Span::new(start, start.saturating_add(narrow(length)))
}
