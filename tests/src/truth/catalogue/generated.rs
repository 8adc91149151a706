//! Generators of `ConfigMap`s and Secrets.

use gitops_model::kustomize::Layer;

use super::layers::listed;
use super::{Kind, misspelled_path, within_quotes};
use crate::truth::breakage::{Breakage, Edit, Proof};
use crate::truth::piece::Role;
use crate::truth::scene::Scene;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "generator-file-missing",
        find: file_missing,
    },
    Kind {
        name: "generator-literal-without-value",
        find: literal,
    },
    Kind {
        name: "env-file-line-broken",
        find: env_line,
    },
    Kind {
        name: "generator-name-twice",
        find: name_twice,
    },
];

fn file_missing(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let files = listed(scene, |layer| {
        let all = layer.kustomization.generators.iter();
        all.flat_map(|generator| generator.files.iter().chain(&generator.envs))
            .collect()
    });
    files
        .into_iter()
        .map(|listed| {
            let wrong = within_quotes(&listed.raw, |text| match text.split_once('=') {
                Some((key, path)) => format!("{key}={}", misspelled_path(path)),
                None => misspelled_path(text),
            });
            listed.broken(kind, wrong).proof(Proof::Fails)
        })
        .collect()
}

fn literal(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let literals = listed(scene, |layer| {
        let all = layer.kustomization.generators.iter();
        all.flat_map(|generator| generator.literals.iter()).collect()
    });
    let wrong = literals.into_iter().filter_map(|listed| {
        let (key, _) = listed.raw.trim_matches(['"', '\'']).split_once('=')?;
        Some(listed.broken(kind, key).proof(Proof::Fails))
    });
    wrong.collect()
}

/// A key of an env file that no key can be.
fn env_line(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let mut files: Vec<(String, &Layer)> = Vec::new();
    for listed in listed(scene, |layer| {
        let all = layer.kustomization.generators.iter();
        all.flat_map(|generator| generator.envs.iter()).collect()
    }) {
        let directory = listed.file.rsplit_once('/').map_or("", |(directory, _)| directory);
        let path = listed.raw.trim_matches(['"', '\'']);
        files.extend(gitops_model::kustomize::join(directory, path).map(|path| (path, listed.layer)));
    }
    let mut found = Vec::new();
    for (file, _) in files {
        let text = scene.file(&file);
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            if let Some((key, _)) = line.split_once('=')
                && !line.starts_with('#')
            {
                let edit = Edit {
                    span: at..at + key.len(),
                    put: format!("{key} of"),
                };
                let breakage = Breakage::new(kind, &file, vec![edit]).at(at..at + line.trim_end().len());
                found.push(breakage.within(0..text.len()).proof(Proof::Fails));
            }
            at += line.len();
        }
    }
    found
}

/// A generator that takes the name of the one before it.
fn name_twice(kind: &'static str, scene: &Scene) -> Vec<Breakage> {
    let generators = ["configMapGenerator", "secretGenerator"];
    let names: Vec<_> = scene
        .of_role(|role| *role == Role::Kustomization)
        .filter(|entry| entry.name == "name" && entry.path.len() == 3 && generators.contains(&entry.above()))
        .collect();
    let pairs = names.iter().zip(names.iter().skip(1));
    let same = pairs.filter(|(first, second)| first.piece == second.piece && first.above() == second.above());
    same.map(|(first, second)| {
        let breakage = scene.value(kind, second, scene.raw(first)).proof(Proof::Fails);
        breakage.at(first.first_line(scene.text(first)))
    })
    .collect()
}
