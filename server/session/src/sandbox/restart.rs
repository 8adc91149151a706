//! A component that ended is started again, the rest of the sandbox staying as it is.

use std::time::Duration;

use super::component::Component;
use super::error::{StartError, StartErrorKind};
use super::running::Running;
use super::{flux_start, logs, readiness};

/// How long the API server may take to answer again.
const DEADLINE: Duration = Duration::from_mins(1);

/// Starts `component` on the same port and data, in place of the running one if there is one.
pub(crate) async fn restart(running: &mut Running, component: Component) -> Result<(), StartError> {
    running.end(component).await;
    if !component.is_flux() {
        running.start(component)?;
    }
    match component {
        Component::Etcd | Component::ApiServer => ready_again(running, component).await,
        Component::ControllerManager | Component::Scheduler | Component::Kwok => Ok(()),
        Component::SourceController
        | Component::KustomizeController
        | Component::HelmController
        | Component::SourceWatcher => flux_start::start(running, &[component]).await,
    }
}

/// Waits until a Pod can be created, after `component` was started again.
pub(crate) async fn ready_again(running: &mut Running, component: Component) -> Result<(), StartError> {
    let client = readiness::client(&running.kubeconfig())
        .await
        .map_err(|error| StartError::refused(&error))?;
    let ready = tokio::time::timeout(DEADLINE, readiness::pods_can_be_created(&client));
    match running.while_alive(ready).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(StartError {
            kind: StartErrorKind::Deadline,
            component: Some(component),
            message: format!(
                "{component} was started again, but the API server was not ready after {} seconds",
                DEADLINE.as_secs()
            ),
            log_tail: logs::tail(&running.log(component)),
        }),
        Err(exit) => Err(exit.into()),
    }
}
