//! The life of a session in the loop: what happens to it from its start to its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gitops_model::Source;
use gitops_session::sandbox::Step;
use gitops_session::{Live, Stopped};
use ls_types::notification::{Progress, ShowMessage};
use ls_types::{
    MessageType, ProgressParams, ProgressParamsValue, ProgressToken, ShowMessageParams, WorkDoneProgress,
    WorkDoneProgressEnd, WorkDoneProgressReport,
};
use lsp_server::RequestId;
use serde_json::{Value, json};

use crate::client::Failure;
use crate::event::{Event, SessionEvent, Started, TaskDone};
use crate::knowledge::SchemaKnowledge;
use crate::session::{self, Phase, Running, Session, StopRequest};
use crate::state::State;
use crate::target::TargetKind;
use crate::workload::{self, Workload};
use crate::{built, identities, saves, workspace};

/// The field manager with which Flux applies what it builds; it takes over what others have.
const FLUX_MANAGER: &str = "kustomize-controller";

/// Stops a session. The request is answered when nothing of it is left.
pub(crate) fn stop(state: &mut State, request: RequestId, name: Option<&str>) {
    let found = match name {
        Some(name) => state.sessions.iter_mut().find(|(_, session)| session.name == name),
        None => state.sessions.iter_mut().next_back(),
    };
    let Some((_, session)) = found else {
        let message = name.map_or_else(
            || "no session is active".to_owned(),
            |name| format!("there is no session called {name}"),
        );
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
pub(crate) fn end_all(state: &mut State, limit: Duration) {
    let deadline = Instant::now() + limit;
    let waiting: Vec<_> = state
        .sessions
        .values_mut()
        .filter_map(|session| {
            let (done, ended) = tokio::sync::oneshot::channel();
            let live = session.live().cloned();
            session
                .stop
                .try_send(StopRequest { live, done: Some(done) })
                .ok()
                .map(|()| ended)
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

/// Something happened to a session.
pub(crate) fn on_session_event(state: &mut State, number: u64, event: SessionEvent) {
    if !state.sessions.contains_key(&number) {
        return;
    }
    match event {
        SessionEvent::Progress(step) => on_progress(state, number, step),
        SessionEvent::Started(started) => on_started(state, number, *started),
        SessionEvent::Failed(reason) => on_failed(state, number, &reason),
        SessionEvent::Verdict(verdict) => saves::on_verdict(state, number, verdict),
        SessionEvent::ComponentEnded { message } => trouble(state, number, Some(message), MessageType::WARNING),
        SessionEvent::Lost(message) => trouble(state, number, Some(message), MessageType::ERROR),
        SessionEvent::Recovered => {
            trouble(state, number, None, MessageType::INFO);
            if let Some(live) = state.sessions.get(&number).and_then(Session::live) {
                // A full queue holds saves that ask the server anyway.
                let _ = live.retry();
            }
        }
        SessionEvent::Flux(event) => built::fluxing::on_event(state, number, event),
        SessionEvent::Workload(event) => workload::on_event(state, number, event),
        SessionEvent::Stopped(stopped) => on_stopped(state, number, &stopped),
    }
}

fn on_progress(state: &mut State, number: u64, step: Step) {
    let Some(session) = state.sessions.get_mut(&number) else {
        return;
    };
    session.progress_message = Some(step.to_string());
    let percentage = match step {
        Step::Credentials => 5,
        Step::Copy => 10,
        Step::ApiServer => 20,
        Step::Controllers => 50,
        Step::Node => 70,
        Step::Keep => 80,
        Step::Flux => 90,
    };
    if let Some(token) = session.progress.clone() {
        let report = WorkDoneProgressReport {
            cancellable: Some(true),
            message: Some(step.to_string()),
            percentage: Some(percentage),
        };
        report_progress(state, &token, WorkDoneProgress::Report(report));
    }
    state.status_changed = true;
}

fn on_started(state: &mut State, number: u64, started: Started) {
    let Some(session) = state.sessions.get_mut(&number) else {
        return;
    };
    let Phase::Starting { request } = &mut session.phase else {
        return;
    };
    let request = request.take();
    let kind = started.kind;
    session.kind = kind;
    let knowledge = Arc::new(SchemaKnowledge::default());
    let _on_runtime = state.runtime.enter();
    let cluster = started.cluster;
    let judging = match kind {
        TargetKind::Flux => cluster.judging_as(FLUX_MANAGER),
        TargetKind::Kustomization | TargetKind::Chart | TargetKind::Folder => cluster.clone(),
    };
    session.workload = Some(Workload::start(
        number,
        cluster.clone(),
        state.settings.images.ask_registries,
        state.inbox.clone(),
        &state.runtime,
    ));
    let live = Live::start(judging, knowledge, session::reporter(number, state.inbox.clone()));
    session.phase = Phase::Running(Box::new(Running {
        live,
        cluster,
        context: started.context,
        kubeconfig: started.kubeconfig,
    }));
    session.progress_message = None;
    let message = format!("Kubernetes {}", started.kubernetes_version);
    let token = session.progress.take();
    let answer = describe(session);
    if let Some(token) = token {
        report_progress(
            state,
            &token,
            WorkDoneProgress::End(WorkDoneProgressEnd { message: Some(message) }),
        );
    }
    if let Some(request) = request {
        state.client.respond(request, Ok(answer));
    }
    read_target(state, number);
    state.status_changed = true;
    state.lenses_changed = true;
}

/// Reads what the session applies, off the loop.
fn read_target(state: &State, number: u64) {
    let Some(session) = state.sessions.get(&number) else {
        return;
    };
    let (root, target, kind) = (session.root.clone(), session.target.clone(), session.kind);
    let inbox = state.inbox.clone();
    state.runtime.spawn_blocking(move || {
        let began = Instant::now();
        if kind != TargetKind::Folder {
            let (tree, left_out) = built::read_tree(&root);
            tracing::info!(milliseconds = began.elapsed().as_secs_f64() * 1000.0, "tree read");
            let _ = inbox.send(Event::Task(TaskDone::TreeRead { number, tree, left_out }));
            return;
        }
        let target = workspace::read_target(&target);
        let _ = inbox.send(Event::Task(TaskDone::TargetRead {
            number,
            began,
            files: target.files,
            unreadable: target.unreadable,
        }));
    });
}

/// The tree of a target that is built was read: its worker starts, and all of it is the first save.
pub(crate) fn on_tree_read(state: &mut State, number: u64, tree: built::Tree, left_out: &[String]) {
    let running = state
        .sessions
        .get(&number)
        .is_some_and(|session| session.live().is_some());
    if !running {
        return;
    }
    match state.renderer() {
        Ok(renderer) => built::begin(state, number, tree, renderer),
        Err(reason) => trouble(state, number, Some(reason), MessageType::ERROR),
    }
    if let Some(first) = left_out.first() {
        let message = match left_out.len() {
            1 => format!("{first} is too large to be part of a build and is left out"),
            count => format!(
                "{first} and {} more files are too much for a build and are left out",
                count - 1
            ),
        };
        state.client.notify::<ShowMessage>(ShowMessageParams {
            typ: MessageType::WARNING,
            message,
        });
    }
}

/// A session is over: it is known no more, and its progress ends with a word.
fn ended(state: &mut State, number: u64, how: &str) -> Option<Session> {
    state.plain.remove(&number);
    let session = state.sessions.remove(&number)?;
    if let Some(token) = &session.progress {
        let end = WorkDoneProgressEnd {
            message: Some(how.to_owned()),
        };
        report_progress(state, token, WorkDoneProgress::End(end));
    }
    Some(session)
}

fn on_failed(state: &mut State, number: u64, reason: &str) {
    let Some(session) = ended(state, number, "failed") else {
        return;
    };
    for request in session.stopping {
        state
            .client
            .respond(request, Ok(json!({ "deleted": 0, "restored": 0, "failed": [] })));
    }
    if let Phase::Starting { request: Some(request) } = session.phase {
        state.client.respond(
            request,
            Err(Failure::failed(format!("the sandbox did not start: {reason}"))),
        );
    }
    state.status_changed = true;
    state.lenses_changed = true;
}

fn on_stopped(state: &mut State, number: u64, stopped: &Stopped) {
    let Some(session) = ended(state, number, "stopped") else {
        return;
    };
    let scope = session.scope().to_owned();
    let failed: Vec<Value> = stopped
        .failed
        .iter()
        .map(|(object, reason)| json!({ "object": object.to_string(), "reason": reason }))
        .collect();
    for request in session.stopping {
        state.client.respond(
            request,
            Ok(json!({ "deleted": stopped.deleted, "restored": stopped.restored, "failed": failed })),
        );
    }
    for name in state.files.under(&scope) {
        let Some(file) = state.files.get_mut(&name) else {
            continue;
        };
        file.objects.clear();
        file.saved = None;
        state.pending.remove(&name);
        identities::supplied(&mut state.owners, &name, file, &[]);
        file.saved_hash = None;
        file.generation = 0;
        for source in [Source::Apply, Source::Render, Source::Flux, Source::Runtime] {
            state.ledger.reset(&name, source);
        }
        state.model_changed(&name);
        if state.files.get(&name).is_some_and(|file| file.version.is_none()) {
            state.ledger.remove(&name);
            state.files.remove(&name);
        }
    }
    state.status_changed = true;
    state.lenses_changed = true;
}

/// Says why what is saved does not reach Flux; `None` when it does again.
pub(crate) fn report_source_trouble(state: &mut State, number: u64, message: Option<String>) {
    let Some(session) = state.sessions.get_mut(&number) else {
        return;
    };
    session.source_trouble.clone_from(&message);
    if let Some(message) = message {
        let typ = MessageType::ERROR;
        state.client.notify::<ShowMessage>(ShowMessageParams { typ, message });
    }
    state.status_changed = true;
}

fn trouble(state: &mut State, number: u64, message: Option<String>, kind: MessageType) {
    let Some(session) = state.sessions.get_mut(&number) else {
        return;
    };
    session.trouble.clone_from(&message);
    session.unreachable &= message.is_some();
    if let Some(message) = message {
        state
            .client
            .notify::<ShowMessage>(ShowMessageParams { typ: kind, message });
    }
    state.status_changed = true;
}

/// Shows how far something is.
pub(crate) fn report_progress(state: &State, token: &ProgressToken, progress: WorkDoneProgress) {
    state.client.notify::<Progress>(ProgressParams {
        token: token.clone(),
        value: ProgressParamsValue::WorkDone(progress),
    });
}

/// The result of `gitops.session.start`.
pub(crate) fn describe(session: &Session) -> Value {
    let relative = session.relative_target();
    let (context, kubeconfig) = match &session.phase {
        Phase::Running(running) => (running.context.as_str(), Some(running.kubeconfig.as_str())),
        Phase::Starting { .. } | Phase::Stopping => ("", None),
    };
    let mut described = json!({ "name": session.name, "sandbox": "local", "context": context, "target": relative, "mode": "run", "kubeconfig": kubeconfig });
    if !session.values_files.is_empty()
        && let Some(entries) = described.as_object_mut()
    {
        entries.insert("valuesFiles".to_owned(), json!(session.values_files));
    }
    described
}
