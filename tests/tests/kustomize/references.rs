//! What objects of a kustomization say about each other: nothing of what is sound, and a slip on the line that has it.

use camino::Utf8Path;
use gitops_tests::server::TestServer;

use crate::repository::Repository;

#[test]
fn nothing_is_said_of_a_sound_kustomization() {
    let directory = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/podinfo/kustomize");
    let server = TestServer::builder().build();
    let mut files = Vec::new();
    for entry in directory.read_dir_utf8().expect("the corpus can be read") {
        let entry = entry.expect("an entry");
        let file = format!("podinfo/{}", entry.file_name());
        server.write(&file, std::fs::read(entry.path()).expect("a file"));
        files.push(file);
    }
    let repository = Repository::begin(server, files, "podinfo");
    assert_eq!(repository.findings(), "");
    repository.server.assert_sound();
}

#[test]
fn routes_and_selectors_through_an_overlay() {
    let repository = Repository::start(
        r#"
#- base/kustomization.yaml
resources: [web.yaml, route.yaml]
#- base/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
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
          image: registry.example.org/web:1
          ports:
            - name: http
              containerPort: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - name: web
      port: 80
      targetPort: http
#- base/route.yaml
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  rules:
    - http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: web
                port:
                  name: web
#- overlay/kustomization.yaml
namespace: shop
namePrefix: dev-
resources:
  - ../base
  - namespace.yaml
  - scaler.yaml
patches:
  - target:
      kind: Service
    patch: |
      - op: replace
        path: /spec/ports/0/port
        value: 81
#- overlay/namespace.yaml
apiVersion: v1
kind: Namespace
metadata:
  name: shop
#- overlay/scaler.yaml
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
spec:
  maxReplicas: 2
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: web
"#,
        "overlay",
    );
    let one_line = |shown: String| shown.trim_end().to_owned();
    assert_eq!(
        one_line(repository.broken(
            "base/route.yaml",
            "                name: web\n",
            "                name: wbe\n"
        )),
        "base/route.yaml:13 `wbe` warning model/backend-not-found: Service \"wbe\" not found in namespace shop; \
         did you mean \"web\"?"
    );
    assert_eq!(
        one_line(repository.broken(
            "base/route.yaml",
            "name: web\n                port:\n                  name: web",
            "name: web\n                port:\n                  number: 80"
        )),
        "base/route.yaml:15 `80` warning model/backend-not-found: port 80 not found in Service shop/dev-web; it has 81"
    );
    assert_eq!(
        one_line(repository.broken(
            "base/web.yaml",
            "  selector:\n    app: web\n",
            "  selector:\n    app: wed\n"
        )),
        "base/web.yaml:27 `wed` warning model/no-pods-selected: \"app: wed\" selects no pods: those of Deployment \
         shop/dev-web have \"app: web\""
    );
    assert_eq!(
        one_line(repository.broken("overlay/scaler.yaml", "    name: web\n", "    name: webs\n")),
        "overlay/scaler.yaml:10 `webs` warning model/scale-target-not-found: Deployment \"webs\" not found in namespace \
         shop, so nothing is scaled; did you mean \"web\"?"
    );
    repository.server.assert_sound();
}
