//! What the catalogue looks for candidates in.

use std::collections::BTreeMap;
use std::ops::Range;

use gitops_yaml::{FieldPath, Node};
use serde_json::Value;

use super::breakage::{Breakage, Edit, line_around};
use super::closure::Closure;
use super::entry::{Entry, entries};
use super::piece::{Piece, Role};
use super::world::{TargetKind, World};

/// A target in its sound state.
pub struct Scene {
    /// What kind of target it is.
    pub kind: TargetKind,
    /// The files of the work tree.
    pub texts: BTreeMap<String, String>,
    /// What it is built from.
    pub closure: Closure,
    /// The entries of all pieces.
    pub entries: Vec<Entry>,
    /// What is built.
    pub world: World,
}

impl Scene {
    /// Reads the entries.
    pub fn new(kind: TargetKind, texts: BTreeMap<String, String>, closure: Closure, world: World) -> Self {
        let pieces = closure.pieces.iter().enumerate();
        let entries = pieces.flat_map(|(number, piece)| entries(number, piece)).collect();
        Self {
            kind,
            texts,
            closure,
            entries,
            world,
        }
    }

    /// The piece of an entry.
    pub fn piece(&self, entry: &Entry) -> &Piece {
        &self.closure.pieces[entry.piece]
    }

    /// The text of the file that an entry stands in.
    pub fn text(&self, entry: &Entry) -> &str {
        self.file(&self.piece(entry).file)
    }

    /// The text of a file.
    pub fn file(&self, file: &str) -> &str {
        self.texts.get(file).map(String::as_str).unwrap_or_default()
    }

    /// What is written as the value of an entry.
    pub fn raw(&self, entry: &Entry) -> &str {
        self.text(entry).get(entry.value.clone()).unwrap_or_default()
    }

    /// The entries of pieces with a role.
    pub fn of_role<'a>(&'a self, wanted: impl Fn(&Role) -> bool + 'a) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| wanted(&self.piece(entry).role))
    }

    /// The entries of objects.
    pub fn of_objects(&self) -> impl Iterator<Item = &Entry> {
        self.of_role(|role| matches!(role, Role::Object(_)))
    }

    /// The entries of objects of one kind of Flux's.
    pub fn of_flux<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.of_objects().filter(move |entry| {
            let piece = self.piece(entry);
            piece.is_of_flux() && piece.kind() == Some(kind)
        })
    }

    /// The entries of objects that are none of Flux's.
    pub fn of_plain_objects(&self) -> impl Iterator<Item = &Entry> {
        self.of_objects().filter(|entry| !self.piece(entry).is_of_flux())
    }

    /// The node of an entry's value.
    pub fn node(&self, entry: &Entry) -> Option<Node<'_>> {
        self.node_at(entry.piece, &entry.path)
    }

    /// The node at a path of a piece.
    pub fn node_at(&self, piece: usize, path: &FieldPath) -> Option<Node<'_>> {
        let spot = &self.closure.pieces.get(piece)?.spot;
        spot.sheet.node(spot.document, &spot.path.join(path))
    }

    /// The entry at a path of a piece.
    pub fn entry(&self, piece: usize, path: &FieldPath) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.piece == piece && entry.path == *path)
    }

    /// A breakage of an entry: the mark belongs on it, and to its object or patch.
    pub fn breakage(&self, kind: &'static str, entry: &Entry, edits: Vec<Edit>) -> Breakage {
        let piece = self.piece(entry);
        let own = match piece.role {
            // Only its own entry of a list is near enough in a file that is about many things.
            Role::Kustomization | Role::JsonPatch => entry.item.clone().unwrap_or_else(|| self.top_entry(entry)),
            Role::Object(_) | Role::MergePatch => piece.span.clone(),
        };
        Breakage::new(kind, &piece.file, edits)
            .at(entry.first_line(self.text(entry)))
            .within(own)
    }

    /// A breakage of the value of an entry.
    pub fn value(&self, kind: &'static str, entry: &Entry, put: impl Into<String>) -> Breakage {
        let edit = Edit {
            span: entry.value.clone(),
            put: put.into(),
        };
        self.breakage(kind, entry, vec![edit])
    }

    /// A breakage of the key of an entry.
    pub fn key(&self, kind: &'static str, entry: &Entry, put: impl Into<String>) -> Breakage {
        let edit = Edit {
            span: entry.key.clone(),
            put: put.into(),
        };
        self.breakage(kind, entry, vec![edit])
    }

    fn top_entry(&self, entry: &Entry) -> Range<usize> {
        let top = self.entry(entry.piece, &entry.path.prefix(1));
        top.map_or_else(|| entry.span(), Entry::span)
    }

    /// What goes when an entry is taken out of its mapping; `None` where nothing would be left of that, or in brackets.
    pub fn removal(&self, entry: &Entry) -> Option<Range<usize>> {
        if entry.is_flow || entry.siblings.is_empty() {
            return None;
        }
        let text = self.text(entry);
        if let Some(next) = entry.next {
            return Some(entry.key.start..next);
        }
        if entry.is_first_of_item {
            return None;
        }
        let (start, _) = line_around(text, entry.key.start);
        if !text.get(start..entry.key.start)?.trim().is_empty() {
            return None;
        }
        let end = line_around(text, entry.value.end.max(entry.key.end)).1;
        Some(start..(end + 1).min(text.len()))
    }

    /// Whether an object with this kind, name and namespace is built.
    pub fn has_object(&self, kind: &str, name: &str) -> bool {
        self.objects().any(|object| {
            object.get("kind").and_then(Value::as_str) == Some(kind)
                && object.pointer("/metadata/name").and_then(Value::as_str) == Some(name)
        })
    }

    /// All objects that are built.
    pub fn objects(&self) -> impl Iterator<Item = &Value> {
        self.world.objects.iter().map(|built| &built.object)
    }
}
