//! What built objects say about each other, on the lines that supply it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gitops_model::flux::{FluxObject, FluxSpec, SourceOrigin};
use gitops_model::kustomize::{self, Layer, PatchBody};
use gitops_model::references::{self, ObjectFinding, Scene, dropped_fields, variables_in};
use gitops_model::{Code, Finding, Gvk, ObjectKey, Related, Severity, Source, Supplier, Want, at_pointer};
use gitops_render::origins::{Origins, Place};
use gitops_render::{BuiltObject, Kustomize};
use gitops_session::{Condition, ObjectVerdict};
use gitops_text::Span;
use serde_json::Value;

use super::worker::Worker;
use super::{Findings, placed};
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

/// What there is to say, by file. Files without findings are those that are only involved.
pub(super) async fn find(worker: &mut Worker, objects: &[BuiltObject], verdicts: &[ObjectVerdict]) -> Findings {
    let releases: Vec<Option<usize>> = (0..objects.len()).map(|at| worker.releases.owner(at)).collect();
    let placed: Vec<Cow<'_, Value>> = objects
        .iter()
        .zip(&releases)
        .map(|(built, release)| in_its_namespace(&built.object, release.and_then(|release| objects.get(release))))
        .collect();
    let values: Vec<&Value> = placed.iter().map(AsRef::as_ref).collect();
    let mut owners = owners(worker, &values);
    for (owner, release) in owners.iter_mut().zip(&releases) {
        *owner = release.or(*owner);
    }
    let written_names: Vec<Option<String>> = objects.iter().map(|built| written_name(worker, built)).collect();
    let variables = variables(worker, &values, &owners);
    let (given, repository) = given(worker);
    let found = references::findings(Scene {
        objects: &values,
        owners: &owners,
        written_names: &written_names,
        variables: &variables,
        given: &given,
        repository: repository.as_deref(),
        is_flux: worker.is_flux,
    });
    let found: Vec<ObjectFinding> = found
        .into_iter()
        // What a chart renders is the chart's.
        .filter(|found| !worker.releases.brings(found.object) && !is_answered(found, verdicts))
        .collect();
    let places = places(worker, objects, &found).await;
    let mut placing = Placing {
        worker,
        objects,
        findings: Findings::new(),
        said: Vec::new(),
    };
    for (found, places) in found.iter().zip(places) {
        placing.place(found, places);
    }
    let Placing { mut findings, said, .. } = placing;
    for (file, finding) in dropped(worker) {
        findings.entry(file).or_default().push(finding);
    }
    worker.said = said;
    findings
}

/// An object as it is on the cluster: what a chart renders without a namespace goes to that of its release.
fn in_its_namespace<'a>(object: &'a Value, release: Option<&BuiltObject>) -> Cow<'a, Value> {
    let is_placed = || at_pointer(object, "/metadata/namespace").is_some();
    let namespace = release.filter(|_| !is_placed()).and_then(|release| {
        let fields = ["/spec/targetNamespace", "/metadata/namespace"];
        fields.iter().find_map(|field| release.object.pointer(field))
    });
    let Some(namespace) = namespace else {
        return Cow::Borrowed(object);
    };
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("namespace".to_owned(), namespace.clone());
    }
    Cow::Owned(object)
}

/// For each finding the place of its field, then those of the related ones; `None` for what has none of its own.
async fn places(worker: &Worker, objects: &[BuiltObject], found: &[ObjectFinding]) -> Vec<Vec<Option<Place>>> {
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
fn is_answered(found: &ObjectFinding, verdicts: &[ObjectVerdict]) -> bool {
    let of_object = verdicts
        .iter()
        .filter(|verdict| verdict.manifest.document == found.object);
    let mut answers = of_object.flat_map(|verdict| &verdict.judgement.answers);
    !found.path.is_empty() && answers.any(|answer| found.path.starts_with(&answer.path) && !answer.path.is_empty())
}

/// For each object the Kustomization that builds it, where that is among the objects.
fn owners(worker: &Worker, values: &[&Value]) -> Vec<Option<usize>> {
    if !worker.is_flux {
        return vec![None; values.len()];
    }
    let mut by_name: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut root = None;
    let is_kustomization = |value: &Value| value.get("kind").and_then(Value::as_str) == Some("Kustomization");
    for (at, value) in values.iter().enumerate().filter(|(_, value)| is_kustomization(value)) {
        let Some(object) = FluxObject::read(value) else {
            continue;
        };
        let FluxSpec::Kustomization(kustomization) = object.spec else {
            continue;
        };
        let is_git = kustomization
            .source
            .as_ref()
            .is_some_and(|source| source.kind == "GitRepository");
        if is_git && worker.inside(&kustomization.directory).as_ref() == Some(&worker.target) {
            root.get_or_insert(at);
        }
        by_name.insert((object.key.namespace.unwrap_or_default(), object.key.name), at);
    }
    let of_unit = |unit: usize| {
        let flux = worker.units.get(unit)?.flux.as_ref()?;
        if unit == 0 {
            root
        } else {
            by_name.get(&flux.name).copied()
        }
    };
    let mut owners: Vec<Option<usize>> = worker.unit_of.iter().map(|unit| of_unit(*unit)).collect();
    owners.resize(values.len(), None);
    owners
}

/// The name of an object as it is written.
fn written_name(worker: &mut Worker, built: &BuiltObject) -> Option<String> {
    let (_, manifest) = placed::base(worker, built)?;
    Some(manifest.key.name)
}

/// For each Kustomization with variables of its own those that its files name.
fn variables(worker: &Worker, values: &[&Value], owners: &[Option<usize>]) -> Vec<Option<BTreeSet<String>>> {
    let mut found = vec![None; values.len()];
    for (unit, owner) in worker.unit_of.iter().zip(owners) {
        let Some(entry) = owner
            .and_then(|owner| found.get_mut(owner))
            .filter(|entry| entry.is_none())
        else {
            continue;
        };
        let substitutes = owner.and_then(|owner| values.get(owner)?.pointer("/spec/postBuild/substitute"));
        if let (Some(_), Some(unit)) = (substitutes, worker.units.get(*unit)) {
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
    let files: Vec<String> = files
        .map(|(path, _)| path.to_string())
        .filter(|path| is_sync(path))
        .collect();
    let (mut given, mut url) = (Vec::new(), None);
    for file in files {
        let Some(parsed) = worker.parsed(&file) else { continue };
        for supplied in parsed.supplied() {
            given.push(supplied.manifest.key.clone());
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
        let (file, manifest) = placed::base(self.worker, self.objects.get(object)?)?;
        Some(Spotted {
            file: self.worker.name(&file),
            span: manifest.kind_span,
            is_own: false,
        })
    }
}

/// Fields of kustomizations that Flux drops, each with its file.
fn dropped(worker: &Worker) -> Vec<(Arc<str>, Finding)> {
    let mut found = BTreeMap::new();
    let units = worker.units.iter().filter(|unit| unit.flux.is_some());
    for unit in units {
        let tree = worker.tree_of(unit);
        let Some(sheet) = tree.kustomization_file(&unit.path).and_then(|file| tree.sheet(&file)) else {
            continue;
        };
        for field in dropped_fields(&sheet) {
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
            let file = worker
                .written(unit, sheet.file())
                .unwrap_or_else(|| Arc::clone(sheet.file()));
            found.insert((worker.name(&file), span), finding);
        }
    }
    found.into_iter().map(|((file, _), finding)| (file, finding)).collect()
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
