//! A folder of 10,000 manifests: reading it, and a save in it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use serde_json::{Value, json};

use super::bare_cluster::BareCluster;
use super::memory::{Memory, megabytes};
use super::samples::{Samples, milliseconds};
use super::saving::save;
use super::table::{Goal, Row};
use super::workload::{config_map, object_of};
use crate::message_log::Mark;
use crate::server::{Phase, TestServer};

/// How many manifests there are, one a file.
const MANIFESTS: usize = 10_000;
/// How many of them are in one directory.
const IN_ONE_DIRECTORY: usize = 100;
/// How often a file is saved in each of the two folders.
const ROUNDS: usize = 200;
/// How many of the first saves are not counted.
const WARM_UP: usize = 20;
/// How long it may take until all are on the cluster, before that is taken for a fault.
const PATIENCE: Duration = Duration::from_mins(15);
/// The one that is saved.
const SAVED: &str = "group-050/item-5050.yaml";
/// Where the API server has what is saved.
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Reads the folder in a session, and saves in it and in a folder of one, in turn.
pub fn measure() -> Vec<Row> {
    let server = TestServer::builder()
        .environment("GITOPS_LSP_LOG", "gitops_lsp=info,warn,kube_client=off,tower=off")
        .build();
    let mut bytes = 0;
    for number in 0..MANIFESTS {
        let text = config_map(&format!("item-{number}"), 0);
        bytes += text.len();
        server.write(
            &format!("group-{:03}/item-{number}.yaml", number / IN_ONE_DIRECTORY),
            text,
        );
    }
    let alone = read_alone(&server);
    let mark = server.client.mark();
    let started = server.start_session(json!({}));
    let applied = wait_until_applied(&server, mark);
    let memory = Memory::of(server.id());
    let indexed = indexed(&server.errors());

    let one = TestServer::builder().build();
    one.write("only.yaml", config_map("only", 0));
    let mark = one.client.mark();
    let one_started = one.start_session(json!({}));
    one.wait_for_verdict("only.yaml", Phase::Apply, mark, 1);
    one.open("only.yaml");
    server.open(SAVED);
    let (mut among_many, mut in_one) = (Saves::of(&server, &started), Saves::of(&one, &one_started));
    for round in 0..WARM_UP + ROUNDS {
        let counts = round >= WARM_UP;
        among_many.play(SAVED, &config_map("item-5050", round + 1), counts);
        in_one.play("only.yaml", &config_map("only", round + 1), counts);
    }
    let slower = among_many.inside.median() / in_one.inside.median();
    let slower_seen = among_many.seen.median() / in_one.seen.median();
    let slower_bare = among_many.bare.median() / in_one.bare.median();
    let size = megabytes(bytes);
    vec![
        Row {
            work: "10,000 manifests read and indexed at the start of a session".to_owned(),
            measured: milliseconds(indexed),
            against: format!("reading their bytes alone: {}", milliseconds(alone)),
            ratio: indexed / alone,
            goal: Goal::at_most(indexed, 1000.0, "1 s"),
        },
        Row {
            work: format!("memory once all are applied ({:.0} s later)", applied.as_secs_f64()),
            measured: memory.show(),
            against: format!("their text: {size:.2} MB"),
            ratio: memory.now / size,
            goal: Goal::at_most(memory.now, 100.0, "100 MB"),
        },
        Row {
            work: "a save among 10,000 manifests (server's clock)".to_owned(),
            measured: among_many.inside.show(),
            against: format!("a save in a folder of one: {}", in_one.inside.show()),
            ratio: slower,
            goal: Goal::at_most(slower, 1.2, "1.2 ×"),
        },
        Row {
            work: "a save among 10,000 manifests (client's clock)".to_owned(),
            measured: among_many.seen.show(),
            against: format!("a save in a folder of one: {}", in_one.seen.show()),
            ratio: slower_seen,
            goal: Goal::Shown,
        },
        Row {
            work: "a bare dry run of one of 10,000 objects".to_owned(),
            measured: among_many.bare.show(),
            against: format!("of the only one: {}", in_one.bare.show()),
            ratio: slower_bare,
            goal: Goal::Shown,
        },
    ]
}

/// Saves in one session, each beside a bare dry run of the same object on the same cluster.
struct Saves<'a> {
    server: &'a TestServer,
    cluster: BareCluster,
    seen: Samples,
    inside: Samples,
    bare: Samples,
}

impl<'a> Saves<'a> {
    fn of(server: &'a TestServer, started: &Value) -> Self {
        let kubeconfig = Utf8Path::new(started["kubeconfig"].as_str().expect("a kubeconfig"));
        let field_manager = format!("gitops-lsp:{}", started["name"].as_str().expect("a name"));
        Self {
            server,
            cluster: BareCluster::connect(kubeconfig, &field_manager),
            seen: Samples::default(),
            inside: Samples::default(),
            bare: Samples::default(),
        }
    }

    /// Saves once. Before each measurement the cluster is asked without a clock, so that what its controllers do about
    /// the last apply is over, and no one is the first after a pause.
    fn play(&mut self, file: &str, text: &str, counts: bool) {
        let object = object_of(text);
        let ask = || self.cluster.dry_run(CONFIG_MAPS, &object);
        ask();
        let bare = ask();
        let saved = save(self.server, file, text, || {
            ask();
        });
        if counts {
            self.bare.push(bare);
            self.seen.push(saved.seen);
            self.inside.push_milliseconds(saved.inside);
        }
    }
}

/// Reads the files' bytes, one after the other, in milliseconds.
fn read_alone(server: &TestServer) -> f64 {
    let began = Instant::now();
    let mut bytes = 0;
    for directory in server.workspace().read_dir_utf8().expect("the workspace can be read") {
        for file in directory
            .expect("an entry")
            .path()
            .read_dir_utf8()
            .expect("a directory")
        {
            bytes += std::fs::read(file.expect("an entry").path()).expect("a file").len();
        }
    }
    std::hint::black_box(bytes);
    began.elapsed().as_secs_f64() * 1000.0
}

/// Waits until every file has its last verdict.
fn wait_until_applied(server: &TestServer, since: Mark) -> Duration {
    let began = Instant::now();
    let mut applied: BTreeSet<String> = BTreeSet::new();
    let waited = server.client.log().wait(since, PATIENCE, |message| {
        let params = &message["params"];
        if message["method"] == "gitops/verdict" && params["phase"] == "apply" {
            assert!(params["ok"] == true, "not applied: {params}");
            applied.extend(params["uri"].as_str().map(str::to_owned));
        }
        (applied.len() == MANIFESTS).then_some(())
    });
    waited.unwrap_or_else(|error| panic!("{} of {MANIFESTS} manifests are applied: {error:?}", applied.len()));
    began.elapsed()
}

/// How long the server says that it took to read and index the files of the target, in milliseconds.
fn indexed(log: &str) -> f64 {
    let said = log.lines().find_map(|line| {
        line.split_once("target indexed")?
            .1
            .split_once("milliseconds=")?
            .1
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    });
    said.unwrap_or_else(|| panic!("the server does not say how long it read:\n{log}"))
}
