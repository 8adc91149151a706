//! Releases with the real renderer: what is wrong with them, and who supplies what they render, as the line that is shown.

use std::fmt::Write as _;

use expect_test::expect;
use gitops_render::Renderer as _;
use serde_json::Value;

#[path = "helm/bare.rs"]
mod bare;
#[path = "helm/fixture.rs"]
mod fixture;
#[path = "helm/printed.rs"]
mod printed;
#[path = "origins/program.rs"]
mod program;
#[path = "helm/repository.rs"]
mod repository;
use fixture::{Fixture, faults, place};

#[tokio::test]
async fn nothing_is_said_of_what_is_sound() {
    faults(&[], expect![""]).await;
}

#[tokio::test]
async fn values_are_put_together_from_everywhere() {
    let fixture = Fixture::new(&[]).await;
    let built = fixture
        .renderer
        .helm(&fixture.release.request)
        .await
        .expect("it is there");
    let values = built.values.expect("they were asked for");
    let value = |pointer: &str| values.pointer(pointer).cloned().unwrap_or(Value::Null);
    assert_eq!(value("/cache/size"), 1);
    assert_eq!(value("/labels/tier"), "web");
    assert_eq!(value("/token"), "sesame");
    assert_eq!(value("/database/password"), "hunter2");
    assert_eq!(value("/image/tag"), "1.0");
}

#[tokio::test]
async fn what_a_schema_refuses_is_where_it_is_written() {
    faults(
        &[("kind: memory", "kind: disk"), ("  size: 1\n", "  size: x\n  sizes: 2\n")],
        expect![[r#"
            apps/file.yaml:3 `x` invalid-value: expected integer, got string
            apps/file.yaml:4 `sizes` invalid-value: "sizes" is not allowed here by the chart's schema; did you mean "size"?
            apps/file.yaml:5 `disk` invalid-value: the chart's schema allows only 'none', 'memory' here
        "#]],
    )
    .await;
    // The value of a Secret is never shown.
    faults(
        &[("token: sesame", "token: S3SAME")],
        expect![[r#"
        apps/values.yaml:15 `S3SAME` invalid-value: this does not match the pattern '^[a-z]+$' of the chart's schema
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_templates_ask_for() {
    faults(
        &[("      tag: \"1.0\"\n", "      tag: \"\"\n")],
        expect![[r#"
        apps/release.yaml:26 `""` template-failed: an image tag is needed
    "#]],
    )
    .await;
    faults(&[("    image:\n      repository: registry.example.org/web\n      tag: \"1.0\"\n", "    image.tag: \"1.0\"\n"), ("tag: \"0\"", "tag: \"\"")], expect![[r#"
        apps/release.yaml:24 `image.tag` template-failed: an image tag is needed: values are nested, and "image.tag" is one key with dots in it; write each part as a key of its own, below the one before
    "#]]).await;
    faults(
        &[
            ("      tag: \"1.0\"\n", "      tga: \"1.0\"\n"),
            ("tag: \"0\"", "tag: \"\""),
        ],
        expect![[r#"
        apps/release.yaml:26 `tga` template-failed: an image tag is needed; the chart reads image.tag, not image.tga
    "#]],
    )
    .await;
    faults(
        &[("port: 8080", "port: 65000")],
        expect![[r#"
        apps/values.yaml:6 `65000` template-failed: ports end at 60000 here
    "#]],
    )
    .await;
    faults(&[(", user: admin", "")], expect![""]).await;
    faults(&[("    labels:\n      tier: web\n", "    labels: web\n")], expect![[r#"
        apps/values.yaml:7 `web` template-failed: the chart cannot use this value: can't evaluate field tier in type string
    "#]]).await;
    faults(
        &[
            ("database: {password: \"\", user: admin}\n", ""),
            (", targetPath: database.password", ", targetPath: other"),
        ],
        expect![[r#"
        apps/release.yaml:23 `values` template-failed: the chart reads database.user, which is not there
    "#]],
    )
    .await;
    faults(&[("strategy: RollingUpdate", "strategy: 'a: b: c'")], expect![[r#"
        charts/web/values.yaml:10 `'a: b: c'` template-failed: with this value the chart renders no YAML: yaml: line 11: mapping values are not allowed in this context
    "#]]).await;
    faults(&[("      repository: registry.example.org/web\n", "      repository: 'a\"b'\n")], expect![[r#"
        apps/release.yaml:25 `'a"b'` template-failed: with this value the chart renders no YAML: yaml: line 16: did not find expected key
    "#]]).await;
}

#[tokio::test]
async fn what_helm_itself_has_is_no_value() {
    // A switch decides that the line is rendered at all, and has no part in what is wrong with it.
    faults(
        &[(
            "    user: {{ .Values.database.user }}\n",
            "    {{- if .Values.labels }}\n    user: {{ .Release.Name.Short }}\n    {{- end }}\n",
        )],
        expect![[r#"
            charts/web/templates/all.yaml:11 `user: {{ .Release.Name.Short }}` template-failed: the template reads .Release.Name.Short: can't evaluate field Short in type value
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_value_that_is_not_there_and_that_a_line_cannot_do_without() {
    faults(
        &[(
            "    user: {{ .Values.database.user }}\n",
            "    {{ .Values.image.field }}: x\n",
        )],
        expect![[r#"
            apps/release.yaml:24 `image` template-failed: the chart reads image.field, which is not there, and renders no YAML without it
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_switch_is_not_to_blame_for_what_it_turns_on() {
    faults(
        &[
            ("    image:\n", "    extra: {on: true, name: [wrong]}\n    image:\n"),
            ("labels: {}\n", "labels: {}\nextra: {on: false, name: a}\n"),
            (
                "    user: {{ .Values.database.user }}\n",
                "    {{- if .Values.extra.on }}\n    user: {{ trunc 63 .Values.extra.name }}\n    {{- end }}\n",
            ),
        ],
        expect![[r#"
            apps/release.yaml:24 `[wrong]` template-failed: the chart cannot use this value: wrong type for value; expected string; got list
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_is_no_chart() {
    faults(
        &[("chart: ./charts/web\n", "chart: ./charts/wbe\n")],
        expect![[r#"
        apps/release.yaml:8 `./charts/wbe` chart-not-found: there is no directory charts/wbe; did you mean charts/web?
    "#]],
    )
    .await;
    faults(
        &[("version: 0.1.0", "version: one")],
        expect![[r#"
        charts/web/Chart.yaml:3 `one` bad-chart: Chart.yaml: version "one" is invalid
    "#]],
    )
    .await;
    faults(
        &[("name: web\nversion: 0.1.0", "name: [\nversion: 0.1.0")],
        expect![[r#"
        charts/web/Chart.yaml:2 `[` bad-chart: Chart.yaml cannot be read: yaml: line 3: did not find expected ',' or ']'
    "#]],
    )
    .await;
    faults(&[("type: {{ .Values.strategy }}", "type: {{ nope .Values.strategy }}")], expect![[r#"
        charts/web/templates/all.yaml:16 `type: {{ nope .Values.strategy }}` bad-template: a template cannot call "nope": Helm has no function of this name
    "#]]).await;
    faults(&[("type: {{ .Values.strategy }}", "type: {{ .Values.strategy ")], expect![[r#"
        charts/web/templates/all.yaml:17 `selector: {matchLabels: {app: web}}` bad-template: a template cannot call "selector": Helm has no function of this name
    "#]]).await;
    faults(
        &[("      tier: web\n", "      tier: web\n     bad: x\n")],
        expect![[r#"
        apps/values.yaml:8 `tier: web` not-yaml: these values cannot be read: yaml: line 3: did not find expected key
    "#]],
    )
    .await;
    faults(
        &[("  kind: memory\n", "  kind: [\n")],
        expect![[r#"
        apps/file.yaml:4 `[` not-yaml: these values cannot be read: yaml: line 4: did not find expected node content
    "#]],
    )
    .await;
    faults(
        &[("targetPath: database.password", "targetPath: 'database[x].password'")],
        expect![[r#"
            apps/release.yaml:14 `'database[x].password'` bad-target-path: no value can be put there: error parsing index: strconv.Atoi: parsing "x": invalid syntax
        "#]],
    )
    .await;
    faults(
        &[(
            "      chart: ./charts/web\n",
            "      chart: ./charts/web\n      valuesFiles: [more.yaml]\n",
        )],
        expect![[r#"
        apps/release.yaml:9 `more.yaml` file-not-found: there is no file more.yaml in the chart's source
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_post_renderers_do_not_find() {
    faults(
        &[(
            "metadata: {name: web}\n              spec: {min",
            "metadata: {name: wbe}\n              spec: {min",
        )],
        expect![[r#"
        apps/release.yaml:21 `wbe` patch-target-not-found: no Deployment called "wbe" is here to be patched
    "#]],
    )
    .await;
    faults(&[("spec:\n  strategy:", "spec:\n  strategy:\n    # more")], expect![""]).await;
    let twice = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: web\n  annotations:\n    helm.sh/hook: pre-install\n---\napiVersion: apps/v1\n";
    faults(&[("{{- end }}\napiVersion: apps/v1\n", &format!("{{{{- end }}}}\n{twice}"))], expect![[r#"
        charts/web/templates/all.yaml:14 `helm.sh/hook: pre-install` duplicate-object: the chart has ServiceAccount "web" twice, as a hook and as a part of the release: with post renderers, and Flux always has one, that is a duplicate
    "#]]).await;
}

#[tokio::test]
async fn a_chart_without_end_is_said_on_the_chart() {
    faults(
        &[("type: {{ .Values.strategy }}", "type: {{ range until 1000000 }}{{ range until 100000 }}{{ end }}{{ end }}")],
        expect![[r#"
            apps/release.yaml:8 `./charts/web` chart-without-end: the chart cannot be rendered: it took longer than 10 s and was ended; a template may go round without end
        "#]],
    )
    .await;
}

#[tokio::test]
async fn values_that_nothing_reads() {
    faults(
        &[
            ("    resources:\n      limits:", "    resurces:\n      limits:"),
            ("  kind: memory", "  kind: memory\nenvironment: x"),
            ("    port: 8080", "    web:\n      port: 8080\n    global:\n      any: 1"),
        ],
        expect![[r#"
            apps/file.yaml:5 `environment` value-not-read: environment is not used: the chart does not read it
            apps/release.yaml:30 `resurces` value-not-read: resurces is not used: the chart does not read it; did you mean resources?
            apps/values.yaml:6 `web` value-not-read: web is not used: the chart does not read it; did you mean port?
        "#]],
    )
    .await;
}

#[tokio::test]
async fn patches_of_what_is_not_rendered() {
    let target = "        patches:\n          - target: {kind: StatefulSet}\n            patch: '[{\"op\": \"remove\", \"path\": \"/spec/replicas\"}]'\n";
    faults(&[("        patches:\n", target)], expect![[r#"
        apps/release.yaml:18 `StatefulSet` patch-not-used: no StatefulSet is rendered by the chart, so this patch changes nothing
    "#]]).await;
}

#[tokio::test]
async fn fields_are_supplied_by_values_defaults_and_templates() {
    let mut said = String::new();
    for (edits, path, key) in [
        (&[][..], "spec.template.spec.containers[0].image", None),
        (&[], "spec.template.spec.containers[0].ports[0].containerPort", None),
        (&[], "spec.template.spec.containers[0].env[0].value", None),
        (&[], "spec.template.spec.containers[0].env[1]", Some("name")),
        (&[], "spec.template.spec.containers[0].resources.limits", None),
        (&[], "spec.template.spec.containers[0].resources.limits.memory", None),
        (&[], "spec.template.spec.containers[0].resources.requests", None),
        (&[], "spec.template.spec.containers[0].volumeMounts[0].name", None),
        (&[], "spec.strategy.type", None),
        (&[], "spec.selector.matchLabels.app", None),
        (&[], "spec.minReadySeconds", None),
        (&[], "spec.template.spec.containers[0].livenessProbe", None),
        (&[], "metadata.annotations.tier", None),
        (
            &[("containerPort: {{", "containerPorts: {{")],
            "spec.template.spec.containers[0].ports[0].containerPorts",
            Some(""),
        ),
        (
            &[("      conf-dir: {path: /conf}", "      conf-dir: {pth: /conf}")],
            "spec.template.spec.containers[0].volumeMounts[0].mountPath",
            None,
        ),
    ] {
        let place = place(edits, path, key, false).await;
        writeln!(said, "{path} {place}").expect("writing to a text");
    }
    expect![[r#"
        spec.template.spec.containers[0].image apps/release.yaml:25 `registry.example.org/web`
        spec.template.spec.containers[0].ports[0].containerPort apps/values.yaml:6 `8080`
        spec.template.spec.containers[0].env[0].value apps/file.yaml:3 `1`
        spec.template.spec.containers[0].env[1] apps/release.yaml:28 `MODE`
        spec.template.spec.containers[0].resources.limits apps/release.yaml:32 `memory: 64Mi`
        spec.template.spec.containers[0].resources.limits.memory apps/release.yaml:32 `64Mi`
        spec.template.spec.containers[0].resources.requests apps/release.yaml:30 `resources`
        spec.template.spec.containers[0].volumeMounts[0].name apps/release.yaml:34 `conf-dir`
        spec.strategy.type charts/web/values.yaml:10 `RollingUpdate`
        spec.selector.matchLabels.app charts/web/templates/all.yaml:17 `selector: {matchLabels: {app: web}}`
        spec.minReadySeconds apps/release.yaml:22 `1`
        spec.template.spec.containers[0].livenessProbe charts/web/templates/all.yaml:21 `containers:`
        metadata.annotations.tier apps/values.yaml:8 `web`
        spec.template.spec.containers[0].ports[0].containerPorts charts/web/templates/all.yaml:25 `- containerPorts: {{ .Values.port }}`
        spec.template.spec.containers[0].volumeMounts[0].mountPath apps/release.yaml:34 `{pth: /conf}`
    "#]]
    .assert_eq(&said);
}
