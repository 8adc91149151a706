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

/// Changes the whole text of an open file, saves it, and waits until it is applied.
pub fn save(server: &TestServer, file: &str, text: &str) -> Save {
    let version = server.retype(file, text);
    let mark = server.client.mark();
    server.wait_for_version_after(file, version);
    server.write(file, text);
    let before = server.generation(file);
    let _ = mark;
    let mark = server.client.mark();
    let params = json!({ "textDocument": { "uri": server.uri(file) } });
    let began = Instant::now();
    server.client.notify("textDocument/didSave", params);
    let verdict = server.wait_for_verdict(file, Phase::DryRun, mark, before + 1);
    let seen = began.elapsed();
    assert!(verdict.ok, "{file} is refused: {:?}", server.diagnostics(file).summary());
    server.wait_for_verdict(file, Phase::Apply, mark, before + 1);
    Save { seen, inside: verdict.milliseconds }
}
