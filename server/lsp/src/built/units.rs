//! Building the target and all that follows from it: only what a save can have changed, first what it feeds.

mod ahead;
mod own_sources;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gitops_model::flux::{Kustomization, Reference, SourceOrigin};
use gitops_model::kustomize::reads;
use gitops_render::{Built, BuiltObject, Fault, Gone, Kustomize, OriginNote};
use gitops_session::{BroughtRepository, Supplied};
use serde_json::Value;

use self::ahead::Ahead;
use super::artifact::{ArtifactName, Generator, Known, NotCopied, WorkTree, is_workspace};
use super::kept::{Brought, Kept, kind_of, own};
use super::sent::supplied;
use super::unit::{self, Unit};
use super::worker::Worker;

/// How many Kustomizations of one target are built.
const MAX_UNITS: usize = 2_000;
/// A build that was lost after so long is not tried a second time.
const SECOND_TRY_WITHIN: Duration = Duration::from_secs(3);
/// The namespace and name of the source of a target that has none of its own.
const FLUX_SYSTEM: &str = "flux-system";

/// Namespace and name of the Flux Kustomization of a unit.
pub(super) type UnitName = Arc<(String, String)>;

/// What is other than at the build before.
#[derive(Default)]
pub(super) struct Changed {
    /// The files.
    pub(super) paths: BTreeSet<String>,
    /// Those that came or went, or whose objects are others than before.
    pub(super) restructured: BTreeSet<String>,
    /// Units that were built meanwhile.
    pub(super) built: BTreeMap<UnitName, Result<Built, Gone>>,
}

/// What came of all units.
#[derive(Default)]
pub(super) struct AllBuilt {
    /// The units that could not be built, with the reason.
    pub(super) faults: Vec<(usize, Fault)>,
    /// What artifacts cannot be made of.
    pub(super) not_copied: Vec<NotCopied>,
    /// The units of which only a slice is built, and what is asked to build the whole.
    pub(super) behind: Vec<(UnitName, Kustomize)>,
    /// The sources that are this workspace.
    pub(super) repositories: Vec<BroughtRepository>,
}

/// Where the source of a Kustomization is.
enum Place {
    /// In the work tree.
    WorkTree,
    /// In an artifact that is made of it.
    Artifact(ArtifactName),
    /// Somewhere else: what is built from it is left to Flux.
    Elsewhere,
    /// Nothing that is built so far says.
    Unknown,
}

/// Builds the target and, where it is the entry of a Flux repository, all that follows from it.
pub(super) async fn build_all(worker: &mut Worker, changed: Changed) -> AllBuilt {
    take_apart(worker);
    worker.artifacts.begin();
    let mut round = Round {
        changed,
        ..Round::default()
    };
    let root = Unit::root(&worker.target, worker.is_flux);
    round.build(worker, root, None).await;
    if worker.is_flux {
        round.build_what_follows(worker).await;
    }
    round.finish(worker).await
}

/// Gives each unit its objects back.
fn take_apart(worker: &mut Worker) {
    let mut objects = std::mem::take(&mut worker.objects).into_iter();
    let mut sent = std::mem::take(&mut worker.sent).into_iter();
    // The objects of a unit stand one after the other; what releases bring follows them all.
    for of_unit in worker.unit_of.chunk_by(|one, next| one == next) {
        let own: Vec<BuiltObject> = objects.by_ref().take(of_unit.len()).collect();
        let own_sent: Vec<Supplied> = sent.by_ref().take(of_unit.len()).collect();
        let unit = of_unit.first().and_then(|number| worker.units.get(*number));
        if let Some(kept) = unit.and_then(|unit| worker.kept.get_mut(&unit.name())) {
            (kept.objects, kept.sent) = (own, own_sent);
        }
    }
    worker.unit_of.clear();
    worker.as_built.clear();
}

/// What is still to be built: who brings it, what it is, and its Kustomization.
type Later = (UnitName, Unit, Arc<Kustomization>);

/// One build of everything.
#[derive(Default)]
struct Round {
    changed: Changed,
    /// The units that are built, in order.
    order: Vec<UnitName>,
    /// Who brings each.
    parents: BTreeMap<UnitName, UnitName>,
    seen: BTreeSet<UnitName>,
    /// What is still to be built.
    later: VecDeque<Later>,
    /// What was built before its turn.
    ahead: BTreeMap<UnitName, Ahead>,
    generators: Vec<Generator>,
    result: AllBuilt,
}

impl Round {
    async fn build_what_follows(&mut self, worker: &mut Worker) {
        self.seen.insert(UnitName::default());
        let mut at = 0;
        let mut known_generators = 0;
        while self.order.len() < MAX_UNITS {
            let waiting = self.later.len();
            while let Some(name) = self.order.get(at).cloned() {
                at += 1;
                self.take_what_it_brings(worker, &name);
            }
            let brings_more = self.later.len() > waiting;
            if self.generators.len() > known_generators {
                known_generators = self.generators.len();
                self.make_artifacts(worker).await;
            }
            if brings_more {
                self.build_ahead(worker).await;
            }
            let Some((index, place, is_ready)) = self.next(worker) else {
                break;
            };
            let Some((parent, unit, kustomization)) = self.later.remove(index) else {
                break;
            };
            if let Some(unit) = self.resolved(worker, unit, &kustomization, place, is_ready) {
                self.build(worker, unit, Some(parent)).await;
            }
        }
    }

    /// A unit with what is known of where and with what it is built; `None` for one that is not built here.
    fn resolved(
        &self,
        worker: &Worker,
        mut unit: Unit,
        kustomization: &Kustomization,
        place: Place,
        is_ready: bool,
    ) -> Option<Unit> {
        match place {
            Place::WorkTree => {
                let path = worker.inside(&unit.path)?;
                // The Kustomization of the target builds the target, which is built already.
                if path == worker.target {
                    return None;
                }
                unit.path = path;
            }
            Place::Artifact(name) => unit.artifact = Some(name),
            Place::Elsewhere | Place::Unknown => return None,
        }
        if let Some(flux) = &mut unit.flux {
            flux.strict = is_ready;
            let name = Arc::clone(&flux.name);
            flux.variables = unit::variables(kustomization, |reference| self.find(worker, reference, &name.0));
        }
        Some(unit)
    }

    /// Whether all that a Kustomization takes variables from is built.
    fn has_its_variables(&self, worker: &Worker, kustomization: &Kustomization, namespace: &str) -> bool {
        let is_known =
            |reference: &Reference| reference.is_optional || self.find(worker, reference, namespace).is_some();
        kustomization.substitute_from.iter().all(is_known)
    }

    /// The next unit to build: one whose source and whose variables are known; else one whose variables are not, since what
    /// they come from may be nowhere; else one of whose source nothing is known, where its directory is there.
    fn next(&self, worker: &Worker) -> Option<(usize, Place, bool)> {
        let mut second = None;
        for (index, (_, unit, kustomization)) in self.later.iter().enumerate() {
            let name = unit.name();
            match self.place(worker, kustomization, &name.0) {
                Place::Unknown => {}
                place => {
                    if self.has_its_variables(worker, kustomization, &name.0) {
                        return Some((index, place, true));
                    }
                    second.get_or_insert((index, place, false));
                }
            }
        }
        second.or_else(|| {
            let (index, (_, unit, kustomization)) = self.later.iter().enumerate().next()?;
            let is_git = kustomization
                .source
                .as_ref()
                .is_some_and(|source| source.kind == "GitRepository");
            let is_there = worker
                .inside(&unit.path)
                .is_some_and(|path| worker.tree.texts().below(&path).next().is_some());
            let place = if is_git && is_there {
                Place::WorkTree
            } else {
                Place::Elsewhere
            };
            let is_ready = self.has_its_variables(worker, kustomization, &unit.name().0);
            Some((index, place, is_ready))
        })
    }

    fn place(&self, worker: &Worker, kustomization: &Kustomization, namespace: &str) -> Place {
        let Some(source) = &kustomization.source else {
            return Place::Elsewhere;
        };
        let namespace = source.namespace.as_deref().unwrap_or(namespace);
        match source.kind.as_str() {
            "GitRepository" => self.repository(worker, namespace, &source.name),
            "ExternalArtifact" => {
                let name = (namespace.to_owned(), source.name.clone());
                if worker.artifacts.get(&name).is_some() {
                    Place::Artifact(name)
                } else if worker.artifacts.is_elsewhere(&name) {
                    Place::Elsewhere
                } else {
                    Place::Unknown
                }
            }
            _ => Place::Elsewhere,
        }
    }

    /// Whether a `GitRepository` is this workspace.
    fn repository(&self, worker: &Worker, namespace: &str, name: &str) -> Place {
        if worker.is_source_of_target(namespace, name) {
            return Place::WorkTree;
        }
        let units = self.order.iter().filter_map(|unit| worker.kept.get(unit));
        let mut repositories = units.flat_map(|kept| &kept.brought.repositories);
        let found = repositories
            .find(|(_, key, _)| key.name == name && key.namespace.as_deref().unwrap_or(FLUX_SYSTEM) == namespace);
        match found {
            Some((_, _, source)) if is_workspace(&source.origin, &worker.remotes) => Place::WorkTree,
            // Where nothing says which repository this is, a directory that is there is meant.
            Some(_) if worker.remotes.is_empty() => Place::Unknown,
            Some(_) => Place::Elsewhere,
            None => Place::Unknown,
        }
    }

    /// The object that a reference means, among what is built so far.
    fn find<'a>(&self, worker: &'a Worker, reference: &Reference, namespace: &str) -> Option<&'a Value> {
        let wanted = reference.namespace.as_deref().unwrap_or(namespace);
        let units = self.order.iter().filter_map(|name| worker.kept.get(name));
        let values = units.flat_map(|kept| kept.brought.values.iter().filter_map(|&index| kept.objects.get(index)));
        values.map(|built| &*built.object).find(|object| {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
            kind_of(object) == reference.kind
                && text("/metadata/name") == Some(&reference.name)
                && text("/metadata/namespace").is_none_or(|namespace| namespace == wanted)
        })
    }

    fn take_what_it_brings(&mut self, worker: &Worker, name: &UnitName) {
        let Some(kept) = worker.kept.get(name) else { return };
        for (unit, kustomization) in &kept.brought.kustomizations {
            if self.seen.insert(unit.name()) {
                self.later
                    .push_back((name.clone(), unit.clone(), Arc::clone(kustomization)));
            }
        }
        self.generators.extend(kept.brought.generators.iter().cloned());
    }

    async fn make_artifacts(&mut self, worker: &mut Worker) {
        let mut artifacts = std::mem::take(&mut worker.artifacts);
        let work_tree = WorkTree {
            texts: worker.tree.texts(),
            others: worker.tree.others(),
            prefix: &worker.prefix,
            changed: &self.changed.paths,
            name_of_tree: worker.name_of_tree(),
        };
        let known = |generator: &Generator, reference: &Reference| {
            let namespace = reference.namespace.as_deref().unwrap_or(&generator.namespace);
            match reference.kind.as_str() {
                "GitRepository" => match self.repository(worker, namespace, &reference.name) {
                    Place::WorkTree => Known::Workspace(self.ignore_of(worker, namespace, &reference.name)),
                    _ => Known::Elsewhere,
                },
                "ExternalArtifact" => Known::Artifact((namespace.to_owned(), reference.name.clone())),
                _ => Known::Elsewhere,
            }
        };
        let faults = artifacts
            .make(&self.generators, &known, &work_tree, &*worker.renderer)
            .await;
        self.result.not_copied = faults;
        worker.artifacts = artifacts;
    }

    /// `spec.ignore` of a `GitRepository`.
    fn ignore_of(&self, worker: &Worker, namespace: &str, name: &str) -> Option<String> {
        let units = self.order.iter().filter_map(|unit| worker.kept.get(unit));
        let mut repositories = units.flat_map(|kept| &kept.brought.repositories);
        let (_, _, source) = repositories
            .find(|(_, key, _)| key.name == name && key.namespace.as_deref().unwrap_or(FLUX_SYSTEM) == namespace)?;
        match source.origin {
            SourceOrigin::Git { .. } => source.ignore.clone(),
            _ => None,
        }
    }

    async fn build(&mut self, worker: &mut Worker, unit: Unit, parent: Option<UnitName>) {
        let name = unit.name();
        let number = self.order.len();
        let kept = worker.kept.remove(&name);
        let kept = self.built(worker, unit, kept, &name).await;
        if kept.is_slice {
            let request = kept.unit.request(worker.tree_at_renderer(&kept.unit));
            self.result.behind.push((name.clone(), request));
        }
        if let Some(fault) = &kept.fault {
            self.result.faults.push((number, fault.clone()));
        }
        worker.kept.insert(name.clone(), kept);
        self.order.push(name.clone());
        self.parents.extend(parent.map(|parent| (name, parent)));
    }

    async fn built(&mut self, worker: &mut Worker, unit: Unit, kept: Option<Kept>, name: &UnitName) -> Kept {
        let ahead = self.taken_ahead(name, &unit);
        if let Some(built) = self.changed.built.remove(name).or(ahead) {
            return whole(worker, unit, built);
        }
        if let Some(mut kept) = kept.filter(|kept| !kept.is_lost && kept.unit.asks_the_same(&unit)) {
            let changed = match &unit.artifact {
                Some(artifact) => worker.artifacts.get(artifact).map(super::artifact::Artifact::changed),
                None => Some(&self.changed.paths),
            };
            let changed = changed.into_iter().flatten().map(String::as_str);
            let touched: BTreeSet<&str> = changed.filter(|path| kept.reads.has(path)).collect();
            if touched.is_empty() {
                kept.unit = unit;
                return kept;
            }
            if let Some(only) = kept.slice(&touched, &self.changed.restructured) {
                let request = Kustomize {
                    only: only.clone(),
                    ..unit.request(worker.tree_at_renderer(&unit))
                };
                if let Ok(Built {
                    objects, fault: None, ..
                }) = worker.renderer.kustomize(&request).await
                {
                    let (objects, _) = own(objects);
                    let sent = supplied(&objects, worker.is_flux);
                    if kept.take_slice(&only, objects.into_iter().zip(sent).collect()) {
                        kept.unit = unit;
                        kept.brought = Brought::of(worker, &kept.objects);
                        return kept;
                    }
                }
            }
        }
        let request = unit.request(worker.tree_at_renderer(&unit));
        let asked_at = Instant::now();
        let mut built = worker.renderer.kustomize(&request).await;
        // A renderer that was ended by somebody else is there again for the second try; one that took too long is not asked
        // for as long once more.
        if built.is_err() && asked_at.elapsed() < SECOND_TRY_WITHIN {
            built = worker.renderer.kustomize(&request).await;
        }
        whole(worker, unit, built)
    }

    async fn finish(mut self, worker: &mut Worker) -> AllBuilt {
        let mut units = Vec::with_capacity(self.order.len());
        for (number, name) in self.order.iter().enumerate() {
            let Some(kept) = worker.kept.get_mut(name) else {
                continue;
            };
            let start = worker.objects.len();
            units.push(kept.unit.clone());
            worker.objects.append(&mut kept.objects);
            worker.sent.append(&mut kept.sent);
            worker.unit_of.resize(worker.objects.len(), number);
            let as_built = kept.as_built.iter().map(|(index, note)| (start + index, note.clone()));
            worker.as_built.extend(as_built);
        }
        for (index, sent) in worker.sent.iter_mut().enumerate() {
            sent.manifest.document = index;
        }
        worker.units = units;
        // A unit that is not there now, since what brings it is broken, is still good when it comes back unless a file of it
        // changed.
        let built: BTreeSet<&UnitName> = self.order.iter().collect();
        let changed = &self.changed.paths;
        worker.kept.retain(|name, kept| {
            built.contains(name) || (kept.unit.artifact.is_none() && !changed.iter().any(|path| kept.reads.has(path)))
        });
        self.result.repositories = self.repositories(worker);
        let artifacts: BTreeSet<ArtifactName> = worker.units.iter().filter_map(|unit| unit.artifact.clone()).collect();
        worker.artifacts.keep(&artifacts, &*worker.renderer).await;
        self.result
    }
}

/// A unit of which the whole was built.
fn whole(worker: &mut Worker, unit: Unit, built: Result<Built, Gone>) -> Kept {
    let is_lost = built.is_err();
    let ((objects, of_flux), fault) = match built {
        Ok(Built {
            objects, fault: None, ..
        }) => (own(objects), None),
        Ok(Built { fault, .. }) => ((Vec::new(), Vec::new()), Some(fault.unwrap_or_default())),
        Err(gone) => (
            (Vec::new(), Vec::new()),
            Some(Fault {
                step: "build".to_owned(),
                message: gone.to_string(),
                object: None,
            }),
        ),
    };
    let mut objects = objects;
    let as_built = written_in_the_work_tree(worker, &unit, &mut objects);
    let object = unit.flux.as_ref().map(|flux| &*flux.object);
    Kept {
        reads: reads(worker.tree_of(&unit), &unit.path, object),
        brought: Brought::of(worker, &objects),
        sent: supplied(&objects, worker.is_flux),
        as_built,
        objects,
        of_flux,
        fault,
        is_lost,
        unit,
        ..Kept::default()
    }
}

/// Says of the objects of an artifact where they are written in the work tree; returns where they come from in the artifact.
fn written_in_the_work_tree(worker: &Worker, unit: &Unit, objects: &mut [BuiltObject]) -> BTreeMap<usize, OriginNote> {
    let mut as_built = BTreeMap::new();
    let Some(artifact) = unit.artifact.as_ref().and_then(|name| worker.artifacts.get(name)) else {
        return as_built;
    };
    for (index, built) in objects.iter_mut().enumerate() {
        let Some(origin) = &mut built.origin else { continue };
        as_built.insert(index, origin.clone());
        for path in [&mut origin.path, &mut origin.configured_in] {
            if let Some(written) = artifact.written(path) {
                *path = written.to_string();
            }
        }
    }
    as_built
}

#[cfg(test)]
pub(super) mod tests;
