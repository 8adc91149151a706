//! All mutable state of the server. One owner: the main loop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_model::Source;
use gitops_render::{Child, Renderer};
use gitops_session::sandbox::Bundle;
use gitops_text::Encoding;
use lsp_server::RequestId;
use serde_json::Value;
use tokio::runtime::Handle;

use crate::actions::preview::{self, Previewed};
use crate::built::Building;
use crate::client::Client;
use crate::event::Inbox;
use crate::files::{Files, Judged, ObjectState, moved};
use crate::identities::{self, Owners};
use crate::ledger::Ledger;
use crate::plain_references::PlainReferences;
use crate::reader::Reader;
use crate::session::Session;
use crate::settings::Settings;
use crate::target::Candidate;

/// Ages above this are shown in hours, which need no clock.
const LONGEST_SHOWN_IN_MINUTES: Duration = Duration::from_hours(1);

/// What the client can do, as far as it matters here.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one ability of the protocol, read by its name"
)]
pub(crate) struct ClientAbilities {
    /// It shows progress that the server starts.
    pub(crate) progress: bool,
    /// It asks for code lenses again when told to.
    pub(crate) refresh_lenses: bool,
    /// It watches files for the server.
    pub(crate) watch_files: bool,
    /// It answers `workspace/configuration`.
    pub(crate) configuration: bool,
    /// It takes `documentChanges` with versions.
    pub(crate) versioned_edits: bool,
    /// It takes related information of diagnostics.
    pub(crate) related_information: bool,
    /// It takes links to the page of a code.
    pub(crate) code_description: bool,
    /// It shows a document when told to.
    pub(crate) show_document: bool,
    /// It asks for the text of documents that are on no disk (LSP 3.18).
    pub(crate) document_content: bool,
    /// It shows Markdown in a hover.
    pub(crate) markdown_hover: bool,
}

/// The state.
#[expect(
    clippy::struct_excessive_bools,
    reason = "what has to be sent at the end of a turn, each by its name"
)]
pub(crate) struct State {
    /// The way to the client.
    pub(crate) client: Client,
    /// The way back into the loop, for tasks.
    pub(crate) inbox: Inbox,
    /// Where slow work runs.
    pub(crate) runtime: Handle,
    /// How positions are counted, as agreed with the client.
    pub(crate) encoding: Encoding,
    /// What the client can do.
    pub(crate) abilities: ClientAbilities,
    /// The workspace folders, in the client's order.
    pub(crate) folders: Vec<Utf8PathBuf>,
    /// The settings.
    pub(crate) settings: Settings,
    /// Whether the client asked for verdict notifications when it started.
    pub(crate) verdicts_asked: bool,
    /// Known files.
    pub(crate) files: Files,
    /// Findings.
    pub(crate) ledger: Ledger,
    /// Which files of sessions supply which object.
    pub(crate) owners: Owners,
    /// What sessions of plain manifests supply, by the number of the session.
    pub(crate) plain: BTreeMap<u64, PlainReferences>,
    /// Number of the newest save.
    pub(crate) generation: u64,
    /// Files with a save whose last verdict is still to come.
    pub(crate) pending: BTreeSet<Arc<str>>,
    /// Number of the newest request to the client.
    pub(crate) last_request: i32,
    /// What answers from the client are for.
    pub(crate) waiting_for_client: BTreeMap<RequestId, Asked>,
    /// Requests to start for which a target is being looked for; one that was taken back is none of them any more.
    pub(crate) looking: BTreeSet<RequestId>,
    /// The sessions, by number.
    pub(crate) sessions: BTreeMap<u64, Session>,
    /// Number of the newest session.
    pub(crate) last_session: u64,
    /// Reads files again that changed on disk.
    pub(crate) reader: Reader,
    /// Builds what is built from many files; started for the first session that needs it.
    pub(crate) renderer: Option<Arc<dyn Renderer>>,
    /// What a save of a file would change, as it was asked for last.
    pub(crate) previewed: Option<Previewed>,
    /// Whether it is being found out for a text that was typed.
    pub(crate) is_previewing: bool,
    /// The file for which it is to be found out next.
    pub(crate) preview_next: Option<Arc<str>>,
    /// Files with text that is not parsed yet.
    pub(crate) unparsed: BTreeSet<Arc<str>>,
    /// Whether lenses have changed since the client was told.
    pub(crate) lenses_changed: bool,
    /// Whether the status has changed since the client was told.
    pub(crate) status_changed: bool,
    /// The status that was sent last.
    pub(crate) last_status: Option<Value>,
    /// Whether `shutdown` was asked for.
    pub(crate) shutting_down: bool,
}

/// What an answer from the client is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    /// Nothing depends on it.
    Nothing,
    /// The settings.
    Configuration,
    /// What a session is to apply.
    Target {
        /// The request to start that waits for it.
        request: RequestId,
        /// Its arguments.
        arguments: Value,
        /// What was offered.
        candidates: Vec<Candidate>,
    },
    /// Which workspace folder a session is for.
    Folder {
        /// The request to start that waits for it.
        request: RequestId,
        /// Its arguments.
        arguments: Value,
    },
}

impl State {
    /// Replaces what is said about the text of a file itself.
    pub(crate) fn text_changed(&mut self, name: &Arc<str>) {
        self.unparsed.remove(name);
        let Some(file) = self.files.get_mut(name) else { return };
        let before = file.parsed.clone();
        let Some(parsed) = file.current().cloned() else { return };
        if let Some(before) = before.filter(|before| !Arc::ptr_eq(before, &parsed)) {
            for source in [Source::Render, Source::Flux] {
                self.ledger.follow(name, source, |span| moved(&before, &parsed, span));
            }
        }
        let syntax = parsed.syntax_findings();
        let placed = crate::report::place_all(name, file, &parsed);
        let generation = file.generation;
        self.ledger.set(name, Source::Syntax, 0, syntax);
        self.ledger.set(name, Source::Apply, generation, placed);
        self.ledger.touch(name);
        crate::workload::text_changed(self, name);
        self.model_changed(name);
        preview::typed(self, name);
    }

    /// Replaces what is said about what the objects of a file are to each other and to other files.
    pub(crate) fn model_changed(&mut self, name: &Arc<str>) {
        let Some(file) = self.files.get(name) else { return };
        let Some(parsed) = &file.parsed else { return };
        let mut findings = parsed.not_sent_findings();
        findings.extend(identities::left_out_findings(file, parsed));
        findings.extend(identities::findings(&self.owners, name, file, parsed, |other| {
            self.shown(other)
        }));
        self.ledger.set(name, Source::Model, 0, findings);
    }

    /// A file's name as people know it: relative to its workspace folder.
    pub(crate) fn shown(&self, name: &str) -> String {
        let inside = self
            .folders
            .iter()
            .filter_map(|folder| Utf8Path::new(name).strip_prefix(folder).ok());
        inside
            .map(Utf8Path::as_str)
            .min_by_key(|path| path.len())
            .unwrap_or(name)
            .to_owned()
    }

    /// The session whose target holds the file.
    pub(crate) fn session_of(&self, path: Option<&Utf8PathBuf>) -> Option<(u64, &Session)> {
        let path = path?;
        self.sessions
            .iter()
            .filter(|(_, session)| path.starts_with(session.scope()))
            .max_by_key(|(_, session)| session.scope().as_str().len())
            .map(|(number, session)| (*number, session))
    }

    /// Whether a lens of an open file says how many seconds or minutes ago something happened.
    pub(crate) fn shows_ages(&self) -> bool {
        let recent = |judged: &Judged| matches!(judged.state, Some(ObjectState::Applied(at)) if at.elapsed().is_ok_and(|age| age < LONGEST_SHOWN_IN_MINUTES));
        self.settings.lens.enabled
            && self
                .files
                .iter()
                .any(|(_, file)| file.version.is_some() && file.objects.iter().any(recent))
    }

    /// The renderer, of which all sessions share one.
    pub(crate) fn renderer(&mut self) -> Result<Arc<dyn Renderer>, String> {
        if let Some(renderer) = &self.renderer {
            return Ok(Arc::clone(renderer));
        }
        let bundle = Bundle::find().map_err(|missing| missing.to_string())?;
        let _on_runtime = self.runtime.enter();
        let renderer: Arc<dyn Renderer> = Arc::new(Child::new(bundle.renderer()));
        self.renderer = Some(Arc::clone(&renderer));
        Ok(renderer)
    }

    /// What a session keeps of a target that is built.
    pub(crate) fn building(&mut self, number: u64) -> Option<&mut Building> {
        self.sessions.get_mut(&number)?.building.as_mut()
    }

    /// A fresh id for a request to the client.
    pub(crate) fn next_request(&mut self, asked: Asked) -> RequestId {
        self.last_request = self.last_request.wrapping_add(1);
        let id = RequestId::from(format!("gitops-{}", self.last_request));
        self.waiting_for_client.insert(id.clone(), asked);
        id
    }
}
