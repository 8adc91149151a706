//! Where the lines of a text are, and columns in the three units of the language server protocol.

use crate::Span;

/// The unit in which a client counts columns (LSP `positionEncoding`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units: what a client means that says nothing.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// How many units a piece of text takes.
    #[must_use]
    pub fn width(self, text: &str) -> u32 {
        let units = match self {
            Self::Utf8 => text.len(),
            // Most lines are ASCII, where all units are the same.
            _ if text.is_ascii() => text.len(),
            Self::Utf16 => text.chars().map(char::len_utf16).sum(),
            Self::Utf32 => text.chars().count(),
        };
        saturate(units)
    }
}

/// Zero-based line and zero-based column, counted in units of an [`Encoding`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Position {
    /// Zero-based line.
    pub line: u32,
    /// Zero-based column in units of an [`Encoding`].
    pub character: u32,
}

/// The lines of one text.
///
/// A line ends at `\n`, `\r\n` or a lone `\r`: the three that the protocol knows.
/// There is always at least one line, and a text that ends with a break has an empty last one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineIndex {
    /// Each line without its break; ordered, and the last one ends where the text ends.
    lines: Vec<Span>,
}

impl LineIndex {
    /// Reads the lines of a text. Offsets beyond 4 GiB are not told apart.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut lines = Vec::with_capacity(text.len() / 24 + 1);
        let rest = push_ended_lines(text.as_bytes(), 0, &mut lines);
        lines.push(Span::new(rest, saturate(text.len())));
        Self { lines }
    }

    /// Number of lines, at least 1.
    #[must_use]
    pub fn line_count(&self) -> u32 {
        saturate(self.lines.len())
    }

    /// The bytes of a line without its break.
    #[must_use]
    pub fn line_span(&self, line: u32) -> Option<Span> {
        self.lines.get(line as usize).copied()
    }

    /// The line in which an offset is; a break belongs to the line that it ends.
    #[must_use]
    pub fn line_of(&self, offset: u32) -> u32 {
        let after = self.lines.partition_point(|line| line.start <= offset);
        saturate(after.saturating_sub(1))
    }

    /// Byte offset to line and column.
    ///
    /// Past the end of the text it is the end, in a break the end of the line, inside a character the start of it.
    #[must_use]
    pub fn position(&self, text: &str, offset: u32, encoding: Encoding) -> Position {
        let line = self.line_of(offset);
        let span = self.line_span(line).unwrap_or_default();
        let before = span.start..floor_char_boundary(text, offset.min(span.end)).max(span.start);
        Position {
            line,
            character: encoding.width(Span::new(before.start, before.end).slice(text)),
        }
    }

    /// Line and column to byte offset.
    ///
    /// Past the end of a line it is the end of that line, past the last line the end of the text, inside a character the start of it.
    #[must_use]
    pub fn offset(&self, text: &str, position: Position, encoding: Encoding) -> u32 {
        let Some(span) = self.line_span(position.line) else {
            return saturate(text.len());
        };
        let line = span.slice(text);
        if encoding == Encoding::Utf8 || line.is_ascii() {
            let offset = span.start.saturating_add(position.character).min(span.end);
            return floor_char_boundary(text, offset);
        }
        let mut column = 0;
        for (at, character) in line.char_indices() {
            column += match encoding {
                Encoding::Utf16 => saturate(character.len_utf16()),
                _ => 1,
            };
            if column > position.character {
                return span.start + saturate(at);
            }
        }
        span.end
    }

    /// Follows an edit: `replaced` (in the text before) has become `inserted` bytes of `text` (the text after).
    ///
    /// Only the lines around the edit are read again.
    pub(crate) fn follow_edit(&mut self, text: &str, replaced: Span, inserted: u32) {
        // The line before is read again too, because `\r` and `\n` can meet at the seam.
        let first = self.line_of(replaced.start).saturating_sub(1) as usize;
        let last = self.line_of(replaced.end) as usize;
        let region_start = self.lines.get(first).map_or(0, |line| line.start);
        let (new_length, old_length) = (i64::from(inserted), i64::from(replaced.len()));
        let shift = |offset: u32| {
            let moved = i64::from(offset) - old_length + new_length;
            u32::try_from(moved).unwrap_or(u32::MAX)
        };
        let is_last = last + 1 >= self.lines.len();
        let region_end = match self.lines.get(last + 1) {
            Some(next) => shift(next.start),
            None => saturate(text.len()),
        };
        for line in self.lines.iter_mut().skip(last + 1) {
            *line = Span::new(shift(line.start), shift(line.end));
        }
        let region = Span::new(region_start, region_end);
        let mut fresh = Vec::new();
        let bytes = text.as_bytes().get(region.as_range()).unwrap_or_default();
        let rest = push_ended_lines(bytes, region_start, &mut fresh);
        if is_last {
            fresh.push(Span::new(rest, region_end));
        }
        let end = (last + 1).min(self.lines.len());
        self.lines.splice(first.min(end)..end, fresh);
    }
}

/// Pushes every line of `bytes` that ends with a break, and says where the unended rest starts.
///
/// `base` is the offset of the first byte.
fn push_ended_lines(bytes: &[u8], base: u32, lines: &mut Vec<Span>) -> u32 {
    const BLOCK: usize = 32;
    let mut line_start = 0;
    let mut at = 0;
    while at < bytes.len() {
        let block = bytes.get(at..(at + BLOCK).min(bytes.len())).unwrap_or(&[]);
        // Without a branch inside, this compiles to vector comparisons; most blocks have no break or one.
        let breaks = block
            .iter()
            .map(|&byte| u8::from(byte == b'\n') | u8::from(byte == b'\r'))
            .fold(0, |any, is_break| any | is_break);
        let block_end = at + block.len();
        if breaks != 0 {
            for (index, &byte) in block.iter().enumerate() {
                let offset = at + index;
                // A `\n` before `line_start` is the tail of a `\r\n` that is already counted.
                if (byte != b'\n' && byte != b'\r') || offset < line_start {
                    continue;
                }
                let pair = byte == b'\r' && bytes.get(offset + 1) == Some(&b'\n');
                lines.push(Span::new(
                    base.saturating_add(saturate(line_start)),
                    base.saturating_add(saturate(offset)),
                ));
                line_start = offset + if pair { 2 } else { 1 };
            }
        }
        at = block_end;
    }
    base.saturating_add(saturate(line_start))
}

/// The start of the character in which `offset` is; past the end it is the end.
pub(crate) fn floor_char_boundary(text: &str, offset: u32) -> u32 {
    saturate(text.floor_char_boundary(offset as usize))
}

/// Offsets are 32 bits wide: [`crate::MAX_FILE_BYTES`] is far below that.
pub(crate) fn saturate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
