//! What becomes of what was applied: pods that cannot be created, scheduled or started, on the lines that are to blame.
//!
//! The watch of the session says what is wrong with which object; here it is led to the text that supplies the object.

mod at_once;
mod brought;
mod lens;
mod placing;
mod verdicts;

use std::collections::BTreeMap;
use std::sync::Arc;

use gitops_cluster::Cluster;
use gitops_cluster::answer::Trouble;
use gitops_model::ObjectKey;
use gitops_session::{Supply, WorkloadEvent, WorkloadNews, WorkloadWatch};
use tokio::runtime::Handle;

use crate::event::{Event, Inbox, SessionEvent};
use crate::files::Judged;
use crate::state::State;

pub(crate) use at_once::check_workloads;
use brought::Brought;
pub(crate) use lens::is_simulated;
pub(crate) use placing::answers;
pub(crate) use placing::{PlacedWorkload, WorkloadOrder, judged_anew, place_again, place_built, text_changed};
use verdicts::Questions;
pub(crate) use verdicts::{applied, applied_by};

/// What a session keeps of workloads.
pub(crate) struct Workload {
    watch: WorkloadWatch,
    /// What its files bring.
    brought: Brought,
    /// What is said about each object.
    news: BTreeMap<ObjectKey, WorkloadNews>,
    /// What is foreseen of each object, as far as it was said.
    foreseen: BTreeMap<ObjectKey, Vec<Trouble>>,
    /// What that means for which file, by the object.
    said: BTreeMap<ObjectKey, BTreeMap<Arc<str>, Vec<Judged>>>,
    /// How much is on its way to the worker of a built target.
    placing: usize,
    questions: Questions,
}

impl Workload {
    /// Begins to watch the workloads of a session's cluster.
    /// `asks_registries` is the setting `gitops.images.askRegistries`.
    pub(crate) fn start(number: u64, cluster: Cluster, asks_registries: bool, inbox: Inbox, runtime: &Handle) -> Self {
        let report = Arc::new(move |event| {
            let _ = inbox.send(Event::Session {
                number,
                event: SessionEvent::Workload(event),
            });
        });
        let _on_runtime = runtime.enter();
        Self {
            // Every sandbox of this version has kwok in place of a kubelet.
            watch: WorkloadWatch::start(cluster, true, asks_registries, report),
            brought: Brought::default(),
            news: BTreeMap::new(),
            foreseen: BTreeMap::new(),
            said: BTreeMap::new(),
            placing: 0,
            questions: Questions::default(),
        }
    }

    /// What is wrong with an object, as far as it is to be said: what the session itself is still to bring is not missing.
    /// While something is under way nothing new is foreseen.
    fn troubles(&mut self, key: &ObjectKey, is_settled: bool) -> Vec<Trouble> {
        let Some(news) = self.news.get(key) else {
            return Vec::new();
        };
        let namespace = key.namespace.as_deref().unwrap_or_default();
        let mut troubles = news.troubles.clone();
        let before = self.foreseen.remove(key).unwrap_or_default();
        troubles.retain(|trouble| match trouble {
            Trouble::Missing { kind, name, key, .. } => {
                let is_sure = is_settled || before.contains(trouble);
                is_sure && !self.brought.has(*kind, namespace, name, key.as_deref())
            }
            Trouble::NoImage { .. } => is_settled || before.contains(trouble),
            _ => true,
        });
        let foreseen: Vec<Trouble> = troubles
            .iter()
            .filter(|trouble| trouble.is_foreseen())
            .cloned()
            .collect();
        if !foreseen.is_empty() {
            self.foreseen.insert(key.clone(), foreseen);
        }
        troubles
    }
}

/// Settings are other than they were.
pub(crate) fn settings_changed(state: &State) {
    let is_asking = state.settings.images.ask_registries;
    for workload in state.sessions.values().filter_map(|session| session.workload.as_ref()) {
        workload.watch.ask_registries(is_asking);
    }
}

/// What files supply was handed to a session: what they bring is not missing, and what they want may be.
pub(crate) fn supplied(state: &mut State, number: u64, supplies: &[Supply]) {
    let Some(workload) = workload_of(state, number) else {
        return;
    };
    for supply in supplies {
        workload.brought.set(&supply.file, &supply.objects);
    }
}

/// The watch has something to say.
pub(crate) fn on_event(state: &mut State, number: u64, event: WorkloadEvent) {
    let Some(workload) = workload_of(state, number) else {
        return;
    };
    match event {
        WorkloadEvent::News(news) => {
            let key = news.key.clone();
            if news.is_gone {
                workload.news.remove(&key);
                workload.foreseen.remove(&key);
            } else {
                workload.news.insert(key.clone(), *news);
            }
            placing::place(state, number, &key);
        }
        WorkloadEvent::Settled { number: question } => verdicts::on_settled(state, number, question),
    }
}

/// A session has come further: what was foreseen may be sure now.
pub(crate) fn moved(state: &mut State, number: u64) {
    if !is_settled(state, number) {
        return;
    }
    let Some(workload) = workload_of(state, number) else {
        return;
    };
    let foreseen = |news: &WorkloadNews| news.troubles.iter().any(Trouble::is_foreseen);
    let news = workload.news.iter();
    let keys: Vec<ObjectKey> = news
        .filter(|(_, news)| foreseen(news))
        .map(|(key, _)| key.clone())
        .collect();
    for key in keys {
        placing::place(state, number, &key);
    }
}

/// Whether all that the session has under way has come to its cluster.
fn is_settled(state: &State, number: u64) -> bool {
    let Some(session) = state.sessions.get(&number) else {
        return false;
    };
    let scope = session.scope();
    let is_pending = state.pending.iter().any(|name| name.starts_with(scope.as_str()));
    let flux = session.building.as_ref().and_then(|building| building.flux.as_ref());
    !is_pending && flux.is_none_or(crate::built::Fluxing::has_applied)
}

fn workload_of(state: &mut State, number: u64) -> Option<&mut Workload> {
    state.sessions.get_mut(&number)?.workload.as_mut()
}
