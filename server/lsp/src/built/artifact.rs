//! Artifacts that an `ArtifactGenerator` makes of the work tree: what is built from them, and where each of their files is
//! written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gitops_model::flux::{
    ArtifactGenerator, Assembled, GeneratedArtifact, Listing, Reference, RepositoryUrl, SourceOrigin, assemble, expand,
};
use gitops_model::kustomize;
use gitops_render::Renderer;
use gitops_yaml::{Dialect, FieldPath};
use serde_json::Value;

use super::source_ignore::{self, SourceIgnore};

/// Artifacts that are made of artifacts are followed so many times.
const MAX_CHAIN: usize = 8;

/// Namespace and name of an `ExternalArtifact`.
pub(super) type ArtifactName = (String, String);

/// Files of an artifact, each with the files of the work tree that it comes from.
type Written = BTreeMap<String, Vec<Arc<str>>>;

/// An artifact.
pub(super) struct Artifact {
    /// Its files, as they are built from.
    tree: kustomize::Tree,
    written: Written,
    /// Name of the tree at the renderer.
    name_of_tree: String,
    /// What is other than at the build before.
    changed: BTreeSet<String>,
    /// Whether a generator has made it in this build.
    is_made: bool,
}

/// A generator, as it is built.
#[derive(Clone, Debug)]
pub(super) struct Generator {
    /// Its namespace.
    pub(super) namespace: String,
    /// What it says.
    pub(super) spec: ArtifactGenerator,
    /// The file that it stands in, the number of its document, and its place in that.
    pub(super) written: Option<(String, usize, FieldPath)>,
}

/// What cannot be copied: the generator's place and field, and in words.
pub(super) struct NotCopied {
    pub(super) written: Option<(String, usize, FieldPath)>,
    pub(super) field: FieldPath,
    pub(super) message: String,
}

/// A source of a generator as it is known here.
pub(super) enum Known {
    /// This workspace, without what `spec.ignore` says.
    Workspace(Option<String>),
    /// Another artifact.
    Artifact(ArtifactName),
    /// It is elsewhere, or not known.
    Elsewhere,
}

/// All artifacts of a target.
#[derive(Default)]
pub(super) struct Artifacts {
    made: BTreeMap<ArtifactName, Artifact>,
    /// Those of which only Flux knows what they are made of, or that cannot be made.
    unknown: BTreeSet<ArtifactName>,
    /// What there is to copy, by what `spec.ignore` says; empty when files came or went.
    listings: BTreeMap<Option<String>, Arc<Listing>>,
}

impl Artifact {
    /// The files, as they are built from.
    pub(super) fn tree(&self) -> &kustomize::Tree {
        &self.tree
    }

    /// Name of the tree at the renderer.
    pub(super) fn name_of_tree(&self) -> &str {
        &self.name_of_tree
    }

    /// What is other than at the build before.
    pub(super) fn changed(&self) -> &BTreeSet<String> {
        &self.changed
    }

    /// Where a file is written: of what is merged, the last one, which counts.
    pub(super) fn written(&self, path: &str) -> Option<&Arc<str>> {
        self.written.get(path)?.last()
    }

    /// The files that a file is merged of, the one that counts first; none for a copy.
    pub(super) fn merged(&self, path: &str) -> impl Iterator<Item = &Arc<str>> {
        let from = self.written.get(path).filter(|from| from.len() > 1);
        from.into_iter().flatten().rev()
    }
}

impl Artifacts {
    /// An artifact that is made here.
    pub(super) fn get(&self, name: &ArtifactName) -> Option<&Artifact> {
        self.made.get(name).filter(|artifact| artifact.is_made)
    }

    /// Whether a generator makes it of something that is not here.
    pub(super) fn is_elsewhere(&self, name: &ArtifactName) -> bool {
        self.unknown.contains(name)
    }

    /// Files of the work tree came or went, or rules of what is left out changed.
    pub(super) fn forget_listings(&mut self) {
        self.listings.clear();
    }

    /// Begins a build: nothing is changed yet, and all that is made has to be made again.
    pub(super) fn begin(&mut self) {
        self.unknown.clear();
        for artifact in self.made.values_mut() {
            artifact.changed.clear();
            artifact.is_made = false;
        }
    }

    /// Makes the artifacts of all generators, and takes over what changed in the files that they are made of.
    pub(super) async fn make(
        &mut self,
        generators: &[Generator],
        known: &(dyn Fn(&Generator, &Reference) -> Known + Send + Sync),
        work_tree: &WorkTree<'_>,
        renderer: &dyn Renderer,
    ) -> Vec<NotCopied> {
        let mut faults = Vec::new();
        for _ in 0..MAX_CHAIN {
            faults.clear();
            let mut is_settled = true;
            for generator in generators.iter().filter(|generator| !generator.spec.is_disabled) {
                let written = self.written_of(generator, known, work_tree, &mut faults);
                for (name, written) in written {
                    is_settled &= self.put(name, written, work_tree, renderer).await;
                }
            }
            if is_settled {
                break;
            }
        }
        faults
    }

    /// The artifacts of one generator; `None` for those that only Flux can make.
    fn written_of(
        &mut self,
        generator: &Generator,
        known: &(dyn Fn(&Generator, &Reference) -> Known + Send + Sync),
        work_tree: &WorkTree<'_>,
        faults: &mut Vec<NotCopied>,
    ) -> Vec<(ArtifactName, Option<Written>)> {
        let mut listings: BTreeMap<String, Option<Arc<Listing>>> = BTreeMap::new();
        let mut places: BTreeMap<String, Option<ArtifactName>> = BTreeMap::new();
        for (alias, source) in &generator.spec.sources {
            let (listing, place) = match known(generator, source) {
                Known::Workspace(ignore) => (Some(self.listing(ignore, work_tree)), None),
                Known::Artifact(name) => {
                    let listing = self.made.get(&name).map(|artifact| {
                        let paths = artifact.written.keys().map(|path| Arc::from(path.as_str()));
                        Arc::new(paths.collect::<Listing>())
                    });
                    (listing, Some(name))
                }
                Known::Elsewhere => (None, None),
            };
            listings.insert(alias.clone(), listing);
            places.insert(alias.clone(), place);
        }
        let sources: BTreeMap<String, Option<&Listing>> = listings
            .iter()
            .map(|(alias, listing)| (alias.clone(), listing.as_deref()))
            .collect();
        let named = |artifact: &GeneratedArtifact| (generator.namespace.clone(), artifact.name.clone());
        let artifacts = match expand(&generator.spec, &sources) {
            Ok(Some(artifacts)) => artifacts,
            Ok(None) => {
                return generator
                    .spec
                    .artifacts
                    .iter()
                    .map(|made| (named(made), None))
                    .collect();
            }
            Err(message) => {
                faults.push(NotCopied {
                    written: generator.written.clone(),
                    field: field(&[Step::Key("spec"), Step::Key("pathPattern")]),
                    message,
                });
                return Vec::new();
            }
        };
        let mut made = Vec::new();
        for (number, artifact) in artifacts.iter().enumerate() {
            let files = match assemble(artifact, &sources) {
                Assembled::Made(files) => Some(files.files),
                Assembled::Unknown => None,
                Assembled::Faulty(fault) => {
                    // Where a pattern makes the artifacts, their numbers are not those of the list.
                    let number = if generator.spec.path_pattern.is_some() {
                        0
                    } else {
                        number
                    };
                    faults.push(NotCopied {
                        written: generator.written.clone(),
                        field: field(&[
                            Step::Key("spec"),
                            Step::Key("artifacts"),
                            Step::Index(number),
                            Step::Key("copy"),
                            Step::Index(fault.copy),
                            Step::Key(fault.field),
                        ]),
                        message: format!("the artifact {} cannot be made: {}", artifact.name, fault.message),
                    });
                    None
                }
            };
            let written = files.map(|files| {
                let files = files.into_iter().map(|(path, copied)| {
                    let from = copied.iter().flat_map(|copied| match places.get(&copied.alias) {
                        Some(Some(other)) => {
                            let written = self.made.get(other).and_then(|other| other.written.get(&*copied.path));
                            written.cloned().unwrap_or_default()
                        }
                        _ => vec![work_tree.inside(&copied.path)],
                    });
                    (path, from.collect())
                });
                files.collect::<Written>()
            });
            made.push((named(artifact), written));
        }
        made
    }

    /// Puts an artifact where it was; whether that changes nothing.
    async fn put(
        &mut self,
        name: ArtifactName,
        written: Option<Written>,
        work_tree: &WorkTree<'_>,
        renderer: &dyn Renderer,
    ) -> bool {
        let Some(written) = written else {
            if let Some(gone) = self.made.remove(&name) {
                clear(&gone, renderer).await;
            }
            return !self.unknown.insert(name);
        };
        self.unknown.remove(&name);
        let is_new = !self.made.contains_key(&name);
        let artifact = self.made.entry(name.clone()).or_insert_with(|| Artifact {
            tree: kustomize::Tree::default(),
            written: BTreeMap::new(),
            name_of_tree: format!("{}/{}/{}", work_tree.name_of_tree, name.0, name.1),
            changed: BTreeSet::new(),
            is_made: false,
        });
        artifact.is_made = true;
        let mut files: BTreeMap<String, Option<String>> = BTreeMap::new();
        for path in artifact.written.keys().filter(|path| !written.contains_key(*path)) {
            files.insert(path.clone(), None);
        }
        for (path, from) in &written {
            let is_other = artifact.written.get(path) != Some(from);
            if is_other || from.iter().any(|from| work_tree.changed.contains(&**from)) {
                let text = text_of(from, work_tree.texts);
                if artifact.tree.text(path).map(|text| &**text) != text.as_deref() {
                    files.insert(path.clone(), text);
                }
            }
        }
        artifact.written = written;
        if files.is_empty() {
            return !is_new;
        }
        for (path, text) in &files {
            match text {
                Some(text) => artifact.tree.insert(path.as_str(), text.as_str()),
                None => artifact.tree.remove(path),
            }
            artifact.changed.insert(path.clone());
        }
        // What went wrong is said of the build that follows.
        let _ = renderer.change(&artifact.name_of_tree, files).await;
        false
    }

    /// Forgets the artifacts that no generator makes any more.
    pub(super) async fn keep(&mut self, names: &BTreeSet<ArtifactName>, renderer: &dyn Renderer) {
        let gone: Vec<ArtifactName> = self
            .made
            .keys()
            .filter(|name| !names.contains(*name))
            .cloned()
            .collect();
        for name in gone {
            if let Some(artifact) = self.made.remove(&name) {
                clear(&artifact, renderer).await;
            }
        }
    }

    fn listing(&mut self, ignore: Option<String>, work_tree: &WorkTree<'_>) -> Arc<Listing> {
        let made = || {
            let rules = SourceIgnore::of(work_tree.texts, ignore.as_deref());
            let texts = work_tree.texts.below("").map(|(path, _)| &**path);
            let all = texts.chain(work_tree.others.iter().map(String::as_str));
            let kept = all.filter(|path| !rules.has(path));
            Arc::new(kept.map(|path| work_tree.outside(path)).collect())
        };
        if let Some(known) = self.listings.get(&ignore) {
            return Arc::clone(known);
        }
        let listing: Arc<Listing> = made();
        self.listings.insert(ignore, Arc::clone(&listing));
        listing
    }
}

/// The files that artifacts are made of.
pub(super) struct WorkTree<'a> {
    pub(super) texts: &'a kustomize::Tree,
    /// Files without text.
    pub(super) others: &'a BTreeSet<String>,
    /// Where the workspace stands in its repository; empty for the top.
    pub(super) prefix: &'a str,
    /// What was saved.
    pub(super) changed: &'a BTreeSet<String>,
    /// Name of its own tree at the renderer.
    pub(super) name_of_tree: &'a str,
}

impl WorkTree<'_> {
    /// A path of the workspace as it is in the repository.
    fn outside(&self, path: &str) -> Arc<str> {
        if self.prefix.is_empty() {
            path.into()
        } else {
            format!("{}/{path}", self.prefix).into()
        }
    }

    /// A path of the repository as it is in the workspace.
    fn inside(&self, path: &Arc<str>) -> Arc<str> {
        let inner = path.strip_prefix(self.prefix).and_then(|rest| rest.strip_prefix('/'));
        inner
            .filter(|_| !self.prefix.is_empty())
            .map_or_else(|| Arc::clone(path), Into::into)
    }
}

/// Whether a change of a file changes what is copied.
pub(super) fn changes_listings(path: &str) -> bool {
    source_ignore::is_file_of_rules(path)
}

async fn clear(artifact: &Artifact, renderer: &dyn Renderer) {
    let files = artifact.written.keys().map(|path| (path.clone(), None)).collect();
    let _ = renderer.change(&artifact.name_of_tree, files).await;
}

/// The text of a file: of what is merged, the values of all, the last ones first, as Helm merges values.
fn text_of(from: &[Arc<str>], texts: &kustomize::Tree) -> Option<String> {
    if let [only] = from {
        return texts.text(only).map(ToString::to_string);
    }
    let mut merged = Value::Object(serde_json::Map::new());
    for path in from {
        let sheet = texts.sheet(path)?;
        for document in sheet.documents() {
            merge(&mut merged, document.to_json(sheet.text(), Dialect::Kustomize).ok()?);
        }
    }
    // JSON is YAML.
    serde_json::to_string_pretty(&merged).ok()
}

fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(&key) {
                    Some(own) if own.is_object() && value.is_object() => merge(own, value),
                    _ => {
                        base.insert(key, value);
                    }
                }
            }
        }
        (base, over) => *base = over,
    }
}

enum Step {
    Key(&'static str),
    Index(usize),
}

fn field(steps: &[Step]) -> FieldPath {
    let mut path = FieldPath::default();
    for step in steps {
        match step {
            Step::Key(key) => path.push_key(*key),
            Step::Index(index) => path.push_index(*index),
        }
    }
    path
}

/// Whether a `GitRepository` is this workspace: one of its remotes, or the source of the target itself.
pub(super) fn is_workspace(origin: &SourceOrigin, remotes: &[RepositoryUrl]) -> bool {
    let SourceOrigin::Git { url, .. } = origin else {
        return false;
    };
    RepositoryUrl::parse(url).is_some_and(|url| remotes.contains(&url))
}
