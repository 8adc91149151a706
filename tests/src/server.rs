//! A real `gitops-lsp` with a workspace of its own, which leaves nothing behind.

mod buffers;
mod builder;
mod process;
mod session;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

pub use buffers::{Buffer, Published};
pub use builder::{Builder, asking_no_registries, bare_client, full_client, uri_of};
use process::ServerProcess;
pub use session::{Phase, Verdict};

use crate::client::Client;
use crate::columns::Encoding;
use crate::leftovers;
use crate::slots::Slot;

/// How long a server may take to be gone, with everything that it started, once its client is: product.md promises 5 s.
pub const GONE_WITHIN: Duration = Duration::from_secs(5);

/// A running server with its workspace. Dropping it ends the server and fails the test if anything is left.
pub struct TestServer {
    /// The connection.
    pub client: Client,
    process: ServerProcess,
    workspace: Utf8PathBuf,
    state: Utf8PathBuf,
    /// What the server answered to `initialize`.
    pub initialized: Value,
    encoding: Encoding,
    buffers: Mutex<BTreeMap<String, Buffer>>,
    slot: Mutex<Option<Slot>>,
    ended: bool,
    // Last, so that the directories outlast the process that works in them.
    _directories: Vec<tempfile::TempDir>,
}

impl TestServer {
    /// A server with a full client and an empty workspace, to be changed before it is built.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where the files are.
    pub fn workspace(&self) -> &Utf8Path {
        &self.workspace
    }

    /// Where the server keeps its state.
    pub fn state(&self) -> &Utf8Path {
        &self.state
    }

    /// The process id of the server.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// How positions are counted, as was agreed.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The URI of a file of the workspace.
    pub fn uri(&self, file: &str) -> String {
        uri_of(&self.workspace.join(file))
    }

    /// What the server has written to its standard error.
    pub fn errors(&self) -> String {
        self.process.errors()
    }

    /// Ends the server as an editor does, and returns its exit code.
    pub fn shut_down(mut self) -> i32 {
        self.ended = true;
        self.client
            .request("shutdown", Value::Null)
            .expect("shutdown is answered");
        self.client.notify("exit", Value::Null);
        let code = self.process.wait();
        self.assert_clean();
        code
    }

    /// Sends `exit` without `shutdown`, and returns the exit code.
    pub fn exit_rudely(mut self) -> i32 {
        self.ended = true;
        self.client.notify("exit", Value::Null);
        let code = self.process.wait();
        self.assert_clean();
        code
    }

    /// Closes the server's input, as an editor that crashes does; returns when everything is gone.
    pub fn hang_up(mut self) {
        self.ended = true;
        self.client.hang_up();
        self.assert_gone();
        self.process.wait();
        self.assert_clean();
    }

    /// Waits until the server's own process has ended; what else lives in its state directory is not looked at.
    pub fn wait_until_process_ended(mut self) {
        self.ended = true;
        self.process.wait();
        self.assert_sound();
    }

    /// Waits until the server ends although nobody has told it to and its input is open.
    pub fn wait_until_ended(mut self) {
        self.ended = true;
        self.process.wait();
        self.assert_clean();
    }

    /// Kills the server with a signal that it cannot handle; returns when every process that it had started is gone.
    pub fn kill(mut self) {
        self.ended = true;
        self.process.kill();
        // The directory of the sandbox stays until the next start sweeps it.
        let started = std::time::Instant::now();
        while !leftovers::processes(&self.state).is_empty() {
            assert!(
                started.elapsed() < GONE_WITHIN,
                "{:?} outlived a killed server",
                leftovers::processes(&self.state)
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Nothing has panicked inside the server so far.
    pub fn assert_sound(&self) {
        let errors = self.errors();
        assert!(
            !errors.contains("panicked"),
            "something panicked inside gitops-lsp:\n{errors}"
        );
    }

    fn assert_clean(&self) {
        self.assert_sound();
        self.assert_gone();
    }

    fn assert_gone(&self) {
        if let Err(left) = leftovers::wait_until_none(&self.state, GONE_WITHIN) {
            panic!("the server is gone, but {left}; it wrote:\n{}", self.errors());
        }
    }

    fn buffers(&self) -> MutexGuard<'_, BTreeMap<String, Buffer>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The failure that is under way is the news; what the server said about it helps.
            eprintln!(
                "--- gitops-lsp wrote to standard error:\n{}--- and said at last:\n{}\n---",
                self.errors(),
                self.client.log().tail()
            );
            self.process.kill();
            let _ = leftovers::wait_until_none(&self.state, GONE_WITHIN);
            return;
        }
        if self.ended {
            return;
        }
        self.client
            .request("shutdown", Value::Null)
            .expect("shutdown is answered");
        self.client.notify("exit", Value::Null);
        assert_eq!(self.process.wait(), 0, "the exit code after shutdown and exit");
        self.assert_clean();
    }
}
