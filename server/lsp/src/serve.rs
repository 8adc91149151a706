//! Serving LSP on standard input and output: handshake, loop, end.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use gitops_text::Encoding;
use ls_types::{
    ClientCapabilities, CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CodeLensOptions,
    ExecuteCommandOptions, HoverProviderCapability, InitializeParams, InitializeResult, MarkupKind, OneOf,
    PositionEncodingKind, SaveOptions, ServerCapabilities, ServerInfo, TextDocumentSyncCapability,
    TextDocumentSyncKind, TextDocumentSyncOptions, TextDocumentSyncSaveOptions, WorkDoneProgressOptions,
    WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};
use lsp_server::Connection;
use serde_json::json;

use crate::actions;
use crate::client::{Client, standard_output};
use crate::files::{Files, path_of};
use crate::ledger::Ledger;
use crate::main_loop::{self, End};
use crate::reader::Reader;
use crate::state::{ClientAbilities, State};
use crate::{identities, lifecycle, notifications, parent, requests, settings};

/// How many events may wait for the loop. Those who send them are tasks, which may wait.
const INBOX: usize = 4096;
/// How long the end of all sessions may take when the client is gone.
const LAST_WORDS: Duration = Duration::from_secs(4);

/// Serves until the client leaves; returns the exit code that the protocol wants.
pub(crate) fn serve() -> anyhow::Result<i32> {
    let (connection, io_threads) = Connection::stdio();
    let (id, params) = match connection.initialize_start() {
        Ok(initialize) => initialize,
        Err(error) => {
            tracing::warn!("the client left before the handshake: {error}");
            return Ok(1);
        }
    };
    // Of LSP 3.18, which `ls_types` does not have.
    let document_content = params.pointer("/capabilities/workspace/textDocumentContent").is_some();
    let params: InitializeParams = serde_json::from_value(params).context("the client's initialize cannot be read")?;
    let encoding = encoding_of(&params.capabilities);
    let mut result = serde_json::to_value(InitializeResult {
        capabilities: capabilities(encoding),
        server_info: Some(ServerInfo {
            name: "gitops-lsp".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
        offset_encoding: None,
    })?;
    if document_content {
        result["capabilities"]["workspace"]["textDocumentContent"] =
            json!({ "schemes": [actions::RENDERED_SCHEME, actions::LIVE_SCHEME] });
    }
    connection
        .initialize_finish(id, result)
        .context("the client did not finish initializing")?;

    // After the handshake we write ourselves: each message would pass through two more threads.
    let Connection { sender, receiver } = connection;
    drop(sender);
    let (client, outbox_thread) = Client::new(standard_output().context("standard output")?);
    let (inbox, events) = crossbeam_channel::bounded(INBOX);
    // One thread: requests wait for the network, and between two threads each step of one would wait to be woken.
    // What takes long, such as reading a target, has threads of its own.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    if let Some(process_id) = params.process_id {
        parent::watch(process_id, inbox.clone());
    }
    let mut state = State {
        client,
        reader: Reader::start(inbox.clone()),
        inbox,
        runtime: runtime.handle().clone(),
        encoding,
        abilities: ClientAbilities {
            document_content,
            ..abilities_of(&params.capabilities)
        },
        folders: folders_of(&params),
        settings: settings::Settings::default(),
        verdicts_asked: false,
        files: Files::default(),
        ledger: Ledger::default(),
        owners: identities::Owners::default(),
        plain: std::collections::BTreeMap::new(),
        generation: 0,
        pending: std::collections::BTreeSet::new(),
        last_request: 0,
        waiting_for_client: BTreeMap::new(),
        looking: std::collections::BTreeSet::new(),
        sessions: BTreeMap::new(),
        last_session: 0,
        renderer: None,
        previewed: None,
        is_previewing: false,
        preview_next: None,
        unparsed: std::collections::BTreeSet::new(),
        lenses_changed: false,
        status_changed: false,
        last_status: None,
        shutting_down: false,
    };
    if let Some(options) = &params.initialization_options {
        notifications::take_settings(&mut state, options);
        state.verdicts_asked = state.settings.verdicts;
    }
    // What `initialized` would ask the client for is asked when it comes; the loop sees it as any other notification.
    notifications::initialized(&mut state);
    let end = main_loop::run(&mut state, &receiver, &events);
    tracing::info!("the client has left: {end:?}");
    // Tasks that wait for room in the inbox would wait for ever now. Nobody waits for this thread, which ends with the
    // process: the watch of the client's process keeps the inbox open for as long as the client lives.
    std::thread::spawn(move || events.into_iter().for_each(drop));
    lifecycle::end_all(&mut state, LAST_WORDS);
    drop(state);
    runtime.shutdown_timeout(Duration::from_millis(500));
    drop(receiver);
    let _ = outbox_thread.join();
    if end == End::Gone {
        // Nobody reads any more: the pipe's own threads end with the process.
        return Ok(1);
    }
    io_threads.join().context("standard input and output")?;
    Ok(i32::from(end != End::Exit { after_shutdown: true }))
}

fn capabilities(encoding: Encoding) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(match encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
            Encoding::Utf32 => PositionEncodingKind::UTF32,
        }),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions {
                include_text: Some(false),
            })),
            ..TextDocumentSyncOptions::default()
        })),
        code_lens_provider: Some(CodeLensOptions {
            resolve_provider: Some(false),
        }),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: requests::COMMANDS.map(str::to_owned).to_vec(),
            work_done_progress_options: WorkDoneProgressOptions {
                work_done_progress: Some(true),
            },
        }),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            ..WorkspaceServerCapabilities::default()
        }),
        ..ServerCapabilities::default()
    }
}

/// UTF-8 where the client has it, since that is what we count in; else what it prefers (LSP 3.17 `positionEncodings`).
fn encoding_of(capabilities: &ClientCapabilities) -> Encoding {
    let offered = capabilities
        .general
        .as_ref()
        .and_then(|general| general.position_encodings.as_deref())
        .unwrap_or_default();
    if offered.contains(&PositionEncodingKind::UTF8) {
        Encoding::Utf8
    } else if offered.first() == Some(&PositionEncodingKind::UTF32) {
        Encoding::Utf32
    } else {
        Encoding::Utf16
    }
}

fn abilities_of(capabilities: &ClientCapabilities) -> ClientAbilities {
    let workspace = capabilities.workspace.as_ref();
    let diagnostics = capabilities
        .text_document
        .as_ref()
        .and_then(|text| text.publish_diagnostics.as_ref());
    ClientAbilities {
        progress: capabilities
            .window
            .as_ref()
            .and_then(|window| window.work_done_progress)
            == Some(true),
        refresh_lenses: workspace
            .and_then(|workspace| workspace.code_lens.as_ref())
            .and_then(|lens| lens.refresh_support)
            == Some(true),
        watch_files: workspace
            .and_then(|workspace| workspace.did_change_watched_files.as_ref())
            .and_then(|watch| watch.dynamic_registration)
            == Some(true),
        configuration: workspace.and_then(|workspace| workspace.configuration) == Some(true),
        versioned_edits: workspace
            .and_then(|workspace| workspace.workspace_edit.as_ref())
            .and_then(|edit| edit.document_changes)
            == Some(true),
        related_information: diagnostics.and_then(|diagnostics| diagnostics.related_information) == Some(true),
        show_document: capabilities
            .window
            .as_ref()
            .and_then(|window| window.show_document.as_ref())
            .is_some_and(|show| show.support),
        document_content: false,
        markdown_hover: capabilities
            .text_document
            .as_ref()
            .and_then(|text| text.hover.as_ref()?.content_format.as_ref())
            .is_some_and(|formats| formats.contains(&MarkupKind::Markdown)),
        code_description: diagnostics.and_then(|diagnostics| diagnostics.code_description_support) == Some(true),
    }
}

#[expect(deprecated, reason = "rootUri is all that a client without workspace folders has")]
fn folders_of(params: &InitializeParams) -> Vec<camino::Utf8PathBuf> {
    match &params.workspace_folders {
        Some(folders) if !folders.is_empty() => folders.iter().filter_map(|folder| path_of(&folder.uri)).collect(),
        _ => params.root_uri.as_ref().and_then(path_of).into_iter().collect(),
    }
}
