//! Saves in targets that are built from many files: bases of different sizes, and a Flux repository of thousands of objects.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use gitops_render::{Child, Kustomize, ObjectId, Renderer as _};
use serde_json::json;
use tokio::runtime::Runtime;

use super::bare_cluster::BareCluster;
use super::samples::{Samples, milliseconds};
use super::saving::save;
use super::settings::Settings;
use super::table::{Goal, Row};
use super::workload::{config_map, deployment, object_of};
use crate::binary::target_directory;
use crate::message_log::Mark;
use crate::server::{Phase, TestServer};

/// How many objects the bases have beside the one that is saved.
const SMALL: usize = 1;
const LARGE: usize = 200;
/// How often each is saved.
const ROUNDS: usize = 100;
/// How many of the first saves are not counted.
const WARM_UP: usize = 10;
/// The file that is saved.
const SAVED: &str = "base/web.yaml";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

/// The large Flux repository: Kustomizations of Flux, each with so many releases and so many other files.
const KUSTOMIZATIONS: usize = 500;
const RELEASES: usize = 3;
const OTHER_FILES: usize = 16;
/// Saves among them; each goes through Flux, which reads the whole repository.
const ROUNDS_OF_FLEET: usize = 20;
const WARM_UP_OF_FLEET: usize = 3;

/// Files by path.
type Files = BTreeMap<String, String>;

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
    inside: Samples,
    /// A slice and the dry run of what changed, one after the other.
    both: Samples,
    slice: Samples,
    whole: Samples,
}

fn one_base(others: usize) -> Measured {
    let server = TestServer::builder().build();
    let files = overlay(others, 0);
    for (path, text) in &files {
        server.write(path, text);
    }
    let mark = server.client.mark();
    let started = server.start_session(json!({ "target": "overlay" }));
    server.wait_for_verdict("overlay/kustomization.yaml", Phase::Apply, mark, 1);
    server.open(SAVED);
    let kubeconfig = Utf8Path::new(started["kubeconfig"].as_str().expect("a kubeconfig"));
    let field_manager = format!("gitops-lsp:{}", started["name"].as_str().expect("a name"));
    let cluster = BareCluster::connect(kubeconfig, &field_manager);
    let bare = Bare::new(&files);
    let mut measured = Measured {
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
    measured
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
    rows.push(Row {
        work: format!("the whole of {} objects", LARGE + 1),
        measured: large.whole.show(),
        against: format!("its slice: {}", large.slice.show()),
        ratio: large.whole.median() / large.slice.median(),
        goal: Goal::Shown,
    });
    rows
}

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
    let server = TestServer::builder()
        .environment("GITOPS_LSP_LOG", "gitops_lsp=info,warn,kube_client=off,tower=off")
        .build();
    for (path, text) in fleet(kustomizations) {
        server.write(&path, text);
    }
    let mark = server.client.mark();
    server.start_session(json!({ "target": "clusters/east" }));
    Repository { server, mark }
}

/// A repository of 2,000 Flux objects and 10,000 files, and one of a twentieth of it.
pub fn measure_repository() -> Vec<Row> {
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
