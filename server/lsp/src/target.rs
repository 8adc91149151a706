//! What a target is, and which ones a workspace offers.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_model::KUSTOMIZATION_FILES;
use gitops_yaml::{Node, NodeKind, parse};
use ignore::WalkBuilder;

use crate::workspace::is_yaml;

/// How many directories are looked at for targets.
const MAX_DIRECTORIES: usize = 20_000;
/// How many files of a directory are looked into to find out whether it is the entry of a Flux repository.
const MAX_LOOKED_INTO: usize = 200;
/// How large a kustomization may be to be looked into.
const MAX_KUSTOMIZATION_BYTES: u64 = 1 << 20;

/// What kind of directory a session applies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum TargetKind {
    /// The entry of a Flux repository, such as `clusters/staging`: Flux builds what its Kustomizations say.
    Flux,
    /// A kustomization: its objects are built from many files.
    Kustomization,
    /// Plain manifests: each document is its own object.
    Folder,
}

impl TargetKind {
    /// What a directory is, by what stands in it. Reads files.
    pub(crate) fn of(directory: &Utf8Path) -> Self {
        if is_entry(directory) {
            Self::Flux
        } else if kustomization_of(directory).is_some() {
            Self::Kustomization
        } else {
            Self::Folder
        }
    }

    /// In the words of a question.
    fn describe(self) -> &'static str {
        match self {
            Self::Flux => "Flux",
            Self::Kustomization => "kustomization",
            Self::Folder => "folder of manifests",
        }
    }
}

/// A directory that a session could apply.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Candidate {
    /// What it is.
    pub(crate) kind: TargetKind,
    /// Where, relative to the workspace folder; empty for the folder itself.
    pub(crate) path: String,
}

impl Candidate {
    /// In the words of a question.
    pub(crate) fn title(&self) -> String {
        let path = if self.path.is_empty() {
            "the whole folder"
        } else {
            self.path.as_str()
        };
        format!("{path} ({})", self.kind.describe())
    }
}

/// The targets that a folder offers: kustomizations that no other one takes, and the folder itself where it has manifests
/// that belong to none.
pub(crate) fn candidates(root: &Utf8Path) -> Vec<Candidate> {
    if kustomization_of(root).is_some() {
        return vec![Candidate {
            kind: TargetKind::Kustomization,
            path: String::new(),
        }];
    }
    let mut kustomizations = BTreeSet::new();
    let mut taken = BTreeSet::new();
    let mut manifests = Vec::new();
    let walk = WalkBuilder::new(root).follow_links(false).require_git(false).build();
    let mut directories = 0;
    for entry in walk.filter_map(Result::ok) {
        let Some(path) = Utf8Path::from_path(entry.path()) else {
            continue;
        };
        if entry.file_type().is_some_and(|kind| kind.is_dir()) {
            directories += 1;
            if directories > MAX_DIRECTORIES {
                break;
            }
            if let Some(file) = kustomization_of(path)
                && look_into(&file, path, &mut taken)
            {
                kustomizations.insert(path.to_owned());
            }
        } else if is_yaml(path) && gitops_model::file_role(path.as_str()) == gitops_model::FileRole::Manifests {
            manifests.push(path.to_owned());
        }
    }
    let inside = |path: &Utf8Path| kustomizations.iter().chain(&taken).any(|known| path.starts_with(known));
    let has_plain = manifests.iter().any(|path| !inside(path));
    let mut found: Vec<Candidate> = kustomizations
        .iter()
        .filter(|path| !taken.contains(*path))
        .filter_map(|path| {
            Some(Candidate {
                kind: TargetKind::Kustomization,
                path: path.strip_prefix(root).ok()?.to_string(),
            })
        })
        .collect();
    if has_plain || found.is_empty() {
        found.push(Candidate {
            kind: TargetKind::Folder,
            path: String::new(),
        });
    }
    found
}

/// Whether a directory is the entry of a Flux repository: it has a `gotk-sync.yaml`, or YAML of its own with Kustomizations
/// of Flux.
fn is_entry(directory: &Utf8Path) -> bool {
    if directory.join("flux-system").join("gotk-sync.yaml").is_file() {
        return true;
    }
    let entries = directory.read_dir_utf8().into_iter().flatten().filter_map(Result::ok);
    // What is no file, such as a pipe, may never end.
    let is_small_file = |entry: &camino::Utf8DirEntry| {
        let metadata = entry.metadata();
        metadata.is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_KUSTOMIZATION_BYTES)
    };
    let yaml = entries
        .filter(|entry| is_yaml(entry.path()) && is_small_file(entry))
        .take(MAX_LOOKED_INTO);
    yaml.filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
        .any(|text| text.contains("kustomize.toolkit.fluxcd.io/") && text.contains("kind: Kustomization"))
}

/// The kustomization file of a directory.
fn kustomization_of(directory: &Utf8Path) -> Option<Utf8PathBuf> {
    KUSTOMIZATION_FILES
        .iter()
        .map(|name| directory.join(name))
        .find(|path| path.is_file())
}

/// Notes what a kustomization takes from other directories; whether it is one that can be a target, which a component is
/// not.
fn look_into(file: &Utf8Path, directory: &Utf8Path, taken: &mut BTreeSet<Utf8PathBuf>) -> bool {
    let fits = std::fs::metadata(file).is_ok_and(|metadata| metadata.len() <= MAX_KUSTOMIZATION_BYTES);
    let Some(text) = fits.then(|| std::fs::read_to_string(file).ok()).flatten() else {
        return true;
    };
    let parsed = parse(&text);
    let Some(root) = parsed.documents.first().and_then(|document| document.root(&text)) else {
        return true;
    };
    for field in ["resources", "components", "bases"] {
        let items = root.get(field).filter(|list| list.kind() == NodeKind::Sequence);
        for entry in items.into_iter().flat_map(Node::items).filter_map(Node::as_str) {
            let path = crate::start::normalized(&directory.join(entry));
            if path.is_dir() {
                taken.insert(path);
            }
        }
    }
    root.get("kind").and_then(Node::as_str) != Some("Component")
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::candidates;

    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(directory.path()).unwrap();
        for (path, text) in files {
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            std::fs::write(root.join(path), text).unwrap();
        }
        let titles: Vec<String> = candidates(root).iter().map(super::Candidate::title).collect();
        assert_eq!(titles, expected);
    }

    #[test]
    fn kustomizations_that_nobody_takes_are_offered() {
        check(
            &[
                ("base/kustomization.yaml", "resources: [web.yaml]\n"),
                ("base/web.yaml", "kind: x\n"),
                ("parts/kustomization.yaml", "kind: Component\n"),
                ("overlays/dev/kustomization.yaml", "resources:\n- ../../base\n"),
                (
                    "overlays/prod/kustomization.yml",
                    "resources:\n- ../../base/\ncomponents: [../../parts]\n",
                ),
            ],
            &["overlays/dev (kustomization)", "overlays/prod (kustomization)"],
        );
    }

    #[test]
    fn the_folder_itself_is_offered_where_it_has_manifests_of_its_own() {
        check(
            &[("web.yaml", "kind: x\n")],
            &["the whole folder (folder of manifests)"],
        );
        check(&[], &["the whole folder (folder of manifests)"]);
        check(
            &[("web.yaml", "kind: x\n"), ("app/kustomization.yaml", "resources: []\n")],
            &["app (kustomization)", "the whole folder (folder of manifests)"],
        );
        check(
            &[
                ("kustomization.yaml", "resources: [app]\n"),
                ("app/kustomization.yaml", "resources: []\n"),
            ],
            &["the whole folder (kustomization)"],
        );
    }
}
