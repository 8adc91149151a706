//! Which file or generator brought a built object, and what it is called on its way.

use std::sync::Arc;

use gitops_model::kustomize::{Change, Does, Identity, Layer, Source, SourceKind, Spot, Step, Tree};
use gitops_model::{Gvk, ObjectKey, read};
use serde_json::Value;

use super::fits::{fits_name, fits_text};
use crate::{BuiltObject, OriginNote};

/// The source of an object.
pub(super) struct Picked<'a> {
    pub(super) source: Source<'a>,
    /// The object in its file; `None` for a generated one.
    pub(super) spot: Option<Spot>,
    /// What it is called before each step, and at last: one more than there are steps.
    pub(super) identities: Vec<Identity>,
}

/// Identity of a built object.
pub(super) fn key_of(object: &Value) -> ObjectKey {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let metadata = object.get("metadata");
    let of = |key| text(metadata.and_then(|metadata| metadata.get(key)));
    ObjectKey {
        gvk: Gvk::parse(&text(object.get("apiVersion")), &text(object.get("kind"))),
        namespace: Some(of("namespace")).filter(|namespace| !namespace.is_empty()),
        name: of("name"),
    }
}

/// The source that fits a built object best.
pub(super) fn pick<'a>(tree: &Tree, layer: &'a Layer, built: &BuiltObject) -> Option<Picked<'a>> {
    // A patch that replaces all annotations takes the note about the origin away, or leaves a wrong one.
    pick_by(tree, layer, built, built.origin.as_ref()).or_else(|| pick_by(tree, layer, built, None))
}

fn pick_by<'a>(tree: &Tree, layer: &'a Layer, built: &BuiltObject, origin: Option<&OriginNote>) -> Option<Picked<'a>> {
    let key = key_of(&built.object);
    let path = origin
        .map(|origin| origin.path.as_str())
        .filter(|path| !path.is_empty());
    let configured_in = origin
        .map(|origin| origin.configured_in.as_str())
        .filter(|path| !path.is_empty());
    let mut best: Option<(u32, Picked<'a>)> = None;
    let mut offer = |score: u32, picked: Picked<'a>| {
        if score > 0 && best.as_ref().is_none_or(|(known, _)| *known < score) {
            best = Some((score, picked));
        }
    };
    for source in layer.sources() {
        match source.kind {
            SourceKind::File(file)
                if path.is_none_or(|path| path == file) && (configured_in.is_none() || path.is_some()) =>
            {
                for (spot, own) in objects(tree, file) {
                    let identities = identities(&own, &source.steps);
                    let score = score(&own, &identities, &key, &source.steps);
                    offer(
                        score,
                        Picked {
                            source: source.clone(),
                            spot: Some(spot),
                            identities,
                        },
                    );
                }
            }
            SourceKind::Generator(generator) if path.is_none() => {
                let file = generator.spot.sheet.file();
                let kind = if generator.is_secret { "Secret" } else { "ConfigMap" };
                if kind != key.gvk.kind {
                    continue;
                }
                // A generator that replaces another is named in its place.
                let is_named = configured_in.is_some_and(|path| path == &**file);
                let own = ObjectKey {
                    gvk: key.gvk.clone(),
                    namespace: generator.namespace.as_ref().map(|entry| entry.text.clone()),
                    name: generator.name.text.clone(),
                };
                let identities = identities(&own, &source.steps);
                let score = score(&own, &identities, &key, &source.steps);
                offer(
                    score + u32::from(is_named),
                    Picked {
                        source,
                        spot: None,
                        identities,
                    },
                );
            }
            _ => {}
        }
    }
    best.map(|(_, picked)| picked)
}

/// The objects of a file.
pub(super) fn objects(tree: &Tree, file: &str) -> Vec<(Spot, Arc<ObjectKey>)> {
    let Some(sheet) = tree.sheet(file) else {
        return Vec::new();
    };
    let documents = sheet.documents().iter().enumerate();
    let manifests = documents.flat_map(|(index, document)| read(document, sheet.text(), index).manifests().to_vec());
    let spots = manifests.map(|manifest| {
        let spot = Spot {
            sheet: Arc::clone(&sheet),
            document: manifest.document,
            path: manifest.base,
        };
        (spot, manifest.key)
    });
    spots.collect()
}

/// What an object is called before each step and at last.
pub(super) fn identities(own: &ObjectKey, steps: &[Step<'_>]) -> Vec<Identity> {
    let mut identity = Identity {
        gvk: own.gvk.clone(),
        names: vec![own.name.clone()],
        namespaces: vec![own.namespace.clone().unwrap_or_default()],
    };
    let mut all = vec![identity.clone()];
    for step in steps {
        let name = identity.names.last().cloned().unwrap_or_default();
        match step.does {
            Does::Change(Change::Prefix(entry)) if takes_affixes(&own.gvk) => {
                identity.names.push(format!("{}{name}", entry.text));
            }
            Does::Change(Change::Suffix(entry)) if takes_affixes(&own.gvk) => {
                identity.names.push(format!("{name}{}", entry.text));
            }
            Does::Change(Change::Namespace(entry)) => {
                if own.gvk.kind == "Namespace" {
                    identity.names.push(entry.text.clone());
                }
                identity.namespaces.push(entry.text.clone());
            }
            _ => {}
        }
        all.push(identity.clone());
    }
    all
}

/// kustomize gives these kinds no prefix and no suffix.
fn takes_affixes(gvk: &Gvk) -> bool {
    !matches!(
        gvk.kind.as_str(),
        "CustomResourceDefinition" | "APIService" | "Namespace"
    )
}

fn score(own: &ObjectKey, identities: &[Identity], built: &ObjectKey, steps: &[Step<'_>]) -> u32 {
    if own.gvk.kind != built.gvk.kind || own.gvk.group != built.gvk.group {
        return 0;
    }
    let last = identities.last();
    let name = last.and_then(|identity| identity.names.last());
    let (prefixes, suffixes) = affixes(steps);
    let named = if name == Some(&built.name) {
        8
    } else if name.is_some_and(|name| fits_name(name, &built.name, &[], &[])) {
        6
    } else if fits_name(&own.name, &built.name, &prefixes, &suffixes) {
        4
    } else if fits_text(&own.name, &built.name.clone().into()) {
        3
    } else {
        1
    };
    let namespace = last.and_then(|identity| identity.namespaces.last());
    let same_namespace = namespace.is_some_and(|namespace| *namespace == built.namespace.clone().unwrap_or_default());
    named * 4 + u32::from(same_namespace) * 2
}

/// The prefixes and suffixes on the way.
pub(super) fn affixes<'a>(steps: &[Step<'a>]) -> (Vec<&'a str>, Vec<&'a str>) {
    let mut prefixes = Vec::new();
    let mut suffixes = Vec::new();
    for step in steps {
        match step.does {
            Does::Change(Change::Prefix(entry)) => prefixes.push(entry.text.as_str()),
            Does::Change(Change::Suffix(entry)) => suffixes.push(entry.text.as_str()),
            _ => {}
        }
    }
    (prefixes, suffixes)
}
