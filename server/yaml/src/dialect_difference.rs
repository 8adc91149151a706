//! What kubectl and Flux read as different values.

use crate::dialect::{Dialect, Value, may_differ, resolve, resolve_strictly};
use crate::document::{Document, Shape};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::node::{Node, Scalar, Style};
use crate::timestamp::timestamp;
use gitops_text::Span;

/// Finds it in a whole document.
pub(crate) fn dialect_differences(document: &Document, text: &str, errors: &mut Vec<SyntaxError>) {
    // A key is judged with its mapping.
    let mut keys = Vec::new();
    for (index, data) in (0_u32..).zip(&document.nodes) {
        let node = Node { document, text, index };
        match data.shape {
            Shape::BlockMapping | Shape::FlowMapping => mapping(node, errors, &mut keys),
            Shape::Scalar(_) if keys.last() != Some(&index) && !node.is_plainly_a_text() => {
                if let Some(scalar) = node.scalar() {
                    value(node, scalar, errors);
                }
            }
            _ => {}
        }
        if keys.last() == Some(&index) {
            keys.pop();
        }
    }
}

fn value(node: Node<'_>, scalar: Scalar<'_>, errors: &mut Vec<SyntaxError>) {
    if ends_at_end_of_text(node, scalar) {
        let message = "the file does not end with a line break: kubectl ends this text with one, Flux does not";
        errors.push(difference(node.span(), message.into()));
        return;
    }
    // Quotes alone make it a text for both.
    let is_quoted = scalar.style != Style::Plain && scalar.tag.is_none();
    if is_quoted || !may_differ(scalar.value, scalar.tag) {
        return;
    }
    let kubectl = resolve_strictly(Dialect::Kubectl, scalar.value, scalar.style, scalar.tag);
    let flux = resolve_strictly(Dialect::Kustomize, scalar.value, scalar.style, scalar.tag);
    if kubectl == flux || is_nan(kubectl.as_ref()) {
        return;
    }
    let written = scalar.value;
    let message = format!(
        "kubectl reads `{written}` as {}, Flux as {}: {}",
        in_words(kubectl.as_ref()),
        in_words(flux.as_ref()),
        advice(kubectl.as_ref())
    );
    errors.push(difference(node.span(), message));
}

fn mapping(mapping: Node<'_>, errors: &mut Vec<SyntaxError>, keys: &mut Vec<u32>) {
    let is_root = mapping.index == 0;
    let first_key = keys.len();
    let mut merges = false;
    for (key, value) in mapping.entries() {
        keys.push(key.index);
        if !key.is_plainly_a_text() {
            merges |= key.is_merge_key();
            if let Some(scalar) = key.scalar() {
                self::key(key, scalar, is_root, errors);
            }
        }
        if left_out_in_braces(mapping, value) {
            let place = key.span().cover(value.span());
            let message = "kubectl reads a value that is left out between braces as null, Flux as an empty text: write null or \"\"";
            errors.push(difference(place, message.into()));
        }
    }
    // The next one is to be the last.
    if let Some(own) = keys.get_mut(first_key..) {
        own.reverse();
    }
    if merges {
        overridden(mapping, errors);
    }
}

fn key(key: Node<'_>, scalar: Scalar<'_>, is_root: bool, errors: &mut Vec<SyntaxError>) {
    if scalar.style != Style::Plain && scalar.tag.is_none() {
        return;
    }
    let written = scalar.value;
    // Only what can be a number, a boolean, a time or null can be anything but a text.
    let can_be_other = scalar.tag.is_some()
        || may_differ(written, None)
        || written.starts_with([
            '.', '+', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 't', 'T', 'f', 'F',
        ]);
    if !can_be_other {
        return;
    }
    let kubectl = resolve(Dialect::Kubectl, written, scalar.style, scalar.tag);
    if kubectl == Value::Null {
        return;
    }
    let flux = resolve(Dialect::Kustomize, written, scalar.style, scalar.tag);
    let is_time = scalar.tag.is_none() && timestamp(written).is_some();
    let is_text = matches!(&flux, Value::String(text) if text == written) && !is_time;
    let kubectl_text = crate::json::key_text(&kubectl);
    let message = match kubectl_text {
        _ if !is_text && !is_root => format!(
            "Flux cannot build a mapping with a key that is {}: put the key in quotes",
            if is_time {
                "a time".into()
            } else {
                in_words(Some(&flux))
            }
        ),
        Some(kubectl_text) if kubectl_text != written => {
            format!("kubectl reads the key `{written}` as `{kubectl_text}`, Flux as it is written: put it in quotes")
        }
        _ => return,
    };
    errors.push(difference(key.span(), message));
}

/// kubectl lets a `<<` replace what stands before it in its mapping, Flux never.
fn overridden(mapping: Node<'_>, errors: &mut Vec<SyntaxError>) {
    let mut before: Vec<(Node<'_>, Node<'_>)> = Vec::new();
    for (key, value) in mapping.entries() {
        if !key.is_merge_key() {
            before.push((key, value));
            continue;
        }
        for &(own_key, own_value) in &before {
            let Some(name) = own_key.as_str() else { continue };
            let brought = value.merged_mappings().find_map(|merged| merged.get(name));
            let Some(brought) = brought else { continue };
            if own_value.to_json(Dialect::Kubectl) == brought.to_json(Dialect::Kubectl) {
                continue;
            }
            let message = format!(
                "kubectl takes `{name}` from the `<<` that stands below it, Flux takes this one: put the `<<` first"
            );
            let mut error = difference(own_key.span(), message);
            error.related = Some((brought.span(), "kubectl takes this".into()));
            errors.push(error);
        }
    }
}

/// Flux reads such a value as an empty text.
pub(crate) fn left_out_in_braces(mapping: Node<'_>, value: Node<'_>) -> bool {
    let data = value.data();
    mapping.is_flow()
        && !is_template(mapping)
        && data.start == data.end
        && data.shape == Shape::Scalar(Style::Plain)
        && value.tag().is_none()
}

/// Whether a mapping is half of a `{{ … }}`, which has an error of its own.
fn is_template(mapping: Node<'_>) -> bool {
    let span = mapping.span();
    let outer = Span::new(span.start, span.start.saturating_add(2));
    let inner = Span::new(span.start.saturating_sub(1), span.start.saturating_add(1));
    outer.slice(mapping.text) == "{{" || inner.slice(mapping.text) == "{{"
}

/// Whether a block scalar ends where the text ends, without a line break; only kubectl adds the one that is missing.
pub(crate) fn ends_at_end_of_text(node: Node<'_>, scalar: Scalar<'_>) -> bool {
    matches!(scalar.style, Style::Literal | Style::Folded)
        && node.span().end as usize == node.text.len()
        && scalar.value.ends_with('\n')
}

fn is_nan(value: Option<&Value<'_>>) -> bool {
    matches!(value, Some(Value::Float(number)) if number.is_nan())
}

fn in_words(value: Option<&Value<'_>>) -> String {
    match value {
        None => "an error".into(),
        Some(Value::Null) => "null".into(),
        Some(Value::Bool(value)) => format!("the boolean {value}"),
        Some(Value::Int(value)) => format!("the number {value}"),
        Some(Value::Float(value)) => format!("the number {value}"),
        Some(Value::String(text)) => format!("the text \"{text}\""),
    }
}

fn advice(kubectl: Option<&Value<'_>>) -> String {
    match kubectl {
        Some(Value::Bool(value)) => format!("write {value}, or put it in quotes"),
        _ => "put it in quotes".into(),
    }
}

fn difference(span: Span, message: String) -> SyntaxError {
    SyntaxError {
        span,
        kind: SyntaxErrorKind::DialectDifference,
        message,
        related: None,
    }
}
