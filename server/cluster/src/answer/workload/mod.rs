//! Why an object that was accepted does not run, as answers about fields: pure functions over text and JSON.
//!
//! Controllers, the scheduler and kubelets speak about pods; the answers lead to the template that the pod was made from.

mod claims;
mod containers;
mod creation;
mod images;
mod references;
mod scheduling;
mod trouble;
mod volumes;

use gitops_model::{Gvk, Severity};
use gitops_yaml::FieldPath;
use serde_json::Value;

use super::pods::spec_path;
use super::sent::{below, existing, value_at, with_key};
use super::wording::{cut, quote};
use super::{Answer, Knowledge, Place};

pub use creation::of_any_pod;
pub use images::images;
pub use references::{PodReference, references};
pub use trouble::{Probe, Referent, Trouble};

/// How much of the cluster's words stands in a message, in characters.
const MAX_WORDS: usize = 300;

/// A resource quota leaves no room for the pods, or wants requests or limits to be set.
const QUOTA_EXCEEDED: &str = "quota-exceeded";
/// A limit range does not allow what a container asks for.
const LIMIT_RANGE: &str = "limit-range";
/// The namespace enforces a Pod Security level.
const POD_SECURITY: &str = "pod-security";
/// A pod of the template is refused for another reason.
const POD_REFUSED: &str = "pod-refused";
/// No node takes the pod.
const UNSCHEDULABLE: &str = "unschedulable";
/// The image of a container cannot be had.
const IMAGE_PULL: &str = "image-pull";
/// What a container is configured with is not there, or cannot be used.
const BAD_CONFIGURATION: &str = "bad-configuration";
/// A volume cannot be mounted.
const VOLUME_FAILED: &str = "volume-failed";
/// A claim gets no volume.
const CLAIM_PENDING: &str = "claim-pending";
/// A container cannot be started.
const NOT_STARTED: &str = "not-started";
/// A container ends, again and again.
const CRASH: &str = "crash";
/// A probe fails.
const PROBE_FAILED: &str = "probe-failed";
/// A rollout has taken longer than it may.
const DEADLINE: &str = "progress-deadline";
/// What a kubelet would refuse, where there is none.
const WOULD_NOT_START: &str = "would-not-start";

/// Every slug of these answers with its meaning in one line, in the order of the documentation.
pub const RUNTIME_CODES: &[(&str, &str)] = &[
    (BAD_CONFIGURATION, "What a container is configured with is not there."),
    (CLAIM_PENDING, "A claim gets no volume."),
    (CRASH, "A container ends again and again."),
    (IMAGE_PULL, "The image of a container cannot be pulled."),
    (LIMIT_RANGE, "A limit range refuses the pods."),
    (NOT_STARTED, "A container cannot be started."),
    (POD_REFUSED, "The pods of a workload are refused."),
    (POD_SECURITY, "Pod Security refuses the pods."),
    (PROBE_FAILED, "A probe of a container fails."),
    (DEADLINE, "A rollout has taken longer than it may."),
    (QUOTA_EXCEEDED, "A quota refuses the pods."),
    (UNSCHEDULABLE, "No node takes the pods."),
    (VOLUME_FAILED, "A volume cannot be mounted."),
    (WOULD_NOT_START, "What a kubelet would refuse is foreseen."),
];

/// What a trouble means for the fields of the object that brought it; never empty, no path leads out of `sent`.
pub fn decode_trouble(trouble: &Trouble, gvk: &Gvk, sent: &Value, knowledge: &dyn Knowledge) -> Vec<Answer> {
    let subject = Subject {
        gvk,
        sent,
        spec: spec_path(gvk, sent),
        knowledge,
    };
    let answers = match trouble {
        Trouble::NotCreated { text } => creation::answers(&subject, text),
        Trouble::Unschedulable { text, unmatched } => scheduling::answers(&subject, text, unmatched),
        Trouble::Waiting {
            container,
            reason,
            message,
        } => containers::waiting(&subject, container, reason, message),
        Trouble::Crashed {
            container,
            exit_code,
            reason,
            message,
        } => containers::crashed(&subject, container, *exit_code, reason, message),
        Trouble::Unhealthy { container, probe, text } => containers::unhealthy(&subject, container, *probe, text),
        Trouble::Volume { text } => volumes::answers(&subject, text),
        Trouble::Claim { reason, text } => claims::answers(&subject, reason, text),
        Trouble::Failed { reason, text } => vec![Answer::about_object(
            NOT_STARTED,
            format!("a pod has failed: {reason}: {}", cut(text, MAX_WORDS)),
        )],
        Trouble::Deadline { text } => vec![deadline(&subject, text)],
        Trouble::Missing { kind, name, key, near } => {
            references::missing(&subject, *kind, name, key.as_deref(), near.as_deref())
        }
        Trouble::NoImage { image, tags } => images::answers(&subject, image, tags),
    };
    if answers.is_empty() {
        return vec![Answer::about_object(NOT_STARTED, cut(&trouble.to_string(), MAX_WORDS))];
    }
    super::without_repeats(
        answers
            .into_iter()
            .map(|answer| super::grounded(answer, sent))
            .collect(),
    )
}

/// The object that a trouble is about.
struct Subject<'a> {
    gvk: &'a Gvk,
    sent: &'a Value,
    /// Where its pod's spec stands, if it has one.
    spec: Option<FieldPath>,
    knowledge: &'a dyn Knowledge,
}

impl Subject<'_> {
    /// An answer at a field, or where that is not there, at the nearest that is.
    fn at(&self, path: &FieldPath, slug: &'static str, words: impl Into<String>) -> Answer {
        let found = existing(self.sent, path);
        if found.is_empty() {
            return Answer::about_object(slug, words);
        }
        let place = if found.len() < path.len() {
            Place::Missing {
                field: below(path, &found),
            }
        } else {
            super::invalid::place_of(self.sent, path)
        };
        Answer::new(found, place, slug, words)
    }

    /// The pod's spec with some more keys.
    fn in_spec(&self, keys: &[&str]) -> Option<FieldPath> {
        let spec = self.spec.as_ref()?;
        Some(keys.iter().fold(spec.clone(), |path, key| with_key(&path, key)))
    }

    /// What stands in the pod's spec, if anything does.
    fn of_spec(&self, keys: &[&str]) -> Option<(FieldPath, &Value)> {
        let path = self.in_spec(keys)?;
        let value = value_at(self.sent, &path)?;
        Some((path, value))
    }

    /// Where a container of this name stands.
    fn container(&self, name: &str) -> Option<FieldPath> {
        super::pods::containers(self.gvk, self.sent)
            .into_iter()
            .find(|container| container.name == name)
            .map(|container| container.path)
    }

    /// The text at a path.
    fn text(&self, path: &FieldPath) -> Option<&str> {
        value_at(self.sent, path)?.as_str()
    }
}

/// `ReplicaSet "web-5c…" has timed out progressing.`
fn deadline(subject: &Subject<'_>, text: &str) -> Answer {
    let path = super::sent::keys(&["spec", "progressDeadlineSeconds"]);
    let seconds = value_at(subject.sent, &path);
    let limit = seconds.map_or_else(|| "its 600".to_owned(), ToString::to_string);
    let words = format!("the rollout is not done within {limit} seconds");
    let answer = match seconds {
        Some(_) => subject.at(&path, DEADLINE, words),
        None => Answer::about_object(DEADLINE, words),
    };
    answer.with_detail(text)
}

/// The same answer as a warning.
fn as_warning(mut answer: Answer) -> Answer {
    answer.severity = Severity::Warning;
    answer
}

/// In words, whose an image or a key is: `"x"`, cut where it is long.
fn named(name: &str) -> String {
    quote(name)
}
