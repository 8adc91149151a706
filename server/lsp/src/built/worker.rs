//! The task that has a target built and finds the places of what is said about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use camino::Utf8PathBuf;
use gitops_model::flux::RepositoryUrl;
use gitops_model::kustomize::{Spot, directory_of, join};
use gitops_model::{Code, Finding, Severity, Source, Want, changes_reach, reach};
use gitops_render::fault::PlacedFault;
use gitops_render::{BuiltObject, Fault, OriginNote, Renderer};
use gitops_session::{Condition, FileVerdict, Supplied};
use gitops_text::Span;
use serde_json::Value;

use super::artifact::Artifacts;
use super::behind::Behind;
use super::kept::{Kept, Unused};
use super::left_behind::LeftBehind;
use super::only_changed::PlacedBefore;
use super::orders::{Orders, Taken, orders};
use super::prepared::Prepared;
use super::preview::{self, AskPreview};
use super::readings::Readings;
use super::releases::Releases;
use super::shown::{self, Ask};
use super::source_ignore::SourceIgnore;
use super::unit::Unit;
use super::units::UnitName;
use super::{Findings, PlacedCondition, Tree, conditions, placed, references, workloads};
use crate::event::{Event, Inbox, TaskDone};
use crate::parsed::Parsed;
use crate::workload::WorkloadOrder;
use crate::workspace::is_yaml;

/// What the worker is told.
pub(crate) enum Order {
    /// Files were saved.
    Save(Save),
    /// The cluster has spoken.
    Place(Box<FileVerdict>),
    /// Flux has spoken.
    Flux(Box<Condition>),
    /// Something is wrong with an object that was applied, or nothing any more.
    Workload(Box<WorkloadOrder>),
    /// Somebody wants to see what was built.
    Ask(Box<Ask>),
    /// Somebody wants to see what would be built.
    Preview(Box<AskPreview>),
}

/// Files that were saved.
pub(crate) struct Save {
    /// Number of the save.
    pub(crate) generation: u64,
    /// What they hold, by their path from the root; `None` for one that is gone.
    pub(crate) changes: BTreeMap<String, Option<Arc<Parsed>>>,
}

/// The worker of one session.
pub(super) struct Worker {
    /// Number of the session.
    pub(super) number: u64,
    /// The workspace folder.
    pub(super) root: Utf8PathBuf,
    /// The target, from the root.
    pub(super) target: String,
    pub(super) renderer: Arc<dyn Renderer>,
    pub(super) tree: Tree,
    /// Whether the target is the entry of a Flux repository.
    pub(super) is_flux: bool,
    /// The values files over the chart's own, where the target is a chart; `None` for other targets.
    pub(super) values_files: Option<Vec<String>>,
    /// What is built on its own.
    pub(super) units: Vec<Unit>,
    /// What was built last.
    pub(super) objects: Vec<BuiltObject>,
    /// What is read of it.
    pub(super) readings: Readings,
    /// What is known of it before the cluster speaks.
    pub(super) prepared: Option<Prepared>,
    /// What the loop has of what was placed.
    pub(super) placed_before: PlacedBefore,
    /// The unit of each object.
    pub(super) unit_of: Vec<usize>,
    /// The Helm releases among the objects.
    pub(super) releases: Releases,
    /// The sandbox, which tells what charts see of it.
    pub(super) cluster: Option<gitops_cluster::Cluster>,
    /// Whether something could not be built, so that what is missing may only not be built.
    pub(super) is_broken: bool,
    /// What was said of references of what was built last.
    pub(super) said: Vec<references::Said>,
    /// The objects as they are sent.
    pub(super) sent: Vec<Supplied>,
    /// Where objects come from in the tree of their unit, where that is an artifact.
    pub(super) as_built: BTreeMap<usize, OriginNote>,
    /// What is kept of each unit.
    pub(super) kept: BTreeMap<UnitName, Kept>,
    /// Artifacts that are made of the tree.
    pub(super) artifacts: Artifacts,
    /// Where the workspace stands in its repository; empty for the top.
    pub(super) prefix: String,
    /// The repositories that this workspace is.
    pub(super) remotes: Vec<RepositoryUrl>,
    /// Namespace and name of the `GitRepository` that the target itself is built from.
    pub(super) source_of_target: (String, String),
    /// What Kustomizations that do not prune have left on the cluster.
    pub(super) left_behind: LeftBehind,
    /// The wholes that are built behind slices.
    pub(super) behind: Behind,
    /// What source-controller leaves out, where Flux builds.
    pub(super) left_out: Option<SourceIgnore>,
    pub(super) generation: u64,
    /// Name of the tree at the renderer.
    pub(super) name_of_tree: String,
    pub(super) inbox: Inbox,
}

/// What a worker begins with.
pub(crate) struct Start {
    /// Number of the session.
    pub(crate) number: u64,
    /// The workspace folder.
    pub(crate) root: Utf8PathBuf,
    /// The target, from the root.
    pub(crate) target: String,
    /// Whether that is the entry of a Flux repository.
    pub(crate) is_flux: bool,
    /// The values files over the chart's own, where it is a chart.
    pub(crate) values_files: Option<Vec<String>>,
    /// Who builds.
    pub(crate) renderer: Arc<dyn Renderer>,
    /// The files as they were read.
    pub(crate) tree: Tree,
    /// The `GitRepository` that the target itself is built from, where it has one.
    pub(crate) source: Option<Value>,
    /// The sandbox.
    pub(crate) cluster: Option<gitops_cluster::Cluster>,
    /// The number of what was placed and taken last.
    pub(crate) taken: Arc<AtomicU64>,
    /// To whom it tells what came out.
    pub(crate) inbox: Inbox,
}

/// Starts a worker. It ends when nobody can order any more.
pub(crate) fn start(start: Start, runtime: &tokio::runtime::Handle) -> Orders {
    let (orders, waiting) = orders();
    let (behind, mut wholes) = Behind::new();
    let mut worker = Worker {
        number: start.number,
        root: start.root,
        target: start.target,
        renderer: start.renderer,
        tree: start.tree,
        is_flux: start.is_flux,
        values_files: start.values_files,
        units: Vec::new(),
        objects: Vec::new(),
        readings: Readings::default(),
        prepared: None,
        placed_before: PlacedBefore::new(start.taken),
        unit_of: Vec::new(),
        is_broken: false,
        said: Vec::new(),
        sent: Vec::new(),
        as_built: BTreeMap::new(),
        kept: BTreeMap::new(),
        artifacts: Artifacts::default(),
        prefix: String::new(),
        remotes: Vec::new(),
        source_of_target: source_of_target(start.source.as_ref()),
        left_behind: LeftBehind::default(),
        behind,
        left_out: None,
        releases: Releases::default(),
        cluster: start.cluster,
        generation: 0,
        name_of_tree: format!("session-{}", start.number),
        inbox: start.inbox,
    };
    worker.remotes.extend(start.source.as_ref().and_then(url_of));
    runtime.spawn(async move {
        worker.look_around().await;
        worker.send_whole_tree().await;
        loop {
            let Taken { save, mut others } = tokio::select! {
                taken = waiting.take() => match taken {
                    Some(taken) => taken,
                    None => return,
                },
                Some(built) = wholes.recv() => {
                    worker.take_wholes(built).await;
                    continue;
                }
            };
            let mut reach_changed = false;
            if let Some(save) = save {
                reach_changed = worker.generation == 0
                    || save.changes.iter().any(|(path, content)| {
                        let text = content.as_ref().map(|parsed| parsed.text.as_str());
                        worker.changes_reach(path, text)
                    });
                // What was said of an older save is about nothing now; what Flux says stays true of its objects, and who asks
                // wants the newest.
                others.retain(|order| !matches!(order, Order::Place(_)));
                worker.build(save).await;
            }
            for order in others {
                match order {
                    Order::Place(verdict) if verdict.generation == worker.generation => worker.place(*verdict).await,
                    Order::Flux(condition) => worker.place_condition(&condition).await,
                    Order::Workload(order) => workloads::place(&mut worker, *order).await,
                    Order::Ask(ask) => shown::answer(&mut worker, *ask),
                    Order::Preview(ask) => preview::answer(&mut worker, *ask).await,
                    Order::Place(_) | Order::Save(_) => {}
                }
            }
            // Nobody waits for it.
            if reach_changed {
                worker.tell_reach();
            }
        }
    });
    orders
}

impl Worker {
    async fn place(&mut self, verdict: FileVerdict) {
        let began = Instant::now();
        let answers = verdict.objects.iter().map(|object| object.judgement.answers.len());
        let answers: usize = answers.sum();
        let placed = placed::place(self, verdict).await;
        self.behind.may_begin();
        tracing::info!(
            answers,
            files = placed.files.len(),
            milliseconds = began.elapsed().as_secs_f64() * 1000.0,
            "placed what the cluster says"
        );
        let number = self.number;
        let _ = self.inbox.send(Event::Task(TaskDone::Placed { number, placed }));
    }

    /// Whether a file that is saved says, or said before, what other files are a part of. One that is new or gone may be
    /// one that a directory takes by itself.
    fn changes_reach(&self, path: &str, text: Option<&str>) -> bool {
        let before = self.tree.texts().text(path);
        match (before, text) {
            (Some(before), Some(text)) => changes_reach(path, before) || changes_reach(path, text),
            _ => true,
        }
    }

    fn tell_reach(&self) {
        let (number, reach) = (self.number, reach(self.tree.texts()));
        let _ = self.inbox.send(Event::Task(TaskDone::Reached { number, reach }));
    }

    /// Name of the tree at the renderer.
    pub(super) fn name_of_tree(&self) -> &str {
        &self.name_of_tree
    }

    /// The faults of builds on their lines.
    pub(super) fn faults(&self, faults: &[(usize, Fault)]) -> Findings {
        let placed = faults.iter().filter_map(|(number, fault)| {
            let placed = self.placed(self.units.get(*number)?, fault);
            let placed = placed.or_else(|| self.on_the_kustomization(*number, fault));
            placed.or_else(|| self.on_the_first_file(*number, fault))
        });
        self.by_file(placed, Source::Render, Severity::Error)
    }

    /// A fault of a unit in the file and at the place where it is written: in what its Flux Kustomization adds, or in its
    /// directory.
    pub(super) fn placed(&self, unit: &Unit, fault: &Fault) -> Option<PlacedFault> {
        let tree = self.tree_of(unit);
        let spec = self.spec_of(unit);
        let added = spec.and_then(|spec| gitops_render::fault::place_in_spec(fault, &unit.path, tree, &spec));
        added.or_else(|| {
            let placed = gitops_render::fault::place(fault, &unit.path, tree)?;
            Some(self.in_the_work_tree(unit, placed))
        })
    }

    /// The place of the `spec` of the Flux Kustomization of a unit.
    fn spec_of(&self, unit: &Unit) -> Option<Spot> {
        let mut spot = unit.spot(self.tree.texts())?;
        spot.path.push_key("spec");
        Some(spot)
    }

    /// A place in the tree of a unit as one in the work tree.
    fn in_the_work_tree(&self, unit: &Unit, placed: PlacedFault) -> PlacedFault {
        match self.written(unit, &placed.file) {
            Some(file) => PlacedFault {
                file: file.to_string(),
                ..placed
            },
            None => placed,
        }
    }

    /// A fault of a directory without a kustomization file is one of the Kustomization of Flux that names it.
    fn on_the_kustomization(&self, number: usize, fault: &Fault) -> Option<PlacedFault> {
        let spot = self.units.get(number)?.spot(self.tree.texts())?;
        let mut path = spot.clone();
        path.path.push_key("spec");
        path.path.push_key("path");
        Some(PlacedFault {
            file: spot.sheet.file().to_string(),
            span: path.span(Want::Value),
            slug: "build-failed",
            message: fault.message.clone(),
            detail: None,
        })
    }

    /// A fault of an entry that nobody wrote a Kustomization for has no other place than the first of its files. A verdict
    /// that is bad, and nothing that says why, is of no use to anybody.
    fn on_the_first_file(&self, number: usize, fault: &Fault) -> Option<PlacedFault> {
        let unit = self.units.get(number)?;
        let mut files = self.tree.texts().below(&unit.path).map(|(path, _)| &**path);
        Some(PlacedFault {
            file: files.find(|path| is_yaml(camino::Utf8Path::new(path)))?.to_owned(),
            span: Span::empty(0),
            slug: "build-failed",
            message: fault.message.clone(),
            detail: None,
        })
    }

    /// The texts that findings are about.
    pub(super) fn texts_of(&mut self, findings: &Findings) -> BTreeMap<Arc<str>, Arc<Parsed>> {
        let mut texts = BTreeMap::new();
        let related = findings.values().flatten().flat_map(|finding| &finding.related);
        let others: BTreeSet<Arc<str>> = related
            .filter_map(|related| related.file.as_deref().map(Arc::from))
            .collect();
        for name in findings.keys().chain(&others) {
            let text = self.path_of(name).and_then(|path| self.parsed(&path));
            texts.extend(text.map(|text| (Arc::clone(name), text)));
        }
        texts
    }

    /// Whether a kustomization is that of Flux's bootstrap: what it changes is Flux itself, which is not built here.
    fn is_of_the_bootstrap(&self, file: &str) -> bool {
        let components = join(directory_of(file), "gotk-components.yaml");
        components.is_some_and(|components| self.tree.texts().text(&components).is_some())
    }

    /// Each unit with its objects, which stand one after the other.
    pub(super) fn with_their_objects(&self) -> impl Iterator<Item = (&Unit, &[BuiltObject])> {
        let mut start = 0;
        self.units.iter().enumerate().map(move |(number, unit)| {
            let of = self.unit_of.get(start..).unwrap_or_default();
            let count = of.iter().take_while(|of| **of == number).count();
            let own = self.objects.get(start..start + count).unwrap_or_default();
            start += count;
            (unit, own)
        })
    }

    /// What of the kustomizations changes nothing. What was found of a unit holds until it is built again.
    pub(super) fn unused(&mut self) -> Findings {
        let mut all = Vec::new();
        let mut looked_at = Vec::new();
        for (unit, own) in self.with_their_objects() {
            let name = unit.name();
            let Some(kept) = self.kept.get(&name) else {
                continue;
            };
            let spec_in = unit.written_in();
            let spec_text = spec_in.and_then(|file| self.tree.texts().text(file)).cloned();
            let known = kept.unused.as_ref().filter(|known| known.spec_in == spec_text);
            let unused = known.cloned().unwrap_or_else(|| {
                let own: Vec<&BuiltObject> = own.iter().chain(&kept.of_flux).collect();
                let spec = self.spec_of(unit);
                let found = gitops_render::unused::unused(self.tree_of(unit), &unit.path, spec.as_ref(), &own);
                let found = found.into_iter().map(|placed| {
                    if spec_in == Some(placed.file.as_str()) {
                        placed
                    } else {
                        self.in_the_work_tree(unit, placed)
                    }
                });
                Unused {
                    found: found.collect(),
                    spec_in: spec_text,
                }
            });
            let found = unused.found.iter();
            all.extend(found.filter(|found| !self.is_of_the_bootstrap(&found.file)).cloned());
            looked_at.push((name, unused));
        }
        for (name, unused) in looked_at {
            if let Some(kept) = self.kept.get_mut(&name) {
                kept.unused = Some(unused);
            }
        }
        all.extend(self.left_behind());
        self.by_file(all, Source::Model, Severity::Warning)
    }

    async fn place_condition(&mut self, condition: &Condition) {
        let findings = conditions::place(self, condition).await;
        let findings = references::without_said(self, condition, findings);
        let placed = PlacedCondition {
            key: condition.key.clone(),
            texts: self.texts_of(&findings),
            findings,
        };
        let number = self.number;
        let _ = self
            .inbox
            .send(Event::Task(TaskDone::ConditionPlaced { number, placed }));
    }

    pub(super) fn by_file(
        &self,
        placed: impl IntoIterator<Item = PlacedFault>,
        source: Source,
        severity: Severity,
    ) -> Findings {
        let mut findings = Findings::new();
        for placed in placed {
            findings.entry(self.name(&placed.file)).or_default().push(Finding {
                code: Code {
                    source,
                    slug: placed.slug,
                },
                severity,
                span: placed.span,
                message: placed.message,
                detail: placed.detail,
                related: Vec::new(),
                fixes: Vec::new(),
                object: None,
            });
        }
        findings
    }

    /// The file that stands for a chart.
    pub(super) fn chart_file(&self) -> String {
        join(&self.target, "Chart.yaml").unwrap_or_default()
    }

    /// A file of the tree with its meaning.
    pub(super) fn parsed(&mut self, path: &str) -> Option<Arc<Parsed>> {
        self.tree.parsed(&self.root, path)
    }

    /// The path of a file of the tree.
    pub(super) fn path_of(&self, name: &str) -> Option<String> {
        let path = camino::Utf8Path::new(name).strip_prefix(&self.root).ok()?;
        Some(path.to_string())
    }

    /// The name of a file of the tree in the loop.
    pub(super) fn name(&self, path: &str) -> Arc<str> {
        Arc::from(self.root.join(path).as_str())
    }
}

/// Namespace and name of the `GitRepository` of a target; those of Flux's bootstrap where it has none.
fn source_of_target(source: Option<&Value>) -> (String, String) {
    let text = |pointer: &str| {
        let text = source
            .and_then(|source| source.pointer(pointer))
            .and_then(Value::as_str);
        text.unwrap_or("flux-system").to_owned()
    };
    (text("/metadata/namespace"), text("/metadata/name"))
}

fn url_of(source: &Value) -> Option<RepositoryUrl> {
    RepositoryUrl::parse(source.pointer("/spec/url").and_then(Value::as_str)?)
}
