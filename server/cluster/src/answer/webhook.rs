//! Admission webhooks: what they refuse, and that they cannot be asked.

use super::sent::value_at;
use super::wording::{between, lower_first, quote};
use super::{Answer, Context, Place, causes, codes, invalid, validation_path};

/// The answers of webhooks; empty when the text is of another layer.
pub(super) fn decode(context: &Context<'_>) -> Vec<Answer> {
    let message = context.refusal.message.as_str();
    let unreachable = between(message, "failed calling webhook \"", "\"")
        .or_else(|| between(message, "failed to call webhook \"", "\""));
    if let Some(name) = unreachable {
        let words = format!(
            "the cluster's admission webhook {} does not answer ({}); nothing in this file is wrong",
            quote(name),
            why(message)
        );
        return vec![Answer::about_object(codes::WEBHOOK_UNAVAILABLE, words).with_detail(message)];
    }
    let Some((_, rest)) = message.split_once("admission webhook \"") else {
        return Vec::new();
    };
    let Some((name, rest)) = rest.split_once('"') else {
        return Vec::new();
    };
    if rest.contains("does not support dry run") {
        let words = format!(
            "the cluster's admission webhook {} has side effects and cannot be asked in a dry run",
            quote(name)
        );
        return vec![Answer::about_object(codes::WEBHOOK_NO_DRY_RUN, words).with_detail(message)];
    }
    let said = rest
        .split_once("denied the request")
        .map_or(rest, |(_, said)| said)
        .trim_start_matches([':', ' ']);
    denied(context, name, said, message)
}

fn denied(context: &Context<'_>, name: &str, said: &str, message: &str) -> Vec<Answer> {
    let causes = match said.split_once(" is invalid: ") {
        Some((_, errors)) => causes::causes_in(errors),
        None => causes::causes_in(said),
    };
    if !causes.is_empty() {
        return causes
            .iter()
            .flat_map(|cause| invalid::of_cause(context, cause))
            .map(|mut answer| {
                answer.slug = codes::WEBHOOK_DENIED;
                answer.message = format!("webhook {name}: {}", lower_first(&answer.message));
                answer
            })
            .collect();
    }
    let words = format!(
        "webhook {name}: {}",
        if said.is_empty() {
            "refused without a reason"
        } else {
            said
        }
    );
    let named = paths_in(context, said);
    vec![match named {
        Some(path) => Answer::new(path, Place::Value, codes::WEBHOOK_DENIED, words)
            .with_detail(message)
            .removable(),
        None => Answer::about_object(codes::WEBHOOK_DENIED, words).with_detail(message),
    }]
}

/// The first word of a text that is a path to a field that was sent.
fn paths_in(context: &Context<'_>, said: &str) -> Option<gitops_yaml::FieldPath> {
    said.split([' ', ',', '\n', '\'', '"', '`', '(', ')'])
        .map(|word| word.trim_end_matches([':', '.', ';']))
        .filter(|word| {
            word.contains('.')
                && (word.starts_with("spec.") || word.starts_with("metadata.") || word.starts_with("/spec"))
        })
        .map(|word| validation_path::resolve(word, context.sent))
        .find(|path| !path.is_empty() && value_at(context.sent, path).is_some())
}

/// The last part of a chain of reasons, which is the first cause: `connection refused`.
fn why(message: &str) -> String {
    for known in [
        "connection refused",
        "no such host",
        "i/o timeout",
        "context deadline exceeded",
        "x509: ",
        "no endpoints available",
        "EOF",
    ] {
        if let Some(at) = message.find(known) {
            let rest = message.get(at..).unwrap_or(known);
            let end = if known == "x509: " { rest.len() } else { known.len() };
            return super::wording::cut(rest.get(..end).unwrap_or(known), 120);
        }
    }
    super::wording::cut(message.rsplit(": ").next().unwrap_or(message), 120)
}
