//! Which target a session takes when nobody says so.

use gitops_tests::server::TestServer;
use serde_json::json;

const OVERLAYS: &str = "\
#- base/kustomization.yaml
resources: [map.yaml]
#- base/map.yaml
apiVersion: v1
kind: ConfigMap
metadata: { name: map }
#- overlays/dev/kustomization.yaml
namespace: default
resources: [../../base]
#- overlays/prod/kustomization.yaml
namespace: default
namePrefix: prod-
resources: [../../base]
";

#[test]
fn of_several_the_user_chooses() {
    let server = TestServer::builder()
        .files(OVERLAYS)
        .choice("overlays/prod (kustomization)")
        .build();
    let started = server.start_session(json!({}));
    assert_eq!(started["target"], "overlays/prod");
    // Asked again, it is the session that runs.
    assert_eq!(server.start_session(json!({}))["target"], "overlays/prod");
}
