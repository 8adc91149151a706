//! One document as a flat tree.

use crate::node::{Node, Style};
use gitops_text::Span;

/// One document of a text: a tree in one vector, in the order of the text, without the text itself.
///
/// The methods that need the text take it again; it must be the text that was parsed. Another text gives wrong answers, never a panic.
#[derive(Clone, Debug, Default)]
pub struct Document {
    pub(crate) span: Span,
    pub(crate) explicit: bool,
    pub(crate) broken: bool,
    /// A node stands before its children; see [`NodeData::next`].
    pub(crate) nodes: Vec<NodeData>,
    pub(crate) extras: Vec<Extra>,
    pub(crate) comments: Vec<Span>,
}

/// What a node is, in one byte together with a scalar's style.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    BlockMapping,
    FlowMapping,
    BlockSequence,
    FlowSequence,
    Alias,
    Scalar(Style),
}

/// A node; 20 bytes, because a large file has hundreds of thousands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeData {
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Index of the first node after this one's children: the next sibling, if there is one.
    pub(crate) next: u32,
    /// Index into `extras`, or [`NONE`].
    pub(crate) extra: u32,
    pub(crate) shape: Shape,
}

/// No index.
pub(crate) const NONE: u32 = u32::MAX;

/// What few nodes have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extra {
    /// The decoded text of a scalar whose text in the file is different.
    pub(crate) value: Option<Box<str>>,
    /// The tag, with YAML's own in their short form (`!!str`).
    pub(crate) tag: Option<Box<str>>,
    pub(crate) tag_span: Option<Span>,
    pub(crate) anchor: Option<Span>,
    /// What an alias stands for.
    pub(crate) target: Option<u32>,
}

impl NodeData {
    pub(crate) fn span(self) -> Span {
        Span::new(self.start, self.end)
    }

    pub(crate) fn is_flow(self) -> bool {
        matches!(self.shape, Shape::FlowMapping | Shape::FlowSequence)
    }
}

impl Document {
    /// The document's part of the text: from the start of the text or its `---` up to the next document.
    ///
    /// The spans of all documents lie side by side and cover the whole text.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// Whether an error ended it early; what stands before the error is in the tree.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether it starts with `---`.
    #[must_use]
    pub fn is_explicit(&self) -> bool {
        self.explicit
    }

    /// The node at the top; `None` for a document with nothing in it.
    #[must_use]
    pub fn root<'a>(&'a self, text: &'a str) -> Option<Node<'a>> {
        (!self.nodes.is_empty()).then_some(Node {
            document: self,
            text,
            index: 0,
        })
    }

    /// Every comment, from its `#` to the end of its line, in the order of the text.
    #[must_use]
    pub fn comments(&self) -> &[Span] {
        &self.comments
    }

    /// How many nodes it has: scalars, collections and aliases.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn extra(&self, node: NodeData) -> Option<&Extra> {
        self.extras.get(node.extra as usize)
    }
}
