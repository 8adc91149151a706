//! What Flux's objects name.

use super::check;

#[test]
fn a_dependency_is_looked_for_in_its_namespace() {
    check(
        r#"
#- entry
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: infra, namespace: flux-system}
spec:
  sourceRef: {kind: GitRepository, name: fleet}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1beta2
kind: Kustomization
metadata: {name: tools, namespace: tools}
spec:
  dependsOn:
    - name: infra
#           ^^^^^ error dependency-not-found: dependency Kustomization "infra" not found in namespace tools; there is one in namespace flux-system: add "namespace: flux-system"
    - name: infra
      namespace: flux-system
    - name: inrfa
#           ^^^^^ error dependency-not-found: dependency Kustomization "inrfa" not found in namespace flux-system; did you mean "infra"?
      namespace: flux-system
  sourceRef:
    kind: GitRepository
    name: fleet
#         ^^^^^ error source-not-found: source GitRepository "fleet" not found in namespace tools; there is one in namespace flux-system: add "namespace: flux-system"
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: flux-system}
spec: {url: "https://example.org/fleet", secretRef: {name: key}}
#- flux-system/infra
apiVersion: v1
kind: Namespace
metadata: {name: tools}
#- tools/tools
apiVersion: v1
kind: Namespace
metadata: {name: others}
"#,
    );
}

#[test]
fn a_release_names_its_chart_its_values_and_what_it_waits_for() {
    check(
        r#"
#- entry
apiVersion: v1
kind: ConfigMap
metadata: {name: store-config, namespace: default}
data: {values.yaml: ""}
---
apiVersion: v1
kind: Secret
metadata: {name: store-secret, namespace: web}
stringData: {value.yaml: ""}
---
apiVersion: source.toolkit.fluxcd.io/v1beta2
kind: HelmRepository
metadata: {name: charts, namespace: flux-system}
spec: {url: "https://example.org", secretRef: {name: login}}
#                                                    ^^^^^ warning secret-not-found: secretRef: Secret "login" not found in namespace flux-system; if it is kept outside of this repository, a sandbox does not have it either: put one with stand-in values beside the target
---
apiVersion: helm.toolkit.fluxcd.io/v2beta2
kind: HelmRelease
metadata: {name: store, namespace: web}
spec:
  chart:
    spec:
      chart: store
      sourceRef:
        kind: HelmRepository
        name: charts
#             ^^^^^^ error source-not-found: source HelmRepository "charts" not found in namespace web; there is one in namespace flux-system: add "namespace: flux-system"
  dependsOn:
    - name: stroe
#           ^^^^^ error dependency-not-found: dependency HelmRelease "stroe" not found in namespace web; did you mean "store"?
    - name: base
#           ^^^^ error dependency-not-found: dependency HelmRelease "base" not found in namespace web
  valuesFrom:
    - kind: ConfigMap
      name: store-config
#           ^^^^^^^^^^^^ error values-not-found: valuesFrom: ConfigMap "store-config" not found in namespace web; there is one in namespace default, but only the object's own namespace is looked in
    - kind: Secret
      name: store-secret
#           ^^^^^^^^^^^^ error key-not-found: key "values.yaml" not found in Secret web/store-secret; did you mean "value.yaml"?
    - kind: Secret
      name: store-secret
      valuesKey: valu.yaml
#                ^^^^^^^^^ error key-not-found: key "valu.yaml" not found in Secret web/store-secret; did you mean "value.yaml"?
    - kind: Secret
      name: made-by-hand
#           ^^^^^^^^^^^^ warning values-not-found: valuesFrom: Secret "made-by-hand" not found in namespace web; if it is kept outside of this repository, a sandbox does not have it either: put one with stand-in values beside the target
    - kind: ConfigMap
      name: nowhere
#           ^^^^^^^ error values-not-found: valuesFrom: ConfigMap "nowhere" not found in namespace web
    - kind: ConfigMap
      name: store-config
      optional: true
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: tile, namespace: tiles}
spec:
  chartRef:
    kind: OCIRepository
    name: tile
#         ^^^^ error chart-not-found: chart OCIRepository "tile" not found in namespace tiles
"#,
    );
}

#[test]
fn circles_are_said_on_every_link() {
    check(
        r#"
#- entry
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: a, namespace: flux-system}
spec:
  dependsOn:
    - name: b
#           ^ error dependency-cycle: circular dependency: a → b → c → a; each waits for the next, so none of them is ever reconciled
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: b, namespace: flux-system}
spec:
  dependsOn:
    - name: d
    - name: c
#           ^ error dependency-cycle: circular dependency: b → c → a → b; each waits for the next, so none of them is ever reconciled
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: c, namespace: flux-system}
spec:
  dependsOn:
    - name: a
#           ^ error dependency-cycle: circular dependency: c → a → b → c; each waits for the next, so none of them is ever reconciled
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: d, namespace: flux-system}
spec: {}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: one, namespace: web}
spec:
  dependsOn:
    - name: one
#           ^^^ error dependency-cycle: circular dependency: one waits for itself, so it is never reconciled
"#,
    );
}

#[test]
fn variables_and_credentials() {
    check(
        r#"
#- entry
apiVersion: v1
kind: ConfigMap
metadata: {name: cluster-vars, namespace: flux-system}
data: {domain: example.org}
---
apiVersion: v1
kind: Secret
metadata: {name: login, namespace: web}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  serviceAccountName: builder
  sourceRef:
    kind: OCIRepository
    name: apps
#         ^^^^ error source-not-found: source OCIRepository "apps" not found in namespace flux-system
  postBuild:
    substituteFrom:
      - kind: ConfigMap
        name: cluster-varz
#             ^^^^^^^^^^^^ error variables-not-found: substituteFrom: ConfigMap "cluster-varz" not found in namespace flux-system; did you mean "cluster-vars"?
      - kind: Secret
        name: cluster-keys
#             ^^^^^^^^^^^^ warning variables-not-found: substituteFrom: Secret "cluster-keys" not found in namespace flux-system; if it is kept outside of this repository, a sandbox does not have it either: put one with stand-in values beside the target
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: Bucket
metadata: {name: files, namespace: flux-system}
spec:
  secretRef:
    name: login
#         ^^^^^ warning secret-not-found: secretRef: Secret "login" not found in namespace flux-system; there is one in namespace web, but only the object's own namespace is looked in
  certSecretRef:
    name: certificates
#         ^^^^^^^^^^^^ warning secret-not-found: secretRef: Secret "certificates" not found in namespace flux-system; if it is kept outside of this repository, a sandbox does not have it either: put one with stand-in values beside the target
#- flux-system/apps
apiVersion: v1
kind: Namespace
metadata: {name: web}
"#,
    );
}

#[test]
fn alerts_and_automations() {
    check(
        r#"
#- entry
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: flux-system}
spec: {url: "https://example.org/fleet"}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: slack, namespace: flux-system}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {name: all, namespace: flux-system}
spec:
  providerRef:
    name: slcak
#         ^^^^^ error provider-not-found: Provider "slcak" not found in namespace flux-system; did you mean "slack"?
  eventSources:
    - {kind: Kustomization, name: "*"}
    - {kind: HelmRelease, name: of-another-repository}
    - kind: GitRepository
      name: fleets
#           ^^^^^^ warning source-not-found: GitRepository "fleets" not found in namespace flux-system; did you mean "fleet"?
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: all, namespace: images}
spec:
  sourceRef:
    kind: GitRepository
    name: fleet
#         ^^^^^ error source-not-found: GitRepository "fleet" not found in namespace images; there is one in namespace flux-system
---
apiVersion: image.toolkit.fluxcd.io/v1beta2
kind: ImagePolicy
metadata: {name: web, namespace: images}
spec:
  imageRepositoryRef:
    name: web
#         ^^^ error source-not-found: ImageRepository "web" not found in namespace images
"#,
    );
}
