//! Text to documents and errors.

use crate::alias_bound::too_many_aliases;
use crate::boundary::document_boundaries;
use crate::dialect_difference::dialect_differences;
use crate::document::Document;
use crate::duplicate_key::duplicate_keys;
use crate::error::SyntaxError;
use crate::forbidden_tab::forbidden_tabs;
use crate::line::narrow;
use crate::reading::read;
use crate::refused::{invisible_breaks, refused};
use gitops_text::Span;
use std::thread;

/// Everything that a text says as YAML.
#[derive(Clone, Debug, Default)]
pub struct Parse {
    /// The documents in the order of the text; at least one, which has no root when there is nothing in the text.
    pub documents: Vec<Document>,
    /// What is wrong, in the order of the text.
    pub errors: Vec<SyntaxError>,
}

impl Parse {
    /// The document in whose part of the text an offset is.
    #[must_use]
    pub fn document_at(&self, offset: u32) -> Option<&Document> {
        let after = self
            .documents
            .partition_point(|document| document.span().start <= offset);
        self.documents.get(after.checked_sub(1)?)
    }
}

/// Texts from this size on, in bytes, are read in two halves at once: starting a thread costs as much as reading some kilobytes.
const PARALLEL_FROM: usize = 128 * 1024;

/// Reads a text.
///
/// A document that is not YAML is kept up to its fault, and reading goes on at the next line that starts with `---`.
#[must_use]
pub fn parse(text: &str) -> Parse {
    let boundaries = document_boundaries(text);
    let mut parse = match middle(text, &boundaries) {
        Some(middle) if text.len() >= PARALLEL_FROM => in_halves(text, &boundaries, middle),
        _ => part(text, &boundaries, text.len()),
    };
    if parse.documents.is_empty() {
        parse.documents.push(Document::default());
    }
    set_ends(&mut parse.documents, text.len());
    if let Some(first) = parse.documents.first_mut() {
        first.span.start = 0;
    }
    parse
}

/// A document ends where the next one starts.
fn set_ends(documents: &mut [Document], end: usize) {
    let mut end = narrow(end);
    for document in documents.iter_mut().rev() {
        document.span = Span::new(document.span.start.min(end), end);
        end = document.span.start;
    }
}

/// Which boundary parts the text best; a `---` stands there, so that there is a document behind it.
fn middle(text: &str, boundaries: &[usize]) -> Option<usize> {
    let half = text.len() / 2;
    let middle = boundaries.partition_point(|&boundary| boundary < half).max(1);
    let starts = |&boundary: &usize| text.get(boundary..).is_some_and(|rest| rest.starts_with("---"));
    let from_there = boundaries.get(middle..)?;
    from_there.iter().position(starts).map(|at| middle + at)
}

fn in_halves(text: &str, boundaries: &[usize], middle: usize) -> Parse {
    let Some((first, second)) = boundaries.split_at_checked(middle) else {
        return part(text, boundaries, text.len());
    };
    let seam = second.first().copied().unwrap_or(text.len());
    thread::scope(|scope| {
        let other = thread::Builder::new()
            .name("yaml".into())
            .spawn_scoped(scope, || part(text, second, text.len()));
        let mut parse = part(text, first, seam);
        let rest = match other.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(rest)) => rest,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            // No thread is to be had: the second half is read here.
            Err(_) => part(text, second, text.len()),
        };
        parse.documents.extend(rest.documents);
        parse.errors.extend(rest.errors);
        parse
    })
}

/// Reads from the first boundary to `end`.
fn part(text: &str, boundaries: &[usize], end: usize) -> Parse {
    let (mut documents, mut errors) = read(text, boundaries, end);
    set_ends(&mut documents, end);
    let start = boundaries.first().copied().unwrap_or_default();
    for (index, document) in documents.iter().enumerate() {
        duplicate_keys(document, text, &mut errors);
        dialect_differences(document, text, &mut errors);
        too_many_aliases(document, &mut errors);
        // In a broken document it could be what covers the fault that is refused.
        if !document.is_broken() {
            refused(document, text, start == 0 && index == 0, &mut errors);
            forbidden_tabs(document, text, &mut errors);
        }
    }
    let span = Span::new(narrow(start), narrow(end));
    invisible_breaks(&documents, text, span, &mut errors);
    errors.sort_by_key(|error| (error.span.start, error.span.end, error.kind));
    errors.dedup();
    Parse { documents, errors }
}
