//! What Flux does not do by itself, and what it says too early or too late: circles, variables that change, a source that
//! cannot be reached, a controller that is killed.

use gitops_tests::kubernetes::Cluster;
use gitops_tests::leftovers::{component, kill};
use gitops_tests::server::TestServer;
use serde_json::{Value, json};

use crate::Fleet;

const REPOSITORY: &str = "
#- clusters/lab/base.yaml
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: base
  namespace: flux-system
spec:
  interval: 1h
  timeout: 30s
  path: ./base
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
#- clusters/lab/apps.yaml
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec:
  interval: 1h
  timeout: 30s
  path: ./apps
  prune: true
  dependsOn:
    - name: base
  sourceRef:
    kind: GitRepository
    name: flux-system
  postBuild:
    substituteFrom:
      - kind: ConfigMap
        name: vars
#- clusters/lab/charts.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: charts
  namespace: default
data: {}
#- base/kustomization.yaml
resources:
  - vars.yaml
#- base/vars.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: vars
  namespace: flux-system
data:
  color: blue
#- apps/kustomization.yaml
resources:
  - config.yaml
#- apps/config.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: config
  namespace: default
data:
  color: ${color}
  size: small
";

fn start() -> (Fleet, Cluster) {
    let server = TestServer::builder().files(REPOSITORY).build();
    let started = server.start_session(json!({ "target": "clusters/lab" }));
    let cluster = server.cluster(&started);
    (Fleet { server, started }, cluster)
}

/// Asks for an object until it is as wanted.
fn wait_for(cluster: &Cluster, object: [&str; 4], wanted: impl Fn(&Value) -> bool) {
    let [version, kind, namespace, name] = object;
    let began = std::time::Instant::now();
    while !cluster
        .get(version, kind, Some(namespace), name)
        .is_some_and(|object| wanted(&object))
    {
        assert!(
            began.elapsed() < gitops_tests::message_log::PATIENCE,
            "{kind} {namespace}/{name} does not become as it should be"
        );
    }
}

fn config(cluster: &Cluster) -> Value {
    cluster
        .get("v1", "ConfigMap", Some("default"), "config")
        .map(|config| config["data"].clone())
        .unwrap_or_default()
}

#[test]
fn flux_is_led_to_what_it_would_not_look_at() {
    let (fleet, cluster) = start();
    // Values of variables are in what uses them when Flux is said to be content.
    assert!(
        fleet.edit("base/vars.yaml", "blue", "green"),
        "{:?}",
        fleet.all_findings()
    );
    assert_eq!(config(&cluster), json!({ "color": "green", "size": "small" }));
    // After a circle a new revision wakes no Kustomization of the source.
    let circle = "  prune: true\n  dependsOn:\n    - name: apps\n";
    fleet.save("clusters/lab/base.yaml", "  prune: true\n", circle);
    let base = ["kustomize.toolkit.fluxcd.io/v1", "Kustomization", "flux-system", "base"];
    wait_for(&cluster, base, |base| base["spec"]["dependsOn"].is_array());
    assert!(
        fleet.edit("clusters/lab/base.yaml", circle, "  prune: true\n"),
        "{:?}",
        fleet.all_findings()
    );
    assert!(fleet.edit("apps/config.yaml", "small", "large"));
    assert_eq!(config(&cluster), json!({ "color": "green", "size": "large" }));
    // Who serves a chart cannot be reached.
    let repository = "data: {}\n---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata:\n  name: shop\n  namespace: default\nspec:\n  interval: 1h\n  url: http://127.0.0.1:1/charts\n";
    assert!(!fleet.edit("clusters/lab/charts.yaml", "data: {}\n", repository));
    let said = fleet.findings("clusters/lab/charts.yaml");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("15: error flux/source-failed: "), "{said:?}");
    assert!(fleet.edit("clusters/lab/charts.yaml", repository, "data: {}\n"));
    assert_eq!(fleet.all_findings(), [""; 0]);
    fleet.server.assert_sound();
}

#[test]
fn a_controller_that_is_killed_leaves_nothing_stale_shown_as_true() {
    let (fleet, cluster) = start();
    assert!(fleet.edit("apps/config.yaml", "small", "large"));
    for (killed, from, to) in [
        ("kustomize-controller", "large", "huge"),
        ("source-controller", "huge", "tiny"),
    ] {
        let mark = fleet.save("apps/config.yaml", from, to);
        assert!(fleet.verdict("apps/config.yaml", "dry-run", mark));
        kill(&component(fleet.server.state(), killed));
        assert!(
            fleet.verdict("apps/config.yaml", "flux", mark),
            "{:?}",
            fleet.all_findings()
        );
        assert_eq!(config(&cluster)["size"], to, "{killed}");
    }
    assert_eq!(fleet.all_findings(), [""; 0]);
    fleet.server.assert_sound();
}

#[test]
fn a_variable_whose_value_is_a_number_gets_quotes_of_its_own() {
    let (fleet, _) = start();
    let file = "base/vars.yaml";
    assert!(!fleet.put(file, "color: blue", "color: \"7\""));
    let said = fleet.findings(file);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(
        said[0].contains("expected string, got number 7 — the value of the variable needs quotes of its own"),
        "{said:#?}"
    );
    let diagnostics = fleet.server.diagnostics(file).diagnostics;
    fleet
        .server
        .apply_action(file, &diagnostics[0]["range"], "Write '\"7\"'");
    let text = fleet.server.text(file);
    assert!(text.contains("color: '\"7\"'\n"), "{text}");
    assert!(fleet.put(file, "color: \"7\"", "color: '\"7\"'"));
    assert_eq!(fleet.findings(file), [""; 0]);
    // The same of a default.
    let file = "apps/config.yaml";
    assert!(!fleet.put(file, "size: small", "size: ${size:=7}"));
    let diagnostics = fleet.server.diagnostics(file).diagnostics;
    assert_eq!(diagnostics.len(), 1, "{diagnostics:#?}");
    let quoted = "size: ${size:=\"7\"}";
    fleet
        .server
        .apply_action(file, &diagnostics[0]["range"], "Write ${size:=\"7\"}");
    let text = fleet.server.text(file);
    assert!(text.contains(quoted), "{text}");
    assert!(fleet.put(file, "size: ${size:=7}", quoted));
    assert_eq!(fleet.findings(file), [""; 0]);
    fleet.server.assert_sound();
}
