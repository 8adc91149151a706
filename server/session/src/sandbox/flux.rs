//! Flux in a sandbox: its controllers as they are, with flags that fit a machine of one user.

use camino::Utf8Path;

use super::bundle::Bundle;
use super::component::{Component, Launch};
use super::ports::{FluxPorts, Ports};

/// The namespace that Flux takes for its own.
pub const FLUX_NAMESPACE: &str = "flux-system";

/// Where artifacts and temporary files go, in the sandbox's directory.
const STORAGE_DIRECTORY: &str = "artifacts";
const TEMPORARY_DIRECTORY: &str = "tmp";

/// The directories that `component` needs in the sandbox's, relative to it.
pub(crate) fn directories(component: Component) -> Vec<String> {
    let temporary = format!("{TEMPORARY_DIRECTORY}/{component}");
    match component {
        Component::SourceController | Component::SourceWatcher => {
            vec![temporary, format!("{STORAGE_DIRECTORY}/{component}")]
        }
        _ => vec![temporary],
    }
}

/// What starts one of the controllers.
pub(crate) fn launch(component: Component, bundle: &Bundle, ports: &Ports, directory: &Utf8Path) -> Launch {
    let mut arguments = vec![bundle.controller(component).into_string()];
    arguments.extend(common_flags());
    if let Some(ports) = ports.flux.get(&component) {
        arguments.extend(addresses(component, *ports));
    }
    arguments.extend(own_flags(component).iter().map(|&flag| flag.to_owned()));
    // kustomize-controller removes what it takes for remains of an earlier self from the directory for temporary files
    // when it starts. In one that is shared these could be the files of another sandbox's.
    let temporary = directory.join(TEMPORARY_DIRECTORY).join(component.name());
    let mut environment = vec![
        ("KUBECONFIG", format!("pki/{component}.kubeconfig")),
        ("RUNTIME_NAMESPACE", FLUX_NAMESPACE.to_owned()),
    ];
    environment.extend(["TMPDIR", "TEMP", "TMP"].map(|name| (name, temporary.to_string())));
    Launch {
        program: bundle.hold(),
        arguments,
        environment,
    }
}

fn common_flags() -> impl Iterator<Item = String> {
    [
        // Nobody looks at them, and the port would have profiles of the process for everybody on this machine.
        "--metrics-addr=0",
        "--events-addr=",
        "--enable-leader-election=false",
        "--log-encoding=console",
        // At the default of 30 s a fault behind a dependency would show that much later.
        "--requeue-dependency=1s",
        // At the default of 15 minutes a source that can be reached again would not be noticed for that long.
        "--max-retry-delay=30s",
    ]
    .into_iter()
    .map(str::to_owned)
}

fn own_flags(component: Component) -> &'static [&'static str] {
    match component {
        Component::SourceController => &["--concurrent=10"],
        Component::KustomizeController | Component::HelmController => &[
            // One that waits for the health of what it applied occupies a worker all the time.
            "--concurrent=20",
            "--no-cross-namespace-refs=false",
            // The first is for sources that source-watcher makes. With the second a save that mends what the one
            // before has broken need not wait until that one's health check times out.
            "--feature-gates=ExternalArtifact=true,CancelHealthCheckOnNewRevision=true",
        ],
        Component::SourceWatcher => &["--concurrent=10", "--no-cross-namespace-refs=false"],
        _ => &[],
    }
}

fn addresses(component: Component, ports: FluxPorts) -> Vec<String> {
    let mut flags = vec![format!("--health-addr=127.0.0.1:{}", ports.health)];
    if let Some(storage) = ports.storage {
        flags.extend([
            format!("--storage-addr=127.0.0.1:{storage}"),
            format!("--storage-adv-addr=127.0.0.1:{storage}"),
            format!("--storage-path={STORAGE_DIRECTORY}/{component}"),
        ]);
    }
    flags
}
