//! Faults that people have reported in public, rebuilt as small sound repositories and one edit that breaks each: the
//! verdict stands on the line where a person wants it and says what a person looks for.

use std::collections::BTreeMap;

use gitops_tests::message_log::Mark;
use gitops_tests::reported::{Case, cases, corpus};
use gitops_tests::server::{Phase, TestServer};
use gitops_tests::show::headline;
use serde_json::{Value, json};

/// The verdict after which all has been said: what shows only in pods, or in what they name, comes last.
fn last_phase(case: &Case) -> Phase {
    match case.phase.as_str() {
        "runtime" | "model" => Phase::Runtime,
        _ => Phase::Apply,
    }
}

/// Whether one of the findings is the one that a person wants.
fn is_found(case: &Case, server: &TestServer, findings: &[(String, Value)]) -> bool {
    findings.iter().any(|(file, diagnostic)| {
        let line = usize::try_from(diagnostic["range"]["start"]["line"].as_u64().expect("a line")).expect("small");
        let text = server.text(&in_workspace(case, file));
        case.wants(file, text.lines().nth(line).unwrap_or_default(), diagnostic)
    })
}

/// A file of the repository of a case in the workspace, in which all repositories lie side by side.
fn in_workspace(case: &Case, file: &str) -> String {
    format!("{}/{file}", case.repository)
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

/// Saves the broken texts of a case, and returns what is said about its files.
fn play(server: &TestServer, case: &Case, broken: &BTreeMap<String, String>) -> Vec<(String, Value)> {
    for (file, text) in broken {
        let file = &in_workspace(case, file);
        let version = server.retype(file, text);
        let before = server.generation(file);
        let mark = server.save(file);
        if case.phase == "syntax" {
            // Nothing of a broken file is sent, so there is no verdict.
            server.wait_for_version(file, version);
        } else {
            server.wait_for_verdict(file, last_phase(case), mark, before + 1);
        }
    }
    let mut findings = Vec::new();
    for file in broken.keys() {
        let diagnostics = server.diagnostics(&in_workspace(case, file)).diagnostics;
        findings.extend(diagnostics.into_iter().map(|diagnostic| (file.clone(), diagnostic)));
    }
    findings
}

#[test]
fn each_reported_fault_is_said_where_a_person_wants_it() {
    let server = TestServer::builder().build();
    server.start_session(json!({}));
    let cases = cases(|repository| repository.starts_with("plain/"));
    let mut repositories: Vec<&str> = cases.iter().map(|case| case.repository.as_str()).collect();
    repositories.sort_unstable();
    repositories.dedup();
    for repository in repositories {
        put_sound_state(&server, repository);
    }
    let mut missed = Vec::new();
    for case in &cases {
        let (sound, broken) = case.texts(|file| server.text(&in_workspace(case, file)));
        let findings = play(&server, case, &broken);
        let found = is_found(case, &server, &findings);
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
            let file = in_workspace(case, &file);
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
