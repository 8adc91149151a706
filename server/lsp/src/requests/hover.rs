//! `textDocument/hover`: how the object is on the sandbox, on its first line, its kind and its name.

use std::time::Duration;

use gitops_model::{Manifest, ObjectKey, Want, place};
use gitops_session::actions::standing;
use gitops_text::Span;
use gitops_yaml::FieldPath;
use ls_types::{Hover, HoverContents, HoverParams, MarkupContent, MarkupKind, Range};
use lsp_server::RequestId;
use serde_json::Value;

use super::Reply;
use crate::actions::{self, Arguments, Done, Subject, manifest_at, objects_of, subject};
use crate::event::{Event, TaskDone};
use crate::files::Files;
use crate::parsed::Parsed;
use crate::position::{inward, range};
use crate::state::State;

/// How long a hover may take: what comes later is of no use to anybody.
const LIMIT: Duration = Duration::from_secs(3);
/// How much of that the question may take which object a manifest has become; a build may be under way.
const BUILT_LIMIT: Duration = Duration::from_millis(1500);
/// How many objects that one manifest has become are told about.
const MAX_OBJECTS: usize = 3;

/// The hover at a position.
pub(super) fn hover(state: &State, request: RequestId, params: HoverParams) -> Reply {
    let Some((subject, key, range)) = hovered(state, &params) else {
        return Reply::Now(Ok(Value::Null));
    };
    let (inbox, markdown) = (state.inbox.clone(), state.abilities.markdown_hover);
    state.runtime.spawn(async move {
        let telling = tokio::time::timeout(LIMIT, told(&subject, key, markdown)).await;
        let text = telling.unwrap_or_default();
        let hover = text.map(|value| Hover {
            contents: HoverContents::Markup(MarkupContent {
                kind: if markdown {
                    MarkupKind::Markdown
                } else {
                    MarkupKind::PlainText
                },
                value,
            }),
            range: Some(range),
        });
        let done = Done {
            request: Some(request),
            result: Ok(serde_json::to_value(hover).unwrap_or_default()),
            show: None,
            changes: false,
            previewed: None,
        };
        let _ = inbox.send(Event::Task(TaskDone::Acted(done)));
    });
    Reply::Later
}

/// The object whose first line, kind or name is at the position of a hover, and where that is.
fn hovered(state: &State, params: &HoverParams) -> Option<(Subject, ObjectKey, Range)> {
    let at = &params.text_document_position_params;
    let file = state.files.get(&Files::name_of(&at.text_document.uri))?;
    let parsed = file.parsed.as_ref()?;
    let offset = parsed.text.offset(inward(at.position), state.encoding);
    let manifest = manifest_at(parsed, offset)?;
    let line = parsed.text.index().line_of(offset);
    let span = lines(parsed, manifest)
        .into_iter()
        .find(|span| parsed.text.index().line_of(span.start) == line)?;
    let arguments = Arguments {
        uri: Some(at.text_document.uri.clone()),
        position: Some(at.position),
        ..Arguments::default()
    };
    let subject = subject(state, &arguments).ok()?;
    Some((
        subject,
        ObjectKey::clone(&manifest.key),
        range(&parsed.text, span, state.encoding),
    ))
}

/// Where a hover tells something: the first line of an object, its kind, its name.
fn lines(parsed: &Parsed, manifest: &Manifest) -> Vec<Span> {
    let mut lines = vec![parsed.first_line(manifest), manifest.kind_span];
    if let Some(document) = parsed.parse.documents.get(manifest.document) {
        let mut name = FieldPath::new();
        name.push_key("metadata");
        name.push_key("name");
        let text = parsed.text.as_str();
        lines.push(place(document, text, &manifest.base, &name, Want::Value));
    }
    lines
}

async fn told(subject: &Subject, written: ObjectKey, markdown: bool) -> Option<String> {
    let built = tokio::time::timeout(BUILT_LIMIT, objects_of(subject)).await;
    let keys: Vec<ObjectKey> = match built {
        Ok(Ok(shown)) => shown.iter().map(|shown| shown.key.clone()).collect(),
        _ => vec![written],
    };
    let mut texts = Vec::new();
    for key in keys.iter().take(MAX_OBJECTS) {
        // Where the sandbox does not answer, diagnostics and the status say so.
        match standing(&subject.cluster, key).await {
            Ok(Some(standing)) => texts.push(actions::hover_text(&standing, markdown)),
            Ok(None) => texts.push(format!("{key} is not on the sandbox\n")),
            Err(_) => {}
        }
    }
    (!texts.is_empty()).then(|| texts.join("\n"))
}
