//! What has no effect, and nobody says it.

use super::check;

#[test]
fn health_checks_that_are_never_made() {
    check(
        r#"
#- entry
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: a, namespace: flux-system}
spec:
  wait: true
  healthChecks:
# ^^^^^^^^^^^^ warning health-check-ignored: healthChecks is never looked at beside "wait: true", which waits for all that is applied; take one of the two out
    - {apiVersion: apps/v1, kind: Deployment, name: gone, namespace: web}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: b, namespace: flux-system}
spec:
  healthCheckExprs:
# ^^^^^^^^^^^^^^^^ warning health-check-ignored: healthCheckExprs is never evaluated without "wait: true" or healthChecks
    - {apiVersion: apps/v1, kind: Deployment, current: "true"}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: c, namespace: flux-system}
spec:
  healthChecks:
    - apiVersion: apps/v1
      kind: Deployment
      name: web
      namespace: web
    - apiVersion: apps/v1
      kind: Deployment
      name: wbe
#           ^^^ error health-check-not-found: health check: Deployment "wbe" not found in namespace web; did you mean "web"?
      namespace: web
  healthCheckExprs:
    - apiVersion: apps/v1
      kind: Deployment
      current: "true"
    - apiVersion: example.org/v1
      kind: Gadget
#           ^^^^^^ warning health-check-ignored: this expression is never evaluated: healthChecks lists no Gadget, and there is no "wait: true"
      current: "true"
#- flux-system/a
apiVersion: v1
kind: Namespace
metadata: {name: web}
#- flux-system/b
apiVersion: v1
kind: Namespace
metadata: {name: two}
#- flux-system/c
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: web}
"#,
    );
}

#[test]
fn variables_without_use_and_texts_without_substitution() {
    check(
        r#"
#- entry
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: with, namespace: flux-system}
spec:
  postBuild:
    substitute:
      domian: example.org
#     ^^^^^^ warning variable-not-used: nothing that this Kustomization builds uses ${domian}; did you mean "domain"?
      stage: blue
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: without, namespace: flux-system}
spec: {}
#- flux-system/with
apiVersion: v1
kind: ConfigMap
metadata: {name: one, namespace: web}
data:
  host: ${domain}
  stage: ${stage} and $${not_one}
#- flux-system/without
apiVersion: v1
kind: ConfigMap
metadata:
  name: two
  namespace: web
  annotations:
    example.org/host: www.${domain:=example.org}
#                         ^^^^^^^^^^^^^^^^^^^^^^ warning variable-not-substituted: ${domain:=example.org} is applied as it stands: Kustomization flux-system/without has no variables in postBuild, so nobody substitutes here
data:
  script.sh: |
    echo ${1} ${anything}
    echo ${stage}
#        ^^^^^^^^ warning variable-not-substituted: ${stage} is applied as it stands: Kustomization flux-system/without has no variables in postBuild, so nobody substitutes here
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: three
  namespace: web
  annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}
data: {stage: "${stage}"}
"#,
    );
}

#[test]
fn one_object_of_two_kustomizations() {
    check(
        r#"
#- entry
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: a, namespace: flux-system}
spec: {targetNamespace: prod}
#                       ^^^^ warning namespace-renamed: targetNamespace renames Namespace "media", too, so that only "prod" is created: keep Namespaces in another Kustomization
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: b, namespace: flux-system}
spec: {}
#- flux-system/a
apiVersion: v1
kind: ConfigMap
#^^^^^^^^^^^^^^ warning duplicate-object: ConfigMap prod/rules is applied by Kustomization flux-system/a and by Kustomization flux-system/b: each puts its own over the other's at every reconcile
metadata: {name: rules, namespace: prod}
---
apiVersion: v1
kind: Namespace
metadata: {name: shared}
---
apiVersion: v1
kind: Namespace
metadata: {name: prod, annotations: {written: media}}
#- flux-system/b
apiVersion: v1
kind: ConfigMap
#^^^^^^^^^^^^^^ warning duplicate-object: ConfigMap prod/rules is applied by Kustomization flux-system/b and by Kustomization flux-system/a: each puts its own over the other's at every reconcile
metadata: {name: rules, namespace: prod}
---
apiVersion: v1
kind: Namespace
metadata: {name: shared}
"#,
    );
}

#[test]
fn what_is_suspended_while_others_wait() {
    check(
        r#"
#- entry
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: unused, namespace: flux-system}
spec:
  suspend: true
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: parts, namespace: flux-system}
spec:
  suspend: true
#          ^^^^ warning suspended: suspended, and Kustomization flux-system/b waits for it: where it was never ready, such as in a sandbox, they are not reconciled
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: a, namespace: flux-system}
spec:
  suspend: true
#          ^^^^ warning suspended: suspended, and Kustomization flux-system/b waits for it: where it was never ready, such as in a sandbox, they are not reconciled
  sourceRef: {kind: OCIRepository, name: parts}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: b, namespace: flux-system}
spec:
  wait: true
  dependsOn: [{name: a}]
  sourceRef: {kind: OCIRepository, name: parts}
#- flux-system/b
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: web}
spec:
  suspend: true
#          ^^^^ warning suspended: suspended, and Kustomization flux-system/b waits for it: where it was never ready, such as in a sandbox, they are not reconciled
"#,
    );
}
