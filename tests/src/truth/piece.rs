//! The parts of files that something is built from.

use std::ops::Range;

use gitops_model::Gvk;
use gitops_model::kustomize::{Field, Spot};
use gitops_text::Span;

/// What a part of a file is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Role {
    /// An object.
    Object(Gvk),
    /// A strategic merge patch.
    MergePatch,
    /// A patch of JSON 6902 operations.
    JsonPatch,
    /// A kustomization file.
    Kustomization,
}

/// A document, or a text inside of one.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The file of the work tree.
    pub file: String,
    /// Its top.
    pub spot: Spot,
    /// What it is.
    pub role: Role,
    /// Name of the tree that it is read from.
    pub tree: String,
    /// The directory in that tree to which its paths are relative.
    pub directory: String,
    /// Bytes of the file.
    pub span: Range<usize>,
}

impl Piece {
    /// Reads one; `None` where its bytes cannot be found in the file, or nothing is in it.
    pub fn new(file: &str, spot: Spot, role: Role, tree: &str, directory: &str) -> Option<Self> {
        if !spot.sheet.is_exact() {
            return None;
        }
        let span = spot.node()?.span();
        let span = range(spot.sheet.outer(span));
        Some(Self {
            file: file.to_owned(),
            spot,
            role,
            tree: tree.to_owned(),
            directory: directory.to_owned(),
            span,
        })
    }

    /// The top as a field to walk on from.
    pub fn top(&self) -> Option<Field<'_>> {
        self.spot.field()
    }

    /// The text of a field below the top.
    pub fn text(&self, keys: &[&str]) -> Option<&str> {
        let field = self.spot.sheet.node(self.spot.document, &self.spot.path)?;
        keys.iter().try_fold(field, |node, key| node.get(key))?.as_str()
    }

    /// Bytes of the file for bytes of the text that was parsed.
    pub fn outer(&self, span: Span) -> Range<usize> {
        range(self.spot.sheet.outer(span))
    }

    /// The group of an object.
    pub fn group(&self) -> Option<&str> {
        match &self.role {
            Role::Object(gvk) => Some(&gvk.group),
            _ => None,
        }
    }

    /// The kind of an object.
    pub fn kind(&self) -> Option<&str> {
        match &self.role {
            Role::Object(gvk) => Some(&gvk.kind),
            _ => None,
        }
    }

    /// Whether it is an object of one of Flux's APIs.
    pub fn is_of_flux(&self) -> bool {
        self.group().is_some_and(|group| group.ends_with(".fluxcd.io"))
    }
}

/// A span as a range of bytes.
pub fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}
