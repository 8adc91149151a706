//! All errors at once, though the server stops at the first layer that refuses: what was refused is left out and the rest asked again.

use expect_test::expect;
use gitops_tests::fixture::{Show, check_with};

use crate::SHOW;
use crate::prepare::namespace;

/// Unknown fields and wrong types, then a quantity, then validation.
#[test]
fn three_layers_in_one_object() {
    namespace("three-layers");
    check_with(
        SHOW,
        expect![[r#"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: layers
              namespace: three-layers
              labels:
                owner: "-"
            spec:
              restartPolicy: always
              terminationGracePeriodSeconds: "30"
              containers:
                - name: first
                  image: nginx
                  comand: [sleep]
                  ports:
                    - containerPort: "80"
                    - containerPort: 99999
                - name: second
                  resources:
                    limits:
                      memory: 64 MB
        "#]],
    );
}

/// Items that are left out move the others up: what is said of those is still at their own lines.
#[test]
fn items_keep_their_lines() {
    namespace("items-keep-lines");
    check_with(
        SHOW,
        expect![[r#"
            #- service.yaml
            apiVersion: v1
            kind: Service
            metadata:
              name: web
              namespace: items-keep-lines
            spec:
              ports:
                - name: a
                  port: 80
                - just text
                - name: b
                  port: 81
                  protocol: udp
                - name: a
                  port: 80
                - name: C
                  port: 82
                - name: d
                  port: 70000
        "#]],
    );
}

#[test]
fn two_objects_of_which_one_is_wrong() {
    namespace("one-is-wrong");
    check_with(
        Show { lenses: true, ..SHOW },
        expect![[r#"
            #- both.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: right
              namespace: one-is-wrong
            data:
              key: value
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: wrong
              namespace: one-is-wrong
            data:
              key: 1
        "#]],
    );
}

#[test]
fn items_of_a_list_document() {
    namespace("list-document");
    check_with(
        Show { lenses: true, ..SHOW },
        expect![[r#"
            #- list.yaml
            apiVersion: v1
            kind: List
            items:
              - apiVersion: v1
                kind: ConfigMap
                metadata:
                  name: first
                  namespace: list-document
                data:
                  key: value
              - apiVersion: v1
                kind: ConfigMap
                metadata:
                  name: second
                  namespace: list-document
                datta:
                  key: value
              - apiVersion: v1
                kind: Service
                metadata:
                  name: third
                  namespace: list-document
                spec:
                  type: clusterip
                  ports:
                    - port: 80
                      protocol: 6
              - apiVersion: v1
                kind: Pod
                metadata:
                  name: fourth
                  namespace: list-document
                spec:
                  containers:
                    - name: a
        "#]],
    );
}

/// Flow style, anchors, quotes and comments: the place is the field's all the same.
#[test]
fn other_spellings_of_yaml() {
    namespace("spellings");
    check_with(
        SHOW,
        expect![[r#"
            #- pod.yaml
            {apiVersion: v1, kind: Pod, metadata: {name: flow, namespace: spellings}, spec: {containers: [{name: a, imag: a}], restartPolicy: "always"}}
            #- anchors.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: anchors
              namespace: spellings
            spec:
              containers:
                - &container
                  name: a
                  image: a
                  ports:
                    - { containerPort: 80, protocol: 'http' }
                - <<: *container
                  name: b
        "#]],
    );
}
