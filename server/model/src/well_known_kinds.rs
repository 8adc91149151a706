//! The kinds of custom resources that many repositories have, so that a slip in the name of one is seen before its CRD is
//! there.
//!
//! Only groups are listed of which all kinds are known. A kind that is none of them may be newer than this list, so that only
//! what is one or two letters away from one is taken for a slip.

/// How many letters a slip has at most.
const MAX_SLIP: usize = 2;

/// The kinds of a group.
type Kinds = (&'static str, &'static [&'static str]);

const WELL_KNOWN: [Kinds; 17] = [
    ("acme.cert-manager.io", &["Challenge", "Order"]),
    (
        "argoproj.io",
        &[
            "AnalysisRun",
            "AnalysisTemplate",
            "AppProject",
            "Application",
            "ApplicationSet",
            "ClusterAnalysisTemplate",
            "ClusterWorkflowTemplate",
            "CronWorkflow",
            "EventBus",
            "EventSource",
            "Experiment",
            "Rollout",
            "Sensor",
            "Workflow",
            "WorkflowArtifactGCTask",
            "WorkflowEventBinding",
            "WorkflowTaskResult",
            "WorkflowTaskSet",
            "WorkflowTemplate",
        ],
    ),
    (
        "autoscaling.k8s.io",
        &["VerticalPodAutoscaler", "VerticalPodAutoscalerCheckpoint"],
    ),
    ("bitnami.com", &["SealedSecret"]),
    (
        "cert-manager.io",
        &["Certificate", "CertificateRequest", "ClusterIssuer", "Issuer"],
    ),
    ("externaldns.k8s.io", &["DNSEndpoint"]),
    (
        "external-secrets.io",
        &[
            "ClusterExternalSecret",
            "ClusterPushSecret",
            "ClusterSecretStore",
            "ExternalSecret",
            "PushSecret",
            "SecretStore",
        ],
    ),
    ("flagger.app", &["AlertProvider", "Canary", "MetricTemplate"]),
    (
        "gateway.networking.k8s.io",
        &[
            "BackendTLSPolicy",
            "GRPCRoute",
            "Gateway",
            "GatewayClass",
            "HTTPRoute",
            "ListenerSet",
            "ReferenceGrant",
            "TCPRoute",
            "TLSRoute",
            "UDPRoute",
        ],
    ),
    (
        "keda.sh",
        &[
            "ClusterTriggerAuthentication",
            "ScaledJob",
            "ScaledObject",
            "TriggerAuthentication",
        ],
    ),
    (
        "metallb.io",
        &[
            "BFDProfile",
            "BGPAdvertisement",
            "BGPPeer",
            "Community",
            "ConfigurationState",
            "IPAddressPool",
            "L2Advertisement",
            "ServiceBGPStatus",
            "ServiceL2Status",
        ],
    ),
    (
        "monitoring.coreos.com",
        &[
            "Alertmanager",
            "AlertmanagerConfig",
            "PodMonitor",
            "Probe",
            "Prometheus",
            "PrometheusAgent",
            "PrometheusRule",
            "ScrapeConfig",
            "ServiceMonitor",
            "ThanosRuler",
        ],
    ),
    (
        "networking.istio.io",
        &[
            "DestinationRule",
            "EnvoyFilter",
            "Gateway",
            "ProxyConfig",
            "ServiceEntry",
            "Sidecar",
            "VirtualService",
            "WorkloadEntry",
            "WorkloadGroup",
        ],
    ),
    (
        "security.istio.io",
        &["AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"],
    ),
    (
        "snapshot.storage.k8s.io",
        &["VolumeSnapshot", "VolumeSnapshotClass", "VolumeSnapshotContent"],
    ),
    (
        "traefik.io",
        &[
            "IngressRoute",
            "IngressRouteTCP",
            "IngressRouteUDP",
            "Middleware",
            "MiddlewareTCP",
            "ServersTransport",
            "ServersTransportTCP",
            "TLSOption",
            "TLSStore",
            "TraefikService",
        ],
    ),
    (
        "velero.io",
        &[
            "Backup",
            "BackupRepository",
            "BackupStorageLocation",
            "DeleteBackupRequest",
            "DownloadRequest",
            "PodVolumeBackup",
            "PodVolumeRestore",
            "Restore",
            "Schedule",
            "ServerStatusRequest",
            "VolumeSnapshotLocation",
        ],
    ),
];

/// The kind of a well-known group that is meant by one that the group does not have.
pub fn meant_kind(group: &str, kind: &str) -> Option<&'static str> {
    let (_, kinds) = WELL_KNOWN.iter().find(|(known, _)| *known == group)?;
    if kinds.contains(&kind) {
        return None;
    }
    let written = kind.to_lowercase();
    let distance = |known: &str| strsim::damerau_levenshtein(&written, &known.to_lowercase());
    let (distance, near) = kinds.iter().map(|known| (distance(known), *known)).min()?;
    (distance <= MAX_SLIP && near.len() > 2 * MAX_SLIP).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::{WELL_KNOWN, meant_kind};

    #[test]
    fn a_slip_is_one_or_two_letters() {
        let gateway = "gateway.networking.k8s.io";
        assert_eq!(meant_kind(gateway, "GatewaCylass"), Some("GatewayClass"));
        assert_eq!(meant_kind(gateway, "Gatway"), Some("Gateway"));
        assert_eq!(meant_kind(gateway, "HttpRoute"), Some("HTTPRoute"));
        assert_eq!(meant_kind(gateway, "Gateway"), None);
        assert_eq!(meant_kind(gateway, "XMesh"), None);
        assert_eq!(meant_kind("gateway.example.org", "Gatway"), None);
    }

    #[test]
    fn no_known_kind_is_taken_for_another() {
        for (group, kinds) in WELL_KNOWN {
            assert!(kinds.is_sorted(), "{group}");
            assert!(kinds.iter().all(|kind| meant_kind(group, kind).is_none()), "{group}");
        }
    }
}
