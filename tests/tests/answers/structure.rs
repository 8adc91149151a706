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
        expect![[r##"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: nginx-pod
              namespace: unknown-field
            spec:
              contAIN3rz:
            # ^^^^^^^^^^ error apply/unknown-field: unknown field "contAIN3rz"; did you mean "containers"?
            #> action: Rename it to containers (preferred)
                - name: nginx
                  image: nginx
        "##]],
    );
}

#[test]
fn several_unknown_fields() {
    namespace("several-unknown");
    check_with(
        SHOW,
        expect![[r##"
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: podinfo
              namespace: several-unknown
            spec:
              foo: bar
            # ^^^ error apply/unknown-field: unknown field "foo"; what can be written here: minReadySeconds, paused, progressDeadlineSeconds, replicas, revisionHistoryLimit, strategy
              selector: { matchLabels: { app: podinfo } }
              template:
                metadata: { labels: { app: podinfo } }
                spec:
                  containers:
                    - name: other
                      image: other
                    - name: podinfo
                      imag: podinfo
            #         ^^^^ error apply/unknown-field: unknown field "imag"; did you mean "image"?
            #> action: Rename it to image (preferred)
        "##]],
    );
}

/// The server names sometimes all and sometimes one of the unknown fields of one map: it is asked again until all are known.
#[test]
fn several_unknown_fields_in_one_map() {
    namespace("unknown-in-one-map");
    check_with(
        SHOW,
        expect![[r##"
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
            #     ^^^^^^^^^^^^^^^ error apply/unknown-field: unknown field "imagePullPolice"; did you mean "imagePullPolicy"?
            #> action: Rename it to imagePullPolicy (preferred)
                  prots: []
            #     ^^^^^ error apply/unknown-field: unknown field "prots"; did you mean "ports"?
            #> action: Rename it to ports (preferred)
                  livenessprobe: {}
            #     ^^^^^^^^^^^^^ error apply/unknown-field: unknown field "livenessprobe"; did you mean "livenessProbe"?
            #> action: Rename it to livenessProbe (preferred)
                  zzz: 1
            #     ^^^ error apply/unknown-field: unknown field "zzz"
        "##]],
    );
}

#[test]
fn wrong_type() {
    namespace("wrong-type");
    check_with(
        SHOW,
        expect![[r##"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: nginx-pod
              namespace: wrong-type
            spec:
              hostNetwork: "yes"
            #              ^^^^^ error apply/wrong-type: expected boolean, got string "yes" — write true
            #> action: Write true (preferred)
              containers:
                - name: nginx
                  image: nginx
                  args: --verbose
            #           ^^^^^^^^^ error apply/wrong-type: expected list, got string "--verbose" — put it in brackets or behind a dash
            #> action: Write ["--verbose"] (preferred)
                  env:
                    - name: PORT
                      value: 8080
            #                ^^^^ error apply/wrong-type: expected string, got number 8080 — put it in quotes
            #> action: Put it in quotes (preferred)
                  ports:
                    - protocol: 22
            #                   ^^ error apply/wrong-type: expected string, got number 22 — put it in quotes
            #> action: Put it in quotes (preferred)
                      containerPort: 88
        "##]],
    );
}

#[test]
fn map_for_list_and_list_for_map() {
    namespace("map-for-list");
    check_with(
        SHOW,
        expect![[r##"
            #- map-for-list.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: map-for-list
              namespace: map-for-list
              finalizers:
            # ^^^^^^^^^^ error apply/wrong-type: expected list, got map — start each item with a dash
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
            #<^^ error apply/wrong-type: expected map, got list — write key: value without dashes
              - not a map
            #- text-for-map.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: text-for-map
              namespace: map-for-list
            data: key:value
            #     ^^^^^^^^^ error apply/wrong-type: expected map, got string "key:value" — a blank is missing after the colon
            #- list-for-text.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: list-for-text
              namespace: map-for-list
            data:
              hours:
            # ^^^^^ error apply/wrong-type: expected string, got list — for a text of several lines write | after the colon
                - seven
                - nine
        "##]],
    );
}

/// `protocol` need not be written: the server fills in TCP before it compares.
#[test]
fn duplicate_list_map_key() {
    namespace("duplicate-item");
    check_with(
        SHOW,
        expect![[r##"
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
            #         ^^^^^^^^^^^^^^^^^ error apply/duplicate-item: duplicate item: another item of "ports" has containerPort 88 and protocol "TCP" (the default) too
            #| see 13:11-13:28 "containerPort: 88": the first item with containerPort 88 and protocol "TCP" (the default)
            #> action: Remove it
        "##]],
    );
}

#[test]
fn two_mounts_on_one_path() {
    namespace("two-mounts");
    check_with(
        SHOW,
        expect![[r##"
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
            #         ^^^^^^^^^^^^^ error apply/duplicate-item: duplicate item: another item of "volumeMounts" has mountPath "/srv/pages" too
            #| see 14:11-14:22 "name: pages": the first item with mountPath "/srv/pages"
            #> action: Remove it
                      mountPath: /srv/pages
        "##]],
    );
}

#[test]
fn two_variables_of_one_name() {
    namespace("two-variables");
    check_with(
        SHOW,
        expect![[r##"
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
            #         ^^^^^^^^^^^^^^ error apply/duplicate-item: duplicate item: another item of "env" has name "LISTEN" too
            #| see 11:11-11:23 "name: LISTEN": the first item with name "LISTEN"
            #> action: Remove it
                      value: "9090"
        "##]],
    );
}

/// The item is named by a key that has the wrong type itself.
#[test]
fn key_of_an_item_has_the_wrong_type() {
    namespace("key-of-wrong-type");
    check_with(
        SHOW,
        expect![[r##"
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
            #                        ^^^^^^ error apply/wrong-type: expected number, got string "8080" — remove the quotes
            #> action: Write 8080 (preferred)
        "##]],
    );
}

/// The server gives no path at all: the schema tells which fields are quantities.
#[test]
fn quantity() {
    namespace("quantity");
    check_with(
        SHOW,
        expect![[r##"
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
            #                 ^^^^^^ error apply/bad-quantity: "512 Mi" is not a quantity; did you mean 512Mi?
            #> action: Write 512Mi (preferred)
                    requests:
                      cpu: true
            #              ^^^^ error apply/bad-quantity: true is not a quantity; write a number with or without a unit, such as 100m, 1.5 or 512Mi
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
            #              ^^^^ error apply/bad-quantity: "10GB" is not a quantity; did you mean 10G?
            #> action: Write 10G
            #> action: Write 10Gi
        "##]],
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
            #          ^^^^^^^^^^^ error apply/bad-base64: not base64: wrong at byte 4; encode it, or write it as plain text below stringData
            #> action: Encode it in base64
        "#]],
    );
}

/// Never reaches the server, which could not tell where: our own parser finds it.
#[test]
fn duplicate_yaml_key() {
    check_offline(expect![[r##"
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
        # ^^^^^^^^^^ error syntax/duplicate-key: the key `containers` stands twice in this mapping
        #| see 6:3-6:13 "containers": `containers` stands here first
          - name: my-container
            image: my-image:latest
    "##]]);
}

/// The field is known, but stands in the wrong map: usually the indentation is off, or a level was forgotten.
#[test]
fn fields_of_another_level() {
    namespace("another-level");
    check_with(
        SHOW,
        expect![[r##"
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
              namespace: another-level
              replicas: 2
            # ^^^^^^^^ error apply/unknown-field: unknown field "replicas" here; it belongs below "spec"
            #| see 8:3-8:12 "selector:": "replicas" belongs here
            spec:
              selector:
                app: web
            #   ^^^ error apply/unknown-field: unknown field "app" here; labels belong below "matchLabels"
              template:
                labels:
            #   ^^^^^^ error apply/unknown-field: unknown field "labels" here; it belongs below "metadata"
                  app: web
                spec:
                  ports:
            #     ^^^^^ error apply/unknown-field: unknown field "ports" here; it belongs to the items of "containers"
            #| see 17:11-17:20 "name: web": "ports" belongs here
                    - containerPort: 80
                  containers:
                    - name: web
                      image: nginx
                      restartPolicy: Always
                      limits:
            #         ^^^^^^ error apply/unknown-field: unknown field "limits" here; it belongs below "resources"
                        cpu: 1
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: pod
              namespace: another-level
            spec:
            containers:
            #<^^^^^^^^ error apply/unknown-field: unknown field "containers" here; it belongs below "spec", further to the right
            #| see 6:1-6:5 "spec": "containers" belongs here
              - name: a
                image: a
        "##]],
    );
}
