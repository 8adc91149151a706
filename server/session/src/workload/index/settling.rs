//! What has to be done about objects, and when they are as far as they come.

use gitops_model::ObjectKey;

use super::{Entry, Index, Kind, Uid};

impl Index {
    /// Pods of an older revision that never became ready, for whose sake a `StatefulSet` does not go on to the newest one
    /// (kubernetes/kubernetes#67250): a person has to delete them. Each with its namespace and name.
    pub(in super::super) fn in_the_way(&self) -> Vec<(Uid, String, String)> {
        let waits =
            |entry: &&Entry| entry.owned.kind == Kind::StatefulSet && entry.owned.is_observed && !entry.owned.is_done;
        let mut found = Vec::new();
        for (id, entry) in self.owned.iter().filter(|(_, entry)| waits(entry)) {
            for child in self.children.get(id).into_iter().flatten() {
                let Some(pod) = self.pods.get(child) else { continue };
                let is_old = entry.owned.revision_of_pods.is_some() && pod.pod.revision != entry.owned.revision_of_pods;
                if is_old && !pod.pod.troubles(self.events.of(child), &self.labels).is_empty() {
                    let namespace = pod.key.namespace.clone().unwrap_or_default();
                    found.push((child.clone(), namespace, pod.key.name.clone()));
                }
            }
        }
        found
    }

    /// Whether an object of a generation is as far as it comes: it runs, or something is seen to be wrong with it.
    pub(in super::super) fn is_settled(&self, key: &ObjectKey, uid: &str, generation: i64) -> bool {
        // Made anew, it has the same name and begins to count again.
        let Some(id) = self.tops.get(key).filter(|id| *id == uid) else {
            return false;
        };
        if let Some(entry) = self.pods.get(id) {
            return entry.pod.is_ready || !self.troubles_of(id, 0).is_empty();
        }
        let Some(entry) = self.owned.get(id) else { return false };
        let is_current = entry.owned.generation >= generation && entry.owned.is_observed;
        is_current && (entry.owned.is_done || !self.troubles_of(id, 0).is_empty())
    }

    /// Owners of which an event says that their pods are refused, and that have fewer than they want: an event can be about
    /// what they were before, and the API server answers 25 of them only, so it is asked whether that is so. Each once.
    pub(in super::super) fn doubtful(&mut self) -> Vec<(Uid, ObjectKey)> {
        let speaks_in_events =
            |kind: Kind| matches!(kind, Kind::StatefulSet | Kind::DaemonSet | Kind::Job | Kind::CronJob);
        let mut found = Vec::new();
        for (id, entry) in &self.owned {
            let owned = &entry.owned;
            if !speaks_in_events(owned.kind) || !owned.is_observed || !owned.lacks_pods || owned.has_succeeded {
                continue;
            }
            let Some(event) = self.events.newest(id, "FailedCreate") else {
                continue;
            };
            if self.refusals.begin(id, owned.generation, event.at) {
                found.push((id.clone(), owned.key.clone()));
            }
        }
        found
    }

    /// What the API server has said of the pods of an owner of this generation; `None` where it takes them.
    pub(in super::super) fn refused(&mut self, id: &Uid, generation: i64, text: Option<String>) {
        self.refusals.set(id, generation, text);
        self.touch(id);
    }
}
