//! Reconcile, suspend and resume.

use std::process::Command;

use gitops_tests::binary::gitops_lsp;
use gitops_tests::client::FAILED;
use gitops_tests::server::TestServer;
use serde_json::{Value, json};

use crate::fleet::{FLUX, Fleet, KUSTOMIZE, object, showing_client};

const SOURCE: &str = "source.toolkit.fluxcd.io/v1";

fn handled(at: &Value) -> impl Fn(&Value) -> bool {
    let at = at.clone();
    move |live| live["status"]["lastHandledReconcileAt"] == at
}

#[test]
fn from_reconcile_to_resume() {
    let fleet = Fleet::start();
    let file = "clusters/east/apps.yaml";
    // The lens is on the first line of the object, with what can be done behind it.
    let at = fleet.at(file, "kind: Kustomization");
    fleet.wait_for_lens(file, |title| title.starts_with("✓ Ready"));
    let lenses = fleet.server.lenses(file);
    assert!(lenses.iter().all(|(line, _)| *line == 0), "{lenses:?}");
    let titles: Vec<&str> = lenses.iter().skip(1).map(|(_, title)| title.as_str()).collect();
    assert_eq!(
        titles,
        ["Reconcile", "Suspend", "Diff with live", "Show rendered", "Events"]
    );

    // A Kustomization is reconciled after its source, and so is what it has applied.
    let asked = fleet.run("gitops.reconcile", at.clone());
    let names: Vec<&str> = asked["objects"]
        .as_array()
        .expect("objects")
        .iter()
        .map(|object| object["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["rep-fleet", "rep-apps"]);
    let at_request = &asked["requestedAt"];
    fleet
        .cluster
        .wait_until(SOURCE, "GitRepository", FLUX, "rep-fleet", |live| {
            live["status"]["lastHandledReconcileAt"] == *at_request
        });
    fleet
        .cluster
        .wait_until(KUSTOMIZE, "Kustomization", FLUX, "rep-apps", handled(at_request));
    let portal = object("apps/v1", "Deployment", "rep-apps", "portal");
    let by_object = fleet.run("gitops.reconcile", portal.clone());
    assert_eq!(
        by_object["objects"][1]["name"], "rep-apps",
        "its Kustomization is asked"
    );

    // Suspended with a reason, which the lens tells.
    let mut with_reason = at.clone();
    with_reason["reason"] = json!("the move");
    let suspended = fleet.run("gitops.suspend", with_reason);
    let by = suspended["by"].as_str().expect("somebody").to_owned();
    assert_eq!(suspended["reason"], "the move");
    let live = fleet.kustomization("rep-apps");
    assert_eq!(live["spec"]["suspend"], true);
    assert_eq!(live["metadata"]["annotations"]["gitops-lsp/suspended-by"], by.as_str());
    let wanted = format!("⏸ suspended by {by}: the move");
    fleet.wait_for_lens(file, |title| title == wanted);
    let titles: Vec<String> = fleet.server.lenses(file).into_iter().map(|(_, title)| title).collect();
    assert!(
        titles.contains(&"Resume".to_owned()) && !titles.contains(&"Reconcile".to_owned()),
        "{titles:?}"
    );
    let refused = fleet
        .try_run("gitops.reconcile", at.clone())
        .expect_err("it is suspended");
    assert_eq!(refused.code, FAILED);
    assert!(refused.message.contains("resume it first"), "{}", refused.message);

    // Its parent applies it once more, and it stays suspended: what Git does not set stays with whoever has set it.
    let parent = fleet.run(
        "gitops.reconcile",
        object(KUSTOMIZE, "Kustomization", "flux-system", "rep-fleet"),
    );
    fleet.cluster.wait_until(
        KUSTOMIZE,
        "Kustomization",
        FLUX,
        "rep-fleet",
        handled(&parent["requestedAt"]),
    );
    let live = fleet.kustomization("rep-apps");
    assert_eq!(live["spec"]["suspend"], true, "{live}");
    assert_eq!(
        live["metadata"]["annotations"]["gitops-lsp/suspended-reason"],
        "the move"
    );

    let resumed = fleet.run("gitops.resume", at.clone());
    let live = fleet.kustomization("rep-apps");
    assert_eq!(live["spec"].get("suspend"), None, "nothing is left of it");
    assert_eq!(live["metadata"]["annotations"].get("gitops-lsp/suspended-by"), None);
    fleet.cluster.wait_until(
        KUSTOMIZE,
        "Kustomization",
        FLUX,
        "rep-apps",
        handled(&resumed["requestedAt"]),
    );
    let refused = fleet.try_run("gitops.resume", at).expect_err("it is not suspended");
    assert!(refused.message.ends_with("is not suspended"), "{}", refused.message);

    // What Git suspends is resumed in Git, and what is not Flux's is not suspended.
    let parts = fleet.at("clusters/east/parts.yaml", "kind:");
    let refused = fleet.try_run("gitops.resume", parts).expect_err("Git says so");
    assert!(
        refused.message.contains("`suspend: true` in its manifest"),
        "{}",
        refused.message
    );
    let refused = fleet.try_run("gitops.suspend", portal).expect_err("a Deployment");
    assert!(
        refused
            .message
            .contains("is applied by Kustomization/flux-system/rep-apps"),
        "{}",
        refused.message
    );
    let missing = object(KUSTOMIZE, "Kustomization", "flux-system", "no-such");
    let refused = fleet.try_run("gitops.reconcile", missing).expect_err("not there");
    assert!(
        refused.message.ends_with("is not on the sandbox"),
        "{}",
        refused.message
    );
}

/// A sandbox that outlasts the session: what was suspended is resumed when the session stops.
#[test]
fn nothing_stays_suspended_in_a_sandbox_that_stays() {
    let sandbox = |server: &TestServer, what: &str, flags: &[&str]| {
        let mut command = Command::new(gitops_lsp());
        command
            .args(["sandbox", what, server.workspace().as_str()])
            .args(flags)
            .env("GITOPS_LSP_STATE_DIR", server.state());
        let output = command.output().expect("the command runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let builder = TestServer::builder().client(showing_client());
    let fleet = Fleet::start_with(builder, |server| {
        server.take_slot();
        sandbox(server, "up", &["--flux"]);
    });
    let apps = object(KUSTOMIZE, "Kustomization", "flux-system", "rep-apps");
    fleet.run("gitops.suspend", apps);
    assert_eq!(fleet.kustomization("rep-apps")["spec"]["suspend"], true);
    let stopped = fleet.server.stop_session();
    assert_eq!(stopped["restored"], 1, "{stopped}");
    assert_eq!(fleet.kustomization("rep-apps")["spec"].get("suspend"), None);
    let again = fleet.try_run(
        "gitops.suspend",
        object(KUSTOMIZE, "Kustomization", "flux-system", "rep-apps"),
    );
    let refused = again.expect_err("no session any more");
    assert!(refused.message.contains("gitops.session.start"), "{}", refused.message);
    sandbox(&fleet.server, "down", &[]);
}
