//! Which of what Flux says is about the newest commit.

use serde_json::{Value, json};

use super::FluxView;
use crate::flux_condition::{Condition, Readiness};

const URL: &str = "http://127.0.0.1:1234/repo.git";

fn view(commit: &str) -> FluxView {
    let mut view = FluxView::new(URL.to_owned(), commit.to_owned());
    view.see(repository("c2"));
    view
}

fn ready(status: &str, reason: &str, message: &str, generation: u64) -> Value {
    json!([{ "type": "Ready", "status": status, "reason": reason, "message": message, "observedGeneration": generation }])
}

fn repository(commit: &str) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": { "name": "fleet", "namespace": "flux-system", "generation": 1 },
        "spec": { "url": URL },
        "status": { "artifact": { "revision": format!("main@sha1:{commit}") }, "conditions": ready("True", "Succeeded", "", 1) },
    })
}

fn kustomization(name: &str, owner: Option<&str>, commit: &str, conditions: Value) -> Value {
    let labels = owner.map(|owner| {
        json!({ "kustomize.toolkit.fluxcd.io/name": owner, "kustomize.toolkit.fluxcd.io/namespace": "flux-system" })
    });
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": { "name": name, "namespace": "flux-system", "generation": 2, "labels": labels },
        "spec": { "sourceRef": { "kind": "GitRepository", "name": "fleet" } },
        "status": {
            "observedGeneration": conditions[0]["observedGeneration"],
            "lastAttemptedRevision": format!("main@sha1:{commit}"), "lastAppliedRevision": format!("main@sha1:{commit}"),
            "conditions": conditions,
        },
    })
}

fn release(generation: u64, attempted: &str, conditions: Value) -> Value {
    json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
        "metadata": { "name": "web", "namespace": "flux-system", "generation": generation, "labels": {
            "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
        } },
        "spec": { "valuesFrom": [{ "kind": "ConfigMap", "name": "values" }] },
        "status": { "helmChart": "flux-system/flux-system-web", "lastAttemptedRevision": attempted, "conditions": conditions },
    })
}

fn chart(commit: &str, version: &str) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "HelmChart",
        "metadata": { "name": "flux-system-web", "namespace": "flux-system", "generation": 1 },
        "spec": { "sourceRef": { "kind": "GitRepository", "name": "fleet" } },
        "status": {
            "observedSourceArtifactRevision": format!("main@sha1:{commit}"), "artifact": { "revision": version },
            "conditions": ready("True", "ChartPackageSucceeded", "", 1),
        },
    })
}

fn said(view: &mut FluxView, name: &str) -> Condition {
    view.news()
        .into_iter()
        .find(|condition| condition.key.name == name)
        .unwrap_or_else(|| panic!("nothing is said of {name}"))
}

#[test]
fn a_ready_that_is_left_from_before_is_not_current() {
    let is_current = |commit: &str, generation: u64| {
        let mut view = view("c2");
        view.see(kustomization(
            "apps",
            None,
            commit,
            ready("True", "Succeeded", "", generation),
        ));
        said(&mut view, "apps").current
    };
    assert!(is_current("c2", 2));
    assert!(!is_current("c2", 1), "an older generation");
    assert!(!is_current("c1", 2), "an older commit");
    // The source itself has not got the newest commit.
    let mut view = view("c3");
    view.see(kustomization("apps", None, "c2", ready("True", "Succeeded", "", 2)));
    assert!(!said(&mut view, "apps").current);
}

#[test]
fn what_was_asked_for_has_to_be_answered() {
    let mut view = view("c2");
    let mut apps = kustomization("apps", None, "c2", ready("True", "Succeeded", "", 2));
    view.see(apps.clone());
    assert!(said(&mut view, "apps").current);
    let id = crate::flux_object::id_of(&apps);
    view.asking(&id, "7");
    assert!(!said(&mut view, "apps").current, "the request is not even seen");
    apps["metadata"]["annotations"] = json!({ "reconcile.fluxcd.io/requestedAt": "7" });
    view.see(apps.clone());
    assert!(view.news().is_empty(), "the request is seen and not answered");
    apps["status"]["lastHandledReconcileAt"] = json!("7");
    view.see(apps);
    assert!(said(&mut view, "apps").current);
}

#[test]
fn a_release_is_judged_by_the_new_chart_and_the_new_values_together() {
    let failed = || ready("False", "UpgradeFailed", "Helm upgrade failed: tag needed", 3);
    let at = |owner: Value, chart: Value, release: Value| {
        let mut view = view("c2");
        for object in [owner, chart, release] {
            view.see(object);
        }
        said(&mut view, "web")
    };
    let applied = || kustomization("apps", None, "c2", ready("True", "Succeeded", "", 2));
    // The chart is new, and the Kustomization has not brought the values yet.
    let late = kustomization("apps", None, "c1", ready("Unknown", "Progressing", "", 2));
    assert!(!at(late, chart("c2", "1+c2"), release(3, "1+c2", failed())).current);
    // The values are new, and the chart is of the commit before.
    assert!(!at(applied(), chart("c1", "1+c1"), release(3, "1+c1", failed())).current);
    // Both are new, and what is said is of the chart before.
    assert!(!at(applied(), chart("c2", "1+c2"), release(3, "1+c1", failed())).current);
    // Both are new, and what is said is of the values before.
    assert!(!at(applied(), chart("c2", "1+c2"), release(4, "1+c2", failed())).current);
    assert!(at(applied(), chart("c2", "1+c2"), release(3, "1+c2", failed())).current);
}

#[test]
fn what_a_failed_kustomization_would_bring_is_held_up_by_it() {
    let mut view = view("c2");
    let failure = ready("False", "ReconciliationFailed", "Deployment/apps/web dry-run failed", 2);
    view.see(kustomization("apps", None, "c2", failure));
    view.see(chart("c2", "1+c2"));
    view.see(release(3, "1+c2", ready("True", "UpgradeSucceeded", "", 3)));
    let condition = said(&mut view, "web");
    assert!(!condition.current);
    assert!(
        matches!(condition.readiness, Readiness::Blocked { .. }),
        "{condition:?}"
    );
}

#[test]
fn what_a_kustomization_waits_for_is_current_before_it_is() {
    let mut view = view("c2");
    let mut apps = kustomization("apps", None, "c2", ready("Unknown", "Progressing", "", 2));
    let running = json!({
        "type": "Reconciling", "status": "True", "reason": "Progressing",
        "message": "Running health checks for revision main@sha1:c2 with a timeout of 1m0s",
    });
    apps["status"]["conditions"].as_array_mut().unwrap().push(running);
    view.see(apps);
    view.see(chart("c2", "1+c2"));
    view.see(release(3, "1+c2", ready("False", "UpgradeFailed", "tag needed", 3)));
    assert!(said(&mut view, "web").current);
}

#[test]
fn a_kustomization_that_makes_itself_is_no_circle() {
    let mut view = view("c2");
    view.see(kustomization(
        "apps",
        Some("apps"),
        "c2",
        ready("True", "Succeeded", "", 2),
    ));
    assert!(said(&mut view, "apps").current);
    let mut view = super::FluxView::new(URL.to_owned(), "c2".to_owned());
    view.see(repository("c2"));
    view.see(kustomization("a", Some("b"), "c2", ready("True", "Succeeded", "", 2)));
    view.see(kustomization("b", Some("a"), "c2", ready("True", "Succeeded", "", 2)));
    assert!(said(&mut view, "a").current);
}

#[test]
fn values_that_are_to_be_looked_at_again_are_not_believed() {
    let mut view = view("c2");
    view.see(kustomization("apps", None, "c2", ready("True", "Succeeded", "", 2)));
    view.see(chart("c2", "1+c2"));
    view.see(release(3, "1+c2", ready("True", "UpgradeSucceeded", "", 3)));
    assert!(said(&mut view, "web").current);
    let values = ("ConfigMap".to_owned(), "flux-system".to_owned(), "values".to_owned());
    view.look_at(&values, &values);
    assert!(!said(&mut view, "web").current);
    assert!(view.data_is(&values, Some("12".to_owned())));
    assert!(said(&mut view, "web").current);
    assert!(!view.data_is(&values, Some("12".to_owned())), "nothing new");
    assert!(view.data_is(&values, None), "gone");
}

#[test]
fn what_is_there_by_now_was_only_looked_for_too_early() {
    let mut view = view("c2");
    let missing = "dependency 'flux-system/base' not found: kustomizations \"base\" not found";
    view.see(kustomization(
        "apps",
        None,
        "c1",
        ready("False", "DependencyNotReady", missing, 2),
    ));
    assert!(matches!(said(&mut view, "apps").readiness, Readiness::Failed { .. }));
    view.see(kustomization("base", None, "c2", ready("True", "Succeeded", "", 2)));
    assert!(matches!(said(&mut view, "apps").readiness, Readiness::Blocked { .. }));
}

#[test]
fn what_a_kustomization_has_just_put_there_is_not_believed_until_it_is_seen() {
    let mut view = view("c2");
    view.see(kustomization("apps", None, "c2", ready("True", "Succeeded", "", 2)));
    view.see(chart("c2", "1+c2"));
    let old = release(3, "1+c2", ready("False", "UpgradeFailed", "tag needed", 3));
    let (web, apps) = (
        crate::flux_object::id_of(&old),
        ("Kustomization".to_owned(), "flux-system".to_owned(), "apps".to_owned()),
    );
    view.see(old);
    assert!(said(&mut view, "web").current);
    view.look_at(&web, &apps);
    let news = view.news();
    assert!(
        news.iter().all(|condition| !condition.current),
        "neither it nor who put it there: {news:?}"
    );
    assert_eq!(news.len(), 2);
    view.generation_is(&web, Some(4));
    assert!(view.news().is_empty(), "generation 4 is there and not seen");
    view.see(release(4, "1+c2", ready("True", "UpgradeSucceeded", "", 4)));
    assert!(said(&mut view, "web").current);
}

#[test]
fn an_answer_that_is_older_than_what_is_seen_is_asked_for_again() {
    let mut view = view("c2");
    let apps = ("Kustomization".to_owned(), "flux-system".to_owned(), "apps".to_owned());
    view.see(kustomization("apps", None, "c2", ready("True", "Succeeded", "", 2)));
    view.see(chart("c2", "1+c2"));
    let web = release(3, "1+c2", ready("True", "UpgradeSucceeded", "", 3));
    let id = crate::flux_object::id_of(&web);
    let is_current = |view: &mut FluxView| said(view, "apps").current;
    view.see(web.clone());
    assert!(is_current(&mut view));
    // It was there when it was looked at, and is gone by the time of the answer.
    view.look_at(&id, &apps);
    assert!(!is_current(&mut view));
    view.gone(&gitops_model::ObjectKey::of(&web));
    view.look_at(&id, &apps);
    assert!(!view.generation_is(&id, Some(4)), "it has to be looked at again");
    assert!(view.is_looked_for(&id));
    assert!(view.generation_is(&id, None), "and is gone");
    assert!(is_current(&mut view));
    // It was not there, and is made anew before the answer.
    view.look_at(&id, &apps);
    view.see(release(1, "1+c2", ready("True", "InstallSucceeded", "", 1)));
    assert!(!view.generation_is(&id, None));
    assert!(view.is_looked_for(&id));
    assert!(view.generation_is(&id, Some(1)));
    assert!(view.is_current(view.get(&id).expect("it is seen")));
    assert!(view.generation_is(&id, Some(5)), "nobody waits for it any more");
}

#[test]
fn a_later_request_answers_an_earlier_one() {
    let mut view = view("c2");
    let source = repository("c2");
    let id = crate::flux_object::id_of(&source);
    view.asking(&id, "1000");
    assert!(!view.is_current(&source));
    let mut requested = source.clone();
    requested["metadata"]["annotations"] = json!({ crate::flux_object::REQUESTED_AT: "999" });
    requested["status"]["lastHandledReconcileAt"] = json!("999");
    view.see(requested.clone());
    assert!(!view.is_current(&requested), "that was before");
    requested["metadata"]["annotations"] = json!({ crate::flux_object::REQUESTED_AT: "1001" });
    requested["status"]["lastHandledReconcileAt"] = json!("1001");
    view.see(requested.clone());
    assert!(view.is_current(&requested));
}

#[test]
fn the_condition_of_a_chart_comes_before_its_artifact() {
    let mut view = view("c2");
    view.see(kustomization("apps", None, "c2", ready("True", "Succeeded", "", 2)));
    let mut chart = chart("c2", "1+c1");
    chart["status"]["conditions"] = ready("True", "Succeeded", "packaged 'web' chart with version '1+c2'", 1);
    view.see(chart);
    view.see(release(3, "1+c1", ready("False", "UpgradeFailed", "tag needed", 3)));
    assert!(!said(&mut view, "web").current);
}

#[test]
fn an_attempt_that_ends_after_an_edit_is_not_about_it() {
    let at = |attempted: u64| {
        let mut view = view("c2");
        view.see(kustomization("apps", None, "c2", ready("True", "Succeeded", "", 2)));
        view.see(chart("c2", "1+c2"));
        // The condition has the generation that the release had when it was written.
        let mut web = release(4, "1+c2", ready("False", "UpgradeFailed", "tag needed", 4));
        web["status"]["lastAttemptedGeneration"] = json!(attempted);
        view.see(web);
        said(&mut view, "web").current
    };
    assert!(!at(3));
    assert!(at(4));
    let mut view = view("c2");
    let mut apps = kustomization("apps", None, "c2", ready("True", "Succeeded", "", 2));
    apps["status"]["observedGeneration"] = json!(1);
    view.see(apps);
    assert!(!said(&mut view, "apps").current);
}

#[test]
fn a_chart_that_its_release_no_longer_wants_says_nothing() {
    let at = |wanted: &str| {
        let mut view = view("c2");
        view.see(kustomization("apps", None, "c2", ready("True", "Succeeded", "", 2)));
        let mut web = release(3, "", ready("False", "SourceNotReady", "", 3));
        web["status"]["helmChart"] = json!(wanted);
        view.see(web);
        let mut chart = chart("c2", "1+c2");
        chart["status"]["conditions"] = ready("False", "SourceUnavailable", "no", 1);
        chart["metadata"]["labels"] = json!({
            "helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "flux-system",
        });
        view.see(chart);
        said(&mut view, "flux-system-web").current
    };
    assert!(at("flux-system/flux-system-web"));
    assert!(!at("other/flux-system-web"));
}

#[test]
fn an_artifact_that_was_replaced_on_its_way_is_fetched_again_and_not_for_ever() {
    let words = "failed to fetch artifact: computed digest doesn't match provided 'sha256:1' (check whether file size exceeds max download size)";
    let mut view = view("c2");
    let mut object = kustomization("apps", None, "c1", ready("False", "ArtifactFailed", words, 2));
    view.see(object.clone());
    let id = crate::flux_object::id_of(&object);
    let mut times = 0;
    while view.has_to_fetch_again(&object) {
        assert!(matches!(
            view.said_by(&object, true).readiness,
            Readiness::Blocked { .. }
        ));
        times += 1;
        let token = times.to_string();
        view.asking(&id, &token);
        assert!(!view.has_to_fetch_again(&object), "once is enough");
        object["metadata"]["annotations"] = json!({ "reconcile.fluxcd.io/requestedAt": token });
        view.see(object.clone());
        assert!(!view.has_to_fetch_again(&object), "it is not answered");
        object["status"]["lastHandledReconcileAt"] = json!(token);
        view.see(object.clone());
    }
    assert_eq!(times, 5);
    assert!(matches!(
        view.said_by(&object, true).readiness,
        Readiness::Failed { .. }
    ));
    view.committed("c3");
    assert!(view.has_to_fetch_again(&object), "another commit is another artifact");
}

/// As helm-controller leaves a release whose installation a request has called off.
fn called_off(requested: &str) -> Value {
    let mut object = release(
        1,
        "1+c2",
        json!([
            { "type": "Stalled", "status": "True", "reason": "RetriesExceeded", "message": "Failed to install after 1 attempt(s)" },
            {
                "type": "Ready", "status": "False", "reason": "HealthCheckCanceled", "observedGeneration": 1,
                "message": "New reconciliation triggered by HelmRelease/flux-system/web",
            },
            { "type": "Released", "status": "False", "reason": "InstallFailed", "message": "Helm install failed: context canceled" },
        ]),
    );
    object["metadata"]["annotations"] = json!({ crate::flux_object::REQUESTED_AT: requested });
    object["status"]["lastHandledReconcileAt"] = json!(requested);
    object
}

#[test]
fn a_release_that_was_called_off_begins_anew_and_not_for_ever() {
    let mut view = view("c2");
    view.see(kustomization("apps", None, "c2", ready("True", "Succeeded", "", 2)));
    view.see(chart("c2", "1+c2"));
    let mut times = 0;
    loop {
        let object = called_off(&format!("{}", 1000 + times));
        let id = crate::flux_object::id_of(&object);
        view.see(object.clone());
        let news = view.news();
        let condition = news.iter().find(|condition| condition.key.name == "web");
        if !view.has_to_begin_anew(&object) {
            let readiness = &condition.expect("it has failed by now").readiness;
            assert!(
                matches!(readiness, Readiness::Failed { message, .. } if message == "Helm install failed: context canceled"),
                "{readiness:?}"
            );
            break;
        }
        if let Some(condition) = condition {
            assert!(
                matches!(condition.readiness, Readiness::Blocked { .. }),
                "{condition:?}"
            );
        }
        times += 1;
        view.asking(&id, &format!("{}", 1000 + times));
        assert!(!view.has_to_begin_anew(&object), "it is asked already");
    }
    assert_eq!(times, 5);
}
