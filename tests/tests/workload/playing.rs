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
    expect![[r#""#]].assert_eq(&file.findings());
    assert_eq!(file.lenses(), ["✗ image cannot be pulled"]);
    assert!(!file.save(&playing("crash", "out of luck")));
    expect![[r#""#]].assert_eq(&file.findings());
    assert!(!file.save(&playing("start", "\"\"")));
    expect![[r#""#]].assert_eq(&file.findings());
    assert!(!file.save(&playing("configuration", "something odd")));
    expect![[r#""#]].assert_eq(&file.findings());
    assert!(!file.save(&playing("readiness", "\"\"")));
    expect![[r#""#]].assert_eq(&file.findings());
    assert!(!file.save(&playing("liveness", "\"\"")));
    expect![[r#""#]].assert_eq(&file.findings());
    assert!(file.save(&playing("nothing", "\"\"")));
    assert_eq!(file.findings(), "");
}
