//! The answer: a place that supplies a field.

use std::sync::Arc;

use gitops_model::kustomize::Spot;
use gitops_model::{Origin, Supplier, Want, place};
use gitops_text::Span;
use gitops_yaml::{FieldPath, Node};

use super::hit::{At, Hit};

/// How it is known that a place supplies a field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Known {
    /// The renderer was asked: what is changed there moves the field.
    Tried,
    /// What is written there, carried forward, is what is built, and nothing else can have brought it.
    Followed,
    /// It is on the way of the field, or it is the best guess that is left.
    OnTheWay,
}

/// A place that supplies a field, or is on its way.
#[derive(Clone, Debug)]
pub struct Place {
    /// File, document and path. For what stands in a text inside a scalar, such as an inline patch, `base` is the
    /// scalar and `path` the path in its text.
    pub origin: Origin,
    /// Bytes of the file that show it.
    pub span: Span,
    /// Whether it is of the field itself, rather than of an ancestor of what is missing.
    pub is_exact: bool,
    /// How it is known.
    pub known: Known,
    pub(super) at: At,
}

impl Place {
    /// The scalar that is written there.
    pub fn written(&self) -> Option<String> {
        match &self.at {
            At::Spot(spot) => spot.node().and_then(Node::as_str).map(str::to_owned),
            At::Text { .. } => None,
        }
    }
}

/// The place of a hit. `object` is where the object stands in its file.
pub(super) fn place_of(hit: &Hit, object: Option<&Spot>, want: Want, is_exact: bool, known: Known) -> Place {
    let (file, document, base, path, span) = match &hit.at {
        At::Text { file, span } => (Arc::clone(file), 0, FieldPath::new(), FieldPath::new(), *span),
        At::Spot(spot) => of_spot(spot, hit.supplier, object, want),
    };
    Place {
        origin: Origin {
            file,
            document,
            base,
            path,
            supplier: hit.supplier,
        },
        span,
        is_exact,
        known,
        at: hit.at.clone(),
    }
}

fn of_spot(
    spot: &Spot,
    supplier: Supplier,
    object: Option<&Spot>,
    want: Want,
) -> (Arc<str>, usize, FieldPath, FieldPath, Span) {
    let file = Arc::clone(spot.sheet.file());
    if let Some((document, base)) = spot.sheet.within() {
        return (file, document, base.clone(), spot.path.clone(), spot.span(want));
    }
    let base = match object {
        Some(object) if supplier == Supplier::Manifest && spot.path.steps().starts_with(object.path.steps()) => {
            object.path.clone()
        }
        _ => FieldPath::new(),
    };
    let path: FieldPath = spot.path.steps().iter().skip(base.len()).cloned().collect();
    let span = match spot.sheet.documents().get(spot.document) {
        Some(document) => place(document, spot.sheet.text(), &base, &path, want),
        None => Span::empty(0),
    };
    (file, spot.document, base, path, span)
}
