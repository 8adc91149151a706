//! The processes of one sandbox and the directory they work in, as one thing that goes as a whole.

use std::future::Future;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use futures::future::{join_all, select_all};

use super::bundle::Bundle;
use super::certificates::Certificates;
use super::component::{self, Component};
use super::error::StartError;
use super::ownership::OwnedDirectory;
use super::ports::Ports;
use super::process::{self, Exit, Process};
use super::state_directory::{make_private_directory, write_private_file};
use super::{flux, kubeconfig};

/// Dropping it kills every process, waits until they are gone, and then removes the directory.
#[derive(Debug)]
pub(crate) struct Running {
    processes: Vec<Process>,
    bundle: Bundle,
    pub(crate) ports: Ports,
    // Last, because fields are dropped in order and the directory must outlast the processes.
    directory: OwnedDirectory,
}

impl Running {
    pub(crate) fn new(bundle: Bundle, directory: OwnedDirectory, ports: Ports) -> Self {
        Self {
            processes: Vec::new(),
            bundle,
            ports,
            directory,
        }
    }

    pub(crate) fn directory(&self) -> &Utf8Path {
        self.directory.path()
    }

    pub(crate) fn kubeconfig(&self) -> Utf8PathBuf {
        self.directory().join("kubeconfig")
    }

    pub(crate) fn server(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.api_server)
    }

    /// etcd's data.
    pub(crate) fn store(&self) -> Utf8PathBuf {
        self.directory().join("etcd")
    }

    pub(crate) fn clear_store(&self) {
        let _ = std::fs::remove_dir_all(self.store());
    }

    pub(crate) fn log(&self, component: Component) -> Utf8PathBuf {
        self.directory().join("logs").join(format!("{component}.log"))
    }

    /// Writes keys, certificates and kubeconfigs, the latter for the port as it is now.
    pub(crate) fn write_credentials(&self, name: &str, all: &Certificates) -> io::Result<()> {
        let pki = self.directory().join("pki");
        make_private_directory(&pki)?;
        make_private_directory(&self.directory().join("logs"))?;
        let server = self.server();
        let config = |context: &str, pair| kubeconfig::text(context, &server, &all.authority, pair);
        for (file, content) in [
            ("ca.crt", all.authority.clone()),
            ("apiserver.crt", all.api_server.certificate.clone()),
            ("apiserver.key", all.api_server.key.clone()),
            ("service-account.key", all.service_account_key.clone()),
            ("service-account.pub", all.service_account_public_key.clone()),
            (
                "controller-manager.kubeconfig",
                config("sandbox", &all.controller_manager),
            ),
            ("scheduler.kubeconfig", config("sandbox", &all.scheduler)),
            ("kwok.kubeconfig", config("sandbox", &all.kwok)),
        ] {
            write_private_file(&pki.join(file), &content)?;
        }
        for (component, pair) in &all.flux {
            write_private_file(&pki.join(format!("{component}.kubeconfig")), &config("sandbox", pair))?;
        }
        write_private_file(&self.directory().join(component::PLAY_FILE), component::PLAY)?;
        let context = format!("gitops-lsp-{name}");
        write_private_file(&self.kubeconfig(), &config(&context, &all.admin))
    }

    pub(crate) fn start(&mut self, component: Component) -> Result<(), StartError> {
        let launch = component::launch(component, &self.bundle, &self.ports, self.directory());
        let process = process::spawn(component, &launch, self.directory(), &self.log(component))
            .map_err(|error| StartError::not_started(component, &launch.program, &error))?;
        tracing::debug!(%component, id = process.id(), "started");
        self.processes.push(process);
        Ok(())
    }

    /// Starts those of Flux's controllers that do not run, on the ports that were set aside for them.
    pub(crate) fn start_flux(&mut self) -> Result<(), StartError> {
        for component in Component::FLUX {
            if self.process_id(component).is_none() {
                for directory in flux::directories(component) {
                    let directory = self.directory().join(directory);
                    make_private_directory(&directory).map_err(|error| StartError::state(&directory, &error))?;
                }
                self.start(component)?;
            }
        }
        Ok(())
    }

    /// What it runs from.
    pub(crate) fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Waits until a component ends by itself; each end is told once.
    pub(crate) async fn next_exit(&mut self) -> Exit {
        if self.processes.is_empty() {
            return std::future::pending().await;
        }
        let exits = self.processes.iter_mut().map(|process| Box::pin(process.exit()));
        let (exit, index, rest) = select_all(exits).await;
        drop(rest);
        self.processes.swap_remove(index);
        exit
    }

    /// Does `work`, and gives up as soon as a component ends.
    pub(crate) async fn while_alive<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Exit> {
        tokio::select! {
            // A component's end is the cause of whatever the work would say next.
            biased;
            exit = self.next_exit() => Err(exit),
            value = work => Ok(value),
        }
    }

    /// Ends one component, if it runs, and waits for that.
    pub(crate) async fn end(&mut self, component: Component) {
        for process in &mut self.processes {
            if process.component == component {
                process.kill().await;
            }
        }
        self.processes.retain(|process| process.component != component);
    }

    /// Ends all of them and waits for that.
    pub(crate) async fn end_all(&mut self) {
        // All at once: what the kernel needs for one it needs for none of the others.
        join_all(self.processes.iter_mut().map(Process::kill)).await;
        self.processes.clear();
    }

    pub(crate) fn process_id(&self, component: Component) -> Option<u32> {
        self.processes
            .iter()
            .find(|process| process.component == component)
            .and_then(Process::id)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        process::kill_all_blocking(&mut self.processes);
    }
}
