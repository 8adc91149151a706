//! One session that all tests of one binary share, since a sandbox takes seconds to start and 700 MB to run.
//!
//! Each test has a directory of its own in the workspace, named after it, and objects with names of their own. The server
//! ends when the test binary does and its input closes with it; that nothing is left then is tested on its own.

use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};

use crate::binary::target_directory;
use crate::kubernetes::Cluster;
use crate::server::TestServer;

/// A server whose session applies the whole workspace.
pub struct Shared {
    /// The server.
    pub server: TestServer,
    /// What `gitops.session.start` answered.
    pub started: Value,
}

static SHARED: OnceLock<Shared> = OnceLock::new();

/// The session of this binary, started by the first test that wants it.
pub fn session() -> &'static Shared {
    SHARED.get_or_init(|| {
        let server = TestServer::builder().kept_in(&directory_of_this_process()).build();
        let started = server.start_session(json!({}));
        Shared { server, started }
    })
}

impl Shared {
    /// The cluster of the session.
    pub fn cluster(&self) -> Cluster {
        self.server.cluster(&self.started)
    }
}

/// The directory of the running test, which is named after it, since the thread is.
pub fn directory() -> String {
    let thread = std::thread::current();
    let name = thread.name().expect("a test runs in a thread with its name");
    name.replace("::", "-")
}

/// A file of the running test.
pub fn file(name: &str) -> String {
    format!("{}/{name}", directory())
}

static OFFLINE: OnceLock<TestServer> = OnceLock::new();

/// A server without a session, for all tests of one binary.
pub fn offline() -> &'static TestServer {
    OFFLINE.get_or_init(|| TestServer::builder().kept_in(&directory_of_this_process()).build())
}

/// What shared servers work in. Nothing runs when a test binary has ended, so the next one removes what is left of it.
fn directory_of_this_process() -> Utf8PathBuf {
    let parent = target_directory().join("tests").join("shared");
    for entry in parent.read_dir_utf8().into_iter().flatten().flatten() {
        if !Utf8Path::new("/proc").join(entry.file_name()).exists() {
            // Another test binary may be doing the same.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    parent.join(std::process::id().to_string())
}
