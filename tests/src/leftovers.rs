//! What a server leaves behind: processes and directories. It should be nothing.

use std::process::Command;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};

use crate::message_log::PATIENCE;

/// A process that has something to do with a directory.
#[derive(Debug)]
pub struct Process {
    /// Its id.
    pub id: u32,
    /// Its command line, arguments separated by blanks.
    pub command: String,
}

/// The processes whose command line, environment or working directory leads into `directory`, this one left out.
///
/// Empty where there is no `/proc`: there nothing can be told.
pub fn processes(directory: &Utf8Path) -> Vec<Process> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if id == std::process::id() {
            continue;
        }
        let read = |name: &str| {
            std::fs::read(entry.path().join(name))
                .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
                .unwrap_or_default()
        };
        let command = read("cmdline");
        let works_in = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        // A process that has ended and waits for its parent to notice has no command line.
        if !command.is_empty()
            && (command.contains(directory.as_str())
                || works_in.starts_with(directory)
                || read("environ").contains(directory.as_str()))
        {
            found.push(Process { id, command });
        }
    }
    found
}

/// The processes that a process has started and that still run.
pub fn children(parent: u32) -> Vec<Process> {
    let directories = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = directories.filter_map(|entry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        // proc_pid_stat(5): the name in brackets, the state, the parent.
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let of: u32 = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        (of == parent).then_some(Process { id, command })
    });
    all.collect()
}

/// The process of a component of the sandbox under `state`, once it runs: one that was just ended may be on its way back.
pub fn component(state: &Utf8Path, name: &str) -> Process {
    let word = format!(" {name} ");
    let is_it = |process: &Process| format!(" {} ", process.command.replace('/', " / ")).contains(&word);
    let started = Instant::now();
    loop {
        if let Some(process) = processes(state).into_iter().find(is_it) {
            return process;
        }
        assert!(started.elapsed() < PATIENCE, "{name} does not run");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The child of a process that runs a program, once there is one. No process tells when it has children.
pub fn child(parent: u32, program: &str) -> Process {
    let started = Instant::now();
    loop {
        let found = children(parent)
            .into_iter()
            .find(|child| child.command.contains(program));
        if let Some(found) = found {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{program} does not run");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ends a process with a signal that it cannot handle.
pub fn kill(process: &Process) {
    let killed = Command::new("kill")
        .args(["-9", &process.id.to_string()])
        .status()
        .expect("kill runs");
    assert!(killed.success(), "{process:?} could not be killed");
}

/// The directories of sandboxes under a state directory.
pub fn sandboxes(state: &Utf8Path) -> Vec<Utf8PathBuf> {
    let entries = state.join("sandboxes").read_dir_utf8().into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(camino::Utf8DirEntry::into_path)
        .collect()
}

/// Waits until neither processes nor sandboxes are left of what worked in `state`; says what is left after `limit`.
///
/// No process tells when it is gone, so the kernel is asked again and again.
pub fn wait_until_none(state: &Utf8Path, limit: Duration) -> Result<Duration, String> {
    let started = Instant::now();
    loop {
        let (processes, sandboxes) = (processes(state), sandboxes(state));
        if processes.is_empty() && sandboxes.is_empty() {
            return Ok(started.elapsed());
        }
        if started.elapsed() > limit {
            return Err(format!(
                "after {} s there are still processes: {processes:?}, sandboxes: {sandboxes:?}",
                limit.as_secs()
            ));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
