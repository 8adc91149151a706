//! From what is wrong with an object to lines of files.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::Utf8Path;
use gitops_cluster::answer::{Answer, NoKnowledge, Trouble, decode_trouble};
use gitops_model::{Finding, ObjectKey, Source};
use serde_json::Value;

use super::{Workload, is_settled, verdicts, workload_of};
use crate::built::{Order, PlacedFile, Sent};
use crate::files::{Judged, ObjectState, PlacedAnswer};
use crate::parsed::Parsed;
use crate::state::State;
use crate::{notifications, report};

/// What the worker of a built target is to find the places of.
pub(crate) struct WorkloadOrder {
    /// The object.
    pub(crate) key: ObjectKey,
    /// What is wrong with it.
    pub(crate) troubles: Vec<Trouble>,
    /// Namespace and name of the Helm release of Flux that brought it, where no file did.
    pub(crate) release: Option<(String, String)>,
}

/// What is wrong with an object, by file.
pub(crate) struct PlacedWorkload {
    /// The object.
    pub(crate) key: ObjectKey,
    /// What is said, by file.
    pub(crate) files: BTreeMap<Arc<str>, PlacedFile>,
}

/// What is wrong with an object, as answers about its fields.
pub(crate) fn answers(troubles: &[Trouble], key: &ObjectKey, sent: &Value) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::new();
    for trouble in troubles {
        for answer in decode_trouble(trouble, &key.gvk, sent, &NoKnowledge) {
            // What was seen goes before what was foreseen of the same field.
            let is_said = answers
                .iter()
                .any(|said| said.path == answer.path && (said.message == answer.message || trouble.is_foreseen()));
            if !is_said {
                answers.push(answer);
            }
        }
    }
    answers
}

/// Something about an object is other than it was: what is said of it is placed anew.
pub(super) fn place(state: &mut State, number: u64, key: &ObjectKey) {
    let settled = foresees(state, number, key) && is_settled(state, number);
    let Some(session) = state.sessions.get_mut(&number) else {
        return;
    };
    let Some(workload) = &mut session.workload else { return };
    let troubles = workload.troubles(key, settled);
    if let Some(building) = &session.building {
        let is_said = workload.said.contains_key(key);
        if troubles.is_empty() && !is_said && workload.placing == 0 {
            return;
        }
        let release = workload.news.get(key).and_then(|news| news.release.clone());
        let order = WorkloadOrder {
            key: key.clone(),
            troubles,
            release,
        };
        // What it replaces will not be placed any more.
        if building.worker.send(Order::Workload(Box::new(order))) == Sent::Added {
            workload.placing += 1;
        }
        return;
    }
    let before = workload.said.remove(key);
    if troubles.is_empty() && before.is_none() {
        return;
    }
    state.lenses_changed = true;
    let mut files: Vec<Arc<str>> = before.into_iter().flat_map(BTreeMap::into_keys).collect();
    let written = if troubles.is_empty() {
        None
    } else {
        workload.brought.written(key)
    };
    if let Some(written) = written {
        let answers = answers(&troubles, &written.key, &written.object.value());
        let judged = judged(state, &written.file, &written.key, answers);
        files.push(Arc::clone(&written.file));
        if let Some(workload) = workload_of(state, number) {
            let of_file = BTreeMap::from([(written.file, judged)]);
            workload.said.insert(key.clone(), of_file);
        }
    }
    for file in files {
        publish(state, number, &file);
    }
}

/// Whether something is foreseen of an object.
fn foresees(state: &State, number: u64, key: &ObjectKey) -> bool {
    let workload = state
        .sessions
        .get(&number)
        .and_then(|session| session.workload.as_ref());
    let news = workload.and_then(|workload| workload.news.get(key));
    news.is_some_and(|news| news.troubles.iter().any(Trouble::is_foreseen))
}

/// The answers about an object of a file, with what is written where they belong.
fn judged(state: &mut State, file: &Arc<str>, key: &ObjectKey, answers: Vec<Answer>) -> Vec<Judged> {
    let Some(text) = text_of(state, file) else {
        return Vec::new();
    };
    judged_in(&text, key, answers)
}

/// The answers about an object of a text, with what is written where they belong.
pub(super) fn judged_in(text: &Parsed, key: &ObjectKey, answers: Vec<Answer>) -> Vec<Judged> {
    let Some(manifest) = text.manifests().find(|manifest| *manifest.key == *key).cloned() else {
        return Vec::new();
    };
    let answers = answers.into_iter().map(|answer| PlacedAnswer {
        written: report::written_in(text, &manifest, &answer),
        answer,
        at: None,
    });
    vec![Judged {
        answers: answers.collect(),
        state: Some(ObjectState::Accepted),
        manifest,
    }]
}

/// What a file held when it was saved, as far as that is known; one that is closed is read again, and placed then.
fn text_of(state: &mut State, name: &Arc<str>) -> Option<Arc<Parsed>> {
    let file = state.files.get(name);
    let text = file.and_then(|file| file.saved.clone().or_else(|| file.parsed.clone()));
    if text.is_none() {
        notifications::read_again(state, [Utf8Path::new(&**name).to_owned()]);
    }
    text
}

/// A file has another text, or one at all: what is said of its objects is placed in it.
pub(crate) fn text_changed(state: &mut State, name: &Arc<str>) {
    let Some((number, session)) = state.session_of(Some(&name.as_ref().into())) else {
        return;
    };
    let Some(workload) = &session.workload else { return };
    let of_file = |files: &BTreeMap<Arc<str>, Vec<Judged>>| files.get(name).map(Vec::is_empty);
    let said: Vec<(ObjectKey, bool)> = workload
        .said
        .iter()
        .filter_map(|(key, files)| Some((key.clone(), of_file(files)?)))
        .collect();
    let is_built = session.building.is_some();
    // What had no text to be placed in yet has one now.
    for (key, _) in said.iter().filter(|(_, is_empty)| *is_empty && !is_built) {
        place(state, number, key);
    }
    if !said.is_empty() {
        publish(state, number, name);
    }
}

/// A target was built anew: what is said of its objects may come from elsewhere now.
pub(crate) fn place_again(state: &mut State, number: u64) {
    let Some(workload) = workload_of(state, number) else {
        return;
    };
    let with_troubles = workload.news.iter().filter(|(_, news)| !news.troubles.is_empty());
    let mut keys: Vec<ObjectKey> = with_troubles.map(|(key, _)| key.clone()).collect();
    keys.extend(workload.said.keys().cloned());
    keys.sort();
    keys.dedup();
    for key in keys {
        place(state, number, &key);
    }
}

/// The worker has found the places.
pub(crate) fn place_built(state: &mut State, number: u64, placed: PlacedWorkload) {
    let Some(workload) = workload_of(state, number) else {
        return;
    };
    workload.placing = workload.placing.saturating_sub(1);
    let before = workload.said.remove(&placed.key);
    let mut files: Vec<Arc<str>> = before.into_iter().flat_map(BTreeMap::into_keys).collect();
    files.extend(placed.files.keys().cloned());
    let mut texts = Vec::new();
    let mut said = BTreeMap::new();
    for (name, file) in placed.files {
        texts.push((Arc::clone(&name), file.text));
        said.insert(name, file.judged);
    }
    if !said.is_empty() {
        workload.said.insert(placed.key, said);
    }
    for (name, text) in texts {
        if let Some((_, file)) = state.files.at_path(Utf8Path::new(&*name))
            && file.version.is_none()
        {
            file.parsed = Some(text);
        }
    }
    files.sort();
    files.dedup();
    for file in files {
        publish(state, number, &file);
    }
    state.lenses_changed = true;
    verdicts::tell(state, number);
}

/// The cluster has said what it thinks of a file's newest save.
pub(crate) fn judged_anew(state: &mut State, number: u64, name: &Arc<str>) {
    let is_said = |workload: &Workload| workload.said.values().any(|files| files.contains_key(name));
    if workload_of(state, number).is_some_and(|workload| is_said(workload)) {
        publish(state, number, name);
    }
}

/// Puts all that is said of the objects of a file into the ledger.
fn publish(state: &mut State, number: u64, name: &Arc<str>) {
    let Some(session) = state.sessions.get(&number) else {
        return;
    };
    let Some(workload) = &session.workload else { return };
    let file = state.files.get(name);
    let now = file.and_then(|file| file.parsed.clone());
    // What runs is not what the text says, where that was refused.
    let refused = file.into_iter().flat_map(|file| &file.objects);
    let refused = refused.filter(|judged| matches!(judged.state, Some(ObjectState::Rejected(_))));
    let refused: Vec<&ObjectKey> = refused.map(|judged| &*judged.manifest.key).collect();
    let findings = now
        .map(|now| findings(workload, name, &now, &refused))
        .unwrap_or_default();
    let generation = state.generation;
    state.ledger.set(name, Source::Runtime, generation, findings);
}

fn findings(workload: &Workload, name: &Arc<str>, now: &Parsed, refused: &[&ObjectKey]) -> Vec<Finding> {
    let judged = workload.said.values().filter_map(|files| files.get(name)).flatten();
    let judged = judged.filter(|judged| !refused.contains(&&*judged.manifest.key));
    let mut findings: Vec<Finding> = judged
        .flat_map(|judged| report::place_judged(name, std::slice::from_ref(judged), now))
        .collect();
    for finding in &mut findings {
        finding.code.source = Source::Runtime;
    }
    findings.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
    findings.dedup_by(|a, b| a.span == b.span && a.message == b.message);
    findings
}
