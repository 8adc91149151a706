//! One thing on an object's way that can supply a field.

use std::sync::Arc;

use gitops_model::Supplier;
use gitops_model::kustomize::{Image, Spot};
use gitops_text::Span;
use serde_json::Value;

/// Something that touches a field, in the order of the way.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) at: At,
    pub(super) supplier: Supplier,
    pub(super) effect: Effect,
    /// Whether structure alone says that it touches the field.
    pub(super) certain: bool,
}

/// Where it stands.
#[derive(Clone, Debug)]
pub(super) enum At {
    /// In YAML.
    Spot(Spot),
    /// In a text of another kind: a script, a file of settings.
    Text { file: Arc<str>, span: Span },
}

/// What it does to the field.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// Sets it, whatever was there; `None` where the value is not known.
    Sets(Option<Value>),
    /// Changes an image.
    Image(Box<Image>),
    /// Changes a name.
    Affix,
    /// Changes a part of it in a way that is not followed here.
    Part,
    /// Takes it away.
    Removes,
}
