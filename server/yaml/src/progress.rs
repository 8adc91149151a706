//! How far a document was read when the parser stopped.

use crate::document::{NodeData, Shape};
use crate::line::{line_at, narrow};
use crate::node::Style;
use gitops_text::Span;

/// What there is of a document before a fault.
pub(crate) struct Progress<'a> {
    /// The nodes so far.
    pub(crate) nodes: &'a [NodeData],
    /// The block collections around the last node, the outermost first.
    pub(crate) around: Vec<Around>,
    /// The innermost bracket or brace that is open.
    pub(crate) bracket: Option<u32>,
    /// Where the last token ended that became a node.
    pub(crate) last_end: u32,
}

/// A block collection in which the last node is.
pub(crate) struct Around {
    pub(crate) shape: Shape,
    /// The column of its keys or dashes, in characters.
    pub(crate) column: usize,
    /// Its first key or dash.
    pub(crate) start: u32,
}

impl Around {
    pub(crate) fn is_sequence(&self) -> bool {
        self.shape == Shape::BlockSequence
    }
}

impl<'a> Progress<'a> {
    /// A document that is complete, or has not begun before `start`.
    pub(crate) fn of_whole(nodes: &'a [NodeData], start: u32) -> Self {
        Self {
            nodes,
            around: Vec::new(),
            bracket: None,
            last_end: nodes.first().map_or(start, |root| root.end),
        }
    }

    pub(crate) fn last_node(&self) -> Option<NodeData> {
        self.nodes.last().copied()
    }

    /// The scalar, alias or whole bracket that ended last.
    pub(crate) fn last_token(&self) -> Option<NodeData> {
        let in_brackets = |node: &&NodeData| {
            matches!(node.shape, Shape::FlowMapping | Shape::FlowSequence) && node.end == self.last_end
        };
        let outermost = self.nodes.iter().find(in_brackets);
        outermost.or(self.nodes.last()).copied()
    }

    /// Where the first text, quote or bracket stands behind the last token.
    pub(crate) fn next_token(&self, text: &str) -> u32 {
        let mut at = self.last_end;
        loop {
            let rest = text.get(at as usize..).unwrap_or("");
            let mut characters = rest.chars();
            let Some(first) = characters.next() else { return at };
            let second = characters.next().unwrap_or(' ');
            let step = match first {
                ' ' | '\t' | '\n' | '\r' | ',' => 1,
                ':' | '-' | '?' if second.is_whitespace() => 1,
                // A colon may touch what follows a quoted key in brackets.
                ':' if at == self.last_end => 1,
                '#' => narrow(line_at(rest, 0).len() as usize),
                '&' | '!' => narrow(rest.find(char::is_whitespace).unwrap_or(rest.len())),
                _ => return at,
            };
            at = at.saturating_add(step.max(1));
        }
    }

    /// Where the text starts that ends at `at`.
    pub(crate) fn last_text_before(&self, text: &str, at: u32) -> u32 {
        match self.last_node() {
            Some(last)
                if last.shape == Shape::Scalar(Style::Plain)
                    && last.start < at
                    && Span::new(last.end, at).slice(text).trim().is_empty()
                    && line_at(text, last.end).start <= at =>
            {
                last.start
            }
            _ => self.next_token(text).min(at),
        }
    }
}
