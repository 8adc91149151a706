//! One place that is broken, and where it may be said.

use std::ops::Range;

/// A part of a file, in bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Region {
    /// The file, from the root.
    pub file: String,
    /// The bytes.
    pub span: Range<usize>,
}

/// Something that is put in the place of a part of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// What goes.
    pub span: Range<usize>,
    /// What comes.
    pub put: String,
}

/// What makes sure that a breakage is one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Proof {
    /// The API server refuses the object that is built then, as a new one; the sound one it takes.
    Refused,
    /// The API server refuses it over the live one.
    RefusedOverLive,
    /// It cannot be built, or a release cannot be rendered.
    Fails,
    /// Something else is built.
    Changes,
    /// Something else is built, or it cannot be built.
    ChangesOrFails,
    /// It cannot be built, or the API server refuses what is built.
    FailsOrRefused,
    /// The same is built as with these edits instead, in the same file.
    SameAs(Vec<Edit>),
    /// Nothing else is built.
    ChangesNothing,
    /// It follows from the texts alone.
    Certain,
}

/// How far a breakage gets before somebody can say so.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reach {
    /// The text, the build or the dry run.
    DryRun,
    /// Flux.
    Flux,
    /// The workload.
    Runtime,
}

/// How bad it has to be said to be, as the protocol counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// An error.
    Error = 1,
    /// A warning or an error.
    Warning = 2,
}

/// A place that can be broken. Regions are those of the sound texts; [`Edits::map`] moves them.
#[derive(Clone, Debug)]
pub struct Breakage {
    /// Which kind of the catalogue.
    pub kind: &'static str,
    /// The file that is edited.
    pub file: String,
    /// What is edited in it, in order.
    pub edits: Edits,
    /// Where the mark belongs. In the broken file these are the bytes after the edit.
    pub exact: Vec<Region>,
    /// What it belongs to: the object, or the entry.
    pub object: Vec<Region>,
    /// How bad it is.
    pub severity: Severity,
    /// What makes sure that it is one.
    pub proof: Proof,
    /// How far it gets.
    pub reach: Reach,
    /// What the refusal or the fault has to hold, one of these; anything where there are none.
    pub saying: &'static [&'static str],
}

impl Breakage {
    /// What is said is about this place at most.
    pub fn new(kind: &'static str, file: &str, edits: Vec<Edit>) -> Self {
        Self {
            kind,
            file: file.to_owned(),
            edits: Edits::new(edits),
            exact: Vec::new(),
            object: Vec::new(),
            severity: Severity::Error,
            proof: Proof::Refused,
            reach: Reach::DryRun,
            saying: &[],
        }
    }

    /// Adds a part of the broken file where the mark belongs, as it is before the edit.
    pub fn at(mut self, span: Range<usize>) -> Self {
        let span = self.edits.map(&span);
        let file = self.file.clone();
        self.exact.push(Region { file, span });
        self
    }

    /// Adds all of the line that a place of the broken file is on afterwards, from that place on.
    pub fn at_line(mut self, text: &str, offset: usize) -> Self {
        let start = self.edits.map(&(offset..offset)).start;
        if let Some(broken) = self.edits.apply(text) {
            let (_, end) = line_around(&broken, start);
            let file = self.file.clone();
            let span = start..end;
            self.exact.push(Region { file, span });
        }
        self
    }

    /// Forgets where the mark belongs so far.
    pub fn nowhere(mut self) -> Self {
        self.exact.clear();
        self
    }

    /// Adds a part of another file.
    pub fn at_other(mut self, region: Region) -> Self {
        self.exact.push(region);
        self
    }

    /// Adds a part of the broken file that it belongs to, as it is before the edit.
    pub fn within(mut self, span: Range<usize>) -> Self {
        let span = self.edits.map(&span);
        let file = self.file.clone();
        self.object.push(Region { file, span });
        self
    }

    /// Says what makes sure of it.
    pub fn proof(mut self, proof: Proof) -> Self {
        self.proof = proof;
        self
    }

    /// Says what the refusal or the fault has to hold: one of these.
    pub fn saying(mut self, texts: &'static [&'static str]) -> Self {
        self.saying = texts;
        self
    }

    /// Says how far it gets.
    pub fn reach(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }

    /// A warning is enough.
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}

/// Edits of one text, in order and apart from each other.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Edits(Vec<Edit>);

impl Edits {
    /// Puts them in order.
    pub fn new(mut edits: Vec<Edit>) -> Self {
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        Self(edits)
    }

    /// The text with the edits made; `None` where they do not fit it.
    pub fn apply(&self, text: &str) -> Option<String> {
        let mut edited = String::with_capacity(text.len() + 64);
        let mut at = 0;
        for edit in &self.0 {
            edited.push_str(text.get(at..edit.span.start)?);
            edited.push_str(&edit.put);
            at = edit.span.end;
        }
        edited.push_str(text.get(at..)?);
        Some(edited)
    }

    /// Where a part of the text is afterwards. What was put in at its border belongs to it.
    pub fn map(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.moved(span.start, false);
        start..self.moved(span.end, true).max(start)
    }

    fn moved(&self, offset: usize, is_end: bool) -> usize {
        let (mut more, mut less) = (0, 0);
        for edit in &self.0 {
            if edit.span.end < offset || (edit.span.end == offset && (is_end || edit.span.start < offset)) {
                more += edit.put.len();
                less += edit.span.len();
            } else if edit.span.start < offset {
                // Inside of what goes.
                let before = edit.span.start + more - less;
                return if is_end { before + edit.put.len() } else { before };
            }
        }
        offset + more - less
    }

    /// Where the first edit is.
    pub fn start(&self) -> usize {
        self.0.first().map_or(0, |edit| edit.span.start)
    }

    /// What goes and what comes, shortened, for people.
    pub fn describe(&self, text: &str) -> String {
        let short = |text: &str| -> String {
            let text = text.trim_end().replace('\n', "⏎").replace('\t', "⇥");
            if text.chars().count() > 70 {
                text.chars().take(67).chain("…".chars()).collect()
            } else {
                text
            }
        };
        let each = self.0.iter().map(|edit| {
            let (line_start, line_end) = line_around(text, edit.span.start);
            let before = text.get(line_start..edit.span.start).unwrap_or_default();
            let after = text.get(edit.span.end..line_end.max(edit.span.end)).unwrap_or_default();
            let gone = text.get(edit.span.clone()).unwrap_or_default();
            format!(
                "`{}` → `{}`",
                short(&format!("{before}{gone}{after}")),
                short(&format!("{before}{}{after}", edit.put))
            )
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

/// Start and end of the line that an offset is on, the end without its break.
pub fn line_around(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = text
        .get(offset..)
        .and_then(|rest| rest.find('\n'))
        .map_or(text.len(), |at| offset + at);
    (start, end)
}

/// Number of the line that an offset is on, from 1.
pub fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::{Edit, Edits};

    fn edits(edits: &[(std::ops::Range<usize>, &str)]) -> Edits {
        let edits = edits.iter().map(|(span, put)| Edit {
            span: span.clone(),
            put: (*put).to_owned(),
        });
        Edits::new(edits.collect())
    }

    #[test]
    fn what_stands_around_an_edit_moves_with_it() {
        let text = "name: web\nport: 80\n";
        let one = edits(&[(6..9, "storefront")]);
        assert_eq!(one.apply(text).as_deref(), Some("name: storefront\nport: 80\n"));
        assert_eq!(one.map(&(6..9)), 6..16);
        assert_eq!(one.map(&(0..9)), 0..16);
        assert_eq!(one.map(&(10..18)), 17..25);
        assert_eq!(one.map(&(7..8)), 6..16);
        // What is put in before something does not belong to it, and at its end it does.
        let added = edits(&[(10..10, "host: a\n")]);
        assert_eq!(added.map(&(10..18)), 10..26);
        assert_eq!(added.map(&(0..10)), 0..18);
        assert_eq!(added.map(&(11..18)), 19..26);
        let gone = edits(&[(0..10, "")]);
        assert_eq!(gone.apply(text).as_deref(), Some("port: 80\n"));
        assert_eq!(gone.map(&(10..18)), 0..8);
        let two = edits(&[(12..14, "x"), (0..4, "n")]);
        assert_eq!(two.apply(text).as_deref(), Some("n: web\npox: 80\n"));
        assert_eq!(two.map(&(10..14)), 7..10);
    }

    #[test]
    fn edits_are_described_by_their_lines() {
        let text = "spec:\n  replicas: 3\n";
        assert_eq!(
            edits(&[(18..19, "three")]).describe(text),
            "`  replicas: 3` → `  replicas: three`"
        );
    }
}
