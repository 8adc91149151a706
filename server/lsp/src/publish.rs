//! What leaves the server after a turn of the loop: diagnostics, the status, a hint that lenses changed.

use std::sync::Arc;

use gitops_model::{Finding, Severity};
use gitops_text::{Encoding, Text};
use ls_types::notification::PublishDiagnostics;
use ls_types::request::CodeLensRefresh;
use ls_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString,
    PublishDiagnosticsParams, Uri,
};
use serde::Serialize;

use crate::client::OwnNotification;
use crate::one_fault;
use crate::position::range;
use crate::requests;
use crate::session::Phase;
use crate::state::{Asked, State};

/// Where the page of a code is.
const PAGES: &str = "https://github.com/gitops-lsp/gitops-lsp/blob/main/docs/codes";

/// Sends what changed since the last turn.
pub(crate) fn flush(state: &mut State) {
    if state.ledger.has_changed() {
        state.ledger.touch_those_with(one_fault::is_consequence);
    }
    for name in state.ledger.take_changed() {
        if state.unparsed.contains(&name) {
            // Its findings are about an older text; they are placed anew in a moment.
            state.ledger.touch(&name);
        } else {
            publish(state, &name);
        }
    }
    if std::mem::take(&mut state.status_changed) {
        send_status(state);
    }
    if std::mem::take(&mut state.lenses_changed) && state.abilities.refresh_lenses {
        let id = state.next_request(Asked::Nothing);
        state.client.request::<CodeLensRefresh>(id, ());
    }
}

fn publish(state: &State, name: &Arc<str>) {
    let file = state.files.get(name);
    let uri = match file {
        Some(file) => file.uri.clone(),
        None => match Uri::from_file_path(&**name).or_else(|| name.parse().ok()) {
            Some(uri) => uri,
            None => return,
        },
    };
    let text = file
        .and_then(|file| file.text().cloned())
        .unwrap_or_else(|| Text::new(""));
    let findings = one_fault::shown(&state.ledger, name);
    let maximum = state.settings.diagnostics.maximum_per_file as usize;
    let mut diagnostics: Vec<Diagnostic> = findings
        .iter()
        .take(maximum)
        .map(|finding| diagnostic(state, &uri, &text, finding))
        .collect();
    if let Some(first_left_out) = findings.get(maximum) {
        let mut note = diagnostic(state, &uri, &text, first_left_out);
        note.severity = Some(DiagnosticSeverity::INFORMATION);
        note.code = None;
        note.code_description = None;
        note.related_information = None;
        note.message = format!(
            "{} more findings in this file are not shown (gitops.diagnostics.maximumPerFile)",
            findings.len() - maximum
        );
        diagnostics.push(note);
    }
    state.client.notify::<PublishDiagnostics>(PublishDiagnosticsParams {
        uri,
        diagnostics,
        version: file.and_then(|file| file.version),
    });
}

/// A finding as the protocol has it.
pub(crate) fn diagnostic(state: &State, uri: &Uri, text: &Text, finding: &Finding) -> Diagnostic {
    let code = finding.code.to_string();
    let encoding: Encoding = state.encoding;
    let message = match &finding.detail {
        Some(detail) if !state.abilities.related_information => format!("{}\n{detail}", finding.message),
        _ => finding.message.clone(),
    };
    let entry = crate::files::path_of(uri).and_then(|path| requests::holds_for(state, path.as_str(), finding));
    let message = format!("{message}{}", entry.unwrap_or_default());
    let mut related: Vec<DiagnosticRelatedInformation> = finding
        .related
        .iter()
        .filter_map(|related| {
            let location = match &related.file {
                None => Location {
                    uri: uri.clone(),
                    range: range(text, related.span, encoding),
                },
                Some(name) => {
                    let other = state.files.get(name)?;
                    Location {
                        uri: other.uri.clone(),
                        range: range(other.text()?, related.span, encoding),
                    }
                }
            };
            Some(DiagnosticRelatedInformation {
                location,
                message: related.message.clone(),
            })
        })
        .collect();
    if let Some(detail) = &finding.detail {
        related.push(DiagnosticRelatedInformation {
            location: Location {
                uri: uri.clone(),
                range: range(text, finding.span, encoding),
            },
            message: format!("the cluster's words: {detail}"),
        });
    }
    Diagnostic {
        range: range(text, finding.span, encoding),
        severity: Some(match finding.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Information => DiagnosticSeverity::INFORMATION,
            Severity::Hint => DiagnosticSeverity::HINT,
        }),
        code: Some(NumberOrString::String(code.clone())),
        code_description: state
            .abilities
            .code_description
            .then(|| format!("{PAGES}/{code}.md").parse().ok())
            .flatten()
            .map(|href| CodeDescription { href }),
        source: Some("gitops".to_owned()),
        message,
        related_information: (state.abilities.related_information && !related.is_empty()).then_some(related),
        tags: None,
        data: None,
    }
}

/// `gitops/status`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    level: &'static str,
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    busy: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl OwnNotification for Status {
    const METHOD: &'static str = "gitops/status";
}

/// The status now. With several sessions, that of the newest one.
pub(crate) fn status(state: &State) -> Status {
    let Some(session) = state.sessions.values().next_back() else {
        return Status {
            level: "offline",
            mode: "gitops",
            sandbox: None,
            context: None,
            session: None,
            busy: false,
            message: None,
        };
    };
    let (busy, running) = match &session.phase {
        Phase::Starting { .. } | Phase::Stopping => (true, None),
        Phase::Running(running) => (!state.pending.is_empty(), Some(running)),
    };
    Status {
        level: if running.is_some() { "session" } else { "offline" },
        mode: if running.is_some() { "run" } else { "gitops" },
        sandbox: Some("local"),
        context: running.map(|running| running.context.clone()),
        session: Some(session.name.clone()),
        busy,
        message: [&session.trouble, &session.source_trouble, &session.progress_message]
            .into_iter()
            .find_map(Clone::clone),
    }
}

fn send_status(state: &mut State) {
    let status = status(state);
    let value = serde_json::to_value(&status).ok();
    if value != state.last_status {
        state.client.notify_own(&status);
        state.last_status = value;
    }
}
