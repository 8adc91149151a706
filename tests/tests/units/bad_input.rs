//! Repositories in a bad state, and a renderer that ends: what is wrong is said once and on its line, the rest goes on.

use gitops_tests::leftovers;

use crate::fleet::Fleet;

const TWO: &str = "\
#- clusters/east/apps.yaml
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: { name: apps, namespace: flux-system }
spec:
  interval: 1h
  prune: true
  path: ./apps
  sourceRef: { kind: GitRepository, name: flux-system }
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: { name: odd, namespace: flux-system }
spec:
  interval: 1h
  prune: true
  path: ./größe und maß
  sourceRef: { kind: GitRepository, name: flux-system }
#- apps/kustomization.yaml
namespace: default
resources: [map.yaml]
#- apps/map.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: map
data:
  colour: red
#- größe und maß/kustomization.yaml
namespace: default
resources: ['карта 1.yaml']
#- größe und maß/карта 1.yaml
apiVersion: v1
kind: ConfigMap
metadata: { name: odd }
data: { colour: red }
";

#[test]
fn in_the_middle_of_a_merge_the_other_units_go_on() {
    let fleet = Fleet::start(TWO, "clusters/east");
    let both = "<<<<<<< HEAD\n  colour: blue\n=======\n  colour: green\n>>>>>>> theirs";
    assert!(!fleet.edit("apps/map.yaml", "  colour: red", both));
    let said = fleet.findings();
    let about_the_markers = said.lines().all(|line| line.starts_with("apps/map.yaml:"));
    assert!(about_the_markers && !said.is_empty(), "{said}");
    // The other unit is judged all the same.
    assert!(!fleet.edit("größe und maß/карта 1.yaml", "data: { c", "datas: { c"));
    let said = fleet.findings();
    let odd =
        "größe und maß/карта 1.yaml:4: error apply/unknown-field: unknown field \"datas\"; did you mean \"data\"?\n";
    assert!(said.ends_with(odd), "{said}");
    // The merge is done.
    assert!(!fleet.edit("apps/map.yaml", both, "  colour: blue"));
    assert_eq!(fleet.findings(), odd);
    assert!(fleet.edit("größe und maß/карта 1.yaml", "datas: { c", "data: { c"));
    assert_eq!(fleet.findings(), "");
    fleet.server.assert_sound();
}

#[test]
fn a_kustomization_that_leads_back_to_itself_is_said_where_it_does() {
    let fleet = Fleet::start(TWO, "clusters/east");
    assert!(!fleet.edit("apps/kustomization.yaml", "[map.yaml]", "[map.yaml, ../apps]"));
    let said = fleet.findings();
    assert!(
        said.starts_with("apps/kustomization.yaml:2: error render/cycle: "),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(fleet.edit("apps/kustomization.yaml", "[map.yaml, ../apps]", "[map.yaml]"));
    assert_eq!(fleet.findings(), "");
    fleet.server.assert_sound();
}

#[test]
fn a_renderer_that_ends_is_started_again() {
    let fleet = Fleet::start(TWO, "clusters/east");
    assert!(fleet.edit("apps/map.yaml", "colour: red", "colour: blue"));
    for colour in ["green", "black"] {
        leftovers::kill(&leftovers::child(fleet.server.id(), "gitops-render"));
        let before = if colour == "green" { "blue" } else { "green" };
        assert!(fleet.edit(
            "apps/map.yaml",
            &format!("colour: {before}"),
            &format!("colour: {colour}")
        ));
        assert_eq!(fleet.findings(), "");
    }
    fleet.server.assert_sound();
}
