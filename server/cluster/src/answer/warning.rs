//! What the server takes, but warns of: `Warning: 299 - "…"` headers.

use gitops_model::{Gvk, Severity};
use gitops_yaml::FieldPath;
use serde_json::Value;

use super::conversion::duplicate_key;
use super::reads::whole;
use super::sent::{existing, keys, value_at};
use super::wording::{lower_first, quote, take_quoted};
use super::{
    Answer, Context, Knowledge, Place, Refusal, Suggestion, codes, grounded, pod_security, policy, unknown_field,
    validation_path,
};

/// Reads one warning; `header` is the header's value or the text in it. `None` when there is no text.
///
/// A warning that concerns several places is shown at the first; [`decode_warnings`] gives all.
pub fn decode_warning(header: &str, gvk: &Gvk, sent: &Value, knowledge: &dyn Knowledge) -> Option<Answer> {
    decode_warnings(header, gvk, sent, knowledge).into_iter().next()
}

/// Reads one warning, with an answer for every place that it concerns; empty when there is no text.
pub fn decode_warnings(header: &str, gvk: &Gvk, sent: &Value, knowledge: &dyn Knowledge) -> Vec<Answer> {
    let text = text_of(header);
    let text = text.trim();
    if text.is_empty() {
        return Vec::new();
    }
    let refusal = Refusal::default();
    let context = Context {
        refusal: &refusal,
        gvk,
        sent,
        live: None,
        knowledge,
    };
    let mut answers = read(&context, text);
    answers = answers.into_iter().map(|answer| grounded(answer, sent)).collect();
    for answer in &mut answers {
        answer.severity = Severity::Warning;
        if answer.detail.is_empty() {
            *answer = answer.clone().with_detail(text);
        }
    }
    answers
}

/// The text of a header: `299 - "text"`, with escapes.
fn text_of(header: &str) -> String {
    let header = header.trim();
    let Some(rest) = header.strip_prefix("299 ") else {
        return header.to_owned();
    };
    let Some(at) = rest.find('"') else {
        return rest.to_owned();
    };
    match rest.get(at..).and_then(take_quoted) {
        Some((text, _)) => text,
        None => rest.get(at + 1..).unwrap_or_default().to_owned(),
    }
}

fn read(context: &Context<'_>, text: &str) -> Vec<Answer> {
    if let Some(answer) = deprecated_version(context, text) {
        return vec![answer];
    }
    for (start, unknown) in [("unknown field \"", true), ("duplicate field \"", false)] {
        if let Some(name) = text.strip_prefix(start).and_then(|rest| rest.split('"').next()) {
            let path = validation_path::resolve(name, context.sent);
            return vec![if unknown {
                unknown_field::answer(context, &path, text, Severity::Warning)
            } else {
                duplicate_key(path, text)
            }];
        }
    }
    if pod_security::is_text(text) {
        return pod_security::answers(context, text, Severity::Warning);
    }
    if let Some(answer) = policy::denial(context, text, Severity::Warning) {
        return vec![answer];
    }
    vec![generic(context, text)]
}

/// `policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+, unavailable in v1.25+; use policy/v1 PodDisruptionBudget`
fn deprecated_version(context: &Context<'_>, text: &str) -> Option<Answer> {
    let (subject, rest) = text.split_once(" is deprecated")?;
    let (api_version, kind) = subject.split_once(' ')?;
    if kind != context.gvk.kind || api_version != context.gvk.api_version() {
        return None;
    }
    let removed = rest
        .split_once("unavailable in ")
        .map(|(_, rest)| rest.split(';').next().unwrap_or_default().trim());
    let mut words = format!("{api_version} {kind} is deprecated");
    if let Some(removed) = removed {
        words = format!("{words} and gone from {}", removed.trim_end_matches('+'));
    }
    let mut answer = Answer::new(keys(&["apiVersion"]), Place::Value, codes::DEPRECATED_VERSION, words);
    if let Some((version, other)) = rest
        .split_once("; use ")
        .and_then(|(_, instead)| instead.split_once(' '))
    {
        if other == kind {
            answer.message = format!("{}; use {version}", answer.message);
            answer.suggestion = Suggestion::Replace(vec![version.to_owned()]);
        } else {
            // Another kind has other fields: that is no edit of one line.
            answer.message = format!("{}; use {version} {other}", answer.message);
        }
    }
    Some(answer)
}

/// A text that may start with a path.
fn generic(context: &Context<'_>, text: &str) -> Answer {
    let deprecated = ["deprecated", "non-functional", "no longer"]
        .iter()
        .any(|word| text.contains(word));
    let slug = if deprecated {
        codes::DEPRECATED_FIELD
    } else if text.contains("duplicate ") || text.contains("hides previous definition") {
        codes::DUPLICATE_ITEM
    } else {
        codes::WARNING
    };
    let Some((path, words)) = validation_path::leading(text, context.sent) else {
        return match annotation_named(context, text) {
            Some(path) => Answer::new(path, Place::Key, slug, lower_first(text)),
            None => Answer::about_object(slug, lower_first(text)),
        };
    };
    let words = if words.is_empty() { text } else { words };
    if value_at(context.sent, &path).is_some() && !path.is_empty() {
        let place = if deprecated { Place::Key } else { Place::Value };
        // `spec.externalIPs is ignored`: without its subject the sentence is none.
        let sentence = text.split_once(": ").is_some_and(|(_, rest)| rest == words);
        let words = if sentence {
            words.to_owned()
        } else {
            format!("{} {words}", quote(path.last_key().unwrap_or_default()))
        };
        return Answer::new(path, place, slug, lower_first(&words));
    }
    let ancestor = existing(context.sent, &path);
    let placed = whole(context, &ancestor);
    Answer::new(placed.path, placed.place, slug, lower_first(text))
}

/// `annotation x/y is deprecated, please use …`
fn annotation_named(context: &Context<'_>, text: &str) -> Option<FieldPath> {
    let rest = text.strip_prefix("annotation ")?;
    let name = match take_quoted(rest) {
        Some((name, _)) => name,
        None => rest.split(' ').next()?.to_owned(),
    };
    let path = super::sent::with_key(&keys(&["metadata", "annotations"]), &name);
    value_at(context.sent, &path).map(|_| path)
}
