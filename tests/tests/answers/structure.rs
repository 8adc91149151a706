//! What structured merge and conversion refuse: fields that are not there, values of another type, items that stand twice.

use expect_test::expect;
use gitops_tests::fixture::{check_offline, check_with};

use crate::SHOW;
use crate::prepare::namespace;

#[test]
fn unknown_field() {
    namespace("unknown-field");
    check_with(
        SHOW,
        expect![[r#"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: nginx-pod
              namespace: unknown-field
            spec:
              contAIN3rz:
                - name: nginx
                  image: nginx
        "#]],
    );
}

#[test]
fn several_unknown_fields() {
    namespace("several-unknown");
    check_with(
        SHOW,
        expect![[r#"
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: podinfo
              namespace: several-unknown
            spec:
              foo: bar
              selector: { matchLabels: { app: podinfo } }
              template:
                metadata: { labels: { app: podinfo } }
                spec:
                  containers:
                    - name: other
                      image: other
                    - name: podinfo
                      imag: podinfo
        "#]],
    );
}

/// The server names sometimes all and sometimes one of the unknown fields of one map: it is asked again until all are known.
#[test]
fn several_unknown_fields_in_one_map() {
    namespace("unknown-in-one-map");
    check_with(
        SHOW,
        expect![[r#"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: nginx-pod
              namespace: unknown-in-one-map
            spec:
              containers:
                - name: nginx
                  image: nginx
                  imagePullPolice: Always
                  prots: []
                  livenessprobe: {}
                  zzz: 1
        "#]],
    );
}

#[test]
fn wrong_type() {
    namespace("wrong-type");
    check_with(
        SHOW,
        expect![[r#"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: nginx-pod
              namespace: wrong-type
            spec:
              hostNetwork: "yes"
              containers:
                - name: nginx
                  image: nginx
                  args: --verbose
                  env:
                    - name: PORT
                      value: 8080
                  ports:
                    - protocol: 22
                      containerPort: 88
        "#]],
    );
}

#[test]
fn map_for_list_and_list_for_map() {
    namespace("map-for-list");
    check_with(
        SHOW,
        expect![[r#"
            #- map-for-list.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: map-for-list
              namespace: map-for-list
              finalizers:
                key: value
            data:
              key: value
            #- list-for-map.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: list-for-map
              namespace: map-for-list
            data:
              - not a map
            #- text-for-map.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: text-for-map
              namespace: map-for-list
            data: key:value
            #- list-for-text.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: list-for-text
              namespace: map-for-list
            data:
              hours:
                - seven
                - nine
        "#]],
    );
}

/// `protocol` need not be written: the server fills in TCP before it compares.
#[test]
fn duplicate_list_map_key() {
    namespace("duplicate-item");
    check_with(
        SHOW,
        expect![[r#"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: nginx-pod
              namespace: duplicate-item
            spec:
              containers:
                - name: nginx
                  image: nginx
                  ports:
                    - protocol: UDP
                      containerPort: 88
                    - containerPort: 88
                      protocol: TCP
                    - containerPort: 88
        "#]],
    );
}

#[test]
fn two_mounts_on_one_path() {
    namespace("two-mounts");
    check_with(
        SHOW,
        expect![[r#"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: pages
              namespace: two-mounts
            spec:
              volumes:
                - { name: pages, emptyDir: {} }
                - { name: scratch, emptyDir: {} }
              containers:
                - name: http
                  image: nginx
                  volumeMounts:
                    - name: pages
                      mountPath: /srv/pages
                    - name: scratch
                      mountPath: /srv/pages
        "#]],
    );
}

#[test]
fn two_variables_of_one_name() {
    namespace("two-variables");
    check_with(
        SHOW,
        expect![[r#"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: http
              namespace: two-variables
            spec:
              containers:
                - name: http
                  image: nginx
                  env:
                    - name: LISTEN
                      value: "8080"
                    - name: VERBOSE
                      value: "1"
                    - name: "LISTEN"
                      value: "9090"
        "#]],
    );
}

/// The item is named by a key that has the wrong type itself.
#[test]
fn key_of_an_item_has_the_wrong_type() {
    namespace("key-of-wrong-type");
    check_with(
        SHOW,
        expect![[r#"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: http
              namespace: key-of-wrong-type
            spec:
              containers:
                - name: http
                  image: nginx
                  ports:
                    - name: metrics
                      containerPort: 9090
                    - name: web
                      containerPort: "8080"
        "#]],
    );
}

/// The server gives no path at all: the schema tells which fields are quantities.
#[test]
fn quantity() {
    namespace("quantity");
    check_with(
        SHOW,
        expect![[r#"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: my-pod
              namespace: quantity
            spec:
              containers:
                - name: my-container
                  image: my-image
                  resources:
                    limits:
                      cpu: "1"
                      memory: 512 Mi
                    requests:
                      cpu: true
                      memory: 256Mi
            #- claim.yaml
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata:
              name: claim
              namespace: quantity
            spec:
              accessModes: [ReadWriteOnce]
              resources:
                requests:
                  storage: 10GB
        "#]],
    );
}

#[test]
fn secret_data_that_is_not_base64() {
    namespace("not-base64");
    check_with(
        SHOW,
        expect![[r#"
            #- secret.yaml
            apiVersion: v1
            kind: Secret
            metadata:
              name: keys
              namespace: not-base64
            data:
              sound: c2VzYW1l
              api-key: open sesame
        "#]],
    );
}

/// Never reaches the server, which could not tell where: our own parser finds it.
#[test]
fn duplicate_yaml_key() {
    check_offline(expect![[r#"
        #- pod.yaml
        apiVersion: v1
        kind: Pod
        metadata:
          name: my-pod
        spec:
          containers:
          - name: my-container
            image: my-image:latest
          containers:
          - name: my-container
            image: my-image:latest
    "#]]);
}
