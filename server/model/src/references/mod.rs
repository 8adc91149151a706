//! What objects say about each other: what dangles, goes round in circles, or has no effect.
//!
//! Neither Flux nor the API server says most of it, or only after a time-out. What is said here is said of the objects as
//! they are built, so that a name with a prefix is the name with the prefix, and whoever calls this finds the lines.
//!
//! A finding is only made where it holds whatever else is on the cluster: what a chart, an operator or a person may bring
//! is not missing. A name that is nearly that of an object that is there, or that is there in another namespace, is a slip
//! whatever else may be brought.

mod backends;
mod brought;
mod circles;
mod codes;
mod dropped;
mod flux_names;
mod health;
mod identities;
mod index;
mod literals;
mod other_names;
mod pods;
mod read_object;
mod rights;
mod scaling;
mod suspended;
mod target_namespace;
mod unused_variables;
mod words;

use std::collections::BTreeSet;

use gitops_yaml::FieldPath;
use serde_json::Value;

use crate::finding::Severity;
use crate::object::ObjectKey;
use crate::place::Want;

pub use codes::CODES;
pub use dropped::{DroppedField, dropped_fields};
pub use literals::variables_in;
pub use read_object::ReadObject;
pub use words::{listed, there_are};

use index::Index;

/// What is looked at: the objects of a target, and what is known of them beside their fields.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The objects. A finding names them by their index.
    pub objects: &'a [&'a Value],
    /// What is read of each object.
    pub read: &'a [&'a ReadObject],
    /// For each object the index of the Flux Kustomization that builds it, where that is among the objects.
    pub owners: &'a [Option<usize>],
    /// For each object the name that is written for it, before a prefix or a namespace changed it, where that is known.
    pub written_names: &'a [Option<&'a str>],
    /// For each object that is a Flux Kustomization the variables that the files name which it builds.
    pub variables: &'a [Option<BTreeSet<String>>],
    /// What is there without being among the objects, such as the source of an entry that nobody wrote.
    pub given: &'a [ObjectKey],
    /// The URL of the repository that the objects come from, where it is known: its credentials are of no interest.
    pub repository: Option<&'a str>,
    /// Whether Flux applies the objects, so that what Flux refers to has to be there.
    pub is_flux: bool,
}

/// Something to say about a field of an object.
#[derive(Clone, PartialEq, Debug)]
pub struct ObjectFinding {
    /// Index of the object.
    pub object: usize,
    /// The field; the object itself where it is empty.
    pub path: FieldPath,
    /// Whether the key of the field is meant or its value.
    pub want: Want,
    /// The part of the value that is meant, where it is not the whole.
    pub part: Option<String>,
    /// The second half of its code; the first is `model`.
    pub slug: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// For people.
    pub message: String,
    /// Fields of other objects that are involved, and what is there.
    pub related: Vec<(usize, FieldPath, String)>,
    /// What to write in place of the value, or of its part.
    pub instead: Option<String>,
    /// The name that is missing: what Flux says of it later is the same fault.
    pub missing: Option<String>,
}

impl ObjectFinding {
    fn new(object: usize, path: FieldPath, slug: &'static str, severity: Severity, message: String) -> Self {
        Self {
            object,
            path,
            want: Want::Value,
            part: None,
            slug,
            severity,
            message,
            related: Vec::new(),
            instead: None,
            missing: None,
        }
    }

    fn warning(object: usize, path: FieldPath, slug: &'static str, message: String) -> Self {
        Self::new(object, path, slug, Severity::Warning, message)
    }

    fn on_key(mut self) -> Self {
        self.want = Want::Key;
        self
    }

    fn beside(mut self, object: usize, path: FieldPath, message: impl Into<String>) -> Self {
        self.related.push((object, path, message.into()));
        self
    }
}

/// Everything there is to say about the objects of a scene.
pub fn findings(scene: Scene<'_>) -> Vec<ObjectFinding> {
    let index = Index::of(scene);
    let mut found = Vec::new();
    if scene.is_flux {
        flux_names::look(&index, &mut found);
        other_names::look(&index, &mut found);
        circles::look(&index, &mut found);
        suspended::look(&index, &mut found);
        health::look(&index, &mut found);
        identities::look(&index, &mut found);
        literals::look(&index, &mut found);
        target_namespace::look(&index, &mut found);
        unused_variables::look(&index, &mut found);
    }
    pods::look(&index, &mut found);
    backends::look(&index, &mut found);
    scaling::look(&index, &mut found);
    rights::look(&index, &mut found);
    found
}

#[cfg(test)]
mod tests;
