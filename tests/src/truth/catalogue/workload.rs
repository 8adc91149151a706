//! What the API server and Flux take, and what fails when it is to run.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Kind, misspelled, within_quotes};
use crate::truth::breakage::{Breakage, Proof, Reach};
use crate::truth::entry::Entry;
use crate::truth::scene::Scene;
use crate::truth::units::data_of;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "image-with-blank",
        find: image_with_blank,
    },
    Kind {
        name: "secret-of-nobody",
        find: |kind, scene| referenced(kind, scene, "Secret"),
    },
    Kind {
        name: "config-map-of-nobody",
        find: |kind, scene| referenced(kind, scene, "ConfigMap"),
    },
    Kind {
        name: "key-of-nobody",
        find: key,
    },
    Kind {
        name: "claim-of-nobody",
        find: |kind, scene| referenced(kind, scene, "PersistentVolumeClaim"),
    },
    Kind {
        name: "service-account-missing",
        find: |kind, scene| referenced(kind, scene, "ServiceAccount"),
    },
    Kind {
        name: "no-node-is-such",
        find: node_selector,
    },
    Kind {
        name: "more-than-any-node-has",
        find: huge,
    },
    Kind {
        name: "volume-of-nobody",
        find: volume,
    },
];

/// The entries of pods: of workloads, and of patches of these.
fn of_pods(scene: &Scene) -> impl Iterator<Item = &Entry> {
    scene.of_plain_objects().filter(|entry| {
        let kinds = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "CronJob"];
        scene.piece(entry).kind().is_some_and(|kind| kinds.contains(&kind)) && entry.is_below("spec")
    })
}

fn run(breakage: Breakage) -> Breakage {
    breakage.proof(Proof::Changes).reach(Reach::Runtime).warning()
}

fn image_with_blank(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let images = of_pods(scene).filter(|entry| {
        // What a CronJob makes, it makes another time.
        entry.name == "image" && entry.above() == "containers" && scene.piece(entry).kind() != Some("CronJob")
    });
    images
        .map(|entry| {
            let text = entry.text.as_deref().unwrap_or_default();
            run(scene.value(kind, entry, format!("\"{text} \"")))
        })
        .collect()
}

/// The kind of object that a field names, if it does.
fn names_a(entry: &Entry) -> Option<&'static str> {
    let above = entry.above();
    match (above, entry.name.as_str()) {
        ("secretKeyRef" | "secretRef" | "imagePullSecrets", "name") | ("secret", "secretName") => Some("Secret"),
        ("configMapKeyRef" | "configMapRef" | "configMap", "name") => Some("ConfigMap"),
        ("persistentVolumeClaim", "claimName") => Some("PersistentVolumeClaim"),
        (_, "serviceAccountName") => Some("ServiceAccount"),
        _ => None,
    }
}

fn is_optional(scene: &Scene, entry: &Entry) -> bool {
    let mut optional = entry.path.clone();
    optional.pop();
    optional.push_key("optional");
    scene
        .entry(entry.piece, &optional)
        .is_some_and(|optional| optional.text.as_deref() == Some("true"))
}

fn referenced(kind: &'static str, scene: &Scene, of: &str) -> Vec<Breakage> {
    let names = of_pods(scene).filter(|entry| names_a(entry) == Some(of) && !is_optional(scene, entry));
    let wrong = names.filter_map(|entry| {
        let name = misspelled(entry.text.as_deref()?);
        // One that is not there in the sound state is none that anybody would miss now.
        let is_there = scene.has_object(of, entry.text.as_deref()?) || is_generated(scene, of, entry.text.as_deref()?);
        let put = within_quotes(scene.raw(entry), |_| name.clone());
        (is_there && !scene.has_object(of, &name)).then(|| run(scene.value(kind, entry, put)))
    });
    wrong.collect()
}

/// Whether a generator makes an object of this name, to which it adds a hash.
fn is_generated(scene: &Scene, of: &str, name: &str) -> bool {
    let prefix = format!("{name}-");
    scene.objects().any(|object| {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        text("/kind") == Some(of) && text("/metadata/name").is_some_and(|built| built.starts_with(&prefix))
    })
}

fn key(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let keys = of_pods(scene).filter(|entry| {
        let is_key = entry.name == "key" && ["configMapKeyRef", "secretKeyRef", "items"].contains(&entry.above());
        is_key && !is_optional(scene, entry)
    });
    let all: BTreeSet<String> = scene.objects().flat_map(|object| data_of(object).into_keys()).collect();
    let wrong = keys.filter_map(|entry| {
        let text = entry.text.as_deref()?;
        let name = misspelled(text);
        let put = within_quotes(scene.raw(entry), |_| name.clone());
        (all.contains(text) && !all.contains(&name)).then(|| run(scene.value(kind, entry, put)))
    });
    wrong.collect()
}

fn node_selector(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let selectors =
        of_pods(scene).filter(|entry| entry.above() == "nodeSelector" && scene.piece(entry).kind() != Some("CronJob"));
    selectors
        .map(|entry| run(scene.value(kind, entry, "nowhere")))
        .collect()
}

fn huge(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let requests = of_pods(scene).filter(|entry| {
        let mut limit = entry.path.clone();
        limit.pop();
        limit.pop();
        limit.push_key("limits");
        limit.push_key(entry.name.as_str());
        // Above its limit it would be refused before.
        entry.name == "memory"
            && entry.above() == "requests"
            && scene.piece(entry).kind() != Some("CronJob")
            && scene.entry(entry.piece, &limit).is_none()
    });
    requests.map(|entry| run(scene.value(kind, entry, "640Ti"))).collect()
}

/// A mount of a volume that the pod does not have; that the API server knows.
fn volume(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let mounts = of_pods(scene).filter(|entry| entry.name == "name" && entry.above() == "volumeMounts");
    mounts
        .map(|entry| scene.value(kind, entry, within_quotes(scene.raw(entry), misspelled)))
        .collect()
}
