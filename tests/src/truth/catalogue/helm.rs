//! Releases of charts: their values, their charts, and the templates of these.

use gitops_yaml::NodeKind;

use super::{Kind, misspelled, misspelled_path, within_quotes};
use crate::truth::breakage::{Breakage, Edit, Proof, Reach, line_around};
use crate::truth::entry::Entry;
use crate::truth::scene::Scene;
use crate::truth::trees::is_yaml;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "value-never-read",
        find: never_read,
    },
    Kind {
        name: "value-refused-by-schema",
        find: |kind, scene| wrong_types(kind, scene, Proof::Fails, &["values don't meet"]),
    },
    Kind {
        name: "value-key-refused-by-schema",
        find: refused_key,
    },
    Kind {
        name: "value-breaks-template",
        find: |kind, scene| {
            wrong_types(
                kind,
                scene,
                Proof::Fails,
                &["error calling", "wrong type", "can't evaluate", "parse error"],
            )
        },
    },
    Kind {
        name: "value-refused-by-cluster",
        find: |kind, scene| wrong_types(kind, scene, Proof::Refused, &[]),
    },
    Kind {
        name: "value-missing",
        find: missing,
    },
    Kind {
        name: "chart-gone",
        find: chart,
    },
    Kind {
        name: "values-of-nobody",
        find: values_from,
    },
    Kind {
        name: "template-function-unknown",
        find: function,
    },
    Kind {
        name: "template-field-unknown",
        find: template_field,
    },
];

/// The entries of the values of releases that are rendered here.
fn values(scene: &Scene) -> impl Iterator<Item = &Entry> {
    scene.of_flux("HelmRelease").filter(|entry| {
        let piece = scene.piece(entry);
        let name = piece.text(&["metadata", "name"]);
        let is_rendered = scene
            .world
            .releases
            .iter()
            .any(|release| Some(release.name.1.as_str()) == name);
        is_rendered && entry.path.len() > 2 && entry.keys().get(..2) == Some(&["spec", "values"])
    })
}

/// A key that is misspelled changes nothing but that its value is gone.
fn never_read(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let keys = values(scene).filter_map(|entry| {
        let span = scene.removal(entry)?;
        let gone = Edit {
            span,
            put: String::new(),
        };
        let breakage = scene.key(kind, entry, misspelled(&entry.name));
        Some(breakage.proof(Proof::SameAs(vec![gone])).warning())
    });
    keys.collect()
}

fn wrong_types(kind: &'static str, scene: &Scene, proof: Proof, saying: &'static [&'static str]) -> Vec<Breakage> {
    let all = values(scene).filter(|entry| entry.kind == NodeKind::Scalar && entry.is_one_line(scene.text(entry)));
    all.flat_map(|entry| ["[wrong]", "{wrong: true}", "Many Things"].map(|put| scene.value(kind, entry, put)))
        .map(|breakage| breakage.proof(proof.clone()).saying(saying))
        .collect()
}

fn refused_key(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let keys = values(scene).map(|entry| scene.key(kind, entry, misspelled(&entry.name)));
    keys.map(|breakage| breakage.proof(Proof::Fails).saying(&["values don't meet"]))
        .collect()
}

/// A value without which a template cannot do.
fn missing(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let removed = values(scene).filter_map(|entry| {
        let edit = Edit {
            span: scene.removal(entry)?,
            put: String::new(),
        };
        let breakage = scene.breakage(kind, entry, vec![edit]).nowhere();
        Some(
            breakage
                .at_line(scene.text(entry), entry.parent.start)
                .proof(Proof::Fails),
        )
    });
    removed.collect()
}

fn chart(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let charts = scene
        .of_flux("HelmRelease")
        .filter(|entry| entry.keys() == ["spec", "chart", "spec", "chart"]);
    let local = charts.filter(|entry| {
        let name = scene.piece(entry).text(&["metadata", "name"]);
        scene
            .world
            .releases
            .iter()
            .any(|release| Some(release.name.1.as_str()) == name)
    });
    local
        .map(|entry| {
            let put = within_quotes(scene.raw(entry), misspelled_path);
            scene.value(kind, entry, put).proof(Proof::Certain).reach(Reach::Flux)
        })
        .collect()
}

fn values_from(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let names = scene.of_flux("HelmRelease").filter(|entry| {
        let mut optional = entry.path.clone();
        optional.pop();
        optional.push_key("optional");
        entry.name == "name"
            && entry.above() == "valuesFrom"
            && scene
                .entry(entry.piece, &optional)
                .is_none_or(|optional| optional.text.as_deref() != Some("true"))
    });
    let wrong = names.map(|entry| {
        let breakage = scene.value(kind, entry, within_quotes(scene.raw(entry), misspelled));
        let item = entry.item.clone().unwrap_or_else(|| entry.span());
        breakage.at(item).proof(Proof::Certain).reach(Reach::Flux)
    });
    wrong.collect()
}

/// The templates of the charts that are installed.
fn templates(scene: &Scene) -> impl Iterator<Item = (&String, &String)> {
    scene.texts.iter().filter(|(path, _)| {
        let mut charts = scene.world.releases.iter().map(|release| &release.chart);
        is_yaml(path) && charts.any(|chart| path.starts_with(&format!("{chart}/templates/")))
    })
}

fn in_templates(
    kind: &'static str,
    scene: &Scene,
    find: impl Fn(&str) -> Option<(usize, usize, String)>,
) -> Vec<Breakage> {
    let mut found = Vec::new();
    for (path, text) in templates(scene) {
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            if let Some((start, end, put)) = find(line) {
                let edit = Edit {
                    span: at + start..at + end,
                    put,
                };
                let (line_start, line_end) = line_around(text, at + start);
                let breakage = Breakage::new(kind, path, vec![edit]).at(line_start..line_end);
                found.push(breakage.within(0..text.len()).proof(Proof::Fails));
            }
            at += line.len();
        }
    }
    found
}

fn function(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    in_templates(kind, scene, |line| {
        let inside = line.find("{{")?;
        ["toYaml", "include", "quote", "default", "nindent"]
            .iter()
            .find_map(|name| {
                let at = line.get(inside..)?.find(&format!("{name} "))? + inside;
                Some((at, at + name.len(), misspelled(name)))
            })
    })
}

/// A field of something that is a text or has no such field: Helm's own objects.
fn template_field(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    in_templates(kind, scene, |line| {
        let at = line.find("{{ .Release.Name")?;
        let end = at + "{{ .Release.Name".len();
        Some((at, end, "{{ .Release.Name.Short".to_owned()))
    })
}
