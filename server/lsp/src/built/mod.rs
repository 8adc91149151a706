//! Targets that are built from many files: kustomizations, and what Flux makes of a repository.
//!
//! A save goes to the worker of the session, which holds the tree of files as it was saved, has it built by the renderer,
//! and later finds the places of what the cluster says about it. The loop keeps what is shown.

mod artifact;
mod bare_chart;
mod behind;
mod coming;
pub(crate) mod conditions;
pub(crate) mod fluxing;
mod kept;
mod left_behind;
mod missing_paths;
mod not_copied;
mod only_changed;
mod orders;
mod placed;
mod prepared;
pub(crate) mod preview;
mod readings;
mod references;
mod releases;
mod saved;
mod sent;
pub(crate) mod shown;
mod source_ignore;
mod tree;
mod unit;
mod units;
mod variables;
mod worker;
mod workloads;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use camino::Utf8Path;
use gitops_model::{Finding, ObjectKey, Reach, Severity, Source};
use gitops_session::{BroughtRepository, FileVerdict, Force, Phase as VerdictPhase, Supplied, Supply};

pub(crate) use coming::Coming;
pub(crate) use fluxing::{Fluxing, PlacedCondition};
pub(crate) use orders::{Orders, Sent};
use placed::Scope;
pub(crate) use placed::{PlacedFile, PlacedVerdict};
pub(crate) use tree::{Tree, read_tree};
pub(crate) use worker::{Order, Save};

use gitops_render::Renderer;

use crate::follow;
use crate::parsed::Parsed;
use crate::saves::{self, Word};
use crate::state::State;
use crate::target::{self, TargetKind};
use crate::workload;

/// What a session keeps of a target that is built.
pub(crate) struct Building {
    /// Under which its verdicts come: the path of the target.
    pub(crate) name: Arc<str>,
    /// Builds and places; ends when this is dropped.
    pub(crate) worker: Orders,
    /// Number of the newest save that reached it.
    pub(crate) generation: u64,
    /// The files that wait for a verdict on a save, each with the number of that save.
    pub(crate) saved: BTreeMap<Arc<str>, u64>,
    /// The files that something is placed in.
    pub(crate) placed_in: BTreeSet<Arc<str>>,
    /// The number of the placing that was taken last, for the worker to go on from.
    pub(crate) taken: Arc<AtomicU64>,
    /// What a person asked to be done to an object with the next build.
    pub(crate) force: Option<(ObjectKey, Force)>,
    /// When the newest save was read.
    pub(crate) read_at: Instant,
    /// Whether some of the newest save could not be built.
    pub(crate) is_broken: bool,
    /// What was built last.
    pub(crate) objects: Arc<[Supplied]>,
    /// The number of the save that it was built of.
    pub(crate) objects_of: u64,
    /// Whether some of it waits for what Flux is still to bring.
    pub(crate) pending: bool,
    /// Which entries of the repository each file is a part of.
    pub(crate) reach: Reach,
    /// What it keeps of Flux, where the target is the entry of a Flux repository.
    pub(crate) flux: Option<Fluxing>,
}

/// What came out of a build.
pub(crate) struct Outcome {
    /// Of which save.
    pub(crate) generation: u64,
    /// The objects; `None` where nothing could be built.
    pub(crate) objects: Option<Vec<Supplied>>,
    /// Whether something of it could not be built: then nothing is taken off the cluster that is missing in it.
    pub(crate) is_broken: bool,
    /// What there is to say about how they are built, by file.
    pub(crate) findings: Findings,
    /// The texts of these files.
    pub(crate) texts: BTreeMap<Arc<str>, Arc<Parsed>>,
    /// The sources of the target that are this workspace, for Flux to read them from the session.
    pub(crate) repositories: Vec<BroughtRepository>,
}

/// Findings by file.
pub(crate) type Findings = BTreeMap<Arc<str>, Vec<Finding>>;

/// The session takes saves: everything is built for the first time.
pub(crate) fn begin(state: &mut State, number: u64, mut tree: Tree, renderer: Arc<dyn Renderer>) {
    state.generation += 1;
    let generation = state.generation;
    let is_flux = state
        .sessions
        .get(&number)
        .is_some_and(|session| session.kind == TargetKind::Flux);
    let (flux, source) = is_flux
        .then(|| fluxing::begin(state, number, &mut tree))
        .flatten()
        .unzip();
    let Some(session) = state.sessions.get_mut(&number) else {
        return;
    };
    let cluster = session.running().map(|running| running.cluster.clone());
    let target = session.target.strip_prefix(&session.root).unwrap_or(&session.target);
    let taken = Arc::new(AtomicU64::new(0));
    let start = worker::Start {
        number,
        root: session.root.clone(),
        target: target.to_string(),
        is_flux,
        values_files: (session.kind == TargetKind::Chart).then(|| session.values_files.clone()),
        renderer,
        tree,
        source: source.flatten(),
        cluster,
        taken: Arc::clone(&taken),
        inbox: state.inbox.clone(),
    };
    let worker = worker::start(start, &state.runtime);
    // Holds: the worker has just begun.
    let _ = worker.send(Order::Save(Save {
        generation,
        changes: BTreeMap::new(),
    }));
    let own = gitops_model::KUSTOMIZATION_FILES
        .into_iter()
        .filter(|_| session.kind != TargetKind::Chart)
        .chain([target::CHART_FILE])
        .map(|name| session.target.join(name))
        .find(|path| path.is_file());
    let own: Option<Arc<str>> = own.map(|path| Arc::from(path.as_str()));
    session.building = Some(Building {
        name: Arc::from(session.target.as_str()),
        worker,
        generation,
        saved: own.iter().map(|name| (Arc::clone(name), generation)).collect(),
        placed_in: BTreeSet::new(),
        taken,
        force: None,
        read_at: Instant::now(),
        is_broken: false,
        objects: Arc::default(),
        objects_of: 0,
        pending: false,
        reach: Reach::default(),
        flux,
    });
    let early = std::mem::take(&mut session.early);
    if let Some((name, file)) = own.and_then(|name| state.files.at_path(Utf8Path::new(&*name))) {
        file.generation = generation;
        state.pending.insert(name);
    }
    for (name, parsed) in early {
        saved(state, number, &name, Some(&parsed), Instant::now(), None);
    }
    state.status_changed = true;
}

/// A file of the target was saved, or has changed on disk; `None` when it is gone.
pub(crate) fn saved(
    state: &mut State,
    number: u64,
    name: &Arc<str>,
    parsed: Option<&Arc<Parsed>>,
    read_at: Instant,
    force: Option<(ObjectKey, Force)>,
) {
    state.generation += 1;
    let generation = state.generation;
    let Some(session) = state.sessions.get_mut(&number) else {
        return;
    };
    let root = session.root.clone();
    let Some(building) = &mut session.building else { return };
    let Ok(path) = Utf8Path::new(&**name).strip_prefix(&root) else {
        return;
    };
    building.generation = generation;
    building.read_at = read_at;
    building.saved.insert(Arc::clone(name), generation);
    building.force = force.or(building.force.take());
    if let Some(flux) = &mut building.flux {
        flux.changed(name, generation);
    }
    let order = Order::Save(Save {
        generation,
        changes: BTreeMap::from([(path.to_string(), parsed.map(Arc::clone))]),
    });
    if !building.worker.send(order).is_taken() {
        building.saved.remove(name);
        saves::tell_not_taken(state);
        return;
    }
    if let Some(file) = state.files.get_mut(name) {
        file.generation = generation;
        state.pending.insert(Arc::clone(name));
    }
    state.status_changed = true;
}

/// A file of the target is gone from the disk. A directory is gone with its files, each of which comes by itself.
pub(crate) fn gone(state: &mut State, number: u64, path: &Utf8Path) {
    let name: Arc<str> = Arc::from(path.as_str());
    if let Some(file) = state.files.get_mut(&name).filter(|file| file.version.is_none()) {
        file.saved_hash = None;
        file.parsed = None;
        file.objects.clear();
    }
    saved(state, number, &name, None, Instant::now(), None);
}

/// A build is done: its objects go to the session, or its fault to the lines that it is about.
pub(crate) fn on_built(state: &mut State, number: u64, outcome: Outcome) {
    let on_save = state.settings.session.apply_on_save;
    let Some(session) = state.sessions.get_mut(&number) else {
        return;
    };
    let live = session.live().cloned();
    let (Some(building), Some(live)) = (&mut session.building, live) else {
        return;
    };
    // What Flux must know of its sources it must know of every build, the newest or not.
    if let Some(flux) = &mut building.flux
        && !flux.reads_from(outcome.repositories, outcome.is_broken)
    {
        saves::tell_not_taken(state);
        return;
    }
    tracing::debug!(
        generation = outcome.generation,
        newest = building.generation,
        "a build is done"
    );
    if building.generation != outcome.generation {
        return;
    }
    building.is_broken = outcome.is_broken;
    let Some(objects) = outcome.objects else {
        set_findings(state, number, outcome.generation, outcome.findings, &outcome.texts);
        for phase in [VerdictPhase::DryRun, VerdictPhase::Apply] {
            tell(state, number, outcome.generation, phase, &false.into());
        }
        return;
    };
    let objects: Arc<[Supplied]> = objects.into();
    building.objects = Arc::clone(&objects);
    building.objects_of = outcome.generation;
    // What belongs to Flux is applied by Flux.
    let apply = on_save && building.flux.is_none();
    let supply = Supply {
        file: Arc::clone(&building.name),
        generation: outcome.generation,
        complete: !outcome.is_broken,
        objects,
        read_at: building.read_at,
        apply,
        changed_only: true,
        force: building.force.take(),
    };
    let supply = vec![supply];
    // First on its way, then into the books: no verdict comes in before this turn of the loop is over.
    if live.supply(supply.clone()).is_err() {
        saves::tell_not_taken(state);
        return;
    }
    workload::supplied(state, number, &supply);
    workload::place_again(state, number);
    set_findings(state, number, outcome.generation, outcome.findings, &outcome.texts);
}

/// What a build says is said on its lines; the next one takes that back.
fn set_findings(
    state: &mut State,
    number: u64,
    generation: u64,
    by_file: Findings,
    texts: &BTreeMap<Arc<str>, Arc<Parsed>>,
) {
    let Some(root) = state.sessions.get(&number).map(|session| session.root.clone()) else {
        return;
    };
    for name in state.ledger.files_of(Source::Render) {
        if Utf8Path::new(&*name).starts_with(&root) && !by_file.contains_key(&name) {
            state.ledger.set(&name, Source::Render, generation, Vec::new());
        }
    }
    for (name, mut findings) in by_file {
        // What is no YAML is said by the text already, where it is open: one fault is one finding.
        let said = |finding: &Finding| finding.severity == Severity::Error;
        if state.ledger.of(&name, Source::Syntax).iter().any(said) {
            findings.retain(|finding| finding.code.slug != "not-yaml");
        }
        if let Some((_, file)) = state.files.at_path(Utf8Path::new(&*name))
            && let Some(built) = texts.get(&name)
        {
            if file.version.is_none() {
                file.parsed = Some(Arc::clone(built));
            } else if let Some(now) = &file.parsed {
                // What is typed since it was saved moves what is said of it.
                findings = follow::all(built, now, findings);
            }
        }
        state.ledger.set(&name, Source::Render, generation, findings);
    }
}

/// Flux has brought something: what waited for it is asked about again.
fn ask_again(state: &mut State, number: u64) {
    let Some(session) = state.sessions.get_mut(&number) else {
        return;
    };
    let live = session.live().cloned();
    let (Some(building), Some(live)) = (&mut session.building, live) else {
        return;
    };
    // What is built of a newer save is asked about by itself. What there was before it must not speak in its name: its
    // verdict would be the one that whoever saved is waiting for.
    if !std::mem::take(&mut building.pending) || building.objects_of != building.generation {
        return;
    }
    let supply = Supply {
        file: Arc::clone(&building.name),
        generation: building.generation,
        complete: false,
        objects: Arc::clone(&building.objects),
        read_at: building.read_at,
        apply: false,
        changed_only: true,
        force: None,
    };
    // A full queue holds newer saves, which ask by themselves.
    let _ = live.supply(vec![supply]);
}

/// The cluster has spoken about what was built: the worker finds out which lines that is about.
pub(crate) fn on_verdict(state: &mut State, number: u64, verdict: FileVerdict) {
    let Some(building) = state.building(number) else {
        return;
    };
    tracing::debug!(generation = verdict.generation, newest = building.generation, phase = ?verdict.phase, "the cluster has spoken");
    if building.generation == verdict.generation {
        // A worker that has ended is that of a session that is over.
        let _ = building.worker.send(Order::Place(Box::new(verdict)));
    }
}

/// What the cluster says has its places.
pub(crate) fn on_placed(state: &mut State, number: u64, placed: PlacedVerdict) {
    let Some(building) = state.building(number) else {
        return;
    };
    tracing::debug!(generation = placed.generation, newest = building.generation, phase = ?placed.phase, ok = placed.ok, "a verdict has its places");
    if building.generation != placed.generation {
        return;
    }
    let is_broken = building.is_broken;
    // Of what Flux applies the second answer is the first one again, and nothing was placed.
    if building.flux.is_some() && placed.phase == VerdictPhase::Apply {
        let word = (placed.ok && !is_broken).into();
        tell(state, number, placed.generation, placed.phase, &word);
        state.status_changed = true;
        return;
    }
    building.pending = placed.pending;
    building.taken.store(placed.number, Ordering::Release);
    let gone: Vec<Arc<str>> = match placed.scope {
        Scope::All => {
            let before = building.placed_in.iter();
            before
                .filter(|name| !placed.files.contains_key(*name))
                .cloned()
                .collect()
        }
        Scope::Changes(gone) => gone,
    };
    for name in &gone {
        building.placed_in.remove(name);
    }
    building.placed_in.extend(placed.files.keys().cloned());
    for name in gone {
        if let Some(file) = state.files.get_mut(&name) {
            file.objects.clear();
        }
        state.ledger.set(&name, Source::Apply, placed.generation, Vec::new());
    }
    for (name, file_placed) in placed.files {
        let Some((_, file)) = state.files.at_path(Utf8Path::new(&*name)) else {
            continue;
        };
        file.objects = file_placed.judged;
        file.generation = placed.generation;
        if file.version.is_none() {
            file.parsed = Some(file_placed.text);
        }
        let now = file.parsed.clone();
        let findings = now
            .map(|now| crate::report::place_all(&name, file, &now))
            .unwrap_or_default();
        state.ledger.set(&name, Source::Apply, placed.generation, findings);
    }
    if !is_broken {
        set_findings(state, number, placed.generation, placed.unused, &placed.texts);
    }
    let word = Word {
        unreachable: placed.unreachable.clone(),
        ..(placed.ok && !is_broken).into()
    };
    saves::note_reachability(state, number, placed.unreachable, placed.asked);
    tell(state, number, placed.generation, placed.phase, &word);
    state.lenses_changed = true;
    state.status_changed = true;
}

/// Tells clients that wait for it the verdict on each file that was saved.
fn tell(state: &mut State, number: u64, generation: u64, phase: VerdictPhase, word: &Word) {
    let on_save = state.settings.session.apply_on_save;
    let Some(building) = state.building(number) else {
        return;
    };
    let is_flux = building.flux.is_some();
    if let Some(flux) = &mut building.flux
        && phase == VerdictPhase::DryRun
        && word.ok
        && on_save
        && !flux.accepted(generation)
    {
        saves::tell_not_taken(state);
        return;
    }
    let elapsed = building.read_at.elapsed();
    let saved: Vec<(Arc<str>, u64)> = building
        .saved
        .iter()
        .filter(|(_, saved)| **saved <= generation)
        .map(|(name, saved)| (Arc::clone(name), *saved))
        .collect();
    if phase == VerdictPhase::Apply {
        building.saved.retain(|_, saved| *saved > generation);
        for (name, _) in &saved {
            state.pending.remove(name);
        }
    }
    let last = phase == VerdictPhase::Apply;
    if last && is_flux {
        return;
    }
    saves::send_verdicts(state, &saved, if last { "apply" } else { "dry-run" }, word, elapsed);
    if last {
        applied(state, number, saved);
    }
}

/// What was built is on the cluster: what becomes of it is waited for.
fn applied(state: &mut State, number: u64, saved: Vec<(Arc<str>, u64)>) {
    let Some(building) = state.building(number) else {
        return;
    };
    let (objects, read_at) = (Arc::clone(&building.objects), building.read_at);
    let keys = objects.iter().map(|supplied| &*supplied.manifest.key);
    workload::applied_by(state, number, saved, keys, read_at);
    workload::moved(state, number);
}

/// The session of a built target that holds a file.
pub(crate) fn session_of(state: &State, name: &str) -> Option<u64> {
    let (number, session) = state.session_of(Some(&name.into()))?;
    session.building.is_some().then_some(number)
}
