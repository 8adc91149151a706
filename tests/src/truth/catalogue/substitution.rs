//! Variables: where they are used, and where their values are.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Kind, misspelled};
use crate::truth::breakage::{Breakage, Edit, Proof, Region, line_around};
use crate::truth::entry::Entry;
use crate::truth::scene::Scene;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "variable-undefined",
        find: undefined,
    },
    Kind {
        name: "variable-not-closed",
        find: not_closed,
    },
    Kind {
        name: "variable-bad-syntax",
        find: bad_syntax,
    },
    Kind {
        name: "variable-not-supplied",
        find: not_supplied,
    },
    Kind {
        name: "variable-becomes-number",
        find: becomes_number,
    },
    Kind {
        name: "variable-not-quoted",
        find: not_quoted,
    },
];

/// A place where a variable is used.
struct Use {
    file: String,
    name: String,
    /// From the dollar sign to the brace.
    span: Range<usize>,
}

/// Names of the variables that have a value somewhere.
fn names(scene: &Scene) -> BTreeSet<&str> {
    let units = scene.world.units.iter().filter_map(|unit| unit.variables.as_ref());
    units.flatten().map(|(name, _)| name.as_str()).collect()
}

/// Every `${NAME}` and `${NAME:=…}` of a variable with a value, in the files that are built.
fn uses(scene: &Scene) -> Vec<Use> {
    let known = names(scene);
    let mut found = Vec::new();
    for file in &scene.closure.files {
        let text = scene.file(file);
        for (start, _) in text.match_indices("${") {
            let (line, _) = line_around(text, start);
            let is_comment = text
                .get(line..start)
                .is_some_and(|before| before.trim_start().starts_with('#'));
            let Some(length) = text.get(start..).and_then(|rest| rest.find('}')) else {
                continue;
            };
            let inner = text.get(start + 2..start + length).unwrap_or_default();
            let is_escaped = text.get(..start).is_some_and(|before| before.ends_with('$'));
            if known.contains(inner) && !is_escaped && !is_comment {
                found.push(Use {
                    file: file.clone(),
                    name: inner.to_owned(),
                    span: start..start + length + 1,
                });
            }
        }
    }
    found
}

fn at_use(kind: &'static str, scene: &Scene, used: &Use, put: String) -> Breakage {
    let text = scene.file(&used.file);
    let (start, end) = line_around(text, used.span.start);
    let edit = Edit {
        span: used.span.clone(),
        put,
    };
    // The line is the object of it: several may stand on one.
    let breakage = Breakage::new(kind, &used.file, vec![edit])
        .at(used.span.clone())
        .at(start..end);
    breakage.within(0..text.len()).proof(Proof::Fails)
}

fn undefined(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let all = uses(scene);
    let wrong = all.iter().map(|used| {
        let name = format!("${{{}}}", misspelled(&used.name));
        at_use(kind, scene, used, name)
    });
    wrong.collect()
}

fn not_closed(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let all = uses(scene);
    all.iter()
        .map(|used| at_use(kind, scene, used, format!("${{{}", used.name)))
        .collect()
}

fn bad_syntax(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let all = uses(scene);
    all.iter()
        .map(|used| at_use(kind, scene, used, format!("${{{}[@]}}", used.name)))
        .collect()
}

/// The entries that supply variables: `substitute` of Kustomizations, and data of `ConfigMap`s that they name.
fn suppliers(scene: &Scene) -> impl Iterator<Item = &Entry> {
    let named: BTreeSet<&str> = scene
        .of_flux("Kustomization")
        .filter(|entry| entry.name == "name" && entry.above() == "substituteFrom")
        .filter_map(|entry| entry.text.as_deref())
        .collect();
    let known = names(scene);
    scene.of_objects().filter(move |entry| {
        let piece = scene.piece(entry);
        let own = entry.above() == "substitute" && piece.is_of_flux();
        let of_map = entry.path.len() == 2
            && entry.above() == "data"
            && piece.kind() == Some("ConfigMap")
            && piece
                .text(&["metadata", "name"])
                .is_some_and(|name| named.contains(name));
        (own || of_map) && known.contains(entry.name.as_str())
    })
}

/// Where a supplied variable is used belongs to it as well.
fn with_uses(scene: &Scene, entry: &Entry, mut breakage: Breakage) -> Breakage {
    for used in uses(scene).into_iter().filter(|used| used.name == entry.name) {
        let text = scene.file(&used.file);
        let (start, end) = line_around(text, used.span.start);
        if used.file == scene.piece(entry).file {
            breakage = breakage.at(start..end);
        } else {
            breakage = breakage.at_other(Region {
                file: used.file,
                span: start..end,
            });
        }
    }
    breakage
}

/// The key of a value that is used has another name.
fn not_supplied(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    suppliers(scene)
        .map(|entry| {
            let breakage = scene.key(kind, entry, misspelled(&entry.name)).proof(Proof::Fails);
            with_uses(scene, entry, breakage)
        })
        .collect()
}

/// A text that YAML reads as a number where it is put.
fn becomes_number(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    suppliers(scene)
        .filter(|entry| entry.is_one_line(scene.text(entry)))
        .map(|entry| with_uses(scene, entry, scene.value(kind, entry, "\"17\"")))
        .collect()
}

/// A number without quotes where variables are texts.
fn not_quoted(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    suppliers(scene)
        .filter(|entry| entry.is_one_line(scene.text(entry)))
        .map(|entry| scene.value(kind, entry, "2.4").proof(Proof::FailsOrRefused))
        .collect()
}
