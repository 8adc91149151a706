//! What `replacements` bring into a field: the field that they take it from.

use gitops_model::Supplier;
use gitops_model::kustomize::{Identity, Replacement};
use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::fits::scalar_text;
use super::hit::{At, Effect, Hit};
use super::pick::{Picked, identities, objects, pick};
use super::trail::{Hop, Trail};
use super::walk::{Walk, hits};
use gitops_model::kustomize::SourceKind;

/// How many replacements are followed one into another.
const MAX_DEPTH: usize = 3;

/// The place that a replacement takes the field's value from, and the replacement itself before it.
pub(super) fn replacement_hits(
    walk: Walk<'_>,
    replacement: &Replacement,
    identity: &Identity,
    trail: &Trail<'_>,
) -> Vec<Hit> {
    let is_target = replacement.targets.iter().any(|target| {
        let default = [String::from("metadata.name")];
        let paths = if target.field_paths.is_empty() {
            &default
        } else {
            target.field_paths.as_slice()
        };
        target.select.matches(identity) && paths.iter().any(|path| leads_to(path, trail))
    });
    if !is_target {
        return Vec::new();
    }
    let entry = Hit {
        at: At::Spot(replacement.spot.clone()),
        supplier: Supplier::Replacement,
        effect: Effect::Part,
        certain: false,
    };
    // Last first, as the walk goes: what sets the value comes before what brings it along.
    let mut found = vec![entry];
    if let Some(value) = &replacement.source_value {
        found.push(Hit {
            at: At::Spot(value.spot.clone()),
            supplier: Supplier::Replacement,
            effect: Effect::Sets(None),
            certain: true,
        });
    }
    let source = source_hits(walk, replacement);
    found.extend(source.into_iter().rev().map(|hit| Hit {
        effect: Effect::Sets(None),
        certain: false,
        ..hit
    }));
    found
}

/// What supplies the field that is copied.
fn source_hits(walk: Walk<'_>, replacement: &Replacement) -> Vec<Hit> {
    let (Some(source), true) = (&replacement.source, walk.depth < MAX_DEPTH) else {
        return Vec::new();
    };
    let deeper = Walk {
        depth: walk.depth + 1,
        ..walk
    };
    let field_path = source.field_paths.first();
    for built in walk.built {
        let Some(picked) = pick(walk.tree, walk.root, built) else {
            continue;
        };
        let meant = picked.identities.last();
        if let (true, Some(path)) = (meant.is_some_and(|own| source.select.matches(own)), field_path) {
            let path = resolved(path, &built.object);
            return hits(deeper, &picked, &Trail::of(&built.object, &path));
        }
    }
    for candidate in walk.root.sources() {
        let SourceKind::File(file) = candidate.kind else {
            continue;
        };
        for (spot, key) in objects(walk.tree, file) {
            let identities = identities(&key, &candidate.steps);
            if !identities
                .last()
                .is_some_and(|identity| source.select.matches(identity))
            {
                continue;
            }
            let Some(object) = spot.field().and_then(|field| field.json()) else {
                continue;
            };
            let Some(path) = field_path.map(|path| resolved(path, &object)) else {
                continue;
            };
            let trail = Trail::of(&object, &path);
            let picked = Picked {
                source: candidate.clone(),
                spot: Some(spot.clone()),
                identities,
            };
            // Of several that touch it the last one counts; the value is not known here.
            return hits(deeper, &picked, &trail);
        }
    }
    Vec::new()
}

/// The parts of a path as kustomize writes it: dots in keys are escaped, `[key=value]` selects items.
fn parts(path: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0_u32;
    let mut escaped = false;
    for character in path.chars() {
        match character {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '.' | '/' if !escaped && depth == 0 && (character == '.') => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = false;
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn leads_to(path: &str, trail: &Trail<'_>) -> bool {
    let parts = parts(path);
    parts.len() == trail.hops.len()
        && parts.iter().zip(&trail.hops).all(|(part, hop)| match hop {
            Hop::Key(key) => part == key || part.strip_prefix('[').and_then(|part| part.strip_suffix(']')) == Some(key),
            Hop::Item { index, item, .. } => part == "*" || part.parse() == Ok(*index) || selects(part, item),
        })
}

fn selects(part: &str, item: &Value) -> bool {
    let inner = part.strip_prefix('[').and_then(|part| part.strip_suffix(']'));
    let Some((key, value)) = inner.and_then(|inner| inner.split_once('=')) else {
        return false;
    };
    match item.get(key) {
        Some(own) => scalar_text(own).is_some_and(|own| own == value),
        None => key.is_empty() && item.as_str() == Some(value),
    }
}

/// The path with its selections as indices of an object.
fn resolved(path: &str, object: &Value) -> FieldPath {
    let mut at = Some(object);
    let mut steps = Vec::new();
    for part in parts(path) {
        let list = at.and_then(Value::as_array);
        let index = list.and_then(|list| list.iter().position(|item| selects(&part, item)));
        let index = index.or_else(|| list.and_then(|_| part.parse().ok()));
        if let Some(index) = index {
            at = list.and_then(|list| list.get(index));
            steps.push(Step::Index(index));
        } else {
            at = at.and_then(|value| value.get(&part));
            steps.push(Step::Key(part.into()));
        }
    }
    steps.into()
}
