//! What goes into a session: saves, deleted files, the whole target; and the verdicts that come out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use gitops_cluster::answer::codes::KIND_NOT_SERVED;
use gitops_model::{Code, Finding, ObjectKey, Severity, Source};
use gitops_session::{
    FileVerdict, Force, Live, NotTaken, ObjectVerdict, Outcome, Phase as VerdictPhase, Supplied, Supply,
};
use gitops_text::Span;
use ls_types::notification::ShowMessage;
use ls_types::{MessageType, ShowMessageParams};
use serde::Serialize;

use crate::client::OwnNotification;
use crate::event::ReadFile;
use crate::files::{Judged, hash};
use crate::parsed::Parsed;
use crate::session::Session;
use crate::state::State;
use crate::target::TargetKind;
use crate::{built, identities, plain_references, publish, report, workload};

/// `gitops/verdict`.
#[derive(Serialize)]
struct Verdict {
    uri: ls_types::Uri,
    generation: u64,
    phase: &'static str,
    #[serde(flatten)]
    word: Word,
    ms: f64,
}

/// What has come of a save.
#[derive(Clone, Serialize)]
pub(crate) struct Word {
    /// Whether nothing was refused.
    pub(crate) ok: bool,
    /// What failed, where the phase is about objects and not about files: `HelmRelease apps/web: UpgradeFailed`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) failed: Vec<String>,
    /// Why the cluster could not be asked, where it could not: then nothing is refused, and it is asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unreachable: Option<String>,
}

impl From<bool> for Word {
    fn from(ok: bool) -> Self {
        Self {
            ok,
            failed: Vec::new(),
            unreachable: None,
        }
    }
}

impl OwnNotification for Verdict {
    const METHOD: &'static str = "gitops/verdict";
}

/// The files of the target were read: all of them are one save.
pub(crate) fn on_target_read(
    state: &mut State,
    number: u64,
    files: Vec<ReadFile>,
    unreadable: Vec<(Utf8PathBuf, String)>,
) {
    let read_at = Instant::now();
    let Some(live) = state.sessions.get(&number).and_then(Session::live).cloned() else {
        return;
    };
    let apply = state.settings.session.apply_on_save;
    let mut supplies = Vec::new();
    for ReadFile { path, parsed } in files {
        let Some((name, file)) = state.files.at_path(&path) else {
            continue;
        };
        // A buffer that is open and changed is not what is saved; what is on disk is.
        if file.version.is_none() {
            file.parsed = Some(Arc::clone(&parsed));
        }
        // Saved meanwhile: that save is newer than what was read.
        if file.generation > 0 {
            continue;
        }
        file.saved_hash = Some(hash(parsed.text.as_str()));
        let closed = file.version.is_none();
        let supplied: Arc<[Supplied]> = parsed.supplied().into();
        if supplied.is_empty() {
            if closed {
                let findings = parsed.syntax_findings();
                if findings.is_empty() {
                    file.parsed = None;
                }
                state.ledger.set(&name, Source::Syntax, 0, findings);
            }
            continue;
        }
        state.generation += 1;
        file.generation = state.generation;
        file.saved = Some(Arc::clone(&parsed));
        state.pending.insert(Arc::clone(&name));
        file.left_out = identities::left_out(&parsed, &supplied);
        identities::supplied(&mut state.owners, &name, file, &supplied);
        supplies.push(Supply {
            file: Arc::clone(&name),
            generation: state.generation,
            complete: parsed.is_complete(),
            objects: supplied,
            read_at,
            apply,
            changed_only: false,
            force: None,
        });
        if closed {
            state.text_changed(&name);
        }
    }
    send(state, &live, supplies.clone());
    plain_references::supplied(state, number, &supplies);
    workload::supplied(state, number, &supplies);
    for supply in &supplies {
        state.model_changed(&supply.file);
    }
    for (path, reason) in unreadable {
        report_unreadable(state, &path, &reason);
    }
    state.status_changed = true;
}

fn send(state: &mut State, live: &Live, supplies: Vec<Supply>) {
    if supplies.is_empty() {
        return;
    }
    let names: Vec<Arc<str>> = supplies.iter().map(|supply| Arc::clone(&supply.file)).collect();
    if let Err(reason) = live.supply(supplies) {
        if reason == NotTaken::Full {
            tell_not_taken(state);
        }
        for name in names {
            state.pending.remove(&name);
        }
    }
}

/// Says that a save was not taken, which is never done in silence.
pub(crate) fn tell_not_taken(state: &State) {
    state.client.notify::<ShowMessage>(ShowMessageParams {
        typ: MessageType::WARNING,
        message: NotTaken::Full.to_string(),
    });
}

/// A file was saved: it goes to the session that applies it.
pub(crate) fn supply(
    state: &mut State,
    name: &Arc<str>,
    parsed: &Arc<Parsed>,
    read_at: Instant,
    force: Option<(ObjectKey, Force)>,
) {
    if let Some(number) = built::session_of(state, name) {
        built::saved(state, number, name, Some(parsed), read_at, force);
    } else if let Some(prepared) = prepare(state, name, parsed, read_at, force) {
        send_prepared(state, vec![prepared]);
    }
}

/// A supply and the session that it goes to.
pub(crate) struct Prepared {
    session: u64,
    supply: Supply,
}

/// Sends supplies, those of one session as one save: what came together is staged together.
pub(crate) fn send_prepared(state: &mut State, prepared: Vec<Prepared>) {
    let mut by_session: BTreeMap<u64, Vec<Supply>> = BTreeMap::new();
    for Prepared { session, supply } in prepared {
        by_session.entry(session).or_default().push(supply);
    }
    for (number, supplies) in by_session {
        let Some(live) = state.sessions.get(&number).and_then(Session::live).cloned() else {
            continue;
        };
        // First on its way, then into the books: no verdict comes in before this turn of the loop is over.
        send(state, &live, supplies.clone());
        plain_references::supplied(state, number, &supplies);
        workload::supplied(state, number, &supplies);
        for supply in &supplies {
            state.model_changed(&supply.file);
        }
        state.status_changed = true;
    }
}

/// What a file supplies to the session that applies it; `None` when there is nothing to do.
pub(crate) fn prepare(
    state: &mut State,
    name: &Arc<str>,
    parsed: &Arc<Parsed>,
    read_at: Instant,
    force: Option<(ObjectKey, Force)>,
) -> Option<Prepared> {
    let path = state.files.get(name).and_then(|file| file.path.clone());
    let (session, _) = state
        .session_of(path.as_ref())
        .filter(|(_, session)| session.live().is_some())?;
    // A target that is built takes saves when its files are read.
    if let Some(session) = state.sessions.get_mut(&session)
        && session.kind != TargetKind::Folder
        && session.building.is_none()
    {
        session.early.insert(Arc::clone(name), Arc::clone(parsed));
        return None;
    }
    let objects: Arc<[Supplied]> = parsed.supplied().into();
    let file = state.files.get_mut(name)?;
    // A file that never had an object, such as a values file, is none of the session's business.
    if objects.is_empty() && file.objects.is_empty() && file.generation == 0 {
        return None;
    }
    state.generation += 1;
    let generation = state.generation;
    file.generation = generation;
    file.saved = Some(Arc::clone(parsed));
    state.pending.insert(Arc::clone(name));
    file.gone = false;
    file.left_out = identities::left_out(parsed, &objects);
    identities::supplied(&mut state.owners, name, file, &objects);
    let supply = Supply {
        file: Arc::clone(name),
        generation,
        complete: parsed.is_complete(),
        objects,
        read_at,
        apply: state.settings.session.apply_on_save,
        changed_only: false,
        force,
    };
    Some(Prepared { session, supply })
}

/// A file of a session's target is gone: what it had put on the sandbox goes too. `None` when it had put nothing there.
pub(crate) fn prepare_gone(state: &mut State, path: &Utf8Path) -> Option<Prepared> {
    let name: Arc<str> = Arc::from(path.as_str());
    let (session, _) = state
        .session_of(Some(&path.to_owned()))
        .filter(|(_, session)| session.live().is_some())?;
    let file = state.files.get_mut(&name).filter(|file| file.generation > 0)?;
    state.generation += 1;
    file.generation = state.generation;
    file.saved_hash = None;
    file.gone = true;
    file.objects.clear();
    identities::supplied(&mut state.owners, &name, file, &[]);
    let supply = Supply {
        file: Arc::clone(&name),
        generation: state.generation,
        complete: true,
        objects: Arc::default(),
        read_at: Instant::now(),
        apply: true,
        changed_only: false,
        force: None,
    };
    state.ledger.set(&name, Source::Apply, state.generation, Vec::new());
    Some(Prepared { session, supply })
}

/// A file cannot be read: that is said on the file itself.
pub(crate) fn report_unreadable(state: &mut State, path: &Utf8Path, reason: &str) {
    let Some((name, file)) = state.files.at_path(path) else {
        return;
    };
    if file.version.is_some() {
        return;
    }
    let slug = if reason.contains("UTF-8") {
        "not-utf8"
    } else if reason.contains("MiB") {
        "file-too-large"
    } else {
        "unreadable"
    };
    let finding = Finding {
        code: Code {
            source: Source::Syntax,
            slug,
        },
        severity: if slug == "not-utf8" {
            Severity::Error
        } else {
            Severity::Information
        },
        span: Span::new(0, 0),
        message: format!("this file is left alone: {reason}"),
        detail: None,
        related: Vec::new(),
        fixes: Vec::new(),
        object: None,
    };
    state.ledger.set(&name, Source::Syntax, 0, vec![finding]);
}

/// A verdict about a file arrived, or about all that was built of many.
pub(crate) fn on_verdict(state: &mut State, number: u64, verdict: FileVerdict) {
    let Some(session) = state.sessions.get(&number) else {
        return;
    };
    if session.building.is_some() {
        built::on_verdict(state, number, verdict);
    } else {
        on_file_verdict(state, number, &verdict);
    }
}

fn on_file_verdict(state: &mut State, number: u64, verdict: &FileVerdict) {
    let name = &verdict.file;
    // The newest save wins: what is said of an older one is about a text that nobody has any more.
    if state
        .files
        .get(name)
        .is_none_or(|file| file.generation != verdict.generation)
    {
        return;
    }
    if state.unparsed.contains(name) {
        state.text_changed(name);
    }
    let applying = state.settings.session.apply_on_save;
    let last = verdict.phase == VerdictPhase::Apply;
    let definitions: Vec<Option<String>> = verdict
        .objects
        .iter()
        .map(|object| definition_of(state, object))
        .collect();
    let Some(file) = state.files.get_mut(name) else { return };
    if let Some(saved) = file.saved.clone().or_else(|| file.parsed.clone()) {
        file.objects = report::judged(&saved, &verdict.objects, applying && !last);
        for (judged, definition) in file.objects.iter_mut().zip(definitions) {
            say_who_brings_it(judged, definition);
        }
        let closed = file.version.is_none();
        if closed && file.parsed.is_none() {
            file.parsed = Some(saved);
        }
        let now = file.parsed.clone();
        let placed = now.map(|now| report::place_all(name, file, &now)).unwrap_or_default();
        if last {
            // Kept while it may be judged again: when a namespace or a kind that it waits for comes.
            let settled = verdict.objects.iter().all(|object| is_settled(&object.outcome));
            state.pending.remove(name);
            if settled {
                file.saved = None;
            }
            let of_others = [Source::Syntax, Source::Runtime];
            let is_silent = of_others.iter().all(|source| state.ledger.of(name, *source).is_empty());
            if closed && settled && placed.is_empty() && is_silent {
                file.parsed = None;
            }
        }
        state.ledger.set(name, Source::Apply, verdict.generation, placed);
    }
    let silent = verdict.objects.iter().find_map(|object| match &object.outcome {
        Outcome::Unreachable { reason } => Some(reason.clone()),
        _ => None,
    });
    note_reachability(state, number, silent.clone(), !verdict.objects.is_empty());
    for (object, reason) in &verdict.prune_failures {
        let file = state.shown(name);
        let message = format!("{object} is no longer in {file}, but could not be deleted from the sandbox: {reason}");
        state.client.notify::<ShowMessage>(ShowMessageParams {
            typ: MessageType::WARNING,
            message,
        });
    }
    let ok = verdict.prune_failures.is_empty()
        && verdict.objects.iter().all(|object| match &object.outcome {
            Outcome::Applied { .. } => true,
            Outcome::Accepted => !last,
            Outcome::Rejected | Outcome::Unreachable { .. } => false,
        });
    plain_references::judged(state, number);
    workload::judged_anew(state, number, name);
    let saved = [(Arc::clone(name), verdict.generation)];
    let phase = if last { "apply" } else { "dry-run" };
    let word = Word {
        unreachable: silent,
        ..ok.into()
    };
    send_verdicts(state, &saved, phase, &word, verdict.elapsed);
    if last {
        workload::applied(state, number, verdict);
        workload::moved(state, number);
    }
    if last && state.files.get(name).is_some_and(|file| file.gone) {
        state.ledger.remove(name);
        state.files.remove(name);
    }
    state.lenses_changed = true;
    state.status_changed = true;
}

fn is_settled(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Applied { .. } | Outcome::Accepted)
}

/// Where the kind is not served, the CRD that would bring it may stand in the workspace, itself in need of mending.
fn definition_of(state: &State, object: &ObjectVerdict) -> Option<String> {
    let file = state.owners.definition_of(&object.manifest.key.gvk)?;
    Some(state.shown(file))
}

fn say_who_brings_it(judged: &mut Judged, definition: Option<String>) {
    let Some(definition) = definition else { return };
    for placed in judged
        .answers
        .iter_mut()
        .filter(|placed| placed.answer.slug == KIND_NOT_SERVED)
    {
        let message = &mut placed.answer.message;
        *message = format!("{message}: its CRD in {definition} is not on the cluster");
    }
}

/// A server that does not answer is said once, in the status, and taken back when it answers again.
pub(crate) fn note_reachability(state: &mut State, number: u64, silent: Option<String>, asked: bool) {
    let Some(session) = state.sessions.get_mut(&number) else {
        return;
    };
    match silent {
        Some(reason) if !session.unreachable => {
            session.unreachable = true;
            session.trouble.get_or_insert(format!(
                "the cluster does not answer ({reason}); what was saved is tried again"
            ));
        }
        None if session.unreachable && asked => {
            session.unreachable = false;
            session.trouble = None;
        }
        _ => {}
    }
}

/// Tells clients that wait for it the verdict on files, after what it says about them.
pub(crate) fn send_verdicts(
    state: &mut State,
    saved: &[(Arc<str>, u64)],
    phase: &'static str,
    word: &Word,
    elapsed: Duration,
) {
    let last = phase == "apply";
    let wanted = state.settings.verdicts || state.verdicts_asked;
    if !wanted || (last && !state.settings.session.apply_on_save) {
        return;
    }
    // Diagnostics are published before the verdict that a client waits for.
    publish::flush(state);
    for (name, generation) in saved {
        let Some(file) = state.files.get(name) else { continue };
        state.client.notify_own(&Verdict {
            uri: file.uri.clone(),
            generation: *generation,
            phase,
            word: word.clone(),
            ms: (elapsed.as_secs_f64() * 1_000_000.0).round() / 1000.0,
        });
    }
}
