//! Lines and columns as the protocol counts them, written independently of the server's own.
//!
//! Where the server would clamp, this panics: a position that the server sends must be exact.

use serde_json::{Value, json};

/// What a column counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// Code units of UTF-16.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// As `positionEncoding` names it; without one UTF-16 is meant.
    pub fn named(name: Option<&str>) -> Self {
        match name {
            None | Some("utf-16") => Self::Utf16,
            Some("utf-8") => Self::Utf8,
            Some("utf-32") => Self::Utf32,
            Some(other) => panic!("the server chose the position encoding {other}, which nobody offered"),
        }
    }

    fn width(self, character: char) -> usize {
        match self {
            Self::Utf8 => character.len_utf8(),
            Self::Utf16 => character.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// The lines of a text without their ends, each with the offset at which it begins. `\n`, `\r\n` and `\r` end one.
pub fn lines(text: &str) -> Vec<(usize, &str)> {
    let bytes = text.as_bytes();
    let mut lines = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < bytes.len() {
        let end = match bytes[at] {
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => 2,
            b'\r' | b'\n' => 1,
            _ => {
                at += 1;
                continue;
            }
        };
        lines.push((start, &text[start..at]));
        at += end;
        start = at;
    }
    lines.push((start, &text[start..]));
    lines
}

/// The byte offset of a position of the protocol.
pub fn offset_of(text: &str, position: &Value, encoding: Encoding) -> usize {
    let number = |name: &str| {
        usize::try_from(
            position[name]
                .as_u64()
                .unwrap_or_else(|| panic!("{position} is no position")),
        )
        .expect("small")
    };
    let (line, column) = (number("line"), number("character"));
    let lines = lines(text);
    let (start, content) = lines
        .get(line)
        .unwrap_or_else(|| panic!("{position} is past the last line of the text"));
    let mut units = 0;
    for (at, character) in content.char_indices() {
        if units == column {
            return start + at;
        }
        units += encoding.width(character);
        assert!(
            units <= column,
            "{position} is inside the character {character:?} of {content:?}"
        );
    }
    assert_eq!(units, column, "{position} is past the end of {content:?}");
    start + content.len()
}

/// The position of the protocol for a byte offset.
pub fn position_of(text: &str, offset: usize, encoding: Encoding) -> Value {
    let lines = lines(text);
    let line = lines.partition_point(|(start, _)| *start <= offset) - 1;
    let (start, content) = lines[line];
    let before = &content[..(offset - start).min(content.len())];
    let column: usize = before.chars().map(|character| encoding.width(character)).sum();
    json!({ "line": line, "character": column })
}

/// The range of the protocol for a range of bytes.
pub fn range_of(text: &str, range: std::ops::Range<usize>, encoding: Encoding) -> Value {
    json!({ "start": position_of(text, range.start, encoding), "end": position_of(text, range.end, encoding) })
}

/// The text that a range of the protocol covers.
pub fn slice<'a>(text: &'a str, range: &Value, encoding: Encoding) -> &'a str {
    &text[offset_of(text, &range["start"], encoding)..offset_of(text, &range["end"], encoding)]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Encoding, lines, offset_of, position_of};

    #[test]
    fn every_encoding_counts_in_its_own_units() {
        let text = "a\r\n🦊ß: x\rb\n";
        assert_eq!(
            lines(text).iter().map(|(_, line)| *line).collect::<Vec<_>>(),
            ["a", "🦊ß: x", "b", ""]
        );
        for (encoding, column) in [(Encoding::Utf8, 6), (Encoding::Utf16, 3), (Encoding::Utf32, 2)] {
            let position = json!({ "line": 1, "character": column });
            assert_eq!(&text[offset_of(text, &position, encoding)..][..3], ": x");
            assert_eq!(
                position_of(text, offset_of(text, &position, encoding), encoding),
                position
            );
        }
    }

    #[test]
    #[should_panic(expected = "inside the character")]
    fn half_a_surrogate_pair_is_no_place() {
        offset_of("🦊", &json!({ "line": 0, "character": 1 }), Encoding::Utf16);
    }
}
