//! A session as the main loop sees it, and the task that owns its sandbox.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use gitops_cluster::Cluster;
use gitops_cluster::kube::config::{KubeConfigOptions, Kubeconfig};
use gitops_cluster::kube::{Client, Config};
use gitops_session::actions::resume_all;
use gitops_session::sandbox::{
    self, Bundle, Sandbox, SandboxState, StartErrorKind, StartOptions, StateDirectory, Step,
};
use gitops_session::{Live, Stopped};
use lsp_server::RequestId;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use crate::built::Building;
use crate::event::{Event, Inbox, SessionEvent, Started};
use crate::parsed::Parsed;
use crate::target::TargetKind;
use crate::workload::Workload;

/// How often a component that ends by itself is started again within [`RESTART_WINDOW`], before the session gives up on it.
const MAX_RESTARTS: usize = 3;
/// How many sandboxes one workspace has at most: editors that have it open at the same time.
const MAX_SANDBOXES_OF_ONE_WORKSPACE: usize = 50;
/// See [`MAX_RESTARTS`].
const RESTART_WINDOW: Duration = Duration::from_mins(1);

/// A session.
pub(crate) struct Session {
    /// Its name: DNS-safe, stable per workspace and user.
    pub(crate) name: String,
    /// The workspace folder that it belongs to.
    pub(crate) root: Utf8PathBuf,
    /// The directory that it applies.
    pub(crate) target: Utf8PathBuf,
    /// The values files over those of a chart, relative to the folder, the strongest last.
    pub(crate) values_files: Vec<String>,
    /// Since when.
    pub(crate) started: SystemTime,
    /// What kind of directory that is; known once it takes saves.
    pub(crate) kind: TargetKind,
    /// How far it is.
    pub(crate) phase: Phase,
    /// What is wrong with it now, in words, if anything is.
    pub(crate) trouble: Option<String>,
    /// Why what is saved does not reach Flux, while it does not.
    pub(crate) source_trouble: Option<String>,
    /// Whether the cluster did not answer when it was last asked.
    pub(crate) unreachable: bool,
    /// Ends its task.
    pub(crate) stop: mpsc::Sender<StopRequest>,
    /// Drops its task, and with it the sandbox.
    pub(crate) task: AbortHandle,
    /// How far its start is, in words.
    pub(crate) progress_message: Option<String>,
    /// Token of the progress that the client shows.
    pub(crate) progress: Option<ls_types::ProgressToken>,
    /// What it keeps where its target is built from many files.
    pub(crate) building: Option<Building>,
    /// What was saved while the files of such a target were still being read.
    pub(crate) early: BTreeMap<Arc<str>, Arc<Parsed>>,
    /// What it keeps of workloads, once it takes saves.
    pub(crate) workload: Option<Workload>,
    /// Requests to stop it that wait for the end.
    pub(crate) stopping: Vec<RequestId>,
}

/// How far a session is.
pub(crate) enum Phase {
    /// The sandbox is being made.
    Starting {
        /// Who waits for it.
        request: Option<RequestId>,
    },
    /// It takes saves.
    Running(Box<Running>),
    /// It ends.
    Stopping,
}

/// A session that takes saves.
pub(crate) struct Running {
    /// Its loop.
    pub(crate) live: Live,
    /// The connection to its sandbox.
    pub(crate) cluster: Cluster,
    /// Name of the sandbox's context.
    pub(crate) context: String,
    /// Where the sandbox's kubeconfig is.
    pub(crate) kubeconfig: Utf8PathBuf,
}

/// Asks the task to end.
pub(crate) struct StopRequest {
    /// What the loop of the session is, if it has one.
    pub(crate) live: Option<Live>,
    /// Told when nothing is left.
    pub(crate) done: Option<oneshot::Sender<()>>,
}

/// Which bundle is used and where state lives, or what is missing.
pub(crate) fn prerequisites() -> Result<(Bundle, StateDirectory), String> {
    let bundle = Bundle::find().map_err(|missing| missing.to_string())?;
    let state = StateDirectory::find().map_err(|missing| missing.to_string())?;
    Ok((bundle, state))
}

/// Owns the sandbox of one session from its start to its end. Aborting the task ends every process of it.
pub(crate) async fn run(
    number: u64,
    name: String,
    root: Utf8PathBuf,
    field_manager: String,
    target: Utf8PathBuf,
    inbox: Inbox,
    mut stop: mpsc::Receiver<StopRequest>,
) {
    let tell = |event: SessionEvent| {
        // The loop is gone only when the server is; then nobody needs to know.
        let _ = inbox.send(Event::Session { number, event });
    };
    let started = tokio::select! {
        started = open(&name, &root, &field_manager, target, &tell) => started,
        request = stop.recv() => {
            tell(SessionEvent::Stopped(Stopped::default()));
            answer(request);
            return;
        }
    };
    let (sandbox, started) = match started {
        Ok(started) => started,
        Err(reason) => {
            tell(SessionEvent::Failed(reason));
            return;
        }
    };
    let cluster = started.cluster.clone();
    tell(SessionEvent::Started(Box::new(started)));
    match sandbox {
        Place::Own(sandbox) => run_in_own(*sandbox, &cluster, &mut stop, &tell).await,
        Place::Kept => run_in_kept(&cluster, &mut stop, &tell).await,
    }
}

/// Where a session is at home.
enum Place {
    /// A sandbox of its own, which goes with it.
    Own(Box<Sandbox>),
    /// A sandbox that `gitops-lsp sandbox up` keeps: it stays, and what the session put there goes.
    Kept,
}

async fn run_in_own(
    mut sandbox: Sandbox,
    cluster: &Cluster,
    stop: &mut mpsc::Receiver<StopRequest>,
    tell: &(impl Fn(SessionEvent) + Send + Sync),
) {
    let mut restarts: Vec<Instant> = Vec::new();
    loop {
        let exit = tokio::select! {
            exit = sandbox.next_exit() => exit,
            request = stop.recv() => {
                let stopped = match request.as_ref().and_then(|request| request.live.clone()) {
                    // The sandbox goes as a whole, so its objects need not go one by one.
                    Some(live) => live.stop(false).await,
                    None => Stopped::default(),
                };
                sandbox.stop().await;
                tell(SessionEvent::Stopped(stopped));
                answer(request);
                return;
            }
        };
        restarts.retain(|at| at.elapsed() < RESTART_WINDOW);
        restarts.push(Instant::now());
        tell(SessionEvent::ComponentEnded {
            message: format!(
                "{} of the sandbox ended by itself ({}) and is started again{}",
                exit.component,
                exit.status,
                last_words(&exit.log_tail)
            ),
        });
        if restarts.len() > MAX_RESTARTS {
            tell(SessionEvent::Lost(format!(
                "{} of the sandbox does not stay up; stop the session and start it again",
                exit.component
            )));
            continue;
        }
        match sandbox.restart(exit.component).await {
            Ok(()) => {
                // A CRD that came while the server was away is seen now.
                let _ = cluster.refresh_kinds().await;
                tell(SessionEvent::Recovered);
            }
            Err(error) => tell(SessionEvent::Lost(error.to_string())),
        }
    }
}

async fn run_in_kept(
    cluster: &Cluster,
    stop: &mut mpsc::Receiver<StopRequest>,
    tell: &(impl Fn(SessionEvent) + Send + Sync),
) {
    let request = stop.recv().await;
    // The sandbox stays, and nothing in it stays suspended that a session has suspended.
    let (resumed, not_resumed) = resume_all(cluster).await;
    let mut stopped = match request.as_ref().and_then(|request| request.live.clone()) {
        Some(live) => live.stop(true).await,
        None => Stopped::default(),
    };
    stopped.restored += resumed.len();
    stopped.failed.extend(not_resumed);
    tell(SessionEvent::Stopped(stopped));
    answer(request);
}

fn answer(request: Option<StopRequest>) {
    if let Some(done) = request.and_then(|request| request.done) {
        let _ = done.send(());
    }
}

async fn open(
    name: &str,
    root: &Utf8Path,
    field_manager: &str,
    target: Utf8PathBuf,
    tell: &(impl Fn(SessionEvent) + Send + Sync),
) -> Result<(Place, Started), String> {
    let kind = tokio::task::spawn_blocking(move || TargetKind::of(&target))
        .await
        .map_err(|error| error.to_string())?;
    let (bundle, state) = prerequisites()?;
    let flux = kind == TargetKind::Flux;
    if let Some(kept) = kept_for(root, &state) {
        if flux && kept.flux.is_none() {
            sandbox::keeper::add_flux(&state, &kept.name)
                .await
                .map_err(|error| error.to_string())?;
        }
        let started = Started {
            cluster: connect(&kept.kubeconfig, field_manager).await?,
            context: format!("gitops-lsp-{}", kept.name),
            kubeconfig: kept.kubeconfig,
            kubernetes_version: kept.kubernetes_version,
            kind,
        };
        return Ok((Place::Kept, started));
    }
    let sandbox = start_beside_others(name, root, &bundle, &state, flux, tell).await?;
    let started = Started {
        cluster: connect(sandbox.kubeconfig(), field_manager).await?,
        context: format!("gitops-lsp-{}", sandbox.name()),
        kubeconfig: sandbox.kubeconfig().to_owned(),
        kubernetes_version: sandbox.kubernetes_version().to_owned(),
        kind,
    };
    Ok((Place::Own(Box::new(sandbox)), started))
}

/// A sandbox that somebody keeps up for this very folder.
fn kept_for(root: &Utf8Path, state: &StateDirectory) -> Option<sandbox::Entry> {
    // A state directory that cannot be read fails the start below with a better message.
    let entries = sandbox::list(state).ok()?;
    entries
        .into_iter()
        .find(|entry| entry.kept && entry.state == SandboxState::Running && entry.root.as_deref() == Some(root))
}

/// A second editor on the same workspace has a sandbox of its own, with a number behind its name.
async fn start_beside_others(
    name: &str,
    root: &Utf8Path,
    bundle: &Bundle,
    state: &StateDirectory,
    flux: bool,
    tell: &(impl Fn(SessionEvent) + Send + Sync),
) -> Result<Sandbox, String> {
    for number in 1..=MAX_SANDBOXES_OF_ONE_WORKSPACE {
        let numbered = if number == 1 {
            name.to_owned()
        } else {
            format!("{name}-{number}")
        };
        let mut options = StartOptions::new(numbered, bundle.clone(), state.clone());
        options.root = Some(root.to_owned());
        options.flux = flux;
        match sandbox::start(options, |step: Step| tell(SessionEvent::Progress(step))).await {
            Ok(sandbox) => return Ok(sandbox),
            Err(error) if error.kind == StartErrorKind::NameInUse => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Err(format!(
        "{MAX_SANDBOXES_OF_ONE_WORKSPACE} sandboxes of this workspace are running already; `gitops-lsp sandbox list` shows them"
    ))
}

fn last_words(log_tail: &[String]) -> String {
    log_tail.last().map(|line| format!(": {line}")).unwrap_or_default()
}

/// Connects to the cluster of a kubeconfig file.
pub(crate) async fn connect(kubeconfig: &Utf8Path, field_manager: &str) -> Result<Cluster, String> {
    let text = tokio::fs::read_to_string(kubeconfig)
        .await
        .map_err(|error| format!("{kubeconfig} cannot be read: {error}"))?;
    let kubeconfig =
        Kubeconfig::from_yaml(&text).map_err(|error| format!("the sandbox's kubeconfig cannot be read: {error}"))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| error.to_string())?;
    let client = Client::try_from(config).map_err(|error| error.to_string())?;
    Cluster::connect(client, field_manager)
        .await
        .map_err(|error| error.to_string())
}

/// The name of the field manager of a session.
pub(crate) fn field_manager(session: &str) -> String {
    let mut name = format!("gitops-lsp:{session}");
    name.truncate(128);
    name
}

impl Session {
    /// The directory whose files concern it: those of the target, or where it is built all that it may be built from, also
    /// while that is still read.
    pub(crate) fn scope(&self) -> &Utf8Path {
        if self.kind == TargetKind::Folder {
            &self.target
        } else {
            &self.root
        }
    }

    /// What it is while it takes saves.
    pub(crate) fn running(&self) -> Option<&Running> {
        match &self.phase {
            Phase::Running(running) => Some(running),
            Phase::Starting { .. } | Phase::Stopping => None,
        }
    }

    /// The target, relative to the root.
    pub(crate) fn relative_target(&self) -> String {
        self.target
            .strip_prefix(&self.root)
            .map_or("", Utf8Path::as_str)
            .to_owned()
    }

    /// The target as it is named: that, or the one values file of a chart.
    pub(crate) fn named_target(&self) -> String {
        match self.values_files.as_slice() {
            [only] if self.root.join(only).starts_with(&self.target) => only.clone(),
            _ => self.relative_target(),
        }
    }

    /// The loop of the session, once it takes saves.
    pub(crate) fn live(&self) -> Option<&Live> {
        match &self.phase {
            Phase::Running(running) => Some(&running.live),
            Phase::Starting { .. } | Phase::Stopping => None,
        }
    }
}

/// What the loop of a session reports to.
pub(crate) fn reporter(number: u64, inbox: Inbox) -> gitops_session::Report {
    Arc::new(move |verdict| {
        let _ = inbox.send(Event::Session {
            number,
            event: SessionEvent::Verdict(verdict),
        });
    })
}
