//! The verdict of phase `runtime`: told when what a save has brought runs, or does not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use gitops_cluster::answer::Trouble;
use gitops_model::ObjectKey;
use gitops_session::{FileVerdict, Outcome, Until};

use super::brought::{makes_pods, resolved};
use super::workload_of;
use crate::saves;
use crate::state::State;

/// How many saves may wait for their workloads.
const MAX_WAITING: usize = 1_000;

/// Saves that wait for what becomes of their workloads.
#[derive(Default)]
pub(super) struct Questions {
    last: u64,
    waiting: BTreeMap<u64, Waiting>,
    /// Those that are settled, and wait only for their places.
    settled: Vec<Waiting>,
}

struct Waiting {
    /// The files, each with the number of its save.
    saved: Vec<(Arc<str>, u64)>,
    /// The objects.
    keys: Vec<ObjectKey>,
    /// When the save was read.
    read_at: Instant,
}

/// A file was applied.
pub(crate) fn applied(state: &mut State, number: u64, verdict: &FileVerdict) {
    let is_applied = |outcome: &Outcome| matches!(outcome, Outcome::Applied { .. });
    let objects = verdict.objects.iter().filter(|object| is_applied(&object.outcome));
    let keys = objects.map(|object| &*object.manifest.key);
    let read_at = Instant::now().checked_sub(verdict.elapsed).unwrap_or_else(Instant::now);
    let saved = vec![(Arc::clone(&verdict.file), verdict.generation)];
    applied_by(state, number, saved, keys, read_at);
}

/// Saves of files were applied, and brought these objects among others.
pub(crate) fn applied_by<'a>(
    state: &mut State,
    number: u64,
    saved: Vec<(Arc<str>, u64)>,
    keys: impl Iterator<Item = &'a ObjectKey>,
    read_at: Instant,
) {
    let keys: Vec<ObjectKey> = keys.filter(|key| makes_pods(key)).cloned().collect();
    let Some(workload) = workload_of(state, number) else {
        return;
    };
    if keys.is_empty() || saved.is_empty() || workload.questions.waiting.len() >= MAX_WAITING {
        return;
    }
    workload.questions.last += 1;
    let question = workload.questions.last;
    if !workload.watch.expect(question, keys.clone(), Until::Seen) {
        return;
    }
    let keys = keys.iter().map(resolved).collect();
    let waiting = Waiting { saved, keys, read_at };
    workload.questions.waiting.insert(question, waiting);
}

/// The objects of a question run, or do not.
pub(super) fn on_settled(state: &mut State, number: u64, question: u64) {
    let Some(workload) = workload_of(state, number) else {
        return;
    };
    if let Some(waiting) = workload.questions.waiting.remove(&question) {
        workload.questions.settled.push(waiting);
    }
    tell(state, number);
}

/// Tells what is settled, once all that is said has its places.
pub(super) fn tell(state: &mut State, number: u64) {
    let Some(workload) = workload_of(state, number) else {
        return;
    };
    if workload.placing > 0 {
        return;
    }
    let told: Vec<(Waiting, bool)> = std::mem::take(&mut workload.questions.settled)
        .into_iter()
        .map(|waiting| {
            let news = waiting.keys.iter().filter_map(|key| workload.news.get(key));
            let ok = !news.flat_map(|news| &news.troubles).any(Trouble::is_fault);
            (waiting, ok)
        })
        .collect();
    for (waiting, ok) in told {
        // The newest save wins.
        let is_newest = |(name, generation): &&(Arc<str>, u64)| {
            state.files.get(name).is_some_and(|file| file.generation <= *generation)
        };
        let saved: Vec<(Arc<str>, u64)> = waiting.saved.iter().filter(is_newest).cloned().collect();
        if !saved.is_empty() {
            saves::send_verdicts(state, &saved, "runtime", &ok.into(), waiting.read_at.elapsed());
        }
    }
}
