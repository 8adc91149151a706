//! The start of a session: what it is for, how it is shown, how it is called off.

use camino::{Utf8Path, Utf8PathBuf};
use gitops_session::sandbox::{StateDirectory, name_for};
use ls_types::request::{ShowMessageRequest, WorkDoneProgressCreate};
use ls_types::{
    MessageActionItem, MessageType, ProgressToken, ShowMessageRequestParams, WorkDoneProgress, WorkDoneProgressBegin,
    WorkDoneProgressCancelParams, WorkDoneProgressCreateParams,
};
use lsp_server::RequestId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::SystemTime;
use tokio::sync::mpsc;

use crate::client::Failure;
use crate::event::{Event, TaskDone};
use crate::files::path_of;
use crate::lifecycle::{describe, report_progress};
use crate::session::{self, Phase, Session, StopRequest};
use crate::settings::SandboxKind;
use crate::state::{Asked, State};
use crate::target::{self, Candidate, Named, TargetKind};

/// How many targets are offered in one question.
const MAX_OFFERED: usize = 20;

/// Arguments of `gitops.session.start`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct StartArguments {
    /// URI of the workspace folder.
    root: Option<String>,
    /// The directory to apply, relative to the root, or a values file in a chart.
    target: Option<String>,
    /// The values files of a chart, relative to the root, the strongest last.
    values_files: Option<Vec<String>>,
    /// Where to apply.
    sandbox: Option<String>,
    /// Context of a real cluster; of no use for a local sandbox.
    context: Option<String>,
    /// Name of the session.
    name: Option<String>,
}

/// Starts a session. The request is answered when the session takes saves.
pub(crate) fn start(state: &mut State, request: RequestId, arguments: Value, token: Option<ProgressToken>) {
    start_on(state, request, arguments, token, true);
}

/// The same; a target that somebody chose is remembered, one that was the only one is looked for again.
fn start_on(state: &mut State, request: RequestId, arguments: Value, token: Option<ProgressToken>, is_chosen: bool) {
    let parsed: StartArguments = match serde_json::from_value(if arguments.is_null() {
        json!({})
    } else {
        arguments.clone()
    }) {
        Ok(parsed) => parsed,
        Err(error) => {
            return state
                .client
                .respond(request, Err(Failure::invalid(format!("gitops.session.start: {error}"))));
        }
    };
    match parsed.sandbox.as_deref() {
        None | Some("local") => {}
        Some(other @ ("vcluster" | "cluster" | "dry-run")) => {
            return state.client.respond(
                request,
                Err(Failure::invalid(format!(
                    "this version has no {other} sandbox yet; use local"
                ))),
            );
        }
        Some(other) => {
            return state.client.respond(
                request,
                Err(Failure::invalid(format!(
                    "there is no sandbox called {other}; use local"
                ))),
            );
        }
    }
    if parsed.context.is_some() {
        return state.client.respond(
            request,
            Err(Failure::invalid(
                "a local sandbox has a context of its own; leave context out",
            )),
        );
    }
    let SandboxKind::Local = state.settings.sandbox;
    let root = match root_of(state, &parsed) {
        Root::Found(root) => root,
        Root::Ask => return ask_for_folder(state, request, arguments),
        Root::Wrong(message) => return state.client.respond(request, Err(Failure::invalid(message))),
    };
    let set = Some(state.settings.target.clone()).filter(|target| !target.is_empty());
    let running = state.sessions.values().find(|session| session.root == root);
    let Some(relative) = parsed
        .target
        .clone()
        .or(set)
        .or_else(|| running.map(Session::named_target))
    else {
        return look_for_targets(state, request, arguments, root, token);
    };
    let target = normalized(&root.join(relative.trim_start_matches('/')));
    if !target.starts_with(&root) {
        return state.client.respond(
            request,
            Err(Failure::invalid(format!(
                "the target {relative} is outside the workspace folder {root}"
            ))),
        );
    }
    let named = Named::read(&root, &target).and_then(|named| {
        let files = parsed
            .values_files
            .as_ref()
            .unwrap_or(&state.settings.chart.values_files);
        Ok((named.values_files(&root, files)?, named.directory))
    });
    let (values_files, target) = match named {
        Ok(named) => named,
        Err(message) => return state.client.respond(request, Err(Failure::invalid(message))),
    };
    if let Some(running) = state.sessions.values_mut().find(|session| session.root == root) {
        let answer = match &mut running.phase {
            Phase::Running(_) if running.target == target && running.values_files == values_files => {
                Ok(describe(running))
            }
            Phase::Running(_) => Err(Failure::failed(format!(
                "the session {} runs on {}; stop it first",
                running.name, running.target
            ))),
            Phase::Starting { .. } => Err(Failure::failed(format!(
                "the session {} is starting already",
                running.name
            ))),
            Phase::Stopping => Err(Failure::failed(format!(
                "the session {} is still stopping",
                running.name
            ))),
        };
        return state.client.respond(request, answer);
    }
    if let Some(chosen) = parsed.target.as_ref().filter(|_| is_chosen) {
        remember(state, &root, chosen);
    }
    begin(state, request, root, (target, values_files), parsed.name, token);
}

/// Nobody said what is to be applied: what the folder offers is looked for off the loop.
fn look_for_targets(
    state: &mut State,
    request: RequestId,
    arguments: Value,
    root: Utf8PathBuf,
    token: Option<ProgressToken>,
) {
    state.looking.insert(request.clone());
    let inbox = state.inbox.clone();
    state.runtime.spawn_blocking(move || {
        let candidates = match remembered_target(&root) {
            Some(remembered) => vec![remembered],
            None => target::candidates(&root),
        };
        let _ = inbox.send(Event::Task(TaskDone::TargetsFound {
            request,
            arguments,
            token,
            candidates,
        }));
    });
}

/// What was chosen for a folder the last time, if it is still there.
fn remembered_target(root: &Utf8Path) -> Option<Candidate> {
    let state = StateDirectory::find().ok()?;
    let path = gitops_session::recall_target(&state, root)?;
    let target = normalized(&root.join(&path));
    let named = Named::read(root, &target).ok().filter(|_| target.starts_with(root))?;
    Some(Candidate {
        kind: TargetKind::of(&named.directory),
        path,
    })
}

/// Keeps a choice for the next start. One that cannot be kept is asked for again.
fn remember(state: &State, root: &Utf8Path, target: &str) {
    let (root, target) = (root.to_owned(), target.to_owned());
    state.runtime.spawn_blocking(move || {
        if let Ok(directory) = StateDirectory::find()
            && let Err(error) = gitops_session::remember_target(&directory, &root, &target)
        {
            tracing::warn!("the target of {root} cannot be remembered: {error}");
        }
    });
}

/// The folder offers these: one is taken, of several the user chooses.
pub(crate) fn targets_found(
    state: &mut State,
    request: RequestId,
    mut arguments: Value,
    token: Option<ProgressToken>,
    candidates: Vec<Candidate>,
) {
    if !state.looking.remove(&request) {
        return;
    }
    if let [only] = candidates.as_slice() {
        set_argument(&mut arguments, "target", &only.path);
        return start_on(state, request, arguments, token, false);
    }
    let actions = candidates
        .iter()
        .take(MAX_OFFERED)
        .map(|candidate| MessageActionItem {
            title: candidate.title(),
            properties: std::collections::HashMap::default(),
        })
        .collect();
    let left_out = candidates.len().saturating_sub(MAX_OFFERED);
    let message = if left_out == 0 {
        "What is the session to apply? The setting gitops.target says so once and for all.".to_owned()
    } else {
        format!("What is the session to apply? {left_out} more can be named with the setting gitops.target.")
    };
    let id = state.next_request(Asked::Target {
        request,
        arguments,
        candidates,
    });
    state.client.request::<ShowMessageRequest>(
        id,
        ShowMessageRequestParams {
            typ: MessageType::INFO,
            message,
            actions: Some(actions),
        },
    );
}

/// The user chose a target, or none.
pub(crate) fn target_chosen(
    state: &mut State,
    request: RequestId,
    mut arguments: Value,
    candidates: &[Candidate],
    answer: &Value,
) {
    let title = answer.get("title").and_then(Value::as_str);
    let chosen = candidates
        .iter()
        .find(|candidate| Some(candidate.title().as_str()) == title);
    let Some(chosen) = chosen else {
        return state.client.respond(request, Err(Failure::cancelled()));
    };
    set_argument(&mut arguments, "target", &chosen.path);
    start(state, request, arguments, None);
}

fn set_argument(arguments: &mut Value, name: &str, value: &str) {
    if !arguments.is_object() {
        *arguments = json!({});
    }
    if let Some(entries) = arguments.as_object_mut() {
        entries.insert(name.to_owned(), Value::from(value));
    }
}

fn begin(
    state: &mut State,
    request: RequestId,
    root: Utf8PathBuf,
    (target, values_files): (Utf8PathBuf, Vec<String>),
    name: Option<String>,
    token: Option<ProgressToken>,
) {
    state.last_session += 1;
    let number = state.last_session;
    let name = name.unwrap_or_else(|| name_for(&root));
    let progress = token.or_else(|| {
        state.abilities.progress.then(|| {
            let token = ProgressToken::String(format!("gitops-session-{number}"));
            let id = state.next_request(Asked::Nothing);
            state
                .client
                .request::<WorkDoneProgressCreate>(id, WorkDoneProgressCreateParams { token: token.clone() });
            token
        })
    });
    if let Some(token) = &progress {
        let begin = WorkDoneProgressBegin {
            title: "Starting the sandbox".to_owned(),
            cancellable: Some(true),
            message: None,
            percentage: Some(0),
        };
        report_progress(state, token, WorkDoneProgress::Begin(begin));
    }
    let (stop, stop_inbox) = mpsc::channel(4);
    let work = session::run(
        number,
        name.clone(),
        root.clone(),
        session::field_manager(&name),
        target.clone(),
        state.inbox.clone(),
        stop_inbox,
    );
    let task = state.runtime.spawn(work).abort_handle();
    let session = Session {
        name,
        root,
        target,
        values_files,
        kind: TargetKind::Folder,
        started: SystemTime::now(),
        phase: Phase::Starting { request: Some(request) },
        trouble: None,
        source_trouble: None,
        unreachable: false,
        stop,
        task,
        progress_message: Some("starting the sandbox".to_owned()),
        progress,
        building: None,
        early: std::collections::BTreeMap::new(),
        workload: None,
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
        let Some(path) = root.parse().ok().as_ref().and_then(path_of) else {
            return Root::Wrong(format!("the root {root} is no file URI"));
        };
        let path = normalized(&path);
        let inside = state.folders.is_empty() || state.folders.iter().any(|folder| path.starts_with(folder));
        return if inside {
            Root::Found(path)
        } else {
            Root::Wrong(format!("the root {path} is in no workspace folder"))
        };
    }
    match state.folders.as_slice() {
        [only] => Root::Found(only.clone()),
        [] => Root::Wrong("no folder is open; open the folder with the manifests, or give its URI as root".to_owned()),
        _ => Root::Ask,
    }
}

fn ask_for_folder(state: &mut State, request: RequestId, arguments: Value) {
    let id = state.next_request(Asked::Folder { request, arguments });
    let actions = state
        .folders
        .iter()
        .map(|folder| MessageActionItem {
            title: folder.to_string(),
            properties: std::collections::HashMap::default(),
        })
        .collect();
    let message = "Which folder is the session for?".to_owned();
    state.client.request::<ShowMessageRequest>(
        id,
        ShowMessageRequestParams {
            typ: MessageType::INFO,
            message,
            actions: Some(actions),
        },
    );
}

/// The user chose a folder, or none.
pub(crate) fn folder_chosen(state: &mut State, request: RequestId, mut arguments: Value, answer: &Value) {
    let chosen = answer
        .get("title")
        .and_then(Value::as_str)
        .map(Utf8PathBuf::from)
        .filter(|path| state.folders.contains(path));
    let uri = chosen.and_then(ls_types::Uri::from_file_path);
    let Some(uri) = uri else {
        return state.client.respond(request, Err(Failure::cancelled()));
    };
    set_argument(&mut arguments, "root", uri.as_str());
    start(state, request, arguments, None);
}

/// The client pressed cancel on a progress.
pub(crate) fn cancel_by_token(state: &mut State, params: &WorkDoneProgressCancelParams) {
    let number = state
        .sessions
        .iter()
        .find(|(_, session)| session.progress.as_ref() == Some(&params.token))
        .map(|(number, _)| *number);
    cancel(state, number);
}

/// The client took a request back.
pub(crate) fn cancel_by_request(state: &mut State, params: ls_types::CancelParams) {
    let id = match params.id {
        ls_types::NumberOrString::Number(number) => RequestId::from(number),
        ls_types::NumberOrString::String(text) => RequestId::from(text),
    };
    if state.looking.remove(&id) {
        return state.client.respond(id, Err(Failure::cancelled()));
    }
    let number = state
        .sessions
        .iter()
        .find(|(_, session)| matches!(&session.phase, Phase::Starting { request: Some(request) } if *request == id))
        .map(|(number, _)| *number);
    cancel(state, number);
}

fn cancel(state: &mut State, number: Option<u64>) {
    let Some(session) = number.and_then(|number| state.sessions.get_mut(&number)) else {
        return;
    };
    if let Phase::Starting { request } = &mut session.phase {
        if let Some(request) = request.take() {
            state.client.respond(request, Err(Failure::cancelled()));
        }
        session.phase = Phase::Stopping;
        let _ = session.stop.try_send(StopRequest { live: None, done: None });
        state.status_changed = true;
    }
}

/// `.` and `..` taken out, without asking the disk.
pub(crate) fn normalized(path: &Utf8Path) -> Utf8PathBuf {
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
