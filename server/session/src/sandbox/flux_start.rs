//! Flux comes up in a sandbox: its custom resources, its controllers, and when they are ready.

use std::net::Ipv4Addr;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::component::Component;
use super::error::{StartError, StartErrorKind};
use super::flux::FLUX_NAMESPACE;
use super::ports::{FluxPorts, Ports};
use super::running::Running;
use super::{logs, readiness};

/// Between two looks at whether a controller is ready.
const PAUSE: Duration = Duration::from_millis(15);

/// How long a controller that has accepted a connection may take to answer. It is asked again after that.
const ANSWER_DEADLINE: Duration = Duration::from_secs(2);

/// How long the controllers may take until they answer.
const DEADLINE: Duration = Duration::from_mins(1);

/// How many times controllers are started, when others are faster to take their ports or one ends beside those wanted.
const ATTEMPTS: usize = 5;

/// Starts the controllers that do not run, and waits until those of `wanted` are ready.
pub(crate) async fn start(running: &mut Running, wanted: &[Component]) -> Result<(), StartError> {
    let mut attempt = 1;
    loop {
        running.start_flux()?;
        let ports = running.ports.clone();
        let ready = tokio::time::timeout(DEADLINE, ready(&ports, wanted));
        match running.while_alive(ready).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(_)) => {
                let component = first_not_ready(&ports).await;
                return Err(StartError {
                    kind: StartErrorKind::Deadline,
                    component,
                    message: format!(
                        "{} was not ready after {} seconds",
                        component.map_or("Flux", Component::name),
                        DEADLINE.as_secs()
                    ),
                    log_tail: component.map_or_else(Vec::new, |component| logs::tail(&running.log(component))),
                });
            }
            Err(exit) if attempt < ATTEMPTS && exit.component.is_flux() && exit.is_port_clash() => {
                running
                    .ports
                    .find_for_controller(exit.component)
                    .map_err(|error| StartError::state(running.directory(), &error))?;
            }
            // What ends beside the one that is started again is started again too.
            Err(exit) if attempt < ATTEMPTS && exit.component.is_flux() && !wanted.contains(&exit.component) => {
                tracing::warn!(component = %exit.component, status = exit.status, "a component ended");
            }
            Err(exit) => return Err(exit.into()),
        }
        attempt += 1;
    }
}

/// Puts Flux into a running cluster.
pub(crate) async fn add(running: &mut Running, definitions: &[Value]) -> Result<(), StartError> {
    running
        .ports
        .find_for_flux()
        .map_err(|error| StartError::state(running.directory(), &error))?;
    let client = readiness::client(&running.kubeconfig())
        .await
        .map_err(|error| StartError::refused(&error))?;
    running
        .while_alive(put_in(&client, definitions))
        .await?
        .map_err(|error| StartError::refused(&error))?;
    start(running, &Component::FLUX).await
}

/// Puts Flux's custom resources and its namespace into the cluster, where they are not there yet, and waits until objects
/// of its kinds are accepted.
pub(crate) async fn put_in(client: &Client, definitions: &[Value]) -> Result<(), kube::Error> {
    let namespace: Namespace = serde_json::from_value(json!({
        "metadata": {
            "name": FLUX_NAMESPACE,
            // As `flux install` has it.
            "labels": { "app.kubernetes.io/instance": FLUX_NAMESPACE, "app.kubernetes.io/part-of": "flux" },
        },
    }))
    .map_err(kube::Error::SerdeError)?;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    match namespaces.create(&PostParams::default(), &namespace).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        Err(error) => return Err(error),
    }
    readiness::define_custom_resources(client, definitions).await
}

/// Waits until the controllers of `wanted` answer, artifacts included.
pub(crate) async fn ready(ports: &Ports, wanted: &[Component]) {
    for (component, &ports) in &ports.flux {
        while wanted.contains(component) && !is_ready(ports).await {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The first of the controllers that does not answer now.
pub(crate) async fn first_not_ready(ports: &Ports) -> Option<Component> {
    for (&component, &ports) in &ports.flux {
        if !is_ready(ports).await {
            return Some(component);
        }
    }
    None
}

async fn is_ready(ports: FluxPorts) -> bool {
    let healthy = tokio::time::timeout(ANSWER_DEADLINE, says_ready(ports.health)).await;
    if !matches!(healthy, Ok(Ok(true))) {
        return false;
    }
    match ports.storage {
        Some(storage) => TcpStream::connect((Ipv4Addr::LOCALHOST, storage)).await.is_ok(),
        None => true,
    }
}

/// Whether `/readyz` is answered with 200. One request of fixed bytes needs no client.
async fn says_ready(port: u16) -> std::io::Result<bool> {
    const OK: &[u8] = b"HTTP/1.0 200 ";
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
    let mut answer = [0; OK.len()];
    stream.read_exact(&mut answer).await?;
    Ok(answer == OK)
}
