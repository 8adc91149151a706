//! Files and positions: bytes, lines, UTF-8, UTF-16 and UTF-32 columns, edits.
