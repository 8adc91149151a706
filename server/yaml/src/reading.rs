//! Running the parser over documents, and starting it again behind a broken one.

use crate::builder::{Builder, place_in};
use crate::document::Document;
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::explain::{Fault, explain};
use crate::line::narrow;
use crate::progress::Progress;
use crate::repair::{ATTEMPTS, BYTES, Copy};
use gitops_text::Span;
use granit_parser::{ErrorKind, Event, Parser};

/// Collections nested deeper than this are not read.
pub(crate) const MAX_DEPTH: usize = 100;

/// Reads the documents of a text from the first boundary to `end`.
pub(crate) fn read(text: &str, boundaries: &[usize], end: usize) -> (Vec<Document>, Vec<SyntaxError>) {
    let mut reading = Reading::new(text, boundaries);
    let mut next = boundaries.first().copied();
    while let Some(start) = next {
        let source = text.get(start..end).unwrap_or("");
        let stop = reading.run(source, narrow(start));
        next = stop.and_then(|stop| reading.fault(stop, end));
    }
    reading.into_documents()
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
                    self.end_document();
                    return None;
                }
                Ok((event, span)) => self.event(event, span),
                Err(error) => {
                    let in_part = error.marker().byte_offset().unwrap_or_default();
                    let at = self.text.floor_char_boundary(in_part.saturating_add(base as usize));
                    return Some(Stop {
                        at: narrow(at),
                        kind: error.kind().clone(),
                    });
                }
            }
        }
    }

    fn event(&mut self, event: Event<'_>, span: granit_parser::Span) {
        let place = place_in(self.text, span, self.base);
        match event {
            Event::StreamStart => {}
            Event::DocumentStart(explicit, _) => self.start_document(explicit, place),
            Event::DocumentEnd => self.end_document(),
            Event::Comment(..) => match &mut self.builder {
                Some(builder) => builder.document.comments.push(place),
                None => self.comments.push(place),
            },
            event => {
                if let Some(builder) = &mut self.builder {
                    builder.event(event, span, place);
                }
            }
        }
        self.last_seen = place.end.max(self.last_seen);
    }

    fn start_document(&mut self, explicit: bool, place: Span) {
        self.end_document();
        let mut boundary = self.boundary_before(place.start);
        // A document without `---` starts, for the parser, at the content of a block scalar, not at its header; that can be where the next document starts.
        if !explicit && place.start > self.last_seen && self.text.get(boundary as usize..).is_some_and(is_marked) {
            boundary = self.boundary_before(boundary.saturating_sub(1));
        }
        let start = match self.documents.last() {
            // Only the parser knows of documents without a boundary of their own.
            Some(last) if boundary <= last.span.start && explicit => place.start,
            Some(last) if boundary <= last.span.start => self.last_seen,
            _ => boundary,
        };
        let own = self.comments.partition_point(|comment| comment.start < start);
        let own = self.comments.split_off(own);
        if let Some(last) = self.documents.last_mut() {
            last.comments.append(&mut self.comments);
        }
        let token_end = if explicit { place.end } else { self.last_seen.max(start) };
        let mut builder = Builder::new(self.text, self.base, start, token_end, explicit);
        builder.has_marks = self.has_marks;
        builder.document.comments.append(&mut self.comments);
        builder.document.comments.extend(own);
        self.builder = Some(builder);
    }

    fn end_document(&mut self) {
        let Some(builder) = self.builder.take() else {
            return;
        };
        for &alias in &builder.unknown_aliases {
            self.errors.push(unknown_alias(self.text, alias));
        }
        self.documents.push(builder.finish());
    }

    /// Keeps what there is of the broken document, and says at which boundary to go on.
    fn fault(&mut self, stop: Stop, end: usize) -> Option<usize> {
        let within = match &self.builder {
            Some(builder) => builder.document.span.start,
            None => stop.at.max(self.last_seen),
        };
        let is_next = |&&boundary: &&usize| boundary > within as usize && boundary < end;
        let next = self.boundaries.iter().find(is_next).copied();
        let boundary = self.boundary_before(within);
        let mut broken = Reading::new(self.text, &[]);
        broken.builder = self.builder.take();
        if broken.builder.is_none() {
            // What follows a document that seemed to be over belongs to nothing, and breaks it.
            let is_over = |last: &mut Document| boundary <= last.span.start;
            broken.documents.extend(self.documents.pop_if(is_over));
        }
        let start = match (&broken.builder, broken.documents.last()) {
            (Some(builder), _) => builder.document.span.start,
            (None, Some(document)) => document.span.start,
            (None, None) => boundary,
        };
        let own = self.comments.partition_point(|comment| comment.start < start);
        broken.comments = self.comments.split_off(own);
        if let Some(last) = self.documents.last_mut() {
            last.comments.append(&mut self.comments);
        }
        let span = Span::new(start, narrow(next.unwrap_or(end)));
        let (mut documents, mut errors) = broken.read_again(span, stop);
        self.documents.append(&mut documents);
        self.errors.append(&mut errors);
        next
    }

    /// Explains a fault, covers it and reads the document again, as long as that helps.
    fn read_again(self, span: Span, stop: Stop) -> (Vec<Document>, Vec<SyntaxError>) {
        let text = self.text;
        let boundaries = [span.start as usize];
        let mut copy = Copy::new(text, span);
        let mut faults: Vec<SyntaxError> = Vec::new();
        let mut reading = Reading {
            boundaries: &boundaries,
            ..self
        };
        let mut stop = Some(stop);
        let mut best = None;
        for attempt in 1..=ATTEMPTS {
            let Some(stopped) = &stop else { break };
            let fault = Fault {
                text,
                document: span,
                at: stopped.at,
                kind: &stopped.kind,
                progress: reading.progress(span.start),
            };
            let goes_on = copy.cover_harmless(&fault) || {
                let error = explain(&fault);
                let goes_on = attempt * copy.text.len() <= BYTES && copy.cover(&error, stopped.at);
                // Behind a cover that is a guess, a second fault can be the first one's echo.
                if faults.iter().all(|fault| fault.kind == SyntaxErrorKind::Tab) {
                    faults.push(error);
                }
                goes_on
            };
            best = Some(better(best, reading.into_documents()));
            if !goes_on {
                break;
            }
            reading = Reading::new(text, &boundaries);
            reading.has_marks = copy.has_marks;
            stop = reading.run(&copy.text, span.start);
            if stop.is_some() {
                continue;
            }
            let (documents, errors) = reading.into_documents();
            return finished(documents, errors, faults, span);
        }
        let (documents, errors) = best.unwrap_or_default();
        finished(documents, errors, faults, span)
    }

    fn progress(&self, start: u32) -> Progress<'_> {
        match (&self.builder, self.documents.last()) {
            (Some(builder), _) => builder.progress(),
            (None, Some(document)) => Progress::of_whole(&document.nodes, start),
            (None, None) => Progress::of_whole(&[], start),
        }
    }

    fn into_documents(mut self) -> (Vec<Document>, Vec<SyntaxError>) {
        self.end_document();
        if let Some(last) = self.documents.last_mut() {
            last.comments.append(&mut self.comments);
        } else if !self.comments.is_empty() {
            // A text of comments alone is a document too, so that they can be found.
            self.documents.push(Document {
                comments: self.comments,
                ..Document::default()
            });
        }
        (self.documents, self.errors)
    }

    fn boundary_before(&self, offset: u32) -> u32 {
        let after = self.boundaries.partition_point(|&boundary| boundary <= offset as usize);
        let boundary = self.boundaries.get(after.saturating_sub(1));
        boundary.map_or(0, |&boundary| narrow(boundary))
    }
}

fn is_marked(line: &str) -> bool {
    line.starts_with("---")
}

type Read = (Vec<Document>, Vec<SyntaxError>);

/// The reading that found more.
fn better(best: Option<Read>, new: Read) -> Read {
    let size = |read: &Read| read.0.iter().map(Document::node_count).sum::<usize>();
    match best {
        Some(best) if size(&best) > size(&new) => best,
        _ => new,
    }
}

/// Marks what is broken, and puts the faults with the other errors.
fn finished(mut documents: Vec<Document>, mut errors: Vec<SyntaxError>, faults: Vec<SyntaxError>, span: Span) -> Read {
    if documents.is_empty() {
        documents.push(Document::default());
    }
    if let Some(first) = documents.first_mut() {
        first.span = Span::new(span.start, first.span.end.max(span.start));
    }
    if let (Some(last), false) = (documents.last_mut(), faults.is_empty()) {
        last.broken = true;
    }
    errors.extend(faults);
    (documents, errors)
}

fn unknown_alias(text: &str, alias: Span) -> SyntaxError {
    let name = alias.slice(text).trim_start_matches('*');
    let is_name = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_');
    let message = if name.chars().all(is_name) {
        format!("no anchor `&{name}` stands before this alias in its document")
    } else {
        format!("`*` starts an alias, and there is no anchor `&{name}`: a text that starts with `*` goes in quotes")
    };
    SyntaxError {
        span: alias,
        kind: SyntaxErrorKind::UnknownAnchor,
        message,
        related: None,
    }
}
