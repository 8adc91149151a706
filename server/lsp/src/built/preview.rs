//! What a save would build, before it: the buffers as they are, laid over what was saved.

use std::collections::{BTreeMap, BTreeSet};

use gitops_model::ObjectKey;
use gitops_render::BuiltObject;
use gitops_session::Supplied;
use serde_json::Value;
use tokio::sync::oneshot;

use super::placed::Coming;
use super::unit::{self, AllBuilt, Unit};
use super::worker::{Worker, supplied};

/// A question what would be built, and to whom its answer goes.
pub(crate) struct AskPreview {
    /// What buffers hold, by their path from the root.
    pub(crate) buffers: BTreeMap<String, String>,
    /// To whom the answer goes.
    pub(crate) answer: oneshot::Sender<WouldBuild>,
}

/// What would be built.
pub(crate) struct WouldBuild {
    /// The objects that are other than what was built last, as they would be sent.
    pub(crate) changed: Vec<Supplied>,
    /// The objects that would not be built any more.
    pub(crate) gone: Vec<Gone>,
    /// Why something could not be built.
    pub(crate) faults: Vec<String>,
    /// What the objects bring for each other.
    pub(crate) coming: Coming,
}

/// An object that would not be built any more.
pub(crate) struct Gone {
    /// Which.
    pub(crate) key: ObjectKey,
    /// Whether it would be deleted; a Kustomization without `prune` leaves what it had applied.
    pub(crate) deleted: bool,
}

/// Answers with what would be built. The tree that was saved, and what was built of it, stay as they are.
pub(super) async fn answer(worker: &mut Worker, ask: AskPreview) {
    let texts = worker.tree.texts();
    let other = ask
        .buffers
        .into_iter()
        .filter(|(path, text)| texts.text(path).is_none_or(|saved| **saved != **text));
    worker.overlay = other.map(|(path, text)| (path, Some(text))).collect();
    let all = unit::build_all(worker).await;
    worker.overlay.clear();
    let would = compared(worker, all);
    // Who asked may be gone by now.
    let _ = ask.answer.send(would);
}

fn compared(worker: &Worker, all: AllBuilt) -> WouldBuild {
    let before: BTreeMap<ObjectKey, &Value> = keyed(&worker.objects).collect();
    let objects: Vec<BuiltObject> = all.objects.into_iter().map(|(_, built)| built).collect();
    let coming = Coming::of(&objects);
    let now: BTreeSet<ObjectKey> = keyed(&objects).map(|(key, _)| key).collect();
    // What cannot be built is not gone.
    let broken: BTreeSet<&str> = all
        .faults
        .iter()
        .filter_map(|(number, _)| all.units.get(*number))
        .map(|unit| unit.path.as_str())
        .collect();
    let unit_of = worker.unit_of.iter().map(|number| worker.units.get(*number));
    let gone = worker
        .objects
        .iter()
        .zip(unit_of)
        .filter(|(_, unit)| !unit.is_some_and(|unit| broken.contains(unit.path.as_str())))
        .map(|(built, unit)| (ObjectKey::of(&built.object), unit))
        .filter(|(key, _)| !now.contains(key))
        .map(|(key, unit)| Gone {
            key,
            deleted: unit.is_none_or(Unit::prunes),
        })
        .collect();
    let changed: Vec<BuiltObject> = objects
        .into_iter()
        .filter(|built| before.get(&ObjectKey::of(&built.object)) != Some(&&built.object))
        .collect();
    WouldBuild {
        changed: supplied(&changed, worker.is_flux),
        gone,
        faults: all.faults.into_iter().map(|(_, fault)| fault.message).collect(),
        coming,
    }
}

fn keyed(objects: &[BuiltObject]) -> impl Iterator<Item = (ObjectKey, &Value)> {
    objects
        .iter()
        .map(|built| (ObjectKey::of(&built.object), &built.object))
}
