//! What cannot be changed on an object that is there, and what another manager holds.

use expect_test::expect;
use gitops_tests::fixture::check_with;
use serde_json::json;

use crate::SHOW;
use crate::prepare::namespace;

#[test]
fn selector_of_a_workload() {
    namespace("immutable-selector");
    check_with(
        SHOW,
        expect![[r##"
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
              namespace: immutable-selector
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
            #= another selector
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
              namespace: immutable-selector
            spec:
              replicas: 0
              selector:
            # ^^^^^^^^ error apply/immutable-field: field "selector" is immutable; to change it the object must be made anew
            #> action: Delete it from the sandbox and create it anew
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
        "##]],
    );
}

#[test]
fn immutable_config_map() {
    namespace("immutable-config");
    check_with(
        SHOW,
        expect![[r##"
            #- config.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: carved
              namespace: immutable-config
            immutable: true
            data:
              kept: same
              changed: one
            #= a new value
            #- config.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: carved
              namespace: immutable-config
            immutable: true
            data:
              kept: same
              changed: two
            #          ^^^ error apply/immutable-field: field "changed" is immutable: the live object has "one"; to change it the object must be made anew
            #> action: Delete it from the sandbox and create it anew
        "##]],
    );
}

/// The server speaks of `clusterIPs`, which it has filled in from what is written.
#[test]
fn address_of_a_service() {
    namespace("immutable-address");
    check_with(
        SHOW,
        expect![[r##"
            #- service.yaml
            apiVersion: v1
            kind: Service
            metadata:
              name: web
              namespace: immutable-address
            spec:
              clusterIP: 10.96.77.77
              selector:
                app: web
              ports:
                - port: 80
            #= headless
            #- service.yaml
            apiVersion: v1
            kind: Service
            metadata:
              name: web
              namespace: immutable-address
            spec:
              clusterIP: None
            #            ^^^^ error apply/immutable-field: field "clusterIP" is immutable: the live object has "10.96.77.77"; to change it the object must be made anew
            #> action: Delete it from the sandbox and create it anew
              selector:
                app: web
              ports:
                - port: 80
        "##]],
    );
}

#[test]
fn class_of_a_claim() {
    // A claim of a class that is not there is said to wait, sooner or later.
    namespace("immutable-class").apply(
        "tests",
        &json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": "slow" },
            "provisioner": "example.org/disk", "volumeBindingMode": "WaitForFirstConsumer",
        }),
    );
    check_with(
        SHOW,
        expect![[r##"
            #- claim.yaml
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata:
              name: archive
              namespace: immutable-class
            spec:
              storageClassName: slow
              accessModes:
                - ReadWriteOnce
              resources:
                requests:
                  storage: 1Gi
            #= another class
            #- claim.yaml
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata:
              name: archive
              namespace: immutable-class
            spec:
              storageClassName: fast
            #                   ^^^^ error apply/immutable-field: field "storageClassName" is immutable: the live object has "slow"; to change it the object must be made anew
            #> action: Delete it from the sandbox and create it anew
              accessModes:
                - ReadWriteOnce
              resources:
                requests:
                  storage: 1Gi
        "##]],
    );
}

/// The server prints the whole template in the words of its own source; people get the field that differs.
#[test]
fn template_of_a_job() {
    namespace("immutable-template");
    check_with(
        SHOW,
        expect![[r##"
            #- job.yaml
            apiVersion: batch/v1
            kind: Job
            metadata:
              name: migrate
              namespace: immutable-template
            spec:
              template:
                spec:
                  restartPolicy: Never
                  containers:
                    - name: migrate
                      image: migrate:1
            #= a new image
            #- job.yaml
            apiVersion: batch/v1
            kind: Job
            metadata:
              name: migrate
              namespace: immutable-template
            spec:
              template:
                spec:
                  restartPolicy: Never
                  containers:
                    - name: migrate
                      image: migrate:2
            #                ^^^^^^^^^ error apply/immutable-field: field "image" is immutable: the live object has "migrate:1"; to change it the object must be made anew
            #> action: Delete it from the sandbox and create it anew
        "##]],
    );
}

#[test]
fn claim_that_cannot_grow() {
    let cluster = namespace("claim-grows");
    let volume = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": { "name": "claim-grows" },
        "spec": { "storageClassName": "claim-grows", "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"], "hostPath": { "path": "/tmp/nowhere" } },
    });
    cluster.apply("tests", &volume);
    check_with(
        SHOW,
        expect![[r##"
            #- claim.yaml
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata:
              name: archive
              namespace: claim-grows
            spec:
              storageClassName: claim-grows
              volumeName: claim-grows
              accessModes:
                - ReadWriteOnce
              resources:
                requests:
                  storage: 1Gi
        "##]],
    );
    cluster.wait_until("v1", "PersistentVolumeClaim", Some("claim-grows"), "archive", |claim| {
        claim["status"]["phase"] == "Bound"
    });
    check_with(
        SHOW,
        expect![[r#"
            #- claim.yaml
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata:
              name: archive
              namespace: claim-grows
            spec:
              storageClassName: claim-grows
              volumeName: claim-grows
              accessModes:
                - ReadWriteOnce
              resources:
                requests:
                  storage: 2Gi
            #              ^^^ error apply/forbidden-field: the claim cannot grow: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize
        "#]],
    );
}

/// The field that is in the way is not in the file: the server had filled it in on the live object.
#[test]
fn recreate_over_a_rolling_update() {
    namespace("recreate");
    check_with(
        SHOW,
        expect![[r#"
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
              namespace: recreate
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
            #= one after the other
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
              namespace: recreate
            spec:
              replicas: 0
              strategy:
                type: Recreate
            #         ^^^^^^^^ error apply/forbidden-field: type Recreate cannot be combined with rollingUpdate, which the live object still has; make the object anew, or write rollingUpdate in one save and take it out in the next
            #> action: Delete it from the sandbox and create it anew
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
        "#]],
    );
}

#[test]
fn conflict_with_another_manager() {
    let cluster = namespace("conflict");
    cluster.apply("one", &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "shared", "namespace": "conflict" }, "data": { "a": "1", "b": "1" } }));
    cluster.apply("two", &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "shared", "namespace": "conflict" }, "data": { "c": "1" } }));
    check_with(
        SHOW,
        expect![[r##"
            #- config.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: shared
              namespace: conflict
            data:
              a: "2"
            #    ^^^ error apply/conflict: field "a" belongs to "one", who gave it another value
            #> action: Take it over from one
              b: "1"
              c: "2"
            #    ^^^ error apply/conflict: field "c" belongs to "two", who gave it another value
            #> action: Take it over from two
        "##]],
    );
}

/// What `kubectl get -o yaml` prints holds more than can be applied.
#[test]
fn file_copied_from_a_cluster() {
    namespace("copied");
    check_with(
        SHOW,
        expect![[r##"
            #- config.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: copied
              namespace: copied
            data:
              key: one
            #= copied
            #- config.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: copied
              namespace: copied
              creationTimestamp: "2026-01-01T00:00:00Z"
              managedFields:
            # ^^^^^^^^^^^^^ error apply/forbidden-field: metadata.managedFields belongs to the object as it once was on a cluster; remove it from the file
            #> action: Remove it
                - manager: kubectl
              resourceVersion: "1"
            # ^^^^^^^^^^^^^^^ error apply/forbidden-field: metadata.resourceVersion belongs to the object as it once was on a cluster; remove it from the file
            #> action: Remove it
            data:
              key: two
        "##]],
    );
}

/// What was added is said once, not at each of its fields; what may be changed is not said at all.
#[test]
fn additions_to_a_live_pod() {
    namespace("additions");
    check_with(
        SHOW,
        expect![[r##"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: pod
              namespace: additions
            spec:
              containers:
                - name: a
                  image: a:1
            #= more
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: pod
              namespace: additions
            spec:
              containers:
                - name: a
                  image: a:2
                  env:
            #     ^^^ error apply/immutable-field: field "env" is immutable: the live object has none; to change it the object must be made anew
            #> action: Delete it from the sandbox and create it anew
                    - name: A
                      value: "1"
                - name: b
            #     ^^^^^^^ error apply/immutable-field: item "b" of "containers" is immutable: the live object has none; to change it the object must be made anew
            #> action: Delete it from the sandbox and create it anew
                  image: b:1
        "##]],
    );
}
