//! What kustomize cannot build, on the line that is to blame.

use expect_test::expect;

use crate::repository::Repository;

const REPOSITORY: &str = r#"
#- base/kustomization.yaml
resources:
- map.yaml
#- base/map.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: map
data:
  key: value
#- app/kustomization.yaml
namespace: default
resources:
- ../base
- other.yaml
patches:
- target:
    kind: ConfigMap
    name: map
  patch: |-
    - op: replace
      path: /data/key
      value: other
#- app/other.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: other
"#;

#[test]
fn a_build_that_fails_is_said_where_it_fails() {
    let repository = Repository::start(REPOSITORY, "app");
    let mut shown = String::new();
    for (file, find, put) in [
        ("base/kustomization.yaml", "map.yaml", "mapp.yaml"),
        ("base/kustomization.yaml", "resources", "resource"),
        ("app/kustomization.yaml", "- other.yaml", "- ../other"),
        (
            "app/kustomization.yaml",
            "replace\n      path: /data/key",
            "remove\n      path: /data/nokey",
        ),
        ("app/other.yaml", "name: other", "name: map"),
        ("app/other.yaml", "kind: ConfigMap", "kynd: ConfigMap"),
        ("base/map.yaml", "data:", "data: ["),
    ] {
        shown += &format!("{put}\n  {}", repository.broken(file, find, put));
    }
    expect![[r#""#]].assert_eq(&shown);
    repository.server.assert_sound();
}
