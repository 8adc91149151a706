//! A Flux repository: from a save to Flux's own verdict, and what the server and its renderer take of memory.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use serde_json::{Value, json};

use super::memory::{Memory, megabytes};
use super::samples::Samples;
use super::settings::Settings;
use super::table::{Goal, Row};
use crate::kubernetes::Cluster;
use crate::message_log::PATIENCE;
use crate::repository;
use crate::server::TestServer;

/// How often the file is saved.
const ROUNDS: usize = 12;
/// How many of the first saves are not counted.
const WARM_UP: usize = 2;
/// Every object whose reconciliation ends the work of a save.
const KUSTOMIZATION: (&str, &str) = ("kustomize.toolkit.fluxcd.io/v1", "Kustomization");
const SOURCE: (&str, &str) = ("source.toolkit.fluxcd.io/v1", "GitRepository");

/// Saves in a Flux repository of six Kustomizations that depend on each other.
pub fn measure(settings: &Settings) -> Vec<Row> {
    let mut rows = saves(settings);
    rows.push(memory(settings));
    rows
}

/// Flux's own time is that from the request to fetch a new commit to the moment when the last Kustomization says that
/// it is ready at that commit, as a second watch sees both.
fn saves(settings: &Settings) -> Vec<Row> {
    let file = "apps/portal.yaml";
    let server = TestServer::builder().build();
    repository::lay_out(&server, &corpus(settings, "reports/flux-a"));
    let started = server.start_session(json!({ "target": "clusters/east" }));
    let cluster = server.cluster(&started);
    server.open(file);
    let sound = server.text(file);
    // The first save waits until everything is there for the first time.
    save(&server, file, &with_port(&sound, 0), "flux");
    let watched = Watched::begin(&cluster);
    let (mut seen, mut own) = (Samples::default(), Samples::default());
    for round in 1..=WARM_UP + ROUNDS {
        let text = with_port(&sound, round);
        let taken = save(&server, file, &text, "flux");
        let flux = watched.newest_round();
        if round > WARM_UP {
            seen.push(taken);
            own.push(flux);
        }
    }
    // What cannot be built is not given to Flux: the verdict does not have to wait for it.
    let mut refused = Samples::default();
    for round in 1..=ROUNDS {
        let broken = sound.replacen("containerPort", "containerport", 1);
        refused.push(save(&server, file, &format!("{broken}# {round}\n"), "dry-run"));
        save(&server, file, &with_port(&sound, round), "flux");
    }
    let against = format!("Flux's own time for the commit: {}", own.show());
    let ratio = |samples: &Samples| samples.median() / own.median();
    vec![
        Row {
            work: "didSave sent → Flux has applied it, verdict received".to_owned(),
            measured: seen.show(),
            against: against.clone(),
            ratio: ratio(&seen),
            goal: Goal::at_most(ratio(&seen), 1.1, "1.1 ×"),
        },
        Row {
            work: "didSave sent → a failure that Flux would have, verdict received".to_owned(),
            measured: refused.show(),
            against,
            ratio: ratio(&refused),
            goal: Goal::at_most(ratio(&refused), 1.1, "1.1 ×"),
        },
    ]
}

/// A repository of the corpora.
fn corpus(settings: &Settings, name: &str) -> Utf8PathBuf {
    let mut places = settings.corpora.iter().map(|corpora| corpora.join(name));
    places
        .find(|place| place.is_dir())
        .unwrap_or_else(|| panic!("{name} is not in {:?}", settings.corpora))
}

fn with_port(sound: &str, round: usize) -> String {
    sound.replacen(
        "containerPort: 8080",
        &format!("containerPort: {}", 8081 + round % 2),
        1,
    )
}

/// Saves, and waits for a verdict of the phase.
fn save(server: &TestServer, file: &str, text: &str, phase: &str) -> Duration {
    let version = server.retype(file, text);
    server.wait_for_version(file, version);
    server.write(file, text);
    let mark = server.client.mark();
    let uri = server.uri(file);
    let began = Instant::now();
    server
        .client
        .notify("textDocument/didSave", json!({ "textDocument": { "uri": uri } }));
    server.client.wait_for(mark, "gitops/verdict", |verdict| {
        verdict["uri"] == uri.as_str() && verdict["phase"] == phase
    });
    began.elapsed()
}

/// A second watch on what a save sets going.
struct Watched {
    sources: Receiver<(Instant, Value)>,
    kustomizations: Receiver<(Instant, Value)>,
}

impl Watched {
    fn begin(cluster: &Cluster) -> Self {
        let watch = |(version, kind): (&str, &str)| {
            let (sender, seen) = channel();
            cluster.watch(version, kind, move |object| {
                sender.send((Instant::now(), object)).is_ok()
            });
            seen
        };
        Self {
            sources: watch(SOURCE),
            kustomizations: watch(KUSTOMIZATION),
        }
    }

    /// How long Flux took for the save whose verdict is in: from the request at the source to the last Ready.
    fn newest_round(&self) -> Duration {
        let mut requested: Option<(Instant, Value)> = None;
        for (at, source) in self.sources.try_iter() {
            let request = source
                .pointer("/metadata/annotations/reconcile.fluxcd.io~1requestedAt")
                .cloned();
            if let Some(request) = request
                && requested.as_ref().is_none_or(|(_, known)| *known != request)
            {
                requested = Some((at, request));
            }
        }
        let (asked, _) = requested.expect("a save asks for the source");
        let mut last = None;
        let mut states: BTreeMap<String, String> = BTreeMap::new();
        let first = self.kustomizations.recv_timeout(PATIENCE).expect("Flux reconciles");
        for (at, object) in std::iter::once(first).chain(self.kustomizations.try_iter()) {
            let name = object
                .pointer("/metadata/name")
                .map(Value::to_string)
                .unwrap_or_default();
            let state = object.pointer("/status").map(ready_of).unwrap_or_default();
            if states.insert(name, state.clone()) != Some(state) {
                last = Some(at);
            }
        }
        last.expect("one has said something").saturating_duration_since(asked)
    }
}

/// What a Kustomization says about a revision.
fn ready_of(status: &Value) -> String {
    let conditions = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
    format!(
        "{} {}",
        status["lastAttemptedRevision"],
        ready.map_or(&Value::Null, |ready| &ready["status"])
    )
}

fn memory(settings: &Settings) -> Row {
    let server = TestServer::builder().build();
    let size = repository::lay_out(&server, &corpus(settings, "flux2-kustomize-helm-example"));
    server.start_session(json!({ "target": "clusters/staging" }));
    // Its charts are elsewhere, so that Flux does not come to an end with it here; a save is built and judged all the same.
    let file = "apps/staging/podinfo-values.yaml";
    server.open(file);
    let text = server.text(file);
    save(&server, file, &format!("{text}# saved\n"), "dry-run");
    let own = Memory::of(server.id());
    let renderer = crate::leftovers::children(server.id())
        .into_iter()
        .find(|process| process.command.contains("gitops-render"))
        .expect("the renderer runs");
    let renderer = Memory::of(renderer.id);
    Row {
        work: "memory on the Flux example: server, renderer".to_owned(),
        measured: format!("{}, {}", own.show(), renderer.show()),
        against: format!("its text: {:.2} MB", megabytes(size)),
        ratio: (own.now + renderer.now) / megabytes(size),
        goal: Goal::Bound {
            words: "≤ 60 MB + ≤ 80 MB".to_owned(),
            reached: own.now <= 60.0 && renderer.now <= 80.0,
        },
    }
}
