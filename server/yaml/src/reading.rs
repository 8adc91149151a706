//! Running the parser over documents, and starting it again behind a broken one.

use crate::builder::{Builder, shifted};
use crate::document::Document;
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::explain::{Fault, explain};
use crate::line::narrow;
use crate::progress::Progress;
use crate::repair::{ATTEMPTS, BYTES, Copy};
use gitops_text::Span;
use granit_parser::{ErrorKind, Event, Parser};

/// Collections nested deeper than this are not read.
pub(crate) const MAX_DEPTH: usize = 512;

/// Reads the documents of a text from the first boundary to `end`.
pub(crate) fn read(
    text: &str,
    boundaries: &[usize],
    end: usize,
) -> (Vec<Document>, Vec<SyntaxError>) {
    let mut reading = Reading::new(text, boundaries);
    let mut next = boundaries.first().copied();
    while let Some(start) = next {
        let source = text.get(start..end).unwrap_or("");
        let stop = reading.run(source, narrow(start));
        next = stop.and_then(|stop| reading.fault(&stop, end));
    }
    reading.end_document(false);
    if let Some(last) = reading.documents.last_mut() {
        last.comments.append(&mut reading.comments);
    } else if !reading.comments.is_empty() {
        // A text of comments alone is a document too, so that they can be found.
        reading.documents.push(Document {
            comments: reading.comments,
            ..Document::default()
        });
    }
    (reading.documents, reading.errors)
}

struct Reading<'t> {
    text: &'t str,
    boundaries: &'t [usize],
    /// Where the text that the parser has starts in the whole text.
    base: u32,
    builder: Option<Builder<'t>>,
    documents: Vec<Document>,
    errors: Vec<SyntaxError>,
    /// Comments since the last document ended.
    comments: Vec<Span>,
    /// Where the last event ended.
    last_seen: u32,
    /// See [`crate::repair`].
    has_marks: bool,
}

/// Where and why the parser stopped.
struct Stop {
    at: u32,
    kind: ErrorKind,
}

impl<'t> Reading<'t> {
    fn new(text: &'t str, boundaries: &'t [usize]) -> Self {
        Self {
            text,
            boundaries,
            base: 0,
            builder: None,
            documents: Vec::with_capacity(boundaries.len()),
            errors: Vec::new(),
            comments: Vec::new(),
            last_seen: 0,
            has_marks: false,
        }
    }

    /// Reads what starts at `base` of the whole text, to its end or the first fault.
    fn run(&mut self, source: &str, base: u32) -> Option<Stop> {
        let options = granit_parser::options! {
            emit_anchor_events: true,
            emit_unresolved_aliases: true,
            block_scalar_eof_without_line_feed: true,
            max_buffered_comment_events: usize::MAX,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        self.base = base;
        self.last_seen = base;
        let mut parser = Parser::new_from_str_with_options(source, options);
        loop {
            match parser.next_event()? {
                Ok((Event::StreamEnd, _)) => {
                    self.end_document(false);
                    return None;
                }
                Ok((event, span)) => self.event(event, span),
                Err(error) => {
                    let at = error.marker().byte_offset().unwrap_or_default();
                    let at = source.floor_char_boundary(at);
                    return Some(Stop {
                        at: narrow(at).saturating_add(base),
                        kind: error.kind().clone(),
                    });
                }
            }
        }
    }

    fn event(&mut self, event: Event<'_>, span: granit_parser::Span) {
        let place = shifted(span, self.base);
        match event {
            Event::StreamStart => {}
            Event::DocumentStart(explicit, _) => self.start_document(explicit, place),
            Event::DocumentEnd => self.end_document(false),
            Event::Comment(..) => match &mut self.builder {
                Some(builder) => builder.document.comments.push(place),
                None => self.comments.push(place),
            },
            event => {
                if let Some(builder) = &mut self.builder {
                    builder.event(event, span);
                }
            }
        }
        self.last_seen = place.end.max(self.last_seen);
    }

    fn start_document(&mut self, explicit: bool, place: Span) {
        self.end_document(false);
        let boundary = self.boundary_before(place.start);
        let start = match self.documents.last() {
            // Only the parser knows of documents without a boundary of their own.
            Some(last) if boundary <= last.span.start => place.start,
            _ => boundary,
        };
        let own = self.comments.partition_point(|comment| comment.start < start);
        let own = self.comments.split_off(own);
        if let Some(last) = self.documents.last_mut() {
            last.comments.append(&mut self.comments);
        }
        // A document without `---` starts, for the parser, at the content of a block scalar, not at its header.
        let token_end = if explicit { place.end } else { self.last_seen };
        let mut builder = Builder::new(self.text, self.base, start, token_end, explicit);
        builder.content_start = place.start;
        builder.has_marks = self.has_marks;
        builder.document.comments.append(&mut self.comments);
        builder.document.comments.extend(own);
        self.builder = Some(builder);
    }

    fn end_document(&mut self, broken: bool) {
        let Some(builder) = self.builder.take() else {
            return;
        };
        for &alias in &builder.unknown_aliases {
            self.errors.push(unknown_alias(self.text, alias));
        }
        let mut document = builder.finish();
        document.broken = broken;
        self.documents.push(document);
    }

    /// Keeps what there is of the broken document, and says at which boundary to go on.
    fn fault(&mut self, stop: &Stop, end: usize) -> Option<usize> {
        let within = match &self.builder {
            Some(builder) => builder.content_start,
            None => stop.at.max(self.last_seen),
        };
        let next = self
            .boundaries
            .iter()
            .copied()
            .find(|&boundary| boundary > within as usize && boundary < end);
        let boundary = self.boundary_before(within);
        // A document that seemed to be over is broken by what follows and belongs to nothing.
        let is_over = |last: &Document| boundary <= last.span.start;
        if self.builder.is_none() && self.documents.last().is_some_and(is_over) {
            self.reopen();
        }
        let start = match &self.builder {
            Some(builder) => builder.document.span.start,
            None => boundary,
        };
        let span = Span::new(start, narrow(next.unwrap_or(end)));
        let mut read_again = self.repair(span, stop);
        if read_again.documents.is_empty() {
            self.end_document(true);
        } else {
            self.builder = None;
            self.comments.clear();
            self.documents.append(&mut read_again.documents);
        }
        self.errors.append(&mut read_again.errors);
        next
    }
}
