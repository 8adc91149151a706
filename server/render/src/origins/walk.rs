//! Everything on an object's way that touches a field.

use gitops_model::Supplier;
use gitops_model::kustomize::{
    Change, Does, Entry, Field, Identity, Labels, Layer, Patch, Replacement, SourceKind, Spot, Tree, join,
};
use serde_json::Value;

use crate::BuiltObject;

use super::fits::scalar_text;
use super::generated::generator_hits;
use super::hit::{At, Effect, Hit};
use super::patches::{alike, patch_hits};
use super::pick::Picked;
use super::replaced::replacement_hits;
use super::trail::{Trail, follow};

/// What the walk needs to know.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a> {
    pub(super) tree: &'a Tree,
    pub(super) root: &'a Layer,
    /// All that was built.
    pub(super) built: &'a [BuiltObject],
    /// How many replacements lead here: one can take its value from what another wrote.
    pub(super) depth: usize,
}

/// Everything that touches the field at the end of the trail, in the order in which it happens.
pub(super) fn hits(walk: Walk<'_>, picked: &Picked<'_>, trail: &Trail<'_>) -> Vec<Hit> {
    let mut trail = trail.clone();
    let mut hits = Vec::new();
    let content = ["data", "binaryData", "type", "immutable"];
    let is_content = trail.keys().next().is_some_and(|key| content.contains(&key));
    let mut is_replaced = false;
    for (step, identity) in picked.source.steps.iter().zip(&picked.identities).rev() {
        match step.does {
            Does::Merge(generator) => {
                let is_it = identity.names.contains(&generator.name.text)
                    && (identity.gvk.kind == "Secret") == generator.is_secret;
                let is_identity = matches!(trail.last_key(), Some("name" | "kind" | "apiVersion"));
                if is_it && !is_identity {
                    let mut found = generator_hits(walk.tree, step.layer, generator, &trail);
                    found.reverse();
                    hits.append(&mut found);
                    if generator.behavior == "replace" && is_content {
                        is_replaced = true;
                        break;
                    }
                }
            }
            Does::Change(change) => change_hits(walk, step.layer, change, identity, &mut trail, &mut hits),
        }
        if trail.is_new {
            break;
        }
    }
    match picked.source.kind {
        _ if is_replaced || trail.is_new => {}
        SourceKind::File(_) => {
            let field = picked.spot.as_ref().and_then(Spot::field);
            if let Some(end) = field.and_then(|field| follow(field, &trail.hops)) {
                hits.push(Hit {
                    at: At::Spot(end.field.spot()),
                    supplier: Supplier::Manifest,
                    effect: Effect::Sets(end.field.json()),
                    certain: end.certain && !trail.is_unsure_item(),
                });
                if let Some(top) = picked.spot.as_ref().and_then(Spot::field) {
                    hits.extend(alike(&top, &trail, &end.field, Supplier::Manifest));
                }
            }
        }
        SourceKind::Generator(generator) => {
            let mut found = generator_hits(walk.tree, picked.source.layer, generator, &trail);
            found.reverse();
            hits.append(&mut found);
        }
    }
    hits.reverse();
    if trail.is_merge_key() {
        key_is_first_ones(&mut hits);
    }
    only_used_variables(&mut hits);
    hits
}

/// The key of a list's item comes from whoever wrote the item first; later patches only mean it.
fn key_is_first_ones(hits: &mut [Hit]) {
    let mut setters = hits.iter_mut().filter(|hit| matches!(hit.effect, Effect::Sets(_)));
    let Some(Effect::Sets(first)) = setters.next().map(|hit| hit.effect.clone()) else {
        return;
    };
    for hit in setters {
        let same = matches!(&hit.effect, Effect::Sets(value) if *value == first);
        if same && hit.supplier == Supplier::Patch {
            hit.effect = Effect::Part;
        }
    }
}

/// Legacy variables are on the way of a text only if one of those that set it has them.
fn only_used_variables(hits: &mut Vec<Hit>) {
    let texts: Vec<String> = hits
        .iter()
        .filter_map(|hit| match &hit.effect {
            Effect::Sets(Some(Value::String(text))) => Some(text.clone()),
            _ => None,
        })
        .collect();
    hits.retain(|hit| {
        let At::Spot(spot) = &hit.at else { return true };
        let name = spot
            .field()
            .and_then(|field| field.text_of("name").map(|name| format!("$({name})")));
        let is_variable = hit.supplier == Supplier::Replacement
            && spot.path.steps().first() == Some(&gitops_yaml::Step::Key("vars".into()));
        !is_variable || name.is_some_and(|name| texts.iter().any(|text| text.contains(&name)))
    });
}

fn change_hits(
    walk: Walk<'_>,
    layer: &Layer,
    change: &Change,
    identity: &Identity,
    trail: &mut Trail<'_>,
    hits: &mut Vec<Hit>,
) {
    let of_entry = |entry: &Entry, supplier, effect, certain| Hit {
        at: At::Spot(entry.spot.clone()),
        supplier,
        effect,
        certain,
    };
    let set = |entry: &Entry, supplier, certain| {
        let value = entry.spot.field().and_then(|field| field.json());
        of_entry(entry, supplier, Effect::Sets(value), certain)
    };
    match change {
        Change::Patch(patch) => {
            let file = |path: &str| walk.tree.sheet(&join(&layer.directory, path)?);
            for spot in patch.body.spots(file).iter().rev() {
                let Some(field) = spot.field() else { continue };
                if let Some(by_metadata) = is_meant(patch, &field, identity) {
                    let options = patch.spot.field().and_then(|field| field.get("options"));
                    let renames = ["allowNameChange", "allowKindChange"].iter().any(|key| {
                        let option = options.as_ref().and_then(|options| options.text_of(key));
                        option == Some("true")
                    });
                    let mut found = patch_hits(&field, trail, is_builtin(&identity.gvk.group), renames);
                    for hit in &mut found {
                        hit.certain &= !by_metadata;
                    }
                    hits.append(&mut found);
                }
                if trail.is_new {
                    break;
                }
            }
        }
        Change::Namespace(entry) => {
            let own = trail.is(&["metadata", "namespace"])
                || (identity.gvk.kind == "Namespace" && trail.is(&["metadata", "name"]));
            let same = trail.value.as_str() == Some(&entry.text);
            if same && (own || trail.last_key() == Some("namespace")) {
                hits.push(set(entry, Supplier::Namespace, own));
            }
        }
        Change::Prefix(entry) | Change::Suffix(entry) => {
            let name = trail
                .last_key()
                .is_some_and(|key| key.to_ascii_lowercase().ends_with("name"));
            let has = trail.value.as_str().is_some_and(|value| value.contains(&entry.text));
            if name && has {
                hits.push(of_entry(entry, Supplier::NameAffix, Effect::Affix, true));
            }
        }
        Change::Labels(labels) => {
            if let Some((entry, certain)) = label(labels, trail, "labels") {
                hits.push(set_text(entry, Supplier::Labels, certain));
            }
        }
        Change::Annotations(labels) => {
            if let Some((entry, certain)) = label(labels, trail, "annotations") {
                hits.push(set_text(entry, Supplier::Annotations, certain));
            }
        }
        Change::Replicas(replicas) => {
            if trail.is(&["spec", "replicas"]) && identity.names.contains(&replicas.name) {
                hits.push(set(&replicas.count, Supplier::Replicas, true));
            }
        }
        Change::Image(image) => {
            if trail.last_key() == Some("image") && trail.value.is_string() {
                hits.push(Hit {
                    at: At::Spot(image.spot.clone()),
                    supplier: Supplier::Image,
                    effect: Effect::Image(Box::new(image.clone())),
                    certain: true,
                });
            }
        }
        Change::Replacement(replacement) => hits.extend(replacement_hits(walk, replacement, identity, trail)),
        Change::Variable(variable) => {
            let name = variable.spot.field().and_then(|field| field.text_of("name"));
            hits.extend(name.map(|_| variable_hit(variable)));
        }
        Change::Other(spot) => hits.extend(spot.field().and_then(|field| other_hit(&field, trail.value))),
    }
}

fn set_text(entry: &Entry, supplier: Supplier, certain: bool) -> Hit {
    Hit {
        at: At::Spot(entry.spot.clone()),
        supplier,
        effect: Effect::Sets(Some(Value::String(entry.text.clone()))),
        certain,
    }
}

/// Only the text tells whether a legacy variable is in it, and that is the base's.
fn variable_hit(variable: &Replacement) -> Hit {
    Hit {
        at: At::Spot(variable.spot.clone()),
        supplier: Supplier::Replacement,
        effect: Effect::Part,
        certain: true,
    }
}

/// Whether a patch means an object, and if so whether labels or annotations decide as well.
fn is_meant(patch: &Patch, field: &Field<'_>, identity: &Identity) -> Option<bool> {
    if let Some(target) = &patch.target {
        return target.matches(identity).then(|| target.is_by_metadata());
    }
    let metadata = field.get("metadata")?;
    let gvk = gitops_model::Gvk::parse(field.text_of("apiVersion")?, field.text_of("kind")?);
    let namespace = metadata.text_of("namespace");
    let is_it = gvk.kind == identity.gvk.kind
        && gvk.group == identity.gvk.group
        && identity.names.iter().any(|name| metadata.text_of("name") == Some(name))
        && namespace.is_none_or(|namespace| {
            let known = identity.namespaces.iter();
            known
                .into_iter()
                .any(|known| known == namespace || (known.is_empty() && namespace == "default"))
        });
    is_it.then_some(false)
}

/// Groups whose lists are merged by key: Kubernetes' own, of which kustomize knows the schemas.
fn is_builtin(group: &str) -> bool {
    match group.split_once('.') {
        None => true,
        Some(_) => group.ends_with(".k8s.io") && !group.contains(".x-k8s.io"),
    }
}

/// The pair that sets the label or annotation at the end of the trail, and whether it does so for sure. For all labels
/// or annotations of something: a pair that is among them.
fn label<'l>(labels: &'l Labels, trail: &Trail<'_>, kind: &str) -> Option<(&'l Entry, bool)> {
    let keys: Vec<&str> = trail.keys().collect();
    if let Some(all) = trail.value.as_object() {
        let is_there = |pair: &&(String, Entry)| all.get(&pair.0).and_then(Value::as_str) == Some(&pair.1.text);
        let (_, entry) = labels.pairs.iter().find(is_there)?;
        return reaches(labels, &keys, kind).map(|certain| (entry, certain));
    }
    let (last, parents) = keys.split_last()?;
    let (_, entry) = labels.pairs.iter().find(|(key, _)| key == last)?;
    reaches(labels, parents, kind).map(|certain| (entry, certain))
}

/// Whether labels get to what stands at these keys, and whether for sure.
fn reaches(labels: &Labels, keys: &[&str], kind: &str) -> Option<bool> {
    let last = *keys.last()?;
    let is_own = *keys == ["metadata", kind];
    let named = labels
        .fields
        .iter()
        .any(|path| path.split('/').eq(keys.iter().copied()));
    let in_template = labels.include_templates && last == kind && keys.contains(&"template");
    let in_selector = labels.include_selectors && (matches!(last, "matchLabels" | "selector") || last == kind);
    let is_it = is_own || named || in_template || in_selector;
    is_it.then_some(is_own || named)
}

/// A scalar of an unknown transformer that is in the value: the renderer decides.
fn other_hit(field: &Field<'_>, built: &Value) -> Option<Hit> {
    let entries = field.entries().into_iter();
    let inner = entries.map(|(_, field)| field).chain(field.items());
    let Some(text) = field.text() else {
        return inner.into_iter().find_map(|field| other_hit(&field, built));
    };
    let is_in = match built {
        Value::String(built) => !text.is_empty() && built.contains(text),
        built => scalar_text(built).is_some_and(|built| built == text),
    };
    is_in.then(|| Hit {
        at: At::Spot(field.spot()),
        supplier: Supplier::Transformer,
        effect: Effect::Part,
        certain: false,
    })
}
