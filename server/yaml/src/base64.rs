//! Base 64 for the tag `!!binary`.

/// Decodes as Go's `base64.StdEncoding` does: with padding, line breaks skipped. `None` when it is not base 64.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut symbols = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).peekable();
    while symbols.peek().is_some() {
        let group = [symbols.next()?, symbols.next()?, symbols.next()?, symbols.next()?];
        let kept = match group {
            [_, _, b'=', b'='] => 1,
            [_, _, _, b'='] => 2,
            _ => 3,
        };
        let mut bits = 0_u32;
        for (at, symbol) in group.into_iter().enumerate() {
            bits = bits << 6 | if at <= kept { sextet(symbol)? } else { 0 };
        }
        let [_, group @ ..] = bits.to_be_bytes();
        bytes.extend(group.iter().take(kept));
        if kept < 3 && symbols.peek().is_some() {
            return None;
        }
    }
    Some(bytes)
}

fn sextet(symbol: u8) -> Option<u32> {
    let value = match symbol {
        b'A'..=b'Z' => symbol - b'A',
        b'a'..=b'z' => symbol - b'a' + 26,
        b'0'..=b'9' => symbol - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}
