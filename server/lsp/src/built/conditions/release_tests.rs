//! The words of helm-controller and of Helm, verbatim.

use serde_json::{Value, json};

use super::{About, Said, read};

fn release(spec: Value) -> Value {
    json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
        "metadata": { "name": "board", "namespace": "shop" }, "spec": spec,
    })
}

fn shown(said: &Said) -> (String, String) {
    let about = match &said.about {
        About::Field(path, _) => path.to_string(),
        About::Object(named) => format!("{named}!"),
        About::Whole(named) => named.to_string(),
        About::Value(path, _) => format!("values: {}", path.join(".")),
        About::Template(file, line) => format!("{file}:{line}"),
        About::Build => "build".to_owned(),
    };
    (said.slug.as_str().to_owned(), about)
}

#[track_caller]
fn check(spec: Value, reason: &str, message: &str, expected: &[(&str, &str)]) {
    let said = read(&release(spec), reason, message);
    let found: Vec<(String, String)> = said.iter().map(shown).collect();
    let expected: Vec<(String, String)> = expected
        .iter()
        .map(|(code, about)| ((*code).to_owned(), (*about).to_owned()))
        .collect();
    assert_eq!(found, expected, "{said:?}");
}

const UPGRADE: &str = "Helm upgrade failed for release shop/board with chart board@0.2.0+413c2c043784: ";

#[test]
fn values_against_the_schema_of_the_chart_and_of_those_in_it() {
    let list = "values don't meet the specifications of the schema(s) in the following chart(s):\nboard:\n- at '/cron': additional properties 'a', 'b' not allowed\n- at '/webhook/replicas': got string, want integer\n- at '': missing property 'x'\ncache:\n- at '/size': got string, want integer\n";
    check(
        json!({}),
        "UpgradeFailed",
        &format!("{UPGRADE}{list}"),
        &[
            ("values-not-valid", "values: cron.a"),
            ("values-not-valid", "values: cron.b"),
            ("values-not-valid", "values: webhook.replicas"),
            ("values-not-valid", "values: "),
            ("values-not-valid", "values: cache.size"),
        ],
    );
}

#[test]
fn templates() {
    check(
        json!({}),
        "UpgradeFailed",
        &format!("{UPGRADE}execution error at (tile/templates/set.yaml:12:26): registry.owner missing"),
        &[("template-failed", "templates/set.yaml:12")],
    );
    check(
        json!({}),
        "InstallFailed",
        "Helm install failed for release shop/gate with chart gate@0.3.0: gate/templates/all.yaml:9:20\n  executing \"gate/templates/all.yaml\" at <.Values.webhooks.failurePolicy>:\n    can't evaluate field failurePolicy in type interface {}",
        &[("template-failed", "values: webhooks.failurePolicy")],
    );
    check(
        json!({}),
        "InstallFailed",
        "Helm install failed for release shop/gate with chart gate@0.3.0: parse error at (gate/templates/all.yaml:8): function \"nope\" not defined",
        &[("template-failed", "templates/all.yaml:8")],
    );
}

#[test]
fn each_object_of_a_release_is_one_fault() {
    let of = |kind: &str, words: &str| {
        format!("server-side apply failed for object shop/board apps/v1, Kind={kind}: {words}")
    };
    let typed = "failed to create typed patch object (shop/board; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string";
    let message = format!("{UPGRADE}{} && {}", of("Deployment", typed), of("StatefulSet", "no"));
    check(
        json!({}),
        "UpgradeFailed",
        &message,
        &[
            ("upgrade-failed", "Deployment shop/board!"),
            ("upgrade-failed", "StatefulSet shop/board!"),
        ],
    );
}

#[test]
fn values_from_elsewhere() {
    let from = json!({ "valuesFrom": [
        { "kind": "ConfigMap", "name": "a" },
        { "kind": "ConfigMap", "name": "store-config" },
        { "kind": "Secret", "name": "s", "valuesKey": "k" },
    ] });
    check(
        from.clone(),
        "ValuesError",
        "could not resolve ConfigMap chart values reference 'shop/store-config' with key 'values.yaml': configmaps \"store-config\" not found",
        &[("values-not-found", "spec.valuesFrom[1].name")],
    );
    check(
        from,
        "ValuesError",
        "could not resolve Secret chart values reference 'shop/s' with key 'k': missing key 'k' in Secret",
        &[("values-not-found", "spec.valuesFrom[2].valuesKey")],
    );
}

#[test]
fn dependencies_and_charts() {
    check(
        json!({ "dependsOn": [{ "name": "db" }] }),
        "DependencyNotReady",
        "unable to get 'shop/db' dependency: helmreleases.helm.toolkit.fluxcd.io \"db\" not found",
        &[("dependency-not-found", "spec.dependsOn[0].name")],
    );
    check(
        json!({ "chartRef": { "kind": "OCIRepository", "name": "web" } }),
        "ArtifactFailed",
        "could not get Source object: ocirepositories.source.toolkit.fluxcd.io \"web\" not found",
        &[("chart-not-found", "spec.chartRef.name")],
    );
}

#[test]
fn post_renderers() {
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: bored\n";
    check(
        json!({ "postRenderers": [{ "kustomize": { "patches": [{ "patch": "- op: add" }, { "patch": patch }] } }] }),
        "UpgradeFailed",
        &format!(
            "{UPGRADE}error while running post render on files: no resource matches strategic merge patch \"Deployment.v1.apps/bored.shop\": no matches for Id Deployment.v1.apps/bored.shop; failed to find unique target for patch Deployment.v1.apps/bored.shop"
        ),
        &[("post-render-failed", "spec.postRenderers[0].kustomize.patches[1].patch")],
    );
}
