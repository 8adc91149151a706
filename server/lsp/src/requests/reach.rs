//! Which clusters, Kustomizations and overlays a file is a part of, in a lens and behind what a session says about it.

use camino::Utf8Path;
use gitops_model::{FileRole, Finding, Reach, Source, file_role};
use gitops_text::Span;
use ls_types::{CodeLens, Command};

use crate::files::File;
use crate::parsed::Parsed;
use crate::position::range;
use crate::session::Session;
use crate::state::State;

/// How long the words of a lens are at most, in characters.
const LONGEST: usize = 160;

/// What each file reaches was found out: what was said before that may hold for one entry alone.
pub(crate) fn on_reached(state: &mut State, number: u64, reach: Reach) {
    let Some(session) = state.sessions.get_mut(&number) else {
        return;
    };
    let root = session.root.clone();
    let Some(building) = &mut session.building else { return };
    building.reach = reach;
    for name in state.files.under(&root) {
        if state.ledger.of_file(&name).next().is_some() {
            state.ledger.touch(&name);
        }
    }
    state.lenses_changed = true;
}

/// The lens of a file that is a part of several clusters, Kustomizations or overlays; a kustomization has it always.
pub(super) fn lens(state: &State, session: Option<&Session>, file: &File, parsed: &Parsed) -> Option<CodeLens> {
    let path = inside(session, file)?;
    let reach = &session?.building.as_ref()?.reach;
    let is_kustomization = file_role(&path) == FileRole::Kustomization;
    let ways = reach.of(&path).count();
    if ways == 0 || (ways == 1 && !is_kustomization) {
        return None;
    }
    let words = reach.in_words(&path);
    let mut title: String = words.chars().take(LONGEST).collect();
    if words.chars().count() > LONGEST {
        title.push('…');
    }
    let first = parsed.manifests().next().map(|manifest| parsed.first_line(manifest));
    let at = first.unwrap_or_else(|| first_content(parsed));
    Some(CodeLens {
        range: range(&parsed.text, at, state.encoding),
        command: Some(Command {
            title: format!("reaches {title}"),
            command: "gitops.mode".to_owned(),
            arguments: None,
        }),
        data: None,
    })
}

/// Where the first document of a file that holds no objects begins.
fn first_content(parsed: &Parsed) -> Span {
    let document = parsed.parse.documents.first();
    let root = document.and_then(|document| document.root(parsed.text.as_str()));
    let first = root.and_then(|root| root.entries().next());
    first.map_or(Span::new(0, 0), |(key, _)| key.span())
}

fn inside(session: Option<&Session>, file: &File) -> Option<String> {
    let path = file.path.as_ref()?.strip_prefix(&session?.root).ok()?;
    Some(path.to_string())
}

/// For which entry a finding of a session holds, where its file is a part of others, too: `(in clusters/east)`.
pub(crate) fn holds_for(state: &State, name: &str, finding: &Finding) -> Option<String> {
    let of_session = matches!(
        finding.code.source,
        Source::Render | Source::Apply | Source::Flux | Source::Runtime
    );
    if !of_session {
        return None;
    }
    let (_, session) = state.session_of(Some(&name.into()))?;
    let path = Utf8Path::new(name).strip_prefix(&session.root).ok()?;
    let entries = session.building.as_ref()?.reach.entries(path.as_str());
    let target = session.relative_target();
    (entries.len() > 1 && entries.contains(target.as_str())).then(|| format!(" (in {target})"))
}
