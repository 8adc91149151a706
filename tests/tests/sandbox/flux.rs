//! A sandbox with Flux: the real controllers, and what they say of objects.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;

use camino::Utf8Path;
use gitops_session::sandbox::keeper::{self, AskError, KeeperCommand};
use gitops_session::sandbox::{
    Bundle, Component, FLUX_NAMESPACE, Sandbox, SandboxState, StartErrorKind, Step, list, start,
};
use gitops_tests::sandboxes::{bundle, client, options_with_flux, process_ids, started, started_with_flux, within};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::runtime::wait::await_condition;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::owner;
use crate::setting::{
    assert_gone_soon, child_ids, children, create_config_map, fresh_state, is_alive, listening_addresses, send_signal,
    shared_state,
};

/// What listens: the API server; four controllers, that say whether they are ready; two of them, with artifacts.
const PORTS: usize = 7;

/// A URL that nothing listens on, and that nothing will: the listener that is given back holds the port back.
fn url_of_nothing() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("http://127.0.0.1:{port}/fleet.git"))
}

/// Applies an object of any kind in Flux's namespace.
async fn apply(client: &Client, api_version: &str, kind: &str, name: &str, spec: Value) -> Api<DynamicObject> {
    let (group, version) = api_version.split_once('/').unwrap();
    let gvk = GroupVersionKind::gvk(group, version, kind);
    let (resource, _) = kube::discovery::pinned_kind(client, &gvk).await.unwrap();
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), FLUX_NAMESPACE, &resource);
    let object = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name }, "spec": spec });
    api.patch(name, &PatchParams::apply("test"), &Patch::Apply(&object))
        .await
        .unwrap_or_else(|error| panic!("{kind} {name}: {error}"));
    api
}

/// Waits until a controller has said that an object is not ready, and gives back why, as reason and message.
async fn why_not_ready(api: Api<DynamicObject>, name: &str) -> (String, String) {
    let not_ready = |object: Option<&DynamicObject>| object.and_then(refusal).is_some();
    let object = within("the condition", Box::pin(await_condition(api, name, not_ready)))
        .await
        .unwrap()
        .unwrap();
    refusal(&object).unwrap()
}

fn refusal(object: &DynamicObject) -> Option<(String, String)> {
    let conditions = object.data.pointer("/status/conditions")?.as_array()?;
    let ready = conditions
        .iter()
        .find(|condition| condition["type"] == "Ready" && condition["status"] == "False")?;
    Some((
        ready["reason"].as_str()?.to_owned(),
        ready["message"].as_str()?.to_owned(),
    ))
}

/// What all four controllers say, each of an object whose source is not there.
async fn assert_all_controllers_answer(sandbox: &Sandbox) {
    let client = client(sandbox.kubeconfig()).await;
    let (listener, url) = url_of_nothing();
    drop(listener);
    let sources = apply(
        &client,
        "source.toolkit.fluxcd.io/v1",
        "GitRepository",
        "fleet",
        json!({ "interval": "1h", "url": url, "ref": { "branch": "main" } }),
    )
    .await;
    let kustomizations = apply(
        &client,
        "kustomize.toolkit.fluxcd.io/v1",
        "Kustomization",
        "apps",
        json!({
            "interval": "1h", "prune": true, "path": "./apps",
            "sourceRef": { "kind": "GitRepository", "name": "absent" },
        }),
    )
    .await;
    let releases = apply(
        &client,
        "helm.toolkit.fluxcd.io/v2",
        "HelmRelease",
        "podinfo",
        json!({ "interval": "1h", "chartRef": { "kind": "OCIRepository", "name": "absent" } }),
    )
    .await;
    let generators = apply(
        &client,
        "source.extensions.fluxcd.io/v1beta1",
        "ArtifactGenerator",
        "parts",
        json!({
            "sources": [{ "alias": "fleet", "kind": "GitRepository", "name": "absent" }],
            "artifacts": [{ "name": "apps", "copy": [{ "from": "@fleet/apps/**", "to": "@artifact/" }] }],
        }),
    )
    .await;

    let (reason, message) = why_not_ready(sources, "fleet").await;
    assert_eq!(reason, "GitOperationFailed", "{message}");
    assert!(message.contains("connection refused"), "{message}");
    let (reason, message) = why_not_ready(kustomizations, "apps").await;
    assert_eq!(reason, "ArtifactFailed", "{message}");
    assert!(message.contains("absent"), "{message}");
    let (reason, message) = why_not_ready(releases, "podinfo").await;
    assert_eq!(reason, "ArtifactFailed", "{message}");
    assert!(message.contains("absent"), "{message}");
    let (reason, message) = why_not_ready(generators, "parts").await;
    assert!(message.contains("absent"), "{reason}: {message}");
}

#[tokio::test]
async fn flux_is_there_on_a_first_and_on_a_prepared_start() {
    let (_keep, state) = fresh_state();
    let steps = Mutex::new(Vec::new());
    let record = |step| steps.lock().unwrap().push(step);
    let first = within("the first start", start(options_with_flux("first", &state), record))
        .await
        .unwrap();
    let seen = std::mem::take(&mut *steps.lock().unwrap());
    assert!(seen.contains(&Step::Keep) && seen.contains(&Step::Flux), "{seen:?}");
    let record = |step| steps.lock().unwrap().push(step);
    let second = within("the second start", start(options_with_flux("second", &state), record))
        .await
        .unwrap();
    let seen = steps.lock().unwrap().clone();
    assert!(seen.contains(&Step::Copy) && !seen.contains(&Step::Keep), "{seen:?}");

    // Both run, so neither is in the other's way.
    for (sandbox, entry) in [&first, &second].into_iter().zip(list(&state).unwrap()) {
        assert_eq!(entry.state, SandboxState::Running);
        assert_eq!(entry.flux.as_ref(), sandbox.flux());
        let flux = sandbox.flux().unwrap();
        assert_eq!(Some(&flux.version), bundle().versions().flux.as_ref());
        assert_eq!(flux.controllers.len(), Component::FLUX.len());
        assert_eq!(process_ids(sandbox).len(), 9);
        assert_all_controllers_answer(sandbox).await;
    }

    let ids = with_children(&first);
    let others = with_children(&second);
    first.stop().await;
    // What holds a controller goes after it: nothing is left the moment that the sandbox is gone.
    assert!(!ids.iter().any(|&id| is_alive(id)));
    drop(second);
    assert_gone_soon(&others);
    assert!(list(&state).unwrap().is_empty());
}

#[tokio::test]
async fn flux_and_none_are_prepared_apart() {
    let state = shared_state();
    started("flux-none", &state).await.stop().await;
    started_with_flux("flux-some", &state).await.stop().await;
    let sandbox = started("flux-none", &state).await;
    let entries = list(&state).unwrap();
    let entry = entries.iter().find(|entry| entry.name == "flux-none").unwrap();
    assert_eq!(entry.flux, None);
    assert_eq!(sandbox.flux(), None);
    let client = client(sandbox.kubeconfig()).await;
    assert!(
        client
            .list_api_group_resources("kustomize.toolkit.fluxcd.io/v1")
            .await
            .is_err()
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn objects_of_flux_without_a_controller_are_accepted() {
    let state = shared_state();
    let sandbox = started_with_flux("flux-kinds", &state).await;
    let client = client(sandbox.kubeconfig()).await;
    for (api_version, kind, spec) in [
        (
            "notification.toolkit.fluxcd.io/v1beta3",
            "Provider",
            json!({ "type": "slack", "channel": "general" }),
        ),
        (
            "notification.toolkit.fluxcd.io/v1beta3",
            "Alert",
            json!({ "providerRef": { "name": "chat" }, "eventSources": [{ "kind": "Kustomization", "name": "*" }] }),
        ),
        (
            "notification.toolkit.fluxcd.io/v1",
            "Receiver",
            json!({
                "type": "github", "secretRef": { "name": "token" },
                "resources": [{ "kind": "GitRepository", "name": "fleet" }],
            }),
        ),
        (
            "image.toolkit.fluxcd.io/v1",
            "ImageRepository",
            json!({ "image": "ghcr.io/stefanprodan/podinfo", "interval": "1h" }),
        ),
        (
            "image.toolkit.fluxcd.io/v1",
            "ImagePolicy",
            json!({ "imageRepositoryRef": { "name": "podinfo" }, "policy": { "semver": { "range": "6.x" } } }),
        ),
        (
            "image.toolkit.fluxcd.io/v1",
            "ImageUpdateAutomation",
            json!({
                "interval": "1h",
                "sourceRef": { "kind": "GitRepository", "name": "fleet" },
                "git": { "commit": { "author": { "email": "bot@example.com" } } },
            }),
        ),
    ] {
        apply(&client, api_version, kind, "accepted", spec).await;
    }
    // What is wrong is refused: it is the real definition that judges.
    let gvk = GroupVersionKind::gvk("image.toolkit.fluxcd.io", "v1", "ImagePolicy");
    let resource = ApiResource::from_gvk_with_plural(&gvk, "imagepolicies");
    let api: Api<DynamicObject> = Api::namespaced_with(client, FLUX_NAMESPACE, &resource);
    let wrong = json!({
        "apiVersion": "image.toolkit.fluxcd.io/v1", "kind": "ImagePolicy", "metadata": { "name": "wrong" },
        "spec": { "imageRepositoryRef": { "name": "podinfo" } },
    });
    let refusal = api
        .patch("wrong", &PatchParams::apply("test"), &Patch::Apply(&wrong))
        .await
        .unwrap_err();
    assert!(refusal.to_string().contains("spec.policy"), "{refusal}");
    sandbox.stop().await;
}

#[tokio::test]
async fn flux_can_be_added_to_a_sandbox_that_runs() {
    let state = shared_state();
    let mut sandbox = started("flux-added", &state).await;
    create_config_map(&client(sandbox.kubeconfig()).await, "before").await;
    within("Flux", sandbox.add_flux()).await.unwrap();
    within("nothing more", sandbox.add_flux()).await.unwrap();
    assert_eq!(process_ids(&sandbox).len(), 9);
    let entries = list(&state).unwrap();
    let entry = entries.iter().find(|entry| entry.name == "flux-added").unwrap();
    assert_eq!(entry.flux.as_ref(), sandbox.flux());
    assert!(entry.flux.is_some());
    assert_all_controllers_answer(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn controllers_end_with_an_owner_that_is_killed() {
    let (_keep, state) = fresh_state();
    let mut process = owner::command("own-with-flux", "orphan", state.path()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let ids = within("the owner's start", async {
        loop {
            let line = lines.next_line().await.unwrap().expect("the owner ended");
            if let Some((_, ids)) = line.split_once("processes ") {
                return serde_json::from_str::<Vec<u32>>(ids).unwrap();
            }
        }
    })
    .await;
    assert_eq!(ids.len(), 9);
    let held: Vec<u32> = ids.iter().flat_map(|&id| child_ids(id)).collect();
    assert_eq!(held.len(), 4, "each controller is held");
    let all = [ids, held].concat();
    assert!(all.iter().all(|&id| is_alive(id)));
    // SIGKILL: the owner cannot do anything about it.
    process.kill().await.unwrap();
    assert_gone_soon(&all);
    assert_eq!(list(&state).unwrap()[0].state, SandboxState::Stale);
}

#[tokio::test]
async fn a_controller_that_is_killed_is_reported_and_can_be_restarted() {
    let state = shared_state();
    let mut sandbox = started_with_flux("flux-killed", &state).await;
    for component in Component::FLUX {
        let holder = sandbox.process_id(component).unwrap();
        let controller = child_ids(holder)[0];
        send_signal(controller, "KILL");
        let exit = within("the report", sandbox.next_exit()).await;
        assert_eq!(exit.component, component);
        assert_eq!(exit.status, "exit status: 137");
        let last = exit.log_tail.last().unwrap();
        assert_eq!(*last, format!("hold: {component}: signal: killed"));
        within("the restart", sandbox.restart(component)).await.unwrap();

        // Killed itself, what holds a controller takes it along.
        let holder = sandbox.process_id(component).unwrap();
        let controller = child_ids(holder)[0];
        send_signal(holder, "KILL");
        let exit = within("the report", sandbox.next_exit()).await;
        assert!(exit.status.contains("SIGKILL"), "{}", exit.status);
        assert_gone_soon(&[controller]);
        within("the restart", sandbox.restart(component)).await.unwrap();
    }
    assert_all_controllers_answer(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_controller_whose_port_was_taken_meanwhile_gets_another() {
    let state = shared_state();
    let mut sandbox = started_with_flux("flux-port", &state).await;
    let component = Component::SourceController;
    let controller = child_ids(sandbox.process_id(component).unwrap())[0];
    let before = listening_addresses(controller);
    send_signal(controller, "KILL");
    within("the report", sandbox.next_exit()).await;
    let _taken: Vec<TcpListener> = before
        .iter()
        .map(|address| TcpListener::bind(address).unwrap())
        .collect();
    within("the restart", sandbox.restart(component)).await.unwrap();
    let controller = child_ids(sandbox.process_id(component).unwrap())[0];
    let after = listening_addresses(controller);
    assert_eq!(after.len(), before.len());
    assert!(!after.iter().any(|address| before.contains(address)), "{after:?}");
    assert_all_controllers_answer(&sandbox).await;
    sandbox.stop().await;
}

/// The real bundle, but for a helm-controller that says something and ends.
fn bundle_with_a_broken_controller(directory: &Utf8Path) -> Bundle {
    for entry in bundle().directory().read_dir_utf8().unwrap().flatten() {
        std::os::unix::fs::symlink(entry.path(), directory.join(entry.file_name())).unwrap();
    }
    let broken = directory.join("helm-controller");
    std::fs::remove_file(&broken).unwrap();
    std::fs::write(&broken, "#!/bin/sh\necho 'no charts today' >&2\nexit 7\n").unwrap();
    std::fs::set_permissions(&broken, std::fs::Permissions::from_mode(0o755)).unwrap();
    Bundle::at(directory).unwrap()
}

#[tokio::test]
async fn a_sandbox_to_which_flux_cannot_be_added_stays_as_it_is() {
    let state = shared_state();
    let keep = tempfile::tempdir().unwrap();
    let directory = Utf8Path::from_path(keep.path()).unwrap();
    let mut options = options_with_flux("flux-not-added", &state);
    options.flux = false;
    options.bundle = bundle_with_a_broken_controller(directory);
    let mut sandbox = within("the start", start(options, |_| ())).await.unwrap();
    let error = within("the failure", sandbox.add_flux()).await.unwrap_err();
    assert_eq!(error.component, Some(Component::HelmController));
    assert_eq!(error.log_tail, ["no charts today"]);
    assert_eq!(sandbox.flux(), None);
    for component in Component::FLUX {
        assert_eq!(sandbox.process_id(component), None);
    }
    create_config_map(&client(sandbox.kubeconfig()).await, "still-there").await;

    // With the right program in its place it can be added after all.
    let controller = directory.join("helm-controller");
    std::fs::remove_file(&controller).unwrap();
    std::os::unix::fs::symlink(bundle().directory().join("helm-controller"), &controller).unwrap();
    within("Flux", sandbox.add_flux()).await.unwrap();
    assert_all_controllers_answer(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_controller_that_ends_at_once_is_named_with_its_last_lines() {
    // A state of its own: where others prepare a store at the same time, whose is taken is a matter of chance.
    let (_state_directory, state) = fresh_state();
    // From a prepared store, which must not be taken for the cause.
    started_with_flux("flux-whole", &state).await.stop().await;
    let keep = tempfile::tempdir().unwrap();
    let directory = Utf8Path::from_path(keep.path()).unwrap();
    let bundle = bundle_with_a_broken_controller(directory);

    let steps = Mutex::new(Vec::new());
    let mut options = options_with_flux("flux-broken", &state);
    options.bundle = bundle;
    let record = |step| steps.lock().unwrap().push(step);
    let error = within("the failure", start(options.clone(), record)).await.unwrap_err();
    assert_eq!(error.kind, StartErrorKind::Component);
    assert_eq!(error.component, Some(Component::HelmController));
    assert_eq!(error.message, "helm-controller ended (exit status: 7)");
    assert_eq!(error.log_tail, ["no charts today"]);
    assert!(!steps.lock().unwrap().contains(&Step::Keep));
    assert!(!list(&state).unwrap().iter().any(|entry| entry.name == "flux-broken"));

    // A bundle that lacks something says what, before anything is started.
    std::fs::remove_file(directory.join("hold")).unwrap();
    let error = start(options, |_| ()).await.unwrap_err();
    assert_eq!(error.kind, StartErrorKind::NoFlux);
    assert!(error.message.contains("hold is missing"), "{error}");
}

#[tokio::test]
async fn a_keeper_starts_a_killed_controller_again() {
    let state = shared_state();
    let name = "flux-kept";
    let command = KeeperCommand {
        executable: owner::PROGRAM.into(),
        arguments: ["keep-with-flux", name, state.path().as_str()].map(Into::into).into(),
    };
    let entry = within("the start", keeper::spawn(name, &state, command, |_| ()))
        .await
        .unwrap();
    assert!(entry.flux.is_some());
    let component = Component::KustomizeController.name();
    let before = children(entry.pid)[component];
    send_signal(child_ids(before)[0], "KILL");
    within("the restart", async {
        while children(entry.pid).get(component).is_none_or(|&id| id == before) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    within("the end", keeper::down(&state, name)).await.unwrap();
    assert!(!list(&state).unwrap().iter().any(|entry| entry.name == name));
}

#[tokio::test]
async fn a_keeper_adds_flux_to_a_sandbox_that_is_up() {
    let state = shared_state();
    let name = "flux-kept-later";
    let command = |task: &str| KeeperCommand {
        executable: owner::PROGRAM.into(),
        arguments: [task, name, state.path().as_str()].map(Into::into).into(),
    };
    let entry = within("the start", keeper::spawn(name, &state, command("keep"), |_| ()))
        .await
        .unwrap();
    assert_eq!(entry.flux, None);
    create_config_map(&client(&entry.kubeconfig).await, "before").await;
    let with_flux = within("Flux", keeper::add_flux(&state, name)).await.unwrap();
    let flux = with_flux.flux.unwrap();
    assert_eq!(Some(&flux.version), bundle().versions().flux.as_ref());
    assert_eq!((with_flux.pid, &with_flux.server), (entry.pid, &entry.server));
    for component in Component::FLUX {
        assert!(children(entry.pid).contains_key(component.name()), "{component}");
    }
    within("nothing more", keeper::add_flux(&state, name)).await.unwrap();
    within("the end", keeper::down(&state, name)).await.unwrap();
    let gone = keeper::add_flux(&state, name).await;
    assert!(matches!(gone, Err(AskError::NotRunning(_))), "{gone:?}");
}

#[tokio::test]
async fn only_flux_s_own_ports_are_open_and_on_loopback() {
    let state = shared_state();
    let sandbox = started_with_flux("flux-closed", &state).await;
    let addresses = within("the ports", async {
        // The kernel writes its table of sockets piece by piece: while others come and go in it, one can be missing.
        loop {
            let ids = with_children(&sandbox);
            let addresses: Vec<String> = ids.into_iter().flat_map(listening_addresses).collect();
            if addresses.len() >= PORTS {
                return addresses;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(addresses.len(), PORTS, "{addresses:?}");
    assert!(
        addresses.iter().all(|address| address.starts_with("127.0.0.1:")),
        "{addresses:?}"
    );
    sandbox.stop().await;
}

/// The processes of a sandbox, with the controllers that some of them hold.
fn with_children(sandbox: &Sandbox) -> Vec<u32> {
    let ids = process_ids(sandbox);
    let held: Vec<u32> = ids.iter().flat_map(|&id| child_ids(id)).collect();
    [ids, held].concat()
}
