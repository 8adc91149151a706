//! What a session has put on the cluster: it, and nothing else, is what the session may delete.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex};

use gitops_cluster::Reply;
use gitops_model::ObjectKey;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard};

use crate::live::{Shared, locked};
use crate::stages;
use crate::supply::{FileVerdict, Supply};

/// How many turns there are. Objects that share one wait for each other now and then, which costs a request's time.
const TURNS: usize = 64;

/// The objects and the files that supply them, both ways. Keys carry the namespace that an object really went to.
pub(crate) struct Inventory {
    entries: Mutex<Entries>,
    turns: [AsyncMutex<()>; TURNS],
}

impl Default for Inventory {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
            turns: std::array::from_fn(|_| AsyncMutex::default()),
        }
    }
}

#[derive(Default)]
struct Entries {
    // A key stands in both and is kept once: of thousands, most are the only one of their file.
    files_of: BTreeMap<Arc<ObjectKey>, BTreeSet<Arc<str>>>,
    objects_of: BTreeMap<Arc<str>, BTreeSet<Arc<ObjectKey>>>,
}

impl Inventory {
    /// Waits until nobody else applies or deletes this object. When a file is renamed, its old name gives the object
    /// up while its new one applies it: were these two mixed, the object could be gone although a file has it.
    pub(crate) async fn turn(&self, key: &ObjectKey) -> Option<AsyncMutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        // Not the version: in another one it is the same object.
        (&key.gvk.group, &key.gvk.kind, &key.namespace, &key.name).hash(&mut hasher);
        let number = usize::try_from(hasher.finish() % TURNS as u64).unwrap_or(0);
        match self.turns.get(number) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }

    /// Adds an object before it is applied: whatever happens in between, nothing is left behind unknown.
    /// True when the file had not supplied it before.
    pub(crate) fn add(&self, key: &ObjectKey, file: &Arc<str>) -> bool {
        let mut entries = locked(&self.entries);
        let known = entries.files_of.get_key_value(key).map(|(known, _)| Arc::clone(known));
        let key = known.unwrap_or_else(|| Arc::new(key.clone()));
        entries
            .objects_of
            .entry(Arc::clone(file))
            .or_default()
            .insert(Arc::clone(&key));
        entries.files_of.entry(key).or_default().insert(Arc::clone(file))
    }

    /// Takes a file from those that supply an object. Unless it is the only one left: that answer is false,
    /// and the object stays in the inventory until it is gone from the cluster, too.
    fn give_up(&self, key: &ObjectKey, file: &Arc<str>) -> bool {
        let mut entries = locked(&self.entries);
        let shared = entries.files_of.get(key).is_some_and(|files| files.len() > 1);
        if shared {
            entries.forget(key, file);
        }
        shared
    }

    /// An object is gone from the cluster, or never came to it.
    pub(crate) fn remove(&self, key: &ObjectKey) {
        let mut entries = locked(&self.entries);
        let files: Vec<Arc<str>> = entries.files_of.get(key).into_iter().flatten().cloned().collect();
        for file in files {
            entries.forget(key, &file);
        }
    }

    /// An object of a file was refused: it is the file's no longer.
    pub(crate) fn refused(&self, key: &ObjectKey, file: &Arc<str>) {
        locked(&self.entries).forget(key, file);
    }

    /// What a file has put on the cluster and does not keep, in order.
    fn left_by(&self, file: &Arc<str>, kept: &[ObjectKey]) -> Vec<ObjectKey> {
        let entries = locked(&self.entries);
        let objects = entries.objects_of.get(file).into_iter().flatten();
        objects
            .filter(|key| !kept.iter().any(|kept| kept.same_object(key)))
            .map(|key| ObjectKey::clone(key))
            .collect()
    }

    /// All objects, in order.
    pub(crate) fn objects(&self) -> Vec<ObjectKey> {
        let entries = locked(&self.entries);
        entries.files_of.keys().map(|key| ObjectKey::clone(key)).collect()
    }

    /// How many objects there are.
    pub(crate) fn len(&self) -> usize {
        locked(&self.entries).files_of.len()
    }
}

impl Entries {
    fn forget(&mut self, key: &ObjectKey, file: &Arc<str>) {
        if let Some(files) = self.files_of.get_mut(key) {
            files.remove(file);
            if files.is_empty() {
                self.files_of.remove(key);
            }
        }
        if let Some(objects) = self.objects_of.get_mut(file) {
            objects.remove(key);
            if objects.is_empty() {
                self.objects_of.remove(file);
            }
        }
    }
}

/// Deletes what this file had put on the cluster and no longer has.
pub(crate) async fn prune(shared: &Shared, supply: &Supply, report: &mut FileVerdict) {
    let kinds = shared.cluster.kinds();
    let kept: Vec<ObjectKey> = supply
        .objects
        .iter()
        .map(|supplied| {
            let key = &supplied.manifest.key;
            let namespace = kinds.get(&key.gvk).map_or_else(
                || key.namespace.clone(),
                |served| shared.cluster.namespace_of(key, served),
            );
            ObjectKey {
                namespace,
                ..ObjectKey::clone(key)
            }
        })
        .collect();
    let mut kinds_changed = false;
    for key in shared.inventory.left_by(&supply.file, &kept) {
        let _turn = shared.inventory.turn(&key).await;
        if shared.inventory.give_up(&key, &supply.file) {
            // Another file has the same object: it stays.
            continue;
        }
        match delete_one(shared, &key).await {
            Ok(()) => {
                kinds_changed |= stages::is_definition(&key.gvk);
                report.pruned.push(key);
            }
            Err(reason) => report.prune_failures.push((key, reason)),
        }
    }
    if kinds_changed {
        shared.knowledge.kinds_changed();
        // A server that does not answer now is asked again at the next save.
        let _ = shared.cluster.refresh_kinds().await;
    }
}

/// Deletes an object, and takes it out of the inventory when it is gone.
pub(crate) async fn delete_one(shared: &Shared, key: &ObjectKey) -> Result<(), String> {
    let kinds = shared.cluster.kinds();
    let Some(served) = kinds.get(&key.gvk) else {
        // Its kind went, and with it every object of the kind.
        shared.inventory.remove(key);
        return Ok(());
    };
    let _permit = shared.in_flight.acquire().await;
    match shared.cluster.delete(key, served).await {
        Ok(Reply::Accepted { .. }) => {
            shared.inventory.remove(key);
            Ok(())
        }
        Ok(Reply::Refused { refusal, .. }) => Err(refusal.message),
        Err(unreachable) => Err(unreachable.reason),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gitops_model::{Gvk, ObjectKey};

    use super::Inventory;

    fn key(name: &str) -> ObjectKey {
        ObjectKey {
            gvk: Gvk::parse("v1", "ConfigMap"),
            namespace: Some("default".to_owned()),
            name: name.to_owned(),
        }
    }

    #[test]
    fn an_object_of_two_files_goes_with_the_last_of_them() {
        let (a, b): (Arc<str>, Arc<str>) = (Arc::from("a.yaml"), Arc::from("b.yaml"));
        let inventory = Inventory::default();
        assert!(inventory.add(&key("x"), &a));
        assert!(!inventory.add(&key("x"), &a));
        assert!(inventory.add(&key("x"), &b));
        assert_eq!(inventory.left_by(&a, &[]), [key("x")]);
        assert!(inventory.give_up(&key("x"), &a), "the other file keeps it");
        assert!(!inventory.give_up(&key("x"), &b), "the last file does not");
        assert_eq!(inventory.len(), 1, "it is known until it is gone");
        inventory.remove(&key("x"));
        assert_eq!(inventory.len(), 0);
        assert!(inventory.left_by(&b, &[]).is_empty());
    }
}
