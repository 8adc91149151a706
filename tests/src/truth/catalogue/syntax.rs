//! Texts that are no YAML any more.

use gitops_yaml::{NodeKind, Style};

use super::Kind;
use crate::truth::breakage::{Breakage, Edit, Proof, line_around};
use crate::truth::entry::Entry;
use crate::truth::scene::Scene;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "indentation",
        find: indentation,
    },
    Kind {
        name: "quote-not-closed",
        find: quote,
    },
    Kind {
        name: "bracket-not-closed",
        find: bracket,
    },
    Kind { name: "tab", find: tab },
    Kind {
        name: "duplicate-key",
        find: duplicate,
    },
    Kind {
        name: "no-blank-after-colon",
        find: no_blank,
    },
    Kind {
        name: "conflict-markers",
        find: markers,
    },
];

/// Entries of whole files that begin their line.
fn on_lines(scene: &Scene) -> impl Iterator<Item = &Entry> {
    scene.entries.iter().filter(|entry| {
        let text = scene.text(entry);
        let (start, _) = line_around(text, entry.key.start);
        let is_first = text
            .get(start..entry.key.start)
            .is_some_and(|before| before.trim().is_empty());
        let is_whole = scene.piece(entry).spot.sheet.within().is_none();
        is_first && is_whole && !entry.is_flow
    })
}

/// Where what is wrong with a line shows: on it, or where the text goes on.
fn around_line(scene: &Scene, entry: &Entry, breakage: Breakage) -> Breakage {
    let text = scene.text(entry);
    let (start, end) = line_around(text, entry.key.start);
    let (_, next) = line_around(text, (end + 1).min(text.len()));
    breakage.nowhere().at(start..next).proof(Proof::Fails)
}

fn indentation(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let all = on_lines(scene).filter(|entry| entry.path.len() > 1 && !entry.siblings.is_empty());
    all.map(|entry| {
        let edit = Edit {
            span: entry.key.start..entry.key.start,
            put: " ".to_owned(),
        };
        around_line(scene, entry, scene.breakage(kind, entry, vec![edit]))
    })
    .collect()
}

fn quote(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let quoted = on_lines(scene).filter(|entry| {
        matches!(entry.style, Some(Style::SingleQuoted | Style::DoubleQuoted)) && entry.is_one_line(scene.text(entry))
    });
    quoted
        .map(|entry| {
            let edit = Edit {
                span: entry.value.end - 1..entry.value.end,
                put: String::new(),
            };
            scene.breakage(kind, entry, vec![edit]).proof(Proof::Fails)
        })
        .collect()
}

fn bracket(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let lists = on_lines(scene).filter(|entry| {
        let is_flow = scene
            .node(entry)
            .is_some_and(|node| node.kind() != NodeKind::Scalar && node.is_flow());
        is_flow && !scene.raw(entry).contains('\n') && scene.raw(entry).len() > 1
    });
    lists
        .map(|entry| {
            let edit = Edit {
                span: entry.value.end - 1..entry.value.end,
                put: String::new(),
            };
            scene.breakage(kind, entry, vec![edit]).proof(Proof::Fails)
        })
        .collect()
}

fn tab(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let all = on_lines(scene).filter(|entry| entry.path.len() > 1);
    all.map(|entry| {
        let (start, _) = line_around(scene.text(entry), entry.key.start);
        let edit = Edit {
            span: start..entry.key.start,
            put: "\t".to_owned(),
        };
        let line = start..entry.first_line(scene.text(entry)).end;
        scene
            .breakage(kind, entry, vec![edit])
            .nowhere()
            .at(line)
            .proof(Proof::Fails)
    })
    .collect()
}

fn duplicate(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let all = on_lines(scene).filter(|entry| entry.is_one_line(scene.text(entry)));
    let twice = all.filter_map(|entry| {
        let text = scene.text(entry);
        let (start, end) = line_around(text, entry.key.start);
        let line = text.get(start..end)?;
        if end >= text.len() {
            return None;
        }
        let edit = Edit {
            span: end + 1..end + 1,
            put: format!("{line}\n"),
        };
        // Either of the two is one too many.
        Some(
            scene
                .breakage(kind, entry, vec![edit])
                .nowhere()
                .at(start..end + 1)
                .proof(Proof::Fails),
        )
    });
    twice.collect()
}

fn no_blank(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let all = on_lines(scene).filter(|entry| {
        let is_plain = entry.style == Some(Style::Plain);
        is_plain && !entry.siblings.is_empty() && entry.value.start == entry.key.end + 2
    });
    all.map(|entry| {
        let edit = Edit {
            span: entry.key.end + 1..entry.value.start,
            put: String::new(),
        };
        around_line(scene, entry, scene.breakage(kind, entry, vec![edit]))
    })
    .collect()
}

fn markers(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let all = on_lines(scene).filter(|entry| entry.is_one_line(scene.text(entry)) && entry.path.len() > 1);
    let merged = all.filter_map(|entry| {
        let text = scene.text(entry);
        let (start, end) = line_around(text, entry.key.start);
        let line = text.get(start..end)?;
        if end >= text.len() {
            return None;
        }
        let edit = Edit {
            span: start..end + 1,
            put: format!("<<<<<<< HEAD\n{line}\n=======\n{line}\n>>>>>>> other\n"),
        };
        Some(
            scene
                .breakage(kind, entry, vec![edit])
                .nowhere()
                .at(start..end + 1)
                .proof(Proof::Fails),
        )
    });
    merged.collect()
}
