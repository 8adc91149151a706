//! What can be wrong with an object that was accepted, as its cluster says it.

use std::fmt;

/// One thing that keeps an object from running. Pods of one template say the same, so that no name of a pod is in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Trouble {
    /// A controller cannot create a pod or a Job.
    NotCreated {
        /// The API server's words about what it would have created.
        text: String,
    },
    /// No node takes the pod.
    Unschedulable {
        /// The scheduler's words.
        text: String,
        /// Entries of `nodeSelector` that no node has.
        unmatched: Vec<String>,
    },
    /// A container waits for something that it does not get.
    Waiting {
        /// Its name.
        container: String,
        /// The kubelet's reason, such as `ImagePullBackOff`.
        reason: String,
        /// The kubelet's words.
        message: String,
    },
    /// A container has ended, and should not have.
    Crashed {
        /// Its name.
        container: String,
        /// How it ended.
        exit_code: i64,
        /// The kubelet's reason, such as `OOMKilled`.
        reason: String,
        /// What the container left as its last words.
        message: String,
    },
    /// A probe fails.
    Unhealthy {
        /// The container's name.
        container: String,
        /// Which probe.
        probe: Probe,
        /// What came of it.
        text: String,
    },
    /// A volume cannot be attached or mounted.
    Volume {
        /// The kubelet's words.
        text: String,
    },
    /// A claim is not bound.
    Claim {
        /// The controller's reason, such as `ProvisioningFailed`.
        reason: String,
        /// Its words.
        text: String,
    },
    /// A pod has failed as a whole, such as by eviction.
    Failed {
        /// The reason.
        reason: String,
        /// The words.
        text: String,
    },
    /// A rollout has taken too long.
    Deadline {
        /// The controller's words.
        text: String,
    },
    /// Something that a kubelet would need is not there. Nobody has said so: it was looked for.
    Missing {
        /// What it is.
        kind: Referent,
        /// Its name.
        name: String,
        /// The key that it does not have; `None` when it is not there itself.
        key: Option<String>,
        /// A name or key that is there and was perhaps meant.
        near: Option<String>,
    },
    /// The registry of an image says that it does not have it. No kubelet has said so: the registry was asked.
    NoImage {
        /// The image, as the container names it.
        image: String,
        /// Tags that its repository has; empty where it does not have the repository, or does not tell.
        tags: Vec<String>,
    },
}

impl Trouble {
    /// Whether it was foreseen, and nothing on the cluster has said it.
    pub fn is_foreseen(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::NoImage { .. })
    }

    /// Whether it is a fault of what was applied: neither foreseen, nor only that a sandbox has nobody who provides
    /// volumes for claims.
    pub fn is_fault(&self) -> bool {
        match self {
            Self::Missing { .. } | Self::NoImage { .. } => false,
            Self::Unschedulable { text, .. } => !waits_for_volumes_only(text),
            _ => true,
        }
    }
}

/// Whether all that the scheduler says is that claims are not bound yet: it looks at nothing else before they are.
pub(super) fn waits_for_volumes_only(text: &str) -> bool {
    text.contains("pod has unbound immediate PersistentVolumeClaims")
}

impl fmt::Display for Trouble {
    /// The cluster's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotCreated { text }
            | Self::Unschedulable { text, .. }
            | Self::Unhealthy { text, .. }
            | Self::Volume { text }
            | Self::Deadline { text } => f.write_str(text),
            Self::Waiting { reason, message, .. } | Self::Crashed { reason, message, .. } => {
                write!(f, "{reason}: {message}")
            }
            Self::Claim { reason, text } | Self::Failed { reason, text } => write!(f, "{reason}: {text}"),
            Self::Missing { kind, name, .. } => write!(f, "{} \"{name}\" not found", kind.name()),
            Self::NoImage { image, .. } => write!(f, "image \"{image}\" not found"),
        }
    }
}

/// One of the three probes of a container.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Probe {
    /// Whether it has started.
    Startup,
    /// Whether it takes requests.
    Readiness,
    /// Whether it has to be started again.
    Liveness,
}

impl Probe {
    /// Its field in a container.
    pub fn field(self) -> &'static str {
        match self {
            Self::Startup => "startupProbe",
            Self::Readiness => "readinessProbe",
            Self::Liveness => "livenessProbe",
        }
    }

    /// Of the text of an `Unhealthy` event: `Readiness probe failed: …` (pkg/kubelet/prober/prober.go).
    pub fn of(text: &str) -> Option<Self> {
        match text.split_once(" probe ")?.0 {
            "Startup" => Some(Self::Startup),
            "Readiness" => Some(Self::Readiness),
            "Liveness" => Some(Self::Liveness),
            _ => None,
        }
    }
}

/// What a pod can name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Referent {
    /// A `ConfigMap`.
    ConfigMap,
    /// A `Secret`.
    Secret,
    /// A `Secret` with credentials of a registry, which a kubelet does without.
    PullSecret,
    /// A `PersistentVolumeClaim`.
    Claim,
    /// A `ServiceAccount`.
    ServiceAccount,
}

impl Referent {
    /// Its kind, as manifests have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret | Self::PullSecret => "Secret",
            Self::Claim => "PersistentVolumeClaim",
            Self::ServiceAccount => "ServiceAccount",
        }
    }
}
