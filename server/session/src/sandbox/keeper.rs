//! The process that keeps a sandbox up after the command that asked for it has ended.
//!
//! `spawn` starts it and waits until the sandbox is ready, `run` is what it does, `down` ends it, and `add_flux` makes it
//! add Flux. It is asked to end over a loopback port, by whoever can read the secret beside the port's number: that is safe
//! where a process id is not, and the same on every operating system.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::Sandbox;
use super::control::{self, Answer, Control, Wish};
use super::error::{StartError, StartErrorKind};
use super::list::{self, Entry, SandboxState};
use super::process::Exit;
use super::start::{StartOptions, Step, start};
use super::state_directory::{StateDirectory, make_private_directory, open_private_file};

/// How long a keeper gets to end everything.
const DOWN_DEADLINE: Duration = Duration::from_secs(20);

/// How long it gets to add Flux: longer than that takes when it fails at its own deadline.
const FLUX_DEADLINE: Duration = Duration::from_mins(2);

/// A component that ends more often than this many times within the time below is not started again.
const RESTARTS: usize = 5;
const RESTARTS_WITHIN: Duration = Duration::from_mins(10);

/// What the keeper tells the process that spawned it, one JSON value a line on its standard output.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Message {
    Step(Step),
    Ready,
    Failed(StartError),
}

/// How a keeper is started: a program with the arguments that make it call [`run`].
#[derive(Clone, Debug)]
pub struct KeeperCommand {
    /// The program, usually this one.
    pub executable: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// Starts a keeper and waits until its sandbox is ready.
///
/// When the future is dropped before, the keeper gives the sandbox up.
pub async fn spawn(
    name: &str,
    state: &StateDirectory,
    command: KeeperCommand,
    progress: impl Fn(Step),
) -> Result<Entry, StartError> {
    let log = log_file(state, name);
    let io = |error: io::Error| StartError::state(&log, &error);
    make_private_directory(state.path()).map_err(io)?;
    make_private_directory(&state.logs()).map_err(io)?;
    let errors = open_private_file(
        &log,
        std::fs::OpenOptions::new().write(true).create(true).truncate(true),
    )
    .map_err(io)?;
    let mut child = tokio::process::Command::new(&command.executable);
    child
        .args(&command.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors);
    // What a terminal tells its foreground processes is not for the keeper.
    #[cfg(unix)]
    child.process_group(0);
    // DETACHED_PROCESS and CREATE_NEW_PROCESS_GROUP.
    #[cfg(windows)]
    child.creation_flags(0x0000_0008 | 0x0000_0200);
    let mut child = child.spawn().map_err(io)?;
    let Some(output) = child.stdout.take() else {
        return Err(io(io::Error::other("the keeper has no output")));
    };
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(Message::Step(step)) => progress(step),
            Ok(Message::Failed(error)) => return Err(error),
            Ok(Message::Ready) => return entry(state, name),
            Err(error) => tracing::debug!(%error, line, "a line of the keeper's is no message"),
        }
    }
    Err(StartError {
        kind: StartErrorKind::Component,
        component: None,
        message: format!("the process that keeps the sandbox ended; its log is {log}"),
        log_tail: super::logs::tail(&log),
    })
}

/// Starts a sandbox and keeps it until [`down`] or a signal ends it. The body of the hidden command.
pub async fn run(options: StartOptions) -> Result<(), StartError> {
    // Whoever has a terminal open when the sandbox is started may close it.
    let mut end = EndSignals::listen();
    // Whoever asked for the sandbox may have been interrupted; then nobody wants it any more.
    let nobody_waits = Notify::new();
    let starting = start(options, |step| {
        if tell(&Message::Step(step)).is_err() {
            nobody_waits.notify_one();
        }
    });
    let started = tokio::select! {
        started = starting => started,
        () = nobody_waits.notified() => return Ok(()),
        () = end.wait() => return Ok(()),
    };
    let sandbox = match started {
        Ok(sandbox) => sandbox,
        Err(error) => {
            let _ = tell(&Message::Failed(error.clone()));
            return Err(error);
        }
    };
    let directory = sandbox.directory().to_owned();
    let (listener, control) = match control::listen(&directory).await {
        Ok(listening) => listening,
        Err(error) => {
            let error = StartError::state(&directory, &error);
            let _ = tell(&Message::Failed(error.clone()));
            return Err(error);
        }
    };
    if tell(&Message::Ready).is_err() {
        tracing::info!("nobody waits for the sandbox any more");
        sandbox.stop().await;
        return Ok(());
    }
    keep(sandbox, &listener, &control, &mut end).await
}

async fn keep(
    mut sandbox: Sandbox,
    listener: &TcpListener,
    control: &Control,
    end: &mut EndSignals,
) -> Result<(), StartError> {
    let mut restarts: Vec<Instant> = Vec::new();
    loop {
        tokio::select! {
            exit = sandbox.next_exit() => restart(&mut sandbox, exit, &mut restarts).await?,
            (wish, mut stream) = control::wish(listener, control) => match wish {
                Wish::End => {
                    sandbox.stop().await;
                    control::answer(&mut stream, &Answer::Done).await;
                    control::hold_until_the_end(stream);
                    return Ok(());
                }
                Wish::AddFlux => {
                    let added = tokio::select! {
                        added = sandbox.add_flux() => added,
                        () = end.wait() => {
                            sandbox.stop().await;
                            return Ok(());
                        }
                    };
                    let answer = added.map_or_else(Answer::Failed, |()| Answer::Done);
                    control::answer(&mut stream, &answer).await;
                    restart_what_ended(&mut sandbox, &answer).await?;
                }
            },
            () = end.wait() => {
                sandbox.stop().await;
                return Ok(());
            }
        }
    }
}

async fn restart(sandbox: &mut Sandbox, exit: Exit, restarts: &mut Vec<Instant>) -> Result<(), StartError> {
    restarts.retain(|at| at.elapsed() < RESTARTS_WITHIN);
    restarts.push(Instant::now());
    tracing::warn!(component = %exit.component, status = exit.status, log = exit.log_tail.join("\n"), "a component ended");
    if restarts.len() > RESTARTS {
        return Err(StartError::from(exit));
    }
    sandbox.restart(exit.component).await
}

/// What ends while Flux is added is told by the answer and by nothing else.
async fn restart_what_ended(sandbox: &mut Sandbox, answer: &Answer) -> Result<(), StartError> {
    match answer {
        Answer::Failed(StartError {
            kind: StartErrorKind::Component,
            component: Some(component),
            ..
        }) if !component.is_flux() => sandbox.restart(*component).await,
        _ => Ok(()),
    }
}

/// Why a keeper did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is none with this name.
    #[error("no sandbox named {0} is running")]
    NotRunning(String),
    /// It belongs to the editor or command that started it, and ends with that, and only so.
    #[error(
        "the sandbox {name} belongs to a session (process {pid}), which alone can end or change it, or is just starting"
    )]
    NotKept {
        /// The sandbox.
        name: String,
        /// The owner, to be shown.
        pid: u32,
    },
    /// It did not do it in time, or could not be reached.
    #[error("the keeper of the sandbox {name} (process {pid}) does not answer: {error}")]
    NoAnswer {
        /// The sandbox.
        name: String,
        /// The keeper, to be shown.
        pid: u32,
        /// What happened.
        error: io::Error,
    },
    /// The state directory cannot be read.
    #[error("the state directory cannot be read: {0}")]
    State(#[from] io::Error),
    /// It tried, and this is what came of it. The sandbox is as it was before.
    #[error(transparent)]
    Failed(StartError),
}

/// Ends the sandbox `name` and waits until it is gone. The remains of one whose owner was killed are removed.
pub async fn down(state: &StateDirectory, name: &str) -> Result<(), AskError> {
    let entry = find(state, name)?;
    if entry.state == SandboxState::Stale {
        list::sweep(state)?;
        return Ok(());
    }
    ask(state, entry, Wish::End, DOWN_DEADLINE).await
}

/// Adds Flux to the sandbox `name`, if it is not there yet, and waits until its controllers are ready.
pub async fn add_flux(state: &StateDirectory, name: &str) -> Result<Entry, AskError> {
    let entry = find(state, name)?;
    if entry.state == SandboxState::Stale {
        return Err(AskError::NotRunning(name.to_owned()));
    }
    ask(state, entry, Wish::AddFlux, FLUX_DEADLINE).await?;
    find(state, name)
}

fn find(state: &StateDirectory, name: &str) -> Result<Entry, AskError> {
    list::list(state)?
        .into_iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| AskError::NotRunning(name.to_owned()))
}

async fn ask(state: &StateDirectory, entry: Entry, wish: Wish, deadline: Duration) -> Result<(), AskError> {
    let Some(control) = control::read(&state.sandboxes().join(&entry.name)) else {
        return Err(AskError::NotKept {
            name: entry.name,
            pid: entry.pid,
        });
    };
    let asking = async {
        let (answer, stream) = control::ask(&control, wish).await?;
        if wish == Wish::End {
            // The sandbox is gone when nothing of it runs any more, its keeper included.
            control::wait_for_the_end(stream).await;
        }
        Ok(answer)
    };
    let asked = tokio::time::timeout(deadline, asking).await;
    match asked.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(Answer::Done) => Ok(()),
        Ok(Answer::Failed(error)) => Err(AskError::Failed(error)),
        Err(error) => Err(AskError::NoAnswer {
            name: entry.name,
            pid: entry.pid,
            error,
        }),
    }
}

fn tell(message: &Message) -> io::Result<()> {
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, message)?;
    output.write_all(b"\n")?;
    output.flush()
}

fn entry(state: &StateDirectory, name: &str) -> Result<Entry, StartError> {
    list::list(state)
        .map_err(|error| StartError::state(state.path(), &error))?
        .into_iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| StartError::plain(StartErrorKind::State, format!("the sandbox {name} has ended already")))
}

/// What the keeper of `name` writes about itself.
fn log_file(state: &StateDirectory, name: &str) -> Utf8PathBuf {
    state.logs().join(format!("{name}.log"))
}

/// The signals that ask the keeper to end.
#[cfg(unix)]
struct EndSignals {
    signals: Vec<tokio::signal::unix::Signal>,
    /// Kept so that the hang-up of a terminal does not end the process.
    _hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl EndSignals {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self {
            signals: [SignalKind::terminate(), SignalKind::interrupt()]
                .into_iter()
                .filter_map(|kind| signal(kind).ok())
                .collect(),
            _hang_up: signal(SignalKind::hangup()).ok(),
        }
    }

    async fn wait(&mut self) {
        let received = self.signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        let received: Vec<_> = received.collect();
        if received.is_empty() {
            return std::future::pending().await;
        }
        futures::future::select_all(received).await;
    }
}

/// A detached process of Windows gets no such signals.
#[cfg(not(unix))]
struct EndSignals;

#[cfg(not(unix))]
impl EndSignals {
    fn listen() -> Self {
        Self
    }

    async fn wait(&mut self) {
        std::future::pending().await
    }
}
