//! What goes into a session: saves, deleted files, the whole target; and the verdicts that come out.

use std::sync::Arc;
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_cluster::answer::codes::KIND_NOT_SERVED;
use gitops_model::{Code, Finding, ObjectKey, Severity, Source};
use gitops_session::{FileVerdict, Force, Live, NotTaken, Outcome, Phase as VerdictPhase, Supply};
use gitops_text::Span;
use ls_types::notification::ShowMessage;
use ls_types::{MessageType, ShowMessageParams};
use serde::Serialize;

use crate::client::OwnNotification;
use crate::event::ReadFile;
use crate::files::hash;
use crate::parsed::Parsed;
use crate::session::Session;
use crate::state::State;
use crate::{identities, publish, report};

/// `gitops/verdict`.
#[derive(Serialize)]
struct Verdict {
    uri: ls_types::Uri,
    generation: u64,
    phase: &'static str,
    ok: bool,
    ms: f64,
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
        let supplied = parsed.supplied();
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
        file.pending = true;
        identities::supplied(&mut state.owners, &name, file, &supplied);
        supplies.push(Supply {
            file: Arc::clone(&name),
            generation: state.generation,
            complete: parsed.is_complete(),
            objects: supplied,
            read_at,
            apply,
            force: None,
        });
        if closed {
            state.text_changed(&name);
        }
    }
    let names: Vec<Arc<str>> = supplies.iter().map(|supply| Arc::clone(&supply.file)).collect();
    send(state, &live, supplies);
    for name in names {
        state.model_changed(&name);
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
            state.client.notify::<ShowMessage>(ShowMessageParams {
                typ: MessageType::WARNING,
                message: reason.to_string(),
            });
        }
        for name in names {
            if let Some(file) = state.files.get_mut(&name) {
                file.pending = false;
            }
        }
    }
}

/// A file was saved: it goes to the session that applies it.
pub(crate) fn supply(
    state: &mut State,
    name: &Arc<str>,
    parsed: &Arc<Parsed>,
    read_at: Instant,
    force: Option<(ObjectKey, Force)>,
) {
    let path = state.files.get(name).and_then(|file| file.path.clone());
    let Some(live) = state
        .session_of(path.as_ref())
        .and_then(|(_, session)| session.live())
        .cloned()
    else {
        return;
    };
    let objects = parsed.supplied();
    state.generation += 1;
    let generation = state.generation;
    let Some(file) = state.files.get_mut(name) else { return };
    // A file that never had an object, such as a values file, is none of the session's business.
    if objects.is_empty() && file.objects.is_empty() && file.generation == 0 {
        return;
    }
    file.generation = generation;
    file.saved = Some(Arc::clone(parsed));
    file.pending = true;
    identities::supplied(&mut state.owners, name, file, &objects);
    let supply = Supply {
        file: Arc::clone(name),
        generation,
        complete: parsed.is_complete(),
        objects,
        read_at,
        apply: state.settings.session.apply_on_save,
        force,
    };
    send(state, &live, vec![supply]);
    state.model_changed(name);
    state.status_changed = true;
}

/// A file of a session's target is gone: what it had put on the sandbox goes too.
pub(crate) fn file_gone(state: &mut State, path: &Utf8Path) {
    let name: Arc<str> = Arc::from(path.as_str());
    let Some(live) = state
        .session_of(Some(&path.to_owned()))
        .and_then(|(_, session)| session.live())
        .cloned()
    else {
        return;
    };
    let Some(file) = state.files.get_mut(&name) else { return };
    state.generation += 1;
    file.generation = state.generation;
    file.saved_hash = None;
    file.objects.clear();
    identities::supplied(&mut state.owners, &name, file, &[]);
    let supply = Supply {
        file: Arc::clone(&name),
        generation: state.generation,
        complete: true,
        objects: Vec::new(),
        read_at: Instant::now(),
        apply: true,
        force: None,
    };
    state.ledger.set(&name, Source::Apply, state.generation, Vec::new());
    send(state, &live, vec![supply]);
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

/// A verdict about a file arrived.
pub(crate) fn on_verdict(state: &mut State, number: u64, verdict: &FileVerdict) {
    let Some(applying) = state
        .sessions
        .get(&number)
        .map(|_| state.settings.session.apply_on_save)
    else {
        return;
    };
    let name = &verdict.file;
    // Where the kind is not served, the CRD that would bring it may stand in the workspace, itself in need of mending.
    let definitions: Vec<Option<String>> = verdict
        .objects
        .iter()
        .map(|object| {
            state
                .owners
                .definition_of(&object.manifest.key.gvk)
                .map(|file| state.shown(file))
        })
        .collect();
    let Some(file) = state.files.get_mut(name) else { return };
    // The newest save wins: what is said of an older one is about a text that nobody has any more.
    if verdict.generation != file.generation {
        return;
    }
    let last = verdict.phase == VerdictPhase::Apply;
    if let Some(saved) = file.saved.clone().or_else(|| file.parsed.clone()) {
        file.objects = report::judged(&saved, &verdict.objects, applying && !last);
        for (judged, definition) in file.objects.iter_mut().zip(&definitions) {
            let Some(definition) = definition else { continue };
            for placed in judged
                .answers
                .iter_mut()
                .filter(|placed| placed.answer.slug == KIND_NOT_SERVED)
            {
                placed.answer.message = format!(
                    "{}: its CRD in {definition} is not on the cluster",
                    placed.answer.message
                );
            }
        }
        let closed = file.version.is_none();
        if closed && file.parsed.is_none() {
            file.parsed = Some(Arc::clone(&saved));
        }
        let placed = file
            .current()
            .cloned()
            .map(|now| report::place_all(name, file, &now))
            .unwrap_or_default();
        if last {
            // Kept while it may be judged again: when a namespace or a kind that it waits for comes.
            let settled = verdict
                .objects
                .iter()
                .all(|object| matches!(object.outcome, Outcome::Applied { .. } | Outcome::Accepted));
            file.pending = false;
            if settled {
                file.saved = None;
            }
            if closed && settled && placed.is_empty() && state.ledger.of(name, Source::Syntax).is_empty() {
                file.parsed = None;
            }
        }
        state.ledger.set(name, Source::Apply, verdict.generation, placed);
    }
    let uri = file.uri.clone();
    let gone = verdict.objects.is_empty()
        && last
        && file.version.is_none()
        && file.path.as_ref().is_some_and(|path| !path.exists());
    for (object, reason) in &verdict.prune_failures {
        let message = format!("{object} is no longer in {name}, but could not be deleted from the sandbox: {reason}");
        state.client.notify::<ShowMessage>(ShowMessageParams {
            typ: MessageType::WARNING,
            message,
        });
    }
    if (state.settings.verdicts || state.verdicts_asked) && (applying || !last) {
        let ok = verdict.objects.iter().all(|object| match verdict.phase {
            VerdictPhase::DryRun => {
                object.judgement.accepted() && !matches!(object.outcome, Outcome::Unreachable { .. })
            }
            VerdictPhase::Apply => matches!(object.outcome, Outcome::Applied { .. }),
        });
        // Diagnostics are published before the verdict that a client waits for.
        publish::flush(state);
        let phase = if last { "apply" } else { "dry-run" };
        let ms = (verdict.elapsed.as_secs_f64() * 1_000_000.0).round() / 1000.0;
        state.client.notify_own(&Verdict {
            uri,
            generation: verdict.generation,
            phase,
            ok,
            ms,
        });
    }
    if gone {
        state.ledger.remove(name);
        state.files.remove(name);
    }
    state.lenses_changed = true;
    state.status_changed = true;
}
