//! What the API server refuses to a controller.

use gitops_model::Gvk;
use serde_json::Value;

use super::super::sent::{keys, value_at};
use super::super::{Answer, Place, Refusal, Suggestion, codes, decode, decode_creation_failure};
use super::{LIMIT_RANGE, POD_REFUSED, POD_SECURITY, QUOTA_EXCEEDED, Subject};

/// The answers to a refused pod, or to a Job that a `CronJob` could not create.
pub(super) fn answers(subject: &Subject<'_>, text: &str) -> Vec<Answer> {
    let mut answers = if subject.gvk.kind == "CronJob" && text.contains("Job.batch ") {
        of_job(subject, text)
    } else {
        decode_creation_failure(text, subject.gvk, subject.sent, subject.knowledge)
    };
    for answer in &mut answers {
        on_replicas(subject, answer);
        answer.slug = match answer.slug {
            codes::QUOTA_EXCEEDED => QUOTA_EXCEEDED,
            codes::LIMIT_RANGE => LIMIT_RANGE,
            codes::POD_SECURITY => POD_SECURITY,
            _ => POD_REFUSED,
        };
        answer.message = format!("no pod can be created: {}", answer.message);
    }
    answers
}

/// Pods that are counted are as many as there are replicas, which stand outside of the pod.
fn on_replicas(subject: &Subject<'_>, answer: &mut Answer) {
    let path = keys(&["spec", "replicas"]);
    if answer.slug == codes::QUOTA_EXCEEDED && answer.place == Place::Object && value_at(subject.sent, &path).is_some()
    {
        answer.path = path;
        answer.place = Place::Value;
    }
}

/// `Job.batch "tidy-29400000" is invalid: spec.…`
fn of_job(subject: &Subject<'_>, text: &str) -> Vec<Answer> {
    let template = keys(&["spec", "jobTemplate"]);
    let job = value_at(subject.sent, &template).cloned().unwrap_or_default();
    let refusal = Refusal {
        status: 422,
        reason: "Invalid".to_owned(),
        message: text.to_owned(),
        causes: Vec::new(),
    };
    let kind = Gvk::parse("batch/v1", "Job");
    decode(&refusal, &kind, &job, None, subject.knowledge)
        .into_iter()
        .filter_map(|mut answer| {
            let path = template.join(&answer.path);
            let parent = value_at(subject.sent, &path).is_some_and(|value| *value != Value::Null);
            if answer.place != Place::Object {
                answer.path = path;
            }
            answer.suggestion = Suggestion::None;
            answer.related.clear();
            (parent || answer.place == Place::Object).then_some(answer)
        })
        .collect()
}

/// The words of a controller without its own before them, and without the name of the one pod that it was about: the next
/// one has another name and the same fault.
pub fn of_any_pod(text: &str) -> String {
    let mut text = text;
    for before in [
        "(combined from similar events): ",
        "Error creating: ",
        "Error creating job: ",
    ] {
        text = text.strip_prefix(before).unwrap_or(text);
    }
    // pkg/controller/statefulset/stateful_pod_control.go
    if text.starts_with("create Pod ")
        && let Some((_, rest)) = text.split_once(" failed error: ")
    {
        text = rest;
    }
    for mark in ["pods \"", "Pod \"", "Job.batch \""] {
        if let Some(rest) = text.strip_prefix(mark)
            && let Some((_, after)) = rest.split_once('"')
        {
            return format!("{mark}…\"{after}");
        }
    }
    text.to_owned()
}
