//! What is left out of validation's answers because it follows from another, and what is said together.

use gitops_yaml::FieldPath;
use serde_json::Value;

use super::pods::spec_path;
use super::sent::{value_at, with_key};
use super::{Answer, Cause, Context, Place, Suggestion, codes, internal_path};

/// Puts together what is wrong with one value.
pub(super) fn together(answers: impl Iterator<Item = Answer>) -> Vec<Answer> {
    let mut found: Vec<Answer> = Vec::new();
    for answer in answers {
        match found.iter_mut().find(|earlier| are_of_one_value(earlier, &answer)) {
            Some(earlier) if answer.slug == codes::INVALID_VALUE => also(earlier, &answer),
            // What a pod may have is more than what the pods of a Deployment may have: the narrower choice counts.
            Some(earlier) if choices(&answer) < choices(earlier) => *earlier = answer,
            Some(_) => {}
            None => found.push(answer),
        }
    }
    found
}

/// Two things that are wrong with one value.
fn are_of_one_value(one: &Answer, other: &Answer) -> bool {
    matches!(one.slug, codes::INVALID_VALUE | codes::UNSUPPORTED_VALUE)
        && (one.slug, &one.path, &one.place) == (other.slug, &other.path, &other.place)
}

/// How many values would do.
fn choices(answer: &Answer) -> usize {
    match &answer.suggestion {
        Suggestion::Replace(choices) => choices.len(),
        _ => usize::MAX,
    }
}

/// Puts the second thing behind the first: `"WEB" is not valid: must contain …; must contain …`.
fn also(answer: &mut Answer, other: &Answer) {
    let words = match other.message.split_once(" is not valid: ") {
        Some((named, words)) if answer.message.starts_with(named) => words,
        _ => other.message.as_str(),
    };
    if !answer.message.contains(words) {
        answer.message = format!("{}; {words}", answer.message);
    }
    if answer.suggestion == Suggestion::None {
        answer.suggestion = other.suggestion.clone();
    }
}

/// Leaves out what follows from another answer: labels that fit no selector where there is none, and a status that is not there yet.
pub(super) fn without_consequences(context: &Context<'_>, mut answers: Vec<Answer>) -> Vec<Answer> {
    let no_selector = answers.iter().any(|answer| {
        matches!(&answer.place, Place::Missing { field } if field.ends_with("selector"))
            && answer.slug == codes::REQUIRED
    });
    let required: Vec<FieldPath> = answers
        .iter()
        .filter(|answer| answer.slug == codes::REQUIRED)
        .map(|answer| answer.path.clone())
        .collect();
    let follows = |answer: &Answer| {
        // What is not there is neither a choice nor the same as something else that is not there.
        let nothing = answer.slug == codes::UNSUPPORTED_VALUE && required.contains(&answer.path)
            || answer.slug == codes::DUPLICATE_ITEM && answer.detail.contains("Duplicate value: \"\"");
        let unlike = no_selector && answer.detail.contains("`selector` does not match");
        // A volume that is wrong itself is none that could be mounted.
        let there = answer.slug == codes::REFERENCE_NOT_FOUND && is_volume(context, &answer.path);
        unlike
            || nothing
            || there
            || matches!(&answer.place, Place::Missing { field } if answer.path.is_empty() && field.starts_with("status."))
    };
    if answers.iter().any(|answer| !follows(answer)) {
        answers.retain(|answer| !follows(answer));
    }
    answers
}

/// Whether the name at a path is that of a volume of the same pod.
fn is_volume(context: &Context<'_>, path: &FieldPath) -> bool {
    let Some(spec) = spec_path(context.gvk, context.sent) else {
        return false;
    };
    let volumes = value_at(context.sent, &with_key(&spec, "volumes")).and_then(Value::as_array);
    let name = value_at(context.sent, path);
    volumes.is_some_and(|volumes| {
        volumes
            .iter()
            .any(|volume| name.is_some() && volume.get("name") == name)
    })
}

/// Whether a cause is about a field that the server has filled in from a field beside it, of which it says the same:
/// `targetPort` is `port` when it is not written.
pub(super) fn is_copy(context: &Context<'_>, cause: &Cause, causes: &[Cause]) -> bool {
    let beside = |field: &str| field.rsplit_once('.').map(|(parent, _)| parent.to_owned());
    let written = |field: &str| value_at(context.sent, &internal_path::resolve(context, field)).is_some();
    !written(&cause.field)
        && beside(&cause.field).is_some()
        && causes.iter().any(|other| {
            other.message == cause.message
                && other.field != cause.field
                && beside(&other.field) == beside(&cause.field)
                && written(&other.field)
        })
}
