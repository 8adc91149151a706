//! What is offered mends: the edit of an action, saved, is taken.

use gitops_tests::fixture::dedent;
use gitops_tests::server::Phase;
use gitops_tests::shared;
use serde_json::{Value, json};

use crate::prepare::{namespace, namespace_with};

/// Saves a text that is refused, does one action after the other with a save in between, and sees the last one taken.
fn mends(text: &str, titles: &[&str], mended: &str) {
    let (server, file) = (&shared::session().server, shared::file("file.yaml"));
    let mut ok = save(text);
    assert!(!ok, "it is to be refused at first");
    for title in titles {
        let published = server.diagnostics(&file);
        let offered: Vec<(Value, Vec<Value>)> =
            published.diagnostics.iter().map(|diagnostic| (diagnostic["range"].clone(), server.actions(&file, &diagnostic["range"]))).collect();
        let Some((range, _)) = offered.iter().find(|(_, actions)| actions.iter().any(|action| action["title"] == *title)) else {
            let titles: Vec<&Value> = offered.iter().flat_map(|(_, actions)| actions.iter().map(|action| &action["title"])).collect();
            panic!("{title:?} is not offered for {:#?}, but {titles:#?}\n{}", published.summary(), server.text(&file));
        };
        let (before, mark) = (server.generation(&file), server.client.mark());
        let text_before = server.text(&file);
        server.apply_action(&file, range, title);
        ok = if server.text(&file) == text_before {
            // Something was done to the cluster, after which the file is applied without a save.
            server.wait_for_verdict(&file, Phase::Apply, mark, before + 1).ok
        } else {
            server.save_and_settle(&file).ok
        };
    }
    assert_eq!(server.text(&file), dedent(mended));
    assert!(ok, "{:#?}\n{}", server.diagnostics(&file).summary(), server.text(&file));
    assert_eq!(server.diagnostics(&file).summary(), [""; 0]);
    server.assert_sound();
}

/// Saves a text, and says whether it was taken.
fn save(text: &str) -> bool {
    let (server, file) = (&shared::session().server, shared::file("file.yaml"));
    if server.is_open(&file) {
        server.retype(&file, &dedent(text));
    } else {
        server.open_with(&file, &dedent(text));
    }
    server.save_and_settle(&file).ok
}

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
        &["Rename it to restartPolicy", "Rename it to image", "Rename it to ports", "Rename it to containerPort"],
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
        &["Put it in quotes", "Put it in quotes", "Put it in quotes"],
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
          beta: off
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
    namespace_with("mend-security", &json!({ "pod-security.kubernetes.io/enforce": "restricted" }));
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
        &["Set hostNetwork to false", "Set privileged to false", "Set allowPrivilegeEscalation, capabilities.drop, runAsNonRoot and seccompProfile.type of container a", "Set allowPrivilegeEscalation, capabilities.drop, runAsNonRoot and seccompProfile.type of container b"],
        "
        apiVersion: v1
        kind: Pod
        metadata:
          name: mended
          namespace: mend-security
        spec:
          hostNetwork: false
          containers:
            - name: a
              securityContext:
                allowPrivilegeEscalation: false
                capabilities:
                  drop: [ALL]
                runAsNonRoot: true
                seccompProfile:
                  type: RuntimeDefault
              image: a
            - name: b
              image: b
              securityContext:
                privileged: false
                allowPrivilegeEscalation: false
        ",
    );
}
