//! Fields of objects: their names.

use gitops_yaml::NodeKind;

use super::{Kind, misspelled};
use crate::truth::breakage::{Breakage, Edit};
use crate::truth::entry::Entry;
use crate::truth::piece::Role;
use crate::truth::scene::Scene;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "unknown-field",
        find: |kind, scene| unknown(kind, scene, scene.of_plain_objects()),
    },
    Kind {
        name: "flux-unknown-field",
        find: |kind, scene| {
            unknown(
                kind,
                scene,
                scene.of_objects().filter(|entry| scene.piece(entry).is_of_flux()),
            )
        },
    },
    Kind {
        name: "patch-unknown-field",
        find: |kind, scene| unknown(kind, scene, scene.of_role(|role| *role == Role::MergePatch)),
    },
    Kind {
        name: "required-removed",
        find: |kind, scene| required(kind, scene, scene.of_plain_objects()),
    },
    Kind {
        name: "flux-required-removed",
        find: |kind, scene| {
            required(
                kind,
                scene,
                scene.of_objects().filter(|entry| scene.piece(entry).is_of_flux()),
            )
        },
    },
    Kind {
        name: "field-one-level-too-deep",
        find: too_deep,
    },
];

/// Mappings whose keys are anybody's.
const FREE: [&str; 14] = [
    "labels",
    "annotations",
    "data",
    "stringData",
    "binaryData",
    "matchLabels",
    "nodeSelector",
    "requests",
    "limits",
    "selector",
    "values",
    "substitute",
    "parameters",
    "hard",
];

/// Whether the key of an entry is one that a schema names, as far as its place tells.
pub(super) fn is_named_by_schema(entry: &Entry) -> bool {
    let is_identity = entry.path.len() == 1 && ["apiVersion", "kind", "metadata"].contains(&entry.name.as_str());
    let is_name = entry.path.len() == 2 && entry.above() == "metadata";
    let is_word = entry.name.len() >= 3 && entry.name.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_free = FREE
        .iter()
        .any(|free| entry.is_below(free) && *free != "selector" || entry.above() == *free);
    is_word && !is_identity && !is_name && !is_free
}

fn unknown<'a>(kind: &'static str, scene: &'a Scene, entries: impl Iterator<Item = &'a Entry>) -> Vec<Breakage> {
    let named = entries.filter(|entry| is_named_by_schema(entry));
    named
        .map(|entry| scene.key(kind, entry, misspelled(&entry.name)))
        .collect()
}

fn required<'a>(kind: &'static str, scene: &'a Scene, entries: impl Iterator<Item = &'a Entry>) -> Vec<Breakage> {
    let named = entries.filter(|entry| is_named_by_schema(entry) && entry.path.len() > 1);
    let removed = named.filter_map(|entry| {
        let span = scene.removal(entry)?;
        let text = scene.text(entry);
        let edit = Edit {
            span,
            put: String::new(),
        };
        // It is missed where it would be added: at the key above, or the item.
        let breakage = scene.breakage(kind, entry, vec![edit]).nowhere();
        Some(
            breakage
                .at_line(text, entry.parent.start)
                .saying(&["Required value", "missing required"]),
        )
    });
    removed.collect()
}

/// A mapping whose last entry slips into the mapping before it.
fn too_deep(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let slips = scene.of_plain_objects().filter_map(|entry| {
        let text = scene.text(entry);
        let is_last = entry.next.is_none() && !entry.is_first_of_item && !entry.is_flow;
        if !is_last || !is_named_by_schema(entry) || !entry.is_one_line(text) {
            return None;
        }
        // What stands before it is a mapping in a block, into which two blanks more lead.
        let before = entry.siblings.last()?;
        let mut path = entry.path.clone();
        path.pop();
        path.push_key(before.as_str());
        let before = scene.entry(entry.piece, &path)?;
        let node = scene.node(before)?;
        let inner = node.entries().next()?.0;
        let inner = scene.piece(entry).outer(inner.span()).start;
        let column = |offset: usize| offset - super::super::breakage::line_around(text, offset).0;
        let more = column(inner)
            .checked_sub(column(entry.key.start))
            .filter(|more| *more > 0)?;
        if before.kind != NodeKind::Mapping || before.is_flow || node.is_flow() {
            return None;
        }
        let edit = Edit {
            span: entry.key.start..entry.key.start,
            put: " ".repeat(more),
        };
        Some(scene.breakage(kind, entry, vec![edit]))
    });
    slips.collect()
}
