//! Positions, edits and line breaks, against a model that is slow and plain.

use gitops_text::{Edit, Encoding, LineIndex, Position, Span, Text};
use proptest::prelude::*;

const ENCODINGS: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

/// Pieces that meet in every way: all breaks, characters of one to four bytes, a byte order mark.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n"),
        Just("\r"),
        Just("\r\n"),
        Just("a"),
        Just("key: value"),
        Just("é"),
        Just("語"),
        Just("😀"),
        Just("\u{FEFF}"),
        Just("\u{2028}"),
        Just(" "),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// The lines without their breaks, one character at a time.
fn lines(text: &str) -> Vec<Span> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let mut end = at + character.len_utf8();
        if character == '\r' && characters.peek().is_some_and(|&(_, next)| next == '\n') {
            characters.next();
            end += 1;
        }
        if matches!(character, '\r' | '\n') {
            lines.push(span(start, at));
            start = end;
        }
    }
    lines.push(span(start, text.len()));
    lines
}

fn span(start: usize, end: usize) -> Span {
    Span::new(u32::try_from(start).unwrap(), u32::try_from(end).unwrap())
}

fn units(character: char, encoding: Encoding) -> u32 {
    let units = match encoding {
        Encoding::Utf8 => character.len_utf8(),
        Encoding::Utf16 => character.len_utf16(),
        Encoding::Utf32 => 1,
    };
    u32::try_from(units).unwrap()
}

/// Position to offset, one character at a time.
fn offset(text: &str, position: Position, encoding: Encoding) -> usize {
    let lines = lines(text);
    let Some(line) = lines.get(position.line as usize) else {
        return text.len();
    };
    let mut column = 0;
    for (at, character) in line.slice(text).char_indices() {
        column += units(character, encoding);
        if column > position.character {
            return line.start as usize + at;
        }
    }
    line.end as usize
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn lines_end_at_the_three_breaks(text in any_text()) {
        let index = LineIndex::new(&text);
        let lines = lines(&text);
        prop_assert_eq!(index.line_count() as usize, lines.len());
        for (number, &line) in (0_u32..).zip(&lines) {
            prop_assert_eq!(index.line_span(number), Some(line));
            prop_assert_eq!(index.line_of(line.start), number);
            prop_assert_eq!(index.line_of(line.end), number);
        }
        prop_assert_eq!(index.line_span(index.line_count()), None);
    }

    #[test]
    fn an_offset_comes_back(text in any_text()) {
        let index = LineIndex::new(&text);
        for encoding in ENCODINGS {
            for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
                let at = u32::try_from(at).unwrap();
                let position = index.position(&text, at, encoding);
                let back = index.offset(&text, position, encoding);
                let line = index.line_span(position.line).expect("the line is there");
                // Between `\r` and `\n` is the end of the line.
                prop_assert_eq!(back, at.min(line.end), "{} in {:?}", at, encoding);
            }
        }
    }

    #[test]
    fn any_position_is_clamped(text in any_text(), line in 0_u32..45, character in 0_u32..60) {
        let index = LineIndex::new(&text);
        let position = Position { line, character };
        for encoding in ENCODINGS {
            let found = index.offset(&text, position, encoding) as usize;
            prop_assert_eq!(found, offset(&text, position, encoding));
            prop_assert!(text.is_char_boundary(found));
        }
    }

    #[test]
    fn any_offset_is_clamped(text in any_text(), offset in 0_u32..200) {
        let index = LineIndex::new(&text);
        for encoding in ENCODINGS {
            let position = index.position(&text, offset, encoding);
            prop_assert!(position <= index.position(&text, u32::MAX, encoding));
            prop_assert!(index.offset(&text, position, encoding) <= offset);
        }
    }

    #[test]
    fn edits_do_what_the_model_does(
        text in any_text(),
        edits in proptest::collection::vec(any_edit(), 0..8),
        encoding in proptest::sample::select(ENCODINGS.to_vec()),
    ) {
        let mut expected = text.clone();
        for edit in &edits {
            match edit.range {
                Some((one, other)) => {
                    let one = offset(&expected, one, encoding);
                    let other = offset(&expected, other, encoding);
                    expected.replace_range(one.min(other)..one.max(other), &edit.new_text);
                }
                None => expected.clone_from(&edit.new_text),
            }
        }
        let edited = Text::new(text).edited(&edits, encoding);
        prop_assert_eq!(edited.as_str(), expected.as_str());
        // Following the edits gives the same lines as reading the text anew.
        prop_assert_eq!(edited.index(), &LineIndex::new(&expected));
    }
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let position = || (0_u32..12, 0_u32..12).prop_map(|(line, character)| Position { line, character });
    let range = proptest::option::weighted(0.95, (position(), position()));
    (range, any_text()).prop_map(|(range, new_text)| Edit { range, new_text })
}
