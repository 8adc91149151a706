//! Walking the tree.

use crate::dialect::{Dialect, Value, resolve};
use crate::document::{Document, NONE, NodeData, Shape};
use gitops_text::Span;

/// A node of a document. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    pub(crate) document: &'a Document,
    pub(crate) text: &'a str,
    pub(crate) index: u32,
}

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NodeKind {
    /// Keys and values.
    Mapping,
    /// Items.
    Sequence,
    /// A text, a number, a boolean or null: [`crate::resolve`] tells.
    Scalar,
    /// `*name`: another node once more.
    Alias,
}

/// How a scalar is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// A scalar as written and as read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scalar<'a> {
    /// The text in the file, with its quotes or its block header.
    pub raw: &'a str,
    /// The text that it stands for.
    pub value: &'a str,
    /// How it is written.
    pub style: Style,
    /// Its tag, with YAML's own in their short form (`!!str`).
    pub tag: Option<&'a str>,
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?} {:?}", self.kind(), self.span())
    }
}

impl<'a> Node<'a> {
    pub(crate) fn data(self) -> NodeData {
        // Nodes are made from indices of this document's own tree, so that the other arm is never taken.
        self.document
            .nodes
            .get(self.index as usize)
            .copied()
            .unwrap_or(NodeData {
                start: 0,
                end: 0,
                next: u32::MAX,
                extra: u32::MAX,
                shape: Shape::Scalar(Style::Plain),
            })
    }

    pub(crate) fn at(self, index: u32) -> Option<Self> {
        ((index as usize) < self.document.nodes.len()).then_some(Self { index, ..self })
    }

    /// The bytes of the node, without its anchor and tag.
    ///
    /// A block mapping reaches from its first key, or the `?` before it, to the end of its last value, a block sequence from its first dash to the end of its last item, a flow collection from bracket to bracket.
    /// A quoted scalar has its quotes, a block scalar reaches from its `|` or `>` to the end of its last line that is not blank.
    /// A value that is left out is empty and stands right after its colon or dash.
    #[must_use]
    pub fn span(self) -> Span {
        self.data().span()
    }

    /// What the node is.
    #[must_use]
    pub fn kind(self) -> NodeKind {
        match self.data().shape {
            Shape::BlockMapping | Shape::FlowMapping => NodeKind::Mapping,
            Shape::BlockSequence | Shape::FlowSequence => NodeKind::Sequence,
            Shape::Scalar(_) => NodeKind::Scalar,
            Shape::Alias => NodeKind::Alias,
        }
    }

    /// Whether it is a collection in brackets or braces.
    #[must_use]
    pub fn is_flow(self) -> bool {
        self.data().is_flow()
    }

    /// Where its anchor (`&name`) is written.
    #[must_use]
    pub fn anchor(self) -> Option<Span> {
        self.document.extra(self.data())?.anchor
    }

    /// Its tag, with YAML's own in their short form (`!!str`).
    #[must_use]
    pub fn tag(self) -> Option<&'a str> {
        self.document.extra(self.data())?.tag.as_deref()
    }

    /// Where its tag is written.
    #[must_use]
    pub fn tag_span(self) -> Option<Span> {
        self.document.extra(self.data())?.tag_span
    }

    /// The node that an alias stands for; any other node is its own.
    ///
    /// An alias of an unknown anchor stays itself.
    #[must_use]
    pub fn resolved(self) -> Self {
        let data = self.data();
        if data.shape != Shape::Alias {
            return self;
        }
        // An anchor cannot be on an alias, so that one step is all there can be.
        self.document
            .extra(data)
            .and_then(|extra| extra.target)
            .and_then(|target| self.at(target))
            .unwrap_or(self)
    }

    /// The keys and values of a mapping in the order of the text: aliases as they are, `<<` not merged.
    ///
    /// Anything but a mapping has none.
    pub fn entries(self) -> impl Iterator<Item = (Node<'a>, Node<'a>)> {
        let mut children = Children::of(self, NodeKind::Mapping);
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// The items of a sequence, aliases as they are. Anything but a sequence has none.
    pub fn items(self) -> impl Iterator<Item = Node<'a>> {
        Children::of(self, NodeKind::Sequence)
    }

    /// The value of a key, through an alias and `<<`. The last one counts where the key stands twice.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// A key and its value, through an alias and `<<`. The last one counts where the key stands twice.
    #[must_use]
    pub fn entry(self, key: &str) -> Option<(Self, Self)> {
        let mut budget = MERGE_BUDGET;
        self.resolved().entry_within(key, MERGE_DEPTH, &mut budget)
    }

    fn entry_within(self, key: &str, depth: u32, budget: &mut u32) -> Option<(Self, Self)> {
        let mut found = None;
        let mut merges = Vec::new();
        for (name, value) in self.entries() {
            if name.as_str() == Some(key) {
                found = Some((name, value));
            } else if name.is_merge_key() {
                merges.push(value);
            }
        }
        if found.is_some() || depth == 0 {
            return found;
        }
        // A later `<<` counts more, and in a list of mappings an earlier one.
        merges.into_iter().rev().find_map(|merged| {
            merged.merged_mappings().find_map(|mapping| {
                *budget = budget.checked_sub(1)?;
                mapping.entry_within(key, depth - 1, budget)
            })
        })
    }

    /// Whether there is nothing to ask about it: a text without quotes, tag and anchor, whose first letter is one that no word for a boolean or null has.
    ///
    /// Most keys are such, and this is much quicker than reading them.
    pub(crate) fn is_plainly_a_text(self) -> bool {
        let data = self.data();
        let first = self.text.as_bytes().get(data.start as usize);
        let is_ordinary = |byte: &u8| byte.is_ascii_alphabetic() && !b"yYnNoOtTfF".contains(byte);
        data.shape == Shape::Scalar(Style::Plain)
            && data.extra == NONE
            && data.start < data.end
            && first.is_some_and(is_ordinary)
    }

    /// Whether it is a `<<` that merges the mapping beside it.
    #[must_use]
    pub fn is_merge_key(self) -> bool {
        self.scalar_here().is_some_and(|scalar| {
            scalar.style == Style::Plain && scalar.value == "<<" && matches!(scalar.tag, None | Some("!!merge"))
        })
    }

    /// The mappings that the value of a `<<` names, the one that counts most first.
    pub(crate) fn merged_mappings(self) -> impl Iterator<Item = Node<'a>> {
        let value = self.resolved();
        let alone = (value.kind() == NodeKind::Mapping).then_some(value);
        alone
            .into_iter()
            .chain(value.items().map(Self::resolved))
            .filter(|node| node.kind() == NodeKind::Mapping)
    }

    /// Whether it is what a `<<` takes: a mapping or a list of mappings, through aliases.
    pub(crate) fn is_mergeable(self) -> bool {
        let value = self.resolved();
        let is_mapping = |node: Node<'_>| node.resolved().kind() == NodeKind::Mapping;
        match value.kind() {
            NodeKind::Mapping => true,
            NodeKind::Sequence => value.items().all(is_mapping),
            NodeKind::Scalar | NodeKind::Alias => false,
        }
    }

    /// The scalar, through an alias.
    #[must_use]
    pub fn scalar(self) -> Option<Scalar<'a>> {
        self.resolved().scalar_here()
    }

    fn scalar_here(self) -> Option<Scalar<'a>> {
        let data = self.data();
        let Shape::Scalar(style) = data.shape else {
            return None;
        };
        let raw = data.span().slice(self.text);
        let extra = self.document.extra(data);
        let value = match extra.and_then(|extra| extra.value.as_deref()) {
            Some(value) => value,
            None => undecoded(raw, style),
        };
        Some(Scalar {
            raw,
            value,
            style,
            tag: extra.and_then(|extra| extra.tag.as_deref()),
        })
    }

    /// What a scalar means to a reader, through an alias.
    #[must_use]
    pub fn value(self, dialect: Dialect) -> Option<Value<'a>> {
        let scalar = self.scalar()?;
        Some(resolve(dialect, scalar.value, scalar.style, scalar.tag))
    }

    /// The decoded text of a scalar, whatever its type, through an alias.
    #[must_use]
    pub fn as_str(self) -> Option<&'a str> {
        self.scalar().map(|scalar| scalar.value)
    }
}

/// How deep `<<` is followed, and how many mappings are looked into for one key.
const MERGE_DEPTH: u32 = 32;
const MERGE_BUDGET: u32 = 10_000;

/// What a scalar says of which no decoded text is kept.
pub(crate) fn undecoded(raw: &str, style: Style) -> &str {
    match style {
        Style::Plain => raw,
        Style::SingleQuoted | Style::DoubleQuoted => raw.get(1..raw.len().saturating_sub(1)).unwrap_or(""),
        Style::Literal | Style::Folded => "",
    }
}

struct Children<'a> {
    parent: Node<'a>,
    next: u32,
    end: u32,
}

impl<'a> Children<'a> {
    fn of(parent: Node<'a>, kind: NodeKind) -> Self {
        let is_collection = matches!(kind, NodeKind::Mapping | NodeKind::Sequence);
        let has_children = is_collection && parent.kind() == kind;
        Self {
            parent,
            next: parent.index.saturating_add(1),
            end: if has_children { parent.data().next } else { 0 },
        }
    }
}

impl<'a> Iterator for Children<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        if self.next >= self.end {
            return None;
        }
        let child = self.parent.at(self.next)?;
        // A child that ends before it starts would make this go on for ever.
        self.next = child.data().next.max(self.next.saturating_add(1));
        Some(child)
    }
}
