//! Every slug that an answer can carry, each with what it means. One page of the documentation is written per slug.

/// The kind has no field of this name here.
pub const UNKNOWN_FIELD: &str = "unknown-field";
/// One key stands twice in one map.
pub const DUPLICATE_KEY: &str = "duplicate-key";
/// A value of another type than the field's.
pub const WRONG_TYPE: &str = "wrong-type";
/// Two items of a list claim the same identity.
pub const DUPLICATE_ITEM: &str = "duplicate-item";
/// Not a quantity.
pub const BAD_QUANTITY: &str = "bad-quantity";
/// Not base64.
pub const BAD_BASE64: &str = "bad-base64";
/// Not a time or a duration.
pub const BAD_TIME: &str = "bad-time";
/// A required field is missing or empty.
pub const REQUIRED: &str = "required";
/// The object has no name.
pub const NAME_MISSING: &str = "name-missing";
/// None of the values that the field may have.
pub const UNSUPPORTED_VALUE: &str = "unsupported-value";
/// A value that validation refuses.
pub const INVALID_VALUE: &str = "invalid-value";
/// Longer than allowed.
pub const TOO_LONG: &str = "too-long";
/// More items than allowed.
pub const TOO_MANY: &str = "too-many";
/// Fewer items, or a shorter text, than allowed.
pub const TOO_FEW: &str = "too-few";
/// Cannot be changed on the live object.
pub const IMMUTABLE_FIELD: &str = "immutable-field";
/// May not be set here.
pub const FORBIDDEN_FIELD: &str = "forbidden-field";
/// Names something that does not exist.
pub const REFERENCE_NOT_FOUND: &str = "reference-not-found";
/// Another field manager owns the field.
pub const CONFLICT: &str = "conflict";
/// The object was changed in between.
pub const OBJECT_CHANGED: &str = "object-changed";
/// The object exists already.
pub const ALREADY_EXISTS: &str = "already-exists";
/// A `ResourceQuota` does not allow it.
pub const QUOTA_EXCEEDED: &str = "quota-exceeded";
/// A `LimitRange` does not allow it.
pub const LIMIT_RANGE: &str = "limit-range";
/// The namespace's Pod Security level does not allow it.
pub const POD_SECURITY: &str = "pod-security";
/// A `ValidatingAdmissionPolicy` does not allow it.
pub const POLICY: &str = "policy";
/// RBAC: the user may not do this.
pub const DENIED: &str = "denied";
/// Another admission plug-in of the server refuses it.
pub const ADMISSION: &str = "admission";
/// An admission webhook refuses it.
pub const WEBHOOK_DENIED: &str = "webhook-denied";
/// An admission webhook does not answer.
pub const WEBHOOK_UNAVAILABLE: &str = "webhook-unavailable";
/// An admission webhook cannot be asked in a dry run.
pub const WEBHOOK_NO_DRY_RUN: &str = "webhook-no-dry-run";
/// The namespace does not exist.
pub const NAMESPACE_NOT_FOUND: &str = "namespace-not-found";
/// The namespace is being deleted.
pub const NAMESPACE_TERMINATING: &str = "namespace-terminating";
/// The server knows no such kind.
pub const KIND_NOT_SERVED: &str = "kind-not-served";
/// The server knows the kind in another version or group.
pub const VERSION_NOT_SERVED: &str = "version-not-served";
/// The server does not know who is asking.
pub const UNAUTHORIZED: &str = "unauthorized";
/// The object is larger than the server takes.
pub const TOO_LARGE: &str = "too-large";
/// The server has no time now.
pub const SERVER_BUSY: &str = "server-busy";
/// The server did not finish in time.
pub const TIMEOUT: &str = "timeout";
/// The server could not read the request.
pub const BAD_REQUEST: &str = "bad-request";
/// The server failed.
pub const SERVER_ERROR: &str = "server-error";
/// The version of the kind is going to be removed.
pub const DEPRECATED_VERSION: &str = "deprecated-version";
/// The field is going to be removed, or does nothing any more.
pub const DEPRECATED_FIELD: &str = "deprecated-field";
/// Another warning of the server.
pub const WARNING: &str = "warning";

/// Every slug with its meaning in one line, in the order of the documentation.
pub const CODES: &[(&str, &str)] = &[
    (UNKNOWN_FIELD, "The kind has no field of this name at this place."),
    (DUPLICATE_KEY, "One key stands twice in one map."),
    (
        WRONG_TYPE,
        "The value has another type than the field: a number where a string is wanted, a list where a map is.",
    ),
    (
        DUPLICATE_ITEM,
        "Two items of a list have the same key, so the server cannot tell them apart.",
    ),
    (
        BAD_QUANTITY,
        "The value is not a Kubernetes quantity such as 100m, 1.5 or 512Mi.",
    ),
    (BAD_BASE64, "The value is not base64, which this field must be."),
    (
        BAD_TIME,
        "The value is not a time or a duration in the form that the field wants.",
    ),
    (REQUIRED, "A field that must be set is missing or empty."),
    (NAME_MISSING, "The object has no metadata.name."),
    (UNSUPPORTED_VALUE, "The value is none of those that the field may have."),
    (
        INVALID_VALUE,
        "The value breaks a rule of the kind: a format, a range, a pattern or a validation rule of its CRD.",
    ),
    (TOO_LONG, "The text is longer than the field allows."),
    (TOO_MANY, "The list or map has more entries than the field allows."),
    (TOO_FEW, "The list, map or text has less in it than the field wants."),
    (
        IMMUTABLE_FIELD,
        "The field cannot be changed on the live object; the object must be made anew.",
    ),
    (
        FORBIDDEN_FIELD,
        "The field may not be set here, or not together with another one.",
    ),
    (REFERENCE_NOT_FOUND, "The value names something that does not exist."),
    (
        CONFLICT,
        "Another field manager owns the field and gave it another value.",
    ),
    (
        OBJECT_CHANGED,
        "The live object was changed between reading and writing it; saving again is enough.",
    ),
    (ALREADY_EXISTS, "The object exists already."),
    (
        QUOTA_EXCEEDED,
        "A ResourceQuota of the namespace does not allow it, or wants a request or limit that is missing.",
    ),
    (
        LIMIT_RANGE,
        "A LimitRange of the namespace does not allow the request, the limit or the ratio of both.",
    ),
    (
        POD_SECURITY,
        "The Pod Security level of the namespace does not allow it.",
    ),
    (POLICY, "A ValidatingAdmissionPolicy does not allow it."),
    (DENIED, "The user of this context may not do this (RBAC)."),
    (ADMISSION, "An admission plug-in of the API server does not allow it."),
    (WEBHOOK_DENIED, "An admission webhook does not allow it."),
    (
        WEBHOOK_UNAVAILABLE,
        "An admission webhook of the cluster does not answer: a fault of the cluster, not of the file.",
    ),
    (
        WEBHOOK_NO_DRY_RUN,
        "An admission webhook of the cluster has side effects and cannot be asked in a dry run.",
    ),
    (NAMESPACE_NOT_FOUND, "The namespace does not exist."),
    (
        NAMESPACE_TERMINATING,
        "The namespace is being deleted, so nothing can be created in it.",
    ),
    (
        KIND_NOT_SERVED,
        "The API server knows no such kind: a typing error, or its CRD is not installed.",
    ),
    (
        VERSION_NOT_SERVED,
        "The API server knows the kind, but not in this version or group.",
    ),
    (
        UNAUTHORIZED,
        "The API server does not know who is asking: the context's credentials are wrong or have run out.",
    ),
    (TOO_LARGE, "The object is larger than the API server takes."),
    (
        SERVER_BUSY,
        "The API server is not ready or has too much to do; saving again later is enough.",
    ),
    (TIMEOUT, "The API server did not finish in time."),
    (BAD_REQUEST, "The API server could not read what was sent."),
    (
        SERVER_ERROR,
        "The API server failed: a fault of the cluster, not of the file.",
    ),
    (
        DEPRECATED_VERSION,
        "This version of the kind is deprecated and will be removed.",
    ),
    (DEPRECATED_FIELD, "The field is deprecated, or does nothing any more."),
    (WARNING, "The API server accepted the object with a warning."),
];

#[cfg(test)]
mod tests {
    use super::CODES;

    #[test]
    fn slugs_are_kebab_case_and_stand_once() {
        let mut slugs: Vec<&str> = CODES.iter().map(|(slug, _)| *slug).collect();
        for slug in &slugs {
            assert!(
                slug.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{slug}"
            );
        }
        slugs.sort_unstable();
        let before = slugs.len();
        slugs.dedup();
        assert_eq!(before, slugs.len());
    }
}
