//! An object as it is sent.

use std::sync::Arc;

use serde_json::Value;

/// An object as JSON, written once for all requests that carry it. Cheap to clone.
///
/// A tree of the same object takes ten times the memory, and is wanted only when something is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SentObject(Arc<[u8]>);

impl SentObject {
    /// Writes an object.
    pub fn new(object: &Value) -> Self {
        // What is a JSON value already can always be written.
        Self(serde_json::to_vec(object).unwrap_or_default().into())
    }

    /// The JSON.
    pub fn json(&self) -> &[u8] {
        &self.0
    }

    /// The object as a tree.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::SentObject;

    #[test]
    fn nothing_is_lost_on_the_way_and_keys_keep_their_order() {
        let object = json!({ "z": 1, "a": [0.1, null, "ß"], "n": u64::MAX, "m": i64::MIN });
        assert_eq!(SentObject::new(&object).value(), object);
        assert_eq!(SentObject::new(&json!({ "z": 1, "a": 2 })).json(), br#"{"z":1,"a":2}"#);
    }
}
