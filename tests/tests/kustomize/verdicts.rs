//! What the API server says of what was built, on the line that supplies it.

use std::fmt::Write as _;

use expect_test::expect;
use serde_json::json;

use crate::repository::Repository;

const SHOP: &str = r#"
#- base/kustomization.yaml
resources:
- web.yaml
- service.yaml
#- base/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app: web
spec:
  replicas: 1
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: web
        image: registry.example.org/shop/web
        ports:
        - name: http
          containerPort: 8080
#- base/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
  - port: 80
    targetPort: http
#- overlays/prod/kustomization.yaml
namespace: shop
namePrefix: prod-
resources:
- ../../base
- namespace.yaml
patches:
- path: more.yaml
images:
- name: registry.example.org/shop/web
  newTag: 1.4.0
replicas:
- name: web
  count: 2
configMapGenerator:
- name: settings
  envs:
  - settings.env
#- overlays/prod/namespace.yaml
apiVersion: v1
kind: Namespace
metadata:
  name: shop
#- overlays/prod/more.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        env:
        - name: COLOUR
          value: blue
#- overlays/prod/settings.env
colour=blue
"#;

#[test]
fn a_fault_is_on_the_line_that_supplies_the_field() {
    let shop = Repository::start(SHOP, "overlays/prod");
    let mut shown = String::new();
    for (file, find, put) in [
        ("base/web.yaml", "containerPort: 8080", "containerPort: \"http\""),
        ("base/web.yaml", "image: reg", "imag: reg"),
        ("base/service.yaml", "targetPort", "targetport"),
        ("overlays/prod/more.yaml", "value: blue", "value: 3"),
        ("overlays/prod/more.yaml", "env:", "envs:"),
        ("overlays/prod/kustomization.yaml", "count: 2", "count: -2"),
        ("overlays/prod/kustomization.yaml", "prod-\n", "Prod_\n"),
        (
            "overlays/prod/kustomization.yaml",
            "shop/web\n  newTag",
            "shop/wep\n  newTag",
        ),
        ("overlays/prod/kustomization.yaml", "- name: web\n", "- name: wep\n"),
        (
            "overlays/prod/kustomization.yaml",
            "images:",
            "- patch: |-\n    - op: add\n      path: /metadata/labels/tier\n      value: 3\n  target:\n    kind: Service\nimages:",
        ),
        (
            "overlays/prod/kustomization.yaml",
            "images:",
            "labels:\n- pairs:\n    tier: front end\nimages:",
        ),
    ] {
        let _ = write!(shown, "{put}\n  {}", shop.broken(file, find, put));
    }
    expect![[r#"
        containerPort: "http"
          base/web.yaml:22 `"http"` error apply/wrong-type: expected number, got string "http"
        imag: reg
          base/web.yaml:19 `imag` error apply/unknown-field: unknown field "imag"; did you mean "image"?
        targetport
          base/service.yaml:10 `targetport` error apply/unknown-field: unknown field "targetport"; did you mean "targetPort"?
        value: 3
          overlays/prod/more.yaml:12 `3` error apply/wrong-type: expected string, got number 3 — put it in quotes
        envs:
          overlays/prod/more.yaml:10 `envs` error apply/unknown-field: unknown field "envs"; did you mean "env"?
        count: -2
          overlays/prod/kustomization.yaml:13 `-2` error apply/invalid-value: -2 is not valid: must be greater than or equal to 0
        Prod_

          overlays/prod/kustomization.yaml:2 `Prod_` error apply/invalid-value: "Prod_settings-6g6gd9868f" is not valid: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character
        overlays/prod/kustomization.yaml:2 `Prod_` error apply/invalid-value: "Prod_web" is not valid: a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character
        overlays/prod/kustomization.yaml:2 `Prod_` error apply/invalid-value: "Prod_web" is not valid: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character
        shop/wep
          newTag
          overlays/prod/kustomization.yaml:9 `registry.example.org/shop/wep` warning model/image-not-used: no image is called "registry.example.org/shop/wep", so this entry changes nothing; did you mean registry.example.org/shop/web?
        - name: wep

          overlays/prod/kustomization.yaml:12 `wep` error render/replicas-target-not-found: nothing that can be scaled is called "wep"
        - patch: |-
            - op: add
              path: /metadata/labels/tier
              value: 3
          target:
            kind: Service
        images:
          overlays/prod/kustomization.yaml:10 `path: /metadata/labels/tier` error render/patch-path-not-found: add cannot be done: /metadata/labels/tier has no parent in the object that it is for
        labels:
        - pairs:
            tier: front end
        images:
          overlays/prod/kustomization.yaml:10 `front end` error apply/invalid-value: "front end" is not valid: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character
    "#]].assert_eq(&shown);
    let cluster = shop.server.cluster(&shop.server.start_session(json!({})));
    let live = cluster
        .get("apps/v1", "Deployment", Some("shop"), "prod-web")
        .expect("it is there");
    assert_eq!(live["spec"]["replicas"], 2);
    // What the kustomization no longer has goes from the sandbox.
    let sound = std::fs::read_to_string(shop.server.workspace().join("base/kustomization.yaml")).expect("it is there");
    assert!(shop.save("base/kustomization.yaml", &sound.replace("- service.yaml\n", "")));
    assert!(cluster.get("v1", "Service", Some("shop"), "prod-web").is_none());
    assert!(shop.save("base/kustomization.yaml", &sound));
    assert!(cluster.get("v1", "Service", Some("shop"), "prod-web").is_some());
    shop.server.assert_sound();
}
