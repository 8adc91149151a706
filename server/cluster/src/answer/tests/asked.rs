//! Answers to mistakes that were tried on a real server, beyond the rows and reports.

use expect_test::expect;
use serde_json::{Value, json};

use super::super::{NoKnowledge, PeelRecord, Refusal, decode};
use super::{Case, check, known};
use gitops_model::Gvk;

fn pod(spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec})
}

/// What was added is shown once; what may be changed is not shown at all.
#[test]
fn containers_added_to_a_live_pod() {
    let sent = pod(
        &json!({"containers": [{"name": "a", "image": "new", "env": [{"name": "X", "value": "y"}]}, {"name": "b", "image": "b"}]}),
    );
    let live = pod(&json!({"containers": [{"name": "a", "image": "old", "imagePullPolicy": "Always"}]}));
    let message = "Pod \"a\" is invalid: spec.containers: Forbidden: pod updates may not add or remove containers";
    check(
        &Case::new(422, message, sent.clone()).live(live.clone()),
        &expect![[r#"
        immutable-field at spec.containers[0].env (key)
          field "env" is immutable: the live object has none; to change it the object must be made anew
          → recreate
          peel spec.containers[0].env
        immutable-field at spec.containers[1] (value)
          item "b" of "containers" is immutable: the live object has none; to change it the object must be made anew
          → recreate
          peel spec.containers[1]
    "#]],
    );
    let message = "Pod \"a\" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`";
    check(
        &Case::new(422, message, sent).live(live),
        &expect![[r#"
        immutable-field at spec.containers[0].env (key)
          field "env" is immutable: the live object has none; to change it the object must be made anew
          → recreate
          peel spec.containers[0].env
        immutable-field at spec.containers[1] (value)
          item "b" of "containers" is immutable: the live object has none; to change it the object must be made anew
          → recreate
          peel spec.containers[1]
    "#]],
    );
}

#[test]
fn two_faults_of_one_value() {
    let sent = pod(&json!({"containers": [{"name": "a", "ports": [{"name": "WEB"}]}]}));
    let message = "Pod \"a\" is invalid: [spec.containers[0].ports[0].name: Invalid value: \"WEB\": must contain only lower case letters, spec.containers[0].ports[0].name: Invalid value: \"WEB\": must contain at least one letter (a-z)]";
    check(
        &Case::new(422, message, sent),
        &expect![[r#"
        invalid-value at spec.containers[0].ports[0].name (value)
          "WEB" is not valid: must contain only lower case letters; must contain at least one letter (a-z)
          peel spec.containers[0].ports[0].name
    "#]],
    );
}

#[test]
fn names_that_are_mended() {
    let invalid = |path: &str, value: &str, rule: &str| {
        format!(
            "Namespace \"a\" is invalid: {path}: Invalid value: \"{value}\": a lowercase RFC 1123 {rule} must consist of lower case letters"
        )
    };
    let named = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    check(
        &Case::new(422, &invalid("metadata.name", "My.Space", "label"), named("My.Space")),
        &expect![[r#"
        invalid-value at metadata.name (value)
          "My.Space" is not valid: a lowercase RFC 1123 label must consist of lower case letters
          → write my-space
          peel metadata.name
    "#]],
    );
    check(
        &Case::new(
            422,
            &invalid("metadata.name", "https://example.org/x", "subdomain"),
            named("https://example.org/x"),
        ),
        &expect![[r#"
        invalid-value at metadata.name (value)
          "https://example.org/x" is not valid: a lowercase RFC 1123 subdomain must consist of lower case letters
          → write example.org
          peel metadata.name
    "#]],
    );
}

#[test]
fn choice_that_goes_on_from_what_is_written() {
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"strategy": {"type": "rolling", "rollingUpdate": {}}}});
    let message = "Deployment.apps \"a\" is invalid: spec.strategy: Unsupported value: {\"Type\":\"rolling\",\"RollingUpdate\":{}}: supported values: \"Recreate\", \"RollingUpdate\"";
    check(
        &Case::new(422, message, sent),
        &expect![[r#"
        unsupported-value at spec.strategy.type (value)
          "rolling" is not supported; use one of Recreate, RollingUpdate
          → write RollingUpdate | Recreate
          peel spec.strategy.type = "RollingUpdate"
    "#]],
    );
}

#[test]
fn labels_beside_match_labels() {
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"selector": {"app": "a"}}});
    let message = "failed to create typed patch object (/a; apps/v1, Kind=Deployment): .spec.selector.app: field not declared in schema";
    let knowledge = known().with_fields("spec.selector", &["matchExpressions", "matchLabels"]);
    check(
        &Case::new(500, message, sent).knowing(knowledge),
        &expect![[r#"
        unknown-field at spec.selector.app (key)
          unknown field "app" here; labels belong below "matchLabels"
          peel spec.selector.app
    "#]],
    );
}

#[test]
fn file_copied_from_a_cluster() {
    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": "1", "uid": "u", "managedFields": [{}]}});
    for (status, message, expected) in [
        (
            409,
            "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again",
            expect![[r#"
                forbidden-field at metadata.resourceVersion (key)
                  metadata.resourceVersion belongs to the object as it once was on a cluster; remove it from the file
                  → remove
                  peel metadata.resourceVersion
            "#]],
        ),
        (
            409,
            "Operation cannot be fulfilled on configmaps \"a\": uid mismatch: the provided object specified uid u, and no existing object was found",
            expect![[r#"
                forbidden-field at metadata.uid (key)
                  metadata.uid belongs to the object as it once was on a cluster; remove it from the file
                  → remove
                  peel metadata.uid
            "#]],
        ),
        (
            400,
            "metadata.managedFields must be nil",
            expect![[r#"
            forbidden-field at metadata.managedFields (key)
              metadata.managedFields belongs to the object as it once was on a cluster; remove it from the file
              → remove
              peel metadata.managedFields
        "#]],
        ),
    ] {
        check(&Case::new(status, message, sent.clone()), &expected);
    }
}

#[test]
fn template_that_is_missing_altogether() {
    let sent =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"replicas": 1}});
    let message = "Deployment.apps \"a\" is invalid: spec.template.spec.containers: Required value";
    check(
        &Case::new(422, message, sent),
        &expect![[r#"
        required at spec (missing template.spec.containers)
          required field "template.spec.containers" is missing
          → insert template.spec.containers: ?
    "#]],
    );
}

/// Both items have no name, so that the server names them alike.
#[test]
fn items_that_are_one_to_the_server() {
    let sent = pod(&json!({"containers": [{"name": null, "image": "x"}, {"image": true}]}));
    let message = "failed to create typed patch object (/a; /v1, Kind=Pod): .spec.containers[name=\"\"].image: expected string, got &value.valueUnstructured{Value:true}";
    check(
        &Case::new(500, message, sent),
        &expect![[r#"
        wrong-type at spec.containers[1].image (value)
          expected string, got boolean true — put it in quotes
          → quote
          peel spec.containers[1].image = "true"
    "#]],
    );
}

#[test]
fn version_of_the_same_number_comes_first() {
    let sent =
        json!({"apiVersion": "autoscaling/v2beta2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "a"}});
    let message = "no matches for kind \"HorizontalPodAutoscaler\" in version \"autoscaling/v2beta2\"";
    let served = |api_version: &str, kind: &str| Gvk::parse(api_version, kind);
    let knowledge = known().with_served(&[
        served("autoscaling/v1", "HorizontalPodAutoscaler"),
        served("autoscaling/v2", "HorizontalPodAutoscaler"),
    ]);
    check(
        &Case::new(404, message, sent).knowing(knowledge),
        &expect![[r#"
        version-not-served at apiVersion (value)
          autoscaling/v2beta2 HorizontalPodAutoscaler is not served here; use autoscaling/v2 or autoscaling/v1
          → write autoscaling/v2 | autoscaling/v1
    "#]],
    );
    // A group whose name is near, but which has no such kind, is no help.
    let sent = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "a"}});
    let message = "no matches for kind \"HTTPRoute\" in version \"gateway.networking.k8s.io/v1\"";
    let knowledge = known().with_served(&[served("networking.k8s.io/v1", "Ingress")]);
    check(
        &Case::new(404, message, sent).knowing(knowledge),
        &expect![[r#"
        kind-not-served at kind (value)
          no kind "HTTPRoute" is served here; the CRD that brings gateway.networking.k8s.io is not installed
    "#]],
    );
}

fn invalid(message: &str) -> Refusal {
    Refusal {
        status: 422,
        message: format!("X \"a\" is invalid: {message}"),
        ..Refusal::default()
    }
}

/// Peels a first answer, and gives how many answers are left of a second.
fn second_round(object: &mut Value, first: &Refusal, second: &Refusal) -> usize {
    let kind = Gvk::parse(
        object["apiVersion"].as_str().unwrap_or_default(),
        object["kind"].as_str().unwrap_or_default(),
    );
    let answers = decode(first, &kind, object, None, &NoKnowledge);
    let mut record = PeelRecord::default();
    assert!(record.peel(object, &answers));
    let answers = decode(second, &kind, object, None, &NoKnowledge);
    record.restore(answers).len()
}

#[test]
fn addresses_are_handed_out_beside_validation() {
    let mut service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"clusterIP": "10.1.2.3", "ports": [{"targetPort": "web_port"}]}});
    let first = invalid(
        "spec.clusterIPs: Invalid value: [\"10.1.2.3\"]: failed to allocate IP 10.1.2.3: the provided IP (10.1.2.3) is not in the valid range",
    );
    let second = invalid("spec.ports[0].targetPort: Invalid value: \"web_port\": must contain only letters");
    assert_eq!(second_round(&mut service, &first, &second), 1);
}

#[test]
fn another_choice_forbids_nothing() {
    let mut deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"strategy": {"type": "roling", "rollingUpdate": {"maxSurge": 1}}}});
    let first = invalid("spec.strategy.type: Unsupported value: \"roling\": supported values: \"Recreate\"");
    let second =
        invalid("spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'");
    assert_eq!(second_round(&mut deployment, &first, &second), 0);
}

#[test]
fn map_with_nothing_but_what_is_unknown() {
    let mut deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"selector": {"app": "a"}}});
    let first = Refusal {
        status: 500,
        message: "failed to create typed patch object (/a; apps/v1, Kind=Deployment): .spec.selector.app: field not declared in schema".to_owned(),
        ..Refusal::default()
    };
    let second = invalid("spec.selector: Invalid value: {}: empty selector is invalid for deployment");
    assert_eq!(second_round(&mut deployment, &first, &second), 0);
}

#[test]
fn two_choices_for_one_value() {
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": {"spec": {"restartPolicy": "Sometimes"}}}});
    let message = "Deployment.apps \"a\" is invalid: [spec.template.spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\", spec.template.spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\"]";
    check(
        &Case::new(422, message, sent),
        &expect![[r#"
        unsupported-value at spec.template.spec.restartPolicy (value)
          "Sometimes" is not supported; use Always
          → write Always
          peel spec.template.spec.restartPolicy = "Always"
    "#]],
    );
}
