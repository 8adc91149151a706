//! From what a pod says of itself to the line of the manifest that it is about.

use std::sync::mpsc::channel;
use std::time::Instant;

use serde_json::{Value, json};

use super::samples::Samples;
use super::table::{Goal, Row};
use crate::server::TestServer;

/// How often an image cannot be pulled.
const ROUNDS: usize = 20;
/// How many of the first are not counted.
const WARM_UP: usize = 2;
const FILE: &str = "web.yaml";

/// A Deployment whose pods play that their image cannot be pulled; which one says `round`.
fn deployment(round: usize) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: default\nspec:\n  strategy:\n    type: Recreate\n  \
         selector:\n    matchLabels:\n      app: web\n  template:\n    metadata:\n      labels:\n        app: web\n      \
         annotations:\n        gitops-lsp.dev/play: image-pull\n        gitops-lsp.dev/play-message: no image number {round}\n    \
         spec:\n      containers:\n        - name: web\n          image: registry.example.org/web:{round}\n"
    )
}

/// A second watch sees the same pods; what is measured begins when that does.
pub fn measure() -> Vec<Row> {
    let server = TestServer::builder().build();
    server.write(FILE, deployment(0));
    let started = server.start_session(json!({}));
    let cluster = server.cluster(&started);
    let (sender, seen) = channel();
    cluster.watch("v1", "Pod", move |pod| {
        let waiting = pod.pointer("/status/containerStatuses/0/state/waiting/message");
        let Some(message) = waiting.and_then(Value::as_str) else {
            return true;
        };
        sender.send((Instant::now(), message.to_owned())).is_ok()
    });
    server.open(FILE);
    let (mut taken, mut round_trip) = (Samples::default(), Samples::default());
    for round in 1..=WARM_UP + ROUNDS {
        let text = deployment(round);
        let version = server.retype(FILE, &text);
        server.wait_for_version(FILE, version);
        let words = format!("no image number {round}");
        let mark = server.save(FILE);
        let shown = server.client.wait(mark, &words, |message| {
            let params = (message["method"] == "textDocument/publishDiagnostics").then(|| &message["params"])?;
            params["diagnostics"].to_string().contains(&words).then(Instant::now)
        });
        let pod = seen
            .iter()
            .find_map(|(at, message)| message.contains(&words).then_some(at))
            .expect("the pod is watched");
        let began = Instant::now();
        cluster.get("apps/v1", "Deployment", Some("default"), "web");
        if round > WARM_UP {
            // The server may have heard of it first.
            taken.push(shown.saturating_duration_since(pod));
            round_trip.push(began.elapsed());
        }
    }
    vec![Row {
        work: "a pod's image cannot be pulled → on the line".to_owned(),
        measured: taken.show(),
        against: format!("one request that reads: {}", round_trip.show()),
        ratio: taken.median() / round_trip.median(),
        goal: Goal::at_most(taken.ninth_of_ten(), 50.0, "50 ms"),
    }]
}
