//! What more than one test needs.

#![allow(dead_code, reason = "not every test needs everything")]
#![allow(unreachable_pub, reason = "this module is part of several test crates")]

use std::path::{Path, PathBuf};

/// The folder of the real input that the whole project is tested with.
pub fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpora")
}

/// Every YAML file in the corpora, with its path from there, in order.
pub fn corpus_files() -> Vec<(String, String)> {
    let root = corpora();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the corpora can be listed") {
            let path = entry.expect("the corpora can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "yaml" || extension == "yml")
            {
                let bytes = std::fs::read(&path).expect("a file of the corpora can be read");
                let Ok(text) = String::from_utf8(bytes) else { continue };
                let name = path.strip_prefix(&root).expect("it is below the root");
                files.push((name.display().to_string().replace('\\', "/"), text));
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "there are no files in {}", root.display());
    files
}
