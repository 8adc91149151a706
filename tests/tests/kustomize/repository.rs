//! A repository in a session of its own, broken and mended again and again.

use std::fmt::Write as _;

use gitops_tests::server::{Phase, TestServer};
use gitops_tests::show::headline;
use serde_json::{Value, json};

/// A repository whose target is applied by a session.
pub(crate) struct Repository {
    pub(crate) server: TestServer,
    files: Vec<String>,
}

impl Repository {
    /// Starts a session on `target` of a workspace with the files of a fixture, and sees all of it applied.
    pub(crate) fn start(fixture: &str, target: &str) -> Self {
        let files = gitops_tests::fixture::files(fixture);
        let server = TestServer::builder().files(fixture).build();
        let files = files.into_iter().map(|file| file.path).collect();
        Self::begin(server, files, target)
    }

    /// The same with files that are in the workspace already.
    pub(crate) fn begin(server: TestServer, files: Vec<String>, target: &str) -> Self {
        let mark = server.client.mark();
        server.start_session(json!({ "target": target }));
        let own = format!("{target}/kustomization.yaml");
        let verdict = server.wait_for_verdict(&own, Phase::Apply, mark, 1);
        let repository = Self { server, files };
        assert!(verdict.ok, "the sound state is refused:\n{}", repository.findings());
        repository
    }

    /// Makes an edit, saves it, and says what is shown then; mends it, and sees that all is taken again.
    pub(crate) fn broken(&self, file: &str, find: &str, put: &str) -> String {
        let sound = self.read(file);
        assert!(sound.contains(find), "{find:?} is not in {file}");
        self.save(file, &sound.replacen(find, put, 1));
        let shown = self.findings();
        let verdict = self.save(file, &sound);
        assert!(verdict, "{file} is refused although it is mended:\n{}", self.findings());
        assert_eq!(self.findings(), "", "something is left of the fault in {file}");
        shown
    }

    /// The same, and whether one of the findings is the one that is wanted; all of them where none is.
    pub(crate) fn broken_and(
        &self,
        file: &str,
        find: &str,
        put: &str,
        wanted: &dyn Fn(&str, &str, &Value) -> bool,
    ) -> Result<(), String> {
        let sound = self.read(file);
        assert!(sound.contains(find), "{find:?} is not in {file}");
        self.save(file, &sound.replacen(find, put, 1));
        let is_there = self.files.iter().any(|file| {
            let text = self.current(file);
            self.server.diagnostics(file).diagnostics.iter().any(|diagnostic| {
                let line = at(&diagnostic["range"]["start"], "line");
                wanted(file, text.lines().nth(line).unwrap_or_default(), diagnostic)
            })
        });
        let shown = self.findings();
        let mended = self.save(file, &sound);
        assert!(mended, "{file} is refused although it is mended:\n{}", self.findings());
        assert_eq!(self.findings(), "", "something is left of the fault in {file}");
        if is_there { Ok(()) } else { Err(shown) }
    }

    /// Saves a text; whether it is taken.
    pub(crate) fn save(&self, file: &str, text: &str) -> bool {
        if !self.server.is_open(file) {
            self.server.open(file);
        }
        let version = self.server.retype(file, text);
        self.server.wait_for_version(file, version);
        self.server.write(file, text);
        self.server.save_and_settle(file).ok
    }

    /// All findings: place, what is written there, and what is said.
    pub(crate) fn findings(&self) -> String {
        let mut shown = String::new();
        for file in &self.files {
            for diagnostic in &self.server.diagnostics(file).diagnostics {
                let text = self.current(file);
                let line = at(&diagnostic["range"]["start"], "line");
                let written = text.lines().nth(line).unwrap_or_default();
                let from = at(&diagnostic["range"]["start"], "character");
                let to = if at(&diagnostic["range"]["end"], "line") == line {
                    at(&diagnostic["range"]["end"], "character")
                } else {
                    written.len()
                };
                let marked = written.get(from..to).unwrap_or(written);
                let _ = writeln!(shown, "{file}:{} `{marked}` {}", line + 1, headline(diagnostic));
            }
        }
        shown
    }

    fn current(&self, file: &str) -> String {
        if self.server.is_open(file) {
            self.server.text(file)
        } else {
            self.read(file)
        }
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.server.workspace().join(file)).expect("the file can be read")
    }
}

fn at(position: &Value, key: &str) -> usize {
    usize::try_from(position[key].as_u64().expect("a number")).expect("a small one")
}
