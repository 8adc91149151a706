//! A session whose target is a Flux repository: what is accepted is committed for the sandbox's Flux, and what Flux says
//! is kept by object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_model::{Finding, ObjectKey, Source};
use gitops_session::actions::Suspension;
use gitops_session::{BroughtRepository, Condition, FluxEvent, FluxLoop, FluxStart, Readiness};
use gitops_yaml::Dialect;
use serde_json::Value;

use super::{Findings, Order, Sent, Tree};
use crate::event::{Event, SessionEvent};
use crate::files::moved;
use crate::parsed::Parsed;
use crate::saves::Word;
use crate::state::State;
use crate::{lifecycle, saves, workload};

/// The file in which Flux's bootstrap writes the source and the Kustomization of an entry.
const SYNC_FILE: &str = "gotk-sync.yaml";

/// What a session keeps of Flux.
pub(crate) struct Fluxing {
    /// The loop that commits and watches.
    commits: FluxLoop,
    /// The sources that it is told are this workspace; `None` before the first build.
    repositories: Option<Vec<BroughtRepository>>,
    /// Number of the newest save that is in it.
    committed: u64,
    /// What Flux says about each object.
    conditions: BTreeMap<ObjectKey, Condition>,
    /// What that means for which file, and the texts that it was placed in.
    said: BTreeMap<ObjectKey, (Findings, Texts)>,
    /// Files that are saved and not committed yet.
    changed: BTreeSet<Utf8PathBuf>,
    /// How much of what Flux has said is still to get its places.
    placing: usize,
    /// Saves that wait for Flux: the file, the number.
    waiting: Vec<(Arc<str>, u64)>,
}

/// What is said about one object, by file.
pub(crate) struct PlacedCondition {
    /// Which object.
    pub(crate) key: ObjectKey,
    /// The findings.
    pub(crate) findings: Findings,
    /// The texts of these files.
    pub(crate) texts: Texts,
}

/// Texts by file.
type Texts = BTreeMap<Arc<str>, Arc<Parsed>>;

/// Starts what commits and watches, and finds the `GitRepository` that the entry has for itself; `None` where the session's
/// sandbox is not there any more.
pub(super) fn begin(state: &mut State, number: u64, tree: &mut Tree) -> Option<(Fluxing, Option<Value>)> {
    let session = state.sessions.get(&number)?;
    let running = session.running()?;
    let sync = sync_objects(tree, &session.root, &session.relative_target());
    let is_source = |object: &&Value| object.get("kind").and_then(Value::as_str) == Some("GitRepository");
    let source = sync.iter().find(is_source).cloned();
    let start = FluxStart {
        cluster: running.cluster.clone(),
        root: session.root.clone(),
        state: running.kubeconfig.parent().unwrap_or(Utf8Path::new(".")).join("source"),
        target: session.relative_target(),
        sync,
    };
    let inbox = state.inbox.clone();
    let report = Arc::new(move |event| {
        let _ = inbox.send(Event::Session {
            number,
            event: SessionEvent::Flux(event),
        });
    });
    let _on_runtime = state.runtime.enter();
    let fluxing = Fluxing {
        commits: FluxLoop::start(start, report),
        repositories: None,
        committed: 0,
        conditions: BTreeMap::new(),
        said: BTreeMap::new(),
        changed: BTreeSet::new(),
        placing: 0,
        waiting: Vec::new(),
    };
    Some((fluxing, source))
}

/// The objects that stand in an entry for itself: what Flux's bootstrap has written.
fn sync_objects(tree: &mut Tree, root: &Utf8Path, target: &str) -> Vec<Value> {
    let is_sync = |path: &str| Utf8Path::new(path).file_name() == Some(SYNC_FILE);
    let paths: Vec<String> = tree
        .texts()
        .below(target)
        .filter(|(path, _)| is_sync(path))
        .map(|(path, _)| path.to_string())
        .collect();
    let mut sync = Vec::new();
    for path in paths {
        let Some(parsed) = tree.parsed(root, &path) else {
            continue;
        };
        let documents = parsed.parse.documents.iter().filter(|document| !document.is_broken());
        let objects = documents.filter_map(|document| document.to_json(parsed.text.as_str(), Dialect::Kustomize).ok());
        sync.extend(objects.filter(|object: &Value| {
            let version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
            version.contains(".toolkit.fluxcd.io/")
        }));
    }
    sync
}

impl Fluxing {
    /// A file was saved; it is committed when it is accepted.
    pub(super) fn changed(&mut self, name: &Arc<str>, generation: u64) {
        self.changed.insert(Utf8PathBuf::from(&**name));
        self.waiting.retain(|(waiting, _)| waiting != name);
        self.waiting.push((Arc::clone(name), generation));
    }

    /// The sources that are this workspace are read from the session. What is broken is not committed, and what it does not
    /// bring any more is still there. False when too many saves wait.
    pub(super) fn reads_from(&mut self, repositories: Vec<BroughtRepository>, is_broken: bool) -> bool {
        let is_known = self.repositories.as_ref() == Some(&repositories);
        if is_known || (is_broken && self.repositories.is_some()) {
            return true;
        }
        let is_taken = self.commits.repositories(repositories.clone());
        self.repositories = is_taken.then_some(repositories);
        is_taken
    }

    /// What was saved is accepted. False when too many saves wait.
    pub(super) fn accepted(&mut self, generation: u64) -> bool {
        let paths = std::mem::take(&mut self.changed);
        paths.is_empty() || self.commits.save(generation, paths.into_iter().collect())
    }

    /// What Flux says about an object, for its lens.
    pub(crate) fn lens(condition: &Condition) -> String {
        let revision = short(&condition.revision);
        match &condition.readiness {
            Readiness::Ready if condition.current => format!("✓ Ready{revision}"),
            Readiness::Ready => format!("… Ready of an older revision{revision}"),
            Readiness::Failed { reason, .. } if condition.current => format!("✗ {reason}{revision}"),
            Readiness::Suspended => suspended(condition.suspension.as_ref()),
            Readiness::Blocked { message } => format!("… {message}"),
            Readiness::Waiting { .. } | Readiness::Failed { .. } | Readiness::Gone => {
                format!("… reconciling{revision}")
            }
        }
    }

    /// What Flux says about an object that a file has.
    pub(crate) fn condition(&self, written: &ObjectKey) -> Option<&Condition> {
        let (_, condition) = self.conditions.iter().find(|(key, _)| {
            key.gvk.kind == written.gvk.kind
                && key.gvk.group == written.gvk.group
                && key.name == written.name
                && (written.namespace.is_none() || key.namespace == written.namespace)
        })?;
        Some(condition)
    }

    /// Whether all that Flux applies of the newest commit is on the cluster, be it healthy or not.
    pub(crate) fn has_applied(&self) -> bool {
        let mut all = self.conditions.values();
        let is_through = |condition: &Condition| match &condition.readiness {
            Readiness::Ready | Readiness::Failed { .. } => condition.current,
            // kustomize-controller, `Progressing`: what is waited for then was applied before.
            Readiness::Waiting { message } => condition.current && message.starts_with("Running health checks"),
            Readiness::Suspended | Readiness::Blocked { .. } | Readiness::Gone => true,
        };
        self.placing == 0 && !self.conditions.is_empty() && all.all(is_through)
    }

    /// Whether Flux has said all there is to say about the newest commit, and whether all of it is good.
    fn outcome(&self) -> Option<Word> {
        let mut is_kustomization = self.conditions.keys().map(|key| key.gvk.kind == "Kustomization");
        if !is_kustomization.any(|is_one| is_one) {
            return None;
        }
        let (mut failed, mut blocked) = (Vec::new(), false);
        for (key, condition) in &self.conditions {
            match &condition.readiness {
                // What waits for another is as that one is, and does not know of the newest commit itself.
                Readiness::Blocked { .. } => blocked = true,
                Readiness::Suspended => {}
                Readiness::Ready if condition.current => {}
                Readiness::Failed { reason, .. } if condition.current => {
                    let namespace = key.namespace.as_deref().unwrap_or_default();
                    failed.push(format!("{} {namespace}/{}: {reason}", key.gvk.kind, key.name));
                }
                _ => return None,
            }
        }
        let ok = failed.is_empty();
        // What waits for what has failed waits for a person.
        (!blocked || !ok).then_some(Word { failed, ..ok.into() })
    }
}

/// `⏸ suspended by NAME: REASON`, as far as that is known.
fn suspended(suspension: Option<&Suspension>) -> String {
    match suspension {
        Some(Suspension { by, reason, .. }) if reason.is_empty() => format!("⏸ suspended by {by}"),
        Some(Suspension { by, reason, .. }) => format!("⏸ suspended by {by}: {reason}"),
        None => "⏸ suspended".to_owned(),
    }
}

/// ` · main@sha1:3f2c0f5d`.
fn short(revision: &str) -> String {
    match revision.split_once("@sha1:") {
        Some((branch, commit)) => format!(" · {branch}@sha1:{}", commit.get(..8).unwrap_or(commit)),
        None => String::new(),
    }
}

/// Flux, or what commits for it, has something to say.
pub(crate) fn on_event(state: &mut State, number: u64, event: FluxEvent) {
    match event {
        FluxEvent::Trouble(message) => return lifecycle::report_source_trouble(state, number, Some(message)),
        FluxEvent::Recovered => return lifecycle::report_source_trouble(state, number, None),
        FluxEvent::Committed { .. } | FluxEvent::Condition(_) => {}
    }
    let Some(building) = state.building(number) else {
        return;
    };
    let Some(fluxing) = &mut building.flux else { return };
    let (mut brought, mut is_known) = (false, false);
    match event {
        FluxEvent::Committed { generation, is_new, .. } => {
            fluxing.committed = generation;
            // What was there before is there again, and Flux has nothing to add.
            is_known = !is_new;
        }
        FluxEvent::Condition(condition) => {
            brought = condition.readiness == Readiness::Ready && condition.current;
            if condition.readiness == Readiness::Gone {
                fluxing.conditions.remove(&condition.key);
            } else {
                fluxing.conditions.insert(condition.key.clone(), (*condition).clone());
            }
            // What it replaces will not be placed any more.
            if building.worker.send(Order::Flux(condition)) == Sent::Added {
                fluxing.placing += 1;
            }
        }
        FluxEvent::Trouble(_) | FluxEvent::Recovered => {}
    }
    if brought {
        super::ask_again(state, number);
    }
    if is_known {
        tell_outcome(state, number);
    }
    state.lenses_changed = true;
    state.status_changed = true;
    workload::moved(state, number);
}

/// What Flux says about an object has its places.
pub(crate) fn on_placed(state: &mut State, number: u64, placed: PlacedCondition) {
    let Some(building) = state.building(number) else {
        return;
    };
    let generation = building.generation;
    let Some(fluxing) = &mut building.flux else { return };
    fluxing.placing = fluxing.placing.saturating_sub(1);
    let mut files: BTreeSet<Arc<str>> = placed.findings.keys().cloned().collect();
    let texts = placed.texts;
    let before = fluxing.said.insert(placed.key, (placed.findings, texts.clone()));
    files.extend(before.into_iter().flat_map(|(before, _)| before.into_keys()));
    for (name, text) in texts {
        if let Some((_, file)) = state.files.at_path(Utf8Path::new(&*name))
            && file.version.is_none()
        {
            file.parsed = Some(text);
        }
    }
    for name in files {
        let findings = said_of(state, number, &name);
        state.ledger.set(&name, Source::Flux, generation, findings);
    }
    tell_outcome(state, number);
    state.lenses_changed = true;
}

/// Everything that Flux says of a file, in its text as it is now.
fn said_of(state: &mut State, number: u64, name: &Arc<str>) -> Vec<Finding> {
    let now = state.files.get(name).and_then(|file| file.parsed.clone());
    let fluxing = state.building(number).and_then(|building| building.flux.as_ref());
    let mut all = Vec::new();
    for (findings, texts) in fluxing.into_iter().flat_map(|fluxing| fluxing.said.values()) {
        let of_file = findings.get(name).into_iter().flatten();
        let (Some(text), Some(now)) = (texts.get(name), &now) else {
            all.extend(of_file.cloned());
            continue;
        };
        all.extend(of_file.filter_map(|finding| {
            let span = moved(text, now, finding.span)?;
            Some(Finding {
                span,
                ..finding.clone()
            })
        }));
    }
    all
}

/// Tells clients that wait for it what Flux thinks of the saves that are committed, once it has said all there is to say.
fn tell_outcome(state: &mut State, number: u64) {
    let Some(building) = state.building(number) else {
        return;
    };
    let elapsed = building.read_at.elapsed();
    let Some(fluxing) = &mut building.flux else { return };
    // What is said is published before the verdict that a client waits for.
    if fluxing.placing > 0 || fluxing.waiting.is_empty() {
        return;
    }
    let Some(word) = fluxing.outcome() else { return };
    let committed = fluxing.committed;
    let (ready, later): (Vec<_>, Vec<_>) = std::mem::take(&mut fluxing.waiting)
        .into_iter()
        .partition(|(_, generation)| *generation <= committed);
    fluxing.waiting = later;
    if !ready.is_empty() {
        saves::send_verdicts(state, &ready, "flux", &word, elapsed);
        super::applied(state, number, ready);
    }
}
