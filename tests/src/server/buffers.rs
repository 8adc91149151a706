//! What an editor does with files: open, type, save, close; and what others do to them behind its back.

use serde_json::{Value, json};

use super::TestServer;
use super::builder::{uri_of, write_file};
use crate::columns::{Encoding, range_of, slice};
use crate::message_log::Mark;

/// An open file.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// Its version, counted by the client.
    pub version: i64,
    /// Its text.
    pub text: String,
}

/// What was published about one file at one time.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Published {
    /// The version of the buffer that it is about.
    pub version: Option<i64>,
    /// The diagnostics, as the protocol has them.
    pub diagnostics: Vec<Value>,
}

impl Published {
    /// Each diagnostic as `severity code: message`.
    pub fn summary(&self) -> Vec<String> {
        self.diagnostics.iter().map(crate::show::headline).collect()
    }
}

impl TestServer {
    /// Opens a file of the workspace with what is on disk.
    pub fn open(&self, file: &str) {
        let path = self.workspace.join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        self.open_with(file, &text);
    }

    /// Opens a file with a text that need not be on disk.
    pub fn open_with(&self, file: &str, text: &str) {
        self.buffers().insert(
            file.to_owned(),
            Buffer {
                version: 1,
                text: text.to_owned(),
            },
        );
        self.client.notify(
            "textDocument/didOpen",
            json!({ "textDocument": { "uri": self.uri(file), "languageId": "yaml", "version": 1, "text": text } }),
        );
    }

    /// Whether a file is open.
    pub fn is_open(&self, file: &str) -> bool {
        self.buffers().contains_key(file)
    }

    /// The text of an open file.
    pub fn text(&self, file: &str) -> String {
        self.buffers()
            .get(file)
            .unwrap_or_else(|| panic!("{file} is not open"))
            .text
            .clone()
    }

    /// Replaces the only place where `find` stands by `put`, as one incremental change. Returns the new version.
    pub fn edit(&self, file: &str, find: &str, put: &str) -> i64 {
        let text = self.text(file);
        let start = text
            .find(find)
            .unwrap_or_else(|| panic!("{find:?} is not in {file}:\n{text}"));
        assert_eq!(
            text.rfind(find),
            Some(start),
            "{find:?} stands more than once in {file}"
        );
        let range = range_of(&text, start..start + find.len(), self.encoding);
        self.change(
            file,
            vec![json!({ "range": range, "text": put })],
            &text.replacen(find, put, 1),
        )
    }

    /// Replaces the whole text. Returns the new version.
    pub fn retype(&self, file: &str, text: &str) -> i64 {
        self.change(file, vec![json!({ "text": text })], text)
    }

    /// Sends changes as they are; `result` is the text that they should lead to. Returns the new version.
    pub fn change(&self, file: &str, changes: Vec<Value>, result: &str) -> i64 {
        let mut buffers = self.buffers();
        let buffer = buffers.get_mut(file).unwrap_or_else(|| panic!("{file} is not open"));
        buffer.version += 1;
        result.clone_into(&mut buffer.text);
        let version = buffer.version;
        // Sent under the lock, so that versions come in their order.
        self.client.notify(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": self.uri(file), "version": version }, "contentChanges": changes }),
        );
        version
    }

    /// Saves an open file: to disk, then tells the server. Returns the place in the log from which its verdicts come.
    pub fn save(&self, file: &str) -> Mark {
        write_file(&self.workspace.join(file), self.text(file));
        let mark = self.client.mark();
        self.client.notify(
            "textDocument/didSave",
            json!({ "textDocument": { "uri": self.uri(file) } }),
        );
        mark
    }

    /// Closes a file.
    pub fn close(&self, file: &str) {
        self.buffers().remove(file);
        self.client.notify(
            "textDocument/didClose",
            json!({ "textDocument": { "uri": self.uri(file) } }),
        );
    }

    /// Writes a file on disk alone, as another program does; nobody is told.
    pub fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        write_file(&self.workspace.join(file), content);
    }

    /// Removes a file from disk; nobody is told.
    pub fn remove(&self, file: &str) {
        let path = self.workspace.join(file);
        std::fs::remove_file(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Tells the server that files have changed on disk, as a client that watches does. Returns the place in the log before.
    pub fn watched(&self, files: &[&str]) -> Mark {
        let changes: Vec<Value> = files
            .iter()
            .map(|file| {
                let path = self.workspace.join(file);
                // 2 is a change and 3 a deletion; what is new is changed for all that the server cares.
                json!({ "uri": uri_of(&path), "type": if path.exists() { 2 } else { 3 } })
            })
            .collect();
        let mark = self.client.mark();
        self.client
            .notify("workspace/didChangeWatchedFiles", json!({ "changes": changes }));
        mark
    }

    /// What was published last about a file.
    pub fn diagnostics(&self, file: &str) -> Published {
        let uri = self.uri(file);
        self.client
            .log()
            .newest(|message| published(message, &uri))
            .unwrap_or_default()
    }

    /// Waits until something is published about a version of a file, and returns it.
    pub fn wait_for_version(&self, file: &str, version: i64) -> Published {
        self.wait_for_diagnostics(file, Mark::START, |published| published.version == Some(version))
    }

    /// Waits until something is published about a file after `since` for which `wanted` holds.
    pub fn wait_for_diagnostics(&self, file: &str, since: Mark, wanted: impl Fn(&Published) -> bool) -> Published {
        let uri = self.uri(file);
        self.client.wait(since, &format!("diagnostics of {file}"), |message| {
            published(message, &uri).filter(|published| wanted(published))
        })
    }

    /// The code lenses of a file: line from 0, title.
    pub fn lenses(&self, file: &str) -> Vec<(u64, String)> {
        let lenses = self
            .client
            .request(
                "textDocument/codeLens",
                json!({ "textDocument": { "uri": self.uri(file) } }),
            )
            .expect("lenses are answered");
        lenses
            .as_array()
            .expect("lenses are a list")
            .iter()
            .map(|lens| {
                (
                    lens["range"]["start"]["line"].as_u64().expect("a line"),
                    lens["command"]["title"].as_str().expect("a title").to_owned(),
                )
            })
            .collect()
    }

    /// The code actions for a range of a file.
    pub fn actions(&self, file: &str, range: &Value) -> Vec<Value> {
        let params =
            json!({ "textDocument": { "uri": self.uri(file) }, "range": range, "context": { "diagnostics": [] } });
        let actions = self
            .client
            .request("textDocument/codeAction", params)
            .expect("code actions are answered");
        actions.as_array().expect("code actions are a list").clone()
    }

    /// Does what the action with this title does: its edit is made in the buffer, its command is run.
    pub fn apply_action(&self, file: &str, range: &Value, title: &str) {
        let actions = self.actions(file, range);
        let titles: Vec<&str> = actions.iter().filter_map(|action| action["title"].as_str()).collect();
        let action = actions
            .iter()
            .find(|action| action["title"] == title)
            .unwrap_or_else(|| panic!("{title:?} is not offered, but {titles:?}"));
        if let Some(edit) = action.get("edit") {
            let edits = self.edits_of(file, edit);
            let text = self.text(file);
            let edited = with_edits(&text, &edits, self.encoding);
            self.retype(file, &edited);
        }
        if let Some(command) = action.get("command") {
            let argument = command["arguments"][0].clone();
            self.client
                .command(command["command"].as_str().expect("a command"), argument)
                .expect("the command of an action works");
        }
    }

    fn edits_of(&self, file: &str, edit: &Value) -> Vec<Value> {
        let uri = self.uri(file);
        if let Some(changes) = edit["documentChanges"].as_array() {
            let [change] = changes.as_slice() else {
                panic!("one file is edited, not {}", changes.len())
            };
            assert_eq!(change["textDocument"]["uri"], uri);
            assert_eq!(change["textDocument"]["version"], self.buffers()[file].version);
            return change["edits"].as_array().expect("edits").clone();
        }
        edit["changes"][&uri]
            .as_array()
            .unwrap_or_else(|| panic!("no edits of {uri} in {edit}"))
            .clone()
    }
}

fn published(message: &Value, uri: &str) -> Option<Published> {
    let params = (message["method"] == "textDocument/publishDiagnostics").then(|| &message["params"])?;
    (params["uri"].as_str()? == uri).then(|| Published {
        version: params["version"].as_i64(),
        diagnostics: params["diagnostics"].as_array().cloned().unwrap_or_default(),
    })
}

/// A text with edits of the protocol made in it: they do not overlap, and all are about the text as it was.
fn with_edits(text: &str, edits: &[Value], encoding: Encoding) -> String {
    let mut edits: Vec<(usize, usize, &str)> = edits
        .iter()
        .map(|edit| {
            let start = crate::columns::offset_of(text, &edit["range"]["start"], encoding);
            (
                start,
                start + slice(text, &edit["range"], encoding).len(),
                edit["newText"].as_str().expect("a text"),
            )
        })
        .collect();
    edits.sort_by_key(|(start, _, _)| *start);
    let mut edited = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        edited.replace_range(start..end, new);
    }
    edited
}
