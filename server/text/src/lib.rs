//! Files and positions: bytes, lines, UTF-8, UTF-16 and UTF-32 columns, edits.
//!
//! Everything inside the program counts in bytes of UTF-8 ([`Span`]); only the edge that talks to an editor counts in lines and columns ([`Position`]), and the conversion happens here and nowhere else.

mod decode;
mod edit;
mod line_index;
mod span;

pub use decode::{MAX_FILE_BYTES, NotText, decode};
pub use edit::{Edit, Text};
pub use line_index::{Encoding, LineIndex, Position};
pub use span::{FileId, Revision, Span};
