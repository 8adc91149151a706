//! All texts of one document in one place, each once.

use std::collections::HashMap;

/// A text in a [`Texts`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct TextId {
    start: u32,
    length: u32,
}

impl TextId {
    /// Whether it is the empty text, which stands for none.
    pub(crate) fn is_empty(self) -> bool {
        self.length == 0
    }
}

/// The texts of one document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    all: String,
}

impl Texts {
    pub(crate) fn get(&self, id: TextId) -> &str {
        let start = id.start as usize;
        self.all.get(start..start + id.length as usize).unwrap_or_default()
    }

    /// Bytes that are held.
    pub(crate) fn bytes(&self) -> usize {
        self.all.capacity()
    }
}

/// Gathers texts.
#[derive(Debug, Default)]
pub(crate) struct TextsBuilder {
    texts: Texts,
    known: HashMap<Box<str>, TextId>,
}

impl TextsBuilder {
    pub(crate) fn add(&mut self, text: &str) -> TextId {
        if text.is_empty() {
            return TextId::default();
        }
        if let Some(id) = self.known.get(text) {
            return *id;
        }
        let (Ok(start), Ok(length)) = (u32::try_from(self.texts.all.len()), u32::try_from(text.len())) else {
            // Four gigabytes of texts: what comes after is not kept.
            return TextId::default();
        };
        self.texts.all.push_str(text);
        let id = TextId { start, length };
        self.known.insert(text.into(), id);
        id
    }

    pub(crate) fn finish(self) -> Texts {
        let mut texts = self.texts;
        texts.all.shrink_to_fit();
        texts
    }
}
