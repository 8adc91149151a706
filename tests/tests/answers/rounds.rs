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
        expect![[r##"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: layers
              namespace: three-layers
              labels:
                owner: "-"
            #          ^^^ error apply/invalid-value: "-" is not valid: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character
            spec:
              restartPolicy: always
            #                ^^^^^^ error apply/unsupported-value: "always" is not supported; use one of Always, Never, OnFailure
            #> action: Write Always (preferred)
            #> action: Write OnFailure
            #> action: Write Never
              terminationGracePeriodSeconds: "30"
            #                                ^^^^ error apply/wrong-type: expected number, got string "30" — remove the quotes
            #> action: Write 30 (preferred)
              containers:
                - name: first
                  image: nginx
                  comand: [sleep]
            #     ^^^^^^ error apply/unknown-field: unknown field "comand"; did you mean "command"?
            #> action: Rename it to command (preferred)
                  ports:
                    - containerPort: "80"
            #                        ^^^^ error apply/wrong-type: expected number, got string "80" — remove the quotes
            #> action: Write 80 (preferred)
                    - containerPort: 99999
            #                        ^^^^^ error apply/invalid-value: 99999 is not valid: must be between 1 and 65535, inclusive
                - name: second
            #     ^^^^^^^^^^^^ error apply/required: required field "image" is missing
            #> action: Add image
                  resources:
                    limits:
                      memory: 64 MB
            #                 ^^^^^ error apply/bad-quantity: "64 MB" is not a quantity; did you mean 64M?
            #> action: Write 64M
            #> action: Write 64Mi
        "##]],
    );
}

/// Items that are left out move the others up: what is said of those is still at their own lines.
#[test]
fn items_keep_their_lines() {
    namespace("items-keep-lines");
    check_with(
        SHOW,
        expect![[r##"
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
            #     ^^^^^^^^^ error apply/wrong-type: expected map, got string "just text" — write its keys (appProtocol, name, nodePort, port, protocol, targetPort) on the lines below
                - name: b
                  port: 81
                  protocol: udp
            #               ^^^ error apply/unsupported-value: "udp" is not supported; use one of SCTP, TCP, UDP
            #> action: Write UDP (preferred)
            #> action: Write SCTP
            #> action: Write TCP
                - name: a
            #     ^^^^^^^ error apply/duplicate-item: duplicate item: another item of "ports" has port 80 and protocol "TCP" (the default) too
            #| see 8:7-8:14 "name: a": the first item with port 80 and protocol "TCP" (the default)
            #> action: Remove it
                  port: 80
                - name: C
            #           ^ error apply/invalid-value: "C" is not valid: a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character
            #> action: Write c (preferred)
                  port: 82
                - name: d
                  port: 70000
            #           ^^^^^ error apply/invalid-value: 70000 is not valid: must be between 1 and 65535, inclusive
        "##]],
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
            #> lens: ✓ applied · AGE
            kind: ConfigMap
            metadata:
              name: right
              namespace: one-is-wrong
            data:
              key: value
            ---
            apiVersion: v1
            #> lens: ✗ rejected: 1 problem
            kind: ConfigMap
            metadata:
              name: wrong
              namespace: one-is-wrong
            data:
              key: 1
            #      ^ error apply/wrong-type: expected string, got number 1 — put it in quotes
            #> action: Put it in quotes (preferred)
        "#]],
    );
}

#[test]
fn items_of_a_list_document() {
    namespace("list-document");
    check_with(
        Show { lenses: true, ..SHOW },
        expect![[r##"
            #- list.yaml
            apiVersion: v1
            kind: List
            items:
              - apiVersion: v1
            #> lens: ✓ applied · AGE
                kind: ConfigMap
                metadata:
                  name: first
                  namespace: list-document
                data:
                  key: value
              - apiVersion: v1
            #> lens: ✗ rejected: 1 problem
                kind: ConfigMap
                metadata:
                  name: second
                  namespace: list-document
                datta:
            #   ^^^^^ error apply/unknown-field: unknown field "datta"; did you mean "data"?
            #> action: Rename it to data (preferred)
                  key: value
              - apiVersion: v1
            #> lens: ✗ rejected: 2 problems
                kind: Service
                metadata:
                  name: third
                  namespace: list-document
                spec:
                  type: clusterip
            #           ^^^^^^^^^ error apply/unsupported-value: "clusterip" is not supported; use one of ClusterIP, ExternalName, LoadBalancer, NodePort
            #> action: Write ClusterIP (preferred)
            #> action: Write ExternalName
            #> action: Write LoadBalancer
            #> action: Write NodePort
                  ports:
                    - port: 80
                      protocol: 6
            #                   ^ error apply/wrong-type: expected string, got number 6 — put it in quotes
            #> action: Put it in quotes (preferred)
              - apiVersion: v1
            #> lens: ✗ rejected: 1 problem
                kind: Pod
                metadata:
                  name: fourth
                  namespace: list-document
                spec:
                  containers:
                    - name: a
            #         ^^^^^^^ error apply/required: required field "image" is missing
            #> action: Add image
        "##]],
    );
}

/// Flow style, anchors, quotes and comments: the place is the field's all the same.
#[test]
fn other_spellings_of_yaml() {
    namespace("spellings");
    check_with(
        SHOW,
        expect![[r##"
            #- pod.yaml
            {apiVersion: v1, kind: Pod, metadata: {name: flow, namespace: spellings}, spec: {containers: [{name: a, imag: a}], restartPolicy: "always"}}
            #                                                                                                       ^^^^ error apply/unknown-field: unknown field "imag"; did you mean "image"?
            #> action: Rename it to image (preferred)
            #                                                                                                                                 ^^^^^^^^ error apply/unsupported-value: "always" is not supported; use one of Always, Never, OnFailure
            #> action: Write Always (preferred)
            #> action: Write OnFailure
            #> action: Write Never
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
            #         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ warning apply/duplicate-item: duplicate port definition with spec.containers[0].ports[0]
            #                                        ^^^^^^ error apply/unsupported-value: "http" is not supported; use one of SCTP, TCP, UDP
            #> action: Write SCTP
            #> action: Write TCP
            #> action: Write UDP
                - <<: *container
                  name: b
        "##]],
    );
}

/// An object without a name has no address to be sent to; what else is wrong with it is said all the same.
#[test]
fn object_without_a_name_and_with_other_faults() {
    namespace("nameless");
    check_with(
        SHOW,
        expect![[r##"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
            #<^^^^^^ error apply/name-missing: the object has no name: metadata.name is missing
            #> action: Add name
              namespace: nameless
            spec:
              restartPolicy: Somtimes
            #                ^^^^^^^^ error apply/unsupported-value: "Somtimes" is not supported; use one of Always, Never, OnFailure
            #> action: Write Always
            #> action: Write OnFailure
            #> action: Write Never
              containers:
                - name: a
                  imag: a
            #     ^^^^ error apply/unknown-field: unknown field "imag"; did you mean "image"?
            #> action: Rename it to image (preferred)
        "##]],
    );
}

/// A name of the wrong type does not hide what comes behind it, nor does a reference that admission does not find.
#[test]
fn faults_behind_a_name_and_behind_admission() {
    namespace("behind");
    check_with(
        SHOW,
        expect![[r##"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: 123
            #       ^^^ error apply/wrong-type: expected string, got number 123 — put it in quotes
            #> action: Put it in quotes (preferred)
              namespace: behind
            spec:
              serviceAccountName: nobody
            #                     ^^^^^^ error apply/reference-not-found: service account "nobody" does not exist in namespace "behind"
              priorityClassName: none
            #                    ^^^^ error apply/reference-not-found: PriorityClass "none" does not exist
              containers:
                - name: a
                  image: a
                  ports:
                    - containerPort: 99999999999
            #                        ^^^^^^^^^^^ error apply/invalid-value: 99999999999 is not valid: must be between 1 and 65535, inclusive
        "##]],
    );
}
