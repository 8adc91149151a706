//! Placing only what is said anew: of thousands of objects a save says something new of a few.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gitops_render::BuiltObject;
use gitops_render::origins::Place;
use gitops_session::{ObjectVerdict, Outcome};

use super::placed::{PlacedVerdict, Scope, answers_of, is_it, place_object, suppliers_of};
use super::readings::Written;
use super::worker::Worker;

/// What was placed last, and whether the loop has it.
pub(super) struct PlacedBefore {
    /// By the number of the object.
    objects: Vec<Sign>,
    /// Where something is placed.
    files: BTreeSet<Arc<str>>,
    /// Where something was said: that may be elsewhere now, whatever became of the objects there.
    spoken_of: BTreeSet<Arc<str>>,
    /// Number of that placing.
    number: u64,
    /// The number of what the loop took last.
    taken: Arc<AtomicU64>,
}

/// By which it is known that the same is said of the same object at the same place.
struct Sign {
    /// The address of the object, which is its own for as long as where it is written is known.
    object: usize,
    written: Option<Arc<Written>>,
    verdict: Arc<ObjectVerdict>,
    applying: bool,
}

impl Sign {
    fn is_same(&self, other: &Self) -> bool {
        let is_written_there = match (&self.written, &other.written) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        let goes_on = matches!(self.verdict.outcome, Outcome::Accepted);
        is_written_there
            && self.object == other.object
            && Arc::ptr_eq(&self.verdict, &other.verdict)
            && (self.applying == other.applying || !goes_on)
    }

    fn file(&self) -> Option<&Arc<str>> {
        self.written.as_ref().map(|written| &written.name)
    }

    fn says_something(&self) -> bool {
        answers_of(&self.verdict).next().is_some()
    }
}

impl PlacedBefore {
    pub(super) fn new(taken: Arc<AtomicU64>) -> Self {
        Self {
            objects: Vec::new(),
            files: BTreeSet::new(),
            spoken_of: BTreeSet::new(),
            number: 0,
            taken,
        }
    }

    /// The files of which something else may be said than before; `None` for all.
    fn changed(&self, objects: &[Sign]) -> Option<BTreeSet<Arc<str>>> {
        // What the loop did not take, since a newer save was on its way, it does not have.
        if self.number == 0 || self.taken.load(Ordering::Acquire) != self.number {
            return None;
        }
        let mut changed = self.spoken_of.clone();
        let count = objects.len().max(self.objects.len());
        for number in 0..count {
            let (before, now) = (self.objects.get(number), objects.get(number));
            let is_same = match (before, now) {
                (Some(before), Some(now)) => before.is_same(now) && !now.says_something(),
                _ => false,
            };
            if !is_same {
                changed.extend(before.and_then(Sign::file).cloned());
                changed.extend(now.and_then(Sign::file).cloned());
            }
        }
        Some(changed)
    }
}

/// Places what is said of objects, as far as it is not there already.
pub(super) async fn place_all(
    worker: &mut Worker,
    objects: &[BuiltObject],
    verdicts: &[Arc<ObjectVerdict>],
    applying: bool,
    placed: &mut PlacedVerdict,
) {
    let signs: Vec<Sign> = verdicts
        .iter()
        .map(|verdict| sign(worker, objects, verdict, applying))
        .collect();
    let changed = worker.placed_before.changed(&signs);
    let is_in = |sign: &Sign, files: &BTreeSet<Arc<str>>| sign.file().is_some_and(|file| files.contains(file));
    let is_wanted = |sign: &Sign| match &changed {
        None => true,
        Some(changed) => sign.says_something() || is_in(sign, changed),
    };
    let suppliers = suppliers_of(worker, objects, verdicts).await;
    for (sign, suppliers) in signs.iter().zip(suppliers).filter(|(sign, _)| is_wanted(sign)) {
        place_one(worker, objects, sign, suppliers, placed);
    }
    if let Some(changed) = &changed {
        // A file that something is said in now is told as a whole, with what is as it was.
        let more: BTreeSet<Arc<str>> = placed
            .files
            .keys()
            .filter(|file| !changed.contains(*file))
            .cloned()
            .collect();
        for sign in signs.iter().filter(|sign| !is_wanted(sign) && is_in(sign, &more)) {
            place_one(worker, objects, sign, Vec::new(), placed);
        }
    }
    let before = &mut worker.placed_before;
    placed.scope = match &changed {
        None => {
            before.files.clear();
            Scope::All
        }
        Some(changed) => {
            let nothing_in = changed.iter().filter(|file| !placed.files.contains_key(*file));
            Scope::Changes(nothing_in.filter_map(|file| before.files.take(file)).collect())
        }
    };
    before.files.extend(placed.files.keys().cloned());
    let is_spoken_of = placed.files.iter().filter(|(_, file)| {
        // Where nothing is of the file itself, it is on the way of something that is said elsewhere.
        file.judged.is_empty() || file.judged.iter().any(|judged| !judged.answers.is_empty())
    });
    before.spoken_of = is_spoken_of.map(|(name, _)| Arc::clone(name)).collect();
    before.objects = signs;
    before.number += 1;
    placed.number = before.number;
}

fn sign(worker: &mut Worker, objects: &[BuiltObject], verdict: &Arc<ObjectVerdict>, applying: bool) -> Sign {
    // What a release brings is written where the release is.
    let index = verdict.manifest.document;
    let written = worker.releases.owner(index).unwrap_or(index);
    Sign {
        object: objects.get(index).map_or(0, |built| Arc::as_ptr(&built.object).addr()),
        written: objects.get(written).and_then(|built| worker.base(built)),
        verdict: Arc::clone(verdict),
        applying,
    }
}

fn place_one(
    worker: &mut Worker,
    objects: &[BuiltObject],
    sign: &Sign,
    suppliers: Vec<Vec<Place>>,
    placed: &mut PlacedVerdict,
) {
    let index = sign.verdict.manifest.document;
    let Some(built) = objects.get(index) else { return };
    if !is_it(&worker.readings.read(&built.object).key, &sign.verdict) {
        return;
    }
    let mut verdict = Arc::clone(&sign.verdict);
    if sign.says_something() && worker.releases.brings(index) {
        let judgement = &mut Arc::make_mut(&mut verdict).judgement;
        for answer in judgement.answers.iter_mut().chain(&mut judgement.warnings) {
            worker.releases.explain(index, built, answer);
        }
    }
    place_object(
        worker,
        sign.written.as_deref(),
        &verdict,
        suppliers,
        sign.applying,
        &mut placed.files,
    );
}

#[cfg(test)]
mod tests;
