//! The loop of a session: what the files supply goes to the cluster, and what the cluster says comes back.
//!
//! Each file has one state, and a save of a file waits for the one before it only as long as one request takes:
//! an older save stops before its next request, and what it still hears is dropped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use futures::future::{BoxFuture, join_all};
use gitops_cluster::{Cluster, Judgement, Learn, Mode, Reply, judge};
use gitops_model::{Manifest, ObjectKey};
use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, Semaphore, mpsc, oneshot, watch};

use crate::stages;

/// How many requests of one session are under way at most.
const IN_FLIGHT: usize = 8;
/// How many commands may wait. A save that finds the queue full is told so; it is never lost without a word.
const QUEUE: usize = 256;

/// One object of a file.
#[derive(Clone, Debug)]
pub struct Supplied {
    /// Its identity and place.
    pub manifest: Manifest,
    /// The object as it is sent.
    pub object: Arc<Value>,
}

/// All that one file supplies at one save.
#[derive(Clone, Debug)]
pub struct Supply {
    /// Name of the file: a URI. Only compared.
    pub file: Arc<str>,
    /// Number of the save; grows with each.
    pub generation: u64,
    /// Whether all of the file could be read. From a file that is half broken nothing is pruned:
    /// what is missing may stand in the broken half.
    pub complete: bool,
    /// The objects, in the order of the file. Empty for a deleted file.
    pub objects: Vec<Supplied>,
    /// When the save was read, for `ms` in verdicts.
    pub read_at: Instant,
    /// What a person asked to be done to one of the objects first.
    pub force: Option<(ObjectKey, Force)>,
}

/// Which answer a report brings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// The fast answer: nothing is written.
    DryRun,
    /// What applying brought.
    Apply,
}

/// What became of an object.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The dry run takes it; applying is under way.
    Accepted,
    /// It is on the cluster.
    Applied {
        /// Since when.
        at: SystemTime,
    },
    /// The server refuses it; the judgement says why.
    Rejected,
    /// The server could not be asked.
    Unreachable {
        /// Why.
        reason: String,
    },
}

/// The verdict about one object.
#[derive(Clone, Debug)]
pub struct ObjectVerdict {
    /// Which object.
    pub manifest: Manifest,
    /// What the server thinks of it.
    pub judgement: Judgement,
    /// What became of it.
    pub outcome: Outcome,
}

/// The verdicts about one file at one save.
#[derive(Clone, Debug)]
pub struct FileVerdict {
    /// Which file.
    pub file: Arc<str>,
    /// Which save.
    pub generation: u64,
    /// Which answer.
    pub phase: Phase,
    /// One verdict per object, in the order of the file.
    pub objects: Vec<ObjectVerdict>,
    /// What was deleted from the cluster because the file no longer has it.
    pub pruned: Vec<ObjectKey>,
    /// What should have been deleted and was not, with the reason.
    pub prune_failures: Vec<(ObjectKey, String)>,
    /// From the reading of the save to this verdict.
    pub elapsed: Duration,
}

/// What the session tells its owner.
pub type Report = Arc<dyn Fn(FileVerdict) + Send + Sync>;

/// What the session can be told.
enum Command {
    Supply(Vec<Supply>),
    Retry,
    Stop { answer: oneshot::Sender<Stopped>, delete: bool },
}

/// What a person may do about an object that plain applying cannot put right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Force {
    /// Take fields over from the managers that hold them.
    TakeOver,
    /// Delete the object and create it anew.
    Recreate,
}

/// What stopping did.
#[derive(Clone, Debug, Default)]
pub struct Stopped {
    /// How many objects the session had put there.
    pub deleted: usize,
    /// What could not be deleted, with the reason.
    pub failed: Vec<(ObjectKey, String)>,
}

/// A running session. Dropping it ends the loop without deleting anything.
#[derive(Clone)]
pub struct Live {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
}

/// The queue is full or the session has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotTaken {
    /// More saves wait than the queue holds.
    #[error("too many saves are waiting for the cluster; this one was not taken")]
    Full,
    /// The session is over.
    #[error("the session has ended")]
    Ended,
}

struct Shared {
    cluster: Cluster,
    knowledge: Arc<dyn Learn + Send>,
    report: Report,
    in_flight: Semaphore,
    files: Mutex<HashMap<Arc<str>, Arc<FileState>>>,
    /// What the session has put on the cluster, and for which file: its inventory.
    inventory: Mutex<HashMap<ObjectKey, Arc<str>>>,
}

struct FileState {
    /// The newest save of the file.
    generation: watch::Sender<u64>,
    /// Held by the save that is being worked on.
    turn: AsyncMutex<()>,
    /// What waits for something that another file may bring: a namespace, a kind, a server that answers.
    waiting: Mutex<Option<Supply>>,
}

impl Live {
    /// Starts the loop on the current runtime.
    pub fn start(cluster: Cluster, knowledge: Arc<dyn Learn + Send>, report: Report) -> Self {
        let (commands, inbox) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            cluster,
            knowledge,
            report,
            in_flight: Semaphore::new(IN_FLIGHT),
            files: Mutex::default(),
            inventory: Mutex::default(),
        });
        tokio::spawn(run(Arc::clone(&shared), inbox));
        Self { commands, shared }
    }

    /// Puts what files supply on the cluster. Returns at once.
    pub fn supply(&self, supplies: Vec<Supply>) -> Result<(), NotTaken> {
        // The newest save is announced before the queue, so that an older one that is under way stops now.
        for supply in &supplies {
            self.shared.file(&supply.file).generation.send_if_modified(|generation| {
                let newer = supply.generation > *generation;
                if newer {
                    *generation = supply.generation;
                }
                newer
            });
        }
        self.send(Command::Supply(supplies))
    }

    /// Puts what files supply on the cluster and returns when all of it, and what waited for it, has its verdict.
    pub async fn supply_and_settle(&self, supplies: Vec<Supply>) {
        supply_batch(Arc::clone(&self.shared), supplies).await;
    }

    /// Asks again for what could not be asked before: after the server has come back.
    pub fn retry(&self) -> Result<(), NotTaken> {
        self.send(Command::Retry)
    }

    /// How many objects the session has on the cluster.
    pub fn object_count(&self) -> usize {
        locked(&self.shared.inventory).len()
    }

    /// The cluster that the session applies to.
    pub fn cluster(&self) -> &Cluster {
        &self.shared.cluster
    }

    /// Ends the session; `delete` takes what it had put there off the cluster (pointless where the cluster itself goes).
    pub async fn stop(&self, delete: bool) -> Stopped {
        let (answer, stopped) = oneshot::channel();
        if self.commands.send(Command::Stop { answer, delete }).await.is_err() {
            return Stopped::default();
        }
        stopped.await.unwrap_or_default()
    }

    fn send(&self, command: Command) -> Result<(), NotTaken> {
        self.commands.try_send(command).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotTaken::Full,
            mpsc::error::TrySendError::Closed(_) => NotTaken::Ended,
        })
    }
}

async fn run(shared: Arc<Shared>, mut inbox: mpsc::Receiver<Command>) {
    while let Some(command) = inbox.recv().await {
        match command {
            Command::Supply(supplies) => {
                tokio::spawn(supply_batch(Arc::clone(&shared), supplies));
            }
            Command::Retry => {
                tokio::spawn(retry_waiting(Arc::clone(&shared)));
            }
            Command::Stop { answer, delete } => {
                inbox.close();
                let _ = answer.send(stop(&shared, delete).await);
                return;
            }
        }
    }
}

/// Namespaces and CRDs of all files first, then the rest, as Flux stages them.
async fn supply_batch(shared: Arc<Shared>, supplies: Vec<Supply>) {
    let mut brought_something = false;
    if supplies.len() > 1 {
        let early: Vec<Supply> = supplies
            .iter()
            .filter(|supply| supply.objects.iter().any(|supplied| stages::comes_first(&supplied.manifest.key.gvk)))
            .cloned()
            .collect();
        let (first, rest): (Vec<_>, Vec<_>) = supplies.into_iter().partition(|supply| {
            !supply.objects.is_empty() && supply.objects.iter().all(|supplied| stages::comes_first(&supplied.manifest.key.gvk))
        });
        for supply in early.iter().filter(|supply| !first.iter().any(|whole| whole.file == supply.file)) {
            brought_something |= apply_early_part(&shared, supply).await;
        }
        brought_something |= join_all(first.into_iter().map(|supply| supply_file(&shared, supply))).await.into_iter().any(|brought| brought);
        let work = rest.into_iter().map(|supply| supply_file(&shared, supply));
        brought_something |= join_all(work).await.into_iter().any(|brought| brought);
    } else {
        for supply in supplies {
            brought_something |= supply_file(&shared, supply).await;
        }
    }
    if brought_something {
        retry_waiting(shared).await;
    }
}

/// Applies the namespaces and CRDs of a file that has other objects too, so that other files of the batch find them.
async fn apply_early_part(shared: &Shared, supply: &Supply) -> bool {
    let mut brought = false;
    for supplied in supply.objects.iter().filter(|supplied| stages::comes_first(&supplied.manifest.key.gvk)) {
        let verdict = judge_one(shared, supplied).await;
        if matches!(verdict.outcome, Outcome::Accepted) && matches!(apply_one(shared, &supply.file, supplied, Mode::Apply).await, Ok(None)) {
            stages::wait_until_usable(&shared.cluster, supplied).await;
            shared.knowledge.kinds_changed();
            brought = true;
        }
    }
    brought
}

/// One file: dry run, verdict, apply, verdict, prune. True if it brought a namespace or a kind that others may wait for.
///
/// A newer save stops this one before its next request and in the middle of a dry run. An apply that is under way is
/// waited for: the server might otherwise do it after the newer one.
async fn supply_file(shared: &Shared, supply: Supply) -> bool {
    let state = shared.file(&supply.file);
    let _turn = state.turn.lock().await;
    let newest = state.generation.subscribe();
    if let Some((key, how)) = &supply.force {
        force(shared, &supply, key, *how).await;
    }
    let mut brought = false;
    let Some(mut verdicts) = judge_file(shared, &supply, &newest, &mut brought).await else { return brought };
    (shared.report)(file_verdict(&supply, Phase::DryRun, verdicts.clone()));
    let applied = join_all(verdicts.iter().zip(&supply.objects).map(|(verdict, supplied)| async {
        let goes_on = matches!(verdict.outcome, Outcome::Accepted) && *newest.borrow() <= supply.generation;
        if goes_on { Some(apply_one(shared, &supply.file, supplied, Mode::Apply).await) } else { None }
    }))
    .await;
    if *newest.borrow() > supply.generation {
        return brought;
    }
    for (verdict, answer) in verdicts.iter_mut().zip(applied) {
        if let Some(answer) = answer {
            settle(verdict, answer);
        }
    }
    let waits = verdicts.iter().any(waits_for_others);
    *locked(&state.waiting) = waits.then(|| Supply { force: None, ..supply.clone() });
    let mut report = file_verdict(&supply, Phase::Apply, verdicts);
    if supply.complete {
        prune(shared, &supply, &mut report).await;
    }
    report.elapsed = supply.read_at.elapsed();
    (shared.report)(report);
    brought
}

/// Judges all objects of a file; what comes first is applied at once. `None` when a newer save came.
async fn judge_file(shared: &Shared, supply: &Supply, newest: &watch::Receiver<u64>, brought: &mut bool) -> Option<Vec<ObjectVerdict>> {
    let mut verdicts: Vec<Option<ObjectVerdict>> = Vec::new();
    verdicts.resize_with(supply.objects.len(), || None);
    for index in indices(supply, stages::comes_first) {
        let (Some(supplied), Some(slot)) = (supply.objects.get(index), verdicts.get_mut(index)) else { continue };
        let mut verdict = unless_superseded(newest, supply.generation, judge_one(shared, supplied)).await?;
        if matches!(verdict.outcome, Outcome::Accepted) {
            settle(&mut verdict, apply_one(shared, &supply.file, supplied, Mode::Apply).await);
            if matches!(verdict.outcome, Outcome::Applied { .. }) {
                *brought = true;
                if stages::is_definition(&supplied.manifest.key.gvk) {
                    shared.knowledge.kinds_changed();
                }
                unless_superseded(newest, supply.generation, stages::wait_until_usable(&shared.cluster, supplied)).await?;
            }
        }
        *slot = Some(verdict);
    }
    let late = indices(supply, |gvk| !stages::comes_first(gvk));
    let judging = join_all(late.iter().filter_map(|&index| supply.objects.get(index)).map(|supplied| judge_one(shared, supplied)));
    let judged = unless_superseded(newest, supply.generation, judging).await?;
    for (&index, verdict) in late.iter().zip(judged) {
        if let Some(slot) = verdicts.get_mut(index) {
            *slot = Some(verdict);
        }
    }
    Some(verdicts.into_iter().flatten().collect())
}

/// What `work` brings, or `None` as soon as a newer save than `generation` is announced.
async fn unless_superseded<T>(newest: &watch::Receiver<u64>, generation: u64, work: impl Future<Output = T>) -> Option<T> {
    let mut newest = newest.clone();
    tokio::select! {
        biased;
        _ = newest.wait_for(|newest| *newest > generation) => None,
        value = work => Some(value),
    }
}

fn indices(supply: &Supply, wanted: impl Fn(&gitops_model::Gvk) -> bool) -> Vec<usize> {
    supply.objects.iter().enumerate().filter(|(_, supplied)| wanted(&supplied.manifest.key.gvk)).map(|(index, _)| index).collect()
}

fn file_verdict(supply: &Supply, phase: Phase, objects: Vec<ObjectVerdict>) -> FileVerdict {
    FileVerdict {
        file: Arc::clone(&supply.file),
        generation: supply.generation,
        phase,
        objects,
        pruned: Vec::new(),
        prune_failures: Vec::new(),
        elapsed: supply.read_at.elapsed(),
    }
}

fn waits_for_others(verdict: &ObjectVerdict) -> bool {
    matches!(verdict.outcome, Outcome::Unreachable { .. })
        || verdict.judgement.answers.iter().any(|answer| matches!(answer.slug, "namespace-not-found" | "kind-not-served" | "version-not-served"))
}

async fn judge_one(shared: &Shared, supplied: &Supplied) -> ObjectVerdict {
    let _permit = shared.in_flight.acquire().await;
    let manifest = supplied.manifest.clone();
    match judge(&shared.cluster, &manifest.key, &supplied.object, &*shared.knowledge).await {
        Ok(judgement) => {
            let outcome = if judgement.accepted() { Outcome::Accepted } else { Outcome::Rejected };
            ObjectVerdict { manifest, judgement, outcome }
        }
        Err(unreachable) => ObjectVerdict { manifest, judgement: Judgement::default(), outcome: Outcome::Unreachable { reason: unreachable.reason } },
    }
}

/// `Ok(None)` when it was applied, `Ok(Some)` when it was refused after all.
async fn apply_one(shared: &Shared, file: &Arc<str>, supplied: &Supplied, mode: Mode) -> Result<Option<Judgement>, String> {
    let _permit = shared.in_flight.acquire().await;
    let key = &supplied.manifest.key;
    let kinds = shared.cluster.kinds();
    let Some(served) = kinds.get(&key.gvk) else { return Err(format!("{} is no longer served", key.gvk)) };
    let resolved = ObjectKey { namespace: shared.cluster.namespace_of(key, served), ..key.clone() };
    // In the inventory before it is on the cluster: whatever happens in between, nothing is left behind unknown.
    let before = locked(&shared.inventory).insert(resolved.clone(), Arc::clone(file));
    match shared.cluster.apply(key, served, &supplied.object, mode).await {
        Ok(Reply::Accepted { .. }) => Ok(None),
        Ok(Reply::Refused { refusal, .. }) => {
            if before.is_none() {
                locked(&shared.inventory).remove(&resolved);
            }
            shared.knowledge.learn(&shared.cluster, &key.gvk, &refusal.message).await;
            let live = shared.cluster.get(key, served).await.ok().flatten();
            let answers = gitops_cluster::answer::decode(&refusal, &key.gvk, &supplied.object, live.as_ref(), &*shared.knowledge);
            Ok(Some(Judgement { answers, warnings: Vec::new(), rounds: 1 }))
        }
        Err(unreachable) => Err(unreachable.reason),
    }
}

fn settle(verdict: &mut ObjectVerdict, answer: Result<Option<Judgement>, String>) {
    match answer {
        Ok(None) => verdict.outcome = Outcome::Applied { at: SystemTime::now() },
        Ok(Some(judgement)) => {
            verdict.judgement.answers = judgement.answers;
            verdict.outcome = Outcome::Rejected;
        }
        Err(reason) => verdict.outcome = Outcome::Unreachable { reason },
    }
}

/// Deletes what this file had put on the cluster and no longer has.
async fn prune(shared: &Shared, supply: &Supply, report: &mut FileVerdict) {
    let kinds = shared.cluster.kinds();
    let kept: Vec<ObjectKey> = supply
        .objects
        .iter()
        .map(|supplied| {
            let key = &supplied.manifest.key;
            let namespace = kinds.get(&key.gvk).map_or_else(|| key.namespace.clone(), |served| shared.cluster.namespace_of(key, served));
            ObjectKey { namespace, ..key.clone() }
        })
        .collect();
    let mut gone: Vec<ObjectKey> = locked(&shared.inventory)
        .iter()
        .filter(|(key, file)| **file == supply.file && !kept.iter().any(|kept| kept.same_object(key)))
        .map(|(key, _)| key.clone())
        .collect();
    gone.sort();
    let mut kinds_changed = false;
    for key in gone {
        match delete_one(shared, &key).await {
            Ok(()) => {
                kinds_changed |= stages::is_definition(&key.gvk);
                report.pruned.push(key);
            }
            Err(reason) => report.prune_failures.push((key, reason)),
        }
    }
    if kinds_changed {
        shared.knowledge.kinds_changed();
        // A server that does not answer now is asked again at the next save.
        let _ = shared.cluster.refresh_kinds().await;
    }
}

async fn delete_one(shared: &Shared, key: &ObjectKey) -> Result<(), String> {
    let kinds = shared.cluster.kinds();
    let Some(served) = kinds.get(&key.gvk) else {
        // Its kind went, and with it every object of the kind.
        locked(&shared.inventory).remove(key);
        return Ok(());
    };
    let _permit = shared.in_flight.acquire().await;
    match shared.cluster.delete(key, served).await {
        Ok(Reply::Accepted { .. }) => {
            locked(&shared.inventory).remove(key);
            Ok(())
        }
        Ok(Reply::Refused { refusal, .. }) => Err(refusal.message),
        Err(unreachable) => Err(unreachable.reason),
    }
}

/// Does what a person asked for, to one object, before its file is judged as always.
async fn force(shared: &Shared, supply: &Supply, key: &ObjectKey, how: Force) {
    let kinds = shared.cluster.kinds();
    let Some(served) = kinds.get(&key.gvk) else { return };
    match how {
        Force::Recreate => {
            if matches!(shared.cluster.delete(key, served).await, Ok(Reply::Accepted { .. })) {
                stages::wait_until_gone(&shared.cluster, key, served).await;
            }
        }
        Force::TakeOver => {
            for supplied in supply.objects.iter().filter(|supplied| supplied.manifest.key == *key) {
                // What goes wrong here is said by the dry run that follows.
                let _ = apply_one(shared, &supply.file, supplied, Mode::ApplyForced).await;
            }
        }
    }
}

/// Boxed, because a retry may bring something that others wait for, which is retried.
fn retry_waiting(shared: Arc<Shared>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let states: Vec<Arc<FileState>> = locked(&shared.files).values().cloned().collect();
        let waiting: Vec<Supply> = states.iter().filter_map(|state| locked(&state.waiting).take()).collect();
        let brought = join_all(waiting.into_iter().map(|supply| supply_file(&shared, Supply { read_at: Instant::now(), ..supply }))).await;
        if brought.into_iter().any(|brought| brought) {
            retry_waiting(shared).await;
        }
    })
}

async fn stop(shared: &Shared, delete: bool) -> Stopped {
    // Whatever is under way sees a newer save and stops.
    for state in locked(&shared.files).values() {
        state.generation.send_replace(u64::MAX);
    }
    let mut keys: Vec<ObjectKey> = locked(&shared.inventory).keys().cloned().collect();
    if !delete {
        return Stopped { deleted: keys.len(), failed: Vec::new() };
    }
    // Namespaces and CRDs last: what is in them goes one by one, so that each failure has a name.
    keys.sort_by_key(|key| stages::comes_first(&key.gvk));
    let mut stopped = Stopped::default();
    for key in keys {
        match delete_one(shared, &key).await {
            Ok(()) => stopped.deleted += 1,
            Err(reason) => stopped.failed.push((key, reason)),
        }
    }
    stopped
}

impl Shared {
    fn file(&self, file: &Arc<str>) -> Arc<FileState> {
        Arc::clone(locked(&self.files).entry(Arc::clone(file)).or_insert_with(|| {
            Arc::new(FileState { generation: watch::Sender::new(0), turn: AsyncMutex::default(), waiting: Mutex::default() })
        }))
    }
}

/// A panic while the lock was held leaves plain data behind, never half an invariant: it is used on.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
