//! What a Kustomization without `prune` does not build any more: nobody deletes it, and nothing says so.

use std::collections::{BTreeMap, BTreeSet};

use gitops_model::references::listed;
use gitops_model::{ObjectKey, Want};
use gitops_render::fault::PlacedFault;

use super::unit::Unit;
use super::units::UnitName;
use super::worker::Worker;

/// What is known of the Kustomizations that do not prune.
#[derive(Default)]
pub(super) struct LeftBehind {
    /// What each has built last.
    built: BTreeMap<UnitName, BTreeSet<ObjectKey>>,
    /// What each has built in this session and builds no more.
    left: BTreeMap<UnitName, BTreeSet<ObjectKey>>,
}

impl LeftBehind {
    /// Takes what a unit builds now.
    fn take(&mut self, name: &UnitName, now: BTreeSet<ObjectKey>) {
        let before = self.built.insert(name.clone(), now.clone()).unwrap_or_default();
        let left = self.left.entry(name.clone()).or_default();
        left.extend(before);
        left.retain(|key| !now.contains(key));
    }

    fn forget(&mut self, name: &UnitName) {
        self.built.remove(name);
        self.left.remove(name);
    }
}

impl Worker {
    /// Looks at what was built and is accepted: what is not accepted never comes to the cluster. Of a Kustomization that
    /// cannot be built nothing is known.
    pub(super) fn look_for_what_is_left(&mut self) {
        let mut left_behind = std::mem::take(&mut self.left_behind);
        for (unit, own) in self.with_their_objects() {
            let name = unit.name();
            if unit.prunes() {
                left_behind.forget(&name);
                continue;
            }
            if self.kept.get(&name).is_some_and(|kept| kept.fault.is_none()) {
                let now = own.iter().map(|built| ObjectKey::of(&built.object)).collect();
                left_behind.take(&name, now);
            }
        }
        self.left_behind = left_behind;
    }

    /// What is left behind, on `prune` of the Kustomizations.
    pub(super) fn left_behind(&self) -> Vec<PlacedFault> {
        if self.left_behind.left.values().all(BTreeSet::is_empty) {
            return Vec::new();
        }
        let of_unit = |unit: &Unit| {
            let left = self.left_behind.left.get(&unit.name())?;
            // What another one builds now has only moved.
            let is_built = |key: &ObjectKey| self.objects.iter().any(|built| key.is_of(&built.object));
            let left: Vec<String> = left
                .iter()
                .filter(|key| !is_built(key))
                .map(ToString::to_string)
                .collect();
            let mut spot = unit.spot(self.tree.texts()).filter(|_| !left.is_empty())?;
            spot.path.push_key("spec");
            spot.path.push_key("prune");
            let all = listed(&left);
            let (is, stay) = if left.len() == 1 {
                ("is", "stays")
            } else {
                ("are", "stay")
            };
            Some(PlacedFault {
                file: spot.sheet.file().to_string(),
                span: spot.span(Want::Value),
                slug: "not-pruned",
                message: format!(
                    "{all} {is} not built any more and {stay} on the cluster: this Kustomization does not prune"
                ),
                detail: None,
            })
        };
        self.units.iter().filter_map(of_unit).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use gitops_model::{Gvk, ObjectKey};

    use super::{LeftBehind, UnitName};

    fn keys(names: &[&str]) -> BTreeSet<ObjectKey> {
        let key = |name: &&str| ObjectKey {
            gvk: Gvk::parse("v1", "ConfigMap"),
            namespace: None,
            name: (*name).to_owned(),
        };
        names.iter().map(key).collect()
    }

    #[test]
    fn what_comes_back_is_not_left_behind() {
        let name = UnitName::new(("flux-system".to_owned(), "apps".to_owned()));
        let mut known = LeftBehind::default();
        let mut check = |now: &[&str], left: &[&str]| {
            known.take(&name, keys(now));
            assert_eq!(known.left[&name], keys(left), "{now:?}");
        };
        check(&["a", "b", "c"], &[]);
        check(&["a"], &["b", "c"]);
        check(&["a", "b"], &["c"]);
        check(&["d"], &["a", "b", "c"]);
        known.forget(&name);
        known.take(&name, keys(&["a"]));
        assert_eq!(known.left[&name], keys(&[]));
    }
}
