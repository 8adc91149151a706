//! Faults that people have reported about kustomizations, each on the line where a person wants the mark.

use std::fmt::Write as _;

use camino::Utf8Path;
use gitops_tests::reported::{cases, corpus};
use gitops_tests::repository::files_below;
use gitops_tests::server::TestServer;
use gitops_tests::show::headline;
use serde_json::Value;

use crate::repository::Repository;

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
    let repository = start("kustomize-a", "overlays/prod");
    let mut missed = String::new();
    for case in cases(|repository| repository == "kustomize-a") {
        let [(file, find, put)] = case.edits.as_slice() else {
            panic!("{} has several edits", case.name);
        };
        // A code says something to a person, too.
        let found = |file: &str, line: &str, diagnostic: &Value| {
            let mut with_code = diagnostic.clone();
            with_code["message"] = headline(diagnostic).into();
            case.wants(file, line, &with_code)
        };
        if let Err(shown) = repository.broken_and(file, find, put, &found) {
            let _ = write!(missed, "{}: {:?}\n{shown}", case.name, case.places);
        }
    }
    assert!(missed.is_empty(), "{missed}");
    repository.server.assert_sound();
}
