//! The words of kustomize-controller, verbatim.

use serde_json::{Value, json};

use super::{About, Named, Said, read};

fn kustomization(spec: Value) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": { "name": "apps", "namespace": "tools" }, "spec": spec,
    })
}

/// Code, field or object, and message.
fn shown(said: &Said) -> (String, String, String) {
    let about = match &said.about {
        About::Field(path, _) => path.to_string(),
        About::Object(named) => format!("{named}!"),
        About::Whole(named) => named.to_string(),
        other => format!("{other:?}"),
    };
    (said.slug.as_str().to_owned(), about, said.message.clone())
}

#[track_caller]
fn check(spec: Value, reason: &str, message: &str, code: &str, about: &str, says: &str) {
    let said = read(&kustomization(spec), reason, message);
    let (found, at, words) = shown(said.first().unwrap());
    assert_eq!((found.as_str(), at.as_str()), (code, about), "{words}");
    assert!(words.contains(says), "{words:?} does not say {says:?}");
}

#[test]
fn what_is_waited_for_is_the_entry_that_names_it() {
    let spec = json!({ "dependsOn": [{ "name": "base", "namespace": "flux-system" }, { "name": "base" }] });
    check(
        spec,
        "DependencyNotReady",
        "dependency 'tools/base' not found: kustomizations.kustomize.toolkit.fluxcd.io \"base\" not found",
        "dependency-not-found",
        "spec.dependsOn[1].name",
        "looked for in tools",
    );
}

#[test]
fn sources_and_paths() {
    check(
        json!({ "path": "./aps" }),
        "ArtifactFailed",
        "kustomization path not found: stat /tmp/kustomization-123/aps: no such file or directory",
        "path-not-found",
        "spec.path",
        "./aps",
    );
    check(
        json!({ "sourceRef": { "kind": "GitRepository", "name": "fleet" } }),
        "ArtifactFailed",
        "GitRepository.source.toolkit.fluxcd.io \"fleet\" not found",
        "source-not-found",
        "spec.sourceRef.name",
        "there is no GitRepository tools/fleet",
    );
}

#[test]
fn variables_come_from_what_is_there() {
    let names = |name: &str| json!({ "kind": "ConfigMap", "name": name });
    check(
        json!({ "postBuild": { "substituteFrom": [names("a"), names("vars")] } }),
        "BuildFailed",
        "post build failed for 'Deployment.v1.apps/web': envsubst error: substitute from 'ConfigMap/vars' error: configmaps \"vars\" not found",
        "variables-not-found",
        "spec.postBuild.substituteFrom[1].name",
        "there is no ConfigMap tools/vars",
    );
}

#[test]
fn the_object_in_the_message_is_the_one() {
    let words = "failed to create typed patch object (flux-system/parts; source.toolkit.fluxcd.io/v1, Kind=OCIRepository): .spec.verify.matchOidcIdentity: field not declared in schema";
    check(
        json!({}),
        "ReconciliationFailed",
        &format!("OCIRepository/flux-system/parts dry-run failed: {words}"),
        "dry-run-failed",
        "OCIRepository flux-system/parts!",
        words,
    );
    check(
        json!({}),
        "ReconciliationFailed",
        "Deployment/apps/web dry-run failed (Invalid): Deployment.apps \"web\" is invalid: spec.selector: field is immutable\nNamespace/apps created\n",
        "dry-run-failed",
        "Deployment apps/web!",
        "field is immutable",
    );
    check(
        json!({}),
        "ReconciliationFailed",
        "Deployment/web namespace not specified: the server could not find the requested resource",
        "dry-run-failed",
        "Deployment web!",
        "no namespace is written",
    );
}

#[test]
fn what_was_applied_before_is_no_part_of_the_fault() {
    let said = read(
        &kustomization(json!({})),
        "ReconciliationFailed",
        "Deployment/apps/web apply failed: two\nlines\nNamespace/apps created\nConfigMap/apps/a configured\n",
    );
    assert_eq!(said.first().unwrap().message, "two\nlines");
}

#[test]
fn who_applies_and_where_to() {
    check(
        json!({ "serviceAccountName": "default" }),
        "ReconciliationFailed",
        "Deployment/tools/bench dry-run failed (Forbidden): deployments.apps \"bench\" is forbidden: User \"system:serviceaccount:tools:default\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"tools\"",
        "dry-run-failed",
        "spec.serviceAccountName",
        "has no rights for Deployment tools/bench: forbidden, it cannot patch resource \"deployments\"",
    );
    check(
        json!({ "targetNamespace": "medium" }),
        "ReconciliationFailed",
        "Job/medium/seed not found: namespaces \"medium\" not found",
        "namespace-not-found",
        "spec.targetNamespace",
        "there is no namespace medium",
    );
}

#[test]
fn each_object_that_is_not_healthy_is_one_fault() {
    let spec =
        json!({ "healthChecks": [{ "apiVersion": "batch/v1", "kind": "Job", "name": "seed", "namespace": "media" }] });
    let message = "health check failed after 30.02s: timeout waiting for: [Deployment/apps/web status: 'InProgress', Job/media/seed status: 'NotFound']";
    let said = read(&kustomization(spec), "HealthCheckFailed", message);
    let shown: Vec<_> = said.iter().map(shown).map(|(code, about, _)| (code, about)).collect();
    let expected = [
        ("health-check-failed", "Deployment apps/web"),
        ("health-check-failed", "spec.healthChecks[0].name"),
    ];
    let expected = expected.map(|(code, about)| (code.to_owned(), about.to_owned()));
    assert_eq!(shown, expected);
    check(
        json!({ "timeout": "30s", "wait": true }),
        "HealthCheckFailed",
        "health check failed after 30.1s: client rate limiter Wait returned an error: rate: Wait(n=1) would exceed context deadline",
        "health-check-failed",
        "spec.timeout",
        "not healthy in time",
    );
}

#[test]
fn names_are_read() {
    let named = |text: &str| Named::read(text).map(|named| named.to_string());
    assert_eq!(named("Deployment/apps/web").as_deref(), Some("Deployment apps/web"));
    assert_eq!(named("Namespace/apps").as_deref(), Some("Namespace apps"));
    assert_eq!(named("apps/web"), None);
    assert_eq!(named("Deployment"), None);
}
