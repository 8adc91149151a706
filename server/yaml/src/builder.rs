//! Parser events to a flat tree.

use crate::anchor::Anchors;
use crate::block_scalar::block_scalar_span;
use crate::document::{Document, Extra, NONE, NodeData, Shape};
use crate::line::{column, narrow};
use crate::node::{Style, undecoded};
use crate::progress::{Around, Progress};
use crate::repair::without_marks;
use gitops_text::Span;
use granit_parser::{Event, ScalarStyle, StructureStyle, Tag};
use std::borrow::Cow;

/// The tree of the document that is being read.
pub(crate) struct Builder<'t> {
    text: &'t str,
    /// Where the text that the parser has starts in the whole text.
    base: u32,
    pub(crate) document: Document,
    /// Collections that have not ended.
    open: Vec<Open>,
    anchors: Anchors,
    /// Where the last token ended that stands in the text.
    last_end: u32,
    /// Whether the parser has marks where the text has `\'`; see [`crate::repair`].
    pub(crate) has_marks: bool,
    /// Aliases whose anchor is not there.
    pub(crate) unknown_aliases: Vec<Span>,
}

/// A collection that has not ended.
struct Open {
    index: u32,
    /// In a mapping, whether a key is there whose value is not.
    key_is_read: bool,
}

impl<'t> Builder<'t> {
    /// A document from `start` on, before whose content a token ends at `last_end`.
    pub(crate) fn new(text: &'t str, base: u32, start: u32, last_end: u32, explicit: bool) -> Self {
        Self {
            text,
            base,
            document: Document {
                span: Span::new(start, start),
                explicit,
                ..Document::default()
            },
            open: Vec::new(),
            anchors: Anchors::default(),
            last_end,
            has_marks: false,
            unknown_aliases: Vec::new(),
        }
    }

    fn place(&self, span: granit_parser::Span) -> Span {
        place_in(self.text, span, self.base)
    }

    /// Takes one event that is a node, the end of one, or an anchor.
    ///
    /// `place` is what [`place_in`] says of `span`.
    pub(crate) fn event(&mut self, event: Event<'_>, span: granit_parser::Span, place: Span) {
        match event {
            Event::Alias(id) => {
                let extra = Extra {
                    target: self.anchors.find(id),
                    ..Extra::default()
                };
                let extra = self.push_extra(extra);
                self.push(Shape::Alias, place, extra);
                self.last_end = place.end;
            }
            Event::UnresolvedAlias(_) => {
                self.push(Shape::Alias, place, NONE);
                self.unknown_aliases.push(place);
                self.last_end = place.end;
            }
            Event::Scalar(value, style, anchor, tag) => {
                self.scalar(value, style, anchor, tag, (span, place));
            }
            Event::SequenceStart(style, anchor, tag) => {
                let shape = match style {
                    StructureStyle::Block => Shape::BlockSequence,
                    StructureStyle::Flow => Shape::FlowSequence,
                };
                self.start(shape, anchor, tag, (span, place));
            }
            Event::MappingStart(style, anchor, tag) => {
                let shape = match style {
                    StructureStyle::Block => Shape::BlockMapping,
                    StructureStyle::Flow => Shape::FlowMapping,
                };
                self.start(shape, anchor, tag, (span, place));
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(Some(place)),
            Event::Anchor(..) => self.anchor(place),
            _ => {}
        }
    }

    fn scalar(
        &mut self,
        value: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        (span, mut place): (granit_parser::Span, Span),
    ) {
        let style = match style {
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
            ScalarStyle::Plain => Style::Plain,
        };
        let tag_span = span.tag_span().map(|span| self.place(span));
        let token_end = place.end;
        if matches!(style, Style::Literal | Style::Folded) {
            let from = tag_span.map_or(self.last_end, |tag| tag.end.max(self.last_end));
            place = block_scalar_span(self.text, from, place, style);
        }
        // The parser says `~` for a value that is left out.
        let is_left_out = style == Style::Plain && place.is_empty();
        if is_left_out && self.is_at_value() {
            place = behind_colon(self.text, place);
        }
        let written = undecoded(place.slice(self.text), style);
        let value = if self.has_marks {
            Cow::Owned(without_marks(&value, style))
        } else {
            value
        };
        let decoded = (!is_left_out && *value != *written).then(|| Box::from(&*value));
        let mut extra = NONE;
        if decoded.is_some() || tag.is_some() {
            extra = self.push_extra(Extra {
                value: decoded,
                tag: tag.map(short_tag),
                tag_span,
                ..Extra::default()
            });
        }
        self.anchors.define(anchor, self.next_index());
        self.push(Shape::Scalar(style), place, extra);
        self.last_end = token_end.max(self.last_end);
    }

    fn start(
        &mut self,
        shape: Shape,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        (span, place): (granit_parser::Span, Span),
    ) {
        let mut extra = NONE;
        if let Some(tag) = tag {
            extra = self.push_extra(Extra {
                tag: Some(short_tag(tag)),
                tag_span: span.tag_span().map(|span| self.place(span)),
                ..Extra::default()
            });
        }
        let index = self.next_index();
        self.anchors.define(anchor, index);
        self.push(shape, place, extra);
        self.open.push(Open {
            index,
            key_is_read: false,
        });
        if matches!(shape, Shape::FlowMapping | Shape::FlowSequence) {
            self.last_end = place.end;
        }
    }

    /// The innermost open collection ends; `place` is where, if the text says so.
    fn end(&mut self, place: Option<Span>) {
        let Some(Open { index, .. }) = self.open.pop() else {
            return;
        };
        let next = self.next_index();
        let first = self.document.nodes.get(index as usize + 1).copied();
        let last_end = self.last_child_end(index);
        let Some(&node) = self.document.nodes.get(index as usize) else {
            return;
        };
        let (mut start, mut end) = (node.start, node.end);
        match (node.shape, place) {
            (Shape::FlowMapping | Shape::FlowSequence, Some(place)) => {
                end = place.end;
                self.last_end = place.end;
            }
            (Shape::BlockSequence, _) => {
                if let Some(first) = first {
                    start = self.dash_before(first);
                    end = first.end.max(last_end);
                }
            }
            _ => {
                if let Some(first) = first {
                    start = start.min(first.start);
                    end = end.max(first.end).max(last_end);
                }
            }
        }
        if let Some(node) = self.document.nodes.get_mut(index as usize) {
            node.start = start;
            node.end = end.max(start);
            node.next = next;
        }
    }

    /// What there is so far.
    pub(crate) fn progress(&self) -> Progress<'_> {
        let last = self.next_index().saturating_sub(1);
        let mut around = Vec::new();
        for (index, &node) in (0_u32..).zip(&self.document.nodes) {
            // The collections around the last node are of interest, too, that have just ended.
            let is_around = index < last && (node.next > last || self.open.iter().any(|open| open.index == index));
            let Some(&first) = self.document.nodes.get(index as usize + 1) else {
                break;
            };
            let start = match node.shape {
                Shape::BlockSequence if is_around => self.dash_before(first),
                Shape::BlockMapping if is_around => first.start,
                _ => continue,
            };
            around.push(Around {
                shape: node.shape,
                column: column(self.text, start),
                start,
            });
        }
        // A pair in a list, `[a: b]`, is a mapping without braces of its own.
        let opens = |node: &NodeData| {
            self.text
                .as_bytes()
                .get(node.start as usize)
                .is_some_and(|byte| b"[{".contains(byte))
        };
        let is_bracket = |node: &&NodeData| node.is_flow() && opens(node);
        let open = self.open.iter().rev();
        let open = open.filter_map(|open| self.document.nodes.get(open.index as usize));
        let bracket = open.into_iter().find(is_bracket).map(|node| node.start);
        Progress {
            nodes: &self.document.nodes,
            around,
            bracket,
            last_end: self.last_end,
        }
    }

    fn last_child_end(&self, index: u32) -> u32 {
        // The last node in the text is the last child or inside it, and it ends where that ends,
        // unless a bracket follows, which the child's own end knows: so go down by siblings.
        let mut child = index + 1;
        let mut end = 0;
        while let Some(node) = self.document.nodes.get(child as usize) {
            end = node.end;
            child = node.next.max(child + 1);
        }
        end
    }

    /// The dash that stands before an item, or the item's start if there is none.
    fn dash_before(&self, item: NodeData) -> u32 {
        let extra = self.document.extra(item);
        let from = [
            Some(item.start),
            extra.and_then(|extra| extra.tag_span).map(|span| span.start),
            extra.and_then(|extra| extra.anchor).map(|span| span.start),
        ]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(item.start);
        let bytes = self.text.as_bytes();
        let mut at = from as usize;
        // The item can be some comment lines below its dash.
        loop {
            let before = bytes.get(..at).unwrap_or_default();
            let Some(found) = before.iter().rposition(|byte| !byte.is_ascii_whitespace()) else {
                return item.start;
            };
            if bytes.get(found) == Some(&b'-') && !self.in_comment(found) {
                return u32::try_from(found).unwrap_or(item.start);
            }
            match self.comment_start(found) {
                Some(comment) => at = comment,
                None => return item.start,
            }
        }
    }

    fn in_comment(&self, at: usize) -> bool {
        self.comment_start(at).is_some()
    }

    fn comment_start(&self, at: usize) -> Option<usize> {
        let at = u32::try_from(at).ok()?;
        let comments = &self.document.comments;
        let after = comments.partition_point(|comment| comment.start <= at);
        let comment = comments.get(after.checked_sub(1)?)?;
        (at < comment.end).then_some(comment.start as usize)
    }

    fn anchor(&mut self, place: Span) {
        let Some(node) = self.document.nodes.last().copied() else {
            return;
        };
        if let Some(extra) = self.document.extras.get_mut(node.extra as usize) {
            extra.anchor = Some(place);
        } else {
            let extra = self.push_extra(Extra {
                anchor: Some(place),
                ..Extra::default()
            });
            if let Some(node) = self.document.nodes.last_mut() {
                node.extra = extra;
            }
        }
    }

    /// Ends every collection that is still open and gives the document.
    pub(crate) fn finish(mut self) -> Document {
        while !self.open.is_empty() {
            self.end(None);
        }
        let mut document = self.document;
        let is_empty = match document.nodes.as_slice() {
            [only] => only.shape == Shape::Scalar(Style::Plain) && only.start == only.end && only.extra == NONE,
            _ => false,
        };
        if is_empty {
            document.nodes.clear();
        }
        document.nodes.shrink_to_fit();
        document.extras.shrink_to_fit();
        document.comments.shrink_to_fit();
        document
    }

    fn next_index(&self) -> u32 {
        u32::try_from(self.document.nodes.len()).unwrap_or(NONE)
    }

    /// Whether the next node is the value of a key.
    fn is_at_value(&self) -> bool {
        self.open.last().is_some_and(|open| {
            let node = self.document.nodes.get(open.index as usize);
            let is_mapping = |node: &NodeData| matches!(node.shape, Shape::BlockMapping | Shape::FlowMapping);
            open.key_is_read && node.is_some_and(is_mapping)
        })
    }

    fn push(&mut self, shape: Shape, place: Span, extra: u32) {
        if let Some(open) = self.open.last_mut() {
            open.key_is_read = !open.key_is_read;
        }
        let next = self.next_index().saturating_add(1);
        self.document.nodes.push(NodeData {
            start: place.start,
            end: place.end,
            next,
            extra,
            shape,
        });
    }

    fn push_extra(&mut self, extra: Extra) -> u32 {
        let index = u32::try_from(self.document.extras.len()).unwrap_or(NONE);
        self.document.extras.push(extra);
        index
    }
}

/// The parser's span as bytes of the whole text, of which the parser has what starts at `base`.
///
/// The parser can have blanks where the text has a longer character (see [`crate::repair`]), so no place is taken for one before it is between characters.
pub(crate) fn place_in(text: &str, span: granit_parser::Span, base: u32) -> Span {
    let offset = |marker: granit_parser::Marker| {
        let in_part = marker.byte_offset().unwrap_or_default();
        narrow(text.floor_char_boundary(in_part.saturating_add(base as usize)))
    };
    Span::new(offset(span.start), offset(span.end))
}

/// The parser puts a value that is left out right behind its key.
fn behind_colon(text: &str, place: Span) -> Span {
    let rest = text.get(place.start as usize..).unwrap_or("");
    let from_colon = rest.trim_start_matches([' ', '\t']);
    let skipped = narrow(rest.len() - from_colon.len());
    if from_colon.starts_with(':') {
        Span::empty(place.start.saturating_add(skipped + 1))
    } else {
        place
    }
}

fn short_tag(tag: Cow<'_, Tag>) -> Box<str> {
    let full = tag.to_string();
    match full.strip_prefix("tag:yaml.org,2002:") {
        Some(name) => format!("!!{name}").into(),
        None => full.into(),
    }
}
