//! What a person does with the object under the cursor: reconcile, suspend, resume, compare, and look at it.
//!
//! The loop finds out which object is meant and where; the work is done on the runtime and comes back as an event.

mod about;
mod document_uri;
mod perform;
pub(crate) mod preview;
mod show;
mod standing_text;

use std::time::Duration;

use gitops_session::actions::Refused;
use lsp_server::RequestId;
use serde_json::Value;

pub(crate) use about::{Arguments, ObjectArguments, Subject, manifest_at, subject};
pub(crate) use document_uri::{LIVE_SCHEME, RENDERED_SCHEME, read as read_document_uri};
pub(crate) use perform::objects_of;
pub(crate) use standing_text::hover_text;

use crate::client::Failure;
use crate::event::{Event, TaskDone};
use crate::state::State;

/// How long one of them may take. A Kustomization waits for its source before it is asked.
const LIMIT: Duration = Duration::from_mins(1);

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// `gitops.reconcile`.
    Reconcile,
    /// `gitops.suspend`.
    Suspend,
    /// `gitops.resume`.
    Resume,
    /// `gitops.showRendered`.
    ShowRendered,
    /// `gitops.diffLive`.
    DiffLive,
    /// `gitops.events`.
    Events,
}

impl Action {
    /// By the name of its command.
    pub(crate) fn of_command(command: &str) -> Option<Self> {
        Some(match command {
            "gitops.reconcile" => Self::Reconcile,
            "gitops.suspend" => Self::Suspend,
            "gitops.resume" => Self::Resume,
            "gitops.showRendered" => Self::ShowRendered,
            "gitops.diffLive" => Self::DiffLive,
            "gitops.events" => Self::Events,
            _ => return None,
        })
    }
}

/// What came of an action.
pub(crate) struct Done {
    /// The request that waits for it; `None` where the server wanted it itself.
    pub(crate) request: Option<RequestId>,
    /// The answer.
    pub(crate) result: Result<Value, Failure>,
    /// What is to be shown of it, where the client asked for that.
    pub(crate) show: Option<show::Page>,
    /// Whether something that lenses show is other than before.
    pub(crate) changes: bool,
    /// What a save of a file would change, where that was asked for.
    pub(crate) previewed: Option<preview::Previewed>,
}

/// Begins an action. The request is answered when it is done.
pub(crate) fn begin(state: &State, request: RequestId, action: Action, arguments: Arguments) -> Result<(), Failure> {
    let subject = about::subject(state, &arguments)?;
    let (inbox, way) = (state.inbox.clone(), show::way(state));
    state.runtime.spawn(async move {
        let performing = perform::perform(action, &subject, &arguments);
        let result = match tokio::time::timeout(LIMIT, performing).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Refused(reason))) => Err(Failure::failed(reason)),
            Err(_) => Err(Failure::failed(format!(
                "the sandbox did not do it within {} s",
                LIMIT.as_secs()
            ))),
        };
        let show = match &result {
            Ok(result) if arguments.show == Some(true) => {
                let file = show::file_of(action);
                show::page(file, result, way, &subject.directory).await
            }
            _ => None,
        };
        let done = Done {
            request: Some(request),
            result,
            show,
            changes: true,
            previewed: None,
        };
        // The loop is gone only when the server is.
        let _ = inbox.send(Event::Task(TaskDone::Acted(done)));
    });
    Ok(())
}

/// An action is done.
pub(crate) fn on_done(state: &mut State, done: Done) {
    if let Some(page) = done.show {
        show::show(state, page);
    }
    if let Some(previewed) = done.previewed {
        state.previewed = Some(previewed);
    }
    match done.request {
        Some(request) => state.client.respond(request, done.result),
        None => preview::found_out(state),
    }
    state.lenses_changed |= done.changes;
}
