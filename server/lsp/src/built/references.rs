//! What built objects say about each other, on the lines that supply it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use gitops_model::flux::{FluxObject, FluxSpec, SourceOrigin};
use gitops_model::kustomize::{self, Layer, PatchBody};
use gitops_model::references::{self, ObjectFinding, ReadObject, Scene, dropped_fields, variables_in};
use gitops_model::{Code, Finding, Gvk, ObjectKey, Related, Severity, Source, Supplier, Want, at_pointer};
use gitops_render::origins::{Origins, Place};
use gitops_render::{BuiltObject, Kustomize};
use gitops_session::{Condition, ObjectVerdict};
use gitops_text::Span;
use serde_json::Value;

use super::Findings;
use super::readings::Written;
use super::unit::Unit;
use super::units::UnitName;
use super::worker::Worker;
use crate::reference_fix::{part_of, written_instead};

/// The file in which Flux's bootstrap writes the source and the Kustomization of an entry.
const SYNC_FILE: &str = "gotk-sync.yaml";
/// The name, and the namespace, of both where nobody wrote them.
const FLUX: &str = "flux-system";

/// Something that was said of an object, to be known again when Flux says it.
#[derive(Debug)]
pub(super) struct Said {
    key: ObjectKey,
    missing: String,
    slug: &'static str,
    severity: Severity,
    file: Arc<str>,
    span: Span,
    message: String,
}

/// What there is to say of objects, whatever the cluster says of them.
pub(super) fn look(worker: &mut Worker, objects: &[BuiltObject]) -> Vec<ObjectFinding> {
    let releases: Vec<Option<usize>> = (0..objects.len()).map(|at| worker.releases.owner(at)).collect();
    let placed = objects.iter().enumerate();
    let placed: Vec<Arc<Value>> = placed
        .map(|(at, built)| Arc::clone(worker.releases.as_placed(at).unwrap_or(&built.object)))
        .collect();
    let read: Vec<Arc<ReadObject>> = placed.iter().map(|object| worker.readings.read(object)).collect();
    let written: Vec<Option<Arc<Written>>> = objects.iter().map(|built| worker.base(built)).collect();
    let written_names: Vec<Option<&str>> = written
        .iter()
        .map(|written| Some(written.as_ref()?.manifest.key.name.as_str()))
        .collect();
    let values: Vec<&Value> = placed.iter().map(AsRef::as_ref).collect();
    let read: Vec<&ReadObject> = read.iter().map(AsRef::as_ref).collect();
    let mut owners = owners(worker, &read);
    for (owner, release) in owners.iter_mut().zip(&releases) {
        *owner = release.or(*owner);
    }
    let variables = variables(worker, &values, &owners);
    let (given, repository) = given(worker);
    let found = references::findings(Scene {
        objects: &values,
        read: &read,
        owners: &owners,
        written_names: &written_names,
        variables: &variables,
        given: &given,
        repository: repository.as_deref(),
        is_flux: worker.is_flux,
    });
    // What a chart renders is the chart's.
    found
        .into_iter()
        .filter(|found| !worker.releases.brings(found.object))
        .collect()
}

/// The same on its lines, by file. Files without findings are those that are only involved.
pub(super) async fn place(
    worker: &mut Worker,
    objects: &[BuiltObject],
    verdicts: &[Arc<ObjectVerdict>],
    found: &[ObjectFinding],
) -> Findings {
    let found = found.iter().filter(|found| !is_answered(found, verdicts));
    let found: Vec<&ObjectFinding> = found.collect();
    let places = places(worker, objects, &found).await;
    let mut placing = Placing {
        worker,
        objects,
        findings: Findings::new(),
        said: Vec::new(),
    };
    for (found, places) in found.into_iter().zip(places) {
        placing.place(found, places);
    }
    let Placing { mut findings, said, .. } = placing;
    for (file, finding) in dropped(worker) {
        findings.entry(file).or_default().push(finding);
    }
    worker.said = said;
    findings
}

/// For each finding the place of its field, then those of the related ones; `None` for what has none of its own.
async fn places(worker: &Worker, objects: &[BuiltObject], found: &[&ObjectFinding]) -> Vec<Vec<Option<Place>>> {
    let mut known: BTreeMap<usize, (Origins<'_>, Kustomize)> = BTreeMap::new();
    let mut all = Vec::with_capacity(found.len());
    for found in found {
        let own = (found.object, &found.path, found.want);
        let related = found
            .related
            .iter()
            .map(|(object, path, _)| (*object, path, Want::Value));
        let mut of_finding = Vec::new();
        for (object, path, want) in std::iter::once(own).chain(related) {
            let unit = worker
                .unit_of
                .get(object)
                .and_then(|number| Some((*number, worker.units.get(*number)?)));
            let place = match (objects.get(object), unit) {
                (Some(built), Some((number, unit))) if !path.is_empty() && !worker.releases.brings(object) => {
                    let origins = known.entry(number).or_insert_with(|| worker.origins_of(unit, objects));
                    let places = worker.suppliers(unit, origins, (object, built), path, want).await;
                    places.into_iter().next()
                }
                _ => None,
            };
            of_finding.push(place);
        }
        all.push(of_finding);
    }
    all
}

/// Whether the API server has said of the same field what is wrong with it.
fn is_answered(found: &ObjectFinding, verdicts: &[Arc<ObjectVerdict>]) -> bool {
    let of_object = verdicts
        .iter()
        .filter(|verdict| verdict.manifest.document == found.object);
    let mut answers = of_object.flat_map(|verdict| &verdict.judgement.answers);
    !found.path.is_empty() && answers.any(|answer| found.path.starts_with(&answer.path) && !answer.path.is_empty())
}

/// For each object the Kustomization that builds it, where that is among the objects.
fn owners(worker: &Worker, read: &[&ReadObject]) -> Vec<Option<usize>> {
    if !worker.is_flux {
        return vec![None; read.len()];
    }
    let mut by_name: HashMap<(&str, &str), usize> = HashMap::new();
    let mut root = None;
    for (at, read) in read.iter().enumerate() {
        let Some(FluxSpec::Kustomization(kustomization)) = read.flux.as_ref().map(|flux| &flux.spec) else {
            continue;
        };
        let is_git = kustomization
            .source
            .as_ref()
            .is_some_and(|source| source.kind == "GitRepository");
        if is_git && worker.inside(&kustomization.directory).as_ref() == Some(&worker.target) {
            root.get_or_insert(at);
        }
        let namespace = read.key.namespace.as_deref().unwrap_or_default();
        by_name.insert((namespace, &read.key.name), at);
    }
    let of_unit = |unit: usize| {
        let flux = worker.units.get(unit)?.flux.as_ref()?;
        if unit == 0 {
            root
        } else {
            let (namespace, name) = &*flux.name;
            by_name.get(&(namespace.as_str(), name.as_str())).copied()
        }
    };
    let of_units: Vec<Option<usize>> = (0..worker.units.len()).map(of_unit).collect();
    let owner = |unit: &usize| of_units.get(*unit).copied().flatten();
    let mut owners: Vec<Option<usize>> = worker.unit_of.iter().map(owner).collect();
    owners.resize(read.len(), None);
    owners
}

/// For each Kustomization with variables of its own those that its files name.
fn variables(worker: &Worker, values: &[&Value], owners: &[Option<usize>]) -> Vec<Option<BTreeSet<String>>> {
    let mut found = vec![None; values.len()];
    let mut first = 0;
    // The objects of a unit stand one after the other.
    for of_unit in worker.unit_of.chunk_by(|one, next| one == next) {
        let owner = owners.get(first).copied().flatten();
        first += of_unit.len();
        let unit = of_unit.first().and_then(|number| worker.units.get(*number));
        let substitutes = owner.and_then(|owner| at_pointer(values.get(owner)?, "/spec/postBuild/substitute"));
        if let (Some(_), Some(unit)) = (substitutes, unit)
            && let Some(entry) = owner.and_then(|owner| found.get_mut(owner))
        {
            let tree = worker.tree_of(unit);
            let mut names = BTreeSet::new();
            names_below(tree, &kustomize::layer(tree, &unit.path, None), &mut names);
            *entry = Some(names);
        }
    }
    found
}

/// The variables that the files of a layer name: all files in its directory, used or not, and those that it takes from
/// elsewhere.
fn names_below(tree: &kustomize::Tree, layer: &Layer, names: &mut BTreeSet<String>) {
    let mut add = |text: &str| names.extend(variables_in(text));
    for (_, text) in tree.below(&layer.directory).filter(|(_, text)| text.contains("${")) {
        add(text);
    }
    let kustomization = &layer.kustomization;
    let generated = layer
        .generators
        .iter()
        .flat_map(|generator| generator.files.iter().chain(&generator.envs));
    let mut paths: Vec<&str> = generated
        .map(|entry| entry.text.split_once('=').map_or(entry.text.as_str(), |(_, path)| path))
        .collect();
    let patches = kustomization
        .patches
        .iter()
        .chain(&kustomization.patches_strategic_merge);
    for patch in patches.chain(&kustomization.patches_json6902) {
        if let PatchBody::File(path) = &patch.body {
            paths.push(&path.text);
        }
    }
    for path in paths {
        let text = kustomize::join(&layer.directory, path).and_then(|path| tree.text(&path));
        if let Some(text) = text {
            add(text);
        }
    }
    for (_, path) in &layer.files {
        tree.text(path).into_iter().for_each(|text| add(text));
    }
    for below in layer.bases.iter().chain(&layer.components) {
        names_below(tree, below, names);
    }
}

/// What a session puts on the sandbox itself, and the URL of the repository.
fn given(worker: &mut Worker) -> (Vec<ObjectKey>, Option<String>) {
    if !worker.is_flux {
        return (Vec::new(), None);
    }
    let is_sync = |path: &str| camino::Utf8Path::new(path).file_name() == Some(SYNC_FILE);
    let files = worker.tree.texts().below(&worker.target);
    let files = files.map(|(path, _)| &**path).filter(|path| is_sync(path));
    let files: Vec<String> = files.map(str::to_owned).collect();
    let (mut given, mut url) = (Vec::new(), None);
    for file in files {
        let Some(parsed) = worker.parsed(&file) else { continue };
        for supplied in parsed.supplied() {
            given.push(ObjectKey::clone(&supplied.manifest.key));
            let object = FluxObject::read(&supplied.object.value());
            if let Some(FluxSpec::Source(source)) = object.map(|object| object.spec)
                && let SourceOrigin::Git { url: written, .. } = source.origin
            {
                url.get_or_insert(written);
            }
        }
    }
    for (group, kind) in [
        ("source.toolkit.fluxcd.io/v1", "GitRepository"),
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ] {
        if !given.iter().any(|key: &ObjectKey| key.gvk.kind == kind) {
            given.push(ObjectKey {
                gvk: Gvk::parse(group, kind),
                namespace: Some(FLUX.to_owned()),
                name: FLUX.to_owned(),
            });
        }
    }
    (given, url)
}

/// Makes findings of what has its places.
struct Placing<'a> {
    worker: &'a mut Worker,
    objects: &'a [BuiltObject],
    findings: Findings,
    said: Vec<Said>,
}

/// A place in a file.
struct Spotted {
    file: Arc<str>,
    span: Span,
    /// Whether the text there is the value as it is built, and not the parent of it or what it is made of.
    is_own: bool,
}

impl Placing<'_> {
    fn place(&mut self, found: &ObjectFinding, places: Vec<Option<Place>>) {
        let mut places = places.into_iter();
        let own = places.next().flatten();
        let Some(spotted) = self.spot(found.object, own) else {
            return;
        };
        let path = self.worker.path_of(&spotted.file);
        let Some(text) = path.and_then(|path| self.worker.tree.texts().text(&path).cloned()) else {
            return;
        };
        let part = found
            .part
            .as_deref()
            .and_then(|part| part_of(&text, spotted.span, part));
        let span = part.unwrap_or(spotted.span);
        let mut related = Vec::new();
        for ((object, _, message), place) in found.related.iter().zip(places) {
            let other = self.spot(*object, place);
            let Some(other) = other.filter(|other| other.file != spotted.file || other.span != span) else {
                continue;
            };
            // So that the text of that file is known where it is shown.
            self.findings.entry(Arc::clone(&other.file)).or_default();
            related.push(Related {
                file: Some(other.file.to_string()),
                span: other.span,
                message: message.clone(),
            });
        }
        let key = self.objects.get(found.object).map(|built| ObjectKey::of(&built.object));
        if let (Some(key), Some(missing)) = (&key, &found.missing) {
            self.said.push(Said {
                key: key.clone(),
                missing: missing.clone(),
                slug: found.slug,
                severity: found.severity,
                file: Arc::clone(&spotted.file),
                span,
                message: found.message.clone(),
            });
        }
        let fix = found.instead.as_deref().filter(|_| spotted.is_own);
        let fix = fix.and_then(|instead| written_instead(&text, span, instead));
        let finding = Finding {
            code: Code {
                source: Source::Model,
                slug: found.slug,
            },
            severity: found.severity,
            span,
            message: found.message.clone(),
            detail: None,
            related,
            fixes: fix.into_iter().collect(),
            object: key,
        };
        self.findings.entry(spotted.file).or_default().push(finding);
    }

    /// The place of a field, or of the object where nothing else is known.
    fn spot(&mut self, object: usize, place: Option<Place>) -> Option<Spotted> {
        if let Some(place) = place {
            return Some(Spotted {
                file: self.worker.name(&place.origin.file),
                span: place.span,
                is_own: place.is_exact && matches!(place.origin.supplier, Supplier::Manifest | Supplier::Patch),
            });
        }
        // What a release brings is written where the release is.
        let object = self.worker.releases.owner(object).unwrap_or(object);
        let written = self.worker.base(self.objects.get(object)?)?;
        Some(Spotted {
            file: Arc::clone(&written.name),
            span: written.manifest.kind_span,
            is_own: false,
        })
    }
}

/// Fields of kustomizations that Flux drops, each with its file. What was found of a unit holds until it is built again.
fn dropped(worker: &mut Worker) -> Vec<(Arc<str>, Finding)> {
    let mut found = BTreeMap::new();
    let units = worker.units.iter().filter(|unit| unit.flux.is_some());
    let names: Vec<UnitName> = units.map(Unit::name).collect();
    for name in names {
        let Some(kept) = worker.kept.get(&name) else { continue };
        let dropped = match &kept.dropped {
            Some(known) => Arc::clone(known),
            None => Arc::from(dropped_of(worker, &kept.unit)),
        };
        let all = dropped.iter().cloned();
        found.extend(all.map(|(file, finding)| ((file, finding.span), finding)));
        if let Some(kept) = worker.kept.get_mut(&name) {
            kept.dropped = Some(dropped);
        }
    }
    found.into_iter().map(|((file, _), finding)| (file, finding)).collect()
}

fn dropped_of(worker: &Worker, unit: &Unit) -> Vec<(Arc<str>, Finding)> {
    let tree = worker.tree_of(unit);
    let file = tree.kustomization_file(&unit.path);
    let Some(sheet) = file.and_then(|file| tree.sheet(&file)) else {
        return Vec::new();
    };
    let file = worker.written(unit, sheet.file());
    let file = worker.name(&file.unwrap_or_else(|| Arc::clone(sheet.file())));
    let found = dropped_fields(&sheet).into_iter().map(|field| {
        let span = field.spot.span(Want::Key);
        let fix = field
            .instead
            .and_then(|instead| written_instead(sheet.text(), span, instead));
        let finding = Finding {
            code: Code {
                source: Source::Model,
                slug: "field-dropped",
            },
            severity: Severity::Warning,
            span,
            message: field.message,
            detail: None,
            related: Vec::new(),
            fixes: fix.into_iter().collect(),
            object: None,
        };
        (Arc::clone(&file), finding)
    });
    found.collect()
}

/// What Flux says of an object without what was said of it before: one fault is one finding. What was only a warning has
/// come true, and is said in its place.
pub(super) fn without_said(worker: &Worker, condition: &Condition, findings: Findings) -> Findings {
    let is_same = |said: &&Said, finding: &Finding| {
        let is_named = finding.message.contains(&said.missing)
            && ["not found", "NotFound"]
                .iter()
                .any(|words| finding.message.contains(words));
        // Of a source Flux says on the release only that it is not ready; why, it says on a chart that nobody wrote.
        let is_source = matches!(said.slug, "source-not-found" | "chart-not-found");
        let is_waiting = is_source && finding.code.slug == "source-not-ready";
        said.key.same_object(&condition.key) && (is_named || is_waiting)
    };
    let mut kept = Findings::new();
    for (file, finding) in findings
        .into_iter()
        .flat_map(|(file, findings)| findings.into_iter().map(move |finding| (Arc::clone(&file), finding)))
    {
        match worker.said.iter().find(|said| is_same(said, &finding)) {
            Some(said) if said.severity == Severity::Error => {}
            Some(said) => kept.entry(Arc::clone(&said.file)).or_default().push(Finding {
                span: said.span,
                detail: Some(finding.message),
                message: said.message.clone(),
                ..finding
            }),
            None => kept.entry(file).or_default().push(finding),
        }
    }
    kept
}
