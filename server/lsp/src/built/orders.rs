//! What waits for the worker of a session.
//!
//! Nothing that the cluster says may be lost, and nothing may wait without bound. So what is said of the same thing again
//! takes the place of what still waits, and what waits is bounded by what there is to speak of: the files and objects of
//! the target. Only questions, which a person asks again, are refused when too many wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gitops_model::ObjectKey;
use gitops_session::Phase;
use tokio::sync::Notify;

use super::worker::{Order, Save};

/// How many questions may wait.
const MAX_QUESTIONS: usize = 64;

/// What became of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sent {
    /// It waits.
    Added,
    /// It waits in the place of an older one about the same.
    Replaced,
    /// It is not taken: too many questions wait.
    TooMany,
    /// It is not taken: the worker has ended.
    Ended,
}

impl Sent {
    /// Whether it will be done.
    pub(crate) fn is_taken(self) -> bool {
        matches!(self, Self::Added | Self::Replaced)
    }
}

/// Gives orders. The worker ends when the last one of these is dropped.
#[derive(Clone)]
pub(crate) struct Orders(Arc<Door>);

/// Closes when it is dropped.
struct Door(Arc<Shared>);

/// Takes orders.
pub(crate) struct Waiting(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    woken: Notify,
}

#[derive(Default)]
struct Queue {
    save: Option<Save>,
    others: Vec<Order>,
    /// Where in `others` something is that newer news replaces.
    places: BTreeMap<Subject, usize>,
    questions: usize,
    is_closed: bool,
}

/// What an order is about.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Verdict(Arc<str>, bool),
    Flux(ObjectKey),
    Workload(ObjectKey),
}

/// What was taken: the saves as one, then all else in its order.
pub(crate) struct Taken {
    /// Files that were saved.
    pub(crate) save: Option<Save>,
    /// What was said and asked.
    pub(crate) others: Vec<Order>,
}

/// A way for orders.
pub(crate) fn orders() -> (Orders, Waiting) {
    let shared = Arc::new(Shared::default());
    (Orders(Arc::new(Door(Arc::clone(&shared)))), Waiting(shared))
}

impl Orders {
    /// Gives an order.
    pub(crate) fn send(&self, order: Order) -> Sent {
        let Door(shared) = &*self.0;
        let sent = shared.lock().put(order);
        shared.woken.notify_one();
        sent
    }
}

impl Waiting {
    /// All that waits, once something does; `None` when nobody can give orders any more.
    pub(crate) async fn take(&self) -> Option<Taken> {
        loop {
            {
                let mut queue = self.0.lock();
                if queue.save.is_some() || !queue.others.is_empty() {
                    queue.places.clear();
                    queue.questions = 0;
                    let (save, others) = (queue.save.take(), std::mem::take(&mut queue.others));
                    return Some(Taken { save, others });
                }
                if queue.is_closed {
                    return None;
                }
            }
            // One that comes in between is kept by the `Notify`.
            self.0.woken.notified().await;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it is held, and a queue is whole at any time.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.woken.notify_one();
    }
}

impl Queue {
    fn put(&mut self, order: Order) -> Sent {
        if self.is_closed {
            return Sent::Ended;
        }
        let subject = match &order {
            Order::Save(_) | Order::Ask(_) | Order::Preview(_) => None,
            Order::Place(verdict) => Some(Subject::Verdict(
                Arc::clone(&verdict.file),
                verdict.phase == Phase::Apply,
            )),
            Order::Flux(condition) => Some(Subject::Flux(condition.key.clone())),
            Order::Workload(order) => Some(Subject::Workload(order.key.clone())),
        };
        match (order, subject) {
            // The newest save wins: those before it are only changes of the tree by now.
            (Order::Save(newer), _) => {
                if let Some(save) = &mut self.save {
                    save.generation = newer.generation;
                    save.changes.extend(newer.changes);
                    Sent::Replaced
                } else {
                    self.save = Some(newer);
                    Sent::Added
                }
            }
            (question, None) => {
                if self.questions >= MAX_QUESTIONS {
                    return Sent::TooMany;
                }
                self.questions += 1;
                self.others.push(question);
                Sent::Added
            }
            (order, Some(subject)) => {
                let place = self.places.get(&subject).copied();
                if let Some(older) = place.and_then(|place| self.others.get_mut(place)) {
                    *older = order;
                    return Sent::Replaced;
                }
                self.places.insert(subject, self.others.len());
                self.others.push(order);
                Sent::Added
            }
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use gitops_model::{Gvk, ObjectKey};
    use gitops_session::{Condition, FileVerdict, Phase, Readiness};
    use tokio::sync::oneshot;

    use super::{MAX_QUESTIONS, Order, Save, Sent, orders};
    use crate::built::shown::{About, Ask};

    fn verdict(phase: Phase) -> Order {
        Order::Place(Box::new(FileVerdict {
            file: Arc::from("/w/k"),
            generation: 1,
            phase,
            objects: Vec::new(),
            pruned: Vec::new(),
            prune_failures: Vec::new(),
            elapsed: Duration::ZERO,
        }))
    }

    fn news(name: &str, revision: &str) -> Order {
        Order::Flux(Box::new(Condition {
            key: ObjectKey {
                gvk: Gvk {
                    group: "kustomize.toolkit.fluxcd.io".to_owned(),
                    version: "v1".to_owned(),
                    kind: "Kustomization".to_owned(),
                },
                namespace: Some("flux-system".to_owned()),
                name: name.to_owned(),
            },
            readiness: Readiness::Ready,
            current: true,
            revision: revision.to_owned(),
            made_for: None,
            suspension: None,
        }))
    }

    fn save(generation: u64, path: &str) -> Order {
        Order::Save(Save {
            generation,
            changes: BTreeMap::from([(path.to_owned(), None)]),
        })
    }

    #[tokio::test]
    async fn nothing_is_lost_however_much_is_said() {
        let (orders, waiting) = orders();
        for number in 0..1_000 {
            let first = number == 0;
            let expected = if first { Sent::Added } else { Sent::Replaced };
            assert_eq!(orders.send(news("apps", &number.to_string())), expected);
            assert_eq!(orders.send(save(number, &format!("{number}.yaml"))), expected);
            if first {
                assert_eq!(orders.send(verdict(Phase::DryRun)), Sent::Added);
            }
        }
        assert_eq!(orders.send(verdict(Phase::Apply)), Sent::Added);
        let taken = waiting.take().await.expect("something waits");
        let save = taken.save.expect("there was one");
        assert_eq!((save.generation, save.changes.len()), (999, 1_000));
        let revisions = taken.others.iter().filter_map(|order| match order {
            Order::Flux(condition) => Some(condition.revision.as_str()),
            _ => None,
        });
        assert_eq!(revisions.collect::<Vec<_>>(), ["999"]);
        assert_eq!(taken.others.len(), 3, "each phase of a verdict is told");
        // What was taken is replaced no more.
        assert_eq!(orders.send(news("apps", "1000")), Sent::Added);
    }

    #[tokio::test]
    async fn questions_are_refused_when_too_many_wait() {
        let (orders, waiting) = orders();
        let ask = || {
            let (answer, _) = oneshot::channel();
            let about = About::Directory("k".to_owned());
            Order::Ask(Box::new(Ask { about, answer }))
        };
        for _ in 0..MAX_QUESTIONS {
            assert_eq!(orders.send(ask()), Sent::Added);
        }
        assert_eq!(orders.send(ask()), Sent::TooMany);
        assert_eq!(orders.send(verdict(Phase::Apply)), Sent::Added);
        waiting.take().await.expect("something waits");
        assert_eq!(orders.send(ask()), Sent::Added);
    }

    #[tokio::test]
    async fn either_side_ends_it() {
        let (giving, waiting) = orders();
        giving.send(news("apps", "1"));
        let again = giving.clone();
        drop(giving);
        drop(again);
        assert!(waiting.take().await.is_some(), "what was ordered is done first");
        assert!(waiting.take().await.is_none());
        let (giving, waiting) = orders();
        drop(waiting);
        assert_eq!(giving.send(news("apps", "1")), Sent::Ended);
    }
}
