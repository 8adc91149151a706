//! What a lens says of an object that does not run.

use gitops_cluster::answer::Trouble;
use gitops_model::ObjectKey;

use super::Workload;
use super::brought::{makes_pods, resolved};

impl Workload {
    /// In a few words, what is wrong with an object that was applied; `None` when nothing is.
    pub(crate) fn lens(&self, key: &ObjectKey) -> Option<String> {
        let news = self.news.get(&resolved(key))?;
        let seen = news.troubles.iter().find(|trouble| trouble.is_fault())?;
        Some(format!("✗ {}", in_short(seen)))
    }
}

/// Whether the pods of an object are played by kwok, which its lens says.
pub(crate) fn is_simulated(key: &ObjectKey) -> bool {
    makes_pods(key)
}

fn in_short(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::NotCreated { .. } => "no pod can be created",
        Trouble::Unschedulable { .. } => "no node takes the pods",
        Trouble::Waiting { reason, .. } if reason.contains("Image") => "image cannot be pulled",
        Trouble::Waiting { .. } => "a container cannot be started",
        Trouble::Crashed { .. } => "a container crashes",
        Trouble::Unhealthy { .. } => "a probe fails",
        Trouble::Volume { .. } => "a volume cannot be mounted",
        Trouble::Claim { .. } => "not bound to a volume",
        Trouble::Failed { .. } => "a pod has failed",
        Trouble::Deadline { .. } => "the rollout takes too long",
        Trouble::Missing { .. } | Trouble::NoImage { .. } => "pods would not start",
    }
}
