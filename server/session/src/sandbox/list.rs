//! The sandboxes of this user: which run, which are remains.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::bundle::FluxVersions;
use super::ownership;
use super::state_directory::{StateDirectory, write_private_file};

const RECORD_FILE: &str = "sandbox.json";

/// What a sandbox says about itself, for other processes to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    pub(crate) server: String,
    pub(crate) kubernetes_version: String,
    /// RFC 3339, UTC.
    pub(crate) started: String,
    pub(crate) pid: u32,
    pub(crate) root: Option<Utf8PathBuf>,
    pub(crate) ready: bool,
    #[serde(default)]
    pub(crate) flux: Option<FluxVersions>,
}

/// One sandbox of this user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it can be used.
    pub state: SandboxState,
    /// Its kubeconfig.
    pub kubeconfig: Utf8PathBuf,
    /// The URL of its API server.
    pub server: String,
    /// The version of its API server, for example `v1.36.3`.
    pub kubernetes_version: String,
    /// When it was started: RFC 3339, UTC.
    pub started: String,
    /// The process that owns it, or did. Only to be shown: ids are used again.
    pub pid: u32,
    /// The workspace it was started for.
    pub root: Option<Utf8PathBuf>,
    /// Flux, when it runs there.
    pub flux: Option<FluxVersions>,
    /// Whether it stays up until `sandbox down`, so that sessions may come and go in it.
    pub kept: bool,
}

/// What state a sandbox is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxState {
    /// Its owner is bringing it up.
    Starting,
    /// It can be used.
    Running,
    /// Its owner is gone and so are its processes; the directory is removed by the next start.
    Stale,
}

/// All sandboxes under `state`, by name.
pub fn list(state: &StateDirectory) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    ownership::for_each_directory(state, |directory, owned| {
        entries.push(entry(directory, owned));
    })?;
    Ok(entries)
}

/// Removes the remains of sandboxes whose owners are gone, and says their names. A start does this too.
pub fn sweep(state: &StateDirectory) -> io::Result<Vec<String>> {
    ownership::sweep(state)
}

fn entry(directory: &Utf8Path, owned: bool) -> Entry {
    // An owner that has only just begun has written none yet.
    let record = read(directory).unwrap_or_else(|| Record {
        server: String::new(),
        kubernetes_version: String::new(),
        started: String::new(),
        pid: 0,
        root: None,
        ready: false,
        flux: None,
    });
    Entry {
        name: directory.file_name().unwrap_or_default().to_owned(),
        state: match (owned, record.ready) {
            (false, _) => SandboxState::Stale,
            (true, false) => SandboxState::Starting,
            (true, true) => SandboxState::Running,
        },
        kubeconfig: directory.join("kubeconfig"),
        server: record.server,
        kubernetes_version: record.kubernetes_version,
        started: record.started,
        pid: record.pid,
        root: record.root,
        flux: record.flux,
        kept: super::control::is_kept(directory),
    }
}

pub(crate) fn write(directory: &Utf8Path, record: &Record) -> io::Result<()> {
    let text = serde_json::to_string_pretty(record).map_err(io::Error::other)?;
    write_private_file(&directory.join(RECORD_FILE), &text)
}

fn read(directory: &Utf8Path) -> Option<Record> {
    let text = std::fs::read_to_string(directory.join(RECORD_FILE)).ok()?;
    serde_json::from_str(&text).ok()
}
