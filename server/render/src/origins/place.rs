//! The answer: a place that supplies a field.

use std::sync::Arc;

use gitops_model::kustomize::{Spot, Tree};
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

impl Place {
    /// The place of a path, or of its nearest ancestor, in the YAML text that stands here. `None` where no such text does.
    pub(crate) fn inside(&self, tree: &Tree, path: &FieldPath, want: Want) -> Option<Self> {
        let spot = match &self.at {
            At::Spot(spot) if self.origin.supplier != Supplier::Generator => Spot {
                sheet: Arc::new(spot.sheet.inside(spot.document, &spot.path)?),
                document: 0,
                path: path.clone(),
            },
            At::Text { file, .. } if self.origin.supplier == Supplier::GeneratorFile => Spot {
                sheet: tree.sheet(file)?,
                document: 0,
                path: path.clone(),
            },
            At::Spot(_) | At::Text { .. } => return None,
        };
        Some(Self::at_spot(spot, Supplier::Values, want))
    }

    /// A place in YAML.
    pub(crate) fn at_spot(spot: Spot, supplier: Supplier, want: Want) -> Self {
        let is_exact = spot.node().is_some();
        let (file, document, base, path, span) = of_spot(&spot, supplier, None, want);
        Self {
            origin: Origin {
                file,
                document,
                base,
                path,
                supplier,
            },
            span,
            is_exact,
            known: Known::Followed,
            at: At::Spot(spot),
        }
    }

    /// A place in a text of another kind.
    pub(crate) fn in_text(file: &str, span: Span, supplier: Supplier) -> Self {
        let file: Arc<str> = file.into();
        Self {
            origin: Origin {
                file: Arc::clone(&file),
                document: 0,
                base: FieldPath::new(),
                path: FieldPath::new(),
                supplier,
            },
            span,
            is_exact: true,
            known: Known::Followed,
            at: At::Text { file, span },
        }
    }

    /// The same place as what another kind of supplier writes.
    #[must_use]
    pub(crate) fn of(mut self, supplier: Supplier) -> Self {
        self.origin.supplier = supplier;
        self
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
