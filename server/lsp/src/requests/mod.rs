//! What the client asks: one file per request, all in this table.

mod chart;
mod code_action;
mod code_lens;
mod execute_command;
mod hover;
mod reach;
mod text_document_content;

use ls_types::request::{CodeActionRequest, CodeLensRequest, ExecuteCommand, HoverRequest, Request as _, Shutdown};
use lsp_server::Request;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::client::Failure;
use crate::state::State;

pub(crate) use code_lens::age;
pub(crate) use execute_command::COMMANDS;
pub(crate) use reach::{holds_for, on_reached};

/// Whether a request is answered yet.
pub(crate) enum Reply {
    /// Here is the answer.
    Now(Result<Value, Failure>),
    /// The answer comes with an event.
    Later,
}

/// Calls what handles a request.
pub(crate) fn dispatch(state: &mut State, request: Request) -> Reply {
    match request.method.as_str() {
        CodeLensRequest::METHOD => answer(request, |params| code_lens::code_lenses(state, &params)),
        CodeActionRequest::METHOD => answer(request, |params| code_action::code_actions(state, &params)),
        ExecuteCommand::METHOD => match serde_json::from_value(request.params) {
            Ok(params) => execute_command::execute(state, request.id, params),
            Err(error) => Reply::Now(Err(Failure::invalid(error.to_string()))),
        },
        HoverRequest::METHOD => match serde_json::from_value(request.params) {
            Ok(params) => hover::hover(state, request.id, params),
            Err(error) => Reply::Now(Err(Failure::invalid(error.to_string()))),
        },
        text_document_content::METHOD => match serde_json::from_value(request.params) {
            Ok(params) => text_document_content::content(state, request.id, &params),
            Err(error) => Reply::Now(Err(Failure::invalid(error.to_string()))),
        },
        Shutdown::METHOD => {
            state.shutting_down = true;
            Reply::Now(Ok(Value::Null))
        }
        method => Reply::Now(Err(Failure::unknown_method(method))),
    }
}

fn answer<P: DeserializeOwned, R: Serialize>(request: Request, handle: impl FnOnce(P) -> R) -> Reply {
    Reply::Now(match serde_json::from_value(request.params) {
        Ok(params) => serde_json::to_value(handle(params)).map_err(|error| Failure::internal(error.to_string())),
        Err(error) => Err(Failure::invalid(format!("{}: {error}", request.method))),
    })
}
