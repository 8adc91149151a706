//! Bytes from the disk to text.

use std::fmt;

/// Larger files are not read: no manifest is this large, and every offset must fit 32 bits.
pub const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// The bytes are not text in an encoding that is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotText {
    /// Offset of the first byte that does not belong to a valid character.
    pub offset: u32,
}

impl fmt::Display for NotText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "not UTF-8 text: byte {} cannot be read", self.offset)
    }
}

impl std::error::Error for NotText {}

/// Reads bytes as UTF-8, or as UTF-16 where they start with its byte order mark.
///
/// Nothing is stripped: a byte order mark stays a character, so that offsets are those of the file where it is UTF-8.
///
/// # Errors
/// [`NotText`] with the offset of the first byte that cannot be read.
pub fn decode(bytes: &[u8]) -> Result<String, NotText> {
    match bytes {
        [0xFF, 0xFE, ..] => decode_utf16(bytes, u16::from_le_bytes),
        [0xFE, 0xFF, ..] => decode_utf16(bytes, u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(not_text_at(error.valid_up_to())),
        },
    }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, NotText> {
    let mut text = String::with_capacity(bytes.len());
    let (pairs, odd) = bytes.as_chunks::<2>();
    let mut offset = 0;
    for decoded in char::decode_utf16(pairs.iter().map(|&pair| unit(pair))) {
        let character = decoded.map_err(|_| not_text_at(offset))?;
        offset += 2 * character.len_utf16();
        text.push(character);
    }
    if odd.is_empty() {
        Ok(text)
    } else {
        Err(not_text_at(offset))
    }
}

fn not_text_at(offset: usize) -> NotText {
    NotText {
        offset: u32::try_from(offset).unwrap_or(u32::MAX),
    }
}
