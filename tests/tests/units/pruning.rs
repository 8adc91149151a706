//! Objects that a Kustomization does not build any more.

use crate::fleet::Fleet;

const FILES: &str = "
#- clusters/east/apps.yaml
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec:
  interval: 1h
  path: ./apps
  prune: false
  targetNamespace: default
  sourceRef:
    kind: GitRepository
    name: flux-system
#- apps/kustomization.yaml
resources:
- one.yaml
- two.yaml
#- apps/one.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: one
#- apps/two.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: two
";

#[test]
fn what_stays_on_the_cluster_is_said_where_it_is_not_pruned() {
    let fleet = Fleet::start(FILES, "clusters/east");
    let list = "apps/kustomization.yaml";
    let began = fleet.server.client.mark();
    assert!(fleet.edit(list, "- two.yaml", "- two.yaml # twice"));
    assert!(fleet.verdict(list, "flux", began));
    assert_eq!(fleet.findings(), "");
    // What was refused has never been there.
    let broken = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: two";
    assert!(!fleet.edit("apps/two.yaml", broken, &broken.replace("two", "Two")));
    assert!(fleet.edit("apps/two.yaml", "name: Two", "name: two"));
    assert_eq!(fleet.findings(), "");
    let removed = fleet.server.client.mark();
    assert!(fleet.edit(list, "- two.yaml # twice\n", ""));
    assert_eq!(
        fleet.findings(),
        "clusters/east/apps.yaml:9: warning model/not-pruned: ConfigMap/default/two is not built any more and stays on the \
         cluster: this Kustomization does not prune\n"
    );
    // It is true: Flux has applied the rest, and it is still there.
    assert!(fleet.verdict(list, "flux", removed));
    let cluster = fleet.server.cluster(&fleet.started);
    assert!(cluster.get("v1", "ConfigMap", Some("default"), "two").is_some());
    assert!(fleet.edit(list, "- one.yaml\n", "- one.yaml\n- two.yaml\n"));
    assert_eq!(fleet.findings(), "");
    fleet.server.assert_sound();
}
