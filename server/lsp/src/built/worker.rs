//! The task that has a target built and finds the places of what is said about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::Utf8PathBuf;
use gitops_model::{Code, Finding, Manifest, ObjectKey, Severity, Source, Want, changes_reach, reach};
use gitops_render::fault::PlacedFault;
use gitops_render::{BuiltObject, Fault, Renderer};
use gitops_session::{Condition, FileVerdict, Supplied};
use gitops_text::Span;
use gitops_yaml::FieldPath;
use serde_json::Value;
use tokio::sync::mpsc;

use super::preview::{self, AskPreview};
use super::shown::{self, Ask};
use super::unit::{self, AllBuilt, Unit};
use super::{Findings, Outcome, PlacedCondition, Tree, conditions, placed};
use crate::event::{Event, Inbox, TaskDone};
use crate::parsed::Parsed;

/// How many orders may wait.
const QUEUE: usize = 256;

/// What the worker is told.
pub(crate) enum Order {
    /// Files were saved.
    Save(Save),
    /// The cluster has spoken.
    Place(Box<FileVerdict>),
    /// Flux has spoken.
    Flux(Box<Condition>),
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
    number: u64,
    /// The workspace folder.
    pub(super) root: Utf8PathBuf,
    /// The target, from the root.
    pub(super) target: String,
    pub(super) renderer: Arc<dyn Renderer>,
    pub(super) tree: Tree,
    /// Whether the target is the entry of a Flux repository.
    pub(super) is_flux: bool,
    /// What is built on its own.
    pub(super) units: Vec<Unit>,
    /// What was built last.
    pub(super) objects: Vec<BuiltObject>,
    /// The unit of each object.
    pub(super) unit_of: Vec<usize>,
    generation: u64,
    /// Name of the tree at the renderer.
    name_of_tree: String,
    /// What is laid over the tree while something is built that was not saved.
    pub(super) overlay: BTreeMap<String, Option<String>>,
    inbox: Inbox,
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
    /// Who builds.
    pub(crate) renderer: Arc<dyn Renderer>,
    /// The files as they were read.
    pub(crate) tree: Tree,
    /// To whom it tells what came out.
    pub(crate) inbox: Inbox,
}

/// Starts a worker. It ends when nobody can order any more.
pub(crate) fn start(start: Start, runtime: &tokio::runtime::Handle) -> mpsc::Sender<Order> {
    let (orders, mut received) = mpsc::channel(QUEUE);
    let mut worker = Worker {
        number: start.number,
        root: start.root,
        target: start.target,
        renderer: start.renderer,
        tree: start.tree,
        is_flux: start.is_flux,
        units: Vec::new(),
        objects: Vec::new(),
        unit_of: Vec::new(),
        generation: 0,
        name_of_tree: format!("session-{}", start.number),
        overlay: BTreeMap::new(),
        inbox: start.inbox,
    };
    runtime.spawn(async move {
        worker.send_whole_tree().await;
        while let Some(order) = received.recv().await {
            let mut save: Option<Save> = None;
            let mut said = Vec::new();
            let mut next = Some(order);
            // The newest save wins: those before it are only changes of the tree by now.
            while let Some(order) = next {
                match order {
                    Order::Save(newer) => match &mut save {
                        Some(save) => {
                            save.generation = newer.generation;
                            save.changes.extend(newer.changes);
                        }
                        None => save = Some(newer),
                    },
                    other => said.push(other),
                }
                next = received.try_recv().ok();
            }
            let mut reach_changed = false;
            if let Some(save) = save {
                reach_changed = worker.generation == 0
                    || save.changes.iter().any(|(path, content)| {
                        let text = content.as_ref().map(|parsed| parsed.text.as_str());
                        worker.changes_reach(path, text)
                    });
                // What was said of an older save is about nothing now; what Flux says stays true of its objects, and who asks
                // wants the newest.
                said.retain(|order| !matches!(order, Order::Place(_)));
                worker.build(save).await;
            }
            for order in said {
                match order {
                    Order::Place(verdict) if verdict.generation == worker.generation => worker.place(*verdict).await,
                    Order::Flux(condition) => worker.place_condition(&condition),
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
    async fn send_whole_tree(&mut self) {
        let files = self.tree.texts().below("");
        let files = files
            .map(|(path, text)| (path.to_string(), Some(text.to_string())))
            .collect();
        // What went wrong is said of the build that follows.
        let _ = self.renderer.change(&self.name_of_tree, files).await;
    }

    async fn build(&mut self, save: Save) {
        self.generation = save.generation;
        let mut files = BTreeMap::new();
        for (path, content) in save.changes {
            match content {
                Some(parsed) => {
                    files.insert(path.clone(), Some(parsed.text.as_str().to_owned()));
                    self.tree.set(path, parsed);
                }
                None => files.extend(self.tree.remove(&path).into_iter().map(|path| (path, None))),
            }
        }
        let changed = self.renderer.change(&self.name_of_tree, files).await;
        let AllBuilt {
            units,
            objects,
            mut faults,
        } = unit::build_all(self).await;
        if let Err(gone) = changed {
            faults.push((
                0,
                Fault {
                    step: "build".to_owned(),
                    message: gone.to_string(),
                    object: None,
                },
            ));
        }
        self.units = units;
        let findings = self.faults(&faults);
        // Of a single kustomization that cannot be built nothing is known; of many, what can be built goes on.
        let is_broken = !faults.is_empty();
        let objects = if is_broken && !self.is_flux {
            None
        } else {
            (self.unit_of, self.objects) = objects.into_iter().unzip();
            Some(supplied(&self.objects, self.is_flux))
        };
        let outcome = Outcome {
            generation: save.generation,
            objects,
            is_broken,
            texts: self.texts_of(&findings),
            findings,
        };
        let number = self.number;
        let _ = self.inbox.send(Event::Task(TaskDone::TargetBuilt { number, outcome }));
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

    async fn place(&mut self, verdict: FileVerdict) {
        let placed = placed::place(self, verdict).await;
        let number = self.number;
        let _ = self.inbox.send(Event::Task(TaskDone::Placed { number, placed }));
    }

    /// Name of the tree at the renderer.
    pub(super) fn name_of_tree(&self) -> &str {
        &self.name_of_tree
    }

    /// The faults of builds on their lines.
    fn faults(&self, faults: &[(usize, Fault)]) -> Findings {
        let placed = faults.iter().filter_map(|(number, fault)| {
            let directory = self.units.get(*number).map_or("", |unit| unit.path.as_str());
            let placed = gitops_render::fault::place(fault, directory, self.tree.texts());
            placed.or_else(|| self.on_the_kustomization(*number, fault))
        });
        self.by_file(placed, Source::Render, Severity::Error)
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

    /// The texts that findings are about.
    pub(super) fn texts_of(&mut self, findings: &Findings) -> BTreeMap<Arc<str>, Arc<Parsed>> {
        let mut texts = BTreeMap::new();
        for name in findings.keys() {
            let text = self.path_of(name).and_then(|path| self.parsed(&path));
            texts.extend(text.map(|text| (Arc::clone(name), text)));
        }
        texts
    }

    /// What of the kustomizations changes nothing.
    pub(super) fn unused(&self) -> Findings {
        let unused = self.units.iter().enumerate().flat_map(|(number, unit)| {
            let objects = self.objects.iter().zip(&self.unit_of);
            let own: Vec<&BuiltObject> = objects
                .filter(|(_, of)| **of == number)
                .map(|(built, _)| built)
                .collect();
            gitops_render::unused::unused(self.tree.texts(), &unit.path, &own)
        });
        self.by_file(unused, Source::Model, Severity::Warning)
    }

    fn place_condition(&mut self, condition: &Condition) {
        let findings = conditions::place(self, condition);
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

    fn by_file(&self, placed: impl IntoIterator<Item = PlacedFault>, source: Source, severity: Severity) -> Findings {
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

/// The objects as they are sent. Their number is their place in what was built.
pub(super) fn supplied(objects: &[BuiltObject], is_flux: bool) -> Vec<Supplied> {
    objects
        .iter()
        .enumerate()
        .map(|(index, built)| Supplied {
            manifest: Manifest {
                key: ObjectKey::of(&built.object),
                document: index,
                base: FieldPath::default(),
                kind_span: Span::new(0, 0),
            },
            object: if is_flux {
                gitops_cluster::SentObject::new(&as_flux_sends_it(&built.object))
            } else {
                gitops_cluster::SentObject::new(&built.object)
            },
        })
        .collect()
}

/// The object as kustomize-controller sends it, as far as that makes a difference.
///
/// It passes built-in kinds through their Go types (fluxcd/pkg/ssa/normalize), which gives a Job's template empty metadata.
/// Without them its manager would give up what it has of them, and with that the labels that the API server has put there.
fn as_flux_sends_it(object: &Value) -> Value {
    let mut object = object.clone();
    if object.get("kind").and_then(Value::as_str) == Some("Job")
        && let Some(template) = object.pointer_mut("/spec/template").and_then(Value::as_object_mut)
    {
        template
            .entry("metadata")
            .or_insert_with(|| Value::Object(serde_json::Map::new()));
    }
    object
}
