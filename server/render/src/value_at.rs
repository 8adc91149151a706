//! A value by its path.

use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

/// The value at a path of an object.
pub(crate) fn value_at<'v>(object: &'v Value, path: &FieldPath) -> Option<&'v Value> {
    path.steps().iter().try_fold(object, |value, step| match step {
        Step::Key(key) => value.get(&**key),
        Step::Index(index) => value.get(index),
    })
}
