//! Faults that people have reported about kustomizations, each on the line where a person wants the mark.

use std::fmt::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_tests::server::TestServer;
use gitops_tests::show::headline;
use regex::Regex;
use serde_json::Value;

use crate::repository::Repository;

fn corpus() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/reports")
}

/// All files below a directory of the corpus, relative to it.
fn files_below(directory: &Utf8Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(current) = waiting.pop() {
        for entry in current.read_dir_utf8().expect("the corpus can be read") {
            let path = entry.expect("an entry").into_path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path.strip_prefix(directory).expect("below it").to_string());
            }
        }
    }
    found.sort();
    found
}

/// Starts a session on a repository of the corpus.
fn start(name: &str, target: &str) -> Repository {
    let directory = corpus().join(name);
    let files = files_below(&directory);
    let server = TestServer::builder().build();
    for file in &files {
        let content = std::fs::read(directory.join(file)).expect("a file");
        server.write(file, content);
    }
    let files = files
        .into_iter()
        .filter(|file| Utf8Path::new(file).extension() == Some("yaml"))
        .collect();
    Repository::begin(server, files, target)
}

#[test]
fn kustomizations() {
    let text = std::fs::read_to_string(corpus().join("cases.json")).expect("the cases can be read");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("the cases are JSON");
    let cases: Vec<&Value> = cases.iter().filter(|case| case["repo"] == "kustomize-a").collect();
    let repository = start("kustomize-a", "overlays/prod");
    let mut missed = String::new();
    for case in &cases {
        let text = |key: &str| case[key].as_str().expect("a text");
        let says = Regex::new(text("says")).expect("a pattern");
        let mut places = vec![&case["at"]];
        places.extend(case["also"].as_array().into_iter().flatten());
        let found = |file: &str, line: &str, diagnostic: &Value| {
            let there = places
                .iter()
                .any(|place| place[0] == file && line.contains(place[1].as_str().expect("a text")));
            let severity = if case["severity"] == "warning" { 2 } else { 1 };
            there && diagnostic["severity"] == severity && says.is_match(&headline(diagnostic))
        };
        let shown = repository.broken_and(text("file"), text("find"), text("put"), &found);
        if let Err(shown) = shown {
            let _ = write!(missed, "{}: {:?}\n{shown}", text("name"), case["at"]);
        }
    }
    assert!(missed.is_empty(), "{missed}");
    repository.server.assert_sound();
}
