//! What a save has built, seen by a renderer that writes down what it is asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camino::Utf8PathBuf;
use crossbeam_channel::{Receiver, Sender};
use futures::future::BoxFuture;
use gitops_model::kustomize::{self, SourceKind, layer};
use gitops_render::{Built, BuiltObject, Gone, Helm, Kustomize, OriginNote, Renderer};
use gitops_text::Text;
use gitops_yaml::Dialect;
use serde_json::{Value, json};

use crate::built::Orders;
use crate::built::worker::{Order, Save, Start, start};
use crate::built::{Outcome, PlacedVerdict, Tree};
use crate::event::{Event, TaskDone};
use crate::parsed::Parsed;

/// Long enough for anything here.
const PATIENCE: Duration = Duration::from_secs(30);

/// Builds the objects that kustomizations list, and nothing else.
struct Notebook {
    trees: Mutex<BTreeMap<String, kustomize::Tree>>,
    asked: Sender<String>,
    /// Whether slices are not what the wholes are.
    slices_differ: bool,
}

/// What the renderer does not survive.
const ENDS_THE_RENDERER: &str = "# the end";

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Notebook {
    fn build(&self, request: &Kustomize) -> Built {
        let trees = locked(&self.trees);
        let kind = if request.only.is_empty() { "whole" } else { "slice" };
        let (tree, path) = (&request.tree, &request.path);
        self.asked
            .send(format!("{tree} {path} {kind}"))
            .expect("the test listens");
        let Some(tree) = trees.get(tree) else {
            return Built::default();
        };
        let mut objects = Vec::new();
        for source in layer(tree, path, None).sources() {
            let SourceKind::File(file) = source.kind else { continue };
            let Some(sheet) = tree.sheet(file) else { continue };
            for document in sheet.documents() {
                let mut object = document.to_json(sheet.text(), Dialect::Kustomize).expect("YAML");
                let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                if !request.only.is_empty() && !request.only.iter().any(|only| only.name == name) {
                    continue;
                }
                if self.slices_differ && kind == "slice" {
                    object["data"] = json!({ "of": "a slice" });
                }
                objects.push(BuiltObject {
                    object: object.into(),
                    origin: Some(OriginNote {
                        path: file.to_owned(),
                        ..OriginNote::default()
                    }),
                    ..BuiltObject::default()
                });
            }
        }
        Built {
            objects,
            ..Built::default()
        }
    }
}

impl Renderer for Notebook {
    fn change<'a>(&'a self, tree: &'a str, files: BTreeMap<String, Option<String>>) -> BoxFuture<'a, Result<(), Gone>> {
        let mut trees = locked(&self.trees);
        let tree = trees.entry(tree.to_owned()).or_default();
        for (path, text) in files {
            match text {
                Some(text) => tree.insert(path, text),
                None => tree.remove(&path),
            }
        }
        Box::pin(async { Ok(()) })
    }

    fn kustomize<'a>(&'a self, request: &'a Kustomize) -> BoxFuture<'a, Result<Built, Gone>> {
        let texts = locked(&self.trees);
        let below = texts
            .get(&request.tree)
            .into_iter()
            .flat_map(|tree| tree.below(&request.path));
        let ends = below.into_iter().any(|(_, text)| text.contains(ENDS_THE_RENDERER));
        drop(texts);
        if ends {
            let reason = "was ended".to_owned();
            return Box::pin(async { Err(Gone { reason }) });
        }
        let built = self.build(request);
        Box::pin(async move { Ok(built) })
    }

    fn helm<'a>(&'a self, _request: &'a Helm) -> BoxFuture<'a, Result<Built, Gone>> {
        Box::pin(async { Ok(Built::default()) })
    }
}

/// A worker with its files.
pub(in crate::built) struct Bench {
    /// The worker ends with it.
    _runtime: tokio::runtime::Runtime,
    asked: Receiver<String>,
    pub(in crate::built) worker: Orders,
    events: Receiver<Event>,
    generation: u64,
}

fn parsed(path: &str, text: &str) -> Arc<Parsed> {
    Arc::new(Parsed::new(path, Text::new(text)))
}

impl Bench {
    fn new(files: &[(String, String)], slices_differ: bool) -> (Self, Outcome) {
        Self::with(files, slices_differ, Arc::default())
    }

    pub(in crate::built) fn with(
        files: &[(String, String)],
        slices_differ: bool,
        taken: Arc<AtomicU64>,
    ) -> (Self, Outcome) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let root = tempfile::tempdir().expect("a directory");
        let root = Utf8PathBuf::from_path_buf(root.keep()).expect("UTF-8");
        let mut tree = Tree::default();
        for (path, text) in files {
            tree.set(path.clone(), parsed(path, text));
        }
        let (inbox, events) = crossbeam_channel::unbounded();
        let (sender, asked) = crossbeam_channel::unbounded();
        let renderer = Arc::new(Notebook {
            trees: Mutex::default(),
            asked: sender,
            slices_differ,
        });
        let worker = start(
            Start {
                number: 1,
                root,
                target: "clusters/east".to_owned(),
                is_flux: true,
                values_files: None,
                renderer,
                tree,
                cluster: None,
                taken,
                source: None,
                inbox,
            },
            runtime.handle(),
        );
        let mut bench = Self {
            _runtime: runtime,
            asked,
            worker,
            events,
            generation: 0,
        };
        let first = bench.save(&[]);
        (bench, first)
    }

    pub(in crate::built) fn save(&mut self, files: &[(&str, Option<&str>)]) -> Outcome {
        self.generation += 1;
        let changes = files.iter().map(|(path, text)| {
            let text = text.map(|text| parsed(path, text));
            ((*path).to_owned(), text)
        });
        let save = Save {
            generation: self.generation,
            changes: changes.collect(),
        };
        assert!(self.worker.send(Order::Save(save)).is_taken(), "the worker lives");
        self.outcome()
    }

    fn outcome(&self) -> Outcome {
        loop {
            let event = self.events.recv_timeout(PATIENCE).expect("a build");
            if let Event::Task(TaskDone::TargetBuilt { outcome, .. }) = event {
                return outcome;
            }
        }
    }

    pub(in crate::built) fn placed(&self) -> PlacedVerdict {
        loop {
            let event = self.events.recv_timeout(PATIENCE).expect("a placing");
            if let Event::Task(TaskDone::Placed { placed, .. }) = event {
                return placed;
            }
        }
    }

    /// What the renderer was asked since the last time: so many requests are waited for, what came beyond them is there, too.
    fn asked(&self, count: usize) -> Vec<String> {
        let wait = || self.asked.recv_timeout(PATIENCE).expect("a request");
        let mut asked: Vec<String> = (0..count).map(|_| wait()).collect();
        asked.extend(self.asked.try_iter());
        asked
    }
}

pub(in crate::built) fn map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name} }}\ndata: {{ key: {value} }}\n")
}

/// A repository with so many Kustomizations of so many objects each.
pub(in crate::built) fn repository(units: usize, objects: usize) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for unit in 0..units {
        let kustomization = format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
             metadata: {{ name: app-{unit}, namespace: flux-system }}\n\
             spec: {{ path: ./apps/{unit}, sourceRef: {{ kind: GitRepository, name: flux-system }} }}\n"
        );
        files.push((format!("clusters/east/{unit}.yaml"), kustomization));
        let mut list = "resources:\n".to_owned();
        for object in 0..objects {
            let _ = writeln!(list, "- {object}.yaml");
            files.push((
                format!("apps/{unit}/{object}.yaml"),
                map(&format!("map-{unit}-{object}"), "old"),
            ));
        }
        files.push((format!("apps/{unit}/kustomization.yaml"), list));
    }
    files
}

fn keys(outcome: &Outcome) -> Vec<(String, Value)> {
    let objects = outcome.objects.as_ref().expect("it is built").iter();
    objects
        .map(|supplied| {
            (
                supplied.manifest.key.name.clone(),
                supplied.object.value()["data"].clone(),
            )
        })
        .collect()
}

#[test]
fn a_save_builds_what_it_touches_first_the_slice_and_then_the_whole() {
    for units in [4, 40] {
        let (mut bench, first) = Bench::new(&repository(units, 20), false);
        assert_eq!(keys(&first).len(), units * 21);
        assert_eq!(bench.asked(units + 1).len(), units + 1, "each unit is built once");
        let outcome = bench.save(&[("apps/3/7.yaml", Some(&map("map-3-7", "new")))]);
        assert!(keys(&outcome).contains(&("map-3-7".to_owned(), json!({ "key": "new" }))));
        assert_eq!(keys(&outcome).len(), units * 21);
        assert_eq!(bench.asked(2), ["session-1 apps/3 slice", "session-1 apps/3 whole"]);
        // The numbers of the objects are their places.
        let numbers = outcome.objects.expect("it is built");
        assert!(
            numbers
                .iter()
                .enumerate()
                .all(|(place, supplied)| supplied.manifest.document == place)
        );
    }
}

#[test]
fn an_entry_that_cannot_be_built_says_so_on_its_first_file() {
    let mut files = repository(2, 2);
    files.push((
        "clusters/east/a.yaml".to_owned(),
        format!("{}{ENDS_THE_RENDERER}\n", map("a", "b")),
    ));
    let (_bench, first) = Bench::new(&files, false);
    assert!(first.is_broken);
    let said: Vec<_> = first
        .findings
        .iter()
        .map(|(file, all)| (file.to_string(), all.len()))
        .collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].0.ends_with("clusters/east/0.yaml") && said[0].1 == 1,
        "{said:?}"
    );
    let finding = first.findings.values().flatten().next().expect("it is said");
    assert!(finding.message.contains("was ended"), "{}", finding.message);
}

#[test]
fn the_whole_corrects_the_slice() {
    let (mut bench, _) = Bench::new(&repository(2, 20), true);
    let slice = bench.save(&[("apps/1/7.yaml", Some(&map("map-1-7", "new")))]);
    assert!(keys(&slice).contains(&("map-1-7".to_owned(), json!({ "of": "a slice" }))));
    let whole = bench.outcome();
    assert_eq!(whole.generation, slice.generation);
    assert!(keys(&whole).contains(&("map-1-7".to_owned(), json!({ "key": "new" }))));
    assert_eq!(keys(&whole).len(), keys(&slice).len());
}

#[test]
fn what_a_slice_cannot_tell_is_built_whole() {
    let (mut bench, _) = Bench::new(&repository(3, 20), false);
    bench.asked(4);
    // Another object in the file.
    let both = format!("{}---\n{}", map("map-1-7", "new"), map("more", "new"));
    let outcome = bench.save(&[("apps/1/7.yaml", Some(&both))]);
    assert_eq!(keys(&outcome).len(), 3 * 21 + 1);
    assert_eq!(bench.asked(1), ["session-1 apps/1 whole"]);
    // The kustomization.
    let outcome = bench.save(&[("apps/1/kustomization.yaml", Some("resources: [7.yaml]\n"))]);
    assert_eq!(keys(&outcome).len(), 3 + 2 * 20 + 2);
    assert_eq!(bench.asked(1), ["session-1 apps/1 whole"]);
    // A file that goes.
    bench.save(&[("apps/1/7.yaml", None)]);
    assert_eq!(bench.asked(1), ["session-1 apps/1 whole"]);
    // A file that nothing reads.
    bench.save(&[("apps/1/notes.yaml", Some("a: b\n"))]);
    assert_eq!(bench.asked(0), [""; 0]);
    // The Kustomization of Flux: its own file, and what it says.
    let kustomization = &repository(1, 1)[0].1;
    bench.save(&[(
        "clusters/east/0.yaml",
        Some(&kustomization.replace("spec: { ", "spec: { prune: true, ")),
    )]);
    assert_eq!(
        bench.asked(2),
        ["session-1 clusters/east whole", "session-1 apps/0 whole"]
    );
}

#[test]
fn what_is_built_from_an_artifact_is_built_again_when_what_it_copies_changes() {
    let generator = "\
apiVersion: source.extensions.fluxcd.io/v1beta1
kind: ArtifactGenerator
metadata: { name: apps, namespace: flux-system }
spec:
  sources: [{ alias: repo, kind: GitRepository, name: flux-system }]
  artifacts:
    - { name: one, copy: [{ from: '@repo/apps/1/**', to: '@artifact/deep/' }] }
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: { name: one, namespace: flux-system }
spec: { path: ./deep, sourceRef: { kind: ExternalArtifact, name: one } }
";
    let mut files = repository(3, 2);
    files.push(("clusters/east/one.yaml".to_owned(), generator.to_owned()));
    let (mut bench, first) = Bench::new(&files, false);
    assert_eq!(keys(&first).len(), 3 + 2 + 4 * 2);
    bench.asked(5);
    let outcome = bench.save(&[("apps/1/1.yaml", Some(&map("map-1-1", "new")))]);
    let new = keys(&outcome)
        .into_iter()
        .filter(|(_, data)| *data == json!({ "key": "new" }));
    assert_eq!(new.count(), 2, "in the work tree and in the artifact");
    let mut asked = bench.asked(2);
    asked.sort();
    assert_eq!(
        asked,
        ["session-1 apps/1 whole", "session-1/flux-system/one deep whole"]
    );
    // What is copied into it comes with it.
    bench.save(&[
        (
            "apps/1/kustomization.yaml",
            Some("resources: [0.yaml, 1.yaml, 2.yaml]\n"),
        ),
        ("apps/1/2.yaml", Some(&map("more", "new"))),
    ]);
    let outcome = bench.save(&[("apps/2/1.yaml", Some(&map("map-2-1", "new")))]);
    assert_eq!(keys(&outcome).iter().filter(|(name, _)| name == "more").count(), 2);
}
