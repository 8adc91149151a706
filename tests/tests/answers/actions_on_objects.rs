//! Actions that are about more than one field: names, kinds, selectors, and what is on the cluster.

use serde_json::json;

use crate::actions::{mends, save};
use crate::prepare::{namespace, namespace_with};

#[test]
fn label_that_the_selector_looks_for() {
    namespace("mend-label");
    mends(
        "
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: mended
          namespace: mend-label
        spec:
          replicas: 0
          selector:
            matchLabels:
              app: web
          template:
            metadata:
              labels:
                app: wab
            spec:
              containers:
                - name: web
                  image: nginx
        ",
        &["Write web"],
        "
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: mended
          namespace: mend-label
        spec:
          replicas: 0
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
                  image: nginx
        ",
    );
}

#[test]
fn immutable_selector() {
    namespace("mend-selector");
    let sound = save(
        "
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: mended
          namespace: mend-selector
        spec:
          replicas: 0
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
                  image: nginx
        ",
    );
    assert!(sound);
    mends(
        "
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: mended
          namespace: mend-selector
        spec:
          replicas: 0
          selector:
            matchLabels:
              app: site
          template:
            metadata:
              labels:
                app: site
            spec:
              containers:
                - name: web
                  image: nginx
        ",
        &["Delete it from the sandbox and create it anew"],
        "
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: mended
          namespace: mend-selector
        spec:
          replicas: 0
          selector:
            matchLabels:
              app: site
          template:
            metadata:
              labels:
                app: site
            spec:
              containers:
                - name: web
                  image: nginx
        ",
    );
}

#[test]
fn recreate_over_a_rolling_update() {
    namespace("mend-recreate");
    let sound = save(
        "
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: mended
          namespace: mend-recreate
        spec:
          replicas: 0
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
                  image: nginx
        ",
    );
    assert!(sound);
    mends(
        "
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: mended
          namespace: mend-recreate
        spec:
          replicas: 0
          strategy:
            type: Recreate
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
                  image: nginx
        ",
        &["Delete it from the sandbox and create it anew"],
        "
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: mended
          namespace: mend-recreate
        spec:
          replicas: 0
          strategy:
            type: Recreate
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
                  image: nginx
        ",
    );
}

#[test]
fn conflict() {
    let cluster = namespace("mend-conflict");
    let theirs = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "mended", "namespace": "mend-conflict" }, "data": { "a": "1" } });
    cluster.apply("one", &theirs);
    mends(
        "
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: mended
          namespace: mend-conflict
        data:
          a: \"2\"
        ",
        &["Take it over from one"],
        "
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: mended
          namespace: mend-conflict
        data:
          a: \"2\"
        ",
    );
}

#[test]
fn version_and_kind() {
    namespace("mend-kind");
    mends(
        "
        apiVersion: policy/v1beta1
        kind: PodDisruptionBudget
        metadata:
          name: mended
          namespace: mend-kind
        spec:
          minAvailable: 1
          selector: { matchLabels: { app: web } }
        ---
        apiVersion: v1
        kind: configmap
        metadata:
          name: mended
          namespace: mend-kind
        ",
        &["Write policy/v1", "Write ConfigMap"],
        "
        apiVersion: policy/v1
        kind: PodDisruptionBudget
        metadata:
          name: mended
          namespace: mend-kind
        spec:
          minAvailable: 1
          selector: { matchLabels: { app: web } }
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: mended
          namespace: mend-kind
        ",
    );
}

#[test]
fn name_with_wrong_letters() {
    namespace("mend-letters");
    mends(
        "
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: My_Config
          namespace: mend-letters
        ",
        &["Write my-config"],
        "
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: my-config
          namespace: mend-letters
        ",
    );
}

#[test]
fn pod_security() {
    namespace_with(
        "mend-security",
        &json!({ "pod-security.kubernetes.io/enforce": "restricted" }),
    );
    mends(
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: mended
          namespace: mend-security
        spec:
          hostNetwork: true
          containers:
            - name: a
              image: a
            - name: b
              image: b
              securityContext:
                privileged: true
        ",
        &[
            "Set hostNetwork to false",
            "Set privileged to false",
            "Set allowPrivilegeEscalation, capabilities.drop, runAsNonRoot and seccompProfile.type",
            "Set allowPrivilegeEscalation and capabilities.drop",
        ],
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: mended
          namespace: mend-security
        spec:
          hostNetwork: false
          securityContext:
            runAsNonRoot: true
            seccompProfile:
              type: RuntimeDefault
          containers:
            - name: a
              securityContext:
                allowPrivilegeEscalation: false
                capabilities:
                  drop: [ALL]
              image: a
            - name: b
              image: b
              securityContext:
                privileged: false
                allowPrivilegeEscalation: false
                capabilities:
                  drop: [ALL]
        ",
    );
}

#[test]
fn generated_name() {
    namespace("mend-generated");
    mends(
        "
        apiVersion: v1
        kind: ConfigMap
        metadata:
          generateName: config-
          namespace: mend-generated
        ",
        &["Add name: config"],
        "
        apiVersion: v1
        kind: ConfigMap
        metadata:
          generateName: config-
          name: config
          namespace: mend-generated
        ",
    );
}
