//! The trees of files that Flux builds from: the work tree, and the artifacts that are made of parts of it.

use std::collections::BTreeMap;

use gitops_model::flux::{ArtifactGenerator, Copy, FluxObject, FluxSpec};
use gitops_model::kustomize::Tree;
use serde_json::Value;

/// Name of the work tree.
pub const WORK_TREE: &str = "work";

/// One tree.
#[derive(Debug, Default)]
pub struct SourceTree {
    /// Its texts.
    pub texts: Tree,
    /// The file of the work tree that each file of it is.
    pub files: BTreeMap<String, String>,
}

/// All trees by their names: [`WORK_TREE`], and `NAMESPACE/NAME` of artifacts.
#[derive(Debug, Default)]
pub struct Trees(pub BTreeMap<String, SourceTree>);

impl Trees {
    /// The work tree alone.
    pub fn of_work_tree(texts: &BTreeMap<String, String>) -> Self {
        let work = SourceTree {
            texts: texts
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_str()))
                .collect(),
            files: texts.keys().map(|path| (path.clone(), path.clone())).collect(),
        };
        Self(BTreeMap::from([(WORK_TREE.to_owned(), work)]))
    }

    /// Adds the artifacts that the generators among these objects make of the work tree. True when there are new ones.
    pub fn add_artifacts<'a>(
        &mut self,
        texts: &BTreeMap<String, String>,
        objects: impl Iterator<Item = &'a Value>,
    ) -> bool {
        let mut is_more = false;
        for object in objects {
            let Some(read) = FluxObject::read(object) else { continue };
            let FluxSpec::ArtifactGenerator(generator) = read.spec else {
                continue;
            };
            let namespace = read.key.namespace.unwrap_or_default();
            for (name, files) in made_by(&generator, texts) {
                let name = format!("{namespace}/{name}");
                let content = files
                    .iter()
                    .filter_map(|(path, from)| Some((path.as_str(), texts.get(from)?.as_str())));
                let tree = SourceTree {
                    texts: content.collect(),
                    files,
                };
                is_more |= self.0.insert(name, tree).is_none();
            }
        }
        is_more
    }

    /// The file of the work tree that a file of a tree is.
    pub fn file(&self, tree: &str, path: &str) -> Option<&str> {
        self.0.get(tree)?.files.get(path).map(String::as_str)
    }

    /// The files of a tree that a file of the work tree is.
    pub fn paths<'a>(&'a self, tree: &'a str, file: &'a str) -> impl Iterator<Item = &'a str> {
        let files = self.0.get(tree).into_iter().flat_map(|tree| &tree.files);
        files.filter(move |(_, of)| *of == file).map(|(path, _)| path.as_str())
    }
}

/// What each artifact of a generator holds: its paths, and the files that they are.
fn made_by(generator: &ArtifactGenerator, texts: &BTreeMap<String, String>) -> Vec<(String, BTreeMap<String, String>)> {
    let is_own = |alias: &str| {
        let source = generator.sources.iter().find(|(name, _)| name == alias);
        source.is_some_and(|(_, source)| source.kind == "GitRepository")
    };
    let mut made = Vec::new();
    for artifact in &generator.artifacts {
        let mut files = BTreeMap::new();
        for copy in &artifact.copies {
            if copy.source().is_some_and(|(alias, _)| is_own(alias)) {
                files.extend(copied(copy, texts));
            }
        }
        made.push((artifact.name.clone(), files));
    }
    made
}

/// The forms that people use: all below a directory (`dir/**`), and single files.
fn copied(copy: &Copy, texts: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let (Some((_, from)), Some(to)) = (copy.source(), copy.target()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let put = |rest: &str| {
        if to.is_empty() || to.ends_with('/') {
            format!("{to}{rest}")
        } else {
            format!("{to}/{rest}")
        }
    };
    if let Some(directory) = from.strip_suffix("**") {
        for path in texts.keys() {
            let rest = path.strip_prefix(directory);
            found.extend(rest.map(|rest| (put(rest), path.clone())));
        }
    } else if texts.contains_key(from) {
        let name = from.rsplit('/').next().unwrap_or(from);
        let path = if to.ends_with('/') || to.is_empty() {
            put(name)
        } else {
            to.to_owned()
        };
        found.push((path, from.to_owned()));
    }
    found
}

/// Whether a path is one of YAML.
pub fn is_yaml(path: &str) -> bool {
    matches!(camino::Utf8Path::new(path).extension(), Some("yaml" | "yml"))
}
