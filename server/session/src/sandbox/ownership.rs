//! Which process owns a sandbox's directory, and what happens to one that nobody owns.
//!
//! The owner holds a lock on a file in the directory. The kernel gives the lock up when the owner ends, however it
//! ends; so a directory whose lock can be had is stale. No process id is ever trusted, since ids are used again.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::name::is_valid_name;
use super::state_directory::{StateDirectory, make_private_directory, open_private_file};

const LOCK_FILE: &str = "lock";
/// Held for the moments in which directories appear, disappear or are looked at.
const GUARD_FILE: &str = ".guard";
const LEAVING_PREFIX: &str = ".leaving-";

/// A sandbox's directory, owned by this process. Dropping it removes the directory.
#[derive(Debug)]
pub(crate) struct OwnedDirectory {
    path: Utf8PathBuf,
    sandboxes: Utf8PathBuf,
    _lock: File,
}

/// Why a directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClaimError {
    #[error("a sandbox named {0} is running already")]
    InUse(String),
    #[error(
        "{0:?} cannot be the name of a sandbox: it must be lowercase letters, digits and dashes, at most 63 of them"
    )]
    Name(String),
    #[error("{path}: {error}")]
    Io { path: Utf8PathBuf, error: io::Error },
}

/// Makes the directory of the sandbox `name`, after the remains of an earlier one are gone.
pub(crate) fn claim(state: &StateDirectory, name: &str) -> Result<OwnedDirectory, ClaimError> {
    if !is_valid_name(name) {
        return Err(ClaimError::Name(name.to_owned()));
    }
    let sandboxes = state.sandboxes();
    let path = sandboxes.join(name);
    let io = |error| ClaimError::Io {
        path: path.clone(),
        error,
    };
    make_private_directory(state.path()).map_err(io)?;
    make_private_directory(&sandboxes).map_err(io)?;
    let _guard = guard(&sandboxes).map_err(io)?;
    if path.exists() {
        match hold(&path).map_err(io)? {
            None => return Err(ClaimError::InUse(name.to_owned())),
            Some(_stale) => remove_under_guard(&sandboxes, &path).map_err(io)?,
        }
    }
    make_private_directory(&path).map_err(io)?;
    let lock = hold(&path)
        .map_err(io)?
        .ok_or_else(|| ClaimError::InUse(name.to_owned()))?;
    Ok(OwnedDirectory {
        path,
        sandboxes,
        _lock: lock,
    })
}

/// Calls `look` with every sandbox's directory and whether somebody owns it, while none appears or disappears.
pub(crate) fn for_each_directory(state: &StateDirectory, mut look: impl FnMut(&Utf8Path, bool)) -> io::Result<()> {
    let sandboxes = state.sandboxes();
    if !sandboxes.is_dir() {
        return Ok(());
    }
    let _guard = guard(&sandboxes)?;
    for directory in directories(&sandboxes)? {
        let owned = hold(&directory)?.is_none();
        look(&directory, owned);
    }
    Ok(())
}

/// Removes every directory that nobody owns, and says their names.
pub(crate) fn sweep(state: &StateDirectory) -> io::Result<Vec<String>> {
    let sandboxes = state.sandboxes();
    if !sandboxes.is_dir() {
        return Ok(Vec::new());
    }
    let mut swept = Vec::new();
    {
        let _guard = guard(&sandboxes)?;
        for directory in directories(&sandboxes)? {
            if hold(&directory)?.is_some() && remove_under_guard(&sandboxes, &directory).is_ok() {
                swept.extend(directory.file_name().map(str::to_owned));
            }
        }
    }
    // What an earlier removal did not finish, for example because a process was still writing.
    for entry in sandboxes.read_dir_utf8()?.flatten() {
        if entry.file_name().starts_with(LEAVING_PREFIX) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(swept)
}

impl OwnedDirectory {
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }
}

impl Drop for OwnedDirectory {
    fn drop(&mut self) {
        let removed = guard(&self.sandboxes).and_then(|_guard| remove_under_guard(&self.sandboxes, &self.path));
        if let Err(error) = removed {
            tracing::warn!(directory = %self.path, %error, "a sandbox's directory stays until the next start");
        }
    }
}

/// Takes the directory out of sight first: what is found under its name is whole, or not there.
fn remove_under_guard(sandboxes: &Utf8Path, directory: &Utf8Path) -> io::Result<()> {
    let name = directory.file_name().unwrap_or_default();
    let mut attempt = 0;
    let leaving = loop {
        let leaving = sandboxes.join(format!("{LEAVING_PREFIX}{name}-{}-{attempt}", std::process::id()));
        if !leaving.exists() {
            break leaving;
        }
        attempt += 1;
    };
    match std::fs::rename(directory, &leaving) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // Windows refuses while a file in it is open.
        Err(_) => return std::fs::remove_dir_all(directory),
    }
    // A process that is just ending may still write; the next sweep takes what is left then.
    let _ = std::fs::remove_dir_all(&leaving);
    Ok(())
}

fn directories(sandboxes: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
    let mut directories: Vec<Utf8PathBuf> = sandboxes
        .read_dir_utf8()?
        .flatten()
        .filter(|entry| is_valid_name(entry.file_name()))
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path().to_owned())
        .collect();
    directories.sort();
    Ok(directories)
}

/// The lock on a sandbox's directory, or `None` when another process has it.
fn hold(directory: &Utf8Path) -> io::Result<Option<File>> {
    let file = open_lock(&directory.join(LOCK_FILE))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn guard(sandboxes: &Utf8Path) -> io::Result<File> {
    let file = open_lock(&sandboxes.join(GUARD_FILE))?;
    file.lock()?;
    Ok(file)
}

fn open_lock(path: &Utf8Path) -> io::Result<File> {
    open_private_file(
        path,
        OpenOptions::new().read(true).write(true).create(true).truncate(false),
    )
}
