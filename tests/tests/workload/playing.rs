//! What a kubelet would say, played by kwok.

use expect_test::expect;

use crate::{Saved, deployment_with, namespace};

#[test]
fn faults_that_pods_play() {
    let (namespace, _) = namespace();
    let file = Saved::new("web.yaml");
    let container = "readinessProbe:\n  httpGet: { path: /, port: 80 }\nlivenessProbe:\n  httpGet: { path: /, port: 80 }\nenv:\n  - name: A\n    value: b";
    let playing = |play: &str, message: &str| {
        let annotations =
            format!("annotations:\n  gitops-lsp.dev/play: {play}\n  gitops-lsp.dev/play-message: {message}");
        deployment_with(&namespace, container, "", &annotations)
    };
    assert!(!file.save(&playing("image-pull", "\"\"")));
    expect![[r#"
        `registry.example.org/web:1.0.0` error runtime/image-pull: image "registry.example.org/web:1.0.0" cannot be pulled: its registry does not have it
    "#]].assert_eq(&file.findings());
    assert_eq!(file.lenses(), ["✗ image cannot be pulled"]);
    assert!(!file.save(&playing("crash", "out of luck")));
    expect![[r#"
        `name: web` error runtime/crash: container "web" ends with exit code 1: out of luck
    "#]]
    .assert_eq(&file.findings());
    assert!(!file.save(&playing("start", "\"\"")));
    expect![[r#"
        `registry.example.org/web:1.0.0` error runtime/not-started: container "web" cannot be started: failed to create containerd task: exec: executable file not found in $PATH
    "#]].assert_eq(&file.findings());
    assert!(!file.save(&playing("configuration", "something odd")));
    expect![[r#"
        `name: web` error runtime/bad-configuration: the container cannot be configured: something odd
    "#]]
    .assert_eq(&file.findings());
    assert!(!file.save(&playing("readiness", "\"\"")));
    expect![[r#"
        `readinessProbe` warning runtime/probe-failed: the readinessProbe fails: HTTP probe failed with statuscode: 503
    "#]]
    .assert_eq(&file.findings());
    assert!(!file.save(&playing("liveness", "\"\"")));
    expect![[r#"
        `livenessProbe` error runtime/probe-failed: the livenessProbe fails: HTTP probe failed with statuscode: 500
    "#]]
    .assert_eq(&file.findings());
    assert!(file.save(&playing("nothing", "\"\"")));
    assert_eq!(file.findings(), "");
}
