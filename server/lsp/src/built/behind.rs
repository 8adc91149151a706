//! Wholes that are built behind slices, while the slices are already judged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gitops_model::flux::flux_component;
use gitops_render::{Built, Gone, Kustomize, Renderer};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::units::UnitName;
use super::worker::Worker;

/// A whole begins when the cluster has spoken about the slice, which nobody is to wait longer for; or after so long, where it
/// is not asked.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Wholes, as they are built.
pub(super) struct Wholes {
    /// Of which save.
    pub(super) generation: u64,
    /// By unit.
    pub(super) built: BTreeMap<UnitName, Result<Built, Gone>>,
}

/// What builds them; a newer save stops it.
pub(super) struct Behind {
    done: mpsc::Sender<Wholes>,
    running: Option<Running>,
}

struct Running {
    task: JoinHandle<()>,
    may_begin: Arc<Notify>,
}

impl Behind {
    /// Nothing to build yet, and where it comes when it is.
    pub(super) fn new() -> (Self, mpsc::Receiver<Wholes>) {
        let (done, wholes) = mpsc::channel(1);
        (Self { done, running: None }, wholes)
    }

    /// What is under way is for nothing now.
    pub(super) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.task.abort();
        }
    }

    /// The cluster has spoken about the slices.
    pub(super) fn may_begin(&self) {
        if let Some(running) = &self.running {
            running.may_begin.notify_one();
        }
    }

    /// Builds wholes, one after the other.
    pub(super) fn start(&mut self, generation: u64, renderer: Arc<dyn Renderer>, requests: Vec<(UnitName, Kustomize)>) {
        self.stop();
        if requests.is_empty() {
            return;
        }
        let done = self.done.clone();
        let may_begin = Arc::new(Notify::new());
        let begin = Arc::clone(&may_begin);
        let task = tokio::spawn(async move {
            // Whether it is told to or not, it begins.
            let _ = tokio::time::timeout(LONGEST_WAIT, begin.notified()).await;
            let mut built = BTreeMap::new();
            for (name, request) in requests {
                let answer = renderer.kustomize(&request).await;
                built.insert(name, answer);
            }
            // Nobody waits for it only when the session is over.
            let _ = done.send(Wholes { generation, built }).await;
        });
        self.running = Some(Running { task, may_begin });
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Worker {
    /// Whether a whole is what the objects of a unit are already.
    pub(super) fn is_as_built(&self, name: &UnitName, built: &Built) -> bool {
        let Some(number) = self.units.iter().position(|unit| unit.name() == *name) else {
            return false;
        };
        let known = self.objects.iter().zip(&self.unit_of);
        let known = known.filter(|(_, of)| **of == number).map(|(built, _)| &built.object);
        let whole = built.objects.iter().map(|built| &built.object);
        built.fault.is_none() && known.eq(whole.filter(|object| flux_component(object).is_none()))
    }
}
