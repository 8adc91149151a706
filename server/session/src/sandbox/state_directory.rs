//! Where sandboxes live on disk, readable by their owner only.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};

/// The environment variable that names the state directory, before all other places.
pub const STATE_DIRECTORY_VARIABLE: &str = "GITOPS_LSP_STATE_DIR";

/// The directory in which this program keeps its state between runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDirectory {
    path: Utf8PathBuf,
}

/// No state directory can be told for this user.
#[derive(Debug, thiserror::Error)]
#[error("there is no place for state: set {STATE_DIRECTORY_VARIABLE} to a directory of yours")]
pub struct NoStateDirectory;

impl StateDirectory {
    /// The user's: [`STATE_DIRECTORY_VARIABLE`], else the place that the operating system has for such things.
    pub fn find() -> Result<Self, NoStateDirectory> {
        let path = state_path(
            |name| std::env::var(name).ok().filter(|value| !value.is_empty()),
            std::env::consts::OS,
        )
        .ok_or(NoStateDirectory)?;
        Ok(Self::at(&path))
    }

    /// The one at `path`; it is created when it is needed.
    pub fn at(path: &Utf8Path) -> Self {
        let path = camino::absolute_utf8(path).unwrap_or_else(|_| path.to_owned());
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// A small file of the user's own in it; `None` where there is none, or where it is larger than `limit` bytes.
    pub(crate) fn read(&self, name: &str, limit: u64) -> Option<String> {
        let path = self.path.join(name);
        let is_small = std::fs::metadata(&path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= limit);
        is_small.then(|| std::fs::read_to_string(&path).ok()).flatten()
    }

    /// Writes a file of the user's own in it.
    pub(crate) fn write(&self, name: &str, content: &str) -> io::Result<()> {
        make_private_directory(&self.path)?;
        write_private_file(&self.path.join(name), content)
    }

    /// The parent of all sandboxes' directories.
    pub(crate) fn sandboxes(&self) -> Utf8PathBuf {
        self.path.join("sandboxes")
    }

    /// The parent of all prepared etcd directories.
    pub(crate) fn prepared(&self) -> Utf8PathBuf {
        self.path.join("prepared")
    }

    /// What keepers write about themselves.
    pub(crate) fn logs(&self) -> Utf8PathBuf {
        self.path.join("logs")
    }
}

fn state_path(variable: impl Fn(&str) -> Option<String>, operating_system: &str) -> Option<Utf8PathBuf> {
    if let Some(path) = variable(STATE_DIRECTORY_VARIABLE) {
        return Some(Utf8PathBuf::from(path));
    }
    let home = || variable("HOME").map(Utf8PathBuf::from);
    let parent = match operating_system {
        "windows" => variable("LOCALAPPDATA").map(Utf8PathBuf::from)?,
        "macos" => home()?.join("Library").join("Application Support"),
        _ => variable("XDG_STATE_HOME")
            .map(Utf8PathBuf::from)
            // The specification says that a relative path there is to be ignored.
            .filter(|path| path.is_absolute())
            .or_else(|| Some(home()?.join(".local").join("state")))?,
    };
    Some(parent.join("gitops-lsp"))
}

/// Makes `path` and its missing parents, and takes it from everybody but the owner.
pub(crate) fn make_private_directory(path: &Utf8Path) -> io::Result<()> {
    make_private(path, DirBuilder::new().recursive(true))
}

/// Makes `path` in a directory that is there. One that is gone is not made again: a sandbox that ends takes its directory
/// with it, whoever is still at work in it.
pub(crate) fn make_private_directory_inside(path: &Utf8Path) -> io::Result<()> {
    make_private(path, &mut DirBuilder::new())
}

fn make_private(path: &Utf8Path, builder: &mut DirBuilder) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        builder.mode(0o700);
        create(path, builder)?;
        let mode = std::fs::metadata(path)?.permissions().mode();
        if mode & 0o077 != 0 {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
        }
    }
    // Elsewhere the user's profile, in which the directory is, belongs to that user alone.
    #[cfg(not(unix))]
    create(path, builder)?;
    Ok(())
}

fn create(path: &Utf8Path, builder: &DirBuilder) -> io::Result<()> {
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        created => created,
    }
}

/// Opens `path` for writing, for the owner's eyes only.
pub(crate) fn open_private_file(path: &Utf8Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Writes a file for the owner's eyes only; a reader sees the old content or the new, never a part.
pub(crate) fn write_private_file(path: &Utf8Path, content: &str) -> io::Result<()> {
    let draft = Utf8PathBuf::from(format!("{path}.draft-{}", std::process::id()));
    let written = open_private_file(&draft, OpenOptions::new().write(true).create(true).truncate(true))
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .and_then(|()| std::fs::rename(&draft, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    written
}
