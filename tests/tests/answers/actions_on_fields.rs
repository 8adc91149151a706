//! Actions that mend one field.

use crate::actions::mends;
use crate::prepare::namespace;

#[test]
fn supported_value() {
    namespace("mend-value");
    mends(
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: mended
          namespace: mend-value
        spec:
          restartPolicy: never
          containers:
            - name: a
              image: a
              ports:
                - protocol: 'udp' # quoted
                  containerPort: 88
        ",
        &["Write UDP", "Write Never"],
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: mended
          namespace: mend-value
        spec:
          restartPolicy: Never
          containers:
            - name: a
              image: a
              ports:
                - protocol: UDP # quoted
                  containerPort: 88
        ",
    );
}

#[test]
fn nearest_field_name() {
    namespace("mend-name");
    mends(
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: mended
          namespace: mend-name
        spec:
          restartpolicy: Never
          containers:
            - name: a
              imag: a # the image
              \"prots\":
                - contanerPort: 88
        ",
        &[
            "Rename it to restartPolicy",
            "Rename it to image",
            "Rename it to ports",
            "Rename it to containerPort",
        ],
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: mended
          namespace: mend-name
        spec:
          restartPolicy: Never
          containers:
            - name: a
              image: a # the image
              ports:
                - containerPort: 88
        ",
    );
}

#[test]
fn missing_required_field() {
    namespace("mend-missing");
    mends(
        "
        apiVersion: batch/v1
        kind: CronJob
        metadata:
          name: mended
          namespace: mend-missing
        spec:
          schedule: \"15 3 * * *\"
          jobTemplate:
            spec:
              template:
                spec: # the pod
                  containers:
                    - name: tidy
                      image: tidy
        ",
        &["Add restartPolicy: OnFailure"],
        "
        apiVersion: batch/v1
        kind: CronJob
        metadata:
          name: mended
          namespace: mend-missing
        spec:
          schedule: \"15 3 * * *\"
          jobTemplate:
            spec:
              template:
                spec: # the pod
                  restartPolicy: OnFailure
                  containers:
                    - name: tidy
                      image: tidy
        ",
    );
}

#[test]
fn missing_field_in_flow_style() {
    namespace("mend-flow");
    mends(
        "
        apiVersion: batch/v1
        kind: CronJob
        metadata: { name: mended, namespace: mend-flow }
        spec:
          schedule: \"15 3 * * *\"
          jobTemplate: { spec: { template: { spec: { containers: [{ name: tidy, image: tidy }] } } } }
        ",
        &["Add restartPolicy: OnFailure"],
        "
        apiVersion: batch/v1
        kind: CronJob
        metadata: { name: mended, namespace: mend-flow }
        spec:
          schedule: \"15 3 * * *\"
          jobTemplate: { spec: { template: { spec: { restartPolicy: OnFailure, containers: [{ name: tidy, image: tidy }] } } } }
        ",
    );
}

#[test]
fn quotes() {
    namespace("mend-quotes");
    mends(
        "
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: mended
          namespace: mend-quotes
          annotations:
            example.com/since: 2024
        data:
          port: 0x1F # hexadecimal
          beta: off
          version: 1.10
        ",
        &["Put it in quotes"; 4],
        "
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: mended
          namespace: mend-quotes
          annotations:
            example.com/since: \"2024\"
        data:
          port: \"0x1F\" # hexadecimal
          beta: \"off\"
          version: \"1.10\"
        ",
    );
}

#[test]
fn quotes_that_are_too_many() {
    namespace("mend-unquote");
    mends(
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: mended
          namespace: mend-unquote
        spec:
          terminationGracePeriodSeconds: \"30\"
          hostNetwork: \"yes\"
          containers:
            - name: a
              image: a
              args: --verbose
        ",
        &["Write 30", "Write true", "Write [\"--verbose\"]"],
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: mended
          namespace: mend-unquote
        spec:
          terminationGracePeriodSeconds: 30
          hostNetwork: true
          containers:
            - name: a
              image: a
              args: [\"--verbose\"]
        ",
    );
}

#[test]
fn quantity() {
    namespace("mend-quantity");
    mends(
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: mended
          namespace: mend-quantity
        spec:
          containers:
            - name: a
              image: a
              resources:
                limits: { memory: 512 Mi, cpu: 1 }
                requests:
                  memory: 64MB
        ",
        &["Write 512Mi", "Write 64M"],
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: mended
          namespace: mend-quantity
        spec:
          containers:
            - name: a
              image: a
              resources:
                limits: { memory: 512Mi, cpu: 1 }
                requests:
                  memory: 64M
        ",
    );
}

#[test]
fn secret_in_plain_text() {
    namespace("mend-base64");
    mends(
        "
        apiVersion: v1
        kind: Secret
        metadata:
          name: mended
          namespace: mend-base64
        data:
          sound: c2VzYW1l
          api-key: open sesame
        ",
        &["Encode it in base64"],
        "
        apiVersion: v1
        kind: Secret
        metadata:
          name: mended
          namespace: mend-base64
        data:
          sound: c2VzYW1l
          api-key: b3BlbiBzZXNhbWU=
        ",
    );
}

#[test]
fn item_that_stands_twice() {
    namespace("mend-twice");
    mends(
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: mended
          namespace: mend-twice
        spec:
          containers:
            - name: a
              image: a
              env:
                - name: LISTEN
                  value: \"8080\"
                - name: LISTEN
                  value: \"9090\"
                - name: VERBOSE
                  value: \"1\"
        ",
        &["Remove it"],
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: mended
          namespace: mend-twice
        spec:
          containers:
            - name: a
              image: a
              env:
                - name: LISTEN
                  value: \"8080\"
                - name: VERBOSE
                  value: \"1\"
        ",
    );
}

#[test]
fn field_that_may_not_be_there() {
    namespace("mend-forbidden");
    mends(
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: mended
          namespace: mend-forbidden
        spec:
          containers:
            - name: a
              image: a
              livenessProbe:
                httpGet:
                  port: 80
                tcpSocket:
                  port: 80
        ",
        &["Remove it"],
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: mended
          namespace: mend-forbidden
        spec:
          containers:
            - name: a
              image: a
              livenessProbe:
                httpGet:
                  port: 80
        ",
    );
}
