//! A look at the files that Git says are new, changed or gone, before it is let read them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::error::SourceError;
use super::git::path_of;
use super::limits::Limits;

/// Why a file of the work tree is not in the commit though no rule ignores it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LeftOut {
    /// It cannot be read, in the operating system's words.
    Unreadable(String),
    /// It is larger than a single file may be; the number of its bytes.
    TooLarge(u64),
    /// It is neither a file nor a directory nor a symbolic link.
    NotAFile,
    /// The directory is a repository of its own, which Git would not look into either.
    Repository,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(formatter, "it cannot be read: {why}"),
            Self::TooLarge(bytes) => write!(formatter, "it has {bytes} bytes, more than a file of a source may have"),
            Self::NotAFile => formatter.write_str("it is no file"),
            Self::Repository => formatter.write_str("it is a repository of its own"),
        }
    }
}

/// What is to be done with the files.
#[derive(Debug, Default)]
pub(crate) struct Examined {
    /// Names that the index is to take from the work tree; those that are gone by then it drops.
    pub(crate) take: Vec<Vec<u8>>,
    /// Names that the index is to drop whatever is in the work tree.
    pub(crate) drop: Vec<Vec<u8>>,
    /// What is left out, and why.
    pub(crate) left_out: BTreeMap<Vec<u8>, LeftOut>,
}

/// Looks at each of `names`, relative to `root`, and no further than its metadata and whether it can be opened.
pub(crate) fn examine(root: &Path, names: BTreeSet<Vec<u8>>, limits: &Limits) -> Result<Examined, SourceError> {
    if names.len() > limits.files {
        return Err(SourceError::TooManyFiles {
            files: names.len(),
            limit: limits.files,
            hint: heaviest(names.iter().map(|name| (name.as_slice(), 1))),
        });
    }
    let mut examined = Examined::default();
    let mut sizes: Vec<(Vec<u8>, u64)> = Vec::new();
    let mut links = Links::new(root);
    for name in names {
        match look(root, &name, &mut links, limits) {
            Look::Take(bytes) => {
                if bytes > 0 {
                    sizes.push((name.clone(), bytes));
                }
                examined.take.push(name);
            }
            Look::Drop => examined.drop.push(name),
            Look::LeaveOut(why) => {
                // It may be in the index as it was before; that would be stale.
                if why != LeftOut::Repository {
                    examined.drop.push(name.clone());
                }
                examined.left_out.insert(name, why);
            }
        }
    }
    let bytes: u64 = sizes.iter().map(|(_, bytes)| bytes).sum();
    if bytes > limits.bytes {
        return Err(SourceError::TooManyBytes {
            bytes,
            limit: limits.bytes,
            hint: heaviest(sizes.iter().map(|(name, bytes)| (name.as_slice(), *bytes))),
        });
    }
    Ok(examined)
}

enum Look {
    Take(u64),
    Drop,
    LeaveOut(LeftOut),
}

/// Which directories are behind a symbolic link. Names come in their order, so the last answer mostly holds again.
struct Links<'a> {
    root: &'a Path,
    last: (PathBuf, bool),
}

impl<'a> Links<'a> {
    fn new(root: &'a Path) -> Self {
        Self {
            root,
            last: (PathBuf::new(), false),
        }
    }

    fn lead_to(&mut self, directory: &Path) -> bool {
        if self.last.0 != directory {
            let is_link = |ancestor: &Path| self.root.join(ancestor).is_symlink();
            let leads = directory
                .ancestors()
                .filter(|ancestor| !ancestor.as_os_str().is_empty())
                .any(is_link);
            self.last = (directory.to_owned(), leads);
        }
        self.last.1
    }
}

fn look(root: &Path, name: &[u8], links: &mut Links<'_>, limits: &Limits) -> Look {
    // Git ends the name of a directory that it does not look into with a slash.
    if name.ends_with(b"/") {
        return Look::LeaveOut(LeftOut::Repository);
    }
    let Some(relative) = path_of(name) else {
        return Look::LeaveOut(LeftOut::Unreadable(
            "its name is none of this operating system".to_owned(),
        ));
    };
    let path = root.join(&relative);
    // Git refuses to look behind a link: what once was below a directory of this name is not there any more.
    let is_behind_a_link = relative.parent().is_some_and(|directory| links.lead_to(directory));
    if is_behind_a_link {
        return Look::Drop;
    }
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) => return unless_gone(&error),
    };
    let kind = metadata.file_type();
    if kind.is_symlink() || kind.is_dir() {
        // A directory stands where a file was, or is a submodule.
        return Look::Take(0);
    }
    if !kind.is_file() {
        return Look::LeaveOut(LeftOut::NotAFile);
    }
    if metadata.len() > limits.file_bytes {
        return Look::LeaveOut(LeftOut::TooLarge(metadata.len()));
    }
    match File::open(&path) {
        Ok(_) => Look::Take(metadata.len()),
        Err(error) => unless_gone(&error),
    }
}

fn unless_gone(error: &io::Error) -> Look {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Look::Drop,
        _ => Look::LeaveOut(LeftOut::Unreadable(error.to_string())),
    }
}

/// The directory at the top that weighs most, for a hint to people.
fn heaviest<'a>(weights: impl Iterator<Item = (&'a [u8], u64)>) -> Option<String> {
    let mut directories: BTreeMap<&[u8], u64> = BTreeMap::new();
    for (name, weight) in weights {
        let mut parts = name.splitn(2, |byte| *byte == b'/');
        if let (Some(directory), Some(_)) = (parts.next(), parts.next()) {
            *directories.entry(directory).or_default() += weight;
        }
    }
    let (directory, _) = directories.into_iter().max_by_key(|(_, weight)| *weight)?;
    Some(String::from_utf8_lossy(directory).into_owned())
}
