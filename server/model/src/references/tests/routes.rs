//! Where routes, selectors and bindings lead.

use super::check_plain;

#[test]
fn slips_of_names() {
    check_plain(
        r#"
#- entry
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata:
      labels: {app: web, tier: front}
    spec:
      serviceAccountName: storefrnt
      containers:
        - name: web
          ports: [{name: http, containerPort: 8080}]
          env:
            - name: KEY
              valueFrom:
                secretKeyRef:
                  name: keys
                  key: api_key
      volumes:
        - name: pages
          configMap:
            name: paeges
        - name: data
          persistentVolumeClaim:
            claimName: nowhere
---
apiVersion: v1
kind: ConfigMap
metadata: {name: pages, namespace: shop}
---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: shop}
data: {api-key: c2VzYW1l}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: storefront, namespace: shop}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector:
    app: web
  ports:
    - name: web
      port: 80
      targetPort: htpp
#                 ^^^^ warning backend-not-found: no container of Deployment shop/web has a port called "htpp"; did you mean "http"?
---
apiVersion: v1
kind: Service
metadata: {name: miss, namespace: shop}
spec:
  selector:
    app: wbe
#        ^^^ warning no-pods-selected: "app: wbe" selects no pods: those of Deployment shop/web have "app: web"
    tier: front
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec:
  selector:
    matchLabels:
      ap: web
#     ^^ warning no-pods-selected: "ap: web" selects no pods: those of Deployment shop/web have no label "ap"; did you mean "app"?
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  rules:
    - http:
        paths:
          - backend:
              service:
                name: wbe
#                     ^^^ warning backend-not-found: Service "wbe" not found in namespace shop; did you mean "web"?
                port: {number: 80}
          - backend:
              service:
                name: web
                port:
                  number: 8080
#                         ^^^^ warning backend-not-found: port 8080 not found in Service shop/web; it has 80
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  rules:
    - backendRefs:
        - name: webb
#               ^^^^ warning backend-not-found: Service "webb" not found in namespace shop; did you mean "web"?
          port: 80
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: nothing
#         ^^^^^^^ warning scale-target-not-found: Deployment "nothing" not found in namespace shop, so nothing is scaled
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web, namespace: shop}
roleRef:
  kind: Role
  name: raeder
#       ^^^^^^ warning role-not-found: Role "raeder" not found in namespace shop, so this gives no rights; did you mean "reader"?
subjects:
  - kind: ServiceAccount
    name: storefronts
#         ^^^^^^^^^^^ warning subject-not-found: ServiceAccount "storefronts" not found in namespace shop, so nobody gets these rights; did you mean "storefront"?
    namespace: shop
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
"#,
    );
}
