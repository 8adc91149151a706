//! What becomes of the workloads on a cluster: pods, their owners and what is said of them, led to the object that
//! somebody wrote.
//!
//! One task owns the index and takes what the watches bring; it tells only what changed.

mod asking;
mod claim;
mod event;
mod index;
mod needs;
mod owned;
mod pod;
mod reading;
mod refusals;
mod registries;
mod stock;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gitops_cluster::Cluster;
use gitops_cluster::answer::Trouble;
use gitops_model::ObjectKey;
use tokio::sync::{mpsc, watch as state};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use index::Index;
use reading::Uid;
use watch::{Change, Kind};

pub use registries::Registries;

/// How many changes may wait between the watches and the index.
const CHANGES: usize = 1024;
/// How many questions may wait.
const QUESTIONS: usize = 64;
/// How many questions are kept that have no answer yet; the oldest goes.
const MAX_EXPECTED: usize = 256;
/// How often it is looked whether what is known of images is too old.
const LOOK_AT_IMAGES: Duration = Duration::from_secs(20);
/// How many times registries are asked at once.
const MAX_ASKING: usize = 2;

/// What is said about workloads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WorkloadEvent {
    /// Something about one object is other than it was.
    News(Box<WorkloadNews>),
    /// The objects of a question are as far as they come: they run, or something is wrong with them.
    Settled {
        /// Number of the question.
        number: u64,
    },
}

/// How it stands with an object that makes pods, or with a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkloadNews {
    /// The object that has no owner any more.
    pub key: ObjectKey,
    /// What is wrong with it now; empty when nothing is, or when it is gone.
    pub troubles: Vec<Trouble>,
    /// Namespace and name of the Helm release of Flux that brought it.
    pub release: Option<(String, String)>,
    /// Whether it is gone.
    pub is_gone: bool,
}

/// To whom it is said.
pub type WorkloadReport = Arc<dyn Fn(WorkloadEvent) + Send + Sync>;

/// A question: when are these objects as far as they come?
struct Question {
    number: u64,
    keys: Vec<ObjectKey>,
    until: Until,
}

/// When objects are as far as they come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// When they are seen to run, or something is seen to be wrong with them.
    Seen,
    /// When registries have answered about their images as well.
    Foreseen,
}

/// The watch over all workloads of a cluster. It ends when this is dropped.
pub struct WorkloadWatch {
    questions: mpsc::Sender<Question>,
    asks_registries: state::Sender<bool>,
}

impl WorkloadWatch {
    /// Starts to watch on the current runtime. `is_simulated` says that the cluster is a sandbox without a kubelet, so that
    /// what one would refuse has to be looked for; for that, registries are asked about images where `asks_registries`.
    pub fn start(cluster: Cluster, is_simulated: bool, asks_registries: bool, report: WorkloadReport) -> Self {
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let (asks_registries, wanted) = state::channel(asks_registries);
        tokio::spawn(run(cluster, is_simulated, wanted, asked, report));
        Self {
            questions,
            asks_registries,
        }
    }

    /// Asks to be told when objects that were applied run, or do not. False when too much is asked.
    pub fn expect(&self, number: u64, keys: Vec<ObjectKey>, until: Until) -> bool {
        self.questions.try_send(Question { number, keys, until }).is_ok()
    }

    /// Whether registries are to be asked about images from now on.
    pub fn ask_registries(&self, is_asking: bool) {
        self.asks_registries.send_replace(is_asking);
    }
}

/// What is waited for: each object with the generation that was applied.
struct Expected {
    number: u64,
    until: Until,
    generations: BTreeMap<ObjectKey, (Uid, i64)>,
}

async fn run(
    cluster: Cluster,
    is_simulated: bool,
    mut asks_registries: state::Receiver<bool>,
    mut asked: mpsc::Receiver<Question>,
    report: WorkloadReport,
) {
    let (sender, mut changes) = mpsc::channel(CHANGES);
    // Dropped with this task, and with it every watch.
    let mut watches = JoinSet::new();
    for kind in Kind::ALL {
        watches.spawn(watch::watch(cluster.client().clone(), kind, sender.clone()));
    }
    drop(sender);
    let mut index = Index::new(is_simulated);
    let mut expected: Vec<Expected> = Vec::new();
    let mut deleted: BTreeSet<Uid> = BTreeSet::new();
    // Whether pods are refused, as is asked of the API server.
    let mut questions = JoinSet::new();
    // Whether their registries have images.
    let mut asking = JoinSet::new();
    let mut ticks = interval(LOOK_AT_IMAGES);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let is_asking = *asks_registries.borrow_and_update();
    let mut registries = switched(&mut index, is_asking).await;
    loop {
        tokio::select! {
            question = asked.recv() => {
                let Some(Question { number, keys, until }) = question else { return };
                let generations = watch::generations(&cluster, keys).await;
                if expected.len() >= MAX_EXPECTED {
                    expected.remove(0);
                }
                expected.push(Expected { number, until, generations });
            }
            Ok(()) = asks_registries.changed() => {
                let is_asking = *asks_registries.borrow_and_update();
                registries = switched(&mut index, is_asking).await;
                tell(&mut index, &report);
            }
            Some(answered) = asking.join_next() => {
                if let Ok(answers) = answered {
                    index.images_answered(answers, Instant::now());
                    tell(&mut index, &report);
                }
            }
            _ = ticks.tick() => index.look_at_images(Instant::now()),
            Some(answered) = questions.join_next() => {
                if let Ok((id, Some((generation, text)))) = answered {
                    index.refused(&id, generation, text);
                    tell(&mut index, &report);
                }
            }
            change = changes.recv() => {
                let Some(change) = change else { return };
                take(&mut index, &mut changes, change);
                tell(&mut index, &report);
                for (id, key) in index.doubtful() {
                    let cluster = cluster.clone();
                    questions.spawn(async move {
                        let refusal = asking::refusal(&cluster, &id, &key).await;
                        (id, refusal)
                    });
                }
                if is_simulated {
                    out_of_the_way(&cluster, &index, &mut deleted).await;
                }
            }
        }
        if let Some(registries) = registries.as_ref().filter(|_| asking.len() < MAX_ASKING) {
            let images = index.images_to_ask();
            if !images.is_empty() {
                let registries = registries.clone();
                asking.spawn(async move { registries.ask(images).await });
            }
        }
        expected.retain(|expected| {
            let is_settled = expected
                .generations
                .iter()
                .all(|(key, (uid, generation))| index.is_settled(key, uid, *generation));
            let is_settled = is_settled && (expected.until == Until::Seen || !index.is_asking());
            if is_settled {
                report(WorkloadEvent::Settled {
                    number: expected.number,
                });
            }
            !is_settled
        });
    }
}

/// Who is asked about images now; nobody where that is not wanted, or where the bundle has nobody who does.
async fn switched(index: &mut Index, is_asking: bool) -> Option<Registries> {
    let found = if is_asking {
        tokio::task::spawn_blocking(Registries::find).await.ok().flatten()
    } else {
        None
    };
    index.ask_registries(found.is_some());
    found
}

/// Tells what is other than it was told.
fn tell(index: &mut Index, report: &WorkloadReport) {
    for news in index.news() {
        report(WorkloadEvent::News(Box::new(news)));
    }
}

/// Deletes what keeps a mended `StatefulSet` of a sandbox from its newest revision, each pod once.
async fn out_of_the_way(cluster: &Cluster, index: &Index, deleted: &mut BTreeSet<Uid>) {
    let in_the_way = index.in_the_way();
    deleted.retain(|id| in_the_way.iter().any(|(other, ..)| other == id));
    for (id, namespace, name) in in_the_way {
        if deleted.insert(id) {
            watch::delete_pod(cluster.client(), &namespace, &name).await;
        }
    }
}

/// Takes what has come, as much as is there: a rollout is many changes of few objects.
fn take(index: &mut Index, changes: &mut mpsc::Receiver<Change>, first: Change) {
    let mut next = Some(first);
    for _ in 0..CHANGES {
        let Some(change) = next else { return };
        index.take(change);
        next = changes.try_recv().ok();
    }
    if let Some(change) = next {
        index.take(change);
    }
}
