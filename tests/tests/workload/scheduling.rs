//! Pods that no node takes.

use expect_test::expect;

use crate::{Saved, deployment, namespace};

#[test]
fn requests_and_labels() {
    let (namespace, _) = namespace();
    let file = Saved::new("web.yaml");
    let resources = |memory: &str| format!("resources:\n  requests:\n    cpu: 50m\n    memory: {memory}");
    assert!(!file.save(&deployment(&namespace, &resources("64Ti"), "")));
    expect![[r#"
        `64Ti` error runtime/unschedulable: no node has 64Ti memory free for the pods
    "#]]
    .assert_eq(&file.findings());
    assert_eq!(file.lenses(), ["✗ no node takes the pods"]);
    let selector = "nodeSelector:\n  kubernetes.io/os: linux\n  pool: big";
    assert!(!file.save(&deployment(&namespace, &resources("64Mi"), selector)));
    expect![[r#"
        `big` error runtime/unschedulable: no node takes the pods: none has the label pool: big
    "#]]
    .assert_eq(&file.findings());
    let affinity = "affinity:\n  nodeAffinity:\n    requiredDuringSchedulingIgnoredDuringExecution:\n      nodeSelectorTerms:\n        - matchExpressions:\n            - { key: pool, operator: In, values: [big] }";
    assert!(!file.save(&deployment(&namespace, "", affinity)));
    expect![[r#"
        `nodeAffinity` error runtime/unschedulable: no node takes the pods: none is as nodeAffinity wants it
    "#]]
    .assert_eq(&file.findings());
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
    expect![[r#"
        `archives` error runtime/unschedulable: no node takes the pods: PersistentVolumeClaim "archives" not found
    "#]]
    .assert_eq(&file.findings());
    assert!(file.save(&deployment(&namespace, "", "")));
    assert_eq!(file.findings(), "");
}
