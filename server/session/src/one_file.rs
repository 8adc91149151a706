//! One file at one save: dry run, verdict, apply, verdict, prune.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use gitops_cluster::answer::codes;
use gitops_cluster::{Judgement, Mode, Reply, judge};
use gitops_model::ObjectKey;
use tokio::sync::watch;

use crate::live::{Shared, Waiting, WaitsFor, locked, some_at_a_time};
use crate::supply::{FileVerdict, Force, ObjectVerdict, Outcome, Phase, Supplied, Supply};
use crate::{inventory, stages};

/// Applies the namespaces and CRDs of a file that has other objects too, so that other files of the batch find them.
pub(crate) async fn apply_early_part(shared: &Shared, supply: &Supply) -> bool {
    let mut brought = false;
    for supplied in supply
        .objects
        .iter()
        .filter(|supplied| stages::comes_first(&supplied.manifest.key.gvk))
    {
        let verdict = judge_one(shared, supplied).await;
        let was_there = is_there(shared, supplied).await;
        if supply.apply
            && matches!(verdict.outcome, Outcome::Accepted)
            && matches!(apply_one(shared, &supply.file, supplied, Mode::Apply).await, Ok(None))
        {
            brought |= became_usable(shared, supplied, was_there).await;
        }
    }
    brought
}

/// One file: dry run, verdict, apply, verdict, prune. True if files that wait for a namespace or a kind are to be tried again.
///
/// A newer save stops this one before its next request and in the middle of a dry run. An apply that is under way is
/// waited for: the server might otherwise do it after the newer one.
pub(crate) async fn supply_file(shared: &Shared, supply: Supply) -> bool {
    let state = shared.file(&supply.file);
    let _turn = state.turn.lock().await;
    let newest = state.generation.subscribe();
    if let Some((key, how)) = &supply.force {
        force(shared, &supply, key, *how).await;
    }
    let mut brought = false;
    let arrivals = shared.arrivals.load(Ordering::SeqCst);
    let Some(mut verdicts) = judge_file(shared, &supply, &newest, &mut brought).await else {
        return brought;
    };
    (shared.report)(file_verdict(&supply, Phase::DryRun, verdicts.clone()));
    let (judged, supply, newest) = (&verdicts, &supply, &newest);
    let applied = some_at_a_time((0..judged.len()).map(|index| async move {
        let (verdict, supplied) = (judged.get(index)?, supply.objects.get(index)?);
        let goes_on =
            supply.apply && matches!(verdict.outcome, Outcome::Accepted) && *newest.borrow() <= supply.generation;
        if goes_on {
            Some((index, apply_one(shared, &supply.file, supplied, Mode::Apply).await))
        } else {
            None
        }
    }))
    .await;
    if *newest.borrow() > supply.generation {
        return brought;
    }
    for (index, answer) in applied.into_iter().flatten() {
        if let Some(verdict) = verdicts.get_mut(index) {
            settle(Arc::make_mut(verdict), answer);
        }
    }
    if supply.changed_only {
        locked(&state.known).remember(supply, &verdicts);
    }
    let waiting = waits_for(&verdicts).map(|reason| Waiting {
        supply: Supply {
            force: None,
            ..supply.clone()
        },
        reason,
    });
    let waits = waiting.is_some();
    shared.set_waiting(&supply.file, waiting);
    // What came while this file was judged may be what it waits for, and whoever brought it has looked for files that
    // wait before this one was among them.
    brought |= waits && shared.arrivals.load(Ordering::SeqCst) > arrivals;
    // As Flux does it: as long as something of what is built is refused, nothing of it is deleted. A namespace whose kind is
    // misspelled would take everything in it along.
    let refused = verdicts
        .iter()
        .any(|verdict| matches!(verdict.outcome, Outcome::Rejected | Outcome::Unreachable { .. }));
    let mut report = file_verdict(supply, Phase::Apply, verdicts);
    if supply.complete && supply.apply && !(supply.changed_only && refused) {
        inventory::prune(shared, supply, &mut report).await;
    }
    report.elapsed = supply.read_at.elapsed();
    (shared.report)(report);
    brought
}

/// Judges all objects of a file; what comes first is applied at once. `None` when a newer save came.
async fn judge_file(
    shared: &Shared,
    supply: &Supply,
    newest: &watch::Receiver<u64>,
    brought: &mut bool,
) -> Option<Vec<Arc<ObjectVerdict>>> {
    let mut verdicts: Vec<Option<Arc<ObjectVerdict>>> = if supply.changed_only {
        locked(&shared.file(&supply.file).known).of(&supply.objects)
    } else {
        vec![None; supply.objects.len()]
    };
    for index in indices(supply, stages::comes_first) {
        let (Some(supplied), Some(slot)) = (supply.objects.get(index), verdicts.get_mut(index)) else {
            continue;
        };
        if slot.is_some() {
            continue;
        }
        let mut verdict = unless_superseded(newest, supply.generation, judge_one(shared, supplied)).await?;
        if supply.apply && matches!(verdict.outcome, Outcome::Accepted) {
            let was_there = is_there(shared, supplied).await;
            settle(
                &mut verdict,
                apply_one(shared, &supply.file, supplied, Mode::Apply).await,
            );
            if matches!(verdict.outcome, Outcome::Applied { .. }) {
                *brought |= !was_there;
                let usable = became_usable(shared, supplied, was_there);
                *brought |= unless_superseded(newest, supply.generation, usable).await?;
            }
        }
        *slot = Some(Arc::new(verdict));
    }
    let mut late = indices(supply, |gvk| !stages::comes_first(gvk));
    late.retain(|index| verdicts.get(*index).is_some_and(Option::is_none));
    let judging = some_at_a_time(late.into_iter().map(|index| async move {
        let supplied = supply.objects.get(index)?;
        Some((index, judge_one(shared, supplied).await))
    }));
    let judged = unless_superseded(newest, supply.generation, judging).await?;
    for (index, verdict) in judged.into_iter().flatten() {
        if let Some(slot) = verdicts.get_mut(index) {
            *slot = Some(Arc::new(verdict));
        }
    }
    Some(verdicts.into_iter().flatten().collect())
}

/// What `work` brings, or `None` as soon as a newer save than `generation` is announced.
async fn unless_superseded<T>(
    newest: &watch::Receiver<u64>,
    generation: u64,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut newest = newest.clone();
    tokio::select! {
        biased;
        _ = newest.wait_for(|newest| *newest > generation) => None,
        value = work => Some(value),
    }
}

fn indices(supply: &Supply, wanted: impl Fn(&gitops_model::Gvk) -> bool) -> Vec<usize> {
    supply
        .objects
        .iter()
        .enumerate()
        .filter(|(_, supplied)| wanted(&supplied.manifest.key.gvk))
        .map(|(index, _)| index)
        .collect()
}

fn file_verdict(supply: &Supply, phase: Phase, objects: Vec<Arc<ObjectVerdict>>) -> FileVerdict {
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

/// What a file waits for that is not wrong in itself.
fn waits_for(verdicts: &[Arc<ObjectVerdict>]) -> Option<WaitsFor> {
    if verdicts
        .iter()
        .any(|verdict| matches!(verdict.outcome, Outcome::Unreachable { .. }))
    {
        return Some(WaitsFor::Server);
    }
    let others = [
        codes::NAMESPACE_NOT_FOUND,
        codes::NAMESPACE_TERMINATING,
        codes::KIND_NOT_SERVED,
        codes::VERSION_NOT_SERVED,
    ];
    let missing = verdicts
        .iter()
        .flat_map(|verdict| &verdict.judgement.answers)
        .any(|answer| others.contains(&answer.slug));
    missing.then_some(WaitsFor::OtherFiles)
}

/// Whether an object is on the cluster before it is applied: then it is no news to files that wait for it, and a file that
/// brings one thing and waits for another is not tried again for its own sake.
async fn is_there(shared: &Shared, supplied: &Supplied) -> bool {
    let key = &supplied.manifest.key;
    match shared.cluster.kinds().get(&key.gvk) {
        Some(served) => matches!(shared.cluster.get(key, served).await, Ok(Some(_))),
        None => false,
    }
}

/// A namespace or a CRD was applied: waits for what cannot be used at once, and remembers what has to be waited for later.
///
/// True if it is news to files that wait.
async fn became_usable(shared: &Shared, supplied: &Supplied, was_there: bool) -> bool {
    let mut news = !was_there;
    if stages::is_definition(&supplied.manifest.key.gvk) {
        let before = shared.cluster.kinds();
        stages::wait_until_served(&shared.cluster, supplied).await;
        shared.knowledge.kinds_changed();
        news |= !before.all().eq(shared.cluster.kinds().all());
    } else {
        locked(&shared.new_namespaces).insert(supplied.manifest.key.name.clone());
    }
    if news {
        shared.arrivals.fetch_add(1, Ordering::SeqCst);
    }
    news
}

/// Pods in a namespace of this session have to wait for its service account; once is enough.
async fn wait_for_service_account(shared: &Shared, key: &ObjectKey) {
    let Some(namespace) = key
        .namespace
        .as_deref()
        .filter(|_| key.gvk.group.is_empty() && key.gvk.kind == "Pod")
    else {
        return;
    };
    if locked(&shared.new_namespaces).contains(namespace) {
        stages::wait_until_pods_are_taken(&shared.cluster, namespace).await;
        locked(&shared.new_namespaces).remove(namespace);
    }
}

pub(crate) async fn judge_one(shared: &Shared, supplied: &Supplied) -> ObjectVerdict {
    wait_for_service_account(shared, &supplied.manifest.key).await;
    let _permit = shared.in_flight.acquire().await;
    let manifest = supplied.manifest.clone();
    let other = supplied.manager.map(|manager| shared.cluster.judging_as(manager));
    let cluster = other.as_ref().unwrap_or(&shared.cluster);
    match judge(cluster, &manifest.key, &supplied.object, &*shared.knowledge).await {
        Ok(judgement) => {
            let outcome = if judgement.accepted() {
                Outcome::Accepted
            } else {
                Outcome::Rejected
            };
            ObjectVerdict {
                manifest,
                judgement,
                outcome,
            }
        }
        Err(unreachable) => ObjectVerdict {
            manifest,
            judgement: Judgement::default(),
            outcome: Outcome::Unreachable {
                reason: unreachable.reason,
            },
        },
    }
}

/// `Ok(None)` when it was applied, `Ok(Some)` when it was refused after all.
async fn apply_one(
    shared: &Shared,
    file: &Arc<str>,
    supplied: &Supplied,
    mode: Mode,
) -> Result<Option<Judgement>, String> {
    let key = &supplied.manifest.key;
    let kinds = shared.cluster.kinds();
    let Some(served) = kinds.get(&key.gvk) else {
        return Err(format!("{} is no longer served", key.gvk));
    };
    let resolved = ObjectKey {
        namespace: shared.cluster.namespace_of(key, served),
        ..ObjectKey::clone(key)
    };
    // The turn before the permit: who has the turn and waits for a permit must get one.
    let _turn = shared.inventory.turn(&resolved).await;
    let _permit = shared.in_flight.acquire().await;
    let new = shared.inventory.add(&resolved, file);
    match shared.cluster.apply(key, served, &supplied.object, mode).await {
        Ok(Reply::Accepted { .. }) => Ok(None),
        Ok(Reply::Refused { refusal, .. }) => {
            if new {
                shared.inventory.refused(&resolved, file);
            }
            shared
                .knowledge
                .learn(&shared.cluster, &key.gvk, &refusal.message)
                .await;
            let live = shared.cluster.get(key, served).await.ok().flatten();
            let object = supplied.object.value();
            let answers =
                gitops_cluster::answer::decode(&refusal, &key.gvk, &object, live.as_ref(), &*shared.knowledge);
            Ok(Some(Judgement {
                answers,
                warnings: Vec::new(),
                rounds: 1,
            }))
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
            for supplied in supply.objects.iter().filter(|supplied| *supplied.manifest.key == *key) {
                // What goes wrong here is said by the dry run that follows.
                let _ = apply_one(shared, &supply.file, supplied, Mode::ApplyForced).await;
            }
        }
    }
}
