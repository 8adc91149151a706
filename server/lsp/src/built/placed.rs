//! From what the cluster says about objects that were built to the files that supply them.

use std::collections::BTreeMap;
use std::sync::Arc;

use gitops_cluster::answer::Answer;
use gitops_model::Manifest;
use gitops_render::BuiltObject;
use gitops_session::{FileVerdict, ObjectVerdict, Outcome, Phase};

use super::worker::Worker;
use crate::files::{Judged, ObjectState, PlacedAnswer};
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
    /// What is said, by file.
    pub(crate) files: BTreeMap<Arc<str>, PlacedFile>,
}

/// What is said about one file.
pub(crate) struct PlacedFile {
    /// The text that it is about.
    pub(crate) text: Arc<Parsed>,
    /// What is said, by object.
    pub(crate) judged: Vec<Judged>,
}

/// A place in a file: a manifest of it, and an answer with the path from there.
struct Found {
    path: String,
    manifest: Manifest,
    answer: Answer,
}

pub(super) async fn place(worker: &mut Worker, verdict: FileVerdict) -> PlacedVerdict {
    let last = verdict.phase == Phase::Apply;
    let mut placed = PlacedVerdict {
        generation: verdict.generation,
        phase: verdict.phase,
        ok: verdict.prune_failures.is_empty(),
        unreachable: None,
        asked: !verdict.objects.is_empty(),
        files: BTreeMap::new(),
    };
    let objects = std::mem::take(&mut worker.objects);
    for object in &verdict.objects {
        match &object.outcome {
            Outcome::Applied { .. } => {}
            Outcome::Accepted => placed.ok &= !last,
            Outcome::Rejected => placed.ok = false,
            Outcome::Unreachable { reason } => {
                placed.ok = false;
                placed.unreachable.get_or_insert_with(|| reason.clone());
            }
        }
        if let Some(built) = objects.get(object.manifest.document) {
            place_object(worker, built, object, !last, &mut placed.files).await;
        }
    }
    worker.objects = objects;
    placed
}

/// What is said of one object: its state where it stands, its answers where their fields are supplied.
async fn place_object(
    worker: &mut Worker,
    built: &BuiltObject,
    verdict: &ObjectVerdict,
    applying: bool,
    files: &mut BTreeMap<Arc<str>, PlacedFile>,
) {
    let Some((path, manifest)) = base(worker, built) else {
        return;
    };
    let state = ObjectState::of(verdict, applying);
    add(worker, &path, &manifest, Some(state), None, files);
    let answers = verdict.judgement.answers.iter().chain(&verdict.judgement.warnings);
    for answer in answers {
        let found = supplier(worker, built, answer, &path, &manifest).await;
        add(worker, &found.path, &found.manifest, None, Some(found.answer), files);
    }
}

/// The file and the manifest that bring an object.
fn base(worker: &mut Worker, built: &BuiltObject) -> Option<(String, Manifest)> {
    let path = built.origin.as_ref()?.path.clone();
    let root = worker.root.clone();
    let parsed = worker.tree.parsed(&root, &path)?;
    let kind = built.object.get("kind")?.as_str()?;
    let name = built.object.pointer("/metadata/name")?.as_str()?;
    let same: Vec<&Manifest> = parsed
        .manifests()
        .filter(|manifest| manifest.key.gvk.kind == kind)
        .collect();
    let manifest = same
        .iter()
        .find(|manifest| manifest.key.name == name)
        .or_else(|| same.iter().find(|manifest| name.contains(&manifest.key.name)))
        .or_else(|| same.first())?;
    Some((path, (*manifest).clone()))
}

/// Who supplies what an answer is about.
async fn supplier(
    _worker: &mut Worker,
    _built: &BuiltObject,
    answer: &Answer,
    path: &str,
    manifest: &Manifest,
) -> Found {
    Found {
        path: path.to_owned(),
        manifest: manifest.clone(),
        answer: answer.clone(),
    }
}

fn add(
    worker: &mut Worker,
    path: &str,
    manifest: &Manifest,
    state: Option<ObjectState>,
    answer: Option<Answer>,
    files: &mut BTreeMap<Arc<str>, PlacedFile>,
) {
    let root = worker.root.clone();
    let Some(text) = worker.tree.parsed(&root, path) else {
        return;
    };
    let file = files.entry(worker.name(path)).or_insert_with(|| PlacedFile {
        text: Arc::clone(&text),
        judged: Vec::new(),
    });
    let same = |judged: &&mut Judged| {
        judged.manifest.key == manifest.key
            && judged.manifest.document == manifest.document
            && judged.manifest.base == manifest.base
    };
    let position = file.judged.iter_mut().position(|judged| same(&judged));
    let judged = match position.and_then(|position| file.judged.get_mut(position)) {
        Some(judged) => judged,
        None => {
            file.judged.push(Judged {
                manifest: manifest.clone(),
                state: None,
                answers: Vec::new(),
            });
            let Some(last) = file.judged.last_mut() else { return };
            last
        }
    };
    if let Some(state) = state {
        // Of two objects that one manifest becomes, such as in two namespaces, the worse one is shown.
        judged.state = Some(judged.state.take().map_or(state.clone(), |other| other.worse(state)));
    }
    if let Some(answer) = answer {
        let written = report::written_in(&text, manifest, &answer);
        judged.answers.push(PlacedAnswer { answer, written });
    }
}
