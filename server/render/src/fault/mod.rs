//! Why a kustomization cannot be built, on the line that is to blame.
//!
//! kustomize says in words what failed, and only for some failures in which file. So its words are read for the directory
//! and for what is written somewhere ([`words`]), and that is looked for in the kustomization of the directory, in those
//! below it, and in the files that they name ([`search`]).

mod codes;
mod fields;
mod loaded;
mod not_an_object;
mod search;
mod words;

use gitops_model::kustomize::{Spot, Tree};
use gitops_text::Span;

pub use codes::CODES;
use words::Said;
pub(crate) use words::{Wanted, read};

use crate::Fault;

/// A fault on its line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlacedFault {
    /// The file, relative to the root of the tree.
    pub file: String,
    /// Where in it.
    pub span: Span,
    /// Second half of the code.
    pub slug: &'static str,
    /// For people.
    pub message: String,
    /// The words of whoever said it, where they differ.
    pub detail: Option<String>,
}

/// Places a fault of building `target`, a directory of the tree.
///
/// `None` only where the target has neither a kustomization file nor a manifest.
pub fn place(fault: &Fault, target: &str, tree: &Tree) -> Option<PlacedFault> {
    let said = words::read(&fault.message, target);
    let found = search::find(&said, tree).or_else(|| search::kustomization(target, tree));
    let (file, span) = found.or_else(|| search::named(&fault.message, target, tree))?;
    Some(placed(fault, said, file, span))
}

/// Places a fault of building `target` in the spec of the Flux Kustomization that has it built, which adds patches,
/// components and more to the kustomization of that directory.
///
/// `None` where the fault is about a file of the tree, and where the spec has nothing of the kind.
pub fn place_in_spec(fault: &Fault, target: &str, tree: &Tree, spec: &Spot) -> Option<PlacedFault> {
    let said = words::read(&fault.message, target);
    if said.directory != target.trim_matches('/') || search::find(&said, tree).is_some() {
        return None;
    }
    let span = search::in_spec(&said, spec)?;
    Some(placed(fault, said, spec.sheet.file().to_string(), span))
}

fn placed(fault: &Fault, said: Said, file: String, span: Span) -> PlacedFault {
    PlacedFault {
        file,
        span,
        slug: said.slug,
        detail: (said.message != fault.message).then(|| fault.message.clone()),
        message: said.message,
    }
}

#[cfg(test)]
mod tests;
