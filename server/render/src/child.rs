//! The renderer as a process of ours, asked over its standard input and output.

use std::collections::BTreeMap;
use std::process::Stdio;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use camino::Utf8PathBuf;
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child as Process, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};

use crate::{Built, Gone, Helm, Kustomize, Renderer};

/// How long one request may take when nothing else is said.
const LIMIT: Duration = Duration::from_secs(10);
/// How large an answer may be, in bytes.
const LARGEST_ANSWER: u32 = 1 << 30;
/// How many requests may wait for the process.
const QUEUE: usize = 64;

/// The program `gitops-render`, started for the first request and again when it has died, is stuck, or was ended for taking
/// too long. It ends with us: its standard input is ours.
pub struct Child {
    requests: mpsc::Sender<Request>,
    next: AtomicU64,
    limit: Duration,
}

/// Files of a tree.
type Files = BTreeMap<String, Option<String>>;

struct Request {
    id: u64,
    body: Vec<u8>,
    /// What it changes, to be sent again to the next process.
    change: Option<(String, Files)>,
    answer: oneshot::Sender<Result<Value, Gone>>,
}

impl Child {
    /// A renderer whose program is at a path. Must be called on a tokio runtime.
    pub fn new(program: Utf8PathBuf) -> Self {
        Self::with_limit(program, LIMIT)
    }

    /// The same, with another limit for the time of a request.
    pub fn with_limit(program: Utf8PathBuf, limit: Duration) -> Self {
        let (requests, received) = mpsc::channel(QUEUE);
        tokio::spawn(Keeper::new(program).run(received, limit));
        Self {
            requests,
            next: AtomicU64::new(1),
            limit,
        }
    }

    async fn ask(&self, op: &str, body: impl Serialize, change: Option<(String, Files)>) -> Result<Value, Gone> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut body = serde_json::to_value(body).map_err(|error| gone(&error.to_string()))?;
        if let Some(entries) = body.as_object_mut() {
            entries.insert("id".to_owned(), json!(id));
            entries.insert("op".to_owned(), json!(op));
        }
        let body = serde_json::to_vec(&body).map_err(|error| gone(&error.to_string()))?;
        let (answer, answered) = oneshot::channel();
        let request = Request {
            id,
            body,
            change,
            answer,
        };
        let ended = || gone("has ended with the server");
        self.requests.send(request).await.map_err(|_| ended())?;
        // The keeper answers within the limit; somewhat more is for one that does not.
        match tokio::time::timeout(self.limit * 3, answered).await {
            Ok(answer) => answer.map_err(|_| ended())?,
            Err(_) => Err(gone("does not answer")),
        }
    }

    async fn build(&self, op: &str, body: impl Serialize) -> Result<Built, Gone> {
        let answer = self.ask(op, body, None).await?;
        serde_json::from_value(answer).map_err(|error| gone(&format!("answers what cannot be read: {error}")))
    }
}

impl Renderer for Child {
    fn change<'a>(&'a self, tree: &'a str, files: Files) -> BoxFuture<'a, Result<(), Gone>> {
        Box::pin(async move {
            let body = json!({ "tree": tree, "files": files });
            self.ask("change", body, Some((tree.to_owned(), files)))
                .await
                .map(|_| ())
        })
    }

    fn kustomize<'a>(&'a self, request: &'a Kustomize) -> BoxFuture<'a, Result<Built, Gone>> {
        Box::pin(self.build("kustomize", request))
    }

    fn helm<'a>(&'a self, request: &'a Helm) -> BoxFuture<'a, Result<Built, Gone>> {
        Box::pin(self.build("helm", request))
    }
}

fn gone(reason: &str) -> Gone {
    Gone {
        reason: reason.to_owned(),
    }
}

/// Owns the process, and what it must be told when it is started anew.
struct Keeper {
    program: Utf8PathBuf,
    trees: BTreeMap<String, BTreeMap<String, String>>,
}

/// A process that runs.
struct Running {
    process: Process,
    input: ChildStdin,
    answers: mpsc::Receiver<Result<Value, String>>,
}

type Waiting = BTreeMap<u64, (tokio::time::Instant, oneshot::Sender<Result<Value, Gone>>)>;

impl Keeper {
    fn new(program: Utf8PathBuf) -> Self {
        Self {
            program,
            trees: BTreeMap::new(),
        }
    }

    async fn run(mut self, mut requests: mpsc::Receiver<Request>, limit: Duration) {
        let mut running: Option<Running> = None;
        let mut waiting: Waiting = BTreeMap::new();
        loop {
            let deadline = waiting.values().map(|(deadline, _)| *deadline).min();
            tokio::select! {
                biased;
                answer = next_answer(&mut running) => match answer {
                    Ok(answer) => deliver(&mut waiting, answer),
                    Err(reason) => {
                        running = None;
                        fail_all(&mut waiting, &reason);
                    }
                },
                () = until(deadline) => {
                    // Which request keeps it busy cannot be told: all of them fail, and the process goes.
                    running = None;
                    fail_all(&mut waiting, &format!("took longer than {} s and was ended", limit.as_secs_f64()));
                }
                request = requests.recv() => {
                    let Some(request) = request else { return };
                    if running.is_none() {
                        match self.start().await {
                            Ok(started) => running = Some(started),
                            Err(reason) => {
                                self.remember(request.change);
                                let _ = request.answer.send(Err(gone(&reason)));
                                continue;
                            }
                        }
                    }
                    self.remember(request.change);
                    let Some(process) = &mut running else { continue };
                    waiting.insert(request.id, (tokio::time::Instant::now() + limit, request.answer));
                    if let Err(error) = send(&mut process.input, &request.body).await {
                        running = None;
                        fail_all(&mut waiting, &format!("has ended: {error}"));
                    }
                }
            }
        }
    }

    fn remember(&mut self, change: Option<(String, Files)>) {
        let Some((tree, files)) = change else { return };
        let known = self.trees.entry(tree).or_default();
        for (path, content) in files {
            match content {
                Some(content) => known.insert(path, content),
                None => known.remove(&path),
            };
        }
    }

    /// Starts the program and tells it all trees.
    async fn start(&self) -> Result<Running, String> {
        let mut process = Command::new(&self.program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .env_clear()
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot be started ({}): {error}", self.program))?;
        let (Some(mut input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("has no standard input and output".to_owned());
        };
        let (sender, answers) = mpsc::channel(QUEUE);
        tokio::spawn(read_answers(output, sender));
        for (tree, files) in &self.trees {
            let body = json!({ "id": 0, "op": "change", "tree": tree, "files": files });
            let body = serde_json::to_vec(&body).map_err(|error| error.to_string())?;
            send(&mut input, &body)
                .await
                .map_err(|error| format!("has ended: {error}"))?;
        }
        Ok(Running {
            process,
            input,
            answers,
        })
    }
}

async fn next_answer(running: &mut Option<Running>) -> Result<Value, String> {
    let Some(running) = running else {
        return std::future::pending().await;
    };
    match running.answers.recv().await {
        Some(answer) => answer,
        None => Err(match running.process.wait().await {
            Ok(status) => format!("has ended ({status})"),
            Err(error) => format!("has ended: {error}"),
        }),
    }
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn send(input: &mut ChildStdin, body: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(body.len()).map_err(|_| std::io::Error::other("the request is too large"))?;
    input.write_all(&length.to_be_bytes()).await?;
    input.write_all(body).await?;
    input.flush().await
}

async fn read_answers(mut output: ChildStdout, sender: mpsc::Sender<Result<Value, String>>) {
    loop {
        let answer = match read_answer(&mut output).await {
            Ok(answer) => Ok(answer),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return,
            Err(error) => Err(format!("answers what cannot be read: {error}")),
        };
        let stop = answer.is_err();
        if sender.send(answer).await.is_err() || stop {
            return;
        }
    }
}

async fn read_answer(output: &mut ChildStdout) -> std::io::Result<Value> {
    let mut length = [0; 4];
    output.read_exact(&mut length).await?;
    let length = u32::from_be_bytes(length);
    if length > LARGEST_ANSWER {
        return Err(std::io::Error::other(format!("{length} bytes are too many")));
    }
    let mut body = vec![0; length as usize];
    output.read_exact(&mut body).await?;
    serde_json::from_slice(&body).map_err(std::io::Error::other)
}

fn deliver(waiting: &mut Waiting, mut answer: Value) {
    // That a request is being worked on is no answer yet.
    if answer.get("answer").is_none() && answer.get("error").is_none() {
        return;
    }
    let id = answer.get("id").and_then(Value::as_u64).unwrap_or_default();
    let Some((_, sender)) = waiting.remove(&id) else { return };
    let result = match answer.get("error").and_then(Value::as_str) {
        Some(error) => Err(gone(&format!("refuses the request: {error}"))),
        None => Ok(answer.get_mut("answer").map(Value::take).unwrap_or_default()),
    };
    // Whoever asked may have gone on.
    let _ = sender.send(result);
}

fn fail_all(waiting: &mut Waiting, reason: &str) {
    for (_, (_, sender)) in std::mem::take(waiting) {
        let _ = sender.send(Err(gone(reason)));
    }
}
