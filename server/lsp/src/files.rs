//! The files that the server knows: open ones with their text, all others by what they supply.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_cluster::answer::Answer;
use gitops_model::{Manifest, ObjectKey};
use gitops_session::{ObjectVerdict, Outcome};
use gitops_text::{Encoding, Span, Text};
use ls_types::Uri;

use crate::parsed::Parsed;

/// One file.
pub(crate) struct File {
    /// As the client names it, or as a path makes it.
    pub(crate) uri: Uri,
    /// Where it is on disk; `None` for a buffer that is on none.
    pub(crate) path: Option<Utf8PathBuf>,
    /// Version of the open buffer; `None` while it is closed.
    pub(crate) version: Option<i32>,
    /// Kept while the file is open, or while something is said about it.
    pub(crate) parsed: Option<Arc<Parsed>>,
    /// Text that came after `parsed` and is not parsed yet.
    pub(crate) unparsed: Option<Text>,
    /// Number of the newest save, 0 for none in this session.
    pub(crate) generation: u64,
    /// Hash of the text that was saved last, to tell a real change from an echo.
    pub(crate) saved_hash: Option<u64>,
    /// The text of the newest save, until all of it is on the cluster.
    pub(crate) saved: Option<Arc<Parsed>>,
    /// Whether the file is gone from the disk, and only its objects still have to go.
    pub(crate) gone: bool,
    /// The objects of the newest save that are not sent, since their aliases expand beyond every bound.
    pub(crate) left_out: Vec<ObjectKey>,
    /// The objects that the newest save supplies.
    pub(crate) supplies: Vec<ObjectKey>,
    /// What was said about the objects of the newest save.
    pub(crate) objects: Vec<Judged>,
}

/// What is known about one object of a file.
pub(crate) struct Judged {
    /// Which object.
    pub(crate) manifest: Manifest,
    /// What became of it; `None` for what is no object itself, but supplies fields of one.
    pub(crate) state: Option<ObjectState>,
    /// What the server says about it, with the text that each answer was about.
    pub(crate) answers: Vec<PlacedAnswer>,
}

/// An answer, and what was written where it belongs when it was given.
pub(crate) struct PlacedAnswer {
    /// The answer.
    pub(crate) answer: Answer,
    /// The text at its place at the save that it is about. Once a person has changed it, the answer is about nothing.
    /// `None`: it was about nothing that stands in the text, such as a missing field.
    pub(crate) written: Option<String>,
    /// Where it stands, if that is not found by the path of its field in the object.
    pub(crate) at: Option<At>,
}

/// A place in a text as it was saved.
pub(crate) struct At {
    /// The text.
    pub(crate) text: Arc<Parsed>,
    /// Where in it.
    pub(crate) span: Span,
    /// Other places that are involved: file, place, and what is there.
    pub(crate) related: Vec<(Arc<str>, Span, &'static str)>,
}

impl At {
    /// The place in the text as it is now; `None` once that part of the text was changed.
    pub(crate) fn now(&self, now: &Parsed) -> Option<Span> {
        moved(&self.text, now, self.span)
    }
}

/// A place of one text in another; `None` once that part of the text was changed.
pub(crate) fn moved(before: &Parsed, after: &Parsed, span: Span) -> Option<Span> {
    let (before, after) = (before.text.as_str(), after.text.as_str());
    let same_start = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let (start, end) = (span.start as usize, span.end as usize);
    if end < same_start || before.len() == after.len() && same_start == before.len() {
        return Some(span);
    }
    let same_end = before
        .bytes()
        .rev()
        .zip(after.bytes().rev())
        .take_while(|(a, b)| a == b)
        .count();
    if before.len() - same_end > start {
        return None;
    }
    let moved = |offset: usize| u32::try_from(after.len() - (before.len() - offset)).ok();
    Some(Span::new(moved(start)?, moved(end)?))
}

/// What a lens shows of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ObjectState {
    /// Sent, nothing heard yet.
    Sent,
    /// The dry run takes it, and that is all that is asked for.
    Accepted,
    /// On the cluster since then.
    Applied(SystemTime),
    /// Refused, with this many problems.
    Rejected(usize),
    /// The cluster could not be asked.
    Unreachable(String),
}

impl ObjectState {
    /// Of a verdict; `applying` says that what is accepted is being applied.
    pub(crate) fn of(verdict: &ObjectVerdict, applying: bool) -> Self {
        match &verdict.outcome {
            Outcome::Accepted if applying => Self::Sent,
            Outcome::Accepted => Self::Accepted,
            Outcome::Applied { at } => Self::Applied(*at),
            Outcome::Rejected => Self::Rejected(verdict.judgement.answers.len()),
            Outcome::Unreachable { reason } => Self::Unreachable(reason.clone()),
        }
    }

    /// The one of two that needs more looking at.
    pub(crate) fn worse(self, other: Self) -> Self {
        let weight = |state: &Self| match state {
            Self::Applied(_) => 0,
            Self::Accepted => 1,
            Self::Sent => 2,
            Self::Unreachable(_) => 3,
            Self::Rejected(_) => 4,
        };
        if weight(&other) > weight(&self) { other } else { self }
    }
}

/// All files that the server knows, by path (by URI where there is none).
#[derive(Default)]
pub(crate) struct Files {
    files: BTreeMap<Arc<str>, File>,
}

impl Files {
    /// The name under which a file is known: its path, so that two spellings of a URI are one file.
    pub(crate) fn name_of(uri: &Uri) -> Arc<str> {
        match path_of(uri) {
            Some(path) => Arc::from(path.as_str()),
            None => Arc::from(uri.as_str()),
        }
    }

    /// A known file.
    pub(crate) fn get(&self, name: &str) -> Option<&File> {
        self.files.get(name)
    }

    /// A known file, to change.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut File> {
        self.files.get_mut(name)
    }

    /// The file of a URI, known from now on.
    pub(crate) fn open(&mut self, uri: &Uri) -> (Arc<str>, &mut File) {
        let name = Self::name_of(uri);
        let file = self
            .files
            .entry(Arc::clone(&name))
            .or_insert_with(|| File::new(uri.clone(), path_of(uri)));
        file.uri = uri.clone();
        (name, file)
    }

    /// The file at a path, known from now on; `None` for a path that no URI can name.
    pub(crate) fn at_path(&mut self, path: &Utf8Path) -> Option<(Arc<str>, &mut File)> {
        let name: Arc<str> = Arc::from(path.as_str());
        if !self.files.contains_key(&name) {
            let uri = Uri::from_file_path(path)?;
            self.files
                .insert(Arc::clone(&name), File::new(uri, Some(path.to_owned())));
        }
        self.files.get_mut(&name).map(|file| (name, file))
    }

    /// Forgets a file.
    pub(crate) fn remove(&mut self, name: &str) {
        self.files.remove(name);
    }

    /// All known files, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &File)> {
        self.files.iter()
    }

    /// The known files under a directory.
    pub(crate) fn under(&self, directory: &Utf8Path) -> Vec<Arc<str>> {
        self.files
            .iter()
            .filter(|(_, file)| file.path.as_ref().is_some_and(|path| path.starts_with(directory)))
            .map(|(name, _)| Arc::clone(name))
            .collect()
    }
}

impl File {
    fn new(uri: Uri, path: Option<Utf8PathBuf>) -> Self {
        Self {
            uri,
            path,
            version: None,
            parsed: None,
            unparsed: None,
            generation: 0,
            saved_hash: None,
            saved: None,
            gone: false,
            left_out: Vec::new(),
            supplies: Vec::new(),
            objects: Vec::new(),
        }
    }

    /// What the file holds now; what is not parsed yet is parsed.
    pub(crate) fn current(&mut self) -> Option<&Arc<Parsed>> {
        if let Some(text) = self.unparsed.take() {
            let path = self.path.as_ref().map_or(self.uri.as_str(), |path| path.as_str());
            self.parsed = Some(Arc::new(Parsed::new(path, text)));
        }
        self.parsed.as_ref()
    }

    /// The newest text.
    pub(crate) fn text(&self) -> Option<&Text> {
        self.unparsed
            .as_ref()
            .or_else(|| self.parsed.as_ref().map(|parsed| &parsed.text))
    }

    /// Takes edits of the client.
    pub(crate) fn edit(&mut self, edits: &[gitops_text::Edit], encoding: Encoding) {
        let empty = Text::new("");
        let text = self.text().unwrap_or(&empty).edited(edits, encoding);
        self.unparsed = Some(text);
    }

    /// What is known about an object of this file.
    pub(crate) fn judged(&self, key: &ObjectKey) -> Option<&Judged> {
        self.objects.iter().find(|judged| *judged.manifest.key == *key)
    }
}

/// The path of a URI, if it has one on this machine.
pub(crate) fn path_of(uri: &Uri) -> Option<Utf8PathBuf> {
    if uri.scheme().as_str() != "file" {
        return None;
    }
    Utf8PathBuf::from_path_buf(uri.to_file_path()?.into_owned()).ok()
}

/// A hash of a text, good enough to tell an echo of a save from a change.
pub(crate) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
