//! The demo's editor: opens, types, saves and reads as a person does, over the real server's standard input and output.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};
use gitops_tests::client::{Client, Manners};
use gitops_tests::columns::{Encoding, offset_of, position_of, range_of};
use gitops_tests::message_log::{Mark, NotSaid, PATIENCE};
use gitops_tests::server::{asking_no_registries, full_client, uri_of};
use serde_json::{Value, json};

/// How long the server may take to end after it was told to: product.md promises 5 s, a busy machine gets more.
const END_WITHIN: Duration = Duration::from_secs(20);

/// An editor with one folder open.
pub(crate) struct Editor {
    client: Client,
    process: Child,
    workspace: Utf8PathBuf,
    log: Utf8PathBuf,
    encoding: Encoding,
    buffers: BTreeMap<String, Buffer>,
    applied_by: Applier,
}

/// Who applies what is saved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Applier {
    /// The session itself.
    Session,
    /// The Flux of its sandbox.
    Flux,
}

struct Buffer {
    version: i64,
    text: String,
}

/// A `gitops/verdict`.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Verdict {
    /// Whether nothing in the file was refused.
    pub(crate) ok: bool,
    /// Milliseconds since the server had read that the file was saved.
    pub(crate) milliseconds: f64,
    /// Which objects of Flux have failed, and its reasons.
    pub(crate) failed: Vec<String>,
}

/// Both answers to one save.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Verdicts {
    /// The fast one, for which nothing is written.
    pub(crate) dry_run: Verdict,
    /// What applying brought.
    pub(crate) apply: Verdict,
}

impl Editor {
    /// Starts `gitops-lsp` and opens the folder. What the server logs goes to `log`.
    pub(crate) fn open_folder(server: &Utf8Path, workspace: &Utf8Path, log: &Utf8Path) -> anyhow::Result<Self> {
        let errors = File::create(log).with_context(|| log.to_string())?;
        let mut process = Command::new(server)
            .current_dir(workspace)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .with_context(|| format!("{server} does not start"))?;
        let input = process.stdin.take().context("the server has no input")?;
        let output = process.stdout.take().context("the server has no output")?;
        let settings = asking_no_registries(json!({ "verdicts": true }));
        let manners = Manners {
            settings: settings.clone(),
            choice: None,
        };
        let mut editor = Self {
            client: Client::new(input, output, manners),
            process,
            workspace: workspace.to_owned(),
            log: log.to_owned(),
            encoding: Encoding::default(),
            buffers: BTreeMap::new(),
            applied_by: Applier::Session,
        };
        let root = uri_of(workspace);
        let initialized = editor.request(
            "initialize",
            json!({
                "processId": std::process::id(),
                "clientInfo": { "name": "gitops-lsp demo" },
                "rootUri": root,
                "workspaceFolders": [{ "uri": root, "name": workspace.file_name() }],
                "capabilities": full_client(),
                "initializationOptions": settings,
            }),
        )?;
        editor.encoding = Encoding::named(initialized["capabilities"]["positionEncoding"].as_str());
        editor.client.notify("initialized", json!({}));
        Ok(editor)
    }

    /// Starts a session on a target, calls `progress` with each step that the server names, and returns what the command answers.
    pub(crate) fn start_session(
        &mut self,
        target: &str,
        applied_by: Applier,
        mut progress: impl FnMut(&str),
    ) -> anyhow::Result<Value> {
        self.applied_by = applied_by;
        let mark = self.client.mark();
        let id = self.client.send_command(
            "gitops.session.start",
            json!({ "root": uri_of(&self.workspace), "target": target }),
        );
        self.wait(mark, "the start of the session", |message| {
            if message["method"] == "$/progress"
                && let Some(step) = message["params"]["value"]["message"].as_str()
            {
                progress(step);
            }
            answer(message, id)
        })?
    }

    /// Stops the session and returns what the command answers.
    pub(crate) fn stop_session(&self) -> anyhow::Result<Value> {
        self.request(
            "workspace/executeCommand",
            json!({ "command": "gitops.session.stop", "arguments": [] }),
        )
    }

    /// Who applies what is saved.
    pub(crate) fn applied_by(&self) -> Applier {
        self.applied_by
    }

    /// The end of what the server has said so far.
    pub(crate) fn mark(&self) -> Mark {
        self.client.mark()
    }

    /// Opens a file of the workspace.
    pub(crate) fn open(&mut self, file: &str) -> anyhow::Result<()> {
        if self.buffers.contains_key(file) {
            return Ok(());
        }
        let path = self.workspace.join(file);
        let text = std::fs::read_to_string(&path).with_context(|| path.to_string())?;
        let document = json!({ "uri": self.uri(file), "languageId": "yaml", "version": 1, "text": text });
        self.client
            .notify("textDocument/didOpen", json!({ "textDocument": document }));
        self.buffers.insert(file.to_owned(), Buffer { version: 1, text });
        Ok(())
    }

    /// The text of an open file.
    pub(crate) fn text(&self, file: &str) -> &str {
        self.buffers.get(file).map_or("", |buffer| &buffer.text)
    }

    /// Replaces one place of an open file, as one incremental change.
    pub(crate) fn replace(&mut self, file: &str, place: std::ops::Range<usize>, put: &str) -> anyhow::Result<()> {
        let uri = self.uri(file);
        let buffer = self
            .buffers
            .get_mut(file)
            .with_context(|| format!("{file} is not open"))?;
        let range = range_of(&buffer.text, place.clone(), self.encoding);
        buffer.text.replace_range(place, put);
        buffer.version += 1;
        self.client.notify(
            "textDocument/didChange",
            json!({
                "textDocument": { "uri": uri, "version": buffer.version },
                "contentChanges": [{ "range": range, "text": put }],
            }),
        );
        Ok(())
    }

    /// Replaces the whole text, as an undo over many changes does.
    pub(crate) fn retype(&mut self, file: &str, text: &str) -> anyhow::Result<()> {
        let whole = 0..self.text(file).len();
        self.replace(file, whole, text)
    }

    /// Saves, and waits for both answers.
    pub(crate) fn save(&self, file: &str) -> anyhow::Result<Verdicts> {
        let path = self.workspace.join(file);
        std::fs::write(&path, self.text(file)).with_context(|| path.to_string())?;
        let mark = self.client.mark();
        self.client.notify(
            "textDocument/didSave",
            json!({ "textDocument": { "uri": self.uri(file) } }),
        );
        self.verdicts(file, mark)
    }

    /// Waits for both answers about a file that come after `since`. In a Flux repository it is Flux that applies, and only
    /// what is accepted.
    pub(crate) fn verdicts(&self, file: &str, since: Mark) -> anyhow::Result<Verdicts> {
        let dry_run = self.verdict(file, "dry-run", since)?;
        let apply = match self.applied_by {
            Applier::Session => self.verdict(file, "apply", since)?,
            Applier::Flux if dry_run.ok => self.verdict(file, "flux", since)?,
            Applier::Flux => dry_run.clone(),
        };
        Ok(Verdicts { dry_run, apply })
    }

    /// Waits for one answer about a file that comes after `since`.
    pub(crate) fn verdict(&self, file: &str, phase: &str, since: Mark) -> anyhow::Result<Verdict> {
        let uri = self.uri(file);
        self.wait(since, &format!("the {phase} verdict on {file}"), |message| {
            let params = &message["params"];
            let wanted = message["method"] == "gitops/verdict" && params["uri"] == *uri && params["phase"] == phase;
            wanted.then(|| Verdict {
                ok: params["ok"] == true,
                milliseconds: params["ms"].as_f64().unwrap_or_default(),
                failed: serde_json::from_value(params["failed"].clone()).unwrap_or_default(),
            })
        })
    }

    /// What was published last about a file. What belongs to a verdict is published before it.
    pub(crate) fn diagnostics(&self, file: &str) -> Vec<Value> {
        let uri = self.uri(file);
        let newest = self.client.log().newest(|message| {
            let params = &message["params"];
            (message["method"] == "textDocument/publishDiagnostics" && params["uri"] == *uri)
                .then(|| params["diagnostics"].as_array().cloned().unwrap_or_default())
        });
        newest.unwrap_or_default()
    }

    /// The bytes of an open file that a range of the protocol covers.
    pub(crate) fn bytes_of(&self, file: &str, range: &Value) -> std::ops::Range<usize> {
        let text = self.text(file);
        offset_of(text, &range["start"], self.encoding)..offset_of(text, &range["end"], self.encoding)
    }

    /// The code actions at a range of a file, those about other diagnostics left out.
    pub(crate) fn actions(&self, file: &str, diagnostic: &Value) -> anyhow::Result<Vec<Value>> {
        let document = json!({ "uri": self.uri(file) });
        let context = json!({ "diagnostics": [diagnostic] });
        let actions = self.request(
            "textDocument/codeAction",
            json!({ "textDocument": document, "range": diagnostic["range"], "context": context }),
        )?;
        let actions = actions.as_array().cloned().unwrap_or_default();
        let about_it = |action: &Value| action["diagnostics"][0]["message"] == diagnostic["message"];
        Ok(actions.into_iter().filter(about_it).collect())
    }

    /// Does what an action does: makes its edits in the buffer, or runs its command. Says whether a save is left to do.
    pub(crate) fn act(&mut self, file: &str, action: &Value) -> anyhow::Result<bool> {
        if let Some(command) = action["command"]["command"].as_str() {
            let params = json!({ "command": command, "arguments": action["command"]["arguments"] });
            self.request("workspace/executeCommand", params)?;
            return Ok(false);
        }
        let edits = action["edit"]["documentChanges"][0]["edits"].as_array();
        let edits = edits.with_context(|| format!("the action {} has neither a command nor edits", action["title"]))?;
        let mut edits: Vec<_> = edits
            .iter()
            .map(|edit| {
                (
                    self.bytes_of(file, &edit["range"]),
                    edit["newText"].as_str().unwrap_or_default(),
                )
            })
            .collect();
        // All of them are about the text as it was, so the last one is made first.
        edits.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
        for (place, put) in edits {
            self.replace(file, place, put)?;
        }
        Ok(true)
    }

    /// The lens of the object whose first line is at or above a byte of the file; of the first one where none is above.
    pub(crate) fn lens(&self, file: &str, at: usize) -> anyhow::Result<String> {
        let document = json!({ "textDocument": { "uri": self.uri(file) } });
        let lenses = self.request("textDocument/codeLens", document)?;
        let line = position_of(self.text(file), at, self.encoding)["line"]
            .as_u64()
            .unwrap_or_default();
        let lenses = lenses.as_array().map(Vec::as_slice).unwrap_or_default();
        let line_of = |lens: &Value| lens["range"]["start"]["line"].as_u64().unwrap_or_default();
        let above = lenses.iter().map(line_of).rfind(|at| *at <= line);
        // Of several on one line the first one says how the object is.
        let lens = above
            .and_then(|at| lenses.iter().find(|lens| line_of(lens) == at))
            .or(lenses.first())
            .with_context(|| format!("{file} has no lens"))?;
        Ok(lens["command"]["title"].as_str().unwrap_or_default().to_owned())
    }

    /// Ends the server as an editor does, and waits for it.
    pub(crate) fn quit(mut self) -> anyhow::Result<()> {
        self.request("shutdown", Value::Null)?;
        self.client.notify("exit", Value::Null);
        let deadline = Instant::now() + END_WITHIN;
        // The standard library waits without a deadline or not at all.
        while Instant::now() < deadline {
            match self.process.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("the server ended with {status}; its log is {}", self.log),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        bail!(
            "the server did not end within {} s; its log is {}",
            END_WITHIN.as_secs(),
            self.log
        )
    }

    pub(crate) fn uri(&self, file: &str) -> String {
        uri_of(&self.workspace.join(file))
    }

    fn request(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        let id = self.client.send_request(method, params);
        self.wait(Mark::START, &format!("the answer to {method}"), |message| {
            answer(message, id)
        })?
    }

    fn wait<T>(&self, since: Mark, what: &str, look: impl FnMut(&Value) -> Option<T>) -> anyhow::Result<T> {
        self.client
            .log()
            .wait(since, PATIENCE, look)
            .map_err(|not_said| match not_said {
                NotSaid::TooLate => anyhow!(
                    "waited {} s for {what}; the server's log is {}",
                    PATIENCE.as_secs(),
                    self.log
                ),
                NotSaid::Closed => anyhow!("the server ended before {what}; its log is {}", self.log),
            })
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // After `quit` it has ended already. A server that is killed takes its sandbox with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The answer to a request, if the message is that.
fn answer(message: &Value, id: i64) -> Option<anyhow::Result<Value>> {
    let is_answer = message.get("method").is_none() && message["id"] == json!(id);
    is_answer.then(|| match message.get("error") {
        Some(error) => Err(anyhow!("{}", error["message"].as_str().unwrap_or("the server refused"))),
        None => Ok(message["result"].clone()),
    })
}
