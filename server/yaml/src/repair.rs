//! Reading on behind a fault, in a copy of the document in which the fault is covered.
//!
//! A document that someone is writing is broken most of the time, and what stands below the fault is still wanted: for completion, for finding the object that a line is in. So the place of the fault is covered with blanks, as many as there were bytes, and the copy is read instead; every span stays right.
//! Two things that the parser refuses and Kubernetes' readers do not are covered in the same way, without an error: a tab inside brackets and the escape `\'`.

use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::explain::Fault;
use crate::line::{indentation, line_at, narrow};
use crate::node::Style;
use gitops_text::Span;
use granit_parser::ErrorKind;

/// How often one document is read again.
pub(crate) const ATTEMPTS: usize = 8;

/// How many bytes are read again for one document at most, so that typing in a large file stays quick.
pub(crate) const BYTES: usize = 256 * 1024;

/// Stands for `\'` in a copy: two bytes long like it, and not a character that any text has.
const MARK: &str = "\u{378}";

/// The copy that is read, and what was covered.
pub(crate) struct Copy {
    pub(crate) text: String,
    /// Where the copy starts in the whole text.
    pub(crate) start: u32,
    /// Whether [`MARK`]s stand in it.
    pub(crate) has_marks: bool,
    /// The line that was covered last, and from where.
    last: Option<(u32, u32)>,
}

impl Copy {
    pub(crate) fn new(text: &str, span: Span) -> Self {
        Self {
            text: span.slice(text).to_owned(),
            start: span.start,
            has_marks: false,
            last: None,
        }
    }

    /// Covers what is no fault for Kubernetes' readers; says whether there was such a thing at this fault.
    pub(crate) fn cover_harmless(&mut self, fault: &Fault<'_>) -> bool {
        match fault.kind {
            ErrorKind::UnknownQuotedScalarEscape if !self.has_marks && !self.text.contains(MARK) => {
                let marked = mark_escapes(&self.text);
                self.has_marks = marked != self.text;
                self.text = marked;
                self.has_marks
            }
            ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabNotAllowed
            | ErrorKind::TabInPlainScalar
            | ErrorKind::UnexpectedCharacter { character: '\t' } => {
                // The bracket can be one that is not in the tree yet.
                let next = fault.progress.next_token(fault.text);
                let starts = |sign| Span::new(next, fault.at).slice(fault.text).starts_with(sign);
                let unread = (starts('[') || starts('{')).then_some(next);
                let Some(bracket) = fault.progress.bracket.or(unread) else {
                    return false;
                };
                let end = self.start + narrow(self.text.len());
                let from_bracket = Span::new(bracket, end);
                let Some(end) = closing_bracket(self.slice(from_bracket)) else {
                    return false;
                };
                self.replace_indenting_tabs(Span::new(bracket, bracket.saturating_add(end)))
            }
            _ => false,
        }
    }

    /// Covers a fault at which the parser stopped at `fault_at`; `false` when covering does not help.
    pub(crate) fn cover(&mut self, error: &SyntaxError, fault_at: u32) -> bool {
        if error.kind == SyntaxErrorKind::Tab && self.replace_tabs(error.span) {
            return true;
        }
        let end = self.start + narrow(self.text.len());
        let at = error.span.start.clamp(self.start, end);
        let local = line_at(&self.text, at - self.start);
        let line = Span::new(local.start + self.start, local.end + self.start);
        // As little as can be is covered first: from where the parser stopped, from where the fault is, the whole line.
        let stopped = fault_at.max(at);
        let from = match self.last {
            Some((last, from)) if last == line.start && from == line.start => return false,
            Some((last, from)) if last == line.start && from <= at => line.start,
            Some((last, _)) if last == line.start => at,
            _ if line.touches(stopped) => stopped,
            _ => at,
        };
        let blank = |from: u32| self.slice(Span::new(from, line.end)).trim().is_empty();
        let from = [from, at, line.start].into_iter().find(|&from| !blank(from));
        let Some(from) = from else { return false };
        self.last = Some((line.start, from));
        self.blank(Span::new(from, line.end));
        true
    }

    fn slice(&self, span: Span) -> &str {
        self.local(span).slice(&self.text)
    }

    fn local(&self, span: Span) -> Span {
        Span::new(
            span.start.saturating_sub(self.start),
            span.end.saturating_sub(self.start),
        )
    }

    fn blank(&mut self, span: Span) {
        let blanks = " ".repeat(self.slice(span).len());
        self.put(span, &blanks);
    }

    fn replace_tabs(&mut self, span: Span) -> bool {
        let old = self.slice(span);
        let new = old.replace('\t', " ");
        let changes = new != old;
        self.put(span, &new);
        changes
    }

    /// Tabs inside quotes belong to a value, so only those at the start of a line are replaced.
    fn replace_indenting_tabs(&mut self, span: Span) -> bool {
        let old = self.slice(span);
        let mut new = String::with_capacity(old.len());
        for line in old.split_inclusive('\n') {
            let blanks = indentation(line);
            new.extend(blanks.chars().map(|_| ' '));
            new.push_str(line.get(blanks.len()..).unwrap_or(""));
        }
        let changes = new != old;
        self.put(span, &new);
        changes
    }

    fn put(&mut self, span: Span, new: &str) {
        let local = self.local(span).as_range();
        if self.text.get(local.clone()).is_some_and(|old| old.len() == new.len()) {
            self.text.replace_range(local, new);
        }
    }
}

/// Puts a mark for every `\'`; backslashes in pairs are left alone.
fn mark_escapes(text: &str) -> String {
    let mut marked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        marked.push_str(before);
        let length = 1 + from.chars().nth(1).map_or(0, char::len_utf8);
        let (escape, after) = from.split_at(length);
        marked.push_str(if escape == "\\'" { MARK } else { escape });
        rest = after;
    }
    marked.push_str(rest);
    marked
}

/// What a scalar with marks says.
pub(crate) fn without_marks(value: &str, style: Style) -> String {
    match style {
        Style::DoubleQuoted => value.replace(MARK, "'"),
        _ => value.replace(MARK, "\\'"),
    }
}

/// Where the bracket closes that a text starts with; brackets in quotes are taken for others, which at worst covers fewer tabs.
fn closing_bracket(text: &str) -> Option<u32> {
    let mut depth = 0_u32;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(narrow(at));
                }
            }
            _ => {}
        }
    }
    None
}
