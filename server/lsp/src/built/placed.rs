//! From what the cluster says about objects that were built to the files that supply them.

use std::collections::BTreeMap;
use std::sync::Arc;

use gitops_cluster::answer::{Answer, Place as Wanted, Suggestion, codes, is_sound_name};
use gitops_model::{Manifest, ObjectKey, Severity, Source, Supplier, Want};
use gitops_render::origins::{Origins, Place};
use gitops_render::{BuiltObject, Kustomize};
use gitops_session::{FileVerdict, ObjectVerdict, Outcome, Phase};

use super::prepared::Prepared;
use super::readings::Written;
use super::unit::Unit;
use super::worker::Worker;
use super::{Findings, references, releases, variables};
use gitops_text::Span;

use crate::files::{At, Judged, ObjectState, PlacedAnswer};
use crate::parsed::Parsed;
use crate::report;

/// A verdict about all that was built, by file.
pub(crate) struct PlacedVerdict {
    /// Which save.
    pub(crate) generation: u64,
    /// Which answer.
    pub(crate) phase: Phase,
    /// Whether everything is taken.
    pub(crate) ok: bool,
    /// Why the cluster could not be asked, where it could not.
    pub(crate) unreachable: Option<String>,
    /// Whether it was asked at all.
    pub(crate) asked: bool,
    /// Which of the placings of this worker it is; what is taken of it is what the next one goes on from.
    pub(crate) number: u64,
    /// What `files` are.
    pub(crate) scope: Scope,
    /// What is said, by file.
    pub(crate) files: BTreeMap<Arc<str>, PlacedFile>,
    /// Whether something waits for what Flux is still to bring, and has to be asked about again.
    pub(crate) pending: bool,
    /// What dangles or has no effect, and what changes nothing, by file; the latter only where nothing else is wrong, which
    /// it may be a consequence of.
    pub(crate) unused: Findings,
    /// The texts of these files.
    pub(crate) texts: BTreeMap<Arc<str>, Arc<Parsed>>,
}

/// Which files are told.
pub(crate) enum Scope {
    /// All where something is placed.
    All,
    /// Those of which something else is said than before, and, here, those where nothing is placed any more.
    Changes(Vec<Arc<str>>),
}

/// What is said about one file.
pub(crate) struct PlacedFile {
    /// The text that it is about.
    pub(crate) text: Arc<Parsed>,
    /// What is said, by object.
    pub(crate) judged: Vec<Judged>,
}

pub(super) async fn place(worker: &mut Worker, verdict: FileVerdict) -> PlacedVerdict {
    let last = verdict.phase == Phase::Apply;
    let mut placed = PlacedVerdict {
        generation: verdict.generation,
        phase: verdict.phase,
        ok: verdict.prune_failures.is_empty(),
        unreachable: None,
        asked: !verdict.objects.is_empty(),
        number: 0,
        scope: Scope::Changes(Vec::new()),
        files: BTreeMap::new(),
        pending: false,
        unused: Findings::new(),
        texts: BTreeMap::new(),
    };
    // Of what Flux applies the second answer is the first one again.
    if worker.is_flux && last {
        return placed;
    }
    let prepared = worker.prepared.take().unwrap_or_else(|| Prepared::of(worker));
    let objects = std::mem::take(&mut worker.objects);
    let mut verdicts = verdict.objects;
    if worker.is_flux {
        // Of what is taken there is nothing to take out.
        let refused = |object: &&mut Arc<ObjectVerdict>| !object.judgement.answers.is_empty();
        for object in verdicts.iter_mut().filter(refused) {
            let object = Arc::make_mut(object);
            placed.pending |= prepared.coming.take_out(worker, &objects, object);
            worker.releases.forget_past_of_hooks(object, &objects);
        }
    }
    for object in &verdicts {
        match &object.outcome {
            Outcome::Applied { .. } => {}
            Outcome::Accepted => placed.ok &= !last || worker.is_flux,
            Outcome::Rejected => placed.ok = false,
            Outcome::Unreachable { reason } => {
                placed.ok = false;
                placed.unreachable.get_or_insert_with(|| reason.clone());
            }
        }
    }
    super::only_changed::place_all(worker, &objects, &verdicts, !last && !worker.is_flux, &mut placed).await;
    if !worker.is_broken {
        placed.unused = references::place(worker, &objects, &verdicts, &prepared.found).await;
    }
    worker.prepared = Some(prepared);
    worker.objects = objects;
    if placed.ok {
        if !worker.is_broken {
            worker.look_for_what_is_left();
        }
        for (file, findings) in worker.unused() {
            placed.unused.entry(file).or_default().extend(findings);
        }
        let unread = releases::unused(worker, &worker.objects).await;
        for (name, more) in worker.by_file(unread, Source::Model, Severity::Warning) {
            placed.unused.entry(name).or_default().extend(more);
        }
    }
    placed.texts = worker.texts_of(&placed.unused);
    placed
}

/// Who supplies what each answer about each object is about, best first.
pub(super) async fn suppliers_of(
    worker: &Worker,
    objects: &[BuiltObject],
    verdicts: &[Arc<ObjectVerdict>],
) -> Vec<Vec<Vec<Place>>> {
    let asked = |verdict: &ObjectVerdict| answers_of(verdict).next().is_some();
    let mut known: BTreeMap<usize, (Origins<'_>, Kustomize)> = BTreeMap::new();
    let mut all = Vec::with_capacity(verdicts.len());
    for verdict in verdicts {
        let mut of_object = Vec::new();
        let index = verdict.manifest.document;
        if asked(verdict)
            && let Some(places) = releases::suppliers(worker, objects, verdict).await
        {
            all.push(places);
            continue;
        }
        // Most of the time there is nothing to ask, and reading all kustomizations is for nothing.
        let is_asked = asked(verdict);
        let built = objects
            .get(index)
            .filter(|built| is_asked && is_it(&ObjectKey::of(&built.object), verdict));
        if let (Some(built), Some(&number)) = (built, worker.unit_of.get(index))
            && let Some(unit) = worker.units.get(number)
        {
            let origins = known.entry(number).or_insert_with(|| worker.origins_of(unit, objects));
            for answer in answers_of(verdict) {
                of_object.push(places(worker, unit, origins, (index, built), answer).await);
            }
        }
        all.push(of_object);
    }
    all
}

/// Whether a verdict is about an object: what was built may be other by now than what was asked about.
pub(super) fn is_it(own: &ObjectKey, verdict: &ObjectVerdict) -> bool {
    let key = &*verdict.manifest.key;
    // What a chart renders without a namespace goes to that of the release.
    let is_in_it = own.namespace.is_none() || own.namespace == key.namespace;
    own == key || (is_in_it && own.name == key.name && own.gvk == key.gvk)
}

pub(super) fn answers_of(verdict: &ObjectVerdict) -> impl Iterator<Item = &Answer> {
    verdict.judgement.answers.iter().chain(&verdict.judgement.warnings)
}

async fn places(
    worker: &Worker,
    unit: &Unit,
    origins: &(Origins<'_>, Kustomize),
    object: (usize, &BuiltObject),
    answer: &Answer,
) -> Vec<Place> {
    let mut path = answer.path.clone();
    let want = match &answer.place {
        Wanted::Value => Want::Value,
        Wanted::Key => Want::Key,
        Wanted::Missing { field } => {
            // What is missing has no supplier; what it is missing in has.
            let first = field.split(['.', '[']).next().unwrap_or(field);
            path.push_key(first);
            Want::Key
        }
        Wanted::Object => return Vec::new(),
    };
    worker.suppliers(unit, origins, object, &path, want).await
}

/// What is said of one object: its state where it stands, its answers where their fields are supplied.
pub(super) fn place_object(
    worker: &mut Worker,
    base: Option<&Written>,
    verdict: &ObjectVerdict,
    suppliers: Vec<Vec<Place>>,
    applying: bool,
    files: &mut BTreeMap<Arc<str>, PlacedFile>,
) {
    if let Some(written) = base {
        let state = ObjectState::of(verdict, applying);
        let judged = judged_in(&written.name, &written.text, &written.manifest, files);
        // Of two objects that one manifest becomes, such as in two namespaces, the worse one is shown.
        judged.state = Some(match judged.state.take() {
            Some(other) => other.worse(state),
            None => state,
        });
    }
    let mut suppliers = suppliers.into_iter();
    for answer in answers_of(verdict) {
        let places = blamed_first(suppliers.next().unwrap_or_default(), answer);
        match (places.first(), base) {
            (Some(first), _) => add_placed(
                worker,
                answer,
                first,
                places.get(1..).unwrap_or_default(),
                verdict,
                files,
            ),
            (None, Some(base)) => {
                let judged = judged_in(&base.name, &base.text, &base.manifest, files);
                judged.answers.push(PlacedAnswer {
                    answer: answer.clone(),
                    written: report::written_in(&base.text, &base.manifest, answer),
                    at: None,
                });
            }
            (None, None) => {}
        }
    }
}

/// A name that is sound by itself is not to blame for what a prefix or suffix makes of it.
fn blamed_first(mut places: Vec<Place>, answer: &Answer) -> Vec<Place> {
    let is_name = answer.slug == codes::INVALID_VALUE && answer.path.to_string() == "metadata.name";
    let is_affix = |place: &Place| place.origin.supplier == Supplier::NameAffix;
    if let Some(at) = places.iter().position(is_affix).filter(|_| is_name)
        && places
            .first()
            .is_some_and(|first| first.written().is_some_and(|text| is_sound_name(&text)))
    {
        let affix = places.remove(at);
        places.insert(0, affix);
    }
    places
}

/// An answer goes to its first place; the others are on the way.
fn add_placed(
    worker: &mut Worker,
    answer: &Answer,
    first: &Place,
    others: &[Place],
    verdict: &ObjectVerdict,
    files: &mut BTreeMap<Arc<str>, PlacedFile>,
) {
    let path = first.origin.file.to_string();
    let Some(text) = worker.parsed(&path) else { return };
    let manifest = manifest_at(&text, first, verdict);
    let mut answer = answer.clone();
    // What can be done about it is an edit of the field, which only what is written like one can take.
    let is_like_the_object = matches!(first.origin.supplier, Supplier::Manifest | Supplier::Patch);
    if answer.suggestion == Suggestion::Quote && variables::is_substituted(first) {
        variables::with_quotes_of_its_own(&mut answer, first);
    } else if is_like_the_object && first.is_exact && !matches!(answer.place, Wanted::Missing { .. }) {
        answer.path = first.origin.path.clone();
    } else if !(is_like_the_object && first.is_exact) {
        answer.suggestion = Suggestion::None;
    }
    answer.related.clear();
    let related = others.iter().filter(|place| place.span != first.span).map(|place| {
        (
            worker.name(&place.origin.file),
            place.span,
            on_the_way(place.origin.supplier),
        )
    });
    let related: Vec<_> = related.collect();
    for (name, ..) in &related {
        let other = worker.path_of(name).and_then(|path| worker.parsed(&path));
        if let Some(text) = other {
            files.entry(Arc::clone(name)).or_insert_with(|| PlacedFile {
                text,
                judged: Vec::new(),
            });
        }
    }
    let at = Some(At {
        text: Arc::clone(&text),
        span: first.span,
        related,
    });
    let judged = judged_in(&worker.name(&path), &text, &manifest, files);
    judged.answers.push(PlacedAnswer {
        answer,
        written: Some(first.span.slice(text.text.as_str()).to_owned()),
        at,
    });
}

/// In words, what a place on the way of a field is.
pub(super) fn on_the_way(supplier: Supplier) -> &'static str {
    match supplier {
        Supplier::Manifest => "the object is written here",
        Supplier::Patch => "this patch is on its way",
        Supplier::Generator | Supplier::GeneratorFile | Supplier::EnvLine => "it is generated from this",
        Supplier::Image => "this entry of images is on its way",
        Supplier::Replicas => "this entry of replicas is on its way",
        Supplier::Namespace => "the namespace is set here",
        Supplier::NameAffix => "the name is changed here",
        Supplier::Labels => "labels are set here",
        Supplier::Annotations => "annotations are set here",
        Supplier::Replacement => "this replacement is on its way",
        Supplier::Transformer => "this transformer is on its way",
        Supplier::Substitution => "the variable has its value here",
        Supplier::Values => "this value is on its way",
        Supplier::Template => "the chart's template writes it here",
    }
}

/// The manifest that a place is in, or what stands for it in a file that is no object.
fn manifest_at(text: &Parsed, place: &Place, verdict: &ObjectVerdict) -> Manifest {
    let here = |manifest: &&Manifest| manifest.document == place.origin.document && manifest.base == place.origin.base;
    text.manifests().find(here).cloned().unwrap_or_else(|| Manifest {
        key: verdict.manifest.key.clone(),
        document: place.origin.document,
        base: place.origin.base.clone(),
        kind_span: Span::new(0, 0),
    })
}

/// What is said about a manifest of a file, to be added to.
fn judged_in<'a>(
    name: &Arc<str>,
    text: &Arc<Parsed>,
    manifest: &Manifest,
    files: &'a mut BTreeMap<Arc<str>, PlacedFile>,
) -> &'a mut Judged {
    let file = files.entry(Arc::clone(name)).or_insert_with(|| PlacedFile {
        text: Arc::clone(text),
        judged: Vec::new(),
    });
    let same = |judged: &Judged| judged.manifest == *manifest;
    let position = file.judged.iter().position(same).unwrap_or(file.judged.len());
    if position == file.judged.len() {
        file.judged.push(Judged {
            manifest: manifest.clone(),
            state: None,
            answers: Vec::new(),
        });
    }
    &mut file.judged[position]
}
