//! The process of a server and what it writes to standard error.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the process may take to end after it was told to.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `gitops-lsp`.
#[derive(Debug)]
pub(super) struct ServerProcess {
    child: Mutex<Child>,
    errors: Arc<Mutex<String>>,
}

impl ServerProcess {
    /// Starts it, its pipes in the caller's hands.
    pub(super) fn spawn(command: &mut Command) -> (Self, ChildStdin, ChildStdout) {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gitops-lsp starts");
        let (input, output) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let standard_error = child.stderr.take().expect("piped");
        let errors = Arc::new(Mutex::new(String::new()));
        std::thread::spawn({
            let errors = Arc::clone(&errors);
            move || {
                for line in BufReader::new(standard_error).lines().map_while(Result::ok) {
                    let mut errors = errors.lock().unwrap_or_else(PoisonError::into_inner);
                    errors.push_str(&line);
                    errors.push('\n');
                }
            }
        });
        (
            Self {
                child: Mutex::new(child),
                errors,
            },
            input,
            output,
        )
    }

    pub(super) fn id(&self) -> u32 {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).id()
    }

    pub(super) fn errors(&self) -> String {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has ended, and returns its exit code; -1 for one that a signal ended.
    pub(super) fn wait(&self) -> i32 {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let deadline = Instant::now() + PATIENCE;
        // The standard library waits without a deadline or not at all.
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait().expect("the child can be waited for") {
                return status.code().unwrap_or(-1);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        panic!(
            "gitops-lsp did not end within {} s; it wrote:\n{}",
            PATIENCE.as_secs(),
            self.errors.lock().unwrap_or_else(PoisonError::into_inner)
        );
    }

    /// Ends it with a signal that cannot be handled.
    pub(super) fn kill(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}
