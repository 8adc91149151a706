//! What a target is, and which ones a workspace offers.

mod charts;
mod named;

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_model::KUSTOMIZATION_FILES;
use gitops_yaml::{Node, NodeKind, parse};
use ignore::WalkBuilder;

use crate::workspace::is_yaml;
use charts::Charts;
pub(crate) use named::Named;

/// How many directories are looked at for targets.
const MAX_DIRECTORIES: usize = 20_000;
/// How many files of a directory are looked into to find out whether it is the entry of a Flux repository.
const MAX_LOOKED_INTO: usize = 200;
/// How large a kustomization may be to be looked into.
const MAX_KUSTOMIZATION_BYTES: u64 = 1 << 20;
/// The file in which Flux's bootstrap writes the source and the Kustomization of an entry.
const SYNC_FILE: &str = "gotk-sync.yaml";
/// The API group of Flux's Kustomizations.
const FLUX_GROUP: &str = "kustomize.toolkit.fluxcd.io/";
/// The directory in which Flux repositories have an entry for each cluster.
const CLUSTERS: &str = "clusters";
/// The file that makes a directory a Helm chart.
pub(crate) const CHART_FILE: &str = "Chart.yaml";

/// What kind of directory a session applies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum TargetKind {
    /// The entry of a Flux repository, such as `clusters/staging`: Flux builds what its Kustomizations say.
    Flux,
    /// A kustomization: its objects are built from many files.
    Kustomization,
    /// A Helm chart: what it renders with its values files is applied.
    Chart,
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
        } else if directory.join(CHART_FILE).is_file() {
            Self::Chart
        } else {
            Self::Folder
        }
    }

    /// In the words of a question.
    fn describe(self) -> &'static str {
        match self {
            Self::Flux => "Flux",
            Self::Kustomization => "kustomization",
            Self::Chart => "Helm chart",
            Self::Folder => "folder of manifests",
        }
    }
}

/// A directory that a session could apply.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Candidate {
    /// What it is.
    pub(crate) kind: TargetKind,
    /// Where, relative to the workspace folder; empty for the folder itself. Of a chart with another values file than its own
    /// that is the file.
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

/// The targets that a folder offers: the entries of a Flux repository, kustomizations that nobody else builds, and the
/// folder itself where it has manifests that belong to none.
pub(crate) fn candidates(root: &Utf8Path) -> Vec<Candidate> {
    if kustomization_of(root).is_some() {
        return vec![Candidate {
            kind: TargetKind::of(root),
            path: String::new(),
        }];
    }
    let mut kustomizations = BTreeSet::new();
    let mut taken = BTreeSet::new();
    let mut manifests = Vec::new();
    let mut charts = Charts::default();
    let mut flux = Entries::default();
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
            continue;
        }
        charts.look_at(path);
        if is_yaml(path) && gitops_model::file_role(path.as_str()) == gitops_model::FileRole::Manifests {
            flux.look_into(root, path);
            manifests.push(path.to_owned());
        }
    }
    let entries = flux.entries(&taken);
    let is_built = |path: &Utf8Path| entries.iter().chain(&flux.built).any(|known| path.starts_with(known));
    let inside = |path: &Utf8Path| kustomizations.iter().chain(&taken).any(|known| path.starts_with(known));
    let has_plain = manifests
        .iter()
        .any(|path| !inside(path) && !is_built(path) && !charts.have(path));
    let of_kind = |kind| {
        move |path: &Utf8PathBuf| {
            Some(Candidate {
                kind,
                path: path.strip_prefix(root).ok()?.to_string(),
            })
        }
    };
    let mut found: Vec<Candidate> = entries.iter().filter_map(of_kind(TargetKind::Flux)).collect();
    let free = kustomizations
        .iter()
        .filter(|path| !taken.contains(*path) && !is_built(path));
    found.extend(free.filter_map(of_kind(TargetKind::Kustomization)));
    // In a Flux repository the releases of an entry install its charts.
    if entries.is_empty() {
        found.extend(charts.offered().filter_map(|path| of_kind(TargetKind::Chart)(&path)));
    }
    if has_plain || found.is_empty() {
        found.push(Candidate {
            kind: TargetKind::Folder,
            path: String::new(),
        });
    }
    found
}

/// Whether a directory is the entry of a Flux repository: Flux's bootstrap has written a `gotk-sync.yaml` into it, or it has
/// YAML of its own with Kustomizations of Flux. In `clusters/NAME` these may stand in directories of their own.
fn is_entry(directory: &Utf8Path) -> bool {
    let is_cluster = directory.parent().and_then(Utf8Path::file_name) == Some(CLUSTERS);
    let depth = if is_cluster && kustomization_of(directory).is_none() {
        3
    } else {
        1
    };
    has_sync(directory)
        || yaml_below(directory, depth)
            .iter()
            .any(|path| !flux_kustomizations(path).is_empty())
}

fn has_sync(directory: &Utf8Path) -> bool {
    let entries = directory.read_dir_utf8().into_iter().flatten().filter_map(Result::ok);
    entries
        .take(MAX_LOOKED_INTO)
        .any(|entry| entry.path().join(SYNC_FILE).is_file())
}

/// The YAML files of a directory, so many directories deep. What is no file, such as a pipe, may never end.
fn yaml_below(directory: &Utf8Path, depth: usize) -> Vec<Utf8PathBuf> {
    let walk = WalkBuilder::new(directory)
        .follow_links(false)
        .require_git(false)
        .max_depth(Some(depth))
        .build();
    let files = walk
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    let paths = files.filter_map(|entry| Utf8PathBuf::from_path_buf(entry.into_path()).ok());
    paths.filter(|path| is_yaml(path)).take(MAX_LOOKED_INTO).collect()
}

/// A file that is small enough to be looked into. What is no file, such as a pipe, may never end.
fn read_small(file: &Utf8Path) -> Option<String> {
    let metadata = std::fs::metadata(file).ok()?;
    let fits = metadata.is_file() && metadata.len() <= MAX_KUSTOMIZATION_BYTES;
    fits.then(|| std::fs::read_to_string(file).ok()).flatten()
}

/// The directories that the Kustomizations of Flux in a file build, as they are written.
fn flux_kustomizations(file: &Utf8Path) -> Vec<String> {
    let Some(text) = read_small(file) else {
        return Vec::new();
    };
    if !text.contains(FLUX_GROUP) {
        return Vec::new();
    }
    let parsed = parse(&text);
    let roots = parsed.documents.iter().filter_map(|document| document.root(&text));
    let of_flux = roots.filter(|root| {
        let of = |key| root.get(key).and_then(Node::as_str).unwrap_or_default();
        of("apiVersion").starts_with(FLUX_GROUP) && of("kind") == "Kustomization"
    });
    of_flux
        .map(|root| {
            let path = root
                .get("spec")
                .and_then(|spec| spec.get("path"))
                .and_then(Node::as_str);
            path.unwrap_or_default().to_owned()
        })
        .collect()
}

/// Where Kustomizations of Flux stand, and what they build.
#[derive(Default)]
struct Entries {
    /// Directories in which they stand.
    stand_in: BTreeSet<Utf8PathBuf>,
    /// Directories that others build.
    built: BTreeSet<Utf8PathBuf>,
}

impl Entries {
    fn look_into(&mut self, root: &Utf8Path, file: &Utf8Path) {
        let Some(own) = file.parent() else { return };
        for path in flux_kustomizations(file) {
            let directory = root.join(gitops_model::flux::in_artifact(&path));
            if file.file_name() == Some(SYNC_FILE) {
                // The bootstrap's own builds the entry that it stands in.
                self.stand_in.extend(own.parent().map(Utf8Path::to_owned));
                continue;
            }
            let cluster = own.ancestors().find(|above| {
                above.starts_with(root) && above.parent().and_then(Utf8Path::file_name) == Some(CLUSTERS)
            });
            self.stand_in.insert(cluster.unwrap_or(own).to_owned());
            if directory.is_dir() && !own.starts_with(&directory) {
                self.built.insert(directory);
            }
        }
    }

    /// The directories that nobody else builds.
    fn entries(&self, taken: &BTreeSet<Utf8PathBuf>) -> BTreeSet<Utf8PathBuf> {
        let is_inner = |path: &Utf8PathBuf| {
            let outer = self
                .stand_in
                .iter()
                .chain(&self.built)
                .any(|outer| outer != path && path.starts_with(outer));
            outer || self.built.contains(path) || taken.contains(path)
        };
        self.stand_in.iter().filter(|path| !is_inner(path)).cloned().collect()
    }
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
    let Some(text) = read_small(file) else {
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

    const FLUX: &str = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  path: ";

    #[test]
    fn entries_of_a_flux_repository_are_offered_and_what_they_build_is_not() {
        let of = |path: &str| format!("{FLUX}{path}\n");
        let apps = of("./apps/overlays/east");
        let infra = of("infra");
        let teams = of("./teams");
        let sync = of("./clusters/west");
        check(
            &[
                ("clusters/east/apps.yaml", &apps),
                ("clusters/east/infra/infra.yaml", &infra),
                ("clusters/west/gitops/gotk-sync.yaml", &sync),
                (
                    "clusters/west/gitops/kustomization.yaml",
                    "resources: [gotk-sync.yaml]\n",
                ),
                ("clusters/west/teams.yaml", &teams),
                ("teams/red/apps.yaml", &apps),
                ("apps/base/kustomization.yaml", "resources: []\n"),
                ("apps/overlays/east/kustomization.yaml", "resources: [../../base]\n"),
                ("apps/overlays/lone/kustomization.yaml", "resources: [../../base]\n"),
                ("infra/namespace.yaml", "kind: x\n"),
            ],
            &[
                "clusters/east (Flux)",
                "clusters/west (Flux)",
                "apps/overlays/lone (kustomization)",
            ],
        );
        check(
            &[
                ("fleet/apps.yaml", &apps),
                ("apps/overlays/east/kustomization.yaml", "resources: []\n"),
            ],
            &["fleet (Flux)"],
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

    #[test]
    fn charts_are_offered_with_each_of_their_values_files() {
        check(
            &[
                ("charts/web/Chart.yaml", "name: web\n"),
                ("charts/web/values.yaml", "a: 1\n"),
                ("charts/web/values-prod.yaml", "a: 2\n"),
                ("charts/web/ci/small-values.yaml", "a: 3\n"),
                ("charts/web/templates/web.yaml", "kind: {{ .Values.a }}\n"),
                ("charts/web/charts/inner/Chart.yaml", "name: inner\n"),
                ("charts/common/Chart.yaml", "name: common\ntype: library\n"),
            ],
            &[
                "charts/web (Helm chart)",
                "charts/web/ci/small-values.yaml (Helm chart)",
                "charts/web/values-prod.yaml (Helm chart)",
            ],
        );
        check(
            &[("Chart.yaml", "name: web\n"), ("templates/web.yaml", "kind: x\n")],
            &["the whole folder (Helm chart)"],
        );
    }
}
