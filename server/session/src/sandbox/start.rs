//! The start of a sandbox, step by step.

use std::fmt;
use std::io;
use std::time::{Duration, SystemTime};

use camino::Utf8PathBuf;
use kube::Client;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bundle::Bundle;
use super::certificates::{self, Certificates};
use super::component::Component;
use super::error::{StartError, StartErrorKind};
use super::list::{self, Record};
use super::ports::{self, Ports};
use super::prepared::Prepared;
use super::process::Exit;
use super::readiness::{self, SetUp};
use super::restart::ready_again;
use super::running::Running;
use super::state_directory::StateDirectory;
use super::{Sandbox, flux_start, logs, ownership};

/// How long a start may take before it is given up. A slow machine needs a quarter of it.
const DEADLINE: Duration = Duration::from_mins(2);

/// How long a start from a prepared directory may take before it is taken for broken.
const PREPARED_DEADLINE: Duration = Duration::from_mins(1);

/// How many ports are tried when others are faster to take them.
const PORT_ATTEMPTS: usize = 5;

/// What a sandbox is started with.
#[derive(Clone, Debug)]
pub struct StartOptions {
    /// Lowercase letters, digits and dashes, at most 63; see [`super::name_for`].
    pub name: String,
    /// The programs.
    pub bundle: Bundle,
    /// Where its directory is made.
    pub state: StateDirectory,
    /// A port to try first for the API server; otherwise, and when it is taken, the kernel says which.
    pub port: Option<u16>,
    /// The workspace that it is for, to be shown by [`super::list`].
    pub root: Option<Utf8PathBuf>,
    /// `CustomResourceDefinition`s that are there from the beginning.
    pub custom_resources: Vec<Value>,
    /// Whether Flux runs in it too: its controllers, and the custom resources of all of its kinds.
    pub flux: bool,
}

impl StartOptions {
    /// A sandbox called `name` with nothing special about it.
    pub fn new(name: impl Into<String>, bundle: Bundle, state: StateDirectory) -> Self {
        Self {
            name: name.into(),
            bundle,
            state,
            port: None,
            root: None,
            custom_resources: Vec::new(),
            flux: false,
        }
    }
}

/// Where a start is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Keys and certificates are made.
    Credentials,
    /// What an earlier start has prepared is copied.
    Copy,
    /// etcd and the API server are starting.
    ApiServer,
    /// The API server listens; the controllers are starting too.
    Controllers,
    /// The API server answers; its first objects and the node are coming up.
    Node,
    /// The store is copied for later starts. Happens once per version.
    Keep,
    /// Everything else is ready; Flux's controllers are starting.
    Flux,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Credentials => "making keys and certificates",
            Self::Copy => "copying the prepared store",
            Self::ApiServer => "starting etcd and the API server",
            Self::Controllers => "starting the controllers",
            Self::Node => "waiting for the node",
            Self::Keep => "keeping the store for the next start",
            Self::Flux => "waiting for Flux",
        })
    }
}

/// Reports where a start is.
type Progress<'a> = &'a (dyn Fn(Step) + Send + Sync);

/// Starts a sandbox and returns when a Pod can be created in it and will become ready, and when Flux, if it is wanted,
/// says that it is ready.
///
/// Dropping the future ends what was started and removes its directory.
pub async fn start(options: StartOptions, progress: impl Fn(Step) + Send + Sync) -> Result<Sandbox, StartError> {
    let progress: Progress = &progress;
    if let Err(error) = ownership::sweep(&options.state) {
        tracing::warn!(%error, "the remains of earlier sandboxes could not be removed");
    }
    progress(Step::Credentials);
    let flux = if options.flux {
        Some(options.bundle.flux().map_err(|missing| StartError::no_flux(&missing))?)
    } else {
        None
    };
    let directory = ownership::claim(&options.state, &options.name)?;
    let mut record = Record {
        server: String::new(),
        kubernetes_version: options.bundle.versions().kubernetes.clone(),
        started: now(),
        pid: std::process::id(),
        root: options.root.clone(),
        ready: false,
        flux: None,
    };
    list::write(directory.path(), &record).map_err(|error| StartError::state(directory.path(), &error))?;
    let certificates = certificates::generate().map_err(|error| {
        StartError::plain(
            StartErrorKind::State,
            format!("the certificates could not be made: {error}"),
        )
    })?;
    let port = options
        .port
        .map_or_else(ports::free_port, Ok)
        .map_err(|error| StartError::state(directory.path(), &error))?;
    let mut running = Running::new(options.bundle.clone(), directory, Ports::new(port));
    if flux.is_some() {
        running
            .ports
            .find_for_flux()
            .map_err(|error| StartError::state(running.directory(), &error))?;
    }

    let prepared = Prepared::for_start(
        &options.state,
        options.bundle.versions(),
        &options.custom_resources,
        options.flux,
    );
    let start = Start {
        name: &options.name,
        certificates: &certificates,
        custom_resources: &options.custom_resources,
        flux: flux.as_ref().map(|(_, definitions)| definitions.as_slice()),
        progress,
    };
    record.kubernetes_version = Box::pin(start.prepared_or_first(&mut running, &prepared)).await?;
    record.server = running.server();
    record.ready = true;
    record.flux = flux.map(|(versions, _)| versions);
    list::write(running.directory(), &record).map_err(|error| StartError::state(running.directory(), &error))?;
    Ok(Sandbox::new(options.name, record, running))
}

/// What every attempt at a start needs.
struct Start<'a> {
    name: &'a str,
    certificates: &'a Certificates,
    custom_resources: &'a [Value],
    /// Flux's custom resources, when it is wanted.
    flux: Option<&'a [Value]>,
    progress: Progress<'a>,
}

impl Start<'_> {
    /// Starts from what is prepared, if there is such and it works; otherwise starts from nothing and prepares that.
    async fn prepared_or_first(&self, running: &mut Running, prepared: &Prepared) -> Result<String, StartError> {
        if prepared.exists() {
            (self.progress)(Step::Copy);
            match self.start_from_prepared(running, prepared).await {
                Ok(version) => return Ok(version),
                // The control plane has started from it; what is wrong with a controller is not in there.
                Err(error) if error.component.is_some_and(Component::is_flux) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "nothing starts from the prepared store; starting from an empty one");
                }
            }
            running.end_all().await;
            running.clear_store();
        }
        let version = self.bring_up(running, DEADLINE, Content::Nothing).await?;
        (self.progress)(Step::Keep);
        self.keep(running, prepared).await?;
        if self.flux.is_some() {
            // Only now, so that nothing of what the controllers write is in what is kept.
            (self.progress)(Step::Flux);
            flux_start::start(running, &Component::FLUX).await?;
        }
        Ok(version)
    }

    async fn start_from_prepared(&self, running: &mut Running, prepared: &Prepared) -> Result<String, StartError> {
        prepared
            .copy_to(&running.store())
            .map_err(|error| StartError::state(running.directory(), &error))?;
        self.bring_up(running, PREPARED_DEADLINE, Content::Prepared).await
    }

    /// Copies the store while nobody writes to it, which needs etcd to be away for a moment.
    async fn keep(&self, running: &mut Running, prepared: &Prepared) -> Result<(), StartError> {
        running.end(Component::Etcd).await;
        if let Err(error) = prepared.keep(&running.store()) {
            // The next start takes longer, and that is all.
            tracing::warn!(%error, "the store could not be kept for the next start");
        }
        running.start(Component::Etcd)?;
        ready_again(running, Component::Etcd).await
    }

    /// Starts everything, on another port when this one is taken.
    async fn bring_up(
        &self,
        running: &mut Running,
        deadline: Duration,
        content: Content,
    ) -> Result<String, StartError> {
        let mut attempt = 1;
        loop {
            running
                .write_credentials(self.name, self.certificates)
                .map_err(|error| StartError::state(running.directory(), &error))?;
            let once = tokio::time::timeout(deadline, self.bring_up_on_port(running, content));
            match once.await {
                Err(_) => return Err(too_slow(running, deadline).await),
                Ok(Ok(version)) => return Ok(version),
                Ok(Err(Failure::Other(error))) => return Err(error),
                Ok(Err(Failure::Ended(exit))) if attempt < PORT_ATTEMPTS && exit.is_port_clash() => {
                    tracing::info!(component = %exit.component, "a port was taken; others are tried");
                    attempt += 1;
                    running.end_all().await;
                    self.find_other_ports(running)
                        .map_err(|error| StartError::state(running.directory(), &error))?;
                }
                Ok(Err(Failure::Ended(exit))) => return Err(exit.into()),
            }
        }
    }

    fn find_other_ports(&self, running: &mut Running) -> io::Result<()> {
        running.ports = Ports::new(ports::free_port()?);
        if self.flux.is_some() {
            running.ports.find_for_flux()?;
        }
        Ok(())
    }

    async fn bring_up_on_port(&self, running: &mut Running, content: Content) -> Result<String, Failure> {
        (self.progress)(Step::ApiServer);
        running.start(Component::Etcd)?;
        running.start(Component::ApiServer)?;
        running
            .while_alive(readiness::listening(running.ports.api_server))
            .await?;
        (self.progress)(Step::Controllers);
        for component in [Component::ControllerManager, Component::Scheduler, Component::Kwok] {
            running.start(component)?;
        }
        let client = readiness::client(&running.kubeconfig()).await?;
        let set_up = match content {
            Content::Nothing => SetUp::Whole,
            Content::Prepared => SetUp::ObjectsAreThere,
        };
        running.while_alive(readiness::ready(&client, set_up)).await?;
        let definitions = self.flux.unwrap_or_default();
        if content == Content::Prepared && self.flux.is_some() {
            running.while_alive(readiness::served(&client, definitions)).await?;
            running.start_flux()?;
        }
        (self.progress)(Step::Node);
        if content == Content::Nothing {
            running.while_alive(readiness::create_node(&client)).await??;
            if self.flux.is_some() {
                running.while_alive(flux_start::put_in(&client, definitions)).await??;
            }
            running
                .while_alive(readiness::define_custom_resources(&client, self.custom_resources))
                .await??;
        }
        running.while_alive(readiness::pods_can_be_created(&client)).await?;
        running.while_alive(readiness::node_takes_pods(&client)).await?;
        if content == Content::Prepared && self.flux.is_some() {
            (self.progress)(Step::Flux);
            let ports = running.ports.clone();
            running.while_alive(flux_start::ready(&ports, &Component::FLUX)).await?;
        }
        version(&client).await
    }
}

/// What is in the store when it is started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Content {
    Nothing,
    Prepared,
}

enum Failure {
    Ended(Exit),
    Other(StartError),
}

impl From<Exit> for Failure {
    fn from(exit: Exit) -> Self {
        Self::Ended(exit)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::Other(error)
    }
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        Self::Other(StartError::refused(&error))
    }
}

async fn version(client: &Client) -> Result<String, Failure> {
    Ok(client.apiserver_version().await?.git_version)
}

async fn too_slow(running: &Running, deadline: Duration) -> StartError {
    let mut component = Component::ApiServer;
    // They are started when the API server is ready.
    if Component::FLUX.iter().any(|&flux| running.process_id(flux).is_some()) {
        component = flux_start::first_not_ready(&running.ports).await.unwrap_or(component);
    }
    StartError {
        kind: StartErrorKind::Deadline,
        component: Some(component),
        message: format!("the sandbox was not ready after {} seconds", deadline.as_secs()),
        log_tail: logs::tail(&running.log(component)),
    }
}

fn now() -> String {
    time::OffsetDateTime::from(SystemTime::now())
        .replace_nanosecond(0)
        .ok()
        .and_then(|now| now.format(&time::format_description::well_known::Rfc3339).ok())
        .unwrap_or_default()
}
