//! Saves in targets that are built from many files: bases of different sizes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8Path;
use gitops_render::{Child, Kustomize, ObjectId, Renderer as _};
use serde_json::json;
use tokio::runtime::Runtime;

use super::bare_cluster::BareCluster;
use super::samples::Samples;
use super::saving::save;
use super::settings::Settings;
use super::table::{Goal, Row};
use super::workload::{config_map, deployment, object_of};
use crate::binary::target_directory;
use crate::server::{Phase, TestServer};

/// How many objects the bases have beside the one that is saved.
const SMALL: usize = 1;
const LARGE: usize = 200;
/// How often each is saved.
const ROUNDS: usize = 100;
/// How many of the first saves are not counted.
const WARM_UP: usize = 10;
/// How many saves have a fault.
const FAULTS: usize = 20;
/// The file that is saved.
const SAVED: &str = "base/web.yaml";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

/// Files by path.
pub(super) type Files = BTreeMap<String, String>;

/// A server on these files that says how long its own work takes.
pub(super) fn laid_out(files: &Files) -> TestServer {
    let server = TestServer::builder()
        .environment("GITOPS_LSP_LOG", "gitops_lsp=info,warn,kube_client=off,tower=off")
        .build();
    for (path, text) in files {
        server.write(path, text);
    }
    server
}

/// An overlay over a base with so many objects beside the one that is saved.
fn overlay(others: usize, value: usize) -> Files {
    let mut resources = "resources:\n- web.yaml\n".to_owned();
    let mut files = Files::new();
    for number in 0..others {
        let _ = writeln!(resources, "- map-{number}.yaml");
        files.insert(
            format!("base/map-{number}.yaml"),
            config_map(&format!("map-{number}"), 0),
        );
    }
    files.insert("base/kustomization.yaml".to_owned(), resources);
    files.insert(SAVED.to_owned(), deployment("web", value));
    files.insert(
        "overlay/kustomization.yaml".to_owned(),
        "namespace: default\nresources: [../base]\nlabels: [{ pairs: { stage: bench } }]\n".to_owned(),
    );
    files
}

/// The renderer alone, with one overlay.
struct Bare {
    runtime: Runtime,
    renderer: Child,
    request: Kustomize,
}

impl Bare {
    fn new(files: &Files) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let program = target_directory()
            .join("sandbox")
            .join(format!("gitops-render{}", std::env::consts::EXE_SUFFIX));
        let renderer = {
            let _on_runtime = runtime.enter();
            Child::new(program)
        };
        let texts = files
            .iter()
            .map(|(path, text)| (path.clone(), Some(text.clone())))
            .collect();
        runtime
            .block_on(renderer.change("bench", texts))
            .expect("the tree is taken");
        let request = Kustomize {
            tree: "bench".to_owned(),
            path: "overlay".to_owned(),
            origins: true,
            ..Kustomize::default()
        };
        Self {
            runtime,
            renderer,
            request,
        }
    }

    fn change(&self, value: usize) {
        let file = BTreeMap::from([(SAVED.to_owned(), Some(deployment("web", value)))]);
        self.runtime
            .block_on(self.renderer.change("bench", file))
            .expect("the tree is taken");
    }

    fn build(&self, only: Vec<ObjectId>) -> Duration {
        let request = Kustomize {
            only,
            ..self.request.clone()
        };
        let began = Instant::now();
        let built = self
            .runtime
            .block_on(self.renderer.kustomize(&request))
            .expect("it is built");
        let elapsed = began.elapsed();
        assert!(built.fault.is_none(), "{:?}", built.fault);
        elapsed
    }

    fn slice(&self) -> Duration {
        self.build(vec![ObjectId {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: "default".to_owned(),
            name: "web".to_owned(),
        }])
    }
}

/// What was measured with one base.
struct Measured {
    /// Finding the line of what is refused.
    placing: Samples,
    inside: Samples,
    /// A slice and the dry run of what changed, one after the other.
    both: Samples,
    slice: Samples,
    whole: Samples,
}

fn one_base(others: usize) -> Measured {
    let files = overlay(others, 0);
    let server = laid_out(&files);
    let mark = server.client.mark();
    let started = server.start_session(json!({ "target": "overlay" }));
    server.wait_for_verdict("overlay/kustomization.yaml", Phase::Apply, mark, 1);
    server.open(SAVED);
    let kubeconfig = Utf8Path::new(started["kubeconfig"].as_str().expect("a kubeconfig"));
    let field_manager = format!("gitops-lsp:{}", started["name"].as_str().expect("a name"));
    let cluster = BareCluster::connect(kubeconfig, &field_manager);
    let bare = Bare::new(&files);
    let mut measured = Measured {
        placing: Samples::default(),
        inside: Samples::default(),
        both: Samples::default(),
        slice: Samples::default(),
        whole: Samples::default(),
    };
    for round in 1..=WARM_UP + ROUNDS {
        let text = deployment("web", round);
        let object = object_of(&text);
        bare.change(round);
        let slice = bare.slice();
        let whole = bare.build(Vec::new());
        cluster.dry_run(DEPLOYMENTS, &object);
        let asked = cluster.dry_run(DEPLOYMENTS, &object);
        let saved = save(&server, SAVED, &text, || {
            cluster.dry_run(DEPLOYMENTS, &object);
        });
        if round > WARM_UP {
            measured.inside.push_milliseconds(saved.inside);
            measured.both.push(slice + asked);
            measured.slice.push(slice);
            measured.whole.push(whole);
        }
    }
    measured.placing = placing(&server);
    measured
}

/// How long it takes to find the line of one answer, by saves with a field that is not known.
fn placing(server: &TestServer) -> Samples {
    let mut samples = Samples::default();
    for round in 0..FAULTS {
        let text = deployment("web", ROUNDS + WARM_UP + round).replace("replicas: 0", "replica: 0");
        let mark = server.client.mark();
        let version = server.retype(SAVED, &text);
        server.wait_for_diagnostics(SAVED, mark, |published| published.version == Some(version));
        let before = server.generation(SAVED);
        let mark = server.save(SAVED);
        let verdict = server.wait_for_verdict(SAVED, Phase::DryRun, mark, before + 1);
        assert!(!verdict.ok, "an unknown field is refused");
    }
    let log = server.errors();
    let placed = log
        .lines()
        .filter(|line| line.contains("answers=1") && line.contains("placed"));
    for line in placed {
        let milliseconds = line
            .split_once("milliseconds=")
            .and_then(|(_, rest)| rest.split_whitespace().next());
        let milliseconds = milliseconds.and_then(|number| number.parse().ok());
        samples.push_milliseconds(milliseconds.unwrap_or_else(|| panic!("no time in `{line}`")));
    }
    samples
}

/// `kubectl kustomize` over the whole, one process.
fn kubectl_kustomize(program: &Utf8Path) -> Samples {
    let directory = tempfile::tempdir().expect("a directory");
    let root = Utf8Path::from_path(directory.path()).expect("UTF-8");
    for (path, text) in overlay(LARGE, 0) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory can be made");
        std::fs::write(path, text).expect("a file can be written");
    }
    let mut samples = Samples::default();
    for _ in 0..ROUNDS / 10 {
        let began = Instant::now();
        let status = Command::new(program)
            .args(["kustomize", root.join("overlay").as_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(status.success(), "kubectl kustomize fails");
        samples.push(began.elapsed());
    }
    samples
}

/// Saves in bases of 2 and 201 objects.
pub fn measure(settings: &Settings) -> Vec<Row> {
    let small = one_base(SMALL);
    let large = one_base(LARGE);
    let mut rows = Vec::new();
    for (measured, count) in [(&small, SMALL + 1), (&large, LARGE + 1)] {
        let ratio = measured.inside.median() / measured.both.median();
        rows.push(Row {
            work: format!("a field in a base of {count} objects: didSave read → dry-run verdict"),
            measured: measured.inside.show(),
            against: format!("slice and bare dry run of what changed: {}", measured.both.show()),
            ratio,
            goal: Goal::at_most(ratio, 1.3, "1.3 ×"),
        });
    }
    let slower = large.slice.median() / small.slice.median();
    rows.push(Row {
        work: format!("a slice of a base of {} objects", LARGE + 1),
        measured: large.slice.show(),
        against: format!("a slice of a base of {}: {}", SMALL + 1, small.slice.show()),
        ratio: slower,
        goal: Goal::at_most(slower, 1.5, "1.5 ×"),
    });
    if let Some(kubectl) = &settings.kubectl {
        let process = kubectl_kustomize(kubectl);
        let faster = process.median() / large.slice.median();
        rows.push(Row {
            work: format!("a slice of a base of {} objects, against a kubectl process", LARGE + 1),
            measured: large.slice.show(),
            against: format!("kubectl kustomize of the whole: {}", process.show()),
            ratio: faster,
            goal: Goal::at_least(faster, 20.0, "20 × faster"),
        });
    }
    let placing = large.placing.median();
    rows.push(Row {
        work: format!("placing one finding in an overlay over {} objects", LARGE + 1),
        measured: large.placing.show(),
        against: format!("in one over {}: {}", SMALL + 1, small.placing.show()),
        ratio: placing / small.placing.median(),
        goal: Goal::at_most(placing, 100.0, "100 ms"),
    });
    rows.push(Row {
        work: format!("the whole of {} objects", LARGE + 1),
        measured: large.whole.show(),
        against: format!("its slice: {}", large.slice.show()),
        ratio: large.whole.median() / large.slice.median(),
        goal: Goal::Shown,
    });
    rows
}
