//! A chart with values files and nobody around it.

use expect_test::{Expect, expect};
use gitops_render::helm::{Capabilities, bare};

use super::fixture::Fixture;

const PROD: (&str, &str) = (
    "#- charts/web/Chart.yaml",
    "#- prod.yaml\ntoken: abc\nport: 8081\nimage:\n  tag: \"2\"\nlabels:\n  tier: web\n\n#- charts/web/Chart.yaml",
);

/// The chart of the repository, with a values file that lies elsewhere.
async fn chart(edits: &[(&str, &str)]) -> Fixture {
    let edits: Vec<(&str, &str)> = std::iter::once(&PROD).chain(edits).copied().collect();
    let mut fixture = Fixture::new(&edits).await;
    let capabilities = Capabilities {
        kubernetes_version: "1.36.3".to_owned(),
        api_versions: Vec::new(),
    };
    let files = ["prod.yaml".to_owned()];
    fixture.release = bare("charts/web", &files, "default", &fixture.tree, &capabilities);
    "t".clone_into(&mut fixture.release.request.tree);
    fixture.release.request.report_values = true;
    fixture
}

async fn check(edits: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&chart(edits).await.faults().await);
}

#[tokio::test]
async fn what_is_wrong_with_it() {
    check(&[], expect![""]).await;
    check(
        &[("port: 8081", "prt: 8081")],
        expect![[r#"
        prod.yaml:2 `prt` value-not-read: prt is not used: the chart does not read it; did you mean port?
    "#]],
    )
    .await;
    check(
        &[("tier: web\n\n", "tier: [web\n\n")],
        expect![[r#"
        prod.yaml:6 `[web` not-yaml: these values cannot be read: yaml: line 7: did not find expected ',' or ']'
    "#]],
    )
    .await;
    check(
        &[("port: 8081", "port: 65000")],
        expect![[r#"
        prod.yaml:2 `65000` template-failed: ports end at 60000 here
    "#]],
    )
    .await;
    check(
        &[("  tag: \"2\"", "  tag: \"\"")],
        expect![[r#"
        prod.yaml:4 `""` template-failed: an image tag is needed
    "#]],
    )
    .await;
    check(
        &[("cache: {size: 0, ", "cache: {size: x, ")],
        expect![[r#"
        charts/web/values.yaml:8 `x` invalid-value: expected integer, got string
    "#]],
    )
    .await;
    check(&[("tag: \"0\"}", "tag: \"0}")], expect![[r#"
        charts/web/values.yaml:1 `"0}` bad-chart: values.yaml cannot be read: yaml: line 6: did not find expected ',' or '}'
    "#]]).await;
    check(
        &[("version: 0.1.0", "version: one")],
        expect![[r#"
        charts/web/Chart.yaml:3 `one` bad-chart: Chart.yaml: version "one" is invalid
    "#]],
    )
    .await;
}

#[tokio::test]
async fn who_supplies_what_it_renders() {
    let fixture = chart(&[]).await;
    let mut all = Vec::new();
    for path in [
        "spec.template.spec.containers[0].ports[0].containerPort",
        "spec.template.spec.containers[0].image",
        "spec.strategy.type",
        "metadata.annotations.user",
        "metadata.annotations.tier",
        "spec.selector.matchLabels.app",
        "metadata.name",
    ] {
        all.push(format!("{path}: {}", fixture.place(path, None, false).await));
    }
    expect![[r#"
        spec.template.spec.containers[0].ports[0].containerPort: prod.yaml:2 `8081`
        spec.template.spec.containers[0].image: charts/web/values.yaml:1 `""`
        spec.strategy.type: charts/web/values.yaml:10 `RollingUpdate`
        metadata.annotations.user: charts/web/values.yaml:9 `admin`
        metadata.annotations.tier: prod.yaml:6 `web`
        spec.selector.matchLabels.app: charts/web/templates/all.yaml:17 `selector: {matchLabels: {app: web}}`
        metadata.name: charts/web/templates/all.yaml:7 `name: {{ .Release.Name }}`"#]]
    .assert_eq(&all.join("\n"));
}
