//! Pods that no node takes.

use expect_test::expect;

use crate::{Saved, deployment, namespace};

#[test]
fn requests_and_labels() {
    let (namespace, _) = namespace();
    let file = Saved::new("web.yaml");
    let resources = |memory: &str| format!("resources:\n  requests:\n    cpu: 50m\n    memory: {memory}");
    assert!(!file.save(&deployment(&namespace, &resources("64Ti"), "")));
    expect![[r#""#]].assert_eq(&file.findings());
    assert_eq!(file.lenses(), ["✗ no node takes the pods"]);
    let selector = "nodeSelector:\n  kubernetes.io/os: linux\n  pool: big";
    assert!(!file.save(&deployment(&namespace, &resources("64Mi"), selector)));
    expect![[r#""#]].assert_eq(&file.findings());
    let affinity = "affinity:\n  nodeAffinity:\n    requiredDuringSchedulingIgnoredDuringExecution:\n      nodeSelectorTerms:\n        - matchExpressions:\n            - { key: pool, operator: In, values: [big] }";
    assert!(!file.save(&deployment(&namespace, "", affinity)));
    expect![[r#""#]].assert_eq(&file.findings());
    assert!(file.save(&deployment(
        &namespace,
        &resources("64Mi"),
        "nodeSelector:\n  kubernetes.io/os: linux"
    )));
    assert_eq!(file.findings(), "");
}

#[test]
fn a_claim_that_is_not_there() {
    let (namespace, _) = namespace();
    let file = Saved::new("web.yaml");
    let volumes = "volumes:\n  - name: store\n    persistentVolumeClaim:\n      claimName: archives";
    assert!(!file.save(&deployment(&namespace, "", volumes)));
    expect![[r#""#]].assert_eq(&file.findings());
    assert!(file.save(&deployment(&namespace, "", "")));
    assert_eq!(file.findings(), "");
}
