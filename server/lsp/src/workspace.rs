//! Reading the files of a target from disk.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_text::{MAX_FILE_BYTES, Text, decode};
use ignore::WalkBuilder;

use crate::event::ReadFile;
use crate::parsed::Parsed;

/// How many files of one target are read at most. A folder with more is no folder of manifests.
pub(crate) const MAX_FILES: usize = 50_000;

/// What a target holds.
pub(crate) struct Target {
    /// The files that could be read.
    pub(crate) files: Vec<ReadFile>,
    /// What could not be read, with the reason.
    pub(crate) unreadable: Vec<(Utf8PathBuf, String)>,
}

/// Whether a path is one of YAML.
pub(crate) fn is_yaml(path: &Utf8Path) -> bool {
    matches!(path.extension(), Some("yaml" | "yml"))
}

/// Reads all YAML files of a directory, or the one file that `path` is.
///
/// Git's ignore rules hold, hidden directories and those of a Helm chart are left out, symbolic links are not followed
/// (so that a loop cannot happen, and nothing outside the target is read). Files come in the order of their paths.
pub(crate) fn read_target(path: &Utf8Path) -> Target {
    let mut target = Target {
        files: Vec::new(),
        unreadable: Vec::new(),
    };
    let walk = WalkBuilder::new(path)
        .follow_links(false)
        .require_git(false)
        .sort_by_file_path(std::cmp::Ord::cmp)
        .filter_entry(|entry| {
            !(entry.file_type().is_some_and(|kind| kind.is_dir()) && entry.path().join("Chart.yaml").is_file())
        })
        .build();
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                target.unreadable.push((path.to_owned(), error.to_string()));
                continue;
            }
        };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(file) = Utf8PathBuf::from_path_buf(entry.into_path()) else {
            continue;
        };
        if !is_yaml(&file) {
            continue;
        }
        if target.files.len() >= MAX_FILES {
            target.unreadable.push((
                path.to_owned(),
                format!("more than {MAX_FILES} YAML files; the rest is left alone"),
            ));
            break;
        }
        match read_file(&file) {
            Ok(Some(parsed)) => target.files.push(ReadFile { path: file, parsed }),
            Ok(None) => {}
            Err(reason) => target.unreadable.push((file, reason)),
        }
    }
    target
}

/// Reads one file; `Ok(None)` when there is none.
pub(crate) fn read_file(path: &Utf8Path) -> Result<Option<Arc<Parsed>>, String> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if !metadata.is_file() {
        return Ok(None);
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(format!("it is over {} MiB", MAX_FILE_BYTES >> 20));
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let text = decode(&bytes).map_err(|not_text| not_text.to_string())?;
    Ok(Some(Arc::new(Parsed::new(path.as_str(), Text::new(text)))))
}

/// A path as people write it: relative to the current directory where it is below it.
pub(crate) fn readable(path: &Utf8Path) -> &str {
    path.strip_prefix("./").unwrap_or(path).as_str()
}
