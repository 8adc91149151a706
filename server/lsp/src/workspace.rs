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
    let walk = walk(path, path);
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

/// The YAML files that [`read_target`] would read in `part` of a target, which may be a directory or one file.
///
/// Walks from the target down to `part`, because what is left out is told by the directories on the way.
pub(crate) fn files_of(target: &Utf8Path, part: &Utf8Path) -> Vec<Utf8PathBuf> {
    walk(target, part)
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter_map(|entry| Utf8PathBuf::from_path_buf(entry.into_path()).ok())
        .filter(|path| is_yaml(path))
        .take(MAX_FILES)
        .collect()
}

/// The files, of whatever kind, of `part` of the tree below a root: a directory or one file.
pub(crate) fn all_files_of(root: &Utf8Path, part: &Utf8Path) -> Vec<Utf8PathBuf> {
    let part = part.to_owned();
    WalkBuilder::new(root)
        .follow_links(false)
        .require_git(false)
        .hidden(false)
        .filter_entry(move |entry| {
            let path = entry.path();
            let on_the_way = part.as_std_path().starts_with(path) || path.starts_with(part.as_std_path());
            on_the_way && entry.file_name() != ".git"
        })
        .build()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter_map(|entry| Utf8PathBuf::from_path_buf(entry.into_path()).ok())
        .take(MAX_FILES)
        .collect()
}

fn walk(target: &Utf8Path, part: &Utf8Path) -> ignore::Walk {
    let part = part.to_owned();
    WalkBuilder::new(target)
        .follow_links(false)
        .require_git(false)
        .sort_by_file_path(std::cmp::Ord::cmp)
        .filter_entry(move |entry| {
            let path = entry.path();
            let on_the_way = part.as_std_path().starts_with(path) || path.starts_with(part.as_std_path());
            let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
            on_the_way && !(is_directory && path.join("Chart.yaml").is_file())
        })
        .build()
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
    let text = Text::new(text);
    Ok(Some(Arc::new(if is_yaml(path) || path.extension().is_none() {
        Parsed::new(path.as_str(), text)
    } else {
        Parsed::of_another_language(text)
    })))
}

/// A path as people write it: relative to the current directory where it is below it.
pub(crate) fn readable(path: &Utf8Path) -> &str {
    path.strip_prefix("./").unwrap_or(path).as_str()
}
