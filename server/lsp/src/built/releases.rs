//! The Helm releases of a target: what their charts render is judged with everything else that was built.
//!
//! A release is rendered again only when something is another that the renderer looks at. In a session it is helm-controller
//! that applies; what is rendered here is only asked about.

mod brought;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use gitops_cluster::answer::{Answer, Place as Wanted, codes};
use gitops_cluster::{Cluster, Kinds};
use gitops_model::flux::{FluxObject, FluxSpec, Reference};
use gitops_model::kustomize::Tree;
use gitops_model::references::ReadObject;
use gitops_model::{ObjectKey, Supplier, Want};
use gitops_render::fault::PlacedFault;
use gitops_render::helm::{
    Capabilities, FieldQuestion, Release, Rendered, Surroundings, UnitOrigins, Units, Unread, release,
};
use gitops_render::origins::Place;
use gitops_render::{Built, BuiltObject, Gone};
use gitops_session::ObjectVerdict;
use serde_json::Value;

use self::brought::{as_sent, placed};
pub(super) use self::brought::{is_installed, sent_of};
use super::artifact::is_workspace;
use super::bare_chart::{self, bare_chart};
use super::worker::Worker;

/// How many releases of one target are rendered.
const MAX_RELEASES: usize = 1_000;
/// How many are rendered at once.
const AT_ONCE: usize = 4;
/// The field manager of helm-controller.
pub(super) const MANAGER: &str = "helm-controller";
/// The releases of a target.
#[derive(Default)]
pub(super) struct Releases {
    all: Vec<Done>,
    /// Of each object of the build that a release brings: which release, and its number in what was rendered.
    brought: BTreeMap<usize, (usize, usize)>,
    /// What was rendered last, by namespace and name.
    kept: BTreeMap<(String, String), Arc<Kept>>,
    /// What templates see of the cluster.
    capabilities: Capabilities,
}

/// A release in the newest build.
struct Done {
    release: Release,
    kept: Arc<Kept>,
}

/// What was rendered of a release, for as long as nothing of it changes.
pub(super) struct Kept {
    fingerprint: u64,
    rendered: Result<Built, Gone>,
    /// What was rendered, as it is on the cluster: what a chart gives no namespace goes to that of its release.
    placed: Vec<Arc<Value>>,
    unread: Vec<Unread>,
    /// Where its fault is, with the texts of these files.
    faults: Vec<PlacedFault>,
    texts: BTreeMap<String, Arc<str>>,
}

/// Renders all releases: their objects are added to those of the worker. Returns their faults.
pub(super) async fn render(worker: &mut Worker) -> Vec<PlacedFault> {
    let mut releases = std::mem::take(&mut worker.releases);
    releases.look_at(worker.cluster.as_ref()).await;
    let read: Vec<Arc<ReadObject>> = worker
        .objects
        .iter()
        .map(|built| worker.readings.read(&built.object))
        .collect();
    let found = match &worker.values_files {
        Some(values_files) => vec![bare_chart(worker, values_files, &releases.capabilities)],
        None => read_all(
            worker,
            &worker.objects,
            &read,
            worker.tree.texts(),
            &releases.capabilities,
        ),
    };
    let before = std::mem::take(&mut releases.kept);
    let mut all: Vec<(Release, Arc<Kept>)> = Vec::new();
    {
        let surroundings = surroundings(worker, &worker.objects);
        for chunk in found.chunks(AT_ONCE) {
            let work = chunk.iter().map(|release| {
                let known = before.get(&release.name).cloned();
                kept(&surroundings, release, known)
            });
            all.extend(chunk.iter().cloned().zip(join_all(work).await));
        }
    }
    releases.all.clear();
    releases.brought.clear();
    let mut faults = Vec::new();
    for (number, (release, kept)) in all.into_iter().enumerate() {
        faults.extend(kept.faults.iter().cloned());
        for (at, built) in kept
            .objects()
            .iter()
            .enumerate()
            .filter(|(_, built)| is_installed(built))
        {
            releases.brought.insert(worker.objects.len(), (number, at));
            worker.objects.push(built.clone());
            worker.unit_of.push(worker.units.len() + number);
        }
        releases.kept.insert(release.name.clone(), Arc::clone(&kept));
        releases.all.push(Done { release, kept });
    }
    worker.releases = releases;
    faults.extend(bare_chart::missing_values_files(worker));
    faults
}

/// The releases among objects whose charts, and values, are known here.
pub(super) fn read_all(
    worker: &Worker,
    objects: &[BuiltObject],
    read: &[Arc<ReadObject>],
    tree: &Tree,
    capabilities: &Capabilities,
) -> Vec<Release> {
    // Paths in Flux's objects begin at the top of the repository, of which the workspace can be a part.
    let inside = |source: &Reference, path: &str| {
        let path = is_own(worker, read, source).then(|| worker.inside(path));
        path.flatten()
    };
    let asked = |(number, read): (usize, &Arc<ReadObject>)| {
        let flux = read.flux.as_ref()?;
        let mut release = release(number, flux, objects, tree, &inside, capabilities)?;
        worker.name_of_tree().clone_into(&mut release.request.tree);
        release.request.report_values = true;
        Some(release)
    };
    let numbered = read.iter().enumerate();
    numbered.filter_map(asked).take(MAX_RELEASES).collect()
}

/// Whether a source is this repository.
fn is_own(worker: &Worker, read: &[Arc<ReadObject>], source: &Reference) -> bool {
    let namespace = source.namespace.as_deref().unwrap_or_default();
    if source.kind != "GitRepository" {
        return false;
    }
    if worker.is_source_of_target(namespace, &source.name) {
        return true;
    }
    read.iter().any(|read| {
        let Some(FluxObject { key, spec }) = &read.flux else {
            return false;
        };
        let is_it =
            key.gvk.kind == "GitRepository" && key.name == source.name && key.namespace.as_deref() == Some(namespace);
        // Where nothing says which repository this is, a directory that is there is meant.
        matches!(spec, FluxSpec::Source(source)
            if is_it && (worker.remotes.is_empty() || is_workspace(&source.origin, &worker.remotes)))
    })
}

fn surroundings<'a>(worker: &'a Worker, objects: &'a [BuiltObject]) -> Surroundings<'a> {
    let texts = worker.tree.texts();
    Surroundings {
        tree: texts,
        renderer: &*worker.renderer,
        objects,
        unit_of: &worker.unit_of,
        units: Units::new(worker.units.len(), |number| {
            let unit = worker.units.get(number)?;
            let request = unit.request(worker.tree_at_renderer(unit));
            let tree = worker.tree_of(unit);
            Some(UnitOrigins::new(tree, &unit.path, unit.spot(texts), request))
        }),
        as_built: &worker.as_built,
        in_its_file: Box::new(|unit, place| match worker.units.get(unit) {
            Some(unit) => worker.in_its_file(unit, place),
            None => place,
        }),
    }
}

/// What is rendered of a release: what was before, if nothing is another.
async fn kept(surroundings: &Surroundings<'_>, release: &Release, before: Option<Arc<Kept>>) -> Arc<Kept> {
    let fingerprint = release.fingerprint(surroundings.tree);
    let same = before.filter(|kept| kept.fingerprint == fingerprint);
    if let Some(kept) = &same {
        let is_there = |(file, text): (&String, &Arc<str>)| surroundings.tree.text(file) == Some(text);
        if kept.texts.iter().all(is_there) {
            return Arc::clone(kept);
        }
    }
    let rendered = match &same {
        Some(kept) => kept.rendered.clone(),
        None => surroundings.renderer.helm(&release.request).await,
    };
    let (faults, unread) = match &rendered {
        Ok(built) => match &built.fault {
            Some(fault) => {
                let values = built.values.clone().unwrap_or_default();
                (surroundings.faults(release, &values, fault).await, Vec::new())
            }
            None => match &same {
                Some(kept) => (Vec::new(), kept.unread.clone()),
                None => (Vec::new(), unread(surroundings, release, built).await),
            },
        },
        Err(gone) => (surroundings.without_end(release, &gone.reason).await, Vec::new()),
    };
    // What was ended for a chart of its own is not asked again; a renderer that is gone otherwise is.
    let was_ended = |gone: &Gone| gone.reason.ends_with("was ended");
    let is_lasting = rendered.as_ref().err().is_none_or(was_ended);
    let files = faults.iter().map(|fault| fault.file.clone());
    let own = release.object.and_then(|object| surroundings.objects.get(object));
    let own = own.and_then(|built| Some(built.origin.as_ref()?.path.clone()));
    Arc::new(Kept {
        fingerprint: if is_lasting { fingerprint } else { !fingerprint },
        placed: rendered
            .as_ref()
            .map_or_else(|_| Vec::new(), |built| placed(release, &built.objects)),
        rendered,
        unread,
        texts: files
            .chain(own)
            .filter_map(|file| {
                let text = Arc::clone(surroundings.tree.text(&file)?);
                Some((file, text))
            })
            .collect(),
        faults,
    })
}

async fn unread(surroundings: &Surroundings<'_>, release: &Release, built: &Built) -> Vec<Unread> {
    let Some(values) = &built.values else {
        return Vec::new();
    };
    let rendered = Rendered {
        release,
        merged: values,
        objects: &built.objects,
    };
    surroundings.unread(rendered).await
}

impl Releases {
    /// Looks at what templates see of the cluster.
    async fn look_at(&mut self, cluster: Option<&Cluster>) {
        let Some(cluster) = cluster else { return };
        if self.capabilities.kubernetes_version.is_empty() {
            let version = cluster.document("/version").await.ok().flatten();
            let version = version.and_then(|body| serde_json::from_slice::<Value>(&body).ok());
            let version = version.and_then(|version| version.get("gitVersion")?.as_str().map(str::to_owned));
            let version = version.unwrap_or_default();
            version
                .trim_start_matches('v')
                .clone_into(&mut self.capabilities.kubernetes_version);
        }
        let api_versions = &mut self.capabilities.api_versions;
        api_versions.clear();
        for gvk in cluster.kinds().all() {
            let version = gvk.api_version();
            api_versions.push(format!("{version}/{}", gvk.kind));
            api_versions.push(version);
        }
        api_versions.sort();
        api_versions.dedup();
    }

    /// What templates saw of the cluster when they were rendered last.
    pub(super) fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// What was rendered last of each release that is rendered here.
    pub(super) fn known(&self) -> impl Iterator<Item = (&(String, String), &Kept)> {
        self.all.iter().map(|done| (&done.release.name, &*done.kept))
    }

    /// The chart that is the target itself.
    pub(super) fn bare(&self) -> Option<&Release> {
        let first = self.all.first().map(|done| &done.release);
        first.filter(|release| release.object.is_none())
    }

    fn of(&self, object: usize) -> Option<(&Done, usize)> {
        let (release, number) = self.brought.get(&object)?;
        Some((self.all.get(*release)?, *number))
    }

    /// The `HelmRelease` that brings an object, by its number among what was built; `None` also for what a chart renders
    /// that is the target itself.
    pub(super) fn owner(&self, object: usize) -> Option<usize> {
        self.of(object)?.0.release.object
    }

    /// What a `HelmRelease` brings, as it is on the cluster.
    pub(super) fn as_placed(&self, object: usize) -> Option<&Arc<Value>> {
        let (done, number) = self.of(object)?;
        done.release.object?;
        done.kept.placed.get(number)
    }

    /// Whether a chart renders an object.
    pub(super) fn brings(&self, object: usize) -> bool {
        self.brought.contains_key(&object)
    }

    /// Whether what a `HelmRelease` brings is known here.
    pub(super) fn renders(&self, object: usize) -> bool {
        let own = self.all.iter().find(|done| done.release.object == Some(object));
        own.is_some_and(|done| done.kept.rendered.as_ref().is_ok_and(|built| built.fault.is_none()))
    }

    /// Whether a fault of a release, or of its chart, is said already.
    pub(super) fn says(&self, key: &ObjectKey) -> bool {
        let namespace = key.namespace.as_deref().unwrap_or_default();
        self.all.iter().filter(|done| !done.kept.faults.is_empty()).any(|done| {
            let (own_namespace, own_name) = &done.release.name;
            match key.gvk.kind.as_str() {
                "HelmRelease" => namespace == own_namespace && key.name == *own_name,
                "HelmChart" => key.name == format!("{own_namespace}-{own_name}"),
                _ => false,
            }
        })
    }

    /// What is sent of an object that a chart renders, and as whom: it goes where Helm puts it, as helm-controller sends it.
    pub(super) fn sent_as(&self, object: usize, kinds: Option<&Kinds>) -> Option<(&Arc<Value>, Option<&'static str>)> {
        let (done, number) = self.of(object)?;
        let own = &done.kept.objects().get(number)?.object;
        let placed = done.kept.placed.get(number)?;
        let manager = done.release.object.map(|_| MANAGER);
        Some((as_sent(own, placed, kinds), manager))
    }

    /// Helm deletes what a hook left before it runs it again, so that nothing of it is ever changed.
    pub(super) fn forget_past_of_hooks(&self, verdict: &mut ObjectVerdict, objects: &[BuiltObject]) {
        let number = verdict.manifest.document;
        let is_hook = objects.get(number).is_some_and(|built| built.hook);
        if is_hook && self.of(number).is_some() {
            let answers = &mut verdict.judgement.answers;
            answers.retain(|answer| answer.slug != codes::IMMUTABLE_FIELD);
            if answers.is_empty() && matches!(verdict.outcome, gitops_session::Outcome::Rejected) {
                verdict.outcome = gitops_session::Outcome::Accepted;
            }
        }
    }

    /// Says of an answer which object of which chart it is about: its place is a value, which has another name.
    pub(super) fn explain(&self, object: usize, built: &BuiltObject, answer: &mut Answer) {
        let Some((done, _)) = self.of(object) else { return };
        let key = ObjectKey::of(&built.object);
        let about = format!("{} \"{}\" of the chart", key.gvk.kind, key.name);
        let message = if answer.path.is_empty() {
            format!("{} ({about})", answer.message)
        } else {
            format!("{} ({} of {about})", answer.message, answer.path)
        };
        answer.message = done.release.without_secrets(&message);
        answer.detail = done.release.without_secrets(&answer.detail);
    }

    /// In words, who brings a kind: the unit of the release, and the release.
    pub(super) fn bringing(&self, objects: &[BuiltObject], group: &str, kind: &str) -> Option<(usize, String)> {
        self.brought.iter().find_map(|(number, (release, _))| {
            let object = objects.get(*number).map(|built| &built.object);
            let text = |pointer: &str| object?.pointer(pointer)?.as_str();
            let is_it = text("/kind") == Some("CustomResourceDefinition")
                && text("/spec/group") == Some(group)
                && text("/spec/names/kind") == Some(kind);
            let done = self.all.get(*release).filter(|_| is_it)?;
            let (namespace, name) = &done.release.name;
            Some((done.release.object?, format!("HelmRelease {namespace}/{name}")))
        })
    }
}

/// Who supplies what each answer about an object of a release is about, best first; `None` for an object of none.
pub(super) async fn suppliers(
    worker: &Worker,
    objects: &[BuiltObject],
    verdict: &ObjectVerdict,
) -> Option<Vec<Vec<Place>>> {
    let (done, number) = worker.releases.of(verdict.manifest.document)?;
    let built = done.kept.rendered.as_ref().ok()?;
    let rendered = Rendered {
        release: &done.release,
        merged: built.values.as_ref()?,
        objects: &built.objects,
    };
    let surroundings = surroundings(worker, objects);
    let mut all = Vec::new();
    for answer in verdict.judgement.answers.iter().chain(&verdict.judgement.warnings) {
        let mut places = places(&surroundings, rendered, number, answer).await;
        let is_value = |places: &[Place]| {
            let first = places.first();
            first.is_some_and(|place| place.origin.supplier == Supplier::Values)
        };
        // Of two items that are one too many a person changes the one that is theirs.
        if !is_value(&places)
            && answer.slug == codes::DUPLICATE_ITEM
            && let Some((other, _)) = answer.related.first()
        {
            let other = Answer {
                path: other.clone(),
                related: Vec::new(),
                ..answer.clone()
            };
            let others = self::places(&surroundings, rendered, number, &other).await;
            if is_value(&others) {
                places.splice(0..0, others);
            }
        }
        all.push(places);
    }
    Some(all)
}

async fn places(surroundings: &Surroundings<'_>, rendered: Rendered<'_>, number: usize, answer: &Answer) -> Vec<Place> {
    let mut path = answer.path.clone();
    let want = match &answer.place {
        Wanted::Value => Want::Value,
        Wanted::Key | Wanted::Object => Want::Key,
        Wanted::Missing { field } => {
            path.push_key(field.split(['.', '[']).next().unwrap_or(field));
            Want::Key
        }
    };
    let item_key = (answer.slug == codes::DUPLICATE_ITEM)
        .then(|| key_of_item(&answer.detail))
        .flatten();
    let question = FieldQuestion {
        number,
        path: &path,
        want,
        item_key,
        is_type: answer.slug == codes::WRONG_TYPE,
    };
    surroundings.places_of_rendered(rendered, question).await
}

/// `duplicate entries for key [mountPath="/data"]`: `mountPath`.
fn key_of_item(detail: &str) -> Option<&str> {
    let rest = detail.split("for key [").nth(1)?;
    rest.split('=').next()
}

/// What of releases changes nothing, on its lines: values that charts do not read, patches of what they do not render.
pub(super) async fn unused(worker: &Worker, objects: &[BuiltObject]) -> Vec<PlacedFault> {
    let surroundings = surroundings(worker, objects);
    let mut found = Vec::new();
    for done in &worker.releases.all {
        if let Ok(built) = &done.kept.rendered
            && built.fault.is_none()
            && let Some(merged) = &built.values
        {
            let rendered = Rendered {
                release: &done.release,
                merged,
                objects: &built.objects,
            };
            found.extend(surroundings.places_of_unread(rendered, &done.kept.unread).await);
            found.extend(surroundings.unused_patches(rendered).await);
        }
    }
    found
}
