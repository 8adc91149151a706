//! Faults that people have reported in public, rebuilt as small sound repositories and one edit that breaks each: the
//! verdict stands on the line where a person wants it and says what a person looks for.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_tests::message_log::Mark;
use gitops_tests::server::{Phase, TestServer};
use gitops_tests::show::headline;
use regex::Regex;
use serde_json::{Value, json};

fn corpus() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/reports")
}

/// One reported fault.
struct Case {
    name: String,
    source: String,
    repository: String,
    phase: String,
    /// File, what stands there, what is put in its place.
    edits: Vec<(String, String, String)>,
    /// File and a text of the line where the mark belongs, the best place first.
    places: Vec<(String, String)>,
    severity: u64,
    says: Regex,
}

impl Case {
    fn read(value: &Value) -> Self {
        let text = |value: &Value, key: &str| {
            value[key]
                .as_str()
                .unwrap_or_else(|| panic!("{value} has no {key}"))
                .to_owned()
        };
        let edit = |value: &Value| (text(value, "file"), text(value, "find"), text(value, "put"));
        let place = |value: &Value| {
            (
                value[0].as_str().expect("a file").to_owned(),
                value[1].as_str().expect("a text").to_owned(),
            )
        };
        let mut places = vec![place(&value["at"])];
        places.extend(value["also"].as_array().into_iter().flatten().map(place));
        Self {
            name: text(value, "name"),
            source: text(value, "source"),
            repository: text(value, "repo"),
            phase: text(value, "phase"),
            edits: value["edits"]
                .as_array()
                .map_or_else(|| vec![edit(value)], |edits| edits.iter().map(edit).collect()),
            places,
            severity: match value["severity"].as_str() {
                Some("error") => 1,
                Some("warning") => 2,
                other => panic!("{other:?} is no severity"),
            },
            says: Regex::new(value["says"].as_str().expect("a pattern")).expect("a pattern"),
        }
    }

    /// The verdict after which all has been said: what shows only in pods, or in what they name, comes last.
    fn last_phase(&self) -> Phase {
        match self.phase.as_str() {
            "runtime" | "model" => Phase::Runtime,
            _ => Phase::Apply,
        }
    }

    /// The files of the workspace with the edits made in them.
    fn edited(&self, server: &TestServer) -> BTreeMap<String, String> {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for (file, find, put) in &self.edits {
            let name = format!("{}/{file}", self.repository);
            let text = files.entry(name.clone()).or_insert_with(|| server.text(&name));
            assert!(text.contains(find.as_str()), "{}: {find:?} is not in {name}", self.name);
            *text = text.replacen(find.as_str(), put, 1);
        }
        files
    }

    /// Whether one of the findings is the one that a person wants.
    fn is_found(&self, server: &TestServer, findings: &[(String, Value)]) -> bool {
        findings.iter().any(|(file, diagnostic)| {
            let message = diagnostic["message"].as_str().unwrap_or_default();
            let line = usize::try_from(diagnostic["range"]["start"]["line"].as_u64().expect("a line")).expect("small");
            let text = server.text(file);
            let written = text.lines().nth(line).unwrap_or_default();
            let there = self.places.iter().any(|(place, wanted)| {
                *file == format!("{}/{place}", self.repository) && written.contains(first_line(wanted))
            });
            there && diagnostic["severity"] == self.severity && self.says.is_match(message)
        })
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(corpus().join("cases.json")).expect("the cases can be read");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("the cases are JSON");
    cases
        .iter()
        .filter(|case| {
            case["repo"]
                .as_str()
                .is_some_and(|repository| repository.starts_with("plain/"))
        })
        .map(Case::read)
        .collect()
}

/// Opens and saves every file of a repository, and sees each accepted.
fn put_sound_state(server: &TestServer, repository: &str) {
    let directory = corpus().join(repository);
    let mark = server.client.mark();
    let files: Vec<String> = directory
        .read_dir_utf8()
        .expect("the repository is there")
        .map(|entry| format!("{repository}/{}", entry.expect("an entry").file_name()))
        .collect();
    for file in &files {
        server.open_with(
            file,
            &std::fs::read_to_string(corpus().join(file)).expect("the file can be read"),
        );
        server.save(file);
    }
    for file in &files {
        wait_until_accepted(server, file, mark);
    }
}

/// What waits for a namespace or a kind of another file is refused at first, and judged again when that comes.
fn wait_until_accepted(server: &TestServer, file: &str, since: Mark) {
    let uri = server.uri(file);
    server.client.wait_for(since, "gitops/verdict", |verdict| {
        verdict["uri"] == uri && verdict["phase"] == "apply" && verdict["ok"] == true
    });
}

/// Makes the edits of a case, saves them, and returns what is said about all files of its repository.
fn play(server: &TestServer, case: &Case) -> Vec<(String, Value)> {
    let edited = case.edited(server);
    for (file, text) in &edited {
        let version = server.retype(file, text);
        let before = server.generation(file);
        let mark = server.save(file);
        if case.phase == "syntax" {
            // Nothing of a broken file is sent, so there is no verdict.
            server.wait_for_version(file, version);
        } else {
            server.wait_for_verdict(file, case.last_phase(), mark, before + 1);
        }
    }
    edited
        .keys()
        .flat_map(|file| {
            server
                .diagnostics(file)
                .diagnostics
                .into_iter()
                .map(|diagnostic| (file.clone(), diagnostic))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn each_reported_fault_is_said_where_a_person_wants_it() {
    let server = TestServer::builder().build();
    server.start_session(json!({}));
    let cases = cases();
    let mut repositories: Vec<&str> = cases.iter().map(|case| case.repository.as_str()).collect();
    repositories.sort_unstable();
    repositories.dedup();
    for repository in repositories {
        put_sound_state(&server, repository);
    }
    let mut missed = Vec::new();
    for case in &cases {
        let sound: BTreeMap<String, String> = case
            .edits
            .iter()
            .map(|(file, ..)| format!("{}/{file}", case.repository))
            .map(|file| (file.clone(), server.text(&file)))
            .collect();
        let findings = play(&server, case);
        let found = case.is_found(&server, &findings);
        let seen: Vec<String> = findings
            .iter()
            .map(|(file, diagnostic)| {
                format!(
                    "{file}:{} {}",
                    diagnostic["range"]["start"]["line"].as_u64().unwrap_or_default() + 1,
                    headline(diagnostic)
                )
            })
            .collect();
        println!(
            "{} {:7} {} ({})\n         {}",
            if found { "✓" } else { "✗" },
            case.phase,
            case.name,
            case.source,
            seen.join("\n         ")
        );
        if !found {
            missed.push(format!(
                "{} ({}): wanted at {:?}, matching {:?}, but {seen:#?}",
                case.name,
                case.source,
                case.places,
                case.says.as_str()
            ));
        }
        for (file, text) in sound {
            server.retype(&file, &text);
            let mark = server.save(&file);
            wait_until_accepted(&server, &file, mark);
            // What was said of its pods goes as soon as these are others.
            let is_mended = |_: &Value| server.diagnostics(&file).diagnostics.is_empty().then_some(());
            server.client.wait(mark, &format!("nothing about {file}"), is_mended);
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
    server.assert_sound();
}
