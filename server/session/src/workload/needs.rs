//! What pods need that is not in them.

use gitops_cluster::answer::{PodReference, images, references};
use gitops_model::ObjectKey;
use serde_json::Value;

use super::reading::Uid;

/// What the pods of an object need.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Needs {
    /// What they name.
    pub(super) references: Vec<PodReference>,
    /// The images that they are made from.
    pub(super) images: Vec<String>,
}

impl Needs {
    /// Reads them; nothing where the object has an owner: what that brought needs the same, and is looked at with it.
    pub(super) fn of(key: &ObjectKey, object: &Value, owner: Option<&Uid>) -> Self {
        if owner.is_some() {
            return Self::default();
        }
        let images = images(&key.gvk, object).into_iter();
        Self {
            references: references(&key.gvk, object),
            images: images.map(|(_, image)| image).collect(),
        }
    }
}
