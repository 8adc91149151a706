//! One process of the program, with a task that writes to it and two that read from it.

use std::process::Stdio;
use std::sync::Arc;

use camino::Utf8Path;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::message::{self, Message};

/// How many answers may wait for the keeper.
const ANSWERS: usize = 64;
/// How much of its last words is kept, in bytes.
const LONGEST_WORDS: usize = 200;

/// A process that runs. It is killed when this is dropped.
pub(super) struct Process {
    child: Child,
    requests: mpsc::Sender<Arc<[u8]>>,
    messages: mpsc::Receiver<Result<Message, String>>,
    last_words: JoinHandle<Option<String>>,
}

impl Process {
    /// Starts the program, and tells it `first` before anything else. `most` requests may be on their way to it at once.
    pub(super) fn start(program: &Utf8Path, first: Vec<Vec<u8>>, most: usize) -> Result<Self, String> {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env_clear()
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot be started ({program}): {error}"))?;
        let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("has no standard input and output".to_owned());
        };
        let (requests, to_write) = mpsc::channel(most);
        let (read, messages) = mpsc::channel(ANSWERS);
        tokio::spawn(write_requests(input, first, to_write));
        tokio::spawn(read_messages(output, read));
        Ok(Self {
            child,
            requests,
            messages,
            last_words: tokio::spawn(read_last_words(errors)),
        })
    }

    /// Sends a request, or says that this cannot be done any more.
    pub(super) fn send(&self, body: Arc<[u8]>) -> bool {
        self.requests.try_send(body).is_ok()
    }

    /// What it says next, or why there is nothing more. Can be dropped while it waits.
    pub(super) async fn next(&mut self) -> Result<Message, String> {
        match self.messages.recv().await {
            Some(message) => message,
            None => Err(String::new()),
        }
    }

    /// Why it has ended, after [`Process::next`] said that there is nothing more.
    pub(super) async fn cause_of_end(mut self) -> String {
        // It may have closed its output and go on.
        let _ = self.child.start_kill();
        let status = self.child.wait().await;
        match (self.last_words.await.ok().flatten(), status) {
            (Some(words), _) if words.contains("out of memory") || words.contains("cannot allocate memory") => {
                "needed more memory than it may have and was ended".to_owned()
            }
            (Some(words), _) => format!("has ended: {words}"),
            (None, Ok(status)) => format!("has ended ({status})"),
            (None, Err(error)) => format!("has ended: {error}"),
        }
    }
}

async fn write_requests(mut input: ChildStdin, first: Vec<Vec<u8>>, mut requests: mpsc::Receiver<Arc<[u8]>>) {
    for body in first {
        if message::write(&mut input, &body).await.is_err() {
            return;
        }
    }
    while let Some(body) = requests.recv().await {
        if message::write(&mut input, &body).await.is_err() {
            // Its end is seen where answers are read.
            return;
        }
    }
}

async fn read_messages(mut output: ChildStdout, sender: mpsc::Sender<Result<Message, String>>) {
    loop {
        let message = match message::read(&mut output).await {
            Ok(message) => Ok(message),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return,
            Err(error) => Err(format!("answers what cannot be read: {error}")),
        };
        let stop = message.is_err();
        if sender.send(message).await.is_err() || stop {
            return;
        }
    }
}

/// The first line with which Go ends a program. All else that it writes there, such as its stacks, is read and forgotten.
async fn read_last_words(errors: ChildStderr) -> Option<String> {
    let mut lines = BufReader::new(errors).split(b'\n');
    let mut words = None;
    while let Ok(Some(line)) = lines.next_segment().await {
        if words.is_none()
            && [&b"fatal error: "[..], b"panic: ", b"gitops-render: "]
                .iter()
                .any(|start| line.starts_with(start))
        {
            words = Some(String::from_utf8_lossy(&line).chars().take(LONGEST_WORDS).collect());
        }
    }
    words
}
