//! When a sandbox can be used.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use camino::Utf8Path;
use http::Request;
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ApiResource, DynamicObject, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::component::NODE_NAME;

/// Between two looks at something that cannot be watched yet.
const PAUSE: Duration = Duration::from_millis(15);

/// A client with the sandbox's own kubeconfig.
pub(crate) async fn client(kubeconfig: &Utf8Path) -> Result<Client, kube::Error> {
    let read = Kubeconfig::read_from(kubeconfig).map_err(|error| kube::Error::Service(Box::new(error)))?;
    let mut config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default())
        .await
        .map_err(|error| kube::Error::Service(Box::new(error)))?;
    // A proxy from the environment has no business with a loopback address.
    config.proxy_url = None;
    Client::try_from(config)
}

/// Waits until something listens on the port. From then on connections wait in the kernel until they are served.
pub(crate) async fn listening(port: u16) {
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        tokio::time::sleep(PAUSE).await;
    }
}

/// What the API server must have done before it counts as ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SetUp {
    /// Everything.
    Whole,
    /// Everything but what makes sure that certain objects exist, which are known to be in the store.
    /// These two look for the first time one second after the API server's start.
    ObjectsAreThere,
}

impl SetUp {
    fn path(self) -> &'static str {
        match self {
            Self::Whole => "/readyz",
            Self::ObjectsAreThere => {
                "/readyz?exclude=poststarthook/rbac/bootstrap-roles\
                 &exclude=poststarthook/scheduling/bootstrap-system-priority-classes"
            }
        }
    }
}

/// Waits until the API server says that it is ready.
pub(crate) async fn ready(client: &Client, set_up: SetUp) {
    loop {
        let request = Request::get(set_up.path()).body(Vec::new());
        if let Ok(request) = request
            && client.request_text(request).await.is_ok()
        {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits until a Pod can be created in the namespace `default`, which takes its service account.
pub(crate) async fn pods_can_be_created(client: &Client) {
    let pods: Api<DynamicObject> = Api::default_namespaced_with(client.clone(), &ApiResource::erase::<Pod>(&()));
    let probe = DynamicObject::new("probe", &ApiResource::erase::<Pod>(&()))
        .data(json!({ "spec": { "containers": [{ "name": "probe", "image": "probe" }] } }));
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    while pods.create(&dry_run, &probe).await.is_err() {
        tokio::time::sleep(PAUSE).await;
    }
}

/// Creates those `CustomResourceDefinition`s that are not there and waits until what they define is served.
pub(crate) async fn define_custom_resources(client: &Client, definitions: &[Value]) -> Result<(), kube::Error> {
    let resource = ApiResource::erase::<CustomResourceDefinition>(&());
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let mut names = Vec::new();
    for definition in definitions {
        let definition: DynamicObject = serde_json::from_value(definition.clone()).map_err(kube::Error::SerdeError)?;
        names.extend(definition.metadata.name.clone());
        match api.create(&PostParams::default(), &definition).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(error),
        }
    }
    for name in names {
        while !is_established(&api.get(&name).await?) {
            tokio::time::sleep(PAUSE).await;
        }
    }
    served(client, definitions).await;
    Ok(())
}

/// Waits until discovery names what the definitions define. It learns of them a moment after they are established, and
/// a controller that does not find its kinds in it looks again only 10 seconds later.
pub(crate) async fn served(client: &Client, definitions: &[Value]) {
    let mut wanted: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for definition in definitions {
        let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
        for version in versions.into_iter().flatten() {
            if let (Some(name), Some(true)) = (
                version.get("name").and_then(Value::as_str),
                version.get("served").and_then(Value::as_bool),
            ) {
                let group_version = format!("{}/{name}", text("/spec/group"));
                wanted
                    .entry(group_version)
                    .or_default()
                    .push(text("/spec/names/plural"));
            }
        }
    }
    for (group_version, plurals) in wanted {
        loop {
            if let Ok(list) = client.list_api_group_resources(&group_version).await
                && plurals
                    .iter()
                    .all(|plural| list.resources.iter().any(|resource| resource.name == *plural))
            {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn is_established(definition: &DynamicObject) -> bool {
    let conditions = definition.data.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        condition.get("type") == Some(&json!("Established")) && condition.get("status") == Some(&json!("True"))
    })
}

/// Creates the node, unless it is there.
pub(crate) async fn create_node(client: &Client) -> Result<(), kube::Error> {
    let capacity = json!({
        "cpu": "32",
        "memory": "256Gi",
        "pods": "500",
        "ephemeral-storage": "1Ti",
    });
    let node: Node = serde_json::from_value(json!({
        "metadata": {
            "name": NODE_NAME,
            "annotations": {
                // kwok answers for nodes with this annotation.
                "kwok.x-k8s.io/node": "fake",
                "node.alpha.kubernetes.io/ttl": "0",
            },
            "labels": {
                "kubernetes.io/arch": architecture(),
                "kubernetes.io/hostname": NODE_NAME,
                "kubernetes.io/os": "linux",
                "node.kubernetes.io/instance-type": "sandbox",
                "topology.kubernetes.io/region": "local",
                "topology.kubernetes.io/zone": "local",
                "node-role.kubernetes.io/worker": "",
                "type": "kwok",
            },
        },
        "status": {
            "allocatable": capacity,
            "capacity": capacity,
            "nodeInfo": {
                "architecture": architecture(),
                "operatingSystem": "linux",
                "bootID": "", "containerRuntimeVersion": "", "kernelVersion": "", "kubeProxyVersion": "",
                "kubeletVersion": "", "machineID": "", "osImage": "", "systemUUID": "",
            },
        },
    }))
    .map_err(kube::Error::SerdeError)?;
    let nodes: Api<Node> = Api::all(client.clone());
    match nodes.create(&PostParams::default(), &node).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(error) => Err(error),
    }
}

/// Waits until the node is ready and takes Pods.
pub(crate) async fn node_takes_pods(client: &Client) {
    let nodes: Api<Node> = Api::all(client.clone());
    loop {
        if let Ok(node) = nodes.get(NODE_NAME).await
            && takes_pods(&node)
        {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn takes_pods(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready = conditions.is_some_and(|conditions| {
        conditions
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
    });
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    ready && taints.is_none_or(Vec::is_empty)
}

/// What images are built for, in Go's words; the node is of this machine's kind.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
