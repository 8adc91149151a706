//! What a workspace offers as a target, and that the choice is remembered.

use gitops_tests::message_log::Mark;
use gitops_tests::server::TestServer;
use serde_json::json;

const TWO: &str = "\
#- clusters/east/apps.yaml
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: { name: apps, namespace: flux-system }
spec:
  interval: 1h
  prune: true
  path: ./apps/east
  sourceRef: { kind: GitRepository, name: flux-system }
#- apps/east/kustomization.yaml
namespace: default
resources: [map.yaml]
#- apps/east/map.yaml
apiVersion: v1
kind: ConfigMap
metadata: { name: map }
#- other/kustomization.yaml
namespace: default
resources: [map.yaml]
#- other/map.yaml
apiVersion: v1
kind: ConfigMap
metadata: { name: other }
";

fn questions(server: &TestServer) -> usize {
    server.client.said(Mark::START, "window/showMessageRequest").len()
}

#[test]
fn the_choice_is_remembered_until_another_is_named() {
    let server = TestServer::builder().files(TWO).choice("other (kustomization)").build();
    assert_eq!(server.start_session(json!({}))["target"], "other");
    let asked = questions(&server);
    server.stop_session();
    // Not asked again.
    assert_eq!(server.start_session(json!({}))["target"], "other");
    assert_eq!(questions(&server), asked);
    server.stop_session();
    // Named, and remembered in its place.
    assert_eq!(
        server.start_session(json!({ "target": "apps/east" }))["target"],
        "apps/east"
    );
    server.stop_session();
    assert_eq!(server.start_session(json!({}))["target"], "apps/east");
    server.stop_session();
    // What is gone is not taken.
    std::fs::remove_dir_all(server.workspace().join("apps")).expect("it can be removed");
    assert_eq!(server.start_session(json!({}))["target"], "other");
}

#[test]
fn the_entry_of_a_flux_repository_is_offered_without_its_bootstrap() {
    let server = TestServer::builder().files(TWO).choice("clusters/east (Flux)").build();
    assert_eq!(server.start_session(json!({}))["target"], "clusters/east");
}
