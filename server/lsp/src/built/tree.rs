//! The tree of files that a target is built from.

use std::collections::{BTreeSet, HashMap};
use std::io::Read as _;
use std::sync::Arc;

use camino::Utf8Path;
use gitops_model::kustomize;
use gitops_text::{MAX_FILE_BYTES, Text, decode};
use ignore::WalkBuilder;

use crate::parsed::Parsed;
use crate::workspace::is_yaml;

/// How many files a tree has at most.
const MAX_FILES: usize = 50_000;
/// How many bytes they have together at most.
const MAX_BYTES: u64 = 256 << 20;
/// How many bytes at the beginning of a file tell whether it is a text.
const LOOKED_INTO: u64 = 8 << 10;

/// The files of a tree as they were saved last, by their path from the root.
#[derive(Default)]
pub(crate) struct Tree {
    texts: kustomize::Tree,
    /// What somebody has asked for the meaning of.
    parsed: HashMap<String, Arc<Parsed>>,
    /// Files without text, or too large: they can be copied, and nothing is built from them.
    others: BTreeSet<String>,
    /// Directories that are repositories of their own: submodules, of which a source has only the commit.
    repositories: BTreeSet<String>,
    count: usize,
    /// How often a file came, went or changed.
    changes: u64,
}

impl Tree {
    /// Takes what a file holds now.
    pub(crate) fn set(&mut self, path: String, content: Arc<Parsed>) {
        self.changes += 1;
        self.texts.insert(path.as_str(), content.text.as_str());
        self.parsed.insert(path, content);
    }

    /// Forgets a file, or a directory with all that is in it; returns what that was.
    pub(crate) fn remove(&mut self, path: &str) -> Vec<String> {
        let mut gone: Vec<String> = self.texts.below(path).map(|(path, _)| path.to_string()).collect();
        if self.texts.text(path).is_some() {
            gone.push(path.to_owned());
        }
        self.changes += 1;
        for path in &gone {
            self.texts.remove(path);
            self.parsed.remove(path);
        }
        gone
    }

    /// A number that is another as soon as any file is.
    pub(crate) fn version(&self) -> u64 {
        self.changes
    }

    /// A file with its meaning.
    pub(crate) fn parsed(&mut self, root: &Utf8Path, path: &str) -> Option<Arc<Parsed>> {
        if let Some(parsed) = self.parsed.get(path) {
            return Some(Arc::clone(parsed));
        }
        let text = Text::new(&**self.texts.text(path)?);
        let parsed = if is_yaml(Utf8Path::new(path)) || Utf8Path::new(path).extension().is_none() {
            Parsed::new(root.join(path).as_str(), text)
        } else {
            Parsed::of_another_language(text)
        };
        let parsed = Arc::new(parsed);
        self.parsed.insert(path.to_owned(), Arc::clone(&parsed));
        Some(parsed)
    }

    /// Whether a file is in a repository of its own within this one, such as a submodule.
    pub(crate) fn is_elsewhere(&self, path: &str) -> bool {
        let mut above = path
            .match_indices('/')
            .map(|(at, _)| path.get(..at).unwrap_or_default());
        !self.repositories.is_empty() && above.any(|directory| self.repositories.contains(directory))
    }

    /// Files without text, or too large.
    pub(crate) fn others(&self) -> &BTreeSet<String> {
        &self.others
    }

    /// The texts, as origins are looked for in them.
    pub(crate) fn texts(&self) -> &kustomize::Tree {
        &self.texts
    }
}

/// Reads the files below a root under Git's ignore rules. What is no text is of no use to a renderer and left out, with
/// what is too large; the second value says what that was.
pub(crate) fn read_tree(root: &Utf8Path) -> (Tree, Vec<String>) {
    let mut tree = Tree::default();
    let mut left_out = Vec::new();
    let mut bytes = 0;
    let (found, repositories) = std::sync::mpsc::channel();
    let top = root.to_owned();
    let walk = WalkBuilder::new(root)
        .follow_links(false)
        .require_git(false)
        .hidden(false)
        .filter_entry(move |entry| {
            let is_repository = entry.depth() > 0 && entry.path().join(".git").exists();
            if is_repository
                && let Some(path) = Utf8Path::from_path(entry.path()).and_then(|path| path.strip_prefix(&top).ok())
            {
                // Who receives lives as long as the walk.
                let _ = found.send(path.to_string());
            }
            entry.file_name() != ".git" && !is_repository
        })
        .build();
    for entry in walk.filter_map(Result::ok) {
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let Some(path) = Utf8Path::from_path(entry.path()) else {
            continue;
        };
        let Ok(relative) = path.strip_prefix(root) else {
            continue;
        };
        let size = entry.metadata().map_or(0, |metadata| metadata.len());
        if size > MAX_FILE_BYTES || bytes + size > MAX_BYTES || tree.count >= MAX_FILES {
            tree.others.insert(relative.to_string());
            left_out.push(relative.to_string());
            continue;
        }
        let Ok(content) = read_text(path) else { continue };
        if let Some(text) = content.as_deref().and_then(|content| decode(content).ok()) {
            bytes += size;
            tree.count += 1;
            tree.texts.insert(relative.as_str(), &*text);
        } else {
            tree.others.insert(relative.to_string());
        }
    }
    tree.repositories.extend(repositories.try_iter());
    (tree, left_out)
}

/// Reads a file, unless its beginning says that it is no text: a work tree of many gigabytes is read for its manifests only.
fn read_text(path: &Utf8Path) -> std::io::Result<Option<Vec<u8>>> {
    let mut file = std::fs::File::open(path)?;
    let mut content = Vec::new();
    file.by_ref().take(LOOKED_INTO).read_to_end(&mut content)?;
    if content.contains(&0) {
        return Ok(None);
    }
    file.read_to_end(&mut content)?;
    Ok(Some(content))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::fs::File;

    use camino::Utf8Path;

    use super::read_tree;

    /// 1 GB of which 100 MB are manifests: sparse where nobody reads.
    #[test]
    fn of_a_large_work_tree_only_what_is_wanted_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(directory.path()).unwrap();
        for name in ["build", "data", "apps"] {
            std::fs::create_dir(root.join(name)).unwrap();
        }
        std::fs::write(root.join(".gitignore"), "build/\n").unwrap();
        let sparse = |path: &str, bytes: u64| File::create(root.join(path)).unwrap().set_len(bytes).unwrap();
        for number in 0..40 {
            sparse(&format!("build/{number}.yaml"), 7 << 20);
            sparse(&format!("data/{number}.bin"), 7 << 20);
            sparse(&format!("data/{number}.tar"), 9 << 20);
        }
        let mut manifest = String::new();
        while manifest.len() < 1 << 20 {
            let _ = write!(
                manifest,
                "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: a{} }}\n",
                manifest.len()
            );
        }
        for number in 0..100 {
            std::fs::write(root.join(format!("apps/{number}.yaml")), &manifest).unwrap();
        }
        let (tree, left_out) = read_tree(root);
        let texts: Vec<&str> = tree.texts().below("").map(|(path, _)| &**path).collect();
        assert_eq!(texts.len(), 101, "the manifests and .gitignore");
        assert!(
            texts
                .iter()
                .all(|path| path.starts_with("apps/") || *path == ".gitignore")
        );
        assert_eq!(left_out.len(), 40, "what is too large is said");
        assert_eq!(tree.others().len(), 80, "what has no text can be copied all the same");
    }

    #[test]
    fn a_submodule_is_none_of_its_files() {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(directory.path()).unwrap();
        for (path, text) in [
            (".git/config", ""),
            ("apps/größe und maß.yaml", "kind: x\n"),
            ("vendor/lib/.git", "gitdir: ../../.git/modules/lib\n"),
            ("vendor/lib/kustomization.yaml", "resources: []\n"),
            ("vendor/own.yaml", "kind: x\n"),
        ] {
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            std::fs::write(root.join(path), text).unwrap();
        }
        let (tree, _) = read_tree(root);
        let texts: Vec<&str> = tree.texts().below("").map(|(path, _)| &**path).collect();
        assert_eq!(texts, ["apps/größe und maß.yaml", "vendor/own.yaml"]);
        assert!(tree.is_elsewhere("vendor/lib/deep/web.yaml"));
        assert!(!tree.is_elsewhere("vendor/own.yaml"));
    }
}
