//! Objects that two Kustomizations bring: each puts its own over the other's whenever it is reconciled.

use std::collections::BTreeMap;

use gitops_yaml::FieldPath;

use super::ObjectFinding;
use super::index::Index;
use super::words::shown;

pub(super) fn look(index: &Index<'_>, found: &mut Vec<ObjectFinding>) {
    let mut several = Vec::new();
    for of_name in index.of_one_name() {
        let mut same: BTreeMap<(&str, &str, Option<&str>), Vec<usize>> = BTreeMap::new();
        for at in of_name {
            let Some(key) = index.key(at) else { continue };
            let identity = (key.gvk.kind.as_str(), key.gvk.group.as_str(), key.namespace.as_deref());
            same.entry(identity).or_default().push(at);
        }
        several.extend(same.into_values().filter(|objects| objects.len() > 1));
    }
    several.sort_unstable();
    for objects in several {
        for at in &objects {
            let owner = |at: usize| index.scene.owners.get(at).copied().flatten();
            let Some(own) = owner(*at) else { continue };
            let other = objects
                .iter()
                .find(|other| owner(**other).is_some_and(|other| other != own));
            let Some(other) = other else { continue };
            let Some(other_owner) = owner(*other) else { continue };
            // Many keep the same Namespace beside each of its parts, so that each can stand alone.
            let is_namespace = index.key(*at).is_some_and(|key| key.gvk.kind == "Namespace");
            if is_namespace && index.object(*at) == index.object(*other) {
                continue;
            }
            let message = format!(
                "{} is applied by {} and by {}: each puts its own over the other's at every reconcile",
                shown(index, *at),
                shown(index, own),
                shown(index, other_owner)
            );
            found.push(
                ObjectFinding::warning(*at, FieldPath::new(), "duplicate-object", message).beside(
                    *other,
                    FieldPath::new(),
                    format!("{} has it from here", shown(index, other_owner)),
                ),
            );
        }
    }
}
