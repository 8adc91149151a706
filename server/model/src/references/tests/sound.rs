//! Sound objects, of which nothing is said.

use super::{check, check_plain};

#[test]
fn what_others_bring_is_not_missing() {
    check(
        r#"
#- entry
apiVersion: source.extensions.fluxcd.io/v1beta1
kind: ArtifactGenerator
metadata: {name: parts, namespace: flux-system}
spec:
  sources: [{alias: fleet, kind: GitRepository, name: fleet}]
  artifacts: [{name: apps, copy: []}]
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: flux-system}
spec: {url: "ssh://git@example.org/fleet", secretRef: {name: flux-system}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  sourceRef: {kind: ExternalArtifact, name: apps}
  decryption: {provider: sops, secretRef: {name: sops-age}}
  kubeConfig: {secretRef: {name: elsewhere}}
  serviceAccountName: kustomize-controller
  postBuild:
    substituteFrom:
      - {kind: Secret, name: from-vault}
      - {kind: ConfigMap, name: perhaps, optional: true}
#- flux-system/apps
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: vault, namespace: flux-system}
spec: {target: {name: from-vault}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: web}
spec: {url: "https://example.org"}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: web}
spec:
  chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: charts}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: web}
spec:
  rules:
    - http:
        paths:
          - backend: {service: {name: web, port: {name: http}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: web}
spec:
  rules:
    - backendRefs: [{name: web, port: 80}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: web}
roleRef: {kind: ClusterRole, name: of-the-operator}
subjects:
  - {kind: ServiceAccount, name: operator, namespace: operators}
"#,
    );
}

#[test]
fn plain_manifests_without_fault() {
    check_plain(
        r#"
#- entry
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web, tier: front}}
    spec:
      serviceAccountName: default
      imagePullSecrets: [{name: pull}]
      containers:
        - name: web
          ports: [{name: http, containerPort: 8080}]
          envFrom:
            - configMapRef: {name: perhaps, optional: true}
            - secretRef: {name: database-app}
      volumes:
        - {name: root, configMap: {name: kube-root-ca.crt}}
        - {name: tls, secret: {secretName: web-tls}}
        - {name: data, persistentVolumeClaim: {claimName: data-database-0}}
---
apiVersion: v1
kind: Secret
metadata: {name: pull, namespace: shop}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: database, namespace: shop}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web, namespace: shop}
spec: {secretName: web-tls}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: database, namespace: shop}
spec:
  template: {metadata: {labels: {app: database}}}
  volumeClaimTemplates: [{metadata: {name: data}}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http, name: web}]
---
apiVersion: v1
kind: Service
metadata: {name: brought-by-others, namespace: shop}
spec:
  selector: {app: cache}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  defaultBackend: {service: {name: web, port: {number: 80}}}
  rules:
    - http: {paths: [{backend: {service: {name: web, port: {name: web}}}}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web, namespace: shop}
roleRef: {kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: default}]
"#,
    );
}
