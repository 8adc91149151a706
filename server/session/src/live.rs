//! The work of a session: what the files supply goes to the cluster, and what the cluster says comes back.
//!
//! Each file has one state, and a save of a file waits for the one before it only as long as one request takes:
//! an older save stops before its next request, and what it still hears is dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream;
use gitops_cluster::{Cluster, Learn};
use gitops_model::Gvk;
use tokio::runtime::Handle;
use tokio::sync::{Mutex as AsyncMutex, Semaphore, watch};

use crate::inventory::{Inventory, delete_one};
use crate::known_verdicts::KnownVerdicts;
use crate::one_file::{apply_early_part, judge_one, supply_file};
use crate::stages;
use crate::supply::{ObjectVerdict, Report, Stopped, Supplied, Supply};

/// How many requests of one session are under way at most.
const IN_FLIGHT: usize = 8;
/// How many files, or objects of one file, are worked on at once: while as many as may be under way are, as many are
/// ready to follow. A save that comes while a folder of thousands is applied waits for these, not for all.
const UNDER_WAY: usize = 2 * IN_FLIGHT;
/// After how long a server that did not answer is asked again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// The schemas of how many groups are fetched before anything is refused.
const MAX_PREFETCHED: usize = 16;
/// How many saves may be under way or wait for their turn. One that finds no place is told so; it is never lost
/// without a word.
const MAX_SAVES: usize = 4096;

/// A running session. Dropping it deletes nothing.
#[derive(Clone)]
pub struct Live {
    /// Where its work runs. A save starts there at once: no task stands between it and its first request.
    runtime: Handle,
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
}

/// No place is left or the session has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotTaken {
    /// As many saves wait as may.
    #[error("too many saves are waiting for the cluster; this one was not taken")]
    Full,
    /// The session is over.
    #[error("the session has ended")]
    Ended,
}

/// What all work of a session shares.
pub(crate) struct Shared {
    pub(crate) cluster: Cluster,
    pub(crate) knowledge: Arc<dyn Learn + Send>,
    pub(crate) report: Report,
    pub(crate) in_flight: Semaphore,
    pub(crate) inventory: Inventory,
    /// Namespaces that this session brought and that may not take pods yet.
    pub(crate) new_namespaces: Mutex<BTreeSet<String>>,
    /// How many namespaces and kinds this session has brought so far.
    pub(crate) arrivals: AtomicU64,
    files: Mutex<BTreeMap<Arc<str>, Arc<FileState>>>,
    /// What is tried again by itself, by file. Nearly always empty, however many files there are.
    waiting: Mutex<BTreeMap<Arc<str>, Waiting>>,
    /// Whether somebody is already trying again what the server did not answer.
    retrying: AtomicBool,
    /// Whether the session is over.
    ended: AtomicBool,
}

/// What is known about one file.
pub(crate) struct FileState {
    /// The newest save of the file.
    pub(crate) generation: watch::Sender<u64>,
    /// Held by the save that is being worked on.
    pub(crate) turn: AsyncMutex<()>,
    /// What was said last, for supplies of which only what changed counts.
    pub(crate) known: Mutex<KnownVerdicts>,
}

/// A supply that was not taken for a reason that may go away without a change of its file.
#[derive(Clone)]
pub(crate) struct Waiting {
    pub(crate) supply: Supply,
    pub(crate) reason: WaitsFor,
}

/// What a supply waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WaitsFor {
    /// A namespace or a kind that another file may bring.
    OtherFiles,
    /// A server that answers.
    Server,
}

impl Live {
    /// Starts a session whose work runs on the current runtime.
    pub fn start(cluster: Cluster, knowledge: Arc<dyn Learn + Send>, report: Report) -> Self {
        let shared = Arc::new(Shared {
            cluster,
            knowledge,
            report,
            in_flight: Semaphore::new(IN_FLIGHT),
            files: Mutex::default(),
            waiting: Mutex::default(),
            inventory: Inventory::default(),
            new_namespaces: Mutex::default(),
            arrivals: AtomicU64::new(0),
            retrying: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        Self {
            runtime: Handle::current(),
            shared,
            places: Arc::new(Semaphore::new(MAX_SAVES)),
        }
    }

    /// Puts what files supply on the cluster. Returns at once.
    pub fn supply(&self, supplies: Vec<Supply>) -> Result<(), NotTaken> {
        // The newest save is announced at once, so that an older one that is under way stops now.
        for supply in &supplies {
            self.shared
                .file(&supply.file)
                .generation
                .send_if_modified(|generation| {
                    let newer = supply.generation > *generation;
                    if newer {
                        *generation = supply.generation;
                    }
                    newer
                });
        }
        let shared = Arc::clone(&self.shared);
        self.begin(async move {
            let kinds = if supplies.len() > 1 {
                kinds_of(&supplies)
            } else {
                BTreeSet::new()
            };
            supply_batch(Arc::clone(&shared), supplies).await;
            // The first mistake of a session should not have to wait for schemas.
            for gvk in kinds.iter().take(MAX_PREFETCHED) {
                shared.knowledge.learn(&shared.cluster, gvk, "").await;
            }
        })
    }

    /// Puts what files supply on the cluster and returns when all of it, and what waited for it, has its verdict.
    pub async fn supply_and_settle(&self, supplies: Vec<Supply>) {
        supply_batch(Arc::clone(&self.shared), supplies).await;
    }

    /// Asks again for what could not be asked before: after the server has come back.
    pub fn retry(&self) -> Result<(), NotTaken> {
        self.begin(retry_waiting(Arc::clone(&self.shared), WaitsFor::Server))
    }

    /// What the server would say of an object, without a save.
    pub async fn judge(&self, supplied: &Supplied) -> ObjectVerdict {
        judge_one(&self.shared, supplied).await
    }

    /// How many objects the session has on the cluster.
    pub fn object_count(&self) -> usize {
        self.shared.inventory.len()
    }

    /// The cluster that the session applies to.
    pub fn cluster(&self) -> &Cluster {
        &self.shared.cluster
    }

    /// Ends the session; `delete` takes what it had put there off the cluster (pointless where the cluster itself goes).
    /// Of two who end it the second hears that nothing was left to delete.
    pub async fn stop(&self, delete: bool) -> Stopped {
        if self.shared.ended.swap(true, Ordering::AcqRel) {
            return Stopped::default();
        }
        stop(&self.shared, delete).await
    }

    fn begin(&self, work: impl Future<Output = ()> + Send + 'static) -> Result<(), NotTaken> {
        if self.shared.ended.load(Ordering::Acquire) {
            return Err(NotTaken::Ended);
        }
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| NotTaken::Full)?;
        self.runtime.spawn(async move {
            work.await;
            drop(place);
        });
        Ok(())
    }
}

fn kinds_of(supplies: &[Supply]) -> BTreeSet<Gvk> {
    let mut kinds: BTreeSet<Gvk> = BTreeSet::new();
    for gvk in supplies
        .iter()
        .flat_map(|supply| &*supply.objects)
        .map(|supplied| &supplied.manifest.key.gvk)
    {
        // One kind of each group and version is enough: their schemas come together.
        if !kinds
            .iter()
            .any(|known| known.group == gvk.group && known.version == gvk.version)
        {
            kinds.insert(gvk.clone());
        }
    }
    kinds
}

/// Namespaces and CRDs of all files first, then the rest, as Flux stages them; what files that are gone had put there
/// goes last, so that an object that only moved to another file is never gone in between.
async fn supply_batch(shared: Arc<Shared>, supplies: Vec<Supply>) {
    let (gone, supplies): (Vec<_>, Vec<_>) = supplies.into_iter().partition(|supply| supply.objects.is_empty());
    let (first, rest): (Vec<_>, Vec<_>) = supplies.into_iter().partition(|supply| {
        supply
            .objects
            .iter()
            .all(|supplied| stages::comes_first(&supplied.manifest.key.gvk))
    });
    let mut brought = false;
    if !first.is_empty() || rest.len() > 1 {
        for supply in &rest {
            brought |= apply_early_part(&shared, supply).await;
        }
    }
    for stage in [first, rest, gone] {
        brought |= some_at_a_time(stage.into_iter().map(|supply| supply_file(&shared, supply)))
            .await
            .contains(&true);
    }
    if brought {
        retry_waiting(Arc::clone(&shared), WaitsFor::OtherFiles).await;
    }
    retry_until_answered(shared);
}

/// Does all of it, [`UNDER_WAY`] at a time. Results come as they are there, so that nothing waits for what is slow.
pub(crate) async fn some_at_a_time<T>(work: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(work).buffer_unordered(UNDER_WAY).collect().await
}

/// Boxed, because a retry may bring something that others wait for, which is retried.
fn retry_waiting(shared: Arc<Shared>, reason: WaitsFor) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let waiting = shared.take_waiting(reason);
        let work = waiting.into_iter().map(|supply| {
            supply_file(
                &shared,
                Supply {
                    read_at: Instant::now(),
                    ..supply
                },
            )
        });
        if some_at_a_time(work).await.contains(&true) {
            retry_waiting(shared, WaitsFor::OtherFiles).await;
        }
    })
}

/// While the server does not answer, asks it again, ever less often, until it does or the session ends.
fn retry_until_answered(shared: Arc<Shared>) {
    if !shared.is_waiting(WaitsFor::Server) || shared.retrying.swap(true, Ordering::AcqRel) {
        return;
    }
    tokio::spawn(async move {
        let mut pause = FIRST_PAUSE;
        while shared.is_waiting(WaitsFor::Server) && !shared.ended.load(Ordering::Acquire) {
            tokio::time::sleep(pause.mul_f64(jitter())).await;
            retry_waiting(Arc::clone(&shared), WaitsFor::Server).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        shared.retrying.store(false, Ordering::Release);
    });
}

/// Between a half and one and a half, so that many sessions do not ask a server that comes back all at once.
pub(crate) fn jitter() -> f64 {
    let nanoseconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .subsec_nanos();
    0.5 + f64::from(nanoseconds % 1000) / 1000.0
}

async fn stop(shared: &Shared, delete: bool) -> Stopped {
    // Whatever is under way sees a newer save and stops.
    for state in locked(&shared.files).values() {
        state.generation.send_replace(u64::MAX);
    }
    let mut keys = shared.inventory.objects();
    if !delete {
        return Stopped {
            deleted: keys.len(),
            ..Stopped::default()
        };
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
    fn is_waiting(&self, reason: WaitsFor) -> bool {
        locked(&self.waiting).values().any(|waiting| waiting.reason == reason)
    }

    fn take_waiting(&self, reason: WaitsFor) -> Vec<Supply> {
        let mut all = locked(&self.waiting);
        let (taken, left): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut *all)
            .into_iter()
            .partition(|(_, waiting)| waiting.reason == reason);
        *all = left;
        taken.into_values().map(|waiting| waiting.supply).collect()
    }

    /// Notes what a file waits for, in place of what it waited for before.
    pub(crate) fn set_waiting(&self, file: &Arc<str>, waiting: Option<Waiting>) {
        let mut all = locked(&self.waiting);
        match waiting {
            Some(waiting) => all.insert(Arc::clone(file), waiting),
            None => all.remove(file),
        };
    }

    pub(crate) fn file(&self, file: &Arc<str>) -> Arc<FileState> {
        Arc::clone(locked(&self.files).entry(Arc::clone(file)).or_insert_with(|| {
            Arc::new(FileState {
                generation: watch::Sender::new(0),
                turn: AsyncMutex::default(),
                known: Mutex::default(),
            })
        }))
    }
}

/// A panic while the lock was held leaves plain data behind, never half an invariant: it is used on.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
