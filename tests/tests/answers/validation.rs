//! What validation refuses: fields that are missing, values that are not allowed, names that are none.

use expect_test::expect;
use gitops_tests::fixture::check_with;

use crate::SHOW;
use crate::prepare::namespace;

#[test]
fn required() {
    namespace("required");
    check_with(
        SHOW,
        expect![[r#"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: nginx-pod
              namespace: required
            spec:
              containers:
                - name: nginx
                  ports:
                    - containerPort: 88
        "#]],
    );
}

#[test]
fn unsupported_value() {
    namespace("unsupported-value");
    check_with(
        SHOW,
        expect![[r#"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: nginx-pod
              namespace: unsupported-value
            spec:
              restartPolicy: OnFail
              containers:
                - name: nginx
                  image: nginx
                  ports:
                    - protocol: udp # should be UDP
                      containerPort: 88
        "#]],
    );
}

#[test]
fn bad_label_value() {
    namespace("bad-label");
    check_with(
        SHOW,
        expect![[r#"
            #- config.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: x
              namespace: bad-label
              labels:
                team: web
                owner: _
                bad key!: x
            data:
              key: value
        "#]],
    );
}

#[test]
fn bad_name() {
    namespace("bad-name");
    check_with(
        SHOW,
        expect![[r#"
            #- config.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: x.com^2
              namespace: bad-name
            data:
              key: value
            #- capital.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: My_Config
              namespace: bad-name
        "#]],
    );
}

#[test]
fn name_too_long() {
    namespace("long-name");
    check_with(
        SHOW,
        expect![[r#"
            #- service.yaml
            apiVersion: v1
            kind: Service
            metadata:
              name: a-service-whose-name-is-a-sentence-that-nobody-would-ever-want-to-type
              namespace: long-name
            spec:
              ports:
                - port: 80
        "#]],
    );
}

#[test]
fn name_missing() {
    namespace("name-missing");
    check_with(
        SHOW,
        expect![[r#"
            #- no-name.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              namespace: name-missing
            data:
              key: value
            #- no-metadata.yaml
            apiVersion: v1
            kind: ConfigMap
            data:
              key: value
        "#]],
    );
}

/// Server-side apply needs a name: one that the server would make cannot be saved twice.
#[test]
fn generated_name() {
    namespace("generated-name");
    check_with(
        SHOW,
        expect![[r#"
            #- job.yaml
            apiVersion: batch/v1
            kind: Job
            metadata:
              generateName: migrate-
              namespace: generated-name
            spec:
              template:
                spec:
                  restartPolicy: Never
                  containers:
                    - name: migrate
                      image: migrate
        "#]],
    );
}

#[test]
fn cron_job_without_restart_policy() {
    namespace("no-restart-policy");
    check_with(
        SHOW,
        expect![[r#"
            #- job.yaml
            apiVersion: batch/v1
            kind: CronJob
            metadata:
              name: tidy
              namespace: no-restart-policy
            spec:
              schedule: "15 3 * * *"
              jobTemplate:
                spec:
                  template:
                    spec:
                      containers:
                        - name: tidy
                          image: tidy
        "#]],
    );
}

#[test]
fn labels_that_the_selector_does_not_find() {
    namespace("unlike-selector");
    check_with(
        SHOW,
        expect![[r#"
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
              namespace: unlike-selector
            spec:
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
        "#]],
    );
}

/// A list of faults of one layer: each has its own place.
#[test]
fn everything_that_validation_says() {
    namespace("validation");
    check_with(
        SHOW,
        expect![[r#"
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
              namespace: validation
            spec:
              replicas: -1
              selector:
                matchLabels:
                  app: web
              template:
                metadata:
                  labels:
                    app: web
                spec:
                  containers:
                    - name: Web
                      image: "nginx "
                      imagePullPolicy: IfNotThere
                      ports:
                        - containerPort: 123456
                      env:
                        - name: A=B
                          value: x
                      resources:
                        requests:
                          memory: 2Gi
                        limits:
                          memory: 1Gi
                      volumeMounts:
                        - name: nowhere
                          mountPath: /data
                      livenessProbe:
                        httpGet:
                          port: http-but-far-too-long
                        tcpSocket:
                          port: 80
        "#]],
    );
}
