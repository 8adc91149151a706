//! A path into a built object, which remembers what stands at each of its list items, so that the same item is found in
//! a file where it has another index.

use gitops_model::kustomize::Field;
use gitops_yaml::{FieldPath, NodeKind, Step};
use serde_json::Value;

use super::fits::{fits, fits_text};

/// One step of a path that exists in the built object.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hop<'a> {
    /// Into a key's value.
    Key(&'a str),
    /// Into an item.
    Item {
        /// Its index at the stage that is looked at: in the built object first, in an earlier state later.
        index: usize,
        /// Length of the list at that stage.
        length: usize,
        /// The item as it is built.
        item: &'a Value,
    },
}

/// The part of a path that exists in a built object, and the rest.
#[derive(Clone, Debug)]
pub(super) struct Trail<'a> {
    object: &'a Value,
    pub(super) hops: Vec<Hop<'a>>,
    /// What is built at the end of the hops.
    pub(super) value: &'a Value,
    /// The steps that are not there.
    pub(super) missing: Vec<Step>,
    /// Whether the walk has come to where the field was brought in: before that there is nothing of it.
    pub(super) is_new: bool,
    /// Whether a later strategic merge put the items of a list on the way into another order, so that indices before
    /// it are not known.
    pub(super) is_reordered: bool,
}

impl<'a> Trail<'a> {
    pub(super) fn of(object: &'a Value, path: &'a FieldPath) -> Self {
        let mut trail = Self {
            object,
            hops: Vec::new(),
            value: object,
            missing: Vec::new(),
            is_new: false,
            is_reordered: false,
        };
        let mut steps = path.steps().iter();
        for step in steps.by_ref() {
            let next = match step {
                Step::Key(key) => trail.value.get(&**key).map(|value| (Hop::Key(key), value)),
                Step::Index(index) => trail.value.as_array().and_then(|list| {
                    let item = list.get(*index)?;
                    let hop = Hop::Item {
                        index: *index,
                        length: list.len(),
                        item,
                    };
                    Some((hop, item))
                }),
            };
            let Some((hop, value)) = next else {
                trail.missing.push(step.clone());
                break;
            };
            trail.hops.push(hop);
            trail.value = value;
        }
        trail.missing.extend(steps.cloned());
        trail
    }

    /// Goes on from another place of the object, from which what the first `copied` hops lead to was copied: parts of a
    /// JSON pointer. Nothing changes where that place is not there any more, as after a move.
    pub(super) fn moved(&mut self, from: &[String], copied: usize) {
        let mut at = self.object;
        let mut hops = Vec::new();
        for part in from {
            let next = match (at, part.parse::<usize>()) {
                (Value::Array(list), Ok(index)) => list.get(index).map(|item| {
                    let length = list.len();
                    (Hop::Item { index, length, item }, item)
                }),
                (Value::Object(map), _) => map
                    .get_key_value(part)
                    .map(|(key, value)| (Hop::Key(key.as_str()), value)),
                _ => None,
            };
            let Some((hop, value)) = next else { return };
            hops.push(hop);
            at = value;
        }
        hops.extend(self.hops.iter().skip(copied).copied());
        self.hops = hops;
    }

    /// Whether it leads to the key by which an item of a list is known where lists are merged.
    pub(super) fn is_merge_key(&self) -> bool {
        let [.., Hop::Key(list), Hop::Item { .. }, Hop::Key(key)] = self.hops.as_slice() else {
            return false;
        };
        merge_keys(list).contains(key)
    }

    /// The path without its last step that exists.
    pub(super) fn parent(&self) -> Option<Self> {
        let mut shorter = self.clone();
        let last = shorter.hops.pop()?;
        let step = match last {
            Hop::Key(key) => Step::Key(key.into()),
            Hop::Item { index, .. } => Step::Index(index),
        };
        shorter.missing.insert(0, step);
        let down = |value: &'a Value, hop: &Hop<'a>| match hop {
            Hop::Key(key) => value.get(*key),
            Hop::Item { item, .. } => Some(*item),
        };
        shorter.value = shorter.hops.iter().try_fold(self.object, down)?;
        Some(shorter)
    }

    /// Whether it leads to an item without a key, in a list whose indices are not known any more.
    pub(super) fn is_unsure_item(&self) -> bool {
        self.is_reordered && matches!(self.hops.last(), Some(Hop::Item { .. }))
    }

    /// The keys of the path, without items.
    pub(super) fn keys(&self) -> impl DoubleEndedIterator<Item = &'a str> {
        self.hops.iter().filter_map(|hop| match hop {
            Hop::Key(key) => Some(*key),
            Hop::Item { .. } => None,
        })
    }

    /// The last key.
    pub(super) fn last_key(&self) -> Option<&'a str> {
        self.keys().next_back()
    }

    /// Whether the path consists of these keys.
    pub(super) fn is(&self, keys: &[&str]) -> bool {
        self.hops.len() == keys.len() && self.keys().eq(keys.iter().copied())
    }
}

/// Where hops lead in a file.
pub(super) struct Followed<'f> {
    /// The node at the end.
    pub(super) field: Field<'f>,
    /// Whether each item on the way was known by its key or was the only one that fits.
    pub(super) certain: bool,
}

/// Goes the whole way, or says nothing.
pub(super) fn follow<'f>(from: Field<'f>, hops: &[Hop<'_>]) -> Option<Followed<'f>> {
    let mut followed = Followed {
        field: from,
        certain: true,
    };
    let mut list_key = "";
    for hop in hops {
        match hop {
            Hop::Key(key) => {
                followed.field = followed.field.get(key)?;
                list_key = key;
            }
            Hop::Item { index, item, .. } => {
                let (field, certain) = find_item(&followed.field, list_key, *index, item)?;
                followed.field = field;
                followed.certain &= certain;
            }
        }
    }
    Some(followed)
}

/// By which keys the items of a list are known, where Kubernetes merges it. The first that both have counts.
pub(super) fn merge_keys(list: &str) -> &'static [&'static str] {
    match list {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "secrets"
        | "webhooks" => &["name"],
        "ports" => &["containerPort", "port"],
        "volumeMounts" => &["mountPath"],
        "volumeDevices" => &["devicePath"],
        "hostAliases" => &["ip"],
        "topologySpreadConstraints" => &["topologyKey"],
        "ownerReferences" => &["uid"],
        "conditions" => &["type"],
        _ => &[],
    }
}

/// The item of a list in a file that became an item of the built object, and whether that is beyond doubt.
pub(super) fn find_item<'f>(list: &Field<'f>, list_key: &str, index: usize, item: &Value) -> Option<(Field<'f>, bool)> {
    let items = list.items();
    let keys = merge_keys(list_key);
    let mut scored: Vec<(u32, usize)> = Vec::new();
    for (at, candidate) in items.iter().enumerate() {
        let Some(likeness) = likeness(candidate, item, keys) else {
            continue;
        };
        let near = u32::from(at == index);
        scored.push((likeness * 2 + near, at));
    }
    scored.sort_unstable_by(|a, b| b.cmp(a));
    let &(best, at) = scored.first()?;
    let runner_up = scored.get(1).map_or(0, |&(score, _)| score);
    // An item that has nothing in common is the one only if nothing else tells and it stands at the same index.
    if best <= 1 && at != index {
        return None;
    }
    let is_clear = best > 1 && (runner_up | 1) < best;
    let certain = is_clear || (at == index && best >= runner_up && best > 1);
    Some((items.into_iter().nth(at)?, certain))
}

/// How much of an item in a file is in the built one, from 0 to 2,000; `None` where a key that identifies it differs.
fn likeness(candidate: &Field<'_>, item: &Value, keys: &[&str]) -> Option<u32> {
    match candidate.kind() {
        NodeKind::Scalar => {
            let text = candidate.text()?;
            Some(if fits(candidate, item) {
                2_000
            } else if fits_text(text, item) {
                1_000
            } else {
                0
            })
        }
        NodeKind::Mapping => {
            if !item.is_object() {
                return Some(0);
            }
            let mut known = 0;
            for key in keys {
                if let (Some(own), Some(built)) = (candidate.get(key), item.get(*key)) {
                    if !fits(&own, built) && !own.text().is_some_and(|text| fits_text(text, built)) {
                        return None;
                    }
                    known = 1_000;
                    break;
                }
            }
            let mut all = 0;
            let mut same = 0;
            count(candidate, item, &mut all, &mut same);
            Some(known + same * 999 / all.max(1))
        }
        NodeKind::Sequence | NodeKind::Alias => Some(u32::from(item.is_array())),
    }
}

/// Counts the scalars of a node, and those that are built as they are written.
fn count(field: &Field<'_>, built: &Value, all: &mut u32, same: &mut u32) {
    match field.kind() {
        NodeKind::Mapping => {
            for (key, value) in field.entries() {
                count(&value, built.get(key).unwrap_or(&Value::Null), all, same);
            }
        }
        NodeKind::Sequence => {
            for (index, item) in field.items().iter().enumerate() {
                count(item, built.get(index).unwrap_or(&Value::Null), all, same);
            }
        }
        NodeKind::Scalar | NodeKind::Alias => {
            *all += 1;
            *same += u32::from(fits(field, built));
        }
    }
}
