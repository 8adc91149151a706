//! What was built, for a person who asks about what is under the cursor.

use std::collections::BTreeSet;

use base64::Engine as _;
use gitops_model::flux::{FluxObject, FluxSpec, Reference};
use gitops_model::kustomize::{Layer, layer};
use gitops_model::{Manifest, ObjectKey, Supplier, Want};
use gitops_render::BuiltObject;
use gitops_render::origins::{Origins, Question};
use gitops_yaml::{Dialect, FieldPath, Step};
use serde_json::Value;
use tokio::sync::oneshot;

use super::readings::Written;
use super::worker::Worker;

/// How many objects one question brings at most.
const MAX_OBJECTS: usize = 1_000;
/// Of how many fields of one object the place is looked for, to say what had a part in it.
const MAX_FIELDS: usize = 200;
/// The same for all objects of one question.
const MAX_FIELDS_OF_ALL: usize = 2_000;

/// How long a value is at least to be taken for a secret: shorter ones stand everywhere by chance.
const SHORTEST_SECRET: usize = 4;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) enum About {
    /// What a manifest of a file has become: its path from the root, and its place in it.
    Manifest {
        /// The file.
        path: String,
        /// Number of the document.
        document: usize,
        /// Its place in the document.
        base: FieldPath,
    },
    /// One object.
    Object(ObjectKey),
    /// All that a kustomization takes part in: its directory, from the root.
    Directory(String),
}

/// A question, and to whom its answer goes.
pub(crate) struct Ask {
    /// What is asked for.
    pub(crate) about: About,
    /// To whom the answer goes.
    pub(crate) answer: oneshot::Sender<Vec<Shown>>,
}

/// An object as it was built.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// Its identity as it is sent: an object of a chart goes to the namespace of its release.
    pub(crate) key: ObjectKey,
    /// Who applies it, where that is not who applies all others: helm-controller what a chart brings.
    pub(crate) manager: Option<&'static str>,
    /// The object.
    pub(crate) object: Value,
    /// Where it came from, in words; empty where that is not known.
    pub(crate) origin: String,
    /// The Flux Kustomization that builds it; `None` where none does, or nobody wrote it.
    pub(crate) builder: Option<ObjectKey>,
    /// The values of variables that come from Secrets: they are in the object wherever it names them.
    pub(crate) secrets: Vec<String>,
}

/// Answers a question about what was built last.
pub(super) fn answer(worker: &mut Worker, ask: Ask) {
    let asked = indices(worker, &ask.about);
    let indices = with_what_charts_bring(worker, asked);
    let objects = std::mem::take(&mut worker.objects);
    let mut budget = MAX_FIELDS_OF_ALL;
    let mut shown = Vec::new();
    for index in indices.into_iter().take(MAX_OBJECTS) {
        let Some(built) = objects.get(index) else { continue };
        let unit = worker.unit_of.get(index).copied().unwrap_or_default();
        let sent = worker.sent.get(index);
        shown.push(Shown {
            key: sent.map_or_else(
                || ObjectKey::of(&built.object),
                |sent| ObjectKey::clone(&sent.manifest.key),
            ),
            manager: sent.and_then(|sent| sent.manager),
            object: Value::clone(&built.object),
            origin: origin(worker, index, built, &objects, &mut budget),
            builder: builder(worker, unit),
            secrets: secrets(worker, &objects, index),
        });
    }
    worker.objects = objects;
    // Who asked may be gone by now.
    let _ = ask.answer.send(shown);
}

/// Behind each `HelmRelease` what its chart renders.
fn with_what_charts_bring(worker: &Worker, indices: Vec<usize>) -> Vec<usize> {
    let brought: Vec<(usize, usize)> = (0..worker.objects.len())
        .filter_map(|index| Some((worker.releases.owner(index)?, index)))
        .collect();
    let mut all: Vec<usize> = Vec::with_capacity(indices.len());
    for index in indices {
        let own = brought
            .iter()
            .filter(|(owner, _)| *owner == index)
            .map(|(_, brought)| *brought);
        for index in std::iter::once(index).chain(own) {
            if !all.contains(&index) {
                all.push(index);
            }
        }
    }
    all
}

/// Which of the built objects are meant.
fn indices(worker: &mut Worker, about: &About) -> Vec<usize> {
    match about {
        About::Object(key) => {
            let all = worker.objects.iter().enumerate();
            all.filter(|(_, built)| is_named(&built.object, key))
                .map(|(index, _)| index)
                .collect()
        }
        About::Manifest { path, document, base } => {
            let objects = std::mem::take(&mut worker.objects);
            let is_it = |manifest: &Manifest| manifest.document == *document && manifest.base == *base;
            let from_here = objects.iter().enumerate().filter(|(_, built)| {
                let origin = built.origin.as_ref();
                origin.is_some_and(|origin| origin.path == *path)
                    && worker.base(built).is_some_and(|written| is_it(&written.manifest))
            });
            let found = from_here.map(|(index, _)| index).collect();
            worker.objects = objects;
            found
        }
        About::Directory(directory) => of_directory(worker, directory),
    }
}

fn is_named(object: &Value, key: &ObjectKey) -> bool {
    let own = ObjectKey::of(object);
    own.gvk.group == key.gvk.group
        && own.gvk.kind == key.gvk.kind
        && own.name == key.name
        && (own.namespace == key.namespace || own.namespace.is_none() || key.namespace.is_none())
}

/// All objects of the units that build a directory; of one that is only a part of others, the objects that come from it.
fn of_directory(worker: &Worker, directory: &str) -> Vec<usize> {
    let of_unit = |index: &usize| {
        let unit = worker.unit_of.get(*index).and_then(|unit| worker.units.get(*unit));
        unit.is_some_and(|unit| unit.path == directory)
    };
    let whole: Vec<usize> = (0..worker.objects.len()).filter(of_unit).collect();
    if !whole.is_empty() {
        return whole;
    }
    let mut files = BTreeSet::new();
    files_of(&layer(worker.tree.texts(), directory, None), &mut files);
    let is_below = |file: &str| files.contains(file);
    let all = worker.objects.iter().enumerate();
    all.filter(|(_, built)| {
        let origin = built.origin.as_ref();
        origin.is_some_and(|origin| is_below(&origin.path) || in_directory(&origin.configured_in, directory))
    })
    .map(|(index, _)| index)
    .collect()
}

fn in_directory(file: &str, directory: &str) -> bool {
    file.rsplit_once('/').map_or("", |(parent, _)| parent) == directory && !file.is_empty()
}

fn files_of(layer: &Layer, files: &mut BTreeSet<String>) {
    files.extend(layer.files.iter().map(|(_, path)| path.clone()));
    for below in layer.bases.iter().chain(&layer.components) {
        files_of(below, files);
    }
}

fn builder(worker: &Worker, unit: usize) -> Option<ObjectKey> {
    let (namespace, name) = &*worker.units.get(unit)?.flux.as_ref()?.name;
    (!name.is_empty()).then(|| ObjectKey {
        gvk: gitops_model::Gvk {
            group: "kustomize.toolkit.fluxcd.io".to_owned(),
            version: String::new(),
            kind: "Kustomization".to_owned(),
        },
        namespace: Some(namespace.clone()),
        name: name.clone(),
    })
}

/// The values that come into an object from Secrets: by the variables of its Kustomization, or by the values of its release.
fn secrets(worker: &Worker, objects: &[BuiltObject], index: usize) -> Vec<String> {
    let unit = worker.unit_of.get(index).and_then(|unit| worker.units.get(*unit));
    let kustomization = unit.and_then(|unit| unit.flux.as_ref()).map(|flux| &flux.object);
    let release = worker.releases.owner(index).and_then(|owner| objects.get(owner));
    let makers = kustomization.into_iter().chain(release.map(|built| &built.object));
    makers
        .filter_map(|maker| FluxObject::read(maker))
        .flat_map(|maker| {
            let references: Vec<Reference> = match &maker.spec {
                FluxSpec::Kustomization(spec) => spec.substitute_from.clone(),
                FluxSpec::HelmRelease(_) => maker.references().into_iter().cloned().collect(),
                FluxSpec::Source(_) | FluxSpec::ArtifactGenerator(_) => Vec::new(),
            };
            references
        })
        .filter(|reference| reference.kind == "Secret")
        .flat_map(|reference| {
            let is_it = |built: &&BuiltObject| {
                let key = ObjectKey::of(&built.object);
                let here = key.namespace.is_none() || key.namespace == reference.namespace;
                key.gvk.kind == "Secret" && key.name == reference.name && here
            };
            let values = objects.iter().filter(is_it).flat_map(|built| values_of(&built.object));
            values.collect::<Vec<String>>()
        })
        .collect()
}

fn values_of(secret: &Value) -> Vec<String> {
    let entries = |field: &str| secret.get(field).and_then(Value::as_object).into_iter().flatten();
    let decoded = entries("data").filter_map(|(_, value)| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str()?).ok()?;
        String::from_utf8(bytes).ok()
    });
    let plain = entries("stringData").filter_map(|(_, value)| Some(value.as_str()?.to_owned()));
    let mut all = Vec::new();
    for value in decoded.chain(plain) {
        // A file of values is not put in as a whole, but by its parts.
        let parse = gitops_yaml::parse(&value);
        for document in parse.documents.iter().take(1) {
            if let Ok(values) = document.to_json(&value, Dialect::Kustomize) {
                texts_of(&values, &mut all);
            }
        }
        // What a file ends with is not what stands in a line.
        all.push(value.trim().to_owned());
    }
    all.retain(|value| value.len() >= SHORTEST_SECRET);
    // What is a part of another one comes later, so that the longer one is masked as a whole.
    all.sort_by_key(|value| std::cmp::Reverse(value.len()));
    all.dedup();
    all
}

/// The texts of a value, however deep.
fn texts_of(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.trim().to_owned()),
        Value::Array(items) => items.iter().for_each(|item| texts_of(item, found)),
        Value::Object(entries) => entries.values().for_each(|entry| texts_of(entry, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `from apps/web.yaml, patched in overlay/patch.yaml`: the file that brings an object, and those that had a part in it.
fn origin(worker: &mut Worker, index: usize, built: &BuiltObject, all: &[BuiltObject], budget: &mut usize) -> String {
    let mut words = Vec::new();
    let note = built.origin.clone().unwrap_or_default();
    if let Some(release) = worker.releases.owner(index).and_then(|owner| all.get(owner)) {
        let key = ObjectKey::of(&release.object);
        let template = if note.path.is_empty() {
            String::new()
        } else {
            format!(", template {}", note.path)
        };
        return format!("rendered by {key}{template}");
    }
    if !note.path.is_empty() {
        words.push(format!("from {}", note.path));
    } else if !note.configured_in.is_empty() {
        words.push(format!("generated in {}", note.configured_in));
    }
    let written = written(worker, built);
    let mut fields = Vec::new();
    changed_fields(
        &built.object,
        written.as_ref(),
        &mut FieldPath::new(),
        &mut fields,
        MAX_FIELDS.min(*budget),
    );
    *budget = budget.saturating_sub(fields.len());
    let unit = worker.unit_of.get(index).and_then(|unit| worker.units.get(*unit));
    let Some(unit) = unit else {
        return words.join(", ");
    };
    let texts = worker.tree.texts();
    let origins = Origins::read(worker.tree_of(unit), &unit.path, unit.spot(texts));
    let origins = origins.with_values_of(texts).among(all);
    // Origins are looked for where it was built from, which is an artifact for some.
    let as_built = worker.as_built.get(&index).map(|note| BuiltObject {
        origin: Some(note.clone()),
        ..built.clone()
    });
    let built = as_built.as_ref().unwrap_or(built);
    for path in fields {
        let question = Question {
            built,
            path: &path,
            want: Want::Value,
        };
        let places = origins.with_variables(origins.propose(question).places, Want::Value);
        let first = places.into_iter().next().map(|place| worker.in_its_file(unit, place));
        let Some(first) = first else { continue };
        let part = match first.origin.supplier {
            Supplier::Manifest => continue,
            Supplier::Patch => "patched in",
            Supplier::Generator | Supplier::GeneratorFile | Supplier::EnvLine => "with content of",
            Supplier::Image => "image set in",
            Supplier::Replicas => "replicas set in",
            Supplier::Namespace => "namespace set in",
            Supplier::NameAffix => "renamed in",
            Supplier::Labels => "labels set in",
            Supplier::Annotations => "annotations set in",
            Supplier::Replacement => "value replaced in",
            Supplier::Transformer => "transformed in",
            Supplier::Substitution => "variable set in",
            Supplier::Values => "value set in",
            Supplier::Template => "written by",
        };
        let said = format!("{part} {}", first.origin.file);
        if !words.contains(&said) {
            words.push(said);
        }
    }
    words.join(", ")
}

/// The object as its file has it.
fn written(worker: &mut Worker, built: &BuiltObject) -> Option<Value> {
    let written = worker.base(built)?;
    let Written { text, manifest, .. } = &*written;
    let document = text.parse.documents.get(manifest.document)?;
    let whole = document.to_json(text.text.as_str(), Dialect::Kustomize).ok()?;
    manifest.base.steps().iter().try_fold(whole, |value, step| match step {
        Step::Key(key) => value.get(&**key).cloned(),
        Step::Index(index) => value.get(*index).cloned(),
    })
}

/// The scalars of an object that are not as its file has them.
fn changed_fields(
    built: &Value,
    written: Option<&Value>,
    path: &mut FieldPath,
    found: &mut Vec<FieldPath>,
    most: usize,
) {
    if found.len() >= most || written == Some(built) {
        return;
    }
    match built {
        Value::Object(entries) => {
            for (key, value) in entries {
                path.push_key(key.as_str());
                changed_fields(value, written.and_then(|written| written.get(key)), path, found, most);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                path.push_index(index);
                changed_fields(value, written.and_then(|written| written.get(index)), path, found, most);
                path.pop();
            }
        }
        _ => found.push(path.clone()),
    }
}

#[cfg(test)]
mod tests {
    use gitops_yaml::FieldPath;
    use serde_json::json;

    use super::{changed_fields, in_directory, values_of};

    #[test]
    fn values_of_a_secret_are_known_however_they_are_written() {
        let secret =
            json!({ "data": { "a": "aHVudGVyMgo=", "b": "eA==", "c": "%" }, "stringData": { "d": "swordfish" } });
        assert_eq!(values_of(&secret), ["swordfish", "hunter2"]);
        let file = json!({ "stringData": { "values.yaml": "db:\n  password: opensesame\n  port: 5432\n" } });
        assert!(values_of(&file).contains(&"opensesame".to_owned()));
    }

    #[test]
    fn only_scalars_that_differ_are_asked_about() {
        let built = json!({ "a": 1, "b": { "c": [1, 2, 3] }, "d": "x" });
        let written = json!({ "a": 1, "b": { "c": [1, 5] } });
        let mut found = Vec::new();
        changed_fields(&built, Some(&written), &mut FieldPath::new(), &mut found, 10);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["b.c[1]", "b.c[2]", "d"]);
        let mut bounded = Vec::new();
        changed_fields(&built, None, &mut FieldPath::new(), &mut bounded, 2);
        assert_eq!(bounded.len(), 2);
    }

    #[test]
    fn a_file_is_in_its_own_directory_alone() {
        assert!(in_directory("apps/base/kustomization.yaml", "apps/base"));
        assert!(in_directory("kustomization.yaml", ""));
        assert!(!in_directory("apps/base/kustomization.yaml", "apps"));
        assert!(!in_directory("", ""));
    }
}
