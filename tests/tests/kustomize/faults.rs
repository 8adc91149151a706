//! What kustomize cannot build, on the line that is to blame.

use std::fmt::Write as _;

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
        let _ = write!(shown, "{put}\n  {}", repository.broken(file, find, put));
    }
    expect![[r#"
        mapp.yaml
          base/kustomization.yaml:2 `mapp.yaml` error render/file-not-found: there is no file mapp.yaml
        resource
          base/kustomization.yaml:1 `resource` error render/unknown-field: a kustomization has no field "resource"; did you mean "resources"?
        - ../other
          app/kustomization.yaml:4 `../other` error render/file-not-found: there is no file ../other
        remove
              path: /data/nokey
          app/kustomization.yaml:11 `path: /data/nokey` error render/patch-path-not-found: remove cannot be done: the object that it is for has no /data/nokey
        name: map
          app/other.yaml:4 `map` error render/duplicate-object: ConfigMap "map" is here already: two resources of one kustomization have the same name
        kynd: ConfigMap
          app/kustomization.yaml:4 `other.yaml` error render/not-a-resource: other.yaml has a document without kind, so it is no resource
        app/other.yaml:1 `apiVersion: v1` warning model/kind-missing: kind is missing: the object is not sent to the cluster
        data: [
          base/map.yaml:3 `[` error syntax/unclosed-bracket: the bracket `[` is opened here and not closed
    "#]].assert_eq(&shown);
    repository.server.assert_sound();
}
