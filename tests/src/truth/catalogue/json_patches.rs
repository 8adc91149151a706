//! Patches of JSON 6902 operations.

use gitops_yaml::{Dialect, NodeKind, Value as Scalar, resolve};

use super::{Kind, misspelled, within_quotes};
use crate::truth::breakage::{Breakage, Proof};
use crate::truth::entry::Entry;
use crate::truth::piece::Role;
use crate::truth::scene::Scene;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "json-patch-wrong-type",
        find: wrong_type,
    },
    Kind {
        name: "json-patch-unknown-field",
        find: unknown_inside,
    },
    Kind {
        name: "json-patch-unknown-leaf",
        find: unknown_leaf,
    },
    Kind {
        name: "json-patch-path-gone",
        find: path_gone,
    },
    Kind {
        name: "json-patch-parent-gone",
        find: parent_gone,
    },
];

fn entries(scene: &Scene) -> impl Iterator<Item = &Entry> {
    scene.of_role(|role| *role == Role::JsonPatch)
}

/// The operation that an entry is part of, and its own field of that.
fn operation<'a>(scene: &'a Scene, entry: &Entry) -> Option<&'a str> {
    let op = scene.node_at(entry.piece, &entry.path.prefix(1))?.get("op")?;
    op.as_str()
}

fn wrong_type(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let values = entries(scene).filter(|entry| entry.path.len() == 2 && entry.name == "value");
    let wrong = values.filter_map(|entry| {
        let put = match entry.kind {
            NodeKind::Scalar => {
                let read = resolve(Dialect::Kustomize, entry.text.as_deref()?, entry.style?, None);
                match read {
                    Scalar::String(_) => "{wrong: true}",
                    _ => "\"many\"",
                }
            }
            _ if entry.is_flow || scene.node(entry)?.is_flow() => "17",
            _ => return None,
        };
        Some(scene.value(kind, entry, put))
    });
    wrong.collect()
}

fn unknown_inside(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let inside = entries(scene)
        .filter(|entry| entry.path.len() > 2 && entry.is_below("value") && super::fields::is_named_by_schema(entry));
    inside
        .map(|entry| scene.key(kind, entry, misspelled(&entry.name)))
        .collect()
}

fn paths(scene: &Scene) -> impl Iterator<Item = &Entry> {
    entries(scene).filter(|entry| entry.path.len() == 2 && entry.name == "path" && entry.text.is_some())
}

fn with_segment(raw: &str, from_end: usize) -> Option<String> {
    let mut parts: Vec<String> = raw.trim_matches(['"', '\'']).split('/').map(str::to_owned).collect();
    let at = parts.len().checked_sub(from_end + 1).filter(|at| *at > 0)?;
    let is_word = parts[at].len() >= 3 && parts[at].bytes().all(|byte| byte.is_ascii_alphabetic());
    if !is_word {
        return None;
    }
    parts[at] = misspelled(&parts[at]);
    let joined = parts.join("/");
    Some(within_quotes(raw, |_| joined.clone()))
}

fn unknown_leaf(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let leaves = paths(scene).filter(|entry| matches!(operation(scene, entry), Some("add" | "replace")));
    let wrong = leaves.filter_map(|entry| {
        let breakage = scene.value(kind, entry, with_segment(scene.raw(entry), 0)?);
        // Both name the field: the path, and the value that is put there.
        let mut value = entry.path.clone();
        value.pop();
        value.push_key("value");
        let value = scene.entry(entry.piece, &value)?;
        Some(breakage.at(value.first_line(scene.text(value))))
    });
    wrong.collect()
}

fn path_gone(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let removals = paths(scene).filter(|entry| matches!(operation(scene, entry), Some("remove" | "test" | "replace")));
    let wrong = removals.filter_map(|entry| Some(scene.value(kind, entry, with_segment(scene.raw(entry), 0)?)));
    wrong.map(|breakage| breakage.proof(Proof::Fails)).collect()
}

fn parent_gone(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let wrong = paths(scene).flat_map(|entry| {
        let put = (1..=2).filter_map(|from_end| with_segment(scene.raw(entry), from_end));
        let put: Vec<String> = put.collect();
        put.into_iter()
            .map(|put| scene.value(kind, entry, put).proof(Proof::Fails))
    });
    wrong.collect()
}
