//! Strategic merge patches: whom they mean.

use super::{Kind, misspelled, within_quotes};
use crate::truth::breakage::{Breakage, Proof};
use crate::truth::piece::Role;
use crate::truth::scene::Scene;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "patch-of-nobody",
        find: of_nobody,
    },
    Kind {
        name: "patch-target-matches-nothing",
        find: target,
    },
    Kind {
        name: "patch-kind-misspelled",
        find: wrong_kind,
    },
];

/// A patch that names its object itself, by a name that none has.
fn of_nobody(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let names = scene.of_role(|role| *role == Role::MergePatch);
    let names = names.filter(|entry| entry.keys() == ["metadata", "name"]);
    names
        .map(|entry| {
            let wrong = within_quotes(scene.raw(entry), misspelled);
            scene.value(kind, entry, wrong).proof(Proof::Fails)
        })
        .collect()
}

fn wrong_kind(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let kinds = scene.of_role(|role| *role == Role::MergePatch);
    let kinds = kinds.filter(|entry| entry.keys() == ["kind"] && entry.path.len() == 1);
    kinds
        .map(|entry| {
            let wrong = within_quotes(scene.raw(entry), misspelled);
            scene.value(kind, entry, wrong).proof(Proof::Fails)
        })
        .collect()
}

/// `target:` of an entry of `patches`, in a kustomization or in a Kustomization of Flux.
fn target(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let names = scene.entries.iter().filter(|entry| {
        let is_one = ["name", "kind"].contains(&entry.name.as_str()) && entry.above() == "target";
        let role = &scene.piece(entry).role;
        let own = *role == Role::Kustomization || scene.piece(entry).is_of_flux();
        is_one && own && entry.is_below("patches") && !entry.is_below("postRenderers")
    });
    let wrong = names.filter_map(|entry| {
        let text = entry.text.as_deref()?;
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return None;
        }
        let mut path = entry.path.clone();
        path.pop();
        let target = scene.entry(entry.piece, &path)?;
        let breakage = scene.value(kind, entry, within_quotes(scene.raw(entry), misspelled));
        Some(breakage.at(target.span()).proof(Proof::Changes).warning())
    });
    wrong.collect()
}
