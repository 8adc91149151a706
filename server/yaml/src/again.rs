//! Reading a text again after a change: only the documents around the change are read, the others are kept.

use crate::boundary::document_boundaries;
use crate::document::Document;
use crate::error::SyntaxError;
use crate::line::narrow;
use crate::parse::{Parse, parse, part, whole};
use gitops_text::Span;

/// Texts from this size on, in bytes, are worth looking for what is the same.
const FROM: usize = 16 * 1024;

/// Reads a text that came from another one by a change; `before` is what [`parse`] made of that one.
///
/// The result is that of [`parse`]. It takes time for what is between the first and the last difference of the two texts,
/// and very little for what stands before and behind.
#[must_use]
pub fn parse_again(before: &Parse, text_before: &str, text: &str) -> Parse {
    if text.len() < FROM {
        return parse(text);
    }
    let boundaries = document_boundaries(text);
    match Kept::find(before, text_before, text, &boundaries) {
        Some(kept) => kept.around(before, text, &boundaries),
        None => parse(text),
    }
}

/// What of the documents before stays as it is.
struct Kept {
    /// How many documents stand before what is read again.
    first: usize,
    /// Which document is the first behind it.
    last: usize,
    /// Where the text starts that is read again.
    start: usize,
    /// Where it ends, in the text before.
    end_before: usize,
    /// Where it ends.
    end: usize,
}

impl Kept {
    fn find(before: &Parse, text_before: &str, text: &str, boundaries: &[usize]) -> Option<Self> {
        let same_start = common(text_before.bytes(), text.bytes());
        let rest = same_start..;
        let same_end = common(
            text_before.get(rest.clone())?.bytes().rev(),
            text.get(rest)?.bytes().rev(),
        );
        let documents = &before.documents;
        // What is said about a broken document can count lines and look at what follows, so that it is read again.
        let first_broken = documents.iter().position(Document::is_broken).unwrap_or(documents.len());
        let last_broken = documents.iter().rposition(Document::is_broken).map_or(0, |at| at + 1);

        let unchanged_to = same_start.saturating_sub(MARKER);
        let first = documents.partition_point(|document| document.span().start as usize <= unchanged_to);
        let first = (0..first.min(first_broken + 1)).rev().find(|&at| {
            let start = documents.get(at).map_or(0, |document| document.span().start as usize);
            at == 0 || can_start(text, start, boundaries)
        })?;
        let start = match first {
            0 => 0,
            first => documents.get(first)?.span().start as usize,
        };
        let unchanged_from = text_before.len() - same_end;
        let moved = |at: usize| Some(text.len() - text_before.len().checked_sub(at)?);
        let last = documents.partition_point(|document| (document.span().start as usize) < unchanged_from);
        let last = (last.max(last_broken).max(first)..documents.len()).find(|&at| {
            let start_before = documents.get(at).map(|document| document.span().start as usize);
            start_before.and_then(moved).is_some_and(|at| at > start && can_start(text, at, boundaries))
        });
        let last = last.unwrap_or(documents.len());
        let end_before = documents.get(last).map_or(text_before.len(), |document| document.span().start as usize);
        let kept = Self {
            first,
            last,
            start,
            end_before,
            end: moved(end_before)?,
        };
        let parted = !before.errors.iter().any(|error| kept.is_at_a_seam(error, text_before.len()));
        (parted && (first > 0 || last < documents.len())).then_some(kept)
    }

    /// Whether it cannot be told on which side of a seam an error belongs.
    fn is_at_a_seam(&self, error: &SyntaxError, length: usize) -> bool {
        let touches = |seam: usize| error.span.touches(narrow(seam));
        (self.start > 0 && touches(self.start)) || (self.end_before < length && touches(self.end_before))
    }

    fn around(&self, before: &Parse, text: &str, boundaries: &[usize]) -> Parse {
        let from = boundaries.partition_point(|&boundary| boundary < self.start);
        let to = boundaries.partition_point(|&boundary| boundary < self.end);
        let changed = boundaries.get(from..to).filter(|boundaries| !boundaries.is_empty());
        let mut changed = changed.map_or_else(Parse::default, |boundaries| part(text, boundaries, self.end));
        let shift = i64::from(narrow(self.end)) - i64::from(narrow(self.end_before));
        let (start, end_before) = (narrow(self.start), narrow(self.end_before));

        let mut documents = before.documents.get(..self.first).unwrap_or_default().to_vec();
        documents.append(&mut changed.documents);
        let behind = before.documents.get(self.last..).unwrap_or_default();
        documents.extend(behind.iter().map(|document| document.shifted(shift)));

        let is_before = |error: &&SyntaxError| error.span.start < start;
        let is_behind = |error: &&SyntaxError| error.span.start >= end_before && self.last < before.documents.len();
        let mut errors: Vec<SyntaxError> = before.errors.iter().filter(is_before).cloned().collect();
        errors.append(&mut changed.errors);
        errors.extend(before.errors.iter().filter(is_behind).map(|error| error.shifted(shift)));
        whole(Parse { documents, errors }, text)
    }
}

/// The length of `---` and what follows it: all that makes a line one at which a document starts.
const MARKER: usize = 4;

/// Whether what stands before and behind can be read on its own: a document with a `---` of its own starts there.
fn can_start(text: &str, at: usize, boundaries: &[usize]) -> bool {
    boundaries.binary_search(&at).is_ok() && text.get(at..).is_some_and(|rest| rest.starts_with("---"))
}

/// How many bytes are the same.
fn common(one: impl Iterator<Item = u8>, other: impl Iterator<Item = u8>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).count()
}

/// A span that moved.
pub(crate) fn shifted(span: Span, by: i64) -> Span {
    let moved = |offset: u32| u32::try_from(i64::from(offset) + by).unwrap_or(0);
    Span::new(moved(span.start), moved(span.end))
}
