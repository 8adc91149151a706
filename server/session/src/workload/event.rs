//! Events of the cluster, as far as they say why something does not run.

use std::collections::BTreeMap;

use gitops_cluster::answer::of_any_pod;
use serde_json::Value;

use super::reading::{Uid, text, uid};

/// How many events are kept of one object.
const MAX_OF_ONE: usize = 16;
/// How many objects events are kept of.
const MAX_OBJECTS: usize = 10_000;

/// Reasons that say why something does not run.
const REASONS: &[&str] = &[
    "FailedCreate",
    "FailedMount",
    "FailedAttachVolume",
    "FailedMapVolume",
    "FailedCreatePodSandBox",
    "Unhealthy",
    "ProvisioningFailed",
    "VolumeMismatch",
    "ClaimLost",
    "ClaimMisbound",
];

/// What was said of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct SeenEvent {
    /// Why, in one word.
    pub(super) reason: String,
    /// The words, without the name of a pod that was never there.
    pub(super) text: String,
    /// The container that it is about.
    pub(super) container: Option<String>,
    /// When it came, in the order of all that came.
    pub(super) at: u64,
    /// Its version, by which what is listed again is known.
    version: String,
}

/// All that is kept of events, by the object that they are about.
#[derive(Default)]
pub(super) struct Events {
    of: BTreeMap<Uid, BTreeMap<Uid, SeenEvent>>,
}

impl Events {
    /// Takes an event; the object that it is about, where it matters.
    pub(super) fn take(&mut self, object: &Value, at: u64) -> Option<Uid> {
        let reason = text(object, "/reason");
        let about = text(object, "/involvedObject/uid");
        if !REASONS.contains(&reason) || about.is_empty() {
            return None;
        }
        if self.of.len() >= MAX_OBJECTS && !self.of.contains_key(about) {
            return None;
        }
        let of_object = self.of.entry(about.to_owned()).or_default();
        let (id, version) = (uid(object), text(object, "/metadata/resourceVersion").to_owned());
        // Listed again, after a watch was cut off, it is as old as it was.
        if of_object.get(&id).is_some_and(|known| known.version == version) {
            return None;
        }
        // `spec.containers{web}`
        let field = text(object, "/involvedObject/fieldPath");
        let container = field.split_once('{').and_then(|(_, rest)| rest.strip_suffix('}'));
        let event = SeenEvent {
            reason: reason.to_owned(),
            text: of_any_pod(text(object, "/message")),
            container: container.map(str::to_owned),
            at,
            version,
        };
        of_object.insert(id, event);
        if of_object.len() > MAX_OF_ONE {
            let oldest = of_object
                .iter()
                .min_by_key(|(_, event)| event.at)
                .map(|(id, _)| id.clone());
            oldest.map(|id| of_object.remove(&id));
        }
        Some(about.to_owned())
    }

    /// What was said of an object.
    pub(super) fn of(&self, uid: &str) -> impl Iterator<Item = &SeenEvent> {
        self.of.get(uid).into_iter().flat_map(BTreeMap::values)
    }

    /// The newest that was said of an object with a reason.
    pub(super) fn newest(&self, uid: &str, reason: &str) -> Option<&SeenEvent> {
        self.of(uid)
            .filter(|event| event.reason == reason)
            .max_by_key(|event| event.at)
    }

    /// An object is gone, and what was said of it is of no use.
    pub(super) fn forget(&mut self, uid: &str) {
        self.of.remove(uid);
    }
}
