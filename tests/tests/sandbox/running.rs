//! What a running sandbox is and does.

use std::os::unix::fs::PermissionsExt as _;

use camino::Utf8Path;
use gitops_session::sandbox::{Component, SandboxState, Step, list, start};
use gitops_tests::sandboxes::{bundle, client, options, process_ids, started, within};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod, ServiceAccount};
use kube::api::{Api, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::wait::await_condition;
use serde_json::json;
use std::sync::Mutex;

use crate::setting::{assert_gone_soon, create_config_map, fresh_state, has_config_map, listening_addresses};

#[tokio::test]
async fn a_deployment_becomes_available_on_a_first_and_on_a_prepared_start() {
    let (_keep, state) = fresh_state();
    let steps = Mutex::new(Vec::new());
    let record = |step| steps.lock().unwrap().push(step);
    let first = within("the first start", start(options("first", &state), record))
        .await
        .unwrap();
    assert!(steps.lock().unwrap().contains(&Step::Keep));
    assert_eq!(first.kubernetes_version(), bundle().versions().kubernetes);
    // A name on the first one must not be found in the second one.
    create_config_map(&client(first.kubeconfig()).await, "only-here").await;

    steps.lock().unwrap().clear();
    let record = |step| steps.lock().unwrap().push(step);
    let second = within("the second start", start(options("second", &state), record))
        .await
        .unwrap();
    let seen = steps.lock().unwrap().clone();
    assert!(seen.contains(&Step::Copy) && !seen.contains(&Step::Keep), "{seen:?}");

    for sandbox in [&first, &second] {
        let client = client(sandbox.kubeconfig()).await;
        let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
        let deployment: Deployment = serde_json::from_value(json!({
            "metadata": { "name": "web" },
            "spec": {
                "replicas": 2,
                "selector": { "matchLabels": { "app": "web" } },
                "template": {
                    "metadata": { "labels": { "app": "web" } },
                    "spec": { "containers": [{ "name": "web", "image": "nginx:1" }] },
                },
            },
        }))
        .unwrap();
        deployments.create(&PostParams::default(), &deployment).await.unwrap();
        let available = |deployment: Option<&Deployment>| {
            deployment
                .and_then(|deployment| deployment.status.as_ref()?.available_replicas)
                .is_some_and(|count| count == 2)
        };
        within(
            "the deployment",
            Box::pin(await_condition(deployments, "web", available)),
        )
        .await
        .unwrap();
        let pods: Api<Pod> = Api::default_namespaced(client.clone());
        for pod in pods.list(&ListParams::default()).await.unwrap() {
            assert_eq!(pod.spec.unwrap().node_name.as_deref(), Some("sandbox"));
        }
    }
    assert!(!has_config_map(&client(second.kubeconfig()).await, "only-here").await);

    let running: Vec<_> = list(&state).unwrap();
    assert_eq!(running.len(), 2);
    for (entry, sandbox) in running.iter().zip([&first, &second]) {
        assert_eq!(entry.name, sandbox.name());
        assert_eq!(entry.state, SandboxState::Running);
        assert_eq!(entry.server, sandbox.server());
        assert_eq!(entry.kubeconfig, sandbox.kubeconfig());
        assert_eq!(entry.kubernetes_version, bundle().versions().kubernetes);
        assert_eq!(entry.pid, std::process::id());
        assert!(entry.started.ends_with('Z'), "{}", entry.started);
    }

    let mut ids = process_ids(&first);
    ids.extend(process_ids(&second));
    first.stop().await;
    drop(second);
    assert_gone_soon(&ids);
    assert!(list(&state).unwrap().is_empty());
    let left: Vec<_> = state.path().join("sandboxes").read_dir_utf8().unwrap().collect();
    assert_eq!(left.len(), 1, "only the guard file stays: {left:?}");
}

#[tokio::test]
async fn what_a_prepared_store_holds_is_made_to_fit_the_new_keys() {
    let state = crate::setting::shared_state();
    // The first start of all may be this one; the second is from a prepared store in any case.
    started("keys-before", &state).await.stop().await;
    let sandbox = started("keys", &state).await;
    let client = client(sandbox.kubeconfig()).await;
    let authority = std::fs::read_to_string(sandbox.directory().join("pki/ca.crt")).unwrap();
    for namespace in ["default", "kube-system"] {
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
        let fits = |map: Option<&ConfigMap>| {
            map.and_then(|map| map.data.as_ref()?.get("ca.crt"))
                .is_some_and(|published| *published == authority)
        };
        within(
            "the publishing of the authority",
            await_condition(maps, "kube-root-ca.crt", fits),
        )
        .await
        .unwrap();
    }

    // A token that this API server has signed is one that it believes.
    let accounts: Api<ServiceAccount> = Api::default_namespaced(client.clone());
    let request: TokenRequest = serde_json::from_value(json!({ "spec": { "audiences": [] } })).unwrap();
    let answer = accounts
        .create_token_request("default", &PostParams::default(), &request)
        .await
        .unwrap();
    let token = answer.status.unwrap().token;
    let mut kubeconfig = Kubeconfig::read_from(sandbox.kubeconfig()).unwrap();
    let user = kubeconfig.auth_infos[0].auth_info.as_mut().unwrap();
    user.client_certificate_data = None;
    user.client_key_data = None;
    user.token = token.map(Into::into);
    let refusal = list_nodes(kubeconfig).await.unwrap_err();
    assert!(refusal.contains("system:serviceaccount:default:default"), "{refusal}");
    sandbox.stop().await;
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let state = crate::setting::shared_state();
    let sandbox = started("closed", &state).await;

    let mut kubeconfig = Kubeconfig::read_from(sandbox.kubeconfig()).unwrap();
    let user = kubeconfig.auth_infos[0].auth_info.as_mut().unwrap();
    user.client_certificate_data = None;
    user.client_key_data = None;
    let refusal = list_nodes(kubeconfig).await.unwrap_err();
    assert!(refusal.contains("Unauthorized"), "{refusal}");

    for directory in [
        state.path().to_owned(),
        state.path().join("sandboxes"),
        state.path().join("prepared"),
        sandbox.directory().to_owned(),
        sandbox.directory().join("pki"),
        sandbox.directory().join("logs"),
        sandbox.directory().join("etcd"),
    ] {
        assert_eq!(mode(&directory), 0o700, "{directory}");
    }
    assert_eq!(mode(sandbox.kubeconfig()), 0o600);
    let keys = sandbox.directory().join("pki").read_dir_utf8().unwrap();
    for file in keys {
        let path = file.unwrap().into_path();
        assert_eq!(mode(&path), 0o600, "{path}");
    }

    // The API server's port is the only one, and it is on loopback.
    let ports: Vec<String> = process_ids(&sandbox)
        .into_iter()
        .flat_map(listening_addresses)
        .collect();
    let port = sandbox.server().rsplit(':').next().unwrap();
    assert_eq!(ports, [format!("127.0.0.1:{port}")]);
    sandbox.stop().await;
}

#[tokio::test]
async fn custom_resources_are_there_from_the_beginning() {
    let state = crate::setting::shared_state();
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "gadgets.example.com" },
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": { "kind": "Gadget", "plural": "gadgets", "singular": "gadget" },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object" } },
            }],
        },
    });
    for name in ["gadgets-first", "gadgets-prepared"] {
        let mut options = options(name, &state);
        options.custom_resources = vec![definition.clone()];
        let sandbox = within("the start", start(options, |_| ())).await.unwrap();
        let client = client(sandbox.kubeconfig()).await;
        let served = client.list_api_group_resources("example.com/v1").await.unwrap();
        assert!(served.resources.iter().any(|resource| resource.kind == "Gadget"));
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn components_have_processes_and_logs() {
    let state = crate::setting::shared_state();
    let sandbox = started("logs", &state).await;
    for component in Component::CONTROL_PLANE {
        assert!(sandbox.log(component).is_file(), "{component}");
        assert!(sandbox.process_id(component).is_some(), "{component}");
    }
    sandbox.stop().await;
}

async fn list_nodes(kubeconfig: Kubeconfig) -> Result<(), String> {
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .unwrap();
    let nodes: Api<Node> = Api::all(kube::Client::try_from(config).unwrap());
    match nodes.list(&ListParams::default()).await {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn mode(path: &Utf8Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
