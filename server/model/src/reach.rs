//! Which entries of a repository a file reaches: the clusters, and in them the Kustomizations of Flux, that it is a part of.
//!
//! Only the files are read, nothing is built: a file counts for every kustomization whose directory it stands in or that
//! lists it, and for everything above that one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gitops_yaml::Dialect;
use serde_json::Value;

use crate::flux::{FluxObject, FluxSpec};
use crate::kustomize::{Layer, Tree, directory_of, join, layer};

/// How many entries are followed.
const MAX_ENTRIES: usize = 200;
/// How many Kustomizations of one entry are followed.
const MAX_KUSTOMIZATIONS: usize = 2_000;

/// A way in which a file is used.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reached {
    /// The directory of the entry, such as `clusters/staging`, or of the overlay.
    pub entry: String,
    /// Name of the Kustomization of Flux that builds it there; `None` where the entry itself does.
    pub kustomization: Option<String>,
}

/// What each file of a repository reaches.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    files: BTreeMap<Arc<str>, BTreeSet<Reached>>,
}

impl Reach {
    /// What a file reaches, by its path from the root.
    pub fn of(&self, path: &str) -> impl Iterator<Item = &Reached> {
        self.files.get(path).into_iter().flatten()
    }

    /// The entries that a file reaches, each once.
    pub fn entries(&self, path: &str) -> BTreeSet<&str> {
        self.of(path).map(|reached| reached.entry.as_str()).collect()
    }

    /// `clusters/east (apps), clusters/west (apps, web)`: what a file reaches, in words; empty where that is nothing.
    pub fn in_words(&self, path: &str) -> String {
        let mut by_entry: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for reached in self.of(path) {
            let names = by_entry.entry(&reached.entry).or_default();
            names.extend(reached.kustomization.as_deref());
        }
        let words = by_entry.into_iter().map(|(entry, names)| {
            let entry = if entry.is_empty() {
                "the whole repository"
            } else {
                entry
            };
            if names.is_empty() {
                entry.to_owned()
            } else {
                format!("{entry} ({})", names.join(", "))
            }
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

/// Whether what a file reaches may be other than before, once this file was changed.
pub fn changes_reach(path: &str, text: &str) -> bool {
    crate::file_role(path) == crate::FileRole::Kustomization || text.contains(GROUP)
}

/// The API group of Flux's Kustomizations.
const GROUP: &str = "kustomize.toolkit.fluxcd.io/";
/// In which Flux's bootstrap writes the Kustomization of an entry.
const SYNC_FILE: &str = "gotk-sync.yaml";

/// A Kustomization of Flux's, as it is written.
struct Written {
    name: String,
    directory: String,
}

/// Finds out what each file reaches.
pub fn reach(tree: &Tree) -> Reach {
    let mut repository = Repository {
        tree,
        written: written(tree),
        by_directory: files_by_directory(tree),
        below: BTreeMap::new(),
    };
    let mut entries = entries(&repository);
    if entries.is_empty() {
        entries = top_kustomizations(tree);
    }
    let mut all: Vec<(String, Followed)> = entries
        .into_iter()
        .take(MAX_ENTRIES)
        .map(|entry| {
            let files = repository.follow(&entry);
            (entry, files)
        })
        .collect();
    // A directory that another entry builds is a part of that one, and no entry itself.
    let is_part: Vec<bool> = all
        .iter()
        .map(|(entry, _)| {
            all.iter().any(|(other, files)| {
                other != entry && files.iter().any(|(file, _)| directory_of(file) == entry.as_str())
            })
        })
        .collect();
    let mut is_part = is_part.into_iter();
    all.retain(|_| !is_part.next().unwrap_or(false));
    let mut reach = Reach::default();
    for (entry, files) in all {
        for (file, kustomization) in files {
            reach.files.entry(file).or_default().insert(Reached {
                entry: entry.clone(),
                kustomization,
            });
        }
    }
    reach
}

/// The files of an entry, each with the name of the Kustomization that builds it, if one of Flux's does.
type Followed = BTreeSet<(Arc<str>, Option<String>)>;

struct Repository<'a> {
    tree: &'a Tree,
    /// The Kustomizations of Flux that stand in each file.
    written: BTreeMap<Arc<str>, Vec<Written>>,
    /// The files that stand in the directory of a kustomization, or below it and in that of no other one.
    by_directory: BTreeMap<String, Vec<Arc<str>>>,
    /// The files of a directory that was followed before.
    below: BTreeMap<String, Arc<BTreeSet<Arc<str>>>>,
}

impl Repository<'_> {
    /// Follows an entry through all of its Kustomizations.
    fn follow(&mut self, entry: &str) -> Followed {
        let mut found = BTreeSet::new();
        let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
        let mut waiting = vec![(None::<String>, entry.to_owned())];
        while let Some((name, directory)) = waiting.pop() {
            for file in self.files_below(&directory).iter() {
                found.insert((Arc::clone(file), name.clone()));
                for written in self.written.get(file).into_iter().flatten() {
                    let is_own = written.directory == entry;
                    let key = (written.name.clone(), written.directory.clone());
                    if !is_own && seen.len() < MAX_KUSTOMIZATIONS && seen.insert(key) {
                        waiting.push((Some(written.name.clone()), written.directory.clone()));
                    }
                }
            }
        }
        found
    }

    fn files_below(&mut self, directory: &str) -> Arc<BTreeSet<Arc<str>>> {
        if let Some(known) = self.below.get(directory) {
            return Arc::clone(known);
        }
        let mut files = BTreeSet::new();
        self.collect(&layer(self.tree, directory, None), &mut files);
        let files = Arc::new(files);
        self.below.insert(directory.to_owned(), Arc::clone(&files));
        files
    }

    fn collect(&self, layer: &Layer, files: &mut BTreeSet<Arc<str>>) {
        files.extend(self.by_directory.get(&layer.directory).into_iter().flatten().cloned());
        files.extend(layer.files.iter().map(|(_, path)| Arc::from(path.as_str())));
        for below in layer.bases.iter().chain(&layer.components) {
            self.collect(below, files);
        }
    }
}

fn written(tree: &Tree) -> BTreeMap<Arc<str>, Vec<Written>> {
    let of_flux = tree.below("").filter(|(_, text)| text.contains(GROUP));
    of_flux
        .filter_map(|(path, _)| {
            let sheet = tree.sheet(path)?;
            let documents = sheet.documents().iter();
            let objects = documents.filter_map(|document| document.to_json(sheet.text(), Dialect::Kustomize).ok());
            let found: Vec<Written> = objects.filter_map(|object| read(&object)).collect();
            (!found.is_empty()).then(|| (Arc::clone(path), found))
        })
        .collect()
}

fn read(object: &Value) -> Option<Written> {
    let object = FluxObject::read(object)?;
    let FluxSpec::Kustomization(kustomization) = object.spec else {
        return None;
    };
    let from_git = kustomization.source.as_ref()?.kind == "GitRepository";
    from_git.then_some(Written {
        name: object.key.name,
        directory: kustomization.directory,
    })
}

/// The files by the directory of the kustomization that they stand in or below.
fn files_by_directory(tree: &Tree) -> BTreeMap<String, Vec<Arc<str>>> {
    let mut files: BTreeMap<String, Vec<Arc<str>>> = BTreeMap::new();
    for (path, _) in tree.below("") {
        let mut directory = directory_of(path);
        loop {
            if tree.kustomization_file(directory).is_some() {
                files.entry(directory.to_owned()).or_default().push(Arc::clone(path));
                break;
            }
            if directory.is_empty() {
                break;
            }
            directory = directory_of(directory);
        }
    }
    files
}

/// The directories that a cluster may begin with: what a bootstrap names, and those with Kustomizations of Flux in them.
fn entries(repository: &Repository<'_>) -> BTreeSet<String> {
    let mut entries = BTreeSet::new();
    for (file, written) in &repository.written {
        if file.ends_with(SYNC_FILE) {
            entries.extend(written.iter().map(|written| written.directory.clone()));
        } else {
            entries.insert(directory_of(file).to_owned());
        }
    }
    entries
}

/// The kustomizations that no other one takes.
fn top_kustomizations(tree: &Tree) -> BTreeSet<String> {
    let (mut all, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for (path, _) in tree.below("") {
        let directory = directory_of(path);
        if crate::file_role(path) != crate::FileRole::Kustomization {
            continue;
        }
        let Some(sheet) = tree.sheet(path) else { continue };
        let root = sheet
            .documents()
            .first()
            .and_then(|document| document.root(sheet.text()));
        let Some(root) = root else { continue };
        for field in ["resources", "components", "bases"] {
            let items = root.get(field).into_iter().flat_map(|list| list.resolved().items());
            taken.extend(items.filter_map(|item| join(directory, item.as_str()?)));
        }
        if root.get("kind").and_then(gitops_yaml::Node::as_str) != Some("Component") {
            all.insert(directory.to_owned());
        }
    }
    all.retain(|directory| !taken.contains(directory));
    all
}

#[cfg(test)]
mod tests {
    use super::{changes_reach, reach};
    use crate::kustomize::Tree;

    fn kustomization(name: &str, path: &str) -> String {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{ name: {name}, namespace: flux-system }}\nspec: {{ path: {path}, sourceRef: {{ kind: GitRepository, name: fleet }} }}\n"
        )
    }

    fn fleet() -> Tree {
        [
            (
                "clusters/east/flux-system/gotk-sync.yaml",
                kustomization("fleet", "./clusters/east"),
            ),
            ("clusters/east/apps.yaml", kustomization("apps", "./apps/east")),
            ("clusters/west/apps.yaml", kustomization("apps", "./apps/west")),
            ("clusters/west/more.yaml", kustomization("more", "apps/base")),
            ("apps/base/kustomization.yaml", "resources: [web.yaml]\n".to_owned()),
            ("apps/base/web.yaml", "kind: Deployment\n".to_owned()),
            (
                "apps/east/kustomization.yaml",
                "resources: [../base]\npatches: [{ path: patches/p.yaml }]\n".to_owned(),
            ),
            ("apps/east/patches/p.yaml", "kind: Deployment\n".to_owned()),
            ("apps/west/kustomization.yaml", "resources: [../base]\n".to_owned()),
            ("docs/readme.yaml", "a: b\n".to_owned()),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn a_base_reaches_every_cluster_that_it_is_a_part_of() {
        let reach = reach(&fleet());
        assert_eq!(
            reach.in_words("apps/base/web.yaml"),
            "clusters/east (apps), clusters/west (apps, more)"
        );
        assert_eq!(reach.in_words("apps/east/patches/p.yaml"), "clusters/east (apps)");
        assert_eq!(reach.in_words("apps/west/kustomization.yaml"), "clusters/west (apps)");
        assert_eq!(reach.in_words("clusters/east/apps.yaml"), "clusters/east");
        assert_eq!(reach.in_words("docs/readme.yaml"), "");
        assert_eq!(reach.entries("apps/base/web.yaml").len(), 2);
    }

    #[test]
    fn without_flux_overlays_are_the_entries() {
        let tree: Tree = [
            ("base/kustomization.yaml", "resources: [web.yaml]\n"),
            ("base/web.yaml", "kind: x\n"),
            ("overlays/dev/kustomization.yaml", "resources: [../../base]\n"),
            ("overlays/prod/kustomization.yaml", "resources: [../../base]\n"),
            ("part/kustomization.yaml", "kind: Component\n"),
        ]
        .into_iter()
        .collect();
        let reach = reach(&tree);
        assert_eq!(reach.in_words("base/web.yaml"), "overlays/dev, overlays/prod");
        assert_eq!(reach.in_words("part/kustomization.yaml"), "");
    }

    #[test]
    fn what_changes_the_reach_is_known_by_its_text() {
        assert!(changes_reach("a/kustomization.yaml", ""));
        assert!(changes_reach(
            "a/x.yaml",
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\n"
        ));
        assert!(!changes_reach("a/x.yaml", "kind: Deployment\n"));
    }

    #[test]
    fn a_repository_that_goes_round_in_circles_ends() {
        let tree: Tree = [
            ("a/x.yaml", kustomization("b", "./b")),
            ("b/x.yaml", kustomization("a", "./a")),
            ("c/kustomization.yaml", "resources: [../c]\n".to_owned()),
        ]
        .into_iter()
        .collect();
        let _ = reach(&tree);
    }
}
