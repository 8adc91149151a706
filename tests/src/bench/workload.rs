//! The files that are typed in and saved, made the same way in every run.

use std::fmt::Write as _;

/// A ConfigMap; `value` is what an edit changes.
pub fn config_map(name: &str, value: usize) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: default\n  labels:\n    app.kubernetes.io/name: bench\ndata:\n  greeting: hello\n  counter: \"{value}\"\n"
    )
}

/// A Deployment as people write them; `value` is what an edit changes.
///
/// It is a label of the Deployment: its template would be rolled out and its annotations copied to the `ReplicaSet`, and
/// what the controllers do for one save would be measured with the next.
pub fn deployment(name: &str, value: usize) -> String {
    format!(
        r"apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: default
  labels:
    app.kubernetes.io/name: {name}
    bench.example/counter: c{value}
spec:
  replicas: 0
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
    spec:
      containers:
        - name: web
          image: ghcr.io/example/{name}:6.7.1
          imagePullPolicy: IfNotPresent
          args:
            - --port=9898
            - --level=info
          ports:
            - name: http
              containerPort: 9898
              protocol: TCP
          env:
            - name: COLOUR
              value: '#34577c'
          readinessProbe:
            httpGet:
              path: /readyz
              port: http
            initialDelaySeconds: 5
          resources:
            requests:
              cpu: 100m
              memory: 64Mi
            limits:
              memory: 128Mi
          volumeMounts:
            - name: data
              mountPath: /data
      volumes:
        - name: data
          emptyDir: {{}}
"
    )
}

/// 3,000 Deployments of 19 lines, 57,000 lines.
pub fn large_file() -> String {
    let mut text = String::new();
    for number in 0..3000 {
        let _ = write!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-{number}\n  namespace: default\nspec:\n  replicas: 2\n  selector:\n    matchLabels: {{app: web-{number}}}\n  template:\n    metadata:\n      labels: {{app: web-{number}}}\n    spec:\n      containers:\n        - name: web\n          image: nginx:1.27\n          ports:\n            - containerPort: 8080\n"
        );
    }
    assert_eq!(text.lines().count(), 57_000);
    text
}

/// About 5 KB of several objects.
pub fn small_file() -> String {
    let mut text = String::new();
    for (number, name) in ["frontend", "backend", "worker", "queue"].iter().enumerate() {
        let _ = write!(text, "---\n{}", deployment(name, number));
    }
    assert!(
        (4_500..5_500).contains(&text.len()),
        "the small file has {} bytes",
        text.len()
    );
    text
}

/// The objects of a text of one object, as they are sent.
pub fn object_of(text: &str) -> serde_json::Value {
    let parse = gitops_yaml::parse(text);
    parse.documents[0]
        .to_json(text, gitops_yaml::Dialect::Kubectl)
        .expect("a sound object")
}
