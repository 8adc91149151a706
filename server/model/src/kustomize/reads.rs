//! Which files a kustomization is built from, found by what could be the name of one.

use std::collections::BTreeSet;

use gitops_yaml::{Node, NodeKind};
use serde_json::Value;

use super::{Tree, join};
use crate::{FileRole, KUSTOMIZATION_FILES, file_role};

/// Kustomizations that are followed; what has more reads everything.
const MAX_KUSTOMIZATIONS: usize = 5_000;
/// Longer texts are no paths.
const MAX_PATH: usize = 1_024;

/// The files that are read to build a directory, or that would be if they were there.
///
/// Every text of a kustomization that could be a path counts as one, so that there are more rather than fewer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reads {
    files: BTreeSet<String>,
    /// Directories of which everything is read.
    directories: BTreeSet<String>,
    everything: bool,
}

impl Reads {
    /// Whether a change of a file can change what is built.
    pub fn has(&self, path: &str) -> bool {
        let mut above = path.match_indices('/').map(|(at, _)| &path[..at]);
        self.everything
            || self.files.contains(path)
            || self.directories.contains("")
            || self.directories.contains(path)
            // A directory that was named as one, or a file that gives way to a directory.
            || above.any(|directory| self.directories.contains(directory) || self.files.contains(directory))
    }
}

/// The files that a directory is built from; `added` is the Flux Kustomization whose `path` it is.
pub fn reads(tree: &Tree, directory: &str, added: Option<&Value>) -> Reads {
    let mut reads = Reads::default();
    let mut waiting = vec![directory.to_owned()];
    let mut seen = BTreeSet::new();
    if let Some(spec) = added.and_then(|object| object.get("spec")) {
        texts_of_json(spec, &mut |text| note(tree, directory, text, &mut reads, &mut waiting));
    }
    while let Some(directory) = waiting.pop() {
        if !seen.insert(directory.clone()) {
            continue;
        }
        if seen.len() > MAX_KUSTOMIZATIONS {
            reads.everything = true;
            return reads;
        }
        for name in KUSTOMIZATION_FILES {
            reads.files.extend(join(&directory, name));
        }
        let Some(sheet) = tree.kustomization_file(&directory).and_then(|file| tree.sheet(&file)) else {
            // Without one of its own, Flux makes up a kustomization of all that is below.
            reads.directories.insert(directory.clone());
            let below: Vec<String> = tree
                .below(&directory)
                .filter(|(path, _)| file_role(path) == FileRole::Kustomization)
                .map(|(path, _)| super::directory_of(path).to_owned())
                .collect();
            waiting.extend(below);
            continue;
        };
        for document in sheet.documents() {
            let Some(root) = document.root(sheet.text()) else {
                // What cannot be read can name anything.
                reads.everything |= document.is_broken();
                continue;
            };
            reads.everything |= document.is_broken();
            for (key, value) in root.entries() {
                let mut inner = Vec::new();
                texts(value, &mut |text| {
                    note(tree, &directory, text, &mut reads, &mut waiting);
                    inner.push(text.to_owned());
                });
                // What these files say is configuration, which can name others.
                let is_plain = key.as_str().is_some_and(is_plain);
                for path in inner.iter().filter_map(|text| join(&directory, text)) {
                    if !is_plain {
                        configuration(tree, &directory, &path, &mut reads, &mut waiting);
                    }
                }
            }
        }
    }
    reads
}

/// Fields whose files are objects, patches or content, in which no other file is named.
fn is_plain(key: &str) -> bool {
    matches!(
        key,
        "resources"
            | "bases"
            | "components"
            | "patches"
            | "patchesStrategicMerge"
            | "patchesJson6902"
            | "configMapGenerator"
            | "secretGenerator"
            | "crds"
            | "images"
            | "replicas"
            | "namespace"
            | "namePrefix"
            | "nameSuffix"
            | "labels"
            | "commonLabels"
            | "commonAnnotations"
            | "apiVersion"
            | "kind"
            | "metadata"
    )
}

fn configuration(tree: &Tree, directory: &str, path: &str, reads: &mut Reads, waiting: &mut Vec<String>) {
    let Some(sheet) = tree.sheet(path) else { return };
    for document in sheet.documents() {
        if let Some(root) = document.root(sheet.text()) {
            texts(root, &mut |text| note(tree, directory, text, reads, waiting));
        }
    }
}

/// Notes what a text may name. `KEY=FILE` names a file, too.
fn note(tree: &Tree, directory: &str, text: &str, reads: &mut Reads, waiting: &mut Vec<String>) {
    let candidates = [Some(text), text.split_once('=').map(|(_, file)| file)];
    for path in candidates
        .into_iter()
        .flatten()
        .filter_map(|text| join(directory, text))
    {
        if tree.text(&path).is_some() {
            reads.files.insert(path);
        } else if tree.kustomization_file(&path).is_some() {
            waiting.push(path);
        } else if tree.below(&path).next().is_some() {
            reads.directories.insert(path);
        } else {
            reads.files.insert(path);
        }
    }
}

/// The texts of a value that could be paths; of a text of several lines, what stands behind its keys and dashes.
fn texts(node: Node<'_>, visit: &mut dyn FnMut(&str)) {
    match node.kind() {
        NodeKind::Mapping => node.entries().for_each(|(_, value)| texts(value, visit)),
        NodeKind::Sequence => node.items().for_each(|item| texts(item, visit)),
        NodeKind::Scalar => node.as_str().into_iter().for_each(|text| lines(text, visit)),
        // What it stands for is visited where it is written.
        NodeKind::Alias => {}
    }
}

fn texts_of_json(value: &Value, visit: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(entries) => entries.values().for_each(|value| texts_of_json(value, visit)),
        Value::Array(items) => items.iter().for_each(|item| texts_of_json(item, visit)),
        Value::String(text) => lines(text, visit),
        _ => {}
    }
}

fn lines(text: &str, visit: &mut dyn FnMut(&str)) {
    if !text.contains('\n') {
        if text.len() <= MAX_PATH {
            visit(text);
        }
        return;
    }
    for line in text.lines() {
        let item = line.trim().trim_start_matches("- ");
        let value = item.split_once(": ").map_or(item, |(_, value)| value);
        let value = value.trim().trim_matches(['"', '\'']);
        if !value.is_empty() && value.len() <= MAX_PATH {
            visit(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::reads;
    use crate::kustomize::Tree;

    fn check(files: &[(&str, &str)], directory: &str, read: &[&str], not_read: &[&str]) {
        let tree: Tree = files.iter().copied().collect();
        let added = json!({ "spec": { "path": directory, "components": ["../parts/extra"] } });
        let found = reads(&tree, directory, Some(&added));
        for path in read {
            assert!(found.has(path), "{path} is read: {found:?}");
        }
        for path in not_read {
            assert!(!found.has(path), "{path} is not read: {found:?}");
        }
    }

    #[test]
    fn bases_components_patches_and_files_of_generators_are_read() {
        check(
            &[
                (
                    "apps/kustomization.yaml",
                    "resources: [web.yaml, ../base]\npatches:\n- path: patch.yaml\nconfigMapGenerator:\n- name: c\n  files: [key=conf/app.ini]\n  envs: [app.env]\ntransformers: [label.yaml]\n",
                ),
                ("apps/label.yaml", "kind: PatchTransformer\npath: inner.yaml\n"),
                ("apps/web.yaml", ""),
                ("apps/patch.yaml", ""),
                ("apps/inner.yaml", ""),
                ("apps/conf/app.ini", ""),
                ("apps/other.yaml", ""),
                ("base/kustomization.yaml", "resources: [store.yaml]\n"),
                ("base/store.yaml", ""),
                (
                    "parts/extra/kustomization.yaml",
                    "kind: Component\nresources: [part.yaml]\n",
                ),
            ],
            "apps",
            &[
                "apps/kustomization.yaml",
                "apps/Kustomization",
                "apps/web.yaml",
                "apps/patch.yaml",
                "apps/inner.yaml",
                "apps/conf/app.ini",
                "apps/app.env",
                "base/store.yaml",
                "base/kustomization.yml",
                "parts/extra/part.yaml",
                "parts/extra/kustomization.yaml",
            ],
            &["apps/other.yaml", "base/other.yaml", "clusters/apps.yaml"],
        );
    }

    #[test]
    fn a_directory_without_kustomization_is_read_whole_and_a_cycle_ends() {
        check(
            &[
                ("apps/web.yaml", ""),
                ("apps/deep/kustomization.yaml", "resources: [../../base]\n"),
                ("base/kustomization.yaml", "resources: [../apps/deep]\n"),
            ],
            "apps",
            &["apps/web.yaml", "apps/new/more.yaml", "base/kustomization.yaml"],
            &["base/more.yaml", "appsx/web.yaml"],
        );
    }

    #[test]
    fn a_kustomization_that_cannot_be_read_reads_everything() {
        check(
            &[("apps/kustomization.yaml", "<<<<<<< ours\nresources: [a\n=======\n")],
            "apps",
            &["anything.yaml"],
            &[],
        );
    }
}
