//! A Flux repository in a session, edited and saved.

use std::fmt::Write as _;

use camino::Utf8Path;
use gitops_tests::message_log::Mark;
use gitops_tests::repository::files_below;
use gitops_tests::server::{Builder, TestServer};
use gitops_tests::show::headline;
use serde_json::{Value, json};

/// A repository in a session.
pub(crate) struct Fleet {
    pub(crate) server: TestServer,
    pub(crate) started: Value,
    files: Vec<String>,
}

impl Fleet {
    /// The files of a fixture.
    pub(crate) fn start(fixture: &str, target: &str) -> Self {
        let files = gitops_tests::fixture::files(fixture);
        let files = files.into_iter().map(|file| file.path).collect();
        Self::begin(TestServer::builder().files(fixture), files, target)
    }

    /// The files of a corpus.
    pub(crate) fn corpus(name: &str, target: &str) -> Self {
        let directory = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora").join(name);
        let server = TestServer::builder().build();
        let files = files_below(&directory);
        for file in &files {
            server.write(file, std::fs::read(directory.join(file)).expect("a file"));
        }
        Self::session(server, files, target)
    }

    /// A server that is still to be built.
    pub(crate) fn begin(server: Builder, files: Vec<String>, target: &str) -> Self {
        Self::session(server.build(), files, target)
    }

    /// A server with its files.
    pub(crate) fn session(server: TestServer, files: Vec<String>, target: &str) -> Self {
        let started = server.start_session(json!({ "target": target }));
        Self { server, started, files }
    }

    /// Replaces the first `find` of a file, and saves it; whether the dry run takes all.
    pub(crate) fn edit(&self, file: &str, find: &str, put: &str) -> bool {
        let mark = self.edited(file, find, put);
        self.verdict(file, "dry-run", mark)
    }

    fn edited(&self, file: &str, find: &str, put: &str) -> Mark {
        let path = self.server.workspace().join(file);
        let text = std::fs::read_to_string(&path).expect("the file can be read");
        assert!(text.contains(find), "{find:?} is not in {file}");
        let text = text.replacen(find, put, 1);
        if !self.server.is_open(file) {
            self.server.open(file);
        }
        let version = self.server.retype(file, &text);
        self.server.wait_for_version(file, version);
        self.server.write(file, &text);
        self.server.save(file)
    }

    pub(crate) fn verdict(&self, file: &str, phase: &str, since: Mark) -> bool {
        self.server.first_verdict(file, phase, since)
    }

    /// What is said about all files: place, and in words.
    pub(crate) fn findings(&self) -> String {
        self.findings_but(&[])
    }

    /// The same without some codes.
    pub(crate) fn findings_but(&self, codes: &[&str]) -> String {
        let mut shown = String::new();
        for file in &self.files {
            for diagnostic in &self.server.diagnostics(file).diagnostics {
                let code = diagnostic["code"].as_str().unwrap_or_default();
                if !codes.contains(&code) {
                    let line = diagnostic["range"]["start"]["line"].as_u64().expect("a line") + 1;
                    let _ = writeln!(shown, "{file}:{line}: {}", headline(diagnostic));
                }
            }
        }
        shown
    }
}
