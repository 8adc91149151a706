//! A control plane on this machine, for one session: real etcd, kube-apiserver, kube-controller-manager and
//! kube-scheduler, and kwok in place of a kubelet.
//!
//! Everything of it is in one private directory, listens on loopback or on sockets in that directory, and ends with
//! the process that started it, whatever ends that. See docs/sandbox.md.

mod bundle;
mod certificates;
mod component;
mod control;
mod error;
mod flux;
mod flux_start;
pub mod keeper;
mod kubeconfig;
mod list;
mod logs;
mod name;
mod ownership;
mod ports;
mod prepared;
mod process;
mod readiness;
mod restart;
mod running;
mod start;
mod state_directory;

use camino::{Utf8Path, Utf8PathBuf};

pub use bundle::{BUNDLE_VARIABLE, Bundle, BundleMissing, FluxVersions, Versions};
pub use component::{Component, NODE_NAME};
pub use error::{StartError, StartErrorKind};
pub use flux::FLUX_NAMESPACE;
pub use list::{Entry, SandboxState, list, sweep};
pub use name::name_for;
pub use process::Exit;
pub use start::{StartOptions, Step, start};
pub use state_directory::{NoStateDirectory, STATE_DIRECTORY_VARIABLE, StateDirectory};

pub(crate) use state_directory::{make_private_directory_inside, open_private_file, write_private_file};

use list::Record;
use running::Running;

/// A running control plane. Dropping it ends all of its processes and removes its directory.
#[derive(Debug)]
pub struct Sandbox {
    name: String,
    kubeconfig: Utf8PathBuf,
    server: String,
    record: Record,
    running: Running,
    log_keeper: tokio::task::JoinHandle<()>,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.log_keeper.abort();
    }
}

impl Sandbox {
    fn new(name: String, record: Record, running: Running) -> Self {
        let logs: Vec<Utf8PathBuf> = Component::all().map(|component| running.log(component)).collect();
        Self {
            name,
            kubeconfig: running.kubeconfig(),
            server: running.server(),
            record,
            log_keeper: tokio::spawn(logs::keep_small(logs)),
            running,
        }
    }

    /// Its name, unique among the running ones of this user.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A kubeconfig file with everything inside; its user may do everything.
    pub fn kubeconfig(&self) -> &Utf8Path {
        &self.kubeconfig
    }

    /// The URL of its API server, on loopback.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The version of its API server, for example `v1.36.3`.
    pub fn kubernetes_version(&self) -> &str {
        &self.record.kubernetes_version
    }

    /// Flux, when it runs in it.
    pub fn flux(&self) -> Option<&FluxVersions> {
        self.record.flux.as_ref()
    }

    /// What runs in it, in the order in which it was started.
    pub fn components(&self) -> Vec<Component> {
        let flux = self.record.flux.is_some();
        Component::all()
            .filter(|component| flux || !component.is_flux())
            .collect()
    }

    /// The directory with everything that is its own.
    pub fn directory(&self) -> &Utf8Path {
        self.running.directory()
    }

    /// The file that a component writes its log to.
    pub fn log(&self, component: Component) -> Utf8PathBuf {
        self.running.log(component)
    }

    /// The process id of a component, while it runs.
    pub fn process_id(&self, component: Component) -> Option<u32> {
        self.running.process_id(component)
    }

    /// Waits until a component ends by itself, and says which and what its log says. Each end is told once.
    ///
    /// The future may be dropped at any time; nothing is lost.
    pub async fn next_exit(&mut self) -> Exit {
        self.running.next_exit().await
    }

    /// Starts a component again, after it has ended or in place of the one that runs, with the same port and data.
    /// Returns when the API server answers (at once for the others, which find it by themselves).
    pub async fn restart(&mut self, component: Component) -> Result<(), StartError> {
        restart::restart(&mut self.running, component).await
    }

    /// Adds Flux to a sandbox that was started without it, and returns when its controllers are ready.
    ///
    /// Takes longer than a start with it from a prepared store, since its custom resources are put in first. When it fails,
    /// the controllers are gone again and the sandbox stays as it is, but for custom resources that may be there.
    ///
    /// The future must not be dropped: controllers would stay that the sandbox does not tell of until it ends.
    pub async fn add_flux(&mut self) -> Result<(), StartError> {
        if self.record.flux.is_some() {
            return Ok(());
        }
        let bundle = self.running.bundle();
        let (versions, definitions) = bundle.flux().map_err(|missing| StartError::no_flux(&missing))?;
        let added = flux_start::add(&mut self.running, &definitions).await;
        if added.is_err() {
            for component in Component::FLUX {
                self.running.end(component).await;
            }
            return added;
        }
        self.record.flux = Some(versions);
        let directory = self.running.directory();
        list::write(directory, &self.record).map_err(|error| StartError::state(directory, &error))
    }

    /// Ends everything, waits until it is gone, and removes the directory.
    pub async fn stop(mut self) {
        self.running.end_all().await;
    }
}
