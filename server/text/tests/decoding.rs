//! Bytes to text, and spans.

use gitops_text::{Edit, Encoding, NotText, Position, Span, Text, decode};

#[test]
fn utf8_is_taken_as_it_is() {
    assert_eq!(decode(b"a: \xC3\xA9").as_deref(), Ok("a: é"));
    assert_eq!(decode(b"").as_deref(), Ok(""));
    assert_eq!(decode(b"\xEF\xBB\xBFa").as_deref(), Ok("\u{FEFF}a"));
}

#[test]
fn utf16_with_its_mark_is_decoded() {
    assert_eq!(decode(b"\xFF\xFEa\0\x3D\xD8\x00\xDE").as_deref(), Ok("\u{FEFF}a😀"));
    assert_eq!(decode(b"\xFE\xFF\0a\xD8\x3D\xDE\x00").as_deref(), Ok("\u{FEFF}a😀"));
}

#[test]
fn what_is_no_text_is_said_with_its_place() {
    assert_eq!(decode(b"ab\xFFc"), Err(NotText { offset: 2 }));
    assert_eq!(decode(b"ab\xC3"), Err(NotText { offset: 2 }));
    // Half a surrogate pair, and half a unit.
    assert_eq!(decode(b"\xFF\xFEa\0\x3D\xD8b\0"), Err(NotText { offset: 4 }));
    assert_eq!(decode(b"\xFF\xFEa\0b"), Err(NotText { offset: 4 }));
    assert_eq!(
        NotText { offset: 4 }.to_string(),
        "not UTF-8 text: byte 4 cannot be read"
    );
}

#[test]
fn a_span_outside_the_text_is_empty() {
    let text = "aé";
    assert_eq!(Span::new(0, 1).slice(text), "a");
    assert_eq!(Span::new(1, 3).slice(text), "é");
    for span in [Span::new(2, 3), Span::new(0, 2), Span::new(0, 9), Span::new(7, 9)] {
        assert_eq!(span.slice(text), "");
    }
    assert_eq!(Span::new(5, 3), Span::empty(5));
    assert_eq!(Span::new(1, 2).cover(Span::new(4, 6)), Span::new(1, 6));
    assert!(Span::new(1, 3).contains(1) && !Span::new(1, 3).contains(3) && Span::new(1, 3).touches(3));
    assert!(Span::new(1, 6).encloses(Span::new(1, 6)) && !Span::new(1, 6).encloses(Span::new(0, 2)));
}

#[test]
fn swapped_ends_and_ends_inside_a_pair_are_mended() {
    let text = Text::new("a😀b\nc");
    let at = |line, character| Position { line, character };
    let edit = |from, to, new: &str| Edit {
        range: Some((from, to)),
        new_text: new.into(),
    };
    // Column 2 of UTF-16 is inside the pair, and so its start.
    let edits = [edit(at(0, 2), at(0, 1), "x"), edit(at(9, 9), at(0, 4), "!")];
    assert_eq!(text.edited(&edits, Encoding::Utf16).as_str(), "ax😀!");
    assert_eq!(text.range(Span::new(1, 7), Encoding::Utf16), (at(0, 1), at(1, 0)));
}
