//! What YAML allows, and kubectl and Flux refuse or leave unread.
//!
//! Both read with versions of go-yaml, whose YAML is in places that of 2005. Each case was tried with both.

use crate::dialect::{Dialect, Value, resolve, resolve_strictly};
use crate::document::{Document, Shape};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::explain::directive;
use crate::line::{content_of_line, line_at, narrow, next_line};
use crate::node::{Node, NodeKind, Scalar, Style};
use gitops_text::Span;

/// Finds it in a whole document; `is_first` says whether no document stands before it.
pub(crate) fn refused(document: &Document, text: &str, is_first: bool, errors: &mut Vec<SyntaxError>) {
    head(document, text, is_first, errors);
    for (index, data) in (0_u32..).zip(&document.nodes) {
        let node = Node { document, text, index };
        match data.shape {
            Shape::BlockMapping | Shape::FlowMapping => mapping(node, errors),
            Shape::Alias => name(data.span(), text, "alias", errors),
            // Only a scalar with a tag or an escape has more to look at.
            Shape::Scalar(_) if document.extra(*data).is_some() => scalar(node, errors),
            _ => {}
        }
        if let Some(anchor) = node.anchor() {
            name(anchor, text, "anchor", errors);
        }
    }
}

fn mapping(mapping: Node<'_>, errors: &mut Vec<SyntaxError>) {
    for (key, value) in mapping.entries() {
        if key.is_plainly_a_text() {
            continue;
        }
        if key.is_merge_key() {
            if !value.is_mergeable() && value.resolved().kind() != NodeKind::Alias {
                let message = "`<<` takes a mapping or a list of mappings";
                errors.push(refusal(value.span().cover(key.span()), message));
            }
            continue;
        }
        match key.scalar() {
            Some(scalar) if is_null(scalar) => {
                let message = "a key that is null is refused: a key is a text";
                let place = if key.span().is_empty() {
                    line_at(key.text, key.span().start)
                } else {
                    key.span()
                };
                errors.push(refusal(place, message));
            }
            None if key.resolved().kind() != NodeKind::Alias => {
                let is_template = key.span().slice(key.text).starts_with('{') && mapping.is_flow();
                let message = if is_template {
                    "`{{ … }}` is a template and no YAML: here it reads as a mapping whose key is a mapping, which is refused. Put it in quotes, or render the template first"
                } else {
                    "a key that is a mapping or a list is refused: a key is a text"
                };
                errors.push(refusal(key.span(), message));
            }
            _ => {}
        }
    }
}

fn is_null(scalar: Scalar<'_>) -> bool {
    let can_be = matches!(scalar.value.as_bytes().first(), None | Some(b'~' | b'n' | b'N'));
    can_be && resolve(Dialect::Kubectl, scalar.value, scalar.style, scalar.tag) == Value::Null
}

fn scalar(node: Node<'_>, errors: &mut Vec<SyntaxError>) {
    let Some(scalar) = node.scalar() else { return };
    let read = |dialect| resolve_strictly(dialect, scalar.value, scalar.style, scalar.tag);
    if let (Some(tag), None, None) = (scalar.tag, read(Dialect::Kubectl), read(Dialect::Kustomize)) {
        let message = format!("`{}` cannot be read as {tag}", scalar.value);
        errors.push(refusal(node.span(), &message));
    }
    if scalar.style != Style::DoubleQuoted {
        return;
    }
    let mut characters = scalar.raw.char_indices();
    while let Some((at, character)) = characters.next() {
        // What follows a backslash belongs to it, so that `\\/` is no `\/`.
        let escaped = (character == '\\').then(|| characters.next()).flatten();
        if matches!(escaped, Some((_, '/'))) {
            let start = node.span().start.saturating_add(narrow(at));
            let message = "the escape `\\/` is refused: a slash needs no backslash";
            errors.push(refusal(Span::new(start, start + 2), message));
        }
    }
}

/// go-yaml takes ASCII letters, digits, `-` and `_` in the name of an anchor.
fn name(span: Span, text: &str, what: &str, errors: &mut Vec<SyntaxError>) {
    let name = span.slice(text).get(1..).unwrap_or("");
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    // An alias whose anchor is not there has an error of its own.
    let is_known = !errors.iter().rev().any(|error| error.span == span);
    if !name.bytes().all(is_good) && is_known {
        let message = format!(
            "`{name}` is refused as the name of an {what}: only letters, digits, `-` and `_` are taken. A text that starts with `{}` goes in quotes",
            span.slice(text).get(..1).unwrap_or("")
        );
        errors.push(refusal(span, &message));
    }
}

/// What stands around the `---`.
fn head(document: &Document, text: &str, is_first: bool, errors: &mut Vec<SyntaxError>) {
    if !document.explicit {
        if let (Some(root), false) = (document.nodes.first(), is_first) {
            let message = "a document that does not start with `---` is not read when another stands before it: `...` ends the reading";
            errors.push(refusal(content_of_line(text, root.start), message));
        }
        return;
    }
    let mut line = Some(line_at(text, document.span.start));
    while let Some(span) = line.filter(|line| line.start <= document.span.end) {
        let words = span.slice(text).trim_start_matches('\u{FEFF}');
        if words.starts_with('%') {
            errors.push(directive(span));
        } else if let Some(behind) = words.strip_prefix("---") {
            let behind = behind.trim();
            if !behind.is_empty() && !behind.starts_with('#') {
                let message =
                    "kubectl and Flux take nothing but a comment behind `---`: the document starts on the next line";
                errors.push(refusal(span, message));
            }
            return;
        }
        line = next_line(text, span.end);
    }
}

fn refusal(span: Span, message: &str) -> SyntaxError {
    SyntaxError {
        span,
        kind: SyntaxErrorKind::Refused,
        message: message.to_owned(),
        related: None,
    }
}

/// Characters that go-yaml takes for line breaks and today's YAML does not.
const OLD_BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// Finds line breaks that cannot be seen, where they change what is read: in texts without quotes and in comments.
pub(crate) fn invisible_breaks(documents: &[Document], text: &str, span: Span, errors: &mut Vec<SyntaxError>) {
    if span.slice(text).is_ascii() {
        return;
    }
    for character in OLD_BREAKS {
        let mut encoded = [0; 4];
        let wanted: &str = character.encode_utf8(&mut encoded);
        // A search for a string is quicker than one for any of three characters.
        for (at, found) in span.slice(text).match_indices(wanted) {
            let start = span.start.saturating_add(narrow(at));
            let place = Span::new(start, start.saturating_add(narrow(found.len())));
            let after = documents.partition_point(|document| document.span.start <= start);
            let document = after.checked_sub(1).and_then(|index| documents.get(index));
            if document.is_some_and(|document| is_break_there(document, start)) {
                errors.push(SyntaxError {
                    span: place,
                    kind: SyntaxErrorKind::ControlCharacter,
                    message: format!(
                        "the character U+{:04X} cannot be seen, and kubectl and Flux take it for a line break",
                        u32::from(character)
                    ),
                    related: None,
                });
            }
        }
    }
}

fn is_break_there(document: &Document, offset: u32) -> bool {
    let after = document.nodes.partition_point(|node| node.start <= offset);
    let node = after.checked_sub(1).and_then(|index| document.nodes.get(index));
    let in_plain = node.is_some_and(|node| node.shape == Shape::Scalar(Style::Plain) && node.span().contains(offset));
    in_plain || document.comments.iter().any(|comment| comment.contains(offset))
}
