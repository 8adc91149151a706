//! Processes that own a sandbox: the program `sandbox_owner`.

use std::process::Stdio;

use camino::Utf8Path;

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_sandbox_owner");

/// The program with a task, a sandbox's name and a state directory; its output can be read, and it ends with its owner.
pub(crate) fn command(task: &str, name: &str, state: &Utf8Path) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(PROGRAM);
    command
        .args([task, name, state.as_str()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}
