//! A claim, as far as it says why it has no volume.

use gitops_cluster::answer::Trouble;
use serde_json::Value;

use super::event::Events;
use super::reading::text;

/// Reasons of events about claims.
const REASONS: &[&str] = &["ProvisioningFailed", "VolumeMismatch", "ClaimLost", "ClaimMisbound"];

/// Whether a claim has its volume.
pub(super) fn is_bound(object: &Value) -> bool {
    text(object, "/status/phase") == "Bound"
}

/// What was said last of a claim that waits.
pub(super) fn troubles(uid: &str, events: &Events) -> Vec<Trouble> {
    let newest = REASONS
        .iter()
        .filter_map(|reason| events.newest(uid, reason))
        .max_by_key(|event| event.at);
    let trouble = newest.map(|event| Trouble::Claim {
        reason: event.reason.clone(),
        text: event.text.clone(),
    });
    trouble.into_iter().collect()
}
