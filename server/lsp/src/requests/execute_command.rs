//! `workspace/executeCommand`: all commands in one table (docs/protocol.md).

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use gitops_model::ObjectKey;
use gitops_session::Force;
use ls_types::ExecuteCommandParams;
use lsp_server::RequestId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Reply;
use crate::actions::{self, Action, ObjectArguments};
use crate::client::Failure;
use crate::files::Files;
use crate::session::Session;
use crate::state::State;
use crate::{lifecycle, publish, saves, start};

/// The commands that this version has.
pub(crate) const COMMANDS: [&str; 12] = [
    "gitops.session.start",
    "gitops.session.stop",
    "gitops.session.list",
    "gitops.apply",
    "gitops.reconcile",
    "gitops.suspend",
    "gitops.resume",
    "gitops.showRendered",
    "gitops.diffLive",
    "gitops.events",
    "gitops.preview",
    "gitops.mode",
];

/// Runs a command.
pub(crate) fn execute(state: &mut State, id: RequestId, params: ExecuteCommandParams) -> Reply {
    let token = params.work_done_progress_params.work_done_token;
    let argument = params.arguments.into_iter().next().unwrap_or(Value::Null);
    if COMMANDS.contains(&params.command.as_str()) && !argument.is_null() && !argument.is_object() {
        let message = format!("{} takes an object as its argument, not {argument}", params.command);
        return Reply::Now(Err(Failure::invalid(message)));
    }
    if let Some(action) = Action::of_command(&params.command) {
        let begun = read(argument).and_then(|arguments| actions::begin(state, id, action, arguments));
        return begun.map_or_else(|failure| Reply::Now(Err(failure)), |()| Reply::Later);
    }
    if params.command == "gitops.preview" {
        let begun = read(argument).and_then(|arguments| actions::preview::begin(state, id, &arguments));
        return begun.map_or_else(|failure| Reply::Now(Err(failure)), |()| Reply::Later);
    }
    match params.command.as_str() {
        "gitops.session.start" => {
            start::start(state, id, argument, token);
            Reply::Later
        }
        "gitops.session.stop" => match read::<StopArguments>(argument) {
            Ok(arguments) => {
                lifecycle::stop(state, id, arguments.name.as_deref());
                Reply::Later
            }
            Err(failure) => Reply::Now(Err(failure)),
        },
        "gitops.session.list" => Reply::Now(Ok(Value::Array(state.sessions.values().map(entry).collect()))),
        "gitops.apply" => Reply::Now(read::<ApplyArguments>(argument).and_then(|arguments| apply(state, arguments))),
        "gitops.mode" => Reply::Now(
            serde_json::to_value(publish::status(state)).map_err(|error| Failure::internal(error.to_string())),
        ),
        other => {
            let near = gitops_model::nearest(other, COMMANDS);
            let hint = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            Reply::Now(Err(Failure::invalid(format!("there is no command {other}{hint}"))))
        }
    }
}

fn read<T: for<'a> Deserialize<'a>>(argument: Value) -> Result<T, Failure> {
    let argument = if argument.is_null() { json!({}) } else { argument };
    serde_json::from_value(argument).map_err(|error| Failure::invalid(error.to_string()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StopArguments {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ApplyArguments {
    uri: Option<ls_types::Uri>,
    object: Option<ObjectArguments>,
    force: Option<HowForced>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum HowForced {
    TakeOver,
    Recreate,
}

/// What a save does, without one: of one file, or of all that are open.
fn apply(state: &mut State, arguments: ApplyArguments) -> Result<Value, Failure> {
    let names: Vec<Arc<str>> = match &arguments.uri {
        Some(uri) => vec![Files::name_of(uri)],
        None => state
            .files
            .iter()
            .filter(|(_, file)| file.version.is_some())
            .map(|(name, _)| Arc::clone(name))
            .collect(),
    };
    let force = match (arguments.object, arguments.force) {
        (Some(object), Some(how)) => {
            let key = ObjectKey::from(object);
            let how = match how {
                HowForced::TakeOver => Force::TakeOver,
                HowForced::Recreate => Force::Recreate,
            };
            Some((key, how))
        }
        (None, None) => None,
        _ => return Err(Failure::invalid("object and force belong together")),
    };
    let mut applied = 0;
    for name in names {
        let Some(file) = state.files.get_mut(&name) else {
            continue;
        };
        let path = file.path.clone();
        let Some(parsed) = file.current().cloned() else {
            continue;
        };
        if state.session_of(path.as_ref()).is_some() {
            saves::supply(state, &name, &parsed, Instant::now(), force.clone());
            applied += 1;
        }
    }
    if applied == 0 {
        return Err(Failure::failed(
            "no session applies this file; start one first (gitops.session.start)",
        ));
    }
    Ok(json!({ "files": applied }))
}

fn entry(session: &Session) -> Value {
    let mut entry = lifecycle::describe(session);
    if let Some(entries) = entry.as_object_mut() {
        entries.remove("kubeconfig");
        entries.remove("mode");
        entries.insert("root".to_owned(), json!(session.root));
        entries.insert("owner".to_owned(), json!(std::env::var("USER").unwrap_or_default()));
        let started = session
            .started
            .duration_since(UNIX_EPOCH)
            .unwrap_or_else(|_| SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default());
        entries.insert("started".to_owned(), json!(started.as_secs()));
        entries.insert("lease".to_owned(), json!("held"));
        entries.insert(
            "objects".to_owned(),
            json!(session.live().map_or(0, gitops_session::Live::object_count)),
        );
    }
    entry
}
