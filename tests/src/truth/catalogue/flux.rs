//! Objects of Flux: what they name, and their own values.

use super::{Kind, misspelled, misspelled_path, within_quotes};
use crate::truth::breakage::{Breakage, Edit, Proof, Reach};
use crate::truth::entry::Entry;
use crate::truth::scene::Scene;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "dependency-of-nobody",
        find: dependency,
    },
    Kind {
        name: "dependency-in-a-circle",
        find: circle,
    },
    Kind {
        name: "source-of-nobody",
        find: source,
    },
    Kind {
        name: "path-gone",
        find: path,
    },
    Kind {
        name: "variables-of-nobody",
        find: variables,
    },
    Kind {
        name: "health-check-of-nobody",
        find: health_check,
    },
    Kind {
        name: "interval-malformed",
        find: interval,
    },
    Kind {
        name: "target-namespace-of-nobody",
        find: target_namespace,
    },
    Kind {
        name: "service-account-of-nobody",
        find: service_account,
    },
];

fn of_flux(scene: &Scene) -> impl Iterator<Item = &Entry> {
    scene.of_objects().filter(|entry| scene.piece(entry).is_of_flux())
}

/// Something in an item of a list that is misspelled: the whole item may be marked.
fn named(kind: &'static str, scene: &Scene, entry: &Entry) -> Breakage {
    let breakage = scene.value(kind, entry, within_quotes(scene.raw(entry), misspelled));
    match &entry.item {
        Some(item) => breakage.at(item.clone()),
        None => breakage,
    }
}

fn dependency(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let names = of_flux(scene).filter(|entry| entry.name == "name" && entry.above() == "dependsOn");
    let wrong = names.map(|entry| named(kind, scene, entry).proof(Proof::Changes).reach(Reach::Flux));
    wrong.collect()
}

/// A Kustomization that another one waits for waits for that one, too.
fn circle(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let mut found = Vec::new();
    let depending = scene.of_flux("Kustomization");
    for entry in depending.filter(|entry| entry.name == "name" && entry.above() == "dependsOn") {
        let own = scene.piece(entry);
        let (Some(name), Some(wanted)) = (own.text(&["metadata", "name"]), entry.text.as_deref()) else {
            continue;
        };
        let namespace = own.text(&["metadata", "namespace"]);
        let dependency = scene.of_flux("Kustomization").find(|other| {
            let piece = scene.piece(other);
            other.keys() == ["spec"]
                && piece.text(&["metadata", "name"]) == Some(wanted)
                && piece.text(&["metadata", "namespace"]) == namespace
                && scene
                    .node(other)
                    .is_some_and(|spec| spec.get("dependsOn").is_none() && !spec.is_flow())
        });
        let Some(spec) = dependency else { continue };
        let first = spec.value.start;
        let (start, _) = crate::truth::breakage::line_around(scene.text(spec), first);
        let edit = Edit {
            span: start..start,
            put: format!("  dependsOn:\n  - name: {name}\n"),
        };
        let put = edit.put.len();
        // Every link of the circle may be the one that is wrong.
        let mut breakage = scene
            .breakage(kind, spec, vec![edit])
            .nowhere()
            .proof(Proof::Changes)
            .reach(Reach::Flux);
        breakage.exact.push(crate::truth::breakage::Region {
            file: scene.piece(spec).file.clone(),
            span: start..start + put,
        });
        let region = crate::truth::breakage::Region {
            file: own.file.clone(),
            span: entry.item.clone().unwrap_or_else(|| entry.span()),
        };
        found.push(if own.file == scene.piece(spec).file {
            breakage.at(region.span)
        } else {
            breakage.at_other(region)
        });
    }
    found
}

fn source(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let names = of_flux(scene).filter(|entry| {
        entry.name == "name" && ["sourceRef", "chartRef"].contains(&entry.above()) || {
            entry.name == "name" && entry.above() == "sources" && entry.item.is_some()
        }
    });
    let wrong = names.map(|entry| {
        let mut above = entry.path.clone();
        above.pop();
        let breakage = named(kind, scene, entry).proof(Proof::Changes).reach(Reach::Flux);
        match scene.entry(entry.piece, &above) {
            Some(reference) => breakage.at(reference.span()),
            None => breakage,
        }
    });
    wrong.collect()
}

fn path(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let paths = scene
        .of_flux("Kustomization")
        .filter(|entry| entry.keys() == ["spec", "path"]);
    let wrong = paths.map(|entry| {
        let put = within_quotes(scene.raw(entry), misspelled_path);
        // A directory without anything in it cannot be built, which is known before Flux says it.
        scene
            .value(kind, entry, put)
            .proof(Proof::ChangesOrFails)
            .reach(Reach::Flux)
    });
    wrong.collect()
}

fn is_optional(scene: &Scene, entry: &Entry) -> bool {
    let mut item = entry.path.clone();
    item.pop();
    item.push_key("optional");
    scene
        .entry(entry.piece, &item)
        .is_some_and(|optional| optional.text.as_deref() == Some("true"))
}

fn variables(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let names = scene
        .of_flux("Kustomization")
        .filter(|entry| entry.name == "name" && entry.above() == "substituteFrom" && !is_optional(scene, entry));
    let wrong = names.map(|entry| named(kind, scene, entry).proof(Proof::Certain).reach(Reach::Flux));
    wrong.collect()
}

fn health_check(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let names = scene
        .of_flux("Kustomization")
        .filter(|entry| entry.name == "name" && entry.above() == "healthChecks");
    let wrong = names.map(|entry| {
        named(kind, scene, entry)
            .proof(Proof::Changes)
            .reach(Reach::Flux)
            .warning()
    });
    wrong.collect()
}

fn interval(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let times = of_flux(scene).filter(|entry| ["interval", "timeout", "retryInterval"].contains(&entry.name.as_str()));
    times
        .flat_map(|entry| {
            let digits = entry
                .text
                .as_deref()
                .unwrap_or_default()
                .trim_end_matches(|letter: char| letter.is_alphabetic());
            [format!("\"{digits}\""), format!("{digits} minutes")].map(|put| scene.value(kind, entry, put))
        })
        .collect()
}

fn target_namespace(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let names = scene
        .of_flux("Kustomization")
        .filter(|entry| entry.keys() == ["spec", "targetNamespace"]);
    names
        .map(|entry| {
            let put = within_quotes(scene.raw(entry), misspelled);
            scene.value(kind, entry, put).saying(&["not found"])
        })
        .collect()
}

fn service_account(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let names = of_flux(scene).filter(|entry| {
        entry.keys() == ["spec", "serviceAccountName"]
            && matches!(scene.piece(entry).kind(), Some("Kustomization" | "HelmRelease"))
    });
    names
        .map(|entry| {
            let put = within_quotes(scene.raw(entry), misspelled);
            scene.value(kind, entry, put).proof(Proof::Changes).reach(Reach::Flux)
        })
        .collect()
}
