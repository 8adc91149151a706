//! The processes of a sandbox and the flags that each is started with.

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::bundle::Bundle;
use super::flux;
use super::ports::Ports;

/// One process of a sandbox.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Component {
    /// The store behind the API server.
    #[serde(rename = "etcd")]
    Etcd,
    /// The API server, the only process of the control plane that listens on a TCP port.
    #[serde(rename = "kube-apiserver")]
    ApiServer,
    /// The controllers that make Deployments into Pods, delete what is owned by nothing, and so on.
    #[serde(rename = "kube-controller-manager")]
    ControllerManager,
    /// The scheduler that gives each Pod its node.
    #[serde(rename = "kube-scheduler")]
    Scheduler,
    /// kwok, in place of a kubelet: it answers for a node and its Pods, and runs nothing.
    #[serde(rename = "kwok")]
    Kwok,
    /// Flux's controller of sources: Git and Helm repositories, charts, OCI artifacts and buckets.
    #[serde(rename = "source-controller")]
    SourceController,
    /// Flux's controller of Kustomizations.
    #[serde(rename = "kustomize-controller")]
    KustomizeController,
    /// Flux's controller of `HelmRelease`s.
    #[serde(rename = "helm-controller")]
    HelmController,
    /// Flux's controller of `ArtifactGenerator`s, which make sources out of sources.
    #[serde(rename = "source-watcher")]
    SourceWatcher,
}

impl Component {
    /// Those of every sandbox, in the order in which they are started.
    pub const CONTROL_PLANE: [Self; 5] = [
        Self::Etcd,
        Self::ApiServer,
        Self::ControllerManager,
        Self::Scheduler,
        Self::Kwok,
    ];

    /// Those of a sandbox with Flux besides, in the order in which they are started.
    pub const FLUX: [Self; 4] = [
        Self::SourceController,
        Self::KustomizeController,
        Self::HelmController,
        Self::SourceWatcher,
    ];

    /// All that there are.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::CONTROL_PLANE.into_iter().chain(Self::FLUX)
    }

    /// Whether it is one of Flux's.
    pub fn is_flux(self) -> bool {
        Self::FLUX.contains(&self)
    }

    /// The name that the project itself gives to the component, for example `kube-apiserver`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Kwok => "kwok",
            Self::SourceController => "source-controller",
            Self::KustomizeController => "kustomize-controller",
            Self::HelmController => "helm-controller",
            Self::SourceWatcher => "source-watcher",
        }
    }

    /// The component with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|component| component.name() == name)
    }
}

impl fmt::Display for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The name of the one node of a sandbox.
pub const NODE_NAME: &str = "sandbox";

/// Services get their addresses from here; nothing routes to them.
const SERVICE_RANGE: &str = "10.96.0.0/16";

/// The address of the Service `kubernetes`: the first one of the range above.
pub(crate) const API_SERVICE_ADDRESS: [u8; 4] = [10, 96, 0, 1];

/// An address that is set aside for documentation (RFC 5737) and leads nowhere.
/// The API server and the node must have one that is not loopback, whether or not this machine has a network.
const ADDRESS_OF_NOTHING: &str = "192.0.2.1";

/// Pods get addresses from here; nothing routes to them either.
const POD_RANGE: &str = "10.244.0.0/16";

/// The issuer that service account tokens name.
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// How a component is started.
pub(crate) struct Launch {
    pub(crate) program: Utf8PathBuf,
    pub(crate) arguments: Vec<String>,
    /// Variables besides those that every component gets.
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// What starts `component` in `directory`.
///
/// Paths are relative to the sandbox's directory, in which every component runs.
/// So the length of that directory's path does not matter, of which a Unix socket's allows only about 100 bytes.
pub(crate) fn launch(component: Component, bundle: &Bundle, ports: &Ports, directory: &Utf8Path) -> Launch {
    let flags = match component {
        Component::Kwok => kwok_flags(bundle),
        Component::Etcd => named(component, etcd_flags()),
        Component::ApiServer => named(component, api_server_flags(ports.api_server)),
        Component::ControllerManager => named(component, controller_manager_flags()),
        Component::Scheduler => named(component, scheduler_flags()),
        Component::SourceController
        | Component::KustomizeController
        | Component::HelmController
        | Component::SourceWatcher => return flux::launch(component, bundle, ports, directory),
    };
    Launch {
        program: match component {
            Component::Kwok => bundle.kwok(),
            _ => bundle.controlplane(),
        },
        arguments: flags,
        environment: Vec::new(),
    }
}

/// What the content of a prepared etcd directory depends on, besides the versions of the programs.
pub(crate) fn flags_that_shape_the_store() -> Vec<String> {
    let mut flags = etcd_flags();
    flags.extend(api_server_flags(0));
    flags.extend(controller_manager_flags());
    flags
}

fn named(component: Component, flags: Vec<String>) -> Vec<String> {
    let mut arguments = vec![component.name().to_owned()];
    arguments.extend(flags);
    arguments
}

fn owned(flags: &[&str]) -> Vec<String> {
    flags.iter().map(|&flag| flag.to_owned()).collect()
}

fn etcd_flags() -> Vec<String> {
    owned(&[
        "--name=sandbox",
        "--data-dir=etcd",
        // Sockets in a directory that only its owner can enter: nobody else can connect, and no port is open.
        "--listen-client-urls=unix://etcd.sock",
        "--advertise-client-urls=unix://etcd.sock:1",
        "--listen-peer-urls=unix://etcd-peer.sock",
        // etcd insists on a port in what it would tell other members, of which there are none.
        "--initial-advertise-peer-urls=unix://etcd-peer.sock:1",
        "--initial-cluster=sandbox=unix://etcd-peer.sock:1",
        // A sandbox does not outlive its processes, so nothing needs to reach the disk.
        "--unsafe-no-fsync",
        "--log-level=warn",
    ])
}

fn api_server_flags(port: u16) -> Vec<String> {
    let mut flags = owned(&[
        "--etcd-servers=unix://etcd.sock",
        "--bind-address=127.0.0.1",
        "--client-ca-file=pki/ca.crt",
        "--tls-cert-file=pki/apiserver.crt",
        "--tls-private-key-file=pki/apiserver.key",
        "--anonymous-auth=false",
        "--authorization-mode=Node,RBAC",
        // Real clusters allow it, and a manifest that needs it must not fail here for want of it.
        "--allow-privileged=true",
        "--service-account-key-file=pki/service-account.pub",
        "--service-account-signing-key-file=pki/service-account.key",
        "--endpoint-reconciler-type=none",
        "--profiling=false",
    ]);
    flags.push(format!("--secure-port={port}"));
    flags.push(format!("--service-account-issuer={ISSUER}"));
    flags.push(format!("--service-cluster-ip-range={SERVICE_RANGE}"));
    flags.push(format!("--advertise-address={ADDRESS_OF_NOTHING}"));
    flags
}

fn controller_manager_flags() -> Vec<String> {
    owned(&[
        "--kubeconfig=pki/controller-manager.kubeconfig",
        "--secure-port=0",
        "--leader-elect=false",
        "--root-ca-file=pki/ca.crt",
        "--service-account-private-key-file=pki/service-account.key",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--profiling=false",
    ])
}

fn scheduler_flags() -> Vec<String> {
    owned(&[
        "--kubeconfig=pki/scheduler.kubeconfig",
        "--secure-port=0",
        "--leader-elect=false",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--profiling=false",
    ])
}

/// What pods play when their template asks for it, in the sandbox's directory. See `docs/sandbox.md`.
pub(crate) const PLAY_FILE: &str = "play.yaml";
/// The content of that file.
pub(crate) const PLAY: &str = include_str!("play.yaml");

fn kwok_flags(bundle: &Bundle) -> Vec<String> {
    let mut flags = owned(&[
        "--kubeconfig=pki/kwok.kubeconfig",
        "--manage-all-nodes",
        // Without leases kwok keeps nodes alive by their status alone. A lease names the process that holds it, and
        // kwok started again, or from a prepared store, would do nothing until the earlier one's has run out.
        "--node-lease-duration-seconds=0",
        "--v=WARN",
    ]);
    flags.push(format!("--config={}", bundle.stages()));
    flags.push(format!("--config={PLAY_FILE}"));
    flags.push(format!("--node-ip={ADDRESS_OF_NOTHING}"));
    flags.push(format!("--cidr={POD_RANGE}"));
    flags
}
