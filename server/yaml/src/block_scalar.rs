//! Where a text after `|` or `>` is written.

use crate::line::narrow;
use crate::node::Style;
use gitops_text::Span;

/// From the `|` or `>` to the end of the last line that is not blank.
///
/// `from` is where the token before the header ends, `content` what the parser gives: from the first line of content to the next token.
pub(crate) fn block_scalar_span(text: &str, from: u32, content: Span, style: Style) -> Span {
    let sign = if style == Style::Literal { b'|' } else { b'>' };
    let start = block_scalar_header(text, from, content.start, sign).unwrap_or(content.start);
    let whole = Span::new(start, content.end.max(start));
    let trimmed = whole.slice(text).trim_end_matches([' ', '\t', '\n', '\r']);
    Span::new(start, start.saturating_add(narrow(trimmed.len())))
}

/// The last `sign` before a block scalar's content that is in no comment, anchor or tag.
///
/// The last, because a fault can be covered before it; see [`crate::repair`].
fn block_scalar_header(text: &str, from: u32, content_start: u32, sign: u8) -> Option<u32> {
    let before = Span::new(from, content_start).slice(text);
    let mut header = None;
    let mut at = 0;
    while let Some(byte) = before.as_bytes().get(at) {
        let rest = before.get(at..).unwrap_or("");
        at += match byte {
            &byte if byte == sign => {
                header = Some(from.saturating_add(narrow(at)));
                1
            }
            b'#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            b'&' | b'!' => rest.find(char::is_whitespace).unwrap_or(rest.len()),
            _ => 1,
        };
    }
    header
}
