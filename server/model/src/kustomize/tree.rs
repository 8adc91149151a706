//! The files of a source, by path.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::Sheet;
use crate::KUSTOMIZATION_FILES;

/// Files by path, relative to the root of the source and `/`-separated. Each is parsed when it is first asked for.
#[derive(Debug, Default)]
pub struct Tree {
    files: BTreeMap<Arc<str>, File>,
}

#[derive(Debug)]
struct File {
    text: Arc<str>,
    sheet: OnceLock<Arc<Sheet>>,
}

impl Tree {
    /// Adds a file or replaces its text.
    pub fn insert(&mut self, path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) {
        let file = File {
            text: text.into(),
            sheet: OnceLock::new(),
        };
        self.files.insert(path.into(), file);
    }

    /// Takes a file away.
    pub fn remove(&mut self, path: &str) {
        self.files.remove(path);
    }

    /// The text of a file.
    pub fn text(&self, path: &str) -> Option<&Arc<str>> {
        self.files.get(path).map(|file| &file.text)
    }

    /// The path of a file as the tree and all that is found in it have it: the same value, not only an equal one.
    pub fn name(&self, path: &str) -> Option<&Arc<str>> {
        self.files.get_key_value(path).map(|(name, _)| name)
    }

    /// A file as YAML.
    pub fn sheet(&self, path: &str) -> Option<Arc<Sheet>> {
        let (name, file) = self.files.get_key_value(path)?;
        let parsed = || Arc::new(Sheet::of_file(Arc::clone(name), Arc::clone(&file.text)));
        Some(Arc::clone(file.sheet.get_or_init(parsed)))
    }

    /// Path and text of the files below a directory, in order; of all files for the empty path.
    pub fn below<'a>(&'a self, directory: &'a str) -> impl Iterator<Item = (&'a Arc<str>, &'a Arc<str>)> {
        let start = if directory.is_empty() {
            String::new()
        } else {
            format!("{directory}/")
        };
        let from = self
            .files
            .range::<str, _>((std::ops::Bound::Included(start.as_str()), std::ops::Bound::Unbounded));
        from.map(|(path, file)| (path, &file.text))
            .take_while(move |(path, _)| path.starts_with(&start))
    }

    /// The kustomization file of a directory: of several names the one that kustomize prefers.
    pub fn kustomization_file(&self, directory: &str) -> Option<Arc<str>> {
        let found = |name: &&str| self.files.get_key_value(join(directory, name).as_deref()?);
        KUSTOMIZATION_FILES
            .iter()
            .find_map(found)
            .map(|(path, _)| Arc::clone(path))
    }
}

impl<P: Into<Arc<str>>, T: Into<Arc<str>>> FromIterator<(P, T)> for Tree {
    fn from_iter<I: IntoIterator<Item = (P, T)>>(files: I) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            tree.insert(path, text);
        }
        tree
    }
}

/// A path relative to a directory, with `.` and `..` resolved; `None` where it leaves the root.
pub fn join(directory: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    if path.starts_with('/') {
        return None;
    }
    for part in directory.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The directory in which a file stands.
pub fn directory_of(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(directory, _)| directory)
}
