//! From a save to the verdict of its dry run.

use std::time::{Duration, Instant};

use camino::Utf8Path;
use serde_json::json;

use super::bare_cluster::{BareCluster, Kubectl};
use super::samples::{Samples, milliseconds};
use super::settings::Settings;
use super::table::{Goal, Row};
use super::workload::{config_map, deployment, object_of};
use crate::server::{Phase, TestServer};

/// How often each object is saved.
const ROUNDS: usize = 300;
/// How many of the first saves are not counted: connections are opened and caches filled.
const WARM_UP: usize = 20;
/// At each how-many-th save kubectl is asked, too.
const KUBECTL_EVERY: usize = 10;

/// What one save took.
#[derive(Clone, Copy, Debug)]
pub struct Save {
    /// From sending `didSave` to having the verdict, as an editor sees it.
    pub seen: Duration,
    /// From reading `didSave` to having the verdict, in the server, in milliseconds.
    pub inside: f64,
}

/// Changes the whole text of an open file, saves it, and waits until it is applied. `ready` is called before it is saved.
pub fn save(server: &TestServer, file: &str, text: &str, ready: impl FnOnce()) -> Save {
    // Only what is said from here on is looked at: a copy of all that was ever said would leave the machine cold.
    let mark = server.client.mark();
    let version = server.retype(file, text);
    server.wait_for_diagnostics(file, mark, |published| published.version == Some(version));
    server.write(file, text);
    let before = server.generation(file);
    let mark = server.client.mark();
    let params = json!({ "textDocument": { "uri": server.uri(file) } });
    ready();
    let began = Instant::now();
    server.client.notify("textDocument/didSave", params);
    let verdict = server.wait_for_verdict(file, Phase::DryRun, mark, before + 1);
    let seen = began.elapsed();
    assert!(
        verdict.ok,
        "{file} is refused: {:?}",
        server.diagnostics(file).summary()
    );
    server.wait_for_verdict(file, Phase::Apply, mark, before + 1);
    Save {
        seen,
        inside: verdict.milliseconds,
    }
}

/// What is saved, and where the API server has it.
struct Subject {
    kind: &'static str,
    file: &'static str,
    path: &'static str,
    text: fn(usize) -> String,
}

const SUBJECTS: [Subject; 2] = [
    Subject {
        kind: "ConfigMap",
        file: "config.yaml",
        path: "/api/v1/namespaces/default/configmaps",
        text: |value| config_map("bench", value),
    },
    Subject {
        kind: "Deployment",
        file: "web.yaml",
        path: "/apis/apps/v1/namespaces/default/deployments",
        text: |value| deployment("web", value),
    },
];

/// Saves of a ConfigMap and of a Deployment.
///
/// Each round asks the bare client about the very object that is saved next, so that both ask the API server the same.
/// Before each, it is asked once without a clock: what controllers do about the last apply is over then, and no one
/// is the first after a pause.
pub fn measure(settings: &Settings) -> Vec<Row> {
    let server = TestServer::builder().build();
    for subject in &SUBJECTS {
        server.write(subject.file, (subject.text)(0));
    }
    let mark = server.client.mark();
    let started = server.start_session(json!({}));
    for subject in &SUBJECTS {
        server.wait_for_verdict(subject.file, Phase::Apply, mark, 1);
        server.open(subject.file);
    }
    let kubeconfig = Utf8Path::new(started["kubeconfig"].as_str().expect("a kubeconfig"));
    let field_manager = format!("gitops-lsp:{}", started["name"].as_str().expect("a name"));
    let bare = BareCluster::connect(kubeconfig, &field_manager);
    let kubectl = settings
        .kubectl
        .as_ref()
        .map(|program| Kubectl::new(program, kubeconfig, &field_manager));
    SUBJECTS
        .iter()
        .flat_map(|subject| rows(subject, &server, &bare, kubectl.as_ref()))
        .collect()
}

fn rows(subject: &Subject, server: &TestServer, bare: &BareCluster, kubectl: Option<&Kubectl>) -> Vec<Row> {
    let (mut seen, mut inside, mut direct, mut process) = (
        Samples::default(),
        Samples::default(),
        Samples::default(),
        Samples::default(),
    );
    for round in 1..=WARM_UP + ROUNDS {
        let text = (subject.text)(round);
        let object = object_of(&text);
        let counts = round > WARM_UP;
        if let Some(kubectl) = kubectl.filter(|_| round % KUBECTL_EVERY == 0) {
            bare.dry_run(subject.path, &object);
            let elapsed = kubectl.dry_run(&text);
            if counts {
                process.push(elapsed);
            }
        }
        bare.dry_run(subject.path, &object);
        let asked = bare.dry_run(subject.path, &object);
        let saved = save(server, subject.file, &text, || {
            bare.dry_run(subject.path, &object);
        });
        if counts {
            direct.push(asked);
            seen.push(saved.seen);
            inside.push_milliseconds(saved.inside);
        }
    }
    let kind = subject.kind;
    let against_direct = format!("bare kube-client dry run: {}", direct.show());
    let slower = |samples: &Samples| samples.median() / direct.median();
    let mut rows = vec![
        Row {
            work: format!("{kind}: didSave read → dry-run verdict (server's clock)"),
            measured: inside.show(),
            against: against_direct.clone(),
            ratio: slower(&inside),
            goal: Goal::at_most(slower(&inside), 1.3, "1.3 ×"),
        },
        Row {
            work: format!("{kind}: didSave sent → verdict received (client's clock)"),
            measured: seen.show(),
            against: against_direct,
            ratio: slower(&seen),
            goal: Goal::Shown,
        },
    ];
    if !process.is_empty() {
        let faster = process.median() / inside.median();
        rows.push(Row {
            work: format!("{kind}: didSave read → dry-run verdict, against a kubectl process"),
            measured: milliseconds(inside.median()),
            against: format!("kubectl apply --server-side --dry-run=server: {}", process.show()),
            ratio: faster,
            goal: Goal::at_least(faster, 20.0, "20 × faster"),
        });
    }
    rows
}
