//! The rest: requests that the server cannot read, and its own troubles.

use super::conversion::duplicate_key;
use super::sent::{places_of_key, value_at};
use super::wording::{between, cut, quote};
use super::{Answer, Context, Place, Suggestion, codes, invalid, validation_path};

/// The answers of this layer; empty when the text says nothing that is known.
pub(super) fn decode(context: &Context<'_>) -> Vec<Answer> {
    let refusal = context.refusal;
    let message = refusal.message.as_str();
    if message.contains("name must be provided") || message.contains("was undeterminable") {
        return vec![invalid::name_missing(context.sent).with_detail(message)];
    }
    if message.contains("already set in map") {
        return message
            .match_indices("key \"")
            .filter_map(|(at, _)| between(message.get(at..)?, "key \"", "\" already set"))
            .map(|name| {
                let mut places = places_of_key(context.sent, name);
                // Where the key stands in several maps it cannot be told which; the text's own parser says it better.
                let path = if places.len() == 1 { places.pop() } else { None };
                duplicate_key(path.unwrap_or_default(), message)
            })
            .collect();
    }
    if let Some(answer) = state_of_the_cluster(context, message) {
        return vec![answer];
    }
    let words = match (refusal.status, refusal.reason.as_str()) {
        (401, _) | (_, "Unauthorized") => (
            codes::UNAUTHORIZED,
            "the server does not know who is asking: the credentials of this context are wrong or have run out",
        ),
        (409, "AlreadyExists") => (codes::ALREADY_EXISTS, "the object exists already"),
        (409, _) | (_, "Conflict") => (
            codes::OBJECT_CHANGED,
            "the object was changed on the cluster in between; save again",
        ),
        (413, _) | (_, "RequestEntityTooLarge") => (codes::TOO_LARGE, "the object is larger than the server takes"),
        (429, _) | (_, "TooManyRequests") => (
            codes::SERVER_BUSY,
            "the server has too much to do; save again in a moment",
        ),
        (503, _) | (_, "ServiceUnavailable") => (codes::SERVER_BUSY, "the server is not ready; save again in a moment"),
        (504, _) | (_, "Timeout" | "ServerTimeout") => {
            (codes::TIMEOUT, "the server did not finish in time; save again")
        }
        _ if message.contains("etcdserver: request is too large") || message.contains("Request entity too large") => {
            (codes::TOO_LARGE, "the object is larger than the server takes")
        }
        _ if message.contains("context deadline exceeded")
            || message.contains("request timed out")
            || message.starts_with("Timeout: ") =>
        {
            (codes::TIMEOUT, "the server did not finish in time; save again")
        }
        _ => return Vec::new(),
    };
    vec![Answer::about_object(words.0, words.1).with_detail(message)]
}

/// Fields that the server keeps, in a file that was copied from the cluster: it takes none of them from others.
fn state_of_the_cluster(context: &Context<'_>, message: &str) -> Option<Answer> {
    let name = if message.contains("managedFields must be nil") {
        "managedFields"
    } else if message.contains("uid mismatch") {
        "uid"
    } else if context.refusal.status == 409 && message.contains("the object has been modified") {
        "resourceVersion"
    } else {
        return None;
    };
    let path = super::sent::keys(&["metadata", name]);
    value_at(context.sent, &path)?;
    let words = format!("metadata.{name} belongs to the object as it once was on a cluster; remove it from the file");
    let answer = Answer::new(path, Place::Key, codes::FORBIDDEN_FIELD, words)
        .with_detail(message)
        .with_suggestion(Suggestion::Remove)
        .removable();
    Some(answer)
}

/// The answer to what no decoder knows: the server's words, on the object.
pub(super) fn anything(context: &Context<'_>) -> Answer {
    let refusal = context.refusal;
    let first_line = refusal
        .message
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let words = super::wording::without_dumps(
        first_line
            .strip_prefix("Internal error occurred: ")
            .unwrap_or(first_line),
    );
    let words = cut(words.trim(), 300);
    let leading =
        validation_path::leading(&words, context.sent).filter(|(path, _)| value_at(context.sent, path).is_some());
    if let (400..=499, Some((path, rest))) = (refusal.status, leading) {
        let message = format!("field {} {rest}", quote(path.last_key().unwrap_or_default()));
        return Answer::new(path, Place::Key, codes::BAD_REQUEST, message)
            .with_detail(&refusal.message)
            .removable();
    }
    let (slug, prefix) = match refusal.status {
        400..=499 => (codes::BAD_REQUEST, "the server does not take this"),
        _ => (codes::SERVER_ERROR, "the server failed"),
    };
    let message = if words.is_empty() {
        format!("{prefix} (HTTP {})", refusal.status)
    } else {
        format!("{prefix}: {words}")
    };
    Answer::about_object(slug, message).with_detail(&refusal.message)
}
