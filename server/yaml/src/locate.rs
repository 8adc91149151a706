//! From a field path to its place in the text, and back.

use crate::document::Document;
use crate::field_path::{FieldPath, Step};
use crate::node::{Node, NodeKind};
use gitops_text::Span;

/// Where a path leads, or its nearest ancestor that exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Located {
    /// How many steps of the path exist.
    pub matched: usize,
    /// The key of the last step that exists, if that is a key.
    pub key: Option<Span>,
    /// The value of the last step that exists: of the alias, where an alias is written.
    pub value: Option<Span>,
    /// The item of the last step that exists, if that is an index: from its first content to its end.
    pub item: Option<Span>,
}

/// What of a field an offset is on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum On {
    /// The key.
    Key,
    /// The value, or what stands between a key and its value.
    Value,
}

impl Document {
    /// Finds a path, or its nearest ancestor that exists.
    ///
    /// A step that goes inside an alias goes on at the anchor, and a key that only a `<<` brings is found where it is written.
    #[must_use]
    pub fn locate(&self, text: &str, path: &FieldPath) -> Located {
        let Some(mut node) = self.root(text) else {
            return Located::default();
        };
        let mut located = Located {
            value: Some(node.span()),
            ..Located::default()
        };
        for step in path.steps() {
            match step {
                Step::Key(name) => {
                    let Some((key, value)) = node.entry(name) else {
                        break;
                    };
                    located.key = Some(key.span());
                    located.item = None;
                    node = value;
                }
                Step::Index(index) => {
                    let Some(item) = node.resolved().items().nth(*index) else {
                        break;
                    };
                    located.key = None;
                    located.item = Some(item.span());
                    node = item;
                }
            }
            located.value = Some(node.span());
            located.matched += 1;
        }
        located
    }

    /// The node at a path, if all of it exists; an alias at its end is not followed.
    #[must_use]
    pub fn node_at<'a>(&'a self, text: &'a str, path: &FieldPath) -> Option<Node<'a>> {
        path.steps().iter().try_fold(self.root(text)?, |node, step| match step {
            Step::Key(name) => node.get(name),
            Step::Index(index) => node.resolved().items().nth(*index),
        })
    }

    /// The field at an offset: the innermost whose key or value touches it, or has only blanks between itself and the offset.
    ///
    /// `None` when the offset is in another document or there is nothing in this one.
    #[must_use]
    pub fn path_at(&self, text: &str, offset: u32) -> Option<(FieldPath, On)> {
        if !self.span.touches(offset) {
            return None;
        }
        let mut node = self.root(text)?;
        let mut path = FieldPath::new();
        'down: loop {
            match node.kind() {
                NodeKind::Mapping => {
                    // Of two entries that both touch, as in `{a,b}`, the later one starts at the offset.
                    let entry = node
                        .entries()
                        .filter(|(key, value)| reaches(text, key.span().cover(value.span()), offset))
                        .last();
                    let Some((key, value)) = entry else {
                        break 'down;
                    };
                    let Some(name) = key.as_str() else {
                        break 'down;
                    };
                    path.push_key(name);
                    if key.span().touches(offset) {
                        return Some((path, On::Key));
                    }
                    node = value;
                }
                NodeKind::Sequence => {
                    let item = node
                        .items()
                        .enumerate()
                        .filter(|(_, item)| reaches(text, item.span(), offset))
                        .last();
                    let Some((index, item)) = item else {
                        break 'down;
                    };
                    path.push_index(index);
                    node = item;
                }
                NodeKind::Scalar | NodeKind::Alias => break 'down,
            }
        }
        Some((path, On::Value))
    }
}

/// Whether an offset is on a span, or behind it on its line with only blanks between.
fn reaches(text: &str, span: Span, offset: u32) -> bool {
    let is_blank = |between: Span| between.slice(text).bytes().all(|byte| byte == b' ' || byte == b'\t');
    span.touches(offset) || (span.end < offset && is_blank(Span::new(span.end, offset)))
}
