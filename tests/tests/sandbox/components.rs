//! Components that end by themselves, and that are started again.

use gitops_session::sandbox::Component;
use gitops_tests::sandboxes::{client, process_ids, started, within};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, PostParams};
use kube::runtime::wait::{await_condition, conditions::is_pod_running};
use serde_json::json;

use crate::setting::{create_config_map, has_config_map, send_signal, shared_state};

#[tokio::test]
async fn a_killed_component_is_reported_and_can_be_restarted_with_everything_kept() {
    let state = shared_state();
    let mut sandbox = started("killed", &state).await;
    let server = sandbox.server().to_owned();
    let client = client(sandbox.kubeconfig()).await;
    for component in [
        Component::ApiServer,
        Component::Etcd,
        Component::Kwok,
        Component::Scheduler,
        Component::ControllerManager,
    ] {
        let name = format!("before-{component}");
        create_config_map(&client, &name).await;
        send_signal(sandbox.process_id(component).unwrap(), "KILL");
        let exit = within("the report", sandbox.next_exit()).await;
        assert_eq!(exit.component, component);
        assert!(exit.status.contains("SIGKILL"), "{}", exit.status);
        assert_eq!(exit.cause, None);
        assert_eq!(sandbox.process_id(component), None);

        within("the restart", sandbox.restart(component)).await.unwrap();
        assert_eq!(sandbox.server(), server);
        assert!(has_config_map(&client, &name).await, "{component}");
    }
    assert_eq!(process_ids(&sandbox).len(), Component::CONTROL_PLANE.len());

    // All of them work again: a Pod is scheduled and runs.
    let pods: Api<Pod> = Api::default_namespaced(client);
    let pod: Pod = serde_json::from_value(json!({
        "metadata": { "name": "after" },
        "spec": { "containers": [{ "name": "after", "image": "nginx:1" }] },
    }))
    .unwrap();
    pods.create(&PostParams::default(), &pod).await.unwrap();
    within("the pod", Box::pin(await_condition(pods, "after", is_pod_running())))
        .await
        .unwrap();
    sandbox.stop().await;
}

#[tokio::test]
async fn a_running_component_can_be_restarted() {
    let state = shared_state();
    let mut sandbox = started("restarted", &state).await;
    let before = sandbox.process_id(Component::ApiServer).unwrap();
    within("the restart", sandbox.restart(Component::ApiServer))
        .await
        .unwrap();
    assert_ne!(sandbox.process_id(Component::ApiServer), Some(before));
    create_config_map(&client(sandbox.kubeconfig()).await, "after").await;
    sandbox.stop().await;
}
