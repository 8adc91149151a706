//! `textDocument/codeAction`: what can be done about the findings under the cursor.

use std::collections::HashMap;

use gitops_model::{Finding, Fix, FixKind};
use gitops_text::Text;
use ls_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, Command, DocumentChanges, OneOf,
    OptionalVersionedTextDocumentIdentifier, Range, TextDocumentEdit, TextEdit, WorkspaceEdit,
};
use serde_json::json;

use crate::files::{File, Files};
use crate::position::range;
use crate::publish;
use crate::state::State;

/// The actions for a range.
pub(crate) fn code_actions(state: &State, params: &CodeActionParams) -> Vec<CodeActionOrCommand> {
    let name = Files::name_of(&params.text_document.uri);
    let Some(file) = state.files.get(&name) else {
        return Vec::new();
    };
    let Some(text) = file.text() else { return Vec::new() };
    let wanted = params.context.only.as_deref();
    if wanted.is_some_and(|only| {
        !only
            .iter()
            .any(|kind| *kind == CodeActionKind::QUICKFIX || *kind == CodeActionKind::EMPTY)
    }) {
        return Vec::new();
    }
    state
        .ledger
        .of_file(&name)
        .filter(|finding| touches(range(text, finding.span, state.encoding), params.range))
        .flat_map(|finding| {
            finding
                .fixes
                .iter()
                .filter_map(|fix| action(state, file, text, finding, fix))
        })
        .map(CodeActionOrCommand::CodeAction)
        .collect()
}

fn touches(a: Range, b: Range) -> bool {
    a.start <= b.end && b.start <= a.end
}

fn action(state: &State, file: &File, text: &Text, finding: &Finding, fix: &Fix) -> Option<CodeAction> {
    let mut action = CodeAction {
        title: fix.title.clone(),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![publish::diagnostic(state, &file.uri, text, finding)]),
        is_preferred: fix.preferred.then_some(true),
        ..CodeAction::default()
    };
    match &fix.kind {
        FixKind::Edit(edits) => {
            let edits: Vec<TextEdit> = edits
                .iter()
                .map(|(span, new_text)| TextEdit {
                    range: range(text, *span, state.encoding),
                    new_text: new_text.clone(),
                })
                .collect();
            action.edit = Some(workspace_edit(state, file, edits));
        }
        FixKind::TakeOver | FixKind::Recreate => {
            let key = finding.object.as_ref()?;
            let how = if fix.kind == FixKind::TakeOver {
                "take-over"
            } else {
                "recreate"
            };
            let object = json!({ "apiVersion": key.gvk.api_version(), "kind": key.gvk.kind, "namespace": key.namespace, "name": key.name });
            action.command = Some(Command {
                title: fix.title.clone(),
                command: "gitops.apply".to_owned(),
                arguments: Some(vec![
                    json!({ "uri": file.uri.as_str(), "object": object, "force": how }),
                ]),
            });
        }
    }
    Some(action)
}

/// Edits of one version of the file, so that a client refuses them for another.
fn workspace_edit(state: &State, file: &File, edits: Vec<TextEdit>) -> WorkspaceEdit {
    if state.abilities.versioned_edits {
        let text_document = OptionalVersionedTextDocumentIdentifier {
            uri: file.uri.clone(),
            version: file.version,
        };
        let edits = edits.into_iter().map(OneOf::Left).collect();
        WorkspaceEdit {
            document_changes: Some(DocumentChanges::Edits(vec![TextDocumentEdit { text_document, edits }])),
            ..WorkspaceEdit::default()
        }
    } else {
        WorkspaceEdit {
            changes: Some(HashMap::from([(file.uri.clone(), edits)])),
            ..WorkspaceEdit::default()
        }
    }
}
