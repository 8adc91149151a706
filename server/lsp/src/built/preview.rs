//! What a save would build, before it: the buffers as they are, laid over what was saved.

mod of_releases;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gitops_model::ObjectKey;
use gitops_model::flux::{FluxObject, FluxSpec, Reference};
use gitops_render::{Built, BuiltObject, Kustomize};
use gitops_session::Supplied;
use serde_json::Value;
use tokio::sync::oneshot;

use self::of_releases::OfReleases;
use super::coming::Coming;
use super::kept::{kind_of, own};
use super::releases::{self, is_installed};
use super::sent::{numbered_as, sent, supplied};
use super::unit::{self, Unit};
use super::worker::Worker;

/// A question what would be built, and to whom its answer goes.
pub(crate) struct AskPreview {
    /// What buffers hold, by their path from the root.
    pub(crate) buffers: BTreeMap<String, String>,
    /// To whom the answer goes.
    pub(crate) answer: oneshot::Sender<WouldBuild>,
}

/// What would be built.
#[derive(Default)]
pub(crate) struct WouldBuild {
    /// The objects that are other than what was built last, as they would be sent.
    pub(crate) changed: Vec<Supplied>,
    /// The objects that would not be built any more.
    pub(crate) gone: Vec<Gone>,
    /// Why something could not be built.
    pub(crate) faults: Vec<String>,
    /// What the objects bring for each other.
    pub(crate) brings: Coming,
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
    let overlay = other.map(|(path, text)| (path, Some(text))).collect();
    let would = would_build(worker, overlay).await;
    // Who asked may be gone by now.
    let _ = ask.answer.send(would);
}

/// Builds and renders again what the buffers can change. Kustomizations that a buffer brings anew, and artifacts, are not
/// followed: each counts as the object that it is.
async fn would_build(worker: &Worker, overlay: BTreeMap<String, Option<String>>) -> WouldBuild {
    let mut round = Round {
        worker,
        overlay,
        built: Vec::new(),
        broken: BTreeSet::new(),
        faults: Vec::new(),
    };
    for (number, unit) in worker.units.iter().enumerate() {
        let objects = round.build(number, unit).await;
        round.built.push(objects);
    }
    round.render_chart().await;
    let of_releases = round.render_releases().await;
    round.compared(of_releases)
}

struct Round<'a> {
    worker: &'a Worker,
    overlay: BTreeMap<String, Option<String>>,
    /// The objects of the units so far.
    built: Vec<Vec<BuiltObject>>,
    /// The units that could not be built: what they have is what they had.
    broken: BTreeSet<usize>,
    faults: Vec<String>,
}

impl Round<'_> {
    async fn build(&mut self, number: usize, unit: &Unit) -> Vec<BuiltObject> {
        let before = || -> Vec<BuiltObject> {
            objects_of(self.worker, number)
                .map(|(_, built)| built.clone())
                .collect()
        };
        // A Kustomization that would be gone builds nothing.
        let Some(renewed) = self.renewed(unit) else {
            return Vec::new();
        };
        let reads = self.worker.kept.get(&unit.name()).map(|kept| &kept.reads);
        let is_touched =
            unit.artifact.is_none() && reads.is_none_or(|reads| self.overlay.keys().any(|path| reads.has(path)));
        if !is_touched && renewed.asks_the_same(unit) {
            return before();
        }
        let mut request = renewed.request(self.worker.tree_at_renderer(&renewed));
        if renewed.artifact.is_none() {
            request = Kustomize {
                overlay: self.overlay.clone(),
                ..request
            };
        }
        let fault = match self.worker.renderer.kustomize(&request).await {
            Ok(Built {
                objects, fault: None, ..
            }) => return own(objects).0,
            Ok(Built { fault, .. }) => fault.unwrap_or_default().message,
            Err(gone) => gone.to_string(),
        };
        self.faults.push(fault);
        self.broken.insert(number);
        before()
    }

    /// The chart that is the target itself.
    async fn render_chart(&mut self) {
        let Some(request) = self.worker.releases.bare_request(&self.overlay) else {
            return;
        };
        let fault = match self.worker.renderer.helm(&request).await {
            Ok(Built {
                objects, fault: None, ..
            }) => return self.built.push(objects.into_iter().filter(is_installed).collect()),
            Ok(Built { fault, .. }) => fault.unwrap_or_default().message,
            Err(gone) => gone.to_string(),
        };
        self.faults.push(fault);
        let before = self.worker.objects.iter().cloned();
        self.built.push(before.collect());
    }

    /// A unit as its Kustomization would say; `None` where that would not be there any more.
    fn renewed(&self, unit: &Unit) -> Option<Unit> {
        let mut renewed = unit.clone();
        let Some(flux) = renewed.flux.as_mut().filter(|flux| !flux.name.1.is_empty()) else {
            return Some(renewed);
        };
        let is_it = |built: &&BuiltObject| ObjectKey::of(&built.object).same_object(&ObjectKey::of(&flux.object));
        let now = self.built.iter().flatten().find(is_it)?;
        let Some(FluxSpec::Kustomization(spec)) = FluxObject::read(&now.object).map(|object| object.spec) else {
            return Some(unit.clone());
        };
        let namespace = flux.name.0.clone();
        flux.object = Arc::clone(&now.object);
        flux.variables = unit::variables(&spec, |reference| self.find(reference, &namespace));
        if renewed.artifact.is_none() {
            renewed.path = self.worker.inside(&spec.directory)?;
        }
        Some(renewed)
    }

    /// The object that a reference means: as it would be, else as it is.
    fn find(&self, reference: &Reference, namespace: &str) -> Option<&Value> {
        let namespace = reference.namespace.as_deref().unwrap_or(namespace);
        let all = self.built.iter().flatten().chain(&self.worker.objects);
        all.map(|built| &*built.object).find(|object| {
            let key = ObjectKey::of(object);
            key.gvk.kind == reference.kind
                && key.name == reference.name
                && key.namespace.as_deref().is_none_or(|own| own == namespace)
        })
    }

    fn compared(self, of_releases: OfReleases) -> WouldBuild {
        let worker = self.worker;
        let of_units = (0..worker.units.len()).flat_map(|number| objects_of(worker, number));
        let of_chart = worker
            .objects
            .iter()
            .enumerate()
            .filter(|_| worker.values_files.is_some());
        let before: BTreeMap<ObjectKey, &Arc<Value>> = of_units
            .chain(of_chart)
            .map(|(_, built)| (ObjectKey::of(&built.object), &built.object))
            .collect();
        let objects: Vec<BuiltObject> = self.built.into_iter().flatten().collect();
        let now: BTreeSet<ObjectKey> = objects.iter().map(|built| ObjectKey::of(&built.object)).collect();
        let mut gone = Vec::new();
        for (number, unit) in worker.units.iter().enumerate() {
            let own = objects_of(worker, number).map(|(_, built)| ObjectKey::of(&built.object));
            gone.extend(own.filter(|key| !now.contains(key)).map(|key| Gone {
                key,
                deleted: unit.prunes(),
            }));
        }
        if worker.values_files.is_some() {
            let own = before.keys().filter(|key| !now.contains(key)).cloned();
            gone.extend(own.map(|key| Gone { key, deleted: true }));
        }
        gone.extend(of_releases.gone);
        let of_charts = of_releases.changed.iter().map(AsRef::as_ref);
        let all = objects.iter().map(|built| &*built.object).chain(of_charts);
        let brings = Coming::of(all.map(|object| (kind_of(object), object, false)));
        let changed: Vec<BuiltObject> = objects
            .into_iter()
            .filter(|built| before.get(&ObjectKey::of(&built.object)) != Some(&&built.object))
            .collect();
        let mut changed = supplied(&changed, worker.is_flux);
        for object in of_releases.changed {
            let key = Arc::new(ObjectKey::of(&object));
            let object = sent(&object, worker.is_flux);
            changed.push(numbered_as(changed.len(), key, object, Some(releases::MANAGER)));
        }
        WouldBuild {
            changed,
            gone,
            faults: self.faults,
            brings,
        }
    }
}

/// The objects of a unit as they were built last, without those that its charts bring.
fn objects_of(worker: &Worker, number: usize) -> impl Iterator<Item = (usize, &BuiltObject)> {
    let all = worker.objects.iter().enumerate();
    all.filter(move |(index, _)| worker.unit_of.get(*index) == Some(&number) && worker.releases.owner(*index).is_none())
}
