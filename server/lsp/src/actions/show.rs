//! Having the client show a text, for clients that run a command and do nothing with what it answers.

use camino::Utf8Path;
use ls_types::notification::ShowMessage;
use ls_types::request::ShowDocument;
use ls_types::{MessageType, ShowDocumentParams, ShowMessageParams, Uri};
use serde_json::Value;

use super::Action;
use crate::state::{Asked, State};

/// How many lines a message has, where the client can show no document.
const MAX_LINES: usize = 40;

/// How a client can be made to show something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// It asks the server for the text of a document by its name.
    Content,
    /// It opens files.
    File,
    /// It shows messages.
    Message,
}

/// The file for what a save would change.
pub(super) const PREVIEW: &str = "preview.txt";

/// The file for what an action brings.
pub(super) fn file_of(action: Action) -> &'static str {
    match action {
        Action::ShowRendered => "rendered.yaml",
        Action::DiffLive => "live.diff",
        _ => "events.txt",
    }
}

/// What is to be shown.
pub(crate) enum Page {
    /// A document that the client can open.
    Document(Uri),
    /// A text.
    Message(String),
}

/// The best way that this client has.
pub(super) fn way(state: &State) -> Way {
    match (state.abilities.show_document, state.abilities.document_content) {
        (true, true) => Way::Content,
        (true, false) => Way::File,
        (false, _) => Way::Message,
    }
}

/// Makes what is to be shown of a result; `directory` is the session's own.
pub(super) async fn page(name: &str, result: &Value, way: Way, directory: &Utf8Path) -> Option<Page> {
    let text = result.get("text").and_then(Value::as_str)?;
    let uri = result.get("uri").and_then(Value::as_str);
    match way {
        Way::Content if uri.is_some() => uri.and_then(|uri| uri.parse().ok()).map(Page::Document),
        Way::Content | Way::File => file(name, text, directory).await.map(Page::Document),
        Way::Message => Some(Page::Message(
            text.lines().take(MAX_LINES).collect::<Vec<_>>().join("\n"),
        )),
    }
}

/// The text as a file of the session's own directory, which goes with the session. One file per command: the newest
/// counts, and an editor that has it open shows the new text.
async fn file(name: &str, text: &str, directory: &Utf8Path) -> Option<Uri> {
    let directory = directory.join("shown");
    tokio::fs::create_dir_all(&directory).await.ok()?;
    let path = directory.join(name);
    tokio::fs::write(&path, text).await.ok()?;
    Uri::from_file_path(&path)
}

/// Shows it.
pub(super) fn show(state: &mut State, page: Page) {
    match page {
        Page::Document(uri) => {
            let id = state.next_request(Asked::Nothing);
            state.client.request::<ShowDocument>(
                id,
                ShowDocumentParams {
                    uri,
                    external: Some(false),
                    take_focus: Some(true),
                    selection: None,
                },
            );
        }
        Page::Message(message) => state.client.notify::<ShowMessage>(ShowMessageParams {
            typ: MessageType::INFO,
            message,
        }),
    }
}
