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
        expect![[r##"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: nginx-pod
              namespace: required
            spec:
              containers:
                - name: nginx
            #     ^^^^^^^^^^^ error apply/required: required field "image" is missing
            #> action: Add image
                  ports:
                    - containerPort: 88
        "##]],
    );
}

#[test]
fn unsupported_value() {
    namespace("unsupported-value");
    check_with(
        SHOW,
        expect![[r##"
            #- pod.yaml
            apiVersion: v1
            kind: Pod
            metadata:
              name: nginx-pod
              namespace: unsupported-value
            spec:
              restartPolicy: OnFail
            #                ^^^^^^ error apply/unsupported-value: "OnFail" is not supported; use one of Always, Never, OnFailure
            #> action: Write OnFailure
            #> action: Write Always
            #> action: Write Never
              containers:
                - name: nginx
                  image: nginx
                  ports:
                    - protocol: udp # should be UDP
            #                   ^^^ error apply/unsupported-value: "udp" is not supported; use one of SCTP, TCP, UDP
            #> action: Write UDP (preferred)
            #> action: Write SCTP
            #> action: Write TCP
                      containerPort: 88
        "##]],
    );
}

#[test]
fn bad_label_value() {
    namespace("bad-label");
    check_with(
        SHOW,
        expect![[r##"
            #- config.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: x
              namespace: bad-label
              labels:
                team: web
                owner: _
            #          ^ error apply/invalid-value: "_" is not valid: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character
                bad key!: x
            #   ^^^^^^^^ error apply/invalid-value: "bad key!" is not valid: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character
            data:
              key: value
        "##]],
    );
}

#[test]
fn bad_name() {
    namespace("bad-name");
    check_with(
        SHOW,
        expect![[r##"
            #- config.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: x.com^2
            #       ^^^^^^^ error apply/invalid-value: "x.com^2" is not valid: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character
            #> action: Write x.com-2 (preferred)
              namespace: bad-name
            data:
              key: value
            #- capital.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: My_Config
            #       ^^^^^^^^^ error apply/invalid-value: "My_Config" is not valid: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character
            #> action: Write my-config (preferred)
              namespace: bad-name
        "##]],
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
            #       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ error apply/too-long: too long: 70 characters, and at most 63 are allowed
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
            #<^^^^^^ error apply/name-missing: the object has no name: metadata.name is missing
            #> action: Add name
              namespace: name-missing
            data:
              key: value
            #- no-metadata.yaml
            apiVersion: v1
            kind: ConfigMap
            #<^^^^^^^^^^^^^ error apply/name-missing: the object has no name: metadata.name is missing
            #> action: Add metadata.name
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
            # ^^^^^^^^^^^^ error apply/name-missing: with generateName each save would make another object; write metadata.name
            #> action: Add name: migrate
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
        expect![[r##"
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
            #       ^^^^ error apply/required: required field "restartPolicy" is missing; use one of OnFailure, Never
            #> action: Add restartPolicy: OnFailure (preferred)
                      containers:
                        - name: tidy
                          image: tidy
        "##]],
    );
}

#[test]
fn labels_that_the_selector_does_not_find() {
    namespace("unlike-selector");
    check_with(
        SHOW,
        expect![[r##"
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
            #            ^^^ error apply/invalid-value: label "app" is "wab" here, but the selector looks for "web"
            #| see 9:12-9:15 "web": the selector
            #> action: Write web (preferred)
                spec:
                  containers:
                    - name: web
                      image: nginx
        "##]],
    );
}

/// A list of faults of one layer: each has its own place.
#[test]
fn everything_that_validation_says() {
    namespace("validation");
    check_with(
        SHOW,
        expect![[r##"
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
              namespace: validation
            spec:
              replicas: -1
            #           ^^ error apply/invalid-value: -1 is not valid: must be greater than or equal to 0
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
            #               ^^^ error apply/invalid-value: "Web" is not valid: a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character
            #> action: Write web (preferred)
                      image: "nginx "
                      imagePullPolicy: IfNotThere
            #                          ^^^^^^^^^^ error apply/unsupported-value: "IfNotThere" is not supported; use one of Always, IfNotPresent, Never
            #> action: Write Always
            #> action: Write IfNotPresent
            #> action: Write Never
                      ports:
                        - containerPort: 123456
            #                            ^^^^^^ error apply/invalid-value: 123456 is not valid: must be between 1 and 65535, inclusive
                      env:
                        - name: A=B
            #                   ^^^ error apply/invalid-value: "A=B" is not valid: a valid environment variable name must consist only of printable ASCII characters other than '='
                          value: x
                      resources:
                        requests:
                          memory: 2Gi
            #                     ^^^ error apply/invalid-value: "2Gi" is not valid: must be less than or equal to memory limit of 1Gi
                        limits:
                          memory: 1Gi
                      volumeMounts:
                        - name: nowhere
            #                   ^^^^^^^ error apply/reference-not-found: no volume of this pod is named "nowhere"
                          mountPath: /data
                      livenessProbe:
                        httpGet:
                          port: http-but-far-too-long
            #                   ^^^^^^^^^^^^^^^^^^^^^ error apply/too-long: too long: 21 characters, and at most 15 are allowed
                        tcpSocket:
            #           ^^^^^^^^^ error apply/forbidden-field: field "tcpSocket": may not specify more than 1 handler type
            #> action: Remove it
                          port: 80
        "##]],
    );
}
