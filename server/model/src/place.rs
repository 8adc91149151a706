//! From a field to the span that shows it.

use gitops_text::Span;
use gitops_yaml::{Document, FieldPath};

/// Which part of a field is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Want {
    /// The key, for fields that should not be there and for parents of what is missing.
    Key,
    /// The value.
    Value,
}

/// The span of a field of an object whose own place in the document is `base`.
///
/// Where the field is not there it is the nearest existing ancestor's key, or the item of the list;
/// where not even that is left, the object's `kind:` entry. Never the first line for want of a better place.
pub fn place(document: &Document, text: &str, base: &FieldPath, path: &FieldPath, want: Want) -> Span {
    let full = base.join(path);
    let located = document.locate(text, &full);
    let base_length = base.steps().len();
    if located.matched <= base_length && !path.is_empty() {
        return anchor_of_object(document, text, base);
    }
    let exact = located.matched == full.steps().len();
    let span = match want {
        Want::Value if exact => located
            .value
            .filter(|span| !span.is_empty())
            .or(located.key)
            .or(located.item),
        _ => located.key.or(located.item).or(located.value),
    };
    match span {
        Some(span) if !path.is_empty() => first_line(text, span),
        _ => anchor_of_object(document, text, base),
    }
}

/// The `kind:` entry of the object at `base`, else its `apiVersion:`, else the start of the object.
pub fn anchor_of_object(document: &Document, text: &str, base: &FieldPath) -> Span {
    for key in ["kind", "apiVersion"] {
        let mut path = base.clone();
        path.push_key(key);
        let located = document.locate(text, &path);
        if located.matched == path.steps().len()
            && let (Some(key), Some(value)) = (located.key, located.value)
        {
            return first_line(text, key.cover(value));
        }
    }
    let located = document.locate(text, base);
    let span = located.value.or(located.item).unwrap_or_else(|| document.span());
    first_line(text, span)
}

/// A squiggle over forty lines says nothing: a span that goes on past its first line ends there.
fn first_line(text: &str, span: Span) -> Span {
    let shown = span.slice(text);
    match shown.find(['\n', '\r']) {
        Some(length) => {
            let length = shown.get(..length).map_or(0, |line| line.trim_end().len());
            Span::new(
                span.start,
                span.start.saturating_add(u32::try_from(length).unwrap_or(0)),
            )
        }
        None => span,
    }
}
