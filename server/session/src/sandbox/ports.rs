//! Ports on loopback.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};

use super::component::Component;

/// What the processes of one sandbox listen on.
#[derive(Clone, Debug)]
pub(crate) struct Ports {
    pub(crate) api_server: u16,
    /// Those of Flux's controllers; none without Flux.
    pub(crate) flux: BTreeMap<Component, FluxPorts>,
}

/// What one of Flux's controllers listens on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FluxPorts {
    /// Says whether it is ready.
    pub(crate) health: u16,
    /// Where other controllers get artifacts, of those that make any.
    pub(crate) storage: Option<u16>,
}

impl Ports {
    pub(crate) fn new(api_server: u16) -> Self {
        Self {
            api_server,
            flux: BTreeMap::new(),
        }
    }

    /// Sets ports aside for Flux's controllers.
    pub(crate) fn find_for_flux(&mut self) -> io::Result<()> {
        for component in Component::FLUX {
            self.find_for_controller(component)?;
        }
        Ok(())
    }

    /// Sets other ports aside for one of Flux's controllers.
    pub(crate) fn find_for_controller(&mut self, component: Component) -> io::Result<()> {
        let serves_artifacts = matches!(component, Component::SourceController | Component::SourceWatcher);
        // Both are held at once, so that the kernel does not give the same twice.
        let (health, storage) = (listen()?, serves_artifacts.then(listen).transpose()?);
        let ports = FluxPorts {
            health: port(&health)?,
            storage: storage.as_ref().map(port).transpose()?,
        };
        self.flux.insert(component, ports);
        Ok(())
    }
}

/// A port that nobody has right now. Somebody may be faster to take it, so what uses it must be ready to try again.
pub(crate) fn free_port() -> io::Result<u16> {
    port(&listen()?)
}

/// Whether a line of a log says that a port is taken, in the words of Unix or of Windows.
pub(crate) fn is_taken(line: &str) -> bool {
    line.contains("address already in use") || line.contains("Only one usage of each socket address")
}

fn listen() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
}

fn port(listener: &TcpListener) -> io::Result<u16> {
    Ok(listener.local_addr()?.port())
}
