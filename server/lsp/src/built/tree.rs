//! The tree of files that a target is built from.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::Utf8Path;
use gitops_text::{MAX_FILE_BYTES, Text, decode};
use ignore::WalkBuilder;

use crate::parsed::Parsed;
use crate::workspace::is_yaml;

/// How many files a tree has at most.
const MAX_FILES: usize = 50_000;
/// How many bytes they have together at most.
const MAX_BYTES: u64 = 256 << 20;

/// The files of a tree as they were saved last, by their path from the root.
#[derive(Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, Entry>,
}

/// A file: its text, and its meaning once somebody has asked for that.
enum Entry {
    Text(Text),
    Parsed(Arc<Parsed>),
}

impl Tree {
    /// Takes what a file holds now.
    pub(crate) fn set(&mut self, path: String, content: Arc<Parsed>) {
        self.files.insert(path, Entry::Parsed(content));
    }

    /// Forgets a file, or a directory with all that is in it; returns what that was.
    pub(crate) fn remove(&mut self, path: &str) -> Vec<String> {
        let below = format!("{path}/");
        let gone: Vec<String> = self
            .files
            .keys()
            .filter(|known| *known == path || known.starts_with(&below))
            .cloned()
            .collect();
        for path in &gone {
            self.files.remove(path);
        }
        gone
    }

    /// A file with its meaning.
    pub(crate) fn parsed(&mut self, root: &Utf8Path, path: &str) -> Option<Arc<Parsed>> {
        let entry = self.files.get_mut(path)?;
        if let Entry::Text(text) = entry {
            let parsed = if is_yaml(Utf8Path::new(path)) || Utf8Path::new(path).extension().is_none() {
                Parsed::new(root.join(path).as_str(), text.clone())
            } else {
                Parsed::of_another_language(text.clone())
            };
            *entry = Entry::Parsed(Arc::new(parsed));
        }
        match entry {
            Entry::Parsed(parsed) => Some(Arc::clone(parsed)),
            Entry::Text(_) => None,
        }
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(Entry::text)
    }

    /// All texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&String, &str)> {
        self.files.iter().map(|(path, entry)| (path, entry.text()))
    }
}

impl Entry {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text.as_str(),
            Self::Parsed(parsed) => parsed.text.as_str(),
        }
    }
}

/// Reads the files below a root under Git's ignore rules. What is no text is of no use to a renderer and left out, with
/// what is too large; the second value says what that was.
pub(crate) fn read_tree(root: &Utf8Path) -> (Tree, Vec<String>) {
    let mut tree = Tree::default();
    let mut left_out = Vec::new();
    let mut bytes = 0;
    let walk = WalkBuilder::new(root)
        .follow_links(false)
        .require_git(false)
        .hidden(false)
        .filter_entry(|entry| entry.file_name() != ".git")
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
        if size > MAX_FILE_BYTES || bytes + size > MAX_BYTES || tree.files.len() >= MAX_FILES {
            left_out.push(relative.to_string());
            continue;
        }
        let Ok(content) = std::fs::read(path) else { continue };
        if let Ok(text) = decode(&content) {
            bytes += size;
            tree.files.insert(relative.to_string(), Entry::Text(Text::new(text)));
        }
    }
    (tree, left_out)
}
