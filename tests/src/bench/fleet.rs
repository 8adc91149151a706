//! A Flux repository of thousands of objects: reading it, and a save in it.

use std::fmt::Write as _;

use camino::Utf8PathBuf;
use serde_json::json;

use super::built_targets::{Files, laid_out};
use super::samples::{Samples, milliseconds};
use super::table::{Goal, Row};
use super::workload::config_map;
use crate::message_log::Mark;
use crate::server::{Phase, TestServer};

/// The large Flux repository: Kustomizations of Flux, each with so many releases and so many other files.
const KUSTOMIZATIONS: usize = 500;
const RELEASES: usize = 3;
const OTHER_FILES: usize = 16;
/// Saves among them; each goes through Flux, which reads the whole repository.
const ROUNDS_OF_FLEET: usize = 20;
const WARM_UP_OF_FLEET: usize = 3;

/// A Flux repository with so many Kustomizations.
fn fleet(kustomizations: usize) -> Files {
    let mut files = Files::new();
    for number in 0..kustomizations {
        let app = format!("app-{number}");
        files.insert(
            format!("clusters/east/{app}.yaml"),
            format!(
                "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
                 metadata: {{ name: {app}, namespace: flux-system }}\n\
                 spec:\n  interval: 1h\n  prune: true\n  path: ./apps/{app}\n  suspend: true\n\
                 \x20 sourceRef: {{ kind: GitRepository, name: flux-system }}\n"
            ),
        );
        let mut resources = "resources:\n".to_owned();
        for release in 0..RELEASES {
            let name = format!("{app}-{release}");
            let _ = writeln!(resources, "- release-{release}.yaml");
            files.insert(
                format!("apps/{app}/release-{release}.yaml"),
                format!(
                    "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n\
                     metadata: {{ name: {name}, namespace: default }}\n\
                     spec:\n  interval: 1h\n  suspend: true\n  chart:\n    spec:\n      chart: ./charts/web\n\
                     \x20     sourceRef: {{ kind: GitRepository, name: flux-system, namespace: flux-system }}\n"
                ),
            );
        }
        for other in 0..OTHER_FILES - 1 {
            // Some are built, the rest only lie there, as in any repository.
            if other < 2 {
                let _ = writeln!(resources, "- map-{other}.yaml");
            }
            files.insert(
                format!("apps/{app}/map-{other}.yaml"),
                config_map(&format!("{app}-{other}"), 0),
            );
        }
        files.insert(format!("apps/{app}/kustomization.yaml"), resources);
    }
    files
}

struct Repository {
    server: TestServer,
    mark: Mark,
}

fn repository(kustomizations: usize) -> Repository {
    let server = laid_out(&fleet(kustomizations));
    let mark = server.client.mark();
    server.start_session(json!({ "target": "clusters/east" }));
    Repository { server, mark }
}

/// A repository of 2,000 Flux objects and 10,000 files, and one of a twentieth of it.
pub fn measure() -> Vec<Row> {
    let file = Utf8PathBuf::from("apps/app-7/map-1.yaml");
    let sizes = [KUSTOMIZATIONS / 20, KUSTOMIZATIONS];
    let mut saved = Vec::new();
    let mut indexed = Vec::new();
    for size in sizes {
        let repository = repository(size);
        let server = &repository.server;
        server.open(file.as_str());
        let mut samples = Samples::default();
        for round in 1..=WARM_UP_OF_FLEET + ROUNDS_OF_FLEET {
            let text = config_map("app-7-1", round);
            let version = server.retype(file.as_str(), &text);
            server.wait_for_version(file.as_str(), version);
            server.write(file.as_str(), &text);
            let before = server.generation(file.as_str());
            let mark = if round == 1 {
                repository.mark
            } else {
                server.client.mark()
            };
            let params = json!({ "textDocument": { "uri": server.uri(file.as_str()) } });
            server.client.notify("textDocument/didSave", params);
            let verdict = server.wait_for_verdict(file.as_str(), Phase::DryRun, mark, before + 1);
            assert!(verdict.ok, "{:?}", server.diagnostics(file.as_str()).summary());
            if round > WARM_UP_OF_FLEET {
                samples.push_milliseconds(verdict.milliseconds);
            }
            // As everywhere here, a save is made when the one before it has come through.
            server.wait_for_verdict(file.as_str(), Phase::Flux, mark, before + 1);
        }
        let log = server.errors();
        indexed.push(said(&log, "tree read") + said(&log, "target built"));
        saved.push(samples);
    }
    let [small, large] = saved.as_slice() else {
        panic!("two repositories are measured");
    };
    let (small_index, large_index) = (indexed[0], indexed[1]);
    let slower = large.median() / small.median();
    vec![
        Row {
            work: "2,000 Flux objects in 10,000 files read and built for the first time".to_owned(),
            measured: milliseconds(large_index),
            against: format!("a twentieth of it: {}", milliseconds(small_index)),
            ratio: large_index / small_index,
            goal: Goal::at_most(large_index, 1500.0, "1.5 s"),
        },
        Row {
            work: "a save among 2,000 Flux objects: didSave read → dry-run verdict".to_owned(),
            measured: large.show(),
            against: format!("a save among 100: {}", small.show()),
            ratio: slower,
            goal: Goal::at_most(slower, 2.0, "2 ×"),
        },
    ]
}

/// How long the server says that something took for the first time, in milliseconds.
fn said(log: &str, what: &str) -> f64 {
    let said = log.lines().find_map(|line| {
        line.split_once(what)?;
        line.split_once("milliseconds=")?
            .1
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    });
    said.unwrap_or_else(|| panic!("the server does not say how long `{what}` took:\n{log}"))
}
