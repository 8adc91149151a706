//! `textDocument/codeLens`: on each object its state in one glance.

use std::time::SystemTime;

use camino::Utf8PathBuf;
use gitops_model::Manifest;
use gitops_session::{Condition, Readiness};
use ls_types::{CodeLens, CodeLensParams, Command, Range, Uri};
use serde_json::{Value, json};

use super::{chart, reach};
use crate::built::Fluxing;
use crate::files::{Files, Judged, ObjectState};
use crate::position::range;
use crate::session::{Phase, Session};
use crate::state::State;
use crate::workload::is_simulated;

/// The lenses of one file.
pub(crate) fn code_lenses(state: &State, params: &CodeLensParams) -> Vec<CodeLens> {
    let name = Files::name_of(&params.text_document.uri);
    let Some(file) = state.files.get(&name) else {
        return Vec::new();
    };
    let Some(parsed) = file.parsed.as_ref().filter(|_| state.settings.lens.enabled) else {
        return Vec::new();
    };
    let session = state.session_of(file.path.as_ref()).map(|(_, session)| session);
    let mut lenses: Vec<CodeLens> = reach::lens(state, session, file, parsed).into_iter().collect();
    for (index, manifest) in parsed.manifests().enumerate() {
        let range = range(&parsed.text, parsed.first_line(manifest), state.encoding);
        let flux = session
            .and_then(|session| session.building.as_ref()?.flux.as_ref())
            .and_then(|flux| flux.condition(&manifest.key));
        let of_file = || {
            let left_out = file.left_out.contains(&manifest.key);
            title(session, file.judged(&manifest.key), manifest, left_out)
        };
        let title = flux.map_or_else(of_file, Fluxing::lens);
        let workload = session.and_then(|session| session.workload.as_ref());
        let title = match workload.and_then(|workload| workload.lens(&manifest.key)) {
            Some(trouble) if title.starts_with('✓') => trouble,
            _ if title.starts_with('✓') && is_simulated(&manifest.key) => format!("{title} · pods simulated"),
            _ => title,
        };
        lenses.push(CodeLens {
            range,
            command: Some(Command {
                title,
                command: "gitops.mode".to_owned(),
                arguments: None,
            }),
            data: None,
        });
        if let Some(condition) = flux {
            lenses.extend(actions(condition, &file.uri, range));
        }
        if index == 0
            && let Some(previewed) = &state.previewed
            && *previewed.name == *name
            && previewed.version == file.version
        {
            lenses.push(CodeLens {
                range,
                command: Some(Command {
                    title: previewed.title.clone(),
                    command: "gitops.preview".to_owned(),
                    arguments: Some(vec![json!({ "uri": file.uri.as_str(), "show": true })]),
                }),
                data: None,
            });
        }
        // Offered once per file, on its first object; a start is never anything but asked for.
        if index == 0
            && session.is_none()
            && let Some(start) = start_command(state, file.path.as_ref())
        {
            lenses.push(CodeLens {
                range,
                command: Some(start),
                data: None,
            });
        }
    }
    lenses.extend(chart::lens(state, session, file, parsed));
    lenses
}

/// What can be done with an object of Flux's.
fn actions(condition: &Condition, uri: &Uri, range: Range) -> impl Iterator<Item = CodeLens> {
    let suspended = condition.readiness == Readiness::Suspended;
    let first = if suspended {
        [("Resume", "gitops.resume")].as_slice()
    } else {
        &[("Reconcile", "gitops.reconcile"), ("Suspend", "gitops.suspend")]
    };
    let others = [
        ("Diff with live", "gitops.diffLive"),
        ("Show rendered", "gitops.showRendered"),
        ("Events", "gitops.events"),
    ];
    let argument = json!({ "uri": uri.as_str(), "position": range.start, "show": true });
    first
        .iter()
        .copied()
        .chain(others)
        .map(move |(title, command)| CodeLens {
            range,
            command: Some(Command {
                title: title.to_owned(),
                command: command.to_owned(),
                arguments: Some(vec![argument.clone()]),
            }),
            data: None,
        })
}

pub(super) fn start_command(state: &State, path: Option<&Utf8PathBuf>) -> Option<Command> {
    let path = path?;
    let folder = state
        .folders
        .iter()
        .filter(|folder| path.starts_with(folder))
        .max_by_key(|folder| folder.as_str().len())?;
    let uri = ls_types::Uri::from_file_path(folder)?;
    Some(Command {
        title: "▶ Start session".to_owned(),
        command: "gitops.session.start".to_owned(),
        arguments: Some(vec![json!({ "root": Value::String(uri.as_str().to_owned()) })]),
    })
}

pub(super) fn title(session: Option<&Session>, judged: Option<&Judged>, manifest: &Manifest, left_out: bool) -> String {
    let Some(session) = session else {
        return "not in session".to_owned();
    };
    match &session.phase {
        Phase::Starting { .. } => return "… the sandbox is starting".to_owned(),
        Phase::Stopping => return "… the session is stopping".to_owned(),
        Phase::Running(_) => {}
    }
    if manifest.key.name.is_empty() && judged.is_none() {
        return "not sent: it has no name".to_owned();
    }
    let Some(judged) = judged else {
        return if left_out {
            "✗ not sent: it is too large"
        } else {
            "not saved yet in this session"
        }
        .to_owned();
    };
    let Some(state) = &judged.state else {
        return "not saved yet in this session".to_owned();
    };
    match state {
        ObjectState::Sent => "… applying".to_owned(),
        ObjectState::Accepted => "✓ accepted · dry run only".to_owned(),
        ObjectState::Applied(at) => format!("✓ applied · {}", age(*at)),
        ObjectState::Rejected(1) => "✗ rejected: 1 problem".to_owned(),
        ObjectState::Rejected(problems) => format!("✗ rejected: {problems} problems"),
        ObjectState::Unreachable(_) => "… the cluster does not answer".to_owned(),
    }
}

/// `4 s ago`, in the largest unit that is not zero.
pub(crate) fn age(since: SystemTime) -> String {
    let seconds = SystemTime::now().duration_since(since).unwrap_or_default().as_secs();
    match seconds {
        0 => "just now".to_owned(),
        1..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}
