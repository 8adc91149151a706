//! Pods that the API server refuses.

use expect_test::expect;
use serde_json::json;

use crate::{Saved, deployment, namespace, namespace_with};

#[test]
fn quota_and_limit_range() {
    let (namespace, cluster) = namespace();
    cluster.apply(
        "tests",
        &json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "team", "namespace": namespace },
            "spec": { "hard": { "limits.memory": "4Gi" } } }),
    );
    cluster.apply(
        "tests",
        &json!({ "apiVersion": "v1", "kind": "LimitRange", "metadata": { "name": "sizes", "namespace": namespace },
            "spec": { "limits": [{ "type": "Container", "min": { "memory": "32Mi" } }] } }),
    );
    cluster.wait_until("v1", "ResourceQuota", Some(&namespace), "team", |quota| {
        quota["status"]["hard"].is_object()
    });
    let file = Saved::new("web.yaml");
    let sound = deployment(&namespace, "resources:\n  limits:\n    memory: 64Mi", "");
    assert!(file.save(&sound), "{}", file.findings());
    assert_eq!(file.findings(), "");
    assert_eq!(file.lenses(), ["✓ applied · AGE · pods simulated"]);
    assert!(!file.save(&deployment(&namespace, "resources:\n  requests:\n    memory: 64Mi", "")));
    expect![[r#"
        `resources` error runtime/quota-exceeded: no pod can be created: quota "team" wants limits.memory to be set
    "#]]
    .assert_eq(&file.findings());
    assert_eq!(file.lenses(), ["✗ no pod can be created"]);
    assert!(!file.save(&sound.replace("64Mi", "16Mi")));
    expect![[r#"
        `16Mi` error runtime/limit-range: no pod can be created: memory request 16Mi is below the minimum of 32Mi (limit range)
    "#]].assert_eq(&file.findings());
    assert!(!file.save(&sound.replace("64Mi", "8Gi")));
    expect![[r#"
        `8Gi` error runtime/quota-exceeded: no pod can be created: quota "team" is used up (limits.memory: 8Gi asked for, 64Mi of 4Gi in use)
    "#]].assert_eq(&file.findings());
    assert!(file.save(&sound), "{}", file.findings());
    assert_eq!(file.findings(), "");
    assert_eq!(file.lenses(), ["✓ applied · AGE · pods simulated"]);
}

#[test]
fn pod_security() {
    let (namespace, _) = namespace_with(&json!({ "pod-security.kubernetes.io/enforce": "baseline" }));
    let file = Saved::new("web.yaml");
    assert!(!file.save(&deployment(&namespace, "", "hostNetwork: true")));
    expect![[r#"
        `true` error runtime/pod-security: no pod can be created: Pod Security level "baseline:latest": must not set hostNetwork: true
    "#]].assert_eq(&file.findings());
    assert!(file.save(&deployment(&namespace, "", "hostNetwork: false")));
    assert_eq!(file.findings(), "");
}

#[test]
fn what_a_template_may_have_and_a_pod_may_not() {
    let (namespace, _) = namespace();
    let file = Saved::new("web.yaml");
    let sound = deployment(&namespace, "", "");
    assert!(
        !file.save(
            &sound
                .replace("web:1.0.0", "\"web:1.0.0 \"")
                .replace("registry.example.org/\"", "\"registry.example.org/")
        )
    );
    expect![[r#"
        `"registry.example.org/web:1.0.0 "` error runtime/pod-refused: no pod can be created: "registry.example.org/web:1.0.0 " is not valid: must not have leading or trailing whitespace
    "#]].assert_eq(&file.findings());
    assert!(!file.save(&deployment(&namespace, "", "serviceAccountName: nobody")));
    expect![[r#"
        `nobody` error runtime/pod-refused: no pod can be created: service account "nobody" does not exist in namespace "creating-what-a-template-may-have-and-a-pod-may-not"
    "#]].assert_eq(&file.findings());
    // What was written once stays as the deprecated `serviceAccount`, so another one has to be written.
    assert!(file.save(&deployment(&namespace, "", "serviceAccountName: default")));
    assert_eq!(file.findings(), "");
}

#[test]
fn owners_that_speak_in_events() {
    let (namespace, _) = namespace();
    let of_kind = |kind: &str, group: &str, more: &str| {
        deployment(&namespace, "", "serviceAccountName: nobody")
            .replace("kind: Deployment", &format!("kind: {kind}"))
            .replace("apiVersion: apps/v1", &format!("apiVersion: {group}"))
            .replace("spec:\n  selector", &format!("spec:\n{more}  selector"))
    };
    let set = Saved::new("set.yaml");
    assert!(!set.save(&of_kind("StatefulSet", "apps/v1", "  serviceName: web\n")));
    expect![[r#"
        `nobody` error runtime/pod-refused: no pod can be created: service account "nobody" does not exist in namespace "creating-owners-that-speak-in-events"
    "#]].assert_eq(&set.findings());
    let daemon = Saved::new("daemon.yaml");
    assert!(!daemon.save(&of_kind("DaemonSet", "apps/v1", "")));
    expect![[r#"
        `nobody` error runtime/pod-refused: no pod can be created: service account "nobody" does not exist in namespace "creating-owners-that-speak-in-events"
    "#]].assert_eq(&daemon.findings());
    let job = Saved::new("job.yaml");
    let text = of_kind("Job", "batch/v1", "")
        .replace("  selector:\n    matchLabels: { app: web }\n", "")
        .replace(
            "serviceAccountName: nobody",
            "serviceAccountName: nobody\n      restartPolicy: Never",
        );
    assert!(!job.save(&text));
    expect![[r#"
        `nobody` error runtime/pod-refused: no pod can be created: service account "nobody" does not exist in namespace "creating-owners-that-speak-in-events"
    "#]].assert_eq(&job.findings());
    for (file, kind) in [(&set, "StatefulSet"), (&daemon, "DaemonSet")] {
        let more = if kind == "StatefulSet" {
            "  serviceName: web\n"
        } else {
            ""
        };
        assert!(
            file.save(&of_kind(kind, "apps/v1", more).replace("nobody", "default")),
            "{kind}"
        );
        assert_eq!(file.findings(), "", "{kind}");
    }
}
