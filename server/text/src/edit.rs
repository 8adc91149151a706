//! A version of a file's text, and the edits that lead to the next one.

use crate::Span;
use crate::line_index::{Encoding, LineIndex, Position, floor_char_boundary, saturate};
use std::sync::Arc;

/// One version of one file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Text {
    text: Arc<str>,
    index: Arc<LineIndex>,
}

/// One entry of LSP's `contentChanges`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// What is replaced; `None` is the whole text.
    pub range: Option<(Position, Position)>,
    /// What stands there afterwards.
    pub new_text: String,
}

impl Text {
    /// Takes a text and reads its lines.
    #[must_use]
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let index = Arc::new(LineIndex::new(&text));
        Self { text, index }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its lines.
    #[must_use]
    pub fn index(&self) -> &LineIndex {
        &self.index
    }

    /// Byte offset to line and column; see [`LineIndex::position`].
    #[must_use]
    pub fn position(&self, offset: u32, encoding: Encoding) -> Position {
        self.index.position(&self.text, offset, encoding)
    }

    /// Line and column to byte offset; see [`LineIndex::offset`].
    #[must_use]
    pub fn offset(&self, position: Position, encoding: Encoding) -> u32 {
        self.index.offset(&self.text, position, encoding)
    }

    /// Both ends of a span as positions.
    #[must_use]
    pub fn range(&self, span: Span, encoding: Encoding) -> (Position, Position) {
        (self.position(span.start, encoding), self.position(span.end, encoding))
    }

    /// The text after edits, each of which is meant on the result of the one before.
    ///
    /// A range whose ends are swapped is read the right way round; ends outside the text are clamped to it.
    #[must_use]
    pub fn edited(&self, edits: &[Edit], encoding: Encoding) -> Self {
        if edits.is_empty() {
            return self.clone();
        }
        let mut text = String::from(self.as_str());
        let mut index = LineIndex::clone(&self.index);
        for edit in edits {
            let Some((one, other)) = edit.range else {
                text.clone_from(&edit.new_text);
                index = LineIndex::new(&text);
                continue;
            };
            let (start, end) = (one.min(other), one.max(other));
            let start = floor_char_boundary(&text, index.offset(&text, start, encoding));
            let end = floor_char_boundary(&text, index.offset(&text, end, encoding)).max(start);
            let replaced = Span::new(start, end);
            text.replace_range(replaced.as_range(), &edit.new_text);
            index.follow_edit(&text, replaced, saturate(edit.new_text.len()));
        }
        Self {
            text: text.into(),
            index: Arc::new(index),
        }
    }
}
