//! Calls of the program `git`, each bounded in time and in what it may say.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::error::SourceError;

/// A list of 100,000 names of 200 bytes each, and some room.
const LONGEST_OUTPUT: u64 = 32 * 1024 * 1024;

/// What is kept of standard error.
const LONGEST_COMPLAINT: u64 = 16 * 1024;

/// How many lines of it are told.
const COMPLAINT_LINES: usize = 5;

/// The oldest version whose options and variables are used (`GIT_CONFIG_GLOBAL`).
const OLDEST: (u32, u32) = (2, 32);
const OLDEST_SAID: &str = "2.32";

/// What `git` needs of the user's environment: to be found, to find its own parts and the user's ignore rules.
/// Everything else is left out, above all `GIT_*`, which an editor started from a hook of Git would hand down.
const INHERITED: [&str; 13] = [
    "PATH",
    "PATHEXT",
    "HOME",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "XDG_CONFIG_HOME",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "COMSPEC",
    "LD_LIBRARY_PATH",
];

/// Settings that no call of ours takes from anybody: nothing but `git` itself is run, and nothing tidies up.
const ALWAYS: [&str; 12] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.fsync=none",
    "core.quotePath=false",
    "core.safecrlf=false",
    "commit.gpgSign=false",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "index.threads=1",
    "safe.directory=*",
    "advice.addEmbeddedRepo=false",
];

/// Where `git` is, once it is found. A program that is looked for in the `PATH` of an environment of its own is started by a
/// copy of this whole process first (`fork`), which of a large workspace takes longer than what most calls do.
fn program() -> &'static OsStr {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return found.as_os_str();
    }
    let name = format!("git{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|directory| directory.join(&name))
        .find(|file| file.is_absolute() && is_program(file));
    // One that is not there may be installed while we run.
    found.map_or(OsStr::new("git"), |found| FOUND.get_or_init(|| found).as_os_str())
}

fn is_program(file: &Path) -> bool {
    let Ok(metadata) = file.metadata() else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    metadata.is_file()
}

/// A `git` with nothing of the user's in its environment but what it needs to work, that never asks anybody anything.
pub(crate) fn command(directory: &Utf8Path) -> Command {
    let mut command = Command::new(program());
    command
        .current_dir(directory)
        .env_clear()
        .envs(
            INHERITED
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        // Its words are shown to people, and looked at by nobody else; but in one language.
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .kill_on_drop(true);
    for setting in ALWAYS {
        command.args(["-c", setting]);
    }
    // Ctrl-C in a terminal is for us.
    #[cfg(unix)]
    command.process_group(0);
    command
}

/// Takes the user's configuration away from a call that works on the session's own repository.
pub(crate) fn without_user_configuration(command: &mut Command) {
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_ATTR_NOSYSTEM", "1");
}

/// What a call said.
pub(crate) struct Said {
    /// Its standard output.
    pub(crate) output: Vec<u8>,
    /// The last lines of its standard error.
    pub(crate) complaint: String,
    /// Its exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
}

impl Said {
    /// Its output as text without the last newline.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).trim_end().to_owned()
    }

    /// The parts of an output that ends each with a zero byte.
    pub(crate) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.output.split(|byte| *byte == 0).filter(|name| !name.is_empty())
    }
}

/// One call, before it is made.
pub(crate) struct Call {
    command: Command,
    name: String,
    input: Vec<u8>,
    limit: Duration,
}

impl Call {
    /// `git NAME ARGUMENTS…` with what `command` holds already.
    pub(crate) fn new<A: AsRef<OsStr>>(
        mut command: Command,
        name: &str,
        arguments: impl IntoIterator<Item = A>,
        limit: Duration,
    ) -> Self {
        command.arg(name).args(arguments);
        Self {
            command,
            name: name.to_owned(),
            input: Vec::new(),
            limit,
        }
    }

    /// With this on its standard input.
    pub(crate) fn input(mut self, input: Vec<u8>) -> Self {
        self.input = input;
        self
    }

    /// With one more variable in its environment.
    pub(crate) fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    /// Makes it; any exit code is an answer.
    pub(crate) async fn ask(mut self) -> Result<Said, SourceError> {
        let said = tokio::time::timeout(self.limit, self.converse()).await;
        said.map_err(|_| SourceError::TooSlow {
            command: self.name.clone(),
            limit: self.limit,
        })?
    }

    /// Makes it; an exit code other than 0 is an error.
    pub(crate) async fn run(self) -> Result<Said, SourceError> {
        let name = self.name.clone();
        let said = self.ask().await?;
        if said.code == Some(0) {
            return Ok(said);
        }
        let message = match (said.complaint.is_empty(), said.code) {
            (false, _) => said.complaint,
            (true, Some(code)) => format!("it ended with exit code {code} and said nothing"),
            (true, None) => "a signal ended it".to_owned(),
        };
        Err(SourceError::Git { command: name, message })
    }

    /// A directory that is gone and a program that is not there are the same error to the operating system.
    fn not_started(&self, error: io::Error) -> SourceError {
        let directory = self.command.as_std().get_current_dir().and_then(Utf8Path::from_path);
        match directory {
            Some(directory) if !directory.exists() => SourceError::io(directory, error),
            _ => SourceError::NoGit(error),
        }
    }

    async fn converse(&mut self) -> Result<Said, SourceError> {
        self.command
            .stdin(if self.input.is_empty() {
                Stdio::null()
            } else {
                Stdio::piped()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.command.spawn().map_err(|error| self.not_started(error))?;
        let input = std::mem::take(&mut self.input);
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let write = async {
            if let Some(mut stdin) = stdin {
                // One that ends before it has read everything says why on standard error.
                let _ = stdin.write_all(&input).await;
            }
        };
        let (output, complaint, ()) = tokio::join!(read_bounded(stdout, LONGEST_OUTPUT), read_complaint(stderr), write);
        let (output, is_whole) = output;
        if !is_whole {
            return Err(SourceError::TooMuch {
                command: self.name.clone(),
                limit: LONGEST_OUTPUT,
            });
        }
        let status = child.wait().await.map_err(SourceError::NoGit)?;
        Ok(Said {
            output,
            complaint: last_lines(&complaint),
            code: status.code(),
        })
    }
}

/// Reads to the end, but at most `limit` bytes, and says whether that was all. What cannot be read any more has ended.
/// A stream that is too long is closed, so that its writer ends.
async fn read_bounded(stream: Option<impl AsyncRead + Unpin>, limit: u64) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let Some(stream) = stream else {
        return (bytes, true);
    };
    let _ = stream.take(limit + 1).read_to_end(&mut bytes).await;
    let is_whole = u64::try_from(bytes.len()).is_ok_and(|length| length <= limit);
    (bytes, is_whole)
}

/// Reads to the end, and keeps the beginning: a program that complains at length has not failed for that.
pub(crate) async fn read_complaint(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        let _ = (&mut stream).take(LONGEST_COMPLAINT).read_to_end(&mut bytes).await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
    bytes
}

pub(crate) fn last_lines(complaint: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let first = lines.len().saturating_sub(COMPLAINT_LINES);
    lines.get(first..).unwrap_or_default().join("\n")
}

/// Sees to it that there is a `git` that can do what is asked of it.
pub(crate) async fn check_version(directory: &Utf8Path, limit: Duration) -> Result<(), SourceError> {
    let said = Call::new(command(directory), "version", [""; 0], limit)
        .run()
        .await?
        .text();
    let version = said.strip_prefix("git version ").unwrap_or(&said);
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
    let found = numbers.next().flatten().zip(numbers.next().flatten());
    // One that cannot be read is some build of a developer's, and new.
    if found.is_some_and(|found| found < OLDEST) {
        return Err(SourceError::OldGit {
            found: version.to_owned(),
            needed: OLDEST_SAID,
        });
    }
    Ok(())
}

/// A name as Git says it, as a path. `None` for one that this system cannot have.
#[cfg_attr(
    unix,
    expect(clippy::unnecessary_wraps, reason = "elsewhere not every name is a path")
)]
pub(crate) fn path_of(name: &[u8]) -> Option<std::path::PathBuf> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        Some(std::path::PathBuf::from(OsStr::from_bytes(name)))
    }
    #[cfg(not(unix))]
    std::str::from_utf8(name).ok().map(std::path::PathBuf::from)
}

/// A path that Git said, as a path of ours.
pub(crate) fn utf8_path(text: &str) -> Result<Utf8PathBuf, SourceError> {
    if text.is_empty() {
        let error = io::Error::new(io::ErrorKind::InvalidData, "git named no path");
        return Err(SourceError::io(Utf8Path::new("."), error));
    }
    Ok(Utf8PathBuf::from(text))
}
