//! One running component: its process, its lifeline and its log.

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use tokio::process::{Child, ChildStdin, Command};

use super::component::{Component, Launch};
use super::logs::tail;
use super::ports;
use super::state_directory::open_private_file;

/// Tells the programs of the bundle to end when their standard input does.
const LIFELINE_VARIABLE: &str = "GITOPS_LSP_LIFELINE";

/// How long the kernel gets to end a killed process before its remains are left to the next start. A server that goes waits
/// for four seconds in all, and what is left of a sandbox has to be taken out of sight within them.
const KILL_DEADLINE: Duration = Duration::from_secs(2);

/// Enough to need space of its own on any file system.
const PROBE_BYTES: usize = 256 * 1024;

/// A running component. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) component: Component,
    child: Child,
    /// Never written to. When it is closed, by whatever ends this process, the child ends too.
    lifeline: Option<ChildStdin>,
    log: Utf8PathBuf,
}

/// A component ended without being told to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Which one.
    pub component: Component,
    /// How it ended, for example `exit status: 1`.
    pub status: String,
    /// The last lines of its log, at most 20.
    pub log_tail: Vec<String>,
    /// What is wrong with the directory that it works in: a component on a full disk cannot even log why it ended.
    pub cause: Option<String>,
}

impl fmt::Display for Exit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ended ({})", self.component, self.status)?;
        match &self.cause {
            Some(cause) => write!(formatter, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl Exit {
    /// Whether it ended because somebody else has the port that it was told to listen on.
    pub(crate) fn is_port_clash(&self) -> bool {
        (self.component == Component::ApiServer || self.component.is_flux())
            && self.log_tail.iter().any(|line| ports::is_taken(line))
    }
}

/// Starts `component` in `directory`, its output going to the file `log`.
pub(crate) fn spawn(
    component: Component,
    launch: &Launch,
    directory: &Utf8Path,
    log: &Utf8Path,
) -> io::Result<Process> {
    let output = open_private_file(log, OpenOptions::new().append(true).create(true))?;
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.arguments)
        .current_dir(directory)
        // Variables of the user's configure etcd (ETCD_*), proxies and Go itself; none of them is meant for us.
        .env_clear()
        .env(LIFELINE_VARIABLE, "stdin")
        .env("HOME", directory)
        .stdin(Stdio::piped())
        .stdout(output.try_clone()?)
        .stderr(output)
        .kill_on_drop(true);
    for name in ["PATH", "TMPDIR", "SYSTEMROOT", "TEMP", "TMP"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    for (name, value) in &launch.environment {
        command.env(name, value);
    }
    // Ctrl-C in a terminal is for us; we end the components ourselves.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    // Waiting for a child closes the input that it holds; the lifeline must outlast that.
    let lifeline = child.stdin.take();
    Ok(Process {
        component,
        child,
        lifeline,
        log: log.to_owned(),
    })
}

impl Process {
    /// Waits until the process has ended. May be dropped and called again.
    pub(crate) async fn exit(&mut self) -> Exit {
        let status = self.child.wait().await;
        self.describe(status)
    }

    fn describe(&self, status: io::Result<ExitStatus>) -> Exit {
        Exit {
            component: self.component,
            status: status.map_or_else(|error| error.to_string(), |status| status.to_string()),
            log_tail: tail(&self.log),
            cause: self.log.parent().and_then(cannot_be_written),
        }
    }

    /// The process's id, while it runs.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Makes it end, without waiting.
    ///
    /// Flux's controllers are children of what holds them. That one ends them first and then itself when its lifeline is
    /// cut, so that nothing is left once it is gone. Killed, it could not do that, and not every kernel does it then.
    pub(crate) fn start_kill(&mut self) {
        if self.component.is_flux() {
            self.lifeline = None;
        } else {
            self.start_kill_now();
        }
    }

    fn start_kill_now(&mut self) {
        // It fails only for a process that has ended.
        let _ = self.child.start_kill();
    }

    /// Ends it and waits for that.
    pub(crate) async fn kill(&mut self) {
        self.start_kill();
        if tokio::time::timeout(KILL_DEADLINE, self.child.wait()).await.is_err() {
            self.start_kill_now();
        }
    }

    /// Whether it has ended; asked, not awaited, by what cannot wait.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

/// Kills all of them and waits until they are gone, in code that cannot await.
pub(crate) fn kill_all_blocking(processes: &mut [Process]) {
    for process in processes.iter_mut() {
        process.start_kill();
    }
    let started = std::time::Instant::now();
    while started.elapsed() < KILL_DEADLINE && !processes.iter_mut().all(Process::has_ended) {
        std::thread::sleep(Duration::from_millis(1));
    }
    for process in processes.iter_mut() {
        process.start_kill_now();
    }
}

/// Why no file can be written in `directory`, if none can. Not what the first failing write said, but true just now.
fn cannot_be_written(directory: &Utf8Path) -> Option<String> {
    let probe = directory.join("probe");
    let written = std::fs::write(&probe, vec![1; PROBE_BYTES]);
    let _ = std::fs::remove_file(&probe);
    written.err().map(|error| format!("{directory}: {error}"))
}
