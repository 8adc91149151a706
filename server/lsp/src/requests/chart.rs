//! The lens of a Helm chart that is the target itself, in its `Chart.yaml` and in the values files that it is installed with.

use gitops_text::Span;
use ls_types::{CodeLens, Command};

use super::code_lens::{start_command, title};
use crate::files::{File, Judged};
use crate::parsed::Parsed;
use crate::position::range;
use crate::session::{Phase, Session};
use crate::state::State;
use crate::target::{CHART_FILE, TargetKind};

/// How the chart is, or what begins a session.
pub(super) fn lens(state: &State, session: Option<&Session>, file: &File, parsed: &Parsed) -> Option<CodeLens> {
    let path = file.path.as_ref()?;
    let command = match session {
        None if path.file_name() == Some(CHART_FILE) => start_command(state, Some(path))?,
        None => return None,
        Some(session) => {
            let (is_chart, chart_file) = (session.kind == TargetKind::Chart, session.target.join(CHART_FILE));
            let is_values = session.values_files.iter().any(|file| session.root.join(file) == *path);
            if !is_chart || !(is_values || *path == chart_file) {
                return None;
            }
            let of_chart = |judged: &&Judged| judged.manifest.key.gvk.kind == "Chart";
            let file = state.files.get(chart_file.as_str());
            let judged = file.and_then(|file| file.objects.iter().find(of_chart));
            Command {
                title: state_of(session, judged),
                command: "gitops.mode".to_owned(),
                arguments: None,
            }
        }
    };
    Some(CodeLens {
        range: range(&parsed.text, Span::empty(0), state.encoding),
        command: Some(command),
        data: None,
    })
}

fn state_of(session: &Session, judged: Option<&Judged>) -> String {
    let building = session
        .building
        .as_ref()
        .filter(|_| matches!(session.phase, Phase::Running(_)));
    let (Some(building), Some(judged)) = (building, judged) else {
        return "… the chart is being rendered".to_owned();
    };
    if building.is_broken {
        return "✗ cannot be rendered".to_owned();
    }
    let count = building.objects.len();
    let title = title(Some(session), Some(judged), &judged.manifest, false);
    let objects = if count == 1 { "object" } else { "objects" };
    format!("{title} · {count} {objects}")
}
