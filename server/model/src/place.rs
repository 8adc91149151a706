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

/// Where an object begins: its first key, below the comments and the `---` before it; for an item of a `List` that of the
/// item. What is about the object as a whole and no fault of it, such as its state, stands on this line.
pub fn first_line_of_object(document: &Document, text: &str, base: &FieldPath) -> Span {
    let Some(node) = document.node_at(text, base) else {
        return anchor_of_object(document, text, base);
    };
    // An item that is an alias is where the alias is, not where its anchor is.
    let first = node.entries().next();
    let span = first.map_or(node.span(), |(key, value)| key.span().cover(value.span()));
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

#[cfg(test)]
mod tests {
    use gitops_yaml::{FieldPath, parse};

    use super::first_line_of_object;

    fn first_line(text: &str, document: usize, item: Option<usize>) -> &str {
        let parse = parse(text);
        let mut base = FieldPath::new();
        if let Some(item) = item {
            base.push_key("items");
            base.push_index(item);
        }
        first_line_of_object(&parse.documents[document], text, &base).slice(text)
    }

    #[test]
    fn an_object_begins_below_comments_and_marks() {
        let text = "# about the first\n---\n# and more\nmetadata:\n  name: a\nkind: Pod\n--- # about the second\n{ kind: Pod, apiVersion: v1 }\n";
        assert_eq!(first_line(text, 0, None), "metadata:");
        assert_eq!(first_line(text, 1, None), "kind: Pod");
    }

    #[test]
    fn an_item_of_a_list_begins_behind_its_dash() {
        let text =
            "kind: List\nitems:\n  # one\n  - &a\n    apiVersion: v1\n    kind: Pod\n  -   kind: Secret\n  - *a\n";
        assert_eq!(first_line(text, 0, Some(0)), "apiVersion: v1");
        assert_eq!(first_line(text, 0, Some(1)), "kind: Secret");
        assert_eq!(first_line(text, 0, Some(2)), "*a");
        assert_eq!(first_line(text, 0, None), "kind: List");
    }
}
