//! Looking at single lines of a text.

use gitops_text::Span;

/// The line in which an offset is, without its break.
pub(crate) fn line_at(text: &str, offset: u32) -> Span {
    let bytes = text.as_bytes();
    let at = (offset as usize).min(bytes.len());
    let (before, after) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
    let is_break = |&byte: &u8| byte == b'\n' || byte == b'\r';
    let start = before.iter().rposition(is_break).map_or(0, |found| found + 1);
    let end = after.iter().position(is_break).map_or(bytes.len(), |found| at + found);
    Span::new(narrow(start), narrow(end))
}

/// The line after the one in which an offset is; `None` at the end of the text.
pub(crate) fn next_line(text: &str, offset: u32) -> Option<Span> {
    let end = line_at(text, offset).end;
    let rest = text.get(end as usize..)?;
    let skipped = if rest.starts_with("\r\n") { 2 } else { 1 };
    (!rest.is_empty()).then(|| line_at(text, end.saturating_add(skipped)))
}

/// From an offset to the end of its line, without a comment and the blanks before it.
pub(crate) fn rest_of_line(text: &str, offset: u32) -> Span {
    let line = line_at(text, offset);
    let rest = Span::new(offset, line.end);
    let words = rest.slice(text);
    let comment = words.find(" #").or_else(|| words.find("\t#")).unwrap_or(words.len());
    let kept = words.get(..comment).unwrap_or(words).trim_end();
    Span::new(offset, offset.saturating_add(narrow(kept.len())))
}

/// What stands on the line of an offset, without indentation and comment.
pub(crate) fn content_of_line(text: &str, offset: u32) -> Span {
    let line = line_at(text, offset);
    rest_of_line(
        text,
        line.start.saturating_add(narrow(indentation(line.slice(text)).len())),
    )
}

/// The blanks and tabs that a line starts with.
pub(crate) fn indentation(line: &str) -> &str {
    let length = line.len() - line.trim_start_matches([' ', '\t']).len();
    line.get(..length).unwrap_or("")
}

/// How many characters stand before an offset on its line.
pub(crate) fn column(text: &str, offset: u32) -> usize {
    let line = line_at(text, offset);
    Span::new(line.start, offset).slice(text).chars().count()
}

/// Zero-based number of the line of an offset.
pub(crate) fn line_number(text: &str, offset: u32) -> usize {
    let before = text.get(..offset as usize).unwrap_or("");
    before.bytes().filter(|&byte| byte == b'\n').count()
}

/// From an offset to the next blank or line end.
pub(crate) fn word_at(text: &str, offset: u32) -> Span {
    let rest = text.get(offset as usize..).unwrap_or("");
    let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
    Span::new(offset, offset.saturating_add(narrow(length)))
}

/// The character at an offset.
pub(crate) fn character_at(text: &str, offset: u32) -> Span {
    let rest = text.get(offset as usize..).unwrap_or("");
    let length = rest.chars().next().map_or(0, char::len_utf8);
    Span::new(offset, offset.saturating_add(narrow(length)))
}

/// Offsets are 32 bits wide; [`gitops_text::MAX_FILE_BYTES`] is far below that.
pub(crate) fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
