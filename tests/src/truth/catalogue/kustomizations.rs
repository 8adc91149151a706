//! Kustomization files: what they take, and what they change.

use gitops_model::kustomize::{Change, PatchBody};
use gitops_yaml::NodeKind;

use super::layers::{Listed, file_of, layers, listed, place};
use super::{Kind, misspelled, misspelled_path, within_quotes};
use crate::truth::breakage::{Breakage, Edit, Proof, line_around};
use crate::truth::entry::Entry;
use crate::truth::piece::Role;
use crate::truth::scene::Scene;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "resource-missing",
        find: |kind, scene| {
            gone(
                kind,
                listed(scene, |layer| layer.kustomization.resources.iter().collect()),
            )
        },
    },
    Kind {
        name: "component-missing",
        find: |kind, scene| {
            gone(
                kind,
                listed(scene, |layer| layer.kustomization.components.iter().collect()),
            )
        },
    },
    Kind {
        name: "patch-file-missing",
        find: patch_file,
    },
    Kind {
        name: "resource-twice",
        find: twice,
    },
    Kind {
        name: "unknown-kustomization-field",
        find: |kind, scene| {
            unknown(kind, scene, |entry| {
                entry.path.len() == 1 && !["apiVersion", "kind"].contains(&entry.name.as_str())
            })
        },
    },
    Kind {
        name: "unknown-field-of-an-entry",
        find: |kind, scene| {
            unknown(kind, scene, |entry| {
                let steps = entry.path.len();
                let top = entry.keys().first().copied().unwrap_or_default();
                steps == 3
                    && entry.item.is_some()
                    && [
                        "patches",
                        "images",
                        "replicas",
                        "labels",
                        "configMapGenerator",
                        "secretGenerator",
                        "replacements",
                    ]
                    .contains(&top)
            })
        },
    },
    Kind {
        name: "image-matches-nothing",
        find: image,
    },
    Kind {
        name: "replicas-match-nothing",
        find: replicas,
    },
    Kind {
        name: "replacement-path-wrong",
        find: replacement_path,
    },
    Kind {
        name: "replacement-source-missing",
        find: replacement_source,
    },
    Kind {
        name: "namespace-of-nobody",
        find: |kind, scene| top_value(kind, scene, "namespace", |raw| within_quotes(raw, misspelled)),
    },
    Kind {
        name: "bad-prefix",
        find: |kind, scene| {
            top_value(kind, scene, "namePrefix", |raw| {
                within_quotes(raw, |text| format!("Big_{text}"))
            })
        },
    },
    Kind {
        name: "bad-suffix",
        find: |kind, scene| {
            top_value(kind, scene, "nameSuffix", |raw| {
                within_quotes(raw, |text| format!("{text}_Big"))
            })
        },
    },
    Kind {
        name: "bad-common-label",
        find: common_label,
    },
    Kind {
        name: "wrong-type-in-kustomization",
        find: wrong_type,
    },
];

fn gone(kind: &'static str, all: Vec<Listed<'_>>) -> Vec<Breakage> {
    let local = all
        .into_iter()
        .filter(|listed| !listed.raw.contains("://") && !listed.raw.contains('?'));
    local
        .map(|listed| {
            let wrong = within_quotes(&listed.raw, misspelled_path);
            listed.broken(kind, wrong).proof(Proof::Fails)
        })
        .collect()
}

fn patch_file(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let files = listed(scene, |layer| {
        let patches = layer.changes.iter().filter_map(|change| match change {
            Change::Patch(patch) => match &patch.body {
                PatchBody::File(entry) => Some(entry),
                _ => None,
            },
            _ => None,
        });
        patches.collect()
    });
    gone(kind, files)
}

/// One entry of `resources` once more.
fn twice(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let all = listed(scene, |layer| layer.kustomization.resources.iter().collect());
    let twice = all.into_iter().filter_map(|listed| {
        let text = scene.file(&listed.file);
        let (start, end) = line_around(text, listed.span.start);
        let line = text.get(start..end)?;
        if !line.trim_start().starts_with("- ") || end >= text.len() {
            return None;
        }
        let edit = Edit {
            span: end + 1..end + 1,
            put: format!("{line}\n"),
        };
        // Either of the two is one too many.
        let breakage = Breakage::new(kind, &listed.file, vec![edit]).at(start..end + 1);
        Some(breakage.proof(Proof::Fails))
    });
    twice.collect()
}

fn of_kustomizations(scene: &Scene) -> impl Iterator<Item = &Entry> {
    scene.of_role(|role| *role == Role::Kustomization)
}

fn unknown(kind: &'static str, scene: &Scene, wanted: impl Fn(&Entry) -> bool) -> Vec<Breakage> {
    let keys = of_kustomizations(scene).filter(|entry| wanted(entry) && entry.name.len() >= 3);
    let wrong = keys.map(|entry| {
        // Flux drops what it does not know from the file that a path names, so that something else is built.
        let breakage = scene.key(kind, entry, misspelled(&entry.name));
        breakage.proof(Proof::ChangesOrFails).warning()
    });
    wrong.collect()
}

fn image(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let names = scene.entries.iter().filter(|entry| {
        let own = scene.piece(entry).role == Role::Kustomization || scene.piece(entry).is_of_flux();
        own && entry.name == "name" && entry.above() == "images" && entry.item.is_some()
    });
    let wrong = names.filter_map(|entry| {
        let breakage = scene.value(kind, entry, within_quotes(scene.raw(entry), misspelled_path));
        Some(breakage.at(entry.item.clone()?).proof(Proof::Changes).warning())
    });
    wrong.collect()
}

fn replicas(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let names = of_kustomizations(scene)
        .filter(|entry| entry.name == "name" && entry.above() == "replicas" && entry.item.is_some());
    let wrong = names.filter_map(|entry| {
        let breakage = scene.value(kind, entry, within_quotes(scene.raw(entry), misspelled));
        Some(breakage.at(entry.item.clone()?).proof(Proof::ChangesOrFails).warning())
    });
    wrong.collect()
}

fn replacement_path(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let mut found: Vec<Breakage> = of_kustomizations(scene)
        .filter(|entry| entry.name == "fieldPath" && entry.is_below("replacements"))
        .map(|entry| {
            let wrong = within_quotes(scene.raw(entry), wrong_path);
            scene.value(kind, entry, wrong).proof(Proof::Fails)
        })
        .collect();
    for entry in of_kustomizations(scene).filter(|entry| entry.name == "fieldPaths" && entry.is_below("replacements")) {
        let Some(list) = scene.node(entry) else { continue };
        for item in list.items().filter(|item| item.kind() == NodeKind::Scalar) {
            let span = scene.piece(entry).outer(item.span());
            let put = within_quotes(scene.text(entry).get(span.clone()).unwrap_or_default(), wrong_path);
            let edit = Edit {
                span: span.clone(),
                put,
            };
            let breakage = Breakage::new(kind, &scene.piece(entry).file, vec![edit]).at(span);
            found.push(
                breakage
                    .within(entry.item.clone().unwrap_or_else(|| entry.span()))
                    .proof(Proof::Fails),
            );
        }
    }
    found
}

/// A path one of whose words is wrong: one that leads down, since a leaf may be made.
fn wrong_path(path: &str) -> String {
    let mut parts: Vec<String> = path.split('.').map(str::to_owned).collect();
    let is_word = |part: &String| part.len() >= 3 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    if let Some(part) = parts.iter_mut().rev().find(|part| is_word(part)) {
        *part = misspelled(part);
    }
    parts.join(".")
}

fn replacement_source(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let names = of_kustomizations(scene)
        .filter(|entry| entry.name == "name" && entry.above() == "source" && entry.is_below("replacements"));
    let wrong = names.filter_map(|entry| {
        let mut source = entry.path.clone();
        source.pop();
        let source = scene.entry(entry.piece, &source)?;
        let breakage = scene.value(kind, entry, within_quotes(scene.raw(entry), misspelled));
        Some(breakage.at(source.span()).proof(Proof::Fails))
    });
    wrong.collect()
}

fn top_value(kind: &'static str, scene: &Scene, name: &str, put: impl Fn(&str) -> String) -> Vec<Breakage> {
    let values = of_kustomizations(scene).filter(|entry| entry.path.len() == 1 && entry.name == name);
    values
        .map(|entry| scene.value(kind, entry, put(scene.raw(entry))))
        .collect()
}

fn common_label(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let labels = of_kustomizations(scene).filter(|entry| {
        let of_list = entry.above() == "pairs" && entry.is_below("labels");
        (of_list || entry.above() == "commonLabels") && entry.is_one_line(scene.text(entry))
    });
    labels
        .map(|entry| scene.value(kind, entry, "\"not a label!\""))
        .collect()
}

/// A list where a text belongs, or the other way round.
fn wrong_type(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let mut found = Vec::new();
    for (tree, layer) in layers(scene) {
        let Some(file) = file_of(scene, tree, layer) else {
            continue;
        };
        let entries = [&layer.kustomization.namespace, &layer.kustomization.name_prefix];
        for entry in entries.into_iter().flatten() {
            let listed = place(scene, layer, &file, &entry.spot);
            found.extend(listed.map(|listed| listed.broken(kind, "[wrong]").proof(Proof::Fails)));
        }
    }
    let lists = of_kustomizations(scene).filter(|entry| {
        entry.path.len() == 1
            && entry.kind == NodeKind::Sequence
            && ["resources", "patches", "images"].contains(&entry.name.as_str())
    });
    found.extend(lists.map(|entry| {
        let edit = Edit {
            span: entry.key.end..entry.value.end,
            put: ": {wrong: true}".to_owned(),
        };
        scene
            .breakage(kind, entry, vec![edit])
            .nowhere()
            .at(entry.key.start..entry.value.end)
            .proof(Proof::Fails)
    }));
    found
}
