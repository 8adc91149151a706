//! Why the work tree could not become a commit, or not be served.

use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

/// The session's source failed. The user's repository is as it was, and the last commit is still served.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no `git` to start.
    #[error("git could not be started: {0}; a session on a Flux repository needs it on the PATH")]
    NoGit(#[source] io::Error),
    /// It is older than what is used of it.
    #[error("git {found} is too old: a session on a Flux repository needs {needed} or newer")]
    OldGit {
        /// Its version as it says it.
        found: String,
        /// The oldest version that will do.
        needed: &'static str,
    },
    /// A call failed.
    #[error("git {command} failed: {message}")]
    Git {
        /// The subcommand.
        command: String,
        /// What it said on standard error, cut to its last lines.
        message: String,
    },
    /// A call took too long, and was ended.
    #[error("git {command} was ended after {} s", limit.as_secs())]
    TooSlow {
        /// The subcommand.
        command: String,
        /// The time that it had.
        limit: Duration,
    },
    /// A call had more to say than is read.
    #[error("git {command} said more than {limit} bytes; are there files that .gitignore should name?")]
    TooMuch {
        /// The subcommand.
        command: String,
        /// How much is read.
        limit: u64,
    },
    /// More files would have to be read than the limits allow.
    #[error("{files} files are new or changed, more than {limit}{}; name in .gitignore what does not belong", most_in(hint.as_deref()))]
    TooManyFiles {
        /// How many there are.
        files: usize,
        /// How many may be.
        limit: usize,
        /// The directory that most of them are in, relative to the root.
        hint: Option<String>,
    },
    /// More bytes would have to be read than the limits allow.
    #[error("new and changed files have {bytes} bytes, more than {limit}{}; name in .gitignore what does not belong", most_in(hint.as_deref()))]
    TooManyBytes {
        /// How many there are.
        bytes: u64,
        /// How many may be.
        limit: u64,
        /// The directory that most of them are in, relative to the root.
        hint: Option<String>,
    },
    /// Files changed again and again while they were read.
    #[error("the files changed while they were read, {attempts} times; the last attempt said: {last}")]
    Restless {
        /// How often it was tried.
        attempts: usize,
        /// What went wrong the last time.
        last: String,
    },
    /// The server of the source cannot be reached any more, and has to be started again.
    #[error(
        "the session's source at port {port} was cut off: {error}; Flux cannot fetch what is saved until it is back"
    )]
    CutOff {
        /// Where it listened.
        port: u16,
        /// What the operating system says.
        #[source]
        error: io::Error,
    },
    /// A file or directory of the session's own, or the work tree itself, cannot be used.
    #[error("{path}: {error}")]
    Io {
        /// Which one.
        path: Utf8PathBuf,
        /// What the operating system says.
        #[source]
        error: io::Error,
    },
}

impl SourceError {
    pub(crate) fn io(path: &Utf8Path, error: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            error,
        }
    }
}

fn most_in(hint: Option<&str>) -> String {
    hint.map(|directory| format!(", most of them in {directory}"))
        .unwrap_or_default()
}
