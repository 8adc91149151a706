//! Open, change, save, close.

use std::sync::Arc;
use std::time::Instant;

use gitops_text::{Edit, Text};
use ls_types::{
    DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
};

use crate::files::{Files, hash};
use crate::position::inward;
use crate::saves;
use crate::state::State;

/// A buffer was opened: from now on its text is the client's.
pub(super) fn opened(state: &mut State, params: DidOpenTextDocumentParams) {
    let document = params.text_document;
    let (name, file) = state.files.open(&document.uri);
    file.version = Some(document.version);
    file.unparsed = Some(Text::new(document.text));
    state.unparsed.insert(Arc::clone(&name));
    state.ledger.touch(&name);
}

/// The text changed. It is parsed when no newer change is waiting.
pub(super) fn changed(state: &mut State, params: DidChangeTextDocumentParams) {
    let name = Files::name_of(&params.text_document.uri);
    let encoding = state.encoding;
    let Some(file) = state.files.get_mut(&name).filter(|file| file.version.is_some()) else {
        tracing::error!("{name} was changed but is not open");
        return;
    };
    let edits: Vec<Edit> = params
        .content_changes
        .into_iter()
        .map(|change| Edit {
            range: change.range.map(|range| (inward(range.start), inward(range.end))),
            new_text: change.text,
        })
        .collect();
    file.edit(&edits, encoding);
    file.version = Some(params.text_document.version);
    state.unparsed.insert(name);
}

/// The buffer was saved: what it holds goes to the session, if one applies this file.
pub(super) fn saved(state: &mut State, params: DidSaveTextDocumentParams) {
    let read_at = Instant::now();
    let name = Files::name_of(&params.text_document.uri);
    if let (Some(text), Some(file)) = (params.text, state.files.get_mut(&name)) {
        // The client says what it saved; where that differs from what it told before, what it saved counts.
        if file.text().is_none_or(|known| known.as_str() != text) {
            file.unparsed = Some(Text::new(text));
            state.unparsed.insert(Arc::clone(&name));
        }
    }
    if state.unparsed.contains(&name) {
        state.text_changed(&name);
    }
    let Some(file) = state.files.get_mut(&name) else { return };
    let Some(parsed) = file.current().cloned() else { return };
    file.saved_hash = Some(hash(parsed.text.as_str()));
    saves::supply(state, &name, &parsed, read_at, None);
}

/// The buffer was closed: the file on disk counts again.
pub(super) fn closed(state: &mut State, params: DidCloseTextDocumentParams) {
    let name = Files::name_of(&params.text_document.uri);
    state.unparsed.remove(&name);
    let Some(file) = state.files.get_mut(&name) else { return };
    file.version = None;
    let path = file.path.clone();
    let in_session = state.session_of(path.as_ref()).is_some();
    let file = state.files.get_mut(&name);
    match (file, path) {
        // What the cluster said stays, as for every file of the target; it is about the saved text.
        (Some(file), Some(path)) if in_session => {
            file.unparsed = None;
            super::watched::read_again(state, vec![path]);
        }
        _ => {
            state.files.remove(&name);
            state.ledger.remove(&name);
        }
    }
}
