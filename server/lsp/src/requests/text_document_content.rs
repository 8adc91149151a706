//! `workspace/textDocumentContent` (LSP 3.18): the read-only documents `gitops-rendered:` and `gitops-live:`.

use lsp_server::RequestId;
use serde::Deserialize;

use super::Reply;
use crate::actions;
use crate::client::Failure;
use crate::state::State;

/// The method; `ls_types` does not have it.
pub(super) const METHOD: &str = "workspace/textDocumentContent";

/// What is asked.
#[derive(Deserialize)]
pub(super) struct Params {
    uri: String,
}

/// The text of a document.
pub(super) fn content(state: &State, request: RequestId, params: &Params) -> Reply {
    let Some((action, arguments)) = actions::read_document_uri(&params.uri) else {
        return Reply::Now(Err(Failure::invalid(format!(
            "{} is no document of gitops-lsp",
            params.uri
        ))));
    };
    match actions::begin(state, request, action, arguments) {
        Ok(()) => Reply::Later,
        Err(failure) => Reply::Now(Err(failure)),
    }
}
