//! Reading a text again after a change: only the documents around the change are read, the others are kept.

use crate::boundary::{document_boundaries, has_lone_returns, is_document_start};
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
    let again = if text.len() < FROM { None } else { keeping(before, text_before, text) };
    again.unwrap_or_else(|| parse(text))
}

/// [`parse_again`] for texts of any size; `None` when nothing can be kept.
fn keeping(before: &Parse, text_before: &str, text: &str) -> Option<Parse> {
    if has_lone_returns(text_before) || has_lone_returns(text) {
        return None;
    }
    let boundaries = document_boundaries(text);
    let kept = Kept::find(before, text_before, text, &boundaries)?;
    kept.around(before, text, &boundaries)
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
        let same_start = common_start(text_before.as_bytes(), text.as_bytes());
        let (rest_before, rest) = (text_before.as_bytes().get(same_start..)?, text.as_bytes().get(same_start..)?);
        let same_end = common_end(rest_before, rest);
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

    fn around(&self, before: &Parse, text: &str, boundaries: &[usize]) -> Option<Parse> {
        let from = boundaries.partition_point(|&boundary| boundary < self.start);
        let to = boundaries.partition_point(|&boundary| boundary < self.end);
        let changed = boundaries.get(from..to).filter(|boundaries| !boundaries.is_empty());
        let mut changed = changed.map_or_else(Parse::default, |boundaries| part(text, boundaries, self.end));
        if self.last < before.documents.len() && !changed.can_be_followed() {
            return None;
        }
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
        Some(whole(Parse { documents, errors }, text))
    }
}

/// The length of `---` and what follows it: all that makes a line one at which a document starts.
const MARKER: usize = 4;

/// Whether what stands before and behind can be read on its own: a document with a `---` of its own starts there.
fn can_start(text: &str, at: usize, boundaries: &[usize]) -> bool {
    boundaries.binary_search(&at).is_ok() && is_document_start(text, at)
}

/// How many bytes are compared at once.
const BLOCK: usize = 4096;

/// How many bytes are the same at the start of both.
fn common_start(one: &[u8], other: &[u8]) -> usize {
    let blocks = one.chunks_exact(BLOCK).zip(other.chunks_exact(BLOCK));
    let same = BLOCK * blocks.take_while(|(one, other)| one == other).count();
    let rest = one.iter().skip(same).zip(other.iter().skip(same));
    same + rest.take_while(|(one, other)| one == other).count()
}

/// How many bytes are the same at the end of both.
fn common_end(one: &[u8], other: &[u8]) -> usize {
    let blocks = one.rchunks_exact(BLOCK).zip(other.rchunks_exact(BLOCK));
    let same = BLOCK * blocks.take_while(|(one, other)| one == other).count();
    let rest = one.iter().rev().skip(same).zip(other.iter().rev().skip(same));
    same + rest.take_while(|(one, other)| one == other).count()
}

/// A span that moved.
pub(crate) fn shifted(span: Span, by: i64) -> Span {
    let moved = |offset: u32| u32::try_from(i64::from(offset) + by).unwrap_or(0);
    Span::new(moved(span.start), moved(span.end))
}

#[cfg(test)]
mod tests {
    use super::{common_end, common_start, keeping};
    use crate::parse;

    /// Documents of all sorts, and what a person types between and into them.
    const PIECES: [&str; 40] = [
        "---\n",
        "---\n",
        "---\n",
        "--- # comment\n",
        "--- x\n",
        "---",
        "...\n",
        "%YAML 1.2\n",
        "%TAG ! tag:x,2000:\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n",
        "spec:\n  containers:\n    - name: web\n      image: nginx\n",
        "a: 1\n",
        "a: 1\nb: 2\na: 3\n",
        "on: yes\nport: 0o17\nwhen: 2020-01-01\n",
        "text: |\n  one\n  two\n\n",
        "text: >-\n  one\n  --- \n",
        "quoted: 'it''s'\n",
        "open: \"never closed\n",
        "b: [1, 2\n",
        "{a: b}\n",
        "- x\n- *unknown\n",
        "base: &x {a: 1}\nuse:\n  <<: *x\n",
        "\tkey: tab\n",
        "# only a comment\n",
        "\n",
        "\r\n",
        "\r",
        " ",
        "  ",
        ":",
        "'",
        "\"",
        "x",
        "-",
        "grüße: 🦊\n",
        "\u{FEFF}",
        "\u{2028}",
        "!!int x\n",
        "key: {{ .Values.x }}\n",
        "  deeper: 1\n",
    ];

    /// xorshift64, so that a failure comes again.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % sides as u64).unwrap_or(0)
        }

        fn text(&mut self, pieces: usize) -> String {
            (0..pieces).map(|_| PIECES[self.roll(PIECES.len())]).collect()
        }

        fn place(&mut self, text: &str) -> usize {
            text.floor_char_boundary(self.roll(text.len() + 1))
        }
    }

    #[test]
    fn a_text_read_again_is_as_if_it_were_read_at_once() {
        let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3_000);
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
        let mut kept = 0;
        for _ in 0..rounds {
            let pieces = 4 + dice.roll(20);
            let before = dice.text(pieces);
            let (one, other) = (dice.place(&before), dice.place(&before));
            let removed = if dice.roll(2) == 0 { one..one } else { one.min(other)..one.max(other) };
            let mut after = before.clone();
            let pieces = dice.roll(3);
            after.replace_range(removed, &dice.text(pieces));
            if let Some(again) = keeping(&parse(&before), &before, &after) {
                kept += 1;
                assert_eq!(format!("{again:#?}"), format!("{:#?}", parse(&after)), "{before:?}\n{after:?}");
            }
        }
        assert!(kept > rounds / 10, "only {kept} of {rounds} kept anything");
    }

    #[test]
    fn only_what_is_around_a_change_is_read() {
        let document = |number: usize| format!("---\nkind: X\nname: {number}\n");
        let before: String = (0..100).map(document).collect();
        let after = before.replace("name: 50\n", "name: 50\nmore: 1\n");
        let boundaries = crate::boundary::document_boundaries(&after);
        let kept = super::Kept::find(&parse(&before), &before, &after, &boundaries).expect("most of it stays");
        assert_eq!((kept.first, kept.last), (50, 51));
    }

    #[test]
    fn what_is_common_is_counted_from_both_ends() {
        let (one, other) = (vec![7; 10_000], vec![7; 9_000]);
        assert_eq!((common_start(&one, &other), common_end(&one, &other)), (9_000, 9_000));
        let mut changed = one.clone();
        changed[5_000] = 8;
        assert_eq!((common_start(&one, &changed), common_end(&one, &changed)), (5_000, 4_999));
    }
}
