//! Several `GitRepository` objects: those that are this workspace are read from the session wherever they come from, those
//! that are not are left alone.

use gitops_tests::kubernetes::Cluster;
use serde_json::Value;

use crate::fleet::Fleet;

/// Flux in a namespace of its own name; teams with repositories of their own, of which some are this one.
const TEAMS: &str = "\
#- clusters/east/gitops/gotk-sync.yaml
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: { name: fleet, namespace: gitops }
spec:
  interval: 1h
  url: ssh://git@git.example.invalid/team/fleet.git
  ref: { branch: main }
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: { name: fleet, namespace: gitops }
spec:
  interval: 1h
  path: ./clusters/east
  prune: true
  sourceRef: { kind: GitRepository, name: fleet }
#- clusters/east/gitops/kustomization.yaml
resources: [gotk-sync.yaml]
#- clusters/east/teams.yaml
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: { name: teams, namespace: gitops }
spec:
  interval: 1h
  path: ./teams
  prune: true
  sourceRef: { kind: GitRepository, name: fleet }
#- teams/kustomization.yaml
resources: [red, blue]
#- teams/red/kustomization.yaml
namespace: red
resources: [namespace.yaml, repository.yaml, apps.yaml]
#- teams/red/namespace.yaml
apiVersion: v1
kind: Namespace
metadata: { name: red }
#- teams/red/repository.yaml
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: { name: apps }
spec:
  interval: 1h
  url: https://git.example.invalid/team/fleet
  ref: { branch: main }
#- teams/red/apps.yaml
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: { name: apps }
spec:
  interval: 1h
  path: ./apps/red
  prune: true
  targetNamespace: red
  sourceRef: { kind: GitRepository, name: apps }
  components: [../parts]
  patches:
    - target: { kind: ConfigMap }
      patch: |
        - { op: add, path: /metadata/annotations, value: { team: red } }
#- teams/blue/kustomization.yaml
namespace: blue
resources: [namespace.yaml, elsewhere.yaml]
#- teams/blue/namespace.yaml
apiVersion: v1
kind: Namespace
metadata: { name: blue }
#- teams/blue/elsewhere.yaml
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: { name: apps }
spec:
  interval: 1h
  url: http://127.0.0.1:9/team/blue.git
  ref: { branch: main }
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: { name: apps }
spec:
  interval: 1h
  path: ./nowhere/here
  prune: true
  sourceRef: { kind: GitRepository, name: apps }
#- apps/red/kustomization.yaml
resources: [map.yaml]
#- apps/red/map.yaml
apiVersion: v1
kind: ConfigMap
metadata: { name: map }
data: { colour: red }
#- apps/parts/kustomization.yaml
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
labels:
  - pairs: { part: shared }
";

fn url(cluster: &Cluster, namespace: &str) -> String {
    let object = cluster.get("source.toolkit.fluxcd.io/v1", "GitRepository", Some(namespace), "apps");
    object.map_or(String::new(), |object| {
        object["spec"]["url"].as_str().unwrap_or_default().to_owned()
    })
}

#[test]
fn repositories_that_are_this_one_are_read_from_the_session_however_deep_they_are() {
    let fleet = Fleet::start(TEAMS, "clusters/east");
    let cluster = fleet.server.cluster(&fleet.started);
    // Of another repository nothing is built, and nothing is missing.
    assert!(fleet.edit("apps/red/map.yaml", "colour: red", "colour: dark"));
    assert_eq!(fleet.findings_but(&["flux/source-failed", "flux/source-not-ready"]), "");
    // What the team's own Kustomization builds comes from what was saved.
    cluster.wait_until("v1", "ConfigMap", Some("red"), "map", |object: &Value| {
        object["data"]["colour"] == "dark"
    });
    let live = cluster.get("v1", "ConfigMap", Some("red"), "map").expect("it is there");
    assert_eq!(live["metadata"]["annotations"]["team"], "red");
    assert_eq!(live["metadata"]["labels"]["part"], "shared");
    assert!(
        url(&cluster, "red").starts_with("http://127.0.0.1:"),
        "{}",
        url(&cluster, "red")
    );
    assert_eq!(url(&cluster, "blue"), "http://127.0.0.1:9/team/blue.git");
    // A fault two Kustomizations down is on its line.
    assert!(!fleet.edit("apps/red/map.yaml", "data: { c", "datas: { c"));
    assert_eq!(
        fleet.findings_but(&["flux/source-failed", "flux/source-not-ready"]),
        "apps/red/map.yaml:4: error apply/unknown-field: unknown field \"datas\"; did you mean \"data\"?\n"
    );
    assert!(fleet.edit("apps/red/map.yaml", "datas: { c", "data: { c"));
    fleet.server.assert_sound();
}

#[test]
fn a_remote_base_is_said_and_not_fetched() {
    let fleet = Fleet::start(TEAMS, "clusters/east");
    assert!(!fleet.edit(
        "apps/red/kustomization.yaml",
        "[map.yaml]",
        "[map.yaml, 'https://git.example.invalid/bases//web?ref=v1']"
    ));
    let said = fleet.findings_but(&["flux/source-failed", "flux/source-not-ready"]);
    assert!(
        said.starts_with("apps/red/kustomization.yaml:1: error render/remote-base: "),
        "{said}"
    );
    fleet.server.assert_sound();
}
