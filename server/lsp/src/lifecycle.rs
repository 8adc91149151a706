//! The life of a session in the loop: start, saves, verdicts, trouble, end.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use gitops_model::{Code, Finding, ObjectKey, Severity, Source};
use gitops_session::sandbox::{Step, name_for};
use gitops_session::{FileVerdict, Force, Live, NotTaken, Phase as VerdictPhase, Stopped, Supply};
use gitops_text::Span;
use ls_types::notification::{Progress, ShowMessage};
use ls_types::request::{ShowMessageRequest, WorkDoneProgressCreate};
use ls_types::{
    MessageActionItem, MessageType, ProgressParams, ProgressParamsValue, ProgressToken, ShowMessageParams, ShowMessageRequestParams, WorkDoneProgress,
    WorkDoneProgressBegin, WorkDoneProgressCancelParams, WorkDoneProgressCreateParams, WorkDoneProgressEnd, WorkDoneProgressReport,
};
use lsp_server::RequestId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::client::{Failure, OwnNotification};
use crate::event::{Event, ReadFile, SessionEvent, Started, TaskDone};
use crate::files::{hash, path_of};
use crate::knowledge::SchemaKnowledge;
use crate::parsed::Parsed;
use crate::session::{self, Phase, Running, Session, StopRequest};
use crate::settings::SandboxKind;
use crate::state::{Asked, State};
use crate::{report, workspace};

/// Arguments of `gitops.session.start`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct StartArguments {
    /// URI of the workspace folder.
    root: Option<String>,
    /// The directory to apply, relative to the root.
    target: Option<String>,
    /// Where to apply.
    sandbox: Option<String>,
    /// Context of a real cluster; of no use for a local sandbox.
    context: Option<String>,
    /// Name of the session.
    name: Option<String>,
}

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

/// Starts a session. The request is answered when the session takes saves.
pub(crate) fn start(state: &mut State, request: RequestId, arguments: Value, token: Option<ProgressToken>) {
    let parsed: StartArguments = match serde_json::from_value(if arguments.is_null() { json!({}) } else { arguments.clone() }) {
        Ok(parsed) => parsed,
        Err(error) => return state.client.respond(request, Err(Failure::invalid(format!("gitops.session.start: {error}")))),
    };
    match parsed.sandbox.as_deref() {
        None | Some("local") => {}
        Some(other @ ("vcluster" | "cluster" | "dry-run")) => {
            return state.client.respond(request, Err(Failure::invalid(format!("this version has no {other} sandbox yet; use local"))));
        }
        Some(other) => return state.client.respond(request, Err(Failure::invalid(format!("there is no sandbox called {other}; use local")))),
    }
    if parsed.context.is_some() {
        return state.client.respond(request, Err(Failure::invalid("a local sandbox has a context of its own; leave context out")));
    }
    let SandboxKind::Local = state.settings.sandbox;
    let root = match root_of(state, &parsed) {
        Root::Found(root) => root,
        Root::Ask => return ask_for_folder(state, request, arguments),
        Root::Wrong(message) => return state.client.respond(request, Err(Failure::invalid(message))),
    };
    let relative = parsed.target.clone().unwrap_or_else(|| state.settings.target.clone());
    let target = normalized(&root.join(relative.trim_start_matches('/')));
    if !target.starts_with(&root) {
        return state.client.respond(request, Err(Failure::invalid(format!("the target {relative} is outside the workspace folder {root}"))));
    }
    if !target.is_dir() {
        return state.client.respond(request, Err(Failure::invalid(format!("the target {target} is no directory"))));
    }
    if let Some(running) = state.sessions.values_mut().find(|session| session.root == root) {
        let answer = match &mut running.phase {
            Phase::Running(_) if running.target == target => Ok(describe(running)),
            Phase::Running(_) => Err(Failure::failed(format!("the session {} runs on {}; stop it first", running.name, running.target))),
            Phase::Starting { .. } => Err(Failure::failed(format!("the session {} is starting already", running.name))),
            Phase::Stopping => Err(Failure::failed(format!("the session {} is still stopping", running.name))),
        };
        return state.client.respond(request, answer);
    }
    begin(state, request, root, target, parsed.name, token);
}

fn begin(state: &mut State, request: RequestId, root: Utf8PathBuf, target: Utf8PathBuf, name: Option<String>, token: Option<ProgressToken>) {
    state.last_session += 1;
    let number = state.last_session;
    let name = name.unwrap_or_else(|| name_for(&root));
    let progress = token.or_else(|| {
        state.abilities.progress.then(|| {
            let token = ProgressToken::String(format!("gitops-session-{number}"));
            let id = state.next_request(Asked::Nothing);
            state.client.request::<WorkDoneProgressCreate>(id, WorkDoneProgressCreateParams { token: token.clone() });
            token
        })
    });
    if let Some(token) = &progress {
        let begin = WorkDoneProgressBegin { title: "Starting the sandbox".to_owned(), cancellable: Some(true), message: None, percentage: Some(0) };
        report_progress(state, token, WorkDoneProgress::Begin(begin));
    }
    let (stop, stop_inbox) = mpsc::channel(4);
    let work = session::run(number, name.clone(), root.clone(), session::field_manager(&name), state.inbox.clone(), stop_inbox);
    let task = state.runtime.spawn(work).abort_handle();
    let session = Session {
        name,
        root,
        target,
        started: SystemTime::now(),
        phase: Phase::Starting { request: Some(request) },
        trouble: None,
        stop,
        task,
        progress_message: Some("starting the sandbox".to_owned()),
        progress,
        stopping: Vec::new(),
    };
    state.sessions.insert(number, session);
    state.status_changed = true;
    state.lenses_changed = true;
}

enum Root {
    Found(Utf8PathBuf),
    Ask,
    Wrong(String),
}

fn root_of(state: &State, arguments: &StartArguments) -> Root {
    if let Some(root) = &arguments.root {
        let Some(path) = root.parse().ok().as_ref().and_then(path_of) else { return Root::Wrong(format!("the root {root} is no file URI")) };
        let path = normalized(&path);
        let inside = state.folders.is_empty() || state.folders.iter().any(|folder| path.starts_with(folder));
        return if inside { Root::Found(path) } else { Root::Wrong(format!("the root {path} is in no workspace folder")) };
    }
    match state.folders.as_slice() {
        [only] => Root::Found(only.clone()),
        [] => Root::Wrong("no folder is open; open the folder with the manifests, or give its URI as root".to_owned()),
        _ => Root::Ask,
    }
}

fn ask_for_folder(state: &mut State, request: RequestId, arguments: Value) {
    let id = state.next_request(Asked::Folder { request, arguments });
    let actions = state.folders.iter().map(|folder| MessageActionItem { title: folder.to_string(), properties: std::collections::HashMap::default() }).collect();
    let message = "Which folder is the session for?".to_owned();
    state.client.request::<ShowMessageRequest>(id, ShowMessageRequestParams { typ: MessageType::INFO, message, actions: Some(actions) });
}

/// The user chose a folder, or none.
pub(crate) fn folder_chosen(state: &mut State, request: RequestId, mut arguments: Value, answer: &Value) {
    let chosen = answer.get("title").and_then(Value::as_str).map(Utf8PathBuf::from).filter(|path| state.folders.contains(path));
    let uri = chosen.and_then(|path| ls_types::Uri::from_file_path(path));
    let Some(uri) = uri else { return state.client.respond(request, Err(Failure::cancelled())) };
    if !arguments.is_object() {
        arguments = json!({});
    }
    if let Some(entries) = arguments.as_object_mut() {
        entries.insert("root".to_owned(), Value::String(uri.as_str().to_owned()));
    }
    start(state, request, arguments, None);
}

/// Stops a session. The request is answered when nothing of it is left.
pub(crate) fn stop(state: &mut State, request: RequestId, name: Option<&str>) {
    let found = match name {
        Some(name) => state.sessions.iter_mut().find(|(_, session)| session.name == name),
        None => state.sessions.iter_mut().next_back(),
    };
    let Some((_, session)) = found else {
        let message = name.map_or_else(|| "no session is active".to_owned(), |name| format!("there is no session called {name}"));
        return state.client.respond(request, Err(Failure::failed(message)));
    };
    session.stopping.push(request);
    if matches!(session.phase, Phase::Stopping) {
        return;
    }
    let live = session.live().cloned();
    if let Phase::Starting { request: Some(waiting) } = std::mem::replace(&mut session.phase, Phase::Stopping) {
        state.client.respond(waiting, Err(Failure::cancelled()));
    }
    // The channel holds as many as are ever sent; a task that is gone has told so already.
    let _ = session.stop.try_send(StopRequest { live, done: None });
    state.status_changed = true;
}

/// Ends all sessions and waits for that, for `limit` at most: the server is about to go.
pub(crate) fn end_all(state: &mut State, limit: std::time::Duration) {
    let deadline = Instant::now() + limit;
    let waiting: Vec<_> = state
        .sessions
        .values_mut()
        .filter_map(|session| {
            let (done, ended) = tokio::sync::oneshot::channel();
            let live = session.live().cloned();
            session.stop.try_send(StopRequest { live, done: Some(done) }).ok().map(|()| ended)
        })
        .collect();
    state.runtime.block_on(async {
        let all = futures::future::join_all(waiting);
        let _ = tokio::time::timeout_at(deadline.into(), all).await;
    });
    for session in state.sessions.values() {
        session.task.abort();
    }
    state.sessions.clear();
}

/// The client pressed cancel on a progress.
pub(crate) fn cancel_by_token(state: &mut State, params: &WorkDoneProgressCancelParams) {
    let number = state.sessions.iter().find(|(_, session)| session.progress.as_ref() == Some(&params.token)).map(|(number, _)| *number);
    cancel(state, number);
}

/// The client took a request back.
pub(crate) fn cancel_by_request(state: &mut State, params: ls_types::CancelParams) {
    let id = match params.id {
        ls_types::NumberOrString::Number(number) => RequestId::from(number),
        ls_types::NumberOrString::String(text) => RequestId::from(text),
    };
    let number = state
        .sessions
        .iter()
        .find(|(_, session)| matches!(&session.phase, Phase::Starting { request: Some(request) } if *request == id))
        .map(|(number, _)| *number);
    cancel(state, number);
}

fn cancel(state: &mut State, number: Option<u64>) {
    let Some(session) = number.and_then(|number| state.sessions.get_mut(&number)) else { return };
    if let Phase::Starting { request } = &mut session.phase {
        if let Some(request) = request.take() {
            state.client.respond(request, Err(Failure::cancelled()));
        }
        session.phase = Phase::Stopping;
        let _ = session.stop.try_send(StopRequest { live: None, done: None });
        state.status_changed = true;
    }
}

/// Something happened to a session.
pub(crate) fn on_session_event(state: &mut State, number: u64, event: SessionEvent) {
    if !state.sessions.contains_key(&number) {
        return;
    }
    match event {
        SessionEvent::Progress(step) => on_progress(state, number, step),
        SessionEvent::Started(started) => on_started(state, number, *started),
        SessionEvent::Failed(reason) => on_failed(state, number, &reason),
        SessionEvent::Verdict(verdict) => on_verdict(state, number, &verdict),
        SessionEvent::ComponentEnded { message } => trouble(state, number, Some(message), MessageType::WARNING),
        SessionEvent::Lost(message) => trouble(state, number, Some(message), MessageType::ERROR),
        SessionEvent::Recovered => {
            trouble(state, number, None, MessageType::INFO);
            if let Some(live) = state.sessions.get(&number).and_then(Session::live) {
                // A full queue holds saves that ask the server anyway.
                let _ = live.retry();
            }
        }
        SessionEvent::Stopped(stopped) => on_stopped(state, number, &stopped),
    }
}

fn on_progress(state: &mut State, number: u64, step: Step) {
    let Some(session) = state.sessions.get_mut(&number) else { return };
    session.progress_message = Some(step.to_string());
    let percentage = match step {
        Step::Credentials => 5,
        Step::Copy => 10,
        Step::ApiServer => 20,
        Step::Controllers => 50,
        Step::Node => 70,
        Step::Keep => 90,
    };
    if let Some(token) = session.progress.clone() {
        let report = WorkDoneProgressReport { cancellable: Some(true), message: Some(step.to_string()), percentage: Some(percentage) };
        report_progress(state, &token, WorkDoneProgress::Report(report));
    }
    state.status_changed = true;
}

fn on_started(state: &mut State, number: u64, started: Started) {
    let Some(session) = state.sessions.get_mut(&number) else { return };
    let Phase::Starting { request } = &mut session.phase else { return };
    let request = request.take();
    let knowledge = Arc::new(SchemaKnowledge::default());
    let _on_runtime = state.runtime.enter();
    let live = Live::start(started.cluster, knowledge, session::reporter(number, state.inbox.clone()));
    session.phase = Phase::Running(Box::new(Running { live, context: started.context, kubeconfig: started.kubeconfig }));
    session.progress_message = None;
    let message = format!("Kubernetes {}", started.kubernetes_version);
    let token = session.progress.take();
    let target = session.target.clone();
    let answer = describe(session);
    if let Some(token) = token {
        report_progress(state, &token, WorkDoneProgress::End(WorkDoneProgressEnd { message: Some(message) }));
    }
    if let Some(request) = request {
        state.client.respond(request, Ok(answer));
    }
    let inbox = state.inbox.clone();
    state.runtime.spawn_blocking(move || {
        let target = workspace::read_target(&target);
        let _ = inbox.send(Event::Task(TaskDone::TargetRead { number, files: target.files, unreadable: target.unreadable }));
    });
    state.status_changed = true;
    state.lenses_changed = true;
}

fn on_failed(state: &mut State, number: u64, reason: &str) {
    let Some(session) = state.sessions.remove(&number) else { return };
    if let Some(token) = &session.progress {
        report_progress(state, token, WorkDoneProgress::End(WorkDoneProgressEnd { message: Some("failed".to_owned()) }));
    }
    for request in session.stopping {
        state.client.respond(request, Ok(json!({ "deleted": 0, "restored": 0, "failed": [] })));
    }
    if let Phase::Starting { request: Some(request) } = session.phase {
        state.client.respond(request, Err(Failure::failed(format!("the sandbox did not start: {reason}"))));
    }
    state.status_changed = true;
    state.lenses_changed = true;
}

fn on_stopped(state: &mut State, number: u64, stopped: &Stopped) {
    let Some(session) = state.sessions.remove(&number) else { return };
    if let Some(token) = &session.progress {
        report_progress(state, token, WorkDoneProgress::End(WorkDoneProgressEnd { message: Some("stopped".to_owned()) }));
    }
    let failed: Vec<Value> = stopped.failed.iter().map(|(object, reason)| json!({ "object": object.to_string(), "reason": reason })).collect();
    for request in session.stopping {
        state.client.respond(request, Ok(json!({ "deleted": stopped.deleted, "restored": 0, "failed": failed })));
    }
    for name in state.files.under(&session.target) {
        let Some(file) = state.files.get_mut(&name) else { continue };
        file.objects.clear();
        file.saved = None;
        file.saved_hash = None;
        file.generation = 0;
        state.ledger.reset(&name, Source::Apply);
        if state.files.get(&name).is_some_and(|file| file.version.is_none()) {
            state.ledger.remove(&name);
            state.files.remove(&name);
        }
    }
    state.status_changed = true;
    state.lenses_changed = true;
}

fn trouble(state: &mut State, number: u64, message: Option<String>, kind: MessageType) {
    let Some(session) = state.sessions.get_mut(&number) else { return };
    session.trouble.clone_from(&message);
    if let Some(message) = message {
        state.client.notify::<ShowMessage>(ShowMessageParams { typ: kind, message });
    }
    state.status_changed = true;
}

/// The files of the target were read: all of them are one save.
pub(crate) fn on_target_read(state: &mut State, number: u64, files: Vec<ReadFile>, unreadable: Vec<(Utf8PathBuf, String)>) {
    let read_at = Instant::now();
    let Some(live) = state.sessions.get(&number).and_then(Session::live).cloned() else { return };
    let mut supplies = Vec::new();
    for ReadFile { path, parsed } in files {
        let Some((name, file)) = state.files.at_path(&path) else { continue };
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
        file.saved = Some((state.generation, Arc::clone(&parsed)));
        supplies.push(Supply { file: Arc::clone(&name), generation: state.generation, complete: parsed.is_complete(), objects: supplied, read_at, force: None });
        if closed {
            state.text_changed(&name);
        }
    }
    send(state, &live, supplies);
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
            state.client.notify::<ShowMessage>(ShowMessageParams { typ: MessageType::WARNING, message: reason.to_string() });
        }
        for name in names {
            if let Some(file) = state.files.get_mut(&name) {
                file.saved = None;
            }
        }
    }
}

/// A file was saved: it goes to the session that applies it.
pub(crate) fn supply(state: &mut State, name: &Arc<str>, parsed: &Arc<Parsed>, read_at: Instant, force: Option<(ObjectKey, Force)>) {
    let path = state.files.get(name).and_then(|file| file.path.clone());
    let Some(live) = state.session_of(path.as_ref()).and_then(|(_, session)| session.live()).cloned() else { return };
    let objects = parsed.supplied();
    state.generation += 1;
    let generation = state.generation;
    let Some(file) = state.files.get_mut(name) else { return };
    // A file that never had an object, such as a values file, is none of the session's business.
    if objects.is_empty() && file.objects.is_empty() && file.generation == 0 {
        return;
    }
    file.generation = generation;
    file.saved = Some((generation, Arc::clone(parsed)));
    let supply = Supply { file: Arc::clone(name), generation, complete: parsed.is_complete(), objects, read_at, force };
    send(state, &live, vec![supply]);
    state.status_changed = true;
}

/// A file of a session's target is gone: what it had put on the sandbox goes too.
pub(crate) fn file_gone(state: &mut State, path: &Utf8Path) {
    let name: Arc<str> = Arc::from(path.as_str());
    let Some(live) = state.session_of(Some(&path.to_owned())).and_then(|(_, session)| session.live()).cloned() else { return };
    let Some(file) = state.files.get_mut(&name) else { return };
    state.generation += 1;
    file.generation = state.generation;
    file.saved_hash = None;
    file.objects.clear();
    let supply = Supply { file: Arc::clone(&name), generation: state.generation, complete: true, objects: Vec::new(), read_at: Instant::now(), force: None };
    state.ledger.set(&name, Source::Apply, state.generation, Vec::new());
    send(state, &live, vec![supply]);
}

/// A file cannot be read: that is said on the file itself.
pub(crate) fn report_unreadable(state: &mut State, path: &Utf8Path, reason: &str) {
    let Some((name, file)) = state.files.at_path(path) else { return };
    if file.version.is_some() {
        return;
    }
    let slug = if reason.contains("UTF-8") { "not-utf8" } else if reason.contains("MiB") { "file-too-large" } else { "unreadable" };
    let finding = Finding {
        code: Code { source: Source::Syntax, slug },
        severity: if slug == "not-utf8" { Severity::Error } else { Severity::Information },
        span: Span::new(0, 0),
        message: format!("this file is left alone: {reason}"),
        detail: None,
        related: Vec::new(),
        fixes: Vec::new(),
        object: None,
    };
    state.ledger.set(&name, Source::Syntax, 0, vec![finding]);
}

fn on_verdict(state: &mut State, number: u64, verdict: &FileVerdict) {
    let Some(applying) = state.sessions.get(&number).map(|_| state.settings.session.apply_on_save) else { return };
    let name = &verdict.file;
    let Some(file) = state.files.get_mut(name) else { return };
    // The newest save wins: what is said of an older one is about a text that nobody has any more.
    if verdict.generation != file.generation {
        return;
    }
    let last = verdict.phase == VerdictPhase::Apply;
    if let Some(saved) = file.saved.as_ref().map(|(_, parsed)| Arc::clone(parsed)).or_else(|| file.parsed.clone()) {
        file.objects = report::judged(&saved, &verdict.objects, applying && !last);
        let closed = file.version.is_none();
        if closed && file.parsed.is_none() {
            file.parsed = Some(Arc::clone(&saved));
        }
        let placed = file.current().cloned().map(|now| report::place_all(file, &now)).unwrap_or_default();
        if last {
            // Kept while it may be judged again: when a namespace or a kind that it waits for comes.
            let settled = verdict.objects.iter().all(|object| matches!(object.outcome, gitops_session::Outcome::Applied { .. } | gitops_session::Outcome::Accepted));
            file.saved = None;
            if closed && settled && placed.is_empty() && state.ledger.of(name, Source::Syntax).is_empty() {
                file.parsed = None;
            }
        }
        state.ledger.set(name, Source::Apply, verdict.generation, placed);
    }
    let uri = file.uri.clone();
    let gone = verdict.objects.is_empty() && last && file.version.is_none() && file.path.as_ref().is_some_and(|path| !path.exists());
    for (object, reason) in &verdict.prune_failures {
        let message = format!("{object} is no longer in {name}, but could not be deleted from the sandbox: {reason}");
        state.client.notify::<ShowMessage>(ShowMessageParams { typ: MessageType::WARNING, message });
    }
    if state.settings.verdicts || state.verdicts_asked {
        let ok = verdict.objects.iter().all(|object| match verdict.phase {
            VerdictPhase::DryRun => object.judgement.accepted() && !matches!(object.outcome, gitops_session::Outcome::Unreachable { .. }),
            VerdictPhase::Apply => matches!(object.outcome, gitops_session::Outcome::Applied { .. }),
        });
        // Diagnostics are published before the verdict that a client waits for.
        crate::publish::flush(state);
        let phase = if last { "apply" } else { "dry-run" };
        let ms = (verdict.elapsed.as_secs_f64() * 1_000_000.0).round() / 1000.0;
        state.client.notify_own(&Verdict { uri, generation: verdict.generation, phase, ok, ms });
    }
    if gone {
        state.ledger.remove(name);
        state.files.remove(name);
    }
    state.lenses_changed = true;
    state.status_changed = true;
}

fn report_progress(state: &State, token: &ProgressToken, progress: WorkDoneProgress) {
    state.client.notify::<Progress>(ProgressParams { token: token.clone(), value: ProgressParamsValue::WorkDone(progress) });
}

/// The result of `gitops.session.start`.
pub(crate) fn describe(session: &Session) -> Value {
    let relative = session.target.strip_prefix(&session.root).map_or("", Utf8Path::as_str);
    let (context, kubeconfig) = match &session.phase {
        Phase::Running(running) => (running.context.as_str(), Some(running.kubeconfig.as_str())),
        Phase::Starting { .. } | Phase::Stopping => ("", None),
    };
    json!({ "name": session.name, "sandbox": "local", "context": context, "target": relative, "mode": "run", "kubeconfig": kubeconfig })
}

/// `.` and `..` taken out, without asking the disk.
fn normalized(path: &Utf8Path) -> Utf8PathBuf {
    let mut clean = Utf8PathBuf::new();
    for component in path.components() {
        match component {
            camino::Utf8Component::CurDir => {}
            camino::Utf8Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}
