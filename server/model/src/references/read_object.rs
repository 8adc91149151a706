//! What is read of an object before anything is said of it: of thousands of objects that is most of the work, and it is
//! the same for as long as the object is.

use std::sync::Arc;

use serde_json::Value;

use super::literals::has_variables;
use crate::flux::FluxObject;
use crate::object::ObjectKey;

/// What is read of an object.
#[derive(Clone, Debug)]
pub struct ReadObject {
    /// Its identity.
    pub key: Arc<ObjectKey>,
    /// What it says, where it is one of Flux's.
    pub flux: Option<FluxObject>,
    /// Whether some text of it has a `${`.
    pub has_variables: bool,
}

impl ReadObject {
    /// Reads an object.
    pub fn of(object: &Value) -> Self {
        Self {
            key: Arc::new(ObjectKey::of(object)),
            flux: FluxObject::read(object),
            has_variables: has_variables(object),
        }
    }
}
