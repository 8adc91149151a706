//! yaml-language-server in our place: the same files, the same edits.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use camino::Utf8Path;
use serde_json::json;

use super::memory::{Memory, megabytes};
use super::open_files::largest;
use super::samples::milliseconds;
use super::settings::Settings;
use super::table::{Goal, Row};
use super::typing::{Taken, Typed, files, type_in};
use crate::client::{Client, Manners};
use crate::server::full_client;

/// How long it may take to say something about all open files.
const PATIENCE: Duration = Duration::from_mins(2);

/// Its rows. `ours` is what our server took with the same files, in the same order.
///
/// It checks the text alone, as ours does without a session: no schema is fetched.
pub fn measure(script: &Utf8Path, settings: &Settings, ours: &[Taken]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (typed, ours) in files().iter().zip(ours) {
        let peer = Peer::start(script);
        let uri = peer.open(typed.file, &typed.text);
        peer.wait_for(std::slice::from_ref(&uri));
        let changes = type_in(&peer.client, &uri, &few(typed), || {});
        let memory = Memory::of(peer.process.id());
        let (measured, ratio) = match &changes {
            Some(changes) => (changes.show(), changes.median() / ours.changes.median()),
            None => ("no answer within 60 s".to_owned(), f64::INFINITY),
        };
        rows.push(Row {
            work: format!("yaml-language-server: didChange → diagnostics, {}", typed.name),
            measured,
            against: format!("ours: {}", milliseconds(ours.changes.median())),
            ratio,
            goal: Goal::Shown,
        });
        rows.push(Row {
            work: "yaml-language-server: memory with that file open".to_owned(),
            measured: memory.show(),
            against: format!("ours: {}", ours.memory.show()),
            ratio: memory.now / ours.memory.now,
            goal: Goal::Shown,
        });
    }
    let peer = Peer::start(script);
    let files = largest(&settings.corpora);
    let uris: Vec<String> = files
        .iter()
        .map(|(path, text)| peer.open(path.as_str(), text))
        .collect();
    peer.wait_for(&uris);
    let memory = Memory::of(peer.process.id());
    let size = megabytes(files.iter().map(|(_, text)| text.len()).sum());
    rows.push(Row {
        work: format!(
            "yaml-language-server: memory with the {} largest corpus files open",
            files.len()
        ),
        measured: memory.show(),
        against: format!("their text: {size:.2} MB"),
        ratio: memory.now / size,
        goal: Goal::Shown,
    });
    rows
}

/// It waits a fifth of a second before it looks at a change, so that as many changes as ours gets would take minutes.
fn few(typed: &Typed) -> Typed {
    Typed {
        changes: 20,
        ..typed.clone()
    }
}

struct Peer {
    client: Client,
    process: Child,
}

impl Peer {
    fn start(script: &Utf8Path) -> Self {
        let mut process = Command::new("node")
            .arg(script)
            .arg("--stdio")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let (input, output) = (
            process.stdin.take().expect("piped"),
            process.stdout.take().expect("piped"),
        );
        let settings = json!({ "validate": true, "schemaStore": { "enable": false }, "kubernetesCRDStore": { "enable": false }, "schemas": {} });
        let client = Client::new(input, output, Manners { settings, choice: None });
        let params = json!({ "processId": std::process::id(), "rootUri": null, "capabilities": full_client() });
        client.request("initialize", params).expect("initialize is answered");
        client.notify("initialized", json!({}));
        Self { client, process }
    }

    fn open(&self, file: &str, text: &str) -> String {
        let uri = format!("file:///bench/{file}");
        self.client.notify(
            "textDocument/didOpen",
            json!({ "textDocument": { "uri": uri, "languageId": "yaml", "version": 1, "text": text } }),
        );
        uri
    }

    /// Waits until something is published about each of the files.
    fn wait_for(&self, uris: &[String]) {
        let mut missing: Vec<&String> = uris.iter().collect();
        let waited = self
            .client
            .log()
            .wait(crate::message_log::Mark::START, PATIENCE, |message| {
                if message["method"] == "textDocument/publishDiagnostics" {
                    missing.retain(|uri| message["params"]["uri"] != uri.as_str());
                }
                missing.is_empty().then_some(())
            });
        if waited.is_err() {
            eprintln!(
                "bench: yaml-language-server says nothing about {} of {} files within {} s",
                missing.len(),
                uris.len(),
                PATIENCE.as_secs()
            );
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
