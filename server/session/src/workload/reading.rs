//! Reading fields of watched objects: what is not there is empty.

use gitops_model::ObjectKey;
use serde_json::Value;

/// Identity of an object for as long as it is there.
pub(super) type Uid = String;

pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn number(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

pub(super) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A label or an annotation.
pub(super) fn entry<'a>(object: &'a Value, map: &str, key: &str) -> Option<&'a str> {
    object.pointer("/metadata")?.get(map)?.get(key)?.as_str()
}

/// The condition of a type.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object, "/status/conditions")
        .iter()
        .find(|condition| text(condition, "/type") == kind)
}

pub(super) fn uid(object: &Value) -> Uid {
    text(object, "/metadata/uid").to_owned()
}

/// The owner that made it.
pub(super) fn controller(object: &Value) -> Option<Uid> {
    list(object, "/metadata/ownerReferences")
        .iter()
        .find(|owner| owner.get("controller") == Some(&Value::Bool(true)))
        .map(|owner| text(owner, "/uid").to_owned())
}

/// The key of an object whose kind is known from where it came.
pub(super) fn key(object: &Value, api_version: &str, kind: &str) -> ObjectKey {
    ObjectKey {
        gvk: gitops_model::Gvk::parse(api_version, kind),
        ..ObjectKey::of(object)
    }
}
