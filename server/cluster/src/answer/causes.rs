//! The causes of a 422: as the server lists them, or as its message has them.

use super::{Cause, Refusal};

/// What kind of fault a cause is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    Required,
    NotSupported,
    Invalid,
    Duplicate,
    NotFound,
    Forbidden,
    TooLong,
    TooMany,
    TooFew,
    Internal,
}

/// The server's reason, the words that its text starts with, and the kind of fault.
pub(super) const FAULTS: &[(&str, &str, Fault)] = &[
    ("FieldValueRequired", "Required value", Fault::Required),
    ("FieldValueNotSupported", "Unsupported value", Fault::NotSupported),
    ("FieldValueInvalid", "Invalid value", Fault::Invalid),
    ("FieldValueTypeInvalid", "Invalid value", Fault::Invalid),
    ("FieldValueDuplicate", "Duplicate value", Fault::Duplicate),
    ("FieldValueNotFound", "Not found", Fault::NotFound),
    ("FieldValueForbidden", "Forbidden", Fault::Forbidden),
    ("FieldValueTooLong", "Too long", Fault::TooLong),
    ("FieldValueTooMany", "Too many", Fault::TooMany),
    ("FieldValueTooFew", "Too few", Fault::TooFew),
    ("FieldValueTooShort", "Too short", Fault::TooFew),
    ("InternalError", "Internal error", Fault::Internal),
];

/// The causes that are about fields: as the server lists them, else as its message does.
pub(super) fn causes(refusal: &Refusal) -> Vec<Cause> {
    let listed: Vec<Cause> = refusal
        .causes
        .iter()
        .filter(|cause| fault(cause).is_some())
        .cloned()
        .collect();
    if !listed.is_empty() {
        return listed;
    }
    match refusal.message.split_once(" is invalid: ") {
        Some((_, errors)) => causes_in(errors),
        None => Vec::new(),
    }
}

/// Reads `path: Invalid value: …`, or several in brackets with commas between them.
pub(super) fn causes_in(errors: &str) -> Vec<Cause> {
    let list = errors
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(errors);
    let mut starts: Vec<(usize, usize)> = Vec::new();
    for (_, words, _) in FAULTS {
        let marked = format!(": {words}");
        for (at, _) in list.match_indices(marked.as_str()) {
            let before = list.get(..at).unwrap_or_default();
            // The path stands behind the last `, ` or at the start; a path has no blank in it.
            let start = before.rfind(", ").map_or(0, |comma| comma + 2);
            let path = before.get(start..).unwrap_or_default();
            if !path.is_empty() && (path == "<nil>" || !path.contains(' ')) && !starts.contains(&(start, at)) {
                starts.push((start, at));
            }
        }
    }
    starts.sort_unstable();
    starts.dedup_by_key(|(start, _)| *start);
    starts
        .iter()
        .enumerate()
        .filter_map(|(index, (start, colon))| {
            let end = starts
                .get(index + 1)
                .map_or(list.len(), |(next, _)| next.saturating_sub(2));
            Some(Cause {
                reason: String::new(),
                field: list.get(*start..*colon)?.to_owned(),
                message: list.get(colon + 2..end)?.to_owned(),
            })
        })
        .collect()
}

/// The kind of fault of a cause; `None` when it is not about a field.
pub(super) fn fault(cause: &Cause) -> Option<Fault> {
    FAULTS
        .iter()
        .find(|(reason, words, _)| {
            cause.reason == *reason || (cause.reason.is_empty() && cause.message.starts_with(words))
        })
        .map(|(_, _, fault)| *fault)
}

/// What follows the words that name the kind of fault.
pub(super) fn body(message: &str) -> &str {
    FAULTS
        .iter()
        .find_map(|(_, words, _)| message.strip_prefix(words))
        .map_or(message, |rest| rest.strip_prefix(": ").unwrap_or(rest))
}
