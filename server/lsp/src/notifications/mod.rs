//! What the client tells: one function per notification, all in this table.

mod text;
mod watched;

use ls_types::notification::{
    Cancel, DidChangeConfiguration, DidChangeTextDocument, DidChangeWatchedFiles, DidChangeWorkspaceFolders,
    DidCloseTextDocument, DidOpenTextDocument, DidSaveTextDocument, Notification as _, WorkDoneProgressCancel,
};
use ls_types::request::WorkspaceConfiguration;
use ls_types::{ConfigurationItem, ConfigurationParams, MessageType, ShowMessageParams};
use lsp_server::Notification;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::files::path_of;
use crate::state::{Asked, State};
use crate::{settings, start, workload};

pub(crate) use watched::{files_changed, files_read, read_again};

/// Calls what handles a notification. Unknown ones are dropped, as the protocol wants.
pub(crate) fn dispatch(state: &mut State, notification: Notification) {
    let method = notification.method.as_str();
    match method {
        DidOpenTextDocument::METHOD => with(notification, |params| text::opened(state, params)),
        DidChangeTextDocument::METHOD => with(notification, |params| text::changed(state, params)),
        DidSaveTextDocument::METHOD => with(notification, |params| text::saved(state, params)),
        DidCloseTextDocument::METHOD => with(notification, |params| text::closed(state, params)),
        DidChangeWatchedFiles::METHOD => with(notification, |params| watched::watched(state, params)),
        DidChangeWorkspaceFolders::METHOD => with(notification, |params| folders_changed(state, params)),
        DidChangeConfiguration::METHOD => with(notification, |params| configuration_changed(state, params)),
        WorkDoneProgressCancel::METHOD => with(notification, |params| start::cancel_by_token(state, &params)),
        Cancel::METHOD => with(notification, |params| start::cancel_by_request(state, params)),
        _ => tracing::debug!("{method} is not handled"),
    }
}

fn with<P: DeserializeOwned>(notification: Notification, handle: impl FnOnce(P)) {
    match serde_json::from_value(notification.params) {
        Ok(params) => handle(params),
        Err(error) => tracing::error!("{} with parameters that cannot be read: {error}", notification.method),
    }
}

pub(crate) fn initialized(state: &mut State) {
    if state.abilities.watch_files {
        let id = state.next_request(Asked::Nothing);
        state
            .client
            .request::<ls_types::request::RegisterCapability>(id, watched::registration());
    } else {
        watched::watch_by_ourselves(state);
    }
    ask_for_settings(state);
    state.status_changed = true;
}

fn ask_for_settings(state: &mut State) {
    if !state.abilities.configuration {
        return;
    }
    let id = state.next_request(Asked::Configuration);
    let items = vec![ConfigurationItem {
        scope_uri: None,
        section: Some("gitops".to_owned()),
    }];
    state
        .client
        .request::<WorkspaceConfiguration>(id, ConfigurationParams { items });
}

fn configuration_changed(state: &mut State, params: ls_types::DidChangeConfigurationParams) {
    if state.abilities.configuration {
        ask_for_settings(state);
    } else if let Some(section) = params.settings.get("gitops") {
        take_settings(state, section);
    }
}

/// The client answered `workspace/configuration`.
pub(crate) fn settings_arrived(state: &mut State, value: &Value) {
    if let Some(section) = value.get(0).filter(|section| !section.is_null()) {
        take_settings(state, section);
    }
}

/// Takes settings, and tells the user what in them nobody knows.
pub(crate) fn take_settings(state: &mut State, section: &Value) {
    // Some editors have one place for the options of a server, and wrap them in the section's name.
    let section = section.get("gitops").unwrap_or(section);
    let (settings, problems) = settings::read(section);
    for message in problems {
        state
            .client
            .notify::<ls_types::notification::ShowMessage>(ShowMessageParams {
                typ: MessageType::WARNING,
                message,
            });
    }
    if state.settings != settings {
        state.settings = settings;
        workload::settings_changed(state);
        state.lenses_changed = true;
        let names: Vec<_> = state
            .files
            .iter()
            .filter(|(_, file)| file.version.is_some())
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            state.ledger.touch(&name);
        }
    }
}

fn folders_changed(state: &mut State, params: ls_types::DidChangeWorkspaceFoldersParams) {
    for removed in &params.event.removed {
        if let Some(path) = path_of(&removed.uri) {
            state.folders.retain(|folder| *folder != path);
        }
    }
    for added in &params.event.added {
        if let Some(path) = path_of(&added.uri)
            && !state.folders.contains(&path)
        {
            state.folders.push(path);
        }
    }
    if !state.abilities.watch_files {
        watched::watch_by_ourselves(state);
    }
}
