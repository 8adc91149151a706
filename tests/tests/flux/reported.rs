//! Faults that people have reported about Flux repositories: each is made in a session of the real Flux, is said on the
//! line where a person wants the mark, and is gone when it is mended.
//!
//! `GITOPS_TESTS_ONLY` plays only the cases whose name holds that text.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use gitops_tests::message_log::Mark;
use gitops_tests::reported::{Case, cases, corpus};
use gitops_tests::repository::files_below;
use gitops_tests::server::TestServer;
use gitops_tests::show::headline;
use serde_json::{Value, json};

/// Cases that are not said as a person wants it yet, and why. One that works has to leave this list.
const NOT_YET: [(&str, &str); 0] = [];

/// How long the last word on a save may take: Flux takes no time-out below 30 s, and what waits for another adds its own.
const LAST_WORD: Duration = Duration::from_secs(100);
/// How long after the last word of Flux a finding may come that only a running workload can bring.
const WORKLOAD: Duration = Duration::from_secs(30);

/// A diagnostic with what stands on its line.
struct Shown {
    file: String,
    line: u64,
    written: String,
    diagnostic: Value,
}

/// A repository of the corpus in a session, in which everything was Ready.
struct Repository {
    server: TestServer,
    files: Vec<String>,
    /// A file that can be saved as it is, to be told when all is well.
    any: String,
    /// The verdict that came last, null where one was waited for in vain.
    last: RefCell<Value>,
}

impl Repository {
    fn start(name: &str, target: &str) -> Self {
        let directory = corpus().join(name);
        // What was waited for is in its log, which is shown when something fails.
        let server = TestServer::builder()
            .environment("GITOPS_LSP_LOG", "gitops_session=debug")
            .build();
        let files = files_below(&directory);
        for file in &files {
            server.write(file, std::fs::read(directory.join(file)).expect("a file"));
        }
        server.start_session(json!({ "target": target }));
        let any = files
            .iter()
            .find(|file| file.starts_with(target) && Utf8Path::new(file).extension() == Some("yaml"))
            .expect("the entry has a file")
            .clone();
        let repository = Self {
            server,
            files,
            any,
            last: RefCell::default(),
        };
        // A reconciliation may have looked at what another was about to bring, and failed; the next one makes it good.
        let is_ready = (0..4).any(|_| {
            repository.is_content(&BTreeMap::from([(
                repository.any.clone(),
                repository.text(&repository.any),
            )]))
        });
        assert!(
            is_ready,
            "{name} does not become Ready: {}\n{}",
            repository.last.borrow(),
            repository.listed()
        );
        assert_eq!(repository.listed(), "", "the sound state of {name} has findings");
        repository
    }

    /// Saves these texts; whether they are accepted and, if they are, whether Flux is content with them.
    fn is_content(&self, texts: &BTreeMap<String, String>) -> bool {
        self.save(texts) == Some(true)
    }

    /// The last word on a save; `None` where it does not come.
    fn save(&self, texts: &BTreeMap<String, String>) -> Option<bool> {
        let (mut saved, mut since) = ((String::new(), 0), self.server.client.mark());
        for (file, text) in texts {
            if !self.server.is_open(file) {
                self.server.open(file);
            }
            if self.server.text(file) != *text {
                let version = self.server.retype(file, text);
                self.server.wait_for_version(file, version);
            }
            saved = (file.clone(), self.server.generation(file));
            since = self.server.save(file);
        }
        // Of several files the last one is answered when all are.
        let is_accepted = self.verdict(&saved, "dry-run", since)?;
        if is_accepted {
            self.verdict(&saved, "flux", since)
        } else {
            Some(false)
        }
    }

    /// The verdict on a save of a file that is newer than `before`.
    fn verdict(&self, (file, before): &(String, u64), phase: &str, since: Mark) -> Option<bool> {
        let uri = self.server.uri(file);
        let found = self.server.client.log().wait(since, LAST_WORD, |message| {
            let said = (message["method"] == "gitops/verdict").then(|| &message["params"])?;
            let is_it = said["uri"] == uri
                && said["phase"] == phase
                && said["generation"].as_u64().is_some_and(|of| of > *before);
            is_it.then(|| said.clone())
        });
        self.last.replace(found.ok().unwrap_or_default());
        let last = self.last.borrow();
        (!last.is_null()).then(|| last["ok"] == true)
    }

    /// Everything that is shown now.
    fn shown(&self) -> Vec<Shown> {
        let mut all = Vec::new();
        for file in &self.files {
            for diagnostic in self.server.diagnostics(file).diagnostics {
                let line = diagnostic["range"]["start"]["line"].as_u64().expect("a line");
                let text = self.text(file);
                let written = text
                    .lines()
                    .nth(usize::try_from(line).expect("small"))
                    .unwrap_or_default();
                all.push(Shown {
                    file: file.clone(),
                    line: line + 1,
                    written: written.to_owned(),
                    diagnostic,
                });
            }
        }
        all
    }

    fn listed(&self) -> String {
        let mut listed = String::new();
        for shown in self.shown() {
            let _ = writeln!(
                listed,
                "         {}:{} `{}` {}",
                shown.file,
                shown.line,
                shown.written.trim(),
                headline(&shown.diagnostic)
            );
        }
        listed
    }

    fn text(&self, file: &str) -> String {
        if self.server.is_open(file) {
            self.server.text(file)
        } else {
            std::fs::read_to_string(self.server.workspace().join(file)).expect("the file can be read")
        }
    }

    /// Breaks, looks, mends; what is not as a person wants it.
    fn play(&self, case: &Case) -> Result<(), String> {
        let (sound, broken) = case.texts(|file| self.text(file));
        let began = Instant::now();
        let verdict = self.save(&broken);
        let took = began.elapsed();
        let wants = |shown: &Shown| case.wants(&shown.file, &shown.written, &shown.diagnostic);
        let is_there = || self.shown().iter().any(wants);
        if case.phase == "runtime" && !is_there() {
            let _ = self
                .server
                .client
                .log()
                .wait(self.server.client.mark(), WORKLOAD, |_| is_there().then_some(()));
        }
        let found = is_there();
        let listed = self.listed();
        let is_mended = self.is_content(&sound);
        let last = self.last.borrow().to_string();
        let left = self.listed();
        let works = found && is_mended && left.is_empty();
        println!(
            "{} {:7} {} ({}): {} s to the last word{}\n{listed}",
            if works { "✓" } else { "✗" },
            case.phase,
            case.name,
            case.source,
            took.as_secs(),
            if verdict.is_none() { ", which did not come" } else { "" },
        );
        if !is_mended {
            println!("         mended, and Flux is not content: {last}\n{left}");
            return Err(format!("{}: not content when mended: {last}\n{left}", case.name));
        }
        if !left.is_empty() {
            println!("         mended, and there is still:\n{left}");
            return Err(format!("{}: left when mended:\n{left}", case.name));
        }
        if !found {
            return Err(format!(
                "{} ({}): wanted at {:?}, matching {:?}; {}:\n{listed}",
                case.name,
                case.source,
                case.places,
                case.says.as_str(),
                if verdict.is_none() {
                    "no last word came"
                } else {
                    "there is"
                }
            ));
        }
        Ok(())
    }
}

/// Plays every case of a repository in one session.
fn play_all(name: &str) {
    let mut cases = cases(|repository| repository == name);
    let only = std::env::var("GITOPS_TESTS_ONLY").unwrap_or_default();
    cases.retain(|case| case.name.contains(&only));
    let Some(first) = cases.first() else { return };
    let mut repository = Repository::start(name, &first.target);
    let (mut missed, mut works) = (Vec::new(), Vec::new());
    for case in &cases {
        let is_expected = !NOT_YET.iter().any(|(name, _)| *name == case.name);
        match repository.play(case) {
            Ok(()) if is_expected => {}
            Ok(()) => works.push(case.name.clone()),
            Err(reason) => {
                if is_expected {
                    missed.push(reason.clone());
                }
                // What is left of one must not be taken for a fault of the next.
                if reason.contains("when mended") {
                    repository = Repository::start(name, &first.target);
                }
            }
        }
    }
    repository.server.assert_sound();
    println!("{} of {} cases of {name}", cases.len() - missed.len(), cases.len());
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert!(works.is_empty(), "these work by now and leave NOT_YET: {works:?}");
}

#[test]
fn what_people_reported_about_kustomizations() {
    play_all("flux-a");
}

#[test]
fn what_people_reported_about_releases() {
    play_all("flux-h");
}
