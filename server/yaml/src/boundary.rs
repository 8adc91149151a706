//! Where documents can start, found without reading what is in them.

/// The offsets of the lines at which reading can start afresh, in order; 0 is always the first.
///
/// A line that starts with `---` starts a document whatever stands before it, since no scalar can hold such a line; so does the line after a `...`.
/// A `---` below a `%` line or a `...` belongs to what stands before it.
/// Documents that are parted by a lone `\r` are not found: the parser finds them.
pub(crate) fn document_boundaries(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut boundaries = vec![0];
    let line_starts = text.match_indices('\n').map(|(at, _)| at + 1);
    for line in std::iter::once(0).chain(line_starts) {
        let boundary = match marker_at(bytes, line) {
            Some(Marker::Start) if !has_prefix(text, line) => line,
            Some(Marker::End) => line_after(text, line),
            _ => continue,
        };
        if boundary < bytes.len() && boundaries.last().is_some_and(|&last| last < boundary) {
            boundaries.push(boundary);
        }
    }
    boundaries
}

enum Marker {
    Start,
    End,
}

fn marker_at(bytes: &[u8], line: usize) -> Option<Marker> {
    let marker = match bytes.get(line..line + 3)? {
        b"---" => Marker::Start,
        b"..." => Marker::End,
        _ => return None,
    };
    let ends = bytes.get(line + 3).is_none_or(u8::is_ascii_whitespace);
    ends.then_some(marker)
}

/// Whether directives or a `...` stand before a line, with nothing between but comments and blank lines.
fn has_prefix(text: &str, line: usize) -> bool {
    let before = text.get(..line).unwrap_or("");
    before
        .rsplit('\n')
        .map(str::trim_end)
        .find(|line| !line.is_empty() && !line.trim_start().starts_with('#'))
        .is_some_and(|line| line.starts_with('%') || line.starts_with("..."))
}

fn line_after(text: &str, line: usize) -> usize {
    let rest = text.get(line..).unwrap_or("");
    line + rest.find('\n').map_or(rest.len(), |at| at + 1)
}
