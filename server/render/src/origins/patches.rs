//! What a patch does to a field.

use gitops_model::kustomize::{Field, Operation, operations};
use gitops_yaml::NodeKind;
use serde_json::Value;

use super::fits::{fits, fits_text};
use super::hit::{At, Effect, Hit};
use super::trail::{Hop, Trail, find_item, follow, merge_keys};
use gitops_model::Supplier;

/// What a patch does to the field at the end of the trail, last first. The trail is taken back to before the patch.
///
/// `renames` says whether it may change the name and kind, by which it otherwise only finds its object.
pub(super) fn patch_hits(patch: &Field<'_>, trail: &mut Trail<'_>, merges_lists: bool, renames: bool) -> Vec<Hit> {
    let is_identity = ["apiVersion", "kind"].iter().any(|key| trail.is(&[key]))
        || ["name", "namespace"].iter().any(|key| trail.is(&["metadata", key]));
    match operations(patch) {
        Some(operations) => json_hits(&operations, trail),
        None if is_identity && !renames => Vec::new(),
        None => {
            let hit = merge_hit(patch, trail, merges_lists);
            let mut hits: Vec<Hit> = hit.into_iter().collect();
            if let Some(Hit { at: At::Spot(spot), .. }) = hits.first()
                && let Some(known) = spot.clone().field()
            {
                hits.extend(alike(patch, trail, &known, Supplier::Patch));
            }
            if trail.is_unsure_item() {
                for hit in &mut hits {
                    hit.certain = false;
                }
            }
            // Later in the walk is the same list before this patch.
            hits.reverse();
            trail.is_reordered |= merges_lists && reorders(patch, trail);
            hits
        }
    }
}

/// Other scalars of the same list that are built alike, where indices are not known: the renderer tells which it is.
pub(super) fn alike(top: &Field<'_>, trail: &Trail<'_>, known: &Field<'_>, supplier: Supplier) -> Vec<Hit> {
    let Some((Hop::Item { .. }, above)) = trail.hops.split_last() else {
        return Vec::new();
    };
    if !trail.is_unsure_item() {
        return Vec::new();
    }
    let list = follow(top.clone(), above);
    let items = list.map(|list| list.field.items()).unwrap_or_default();
    let path = known.spot().path;
    let others = items
        .iter()
        .filter(|item| item.spot().path != path && fits(item, trail.value));
    let hit = |item: &Field<'_>| Hit {
        at: At::Spot(item.spot()),
        supplier,
        effect: Effect::Sets(item.json()),
        certain: false,
    };
    others.map(hit).collect()
}

/// Whether a strategic merge patch has a list on the way: what it names comes first in what is built.
fn reorders(patch: &Field<'_>, trail: &Trail<'_>) -> bool {
    let mut field = patch.clone();
    for hop in &trail.hops {
        match hop {
            Hop::Key(key) => match field.get(key) {
                Some(next) => field = next,
                None => return false,
            },
            Hop::Item { .. } => return field.kind() == NodeKind::Sequence,
        }
    }
    false
}

/// What an operation may do to the field where indices are not known: it sets what is built in an item of such a list.
fn possible_hit(operation: &Operation<'_>, trail: &Trail<'_>) -> Option<Hit> {
    let is_along = |(part, hop): (&String, &Hop<'_>)| match hop {
        Hop::Key(key) => part == key,
        Hop::Item { .. } => part == "-" || part.parse::<usize>().is_ok(),
    };
    let rest = trail.hops.get(operation.path.len()..)?;
    if !matches!(operation.op, "add" | "replace") || !operation.path.iter().zip(&trail.hops).all(is_along) {
        return None;
    }
    let value = operation.field.get("value")?;
    let end = follow(value.clone(), rest)?;
    let is_like = match trail.hops.get(operation.path.len().checked_sub(1)?)? {
        Hop::Item { item, .. } => value.kind() != NodeKind::Mapping || keyed_item_is(&value, item),
        Hop::Key(_) => true,
    };
    (is_like && fits(&end.field, trail.value)).then(|| hit(&end.field, Effect::Sets(end.field.json()), false))
}

/// Whether an item is not another one by its name.
fn keyed_item_is(value: &Field<'_>, item: &Value) -> bool {
    match (value.get("name"), item.get("name")) {
        (Some(own), Some(built)) => fits(&own, built),
        _ => true,
    }
}

fn hit(field: &Field<'_>, effect: Effect, certain: bool) -> Hit {
    Hit {
        at: At::Spot(field.spot()),
        supplier: Supplier::Patch,
        effect,
        certain,
    }
}

/// Strategic merge. `merges_lists` is false for kinds whose lists are replaced as a whole: custom resources.
fn merge_hit(top: &Field<'_>, trail: &Trail<'_>, merges_lists: bool) -> Option<Hit> {
    let mut field = top.clone();
    let mut certain = true;
    let mut list_key = "";
    for hop in &trail.hops {
        if is_deletion(&field) {
            return Some(hit(&field, Effect::Removes, certain));
        }
        match hop {
            Hop::Key(key) => {
                field = field.get(key)?;
                list_key = key;
            }
            Hop::Item { index, item, .. } => {
                let keys = merge_keys(list_key);
                if merges_lists && !keys.is_empty() {
                    field = keyed_item(&field, keys, item)?;
                } else {
                    let (found, clear) = find_item(&field, list_key, *index, item)?;
                    field = found;
                    certain &= clear;
                }
            }
        }
    }
    for step in &trail.missing {
        let gitops_yaml::Step::Key(key) = step else { break };
        let Some(next) = field.get(key) else {
            if let Some(replaces) = field.get("$patch").filter(|mode| mode.text() == Some("replace")) {
                return Some(hit(&replaces, Effect::Removes, certain));
            }
            break;
        };
        field = next;
        if is_deletion(&field) || is_null(&field) {
            return Some(hit(&field, Effect::Removes, certain));
        }
    }
    Some(if is_deletion(&field) || is_null(&field) {
        hit(&field, Effect::Removes, certain)
    } else {
        hit(&field, Effect::Sets(field.json()), certain)
    })
}

fn is_deletion(field: &Field<'_>) -> bool {
    field.text_of("$patch") == Some("delete")
}

fn is_null(field: &Field<'_>) -> bool {
    field.kind() == NodeKind::Scalar && field.json() == Some(Value::Null)
}

/// The item with the same key. Nothing else makes a strategic merge take two items for one.
fn keyed_item<'f>(list: &Field<'f>, keys: &[&str], item: &Value) -> Option<Field<'f>> {
    list.items().into_iter().find(|candidate| {
        let both = keys.iter().find_map(|key| Some((candidate.get(key)?, item.get(*key)?)));
        both.is_some_and(|(own, built)| fits(&own, built) || own.text().is_some_and(|text| fits_text(text, built)))
    })
}

/// JSON 6902, from the last operation to the first, so that each sees the list as it was.
fn json_hits(operations: &[Operation<'_>], trail: &mut Trail<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for operation in operations.iter().rev() {
        let Some((last, parents)) = operation.path.split_last() else {
            continue;
        };
        let has_index = trail
            .hops
            .iter()
            .zip(&operation.path)
            .any(|(hop, _)| matches!(hop, Hop::Item { .. }));
        if trail.is_reordered && has_index {
            hits.extend(possible_hit(operation, trail));
            continue;
        }
        if parents.len() >= trail.hops.len() + trail.missing.len() || !leads_to(parents, trail) {
            continue;
        }
        let value = operation.field.get("value");
        let rest = trail.hops.get(parents.len() + 1..).unwrap_or_default();
        let supplied = |hits: &mut Vec<Hit>, certain: bool| match (operation.op, &value) {
            ("add" | "replace", Some(value)) => {
                if let Some(end) = follow(value.clone(), rest) {
                    hits.push(hit(&end.field, Effect::Sets(end.field.json()), certain && end.certain));
                }
            }
            ("move" | "copy", _) => hits.push(hit(&operation.field, Effect::Part, false)),
            _ => {}
        };
        let mut goes_on_from = None;
        match trail.hops.get(parents.len()).copied() {
            Some(Hop::Key(key)) if key == last => {
                supplied(&mut hits, true);
                goes_on_from = operation.from.as_deref();
            }
            Some(Hop::Item { index, length, item }) => {
                let inserts = matches!(operation.op, "add" | "move" | "copy");
                let at = if last == "-" {
                    length.checked_sub(1)
                } else {
                    last.parse::<usize>().ok()
                };
                let Some(at) = at else { continue };
                let mut now = (index, length);
                match operation.op {
                    "remove" => now = (index + usize::from(at <= index), length + 1),
                    _ if at == index => {
                        let same = value.as_ref().is_none_or(|value| !rest.is_empty() || fits(value, item));
                        supplied(&mut hits, same);
                        goes_on_from = operation.from.as_deref();
                        if operation.op == "add" {
                            trail.is_new = true;
                            return hits;
                        }
                    }
                    _ if inserts => now = (index - usize::from(at < index), length.saturating_sub(1)),
                    _ => {}
                }
                if let Some(Hop::Item { index, length, .. }) = trail.hops.get_mut(parents.len()) {
                    (*index, *length) = now;
                }
            }
            None if operation.op == "remove" => {
                let first = trail.missing.first();
                let is_it = matches!(first, Some(gitops_yaml::Step::Key(key)) if **key == **last);
                if is_it && parents.len() == trail.hops.len() {
                    hits.push(hit(&operation.field, Effect::Removes, true));
                }
            }
            _ => {}
        }
        if let (Some(from), "move" | "copy") = (goes_on_from, operation.op) {
            trail.moved(from, parents.len() + 1);
        }
    }
    hits
}

/// Whether the parts of a pointer lead along the trail.
fn leads_to(parts: &[String], trail: &Trail<'_>) -> bool {
    parts.len() <= trail.hops.len()
        && parts.iter().zip(&trail.hops).all(|(part, hop)| match hop {
            Hop::Key(key) => part == key,
            Hop::Item { index, .. } => part.parse::<usize>() == Ok(*index),
        })
}
