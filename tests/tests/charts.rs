//! A Helm chart that is the target itself: what it renders with its values files is applied, and what is wrong with it is
//! said in its values, else in its templates.

use std::fmt::Write as _;

use camino::Utf8Path;
use expect_test::{Expect, expect};
use gitops_tests::kubernetes::Cluster;
use gitops_tests::repository::files_below;
use gitops_tests::server::{Phase, TestServer};
use gitops_tests::show::headline;
use serde_json::{Value, json};

const VALUES: &str = "charts/podinfo/values.yaml";
const PROD: &str = "charts/podinfo/values-prod.yaml";
const DEPLOYMENT: &str = "charts/podinfo/templates/deployment.yaml";
const CHART: &str = "charts/podinfo/Chart.yaml";

/// The chart of podinfo in a session.
struct Chart {
    server: TestServer,
    cluster: Cluster,
    started: Value,
}

impl Chart {
    fn start(server: TestServer, argument: Value) -> Self {
        let corpus = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/podinfo");
        for file in files_below(&corpus.join("charts")) {
            let path = format!("charts/{file}");
            server.write(&path, std::fs::read(corpus.join(&path)).expect("a file"));
        }
        let mark = server.client.mark();
        let started = server.start_session(argument);
        let verdict = server.wait_for_verdict(CHART, Phase::Apply, mark, 1);
        assert!(verdict.ok, "{:?}", server.diagnostics(CHART).summary());
        let cluster = server.cluster(&started);
        Self {
            server,
            cluster,
            started,
        }
    }

    /// All that is said, each with its line and what is written there.
    fn shown(&self) -> String {
        let mut shown = String::new();
        for file in [CHART, VALUES, PROD, DEPLOYMENT] {
            let text = if self.server.is_open(file) {
                self.server.text(file)
            } else {
                std::fs::read_to_string(self.server.workspace().join(file)).expect("a file")
            };
            for diagnostic in self.server.diagnostics(file).diagnostics {
                let line = diagnostic["range"]["start"]["line"].as_u64().expect("a line");
                let written = text
                    .lines()
                    .nth(usize::try_from(line).expect("small"))
                    .unwrap_or_default();
                let _ = writeln!(
                    shown,
                    "{}:{}: {}\n  {}",
                    file.trim_start_matches("charts/podinfo/"),
                    line + 1,
                    written.trim(),
                    headline(&diagnostic)
                );
            }
        }
        shown
    }

    /// One mistake, what is said of it, and that nothing is left of that once it is mended.
    fn check(&self, file: &str, find: &str, put: &str, expected: &Expect) {
        if !self.server.is_open(file) {
            self.server.open(file);
        }
        let sound = self.server.text(file);
        let version = self.server.edit(file, find, put);
        self.server.wait_for_version(file, version);
        self.server.save_and_settle(file);
        expected.assert_eq(&self.shown());
        let version = self.server.retype(file, &sound);
        self.server.wait_for_version(file, version);
        let mended = self.server.save_and_settle(file);
        assert!(mended.ok, "{}", self.shown());
        assert_eq!(self.shown(), "", "nothing is left of {put}");
    }

    fn deployment(&self) -> Value {
        let found = self.cluster.get("apps/v1", "Deployment", Some("default"), "podinfo");
        found.expect("the deployment is there")
    }
}

#[test]
fn what_is_wrong_with_a_chart_is_said_in_its_values_or_its_templates() {
    let chart = Chart::start(TestServer::builder().build(), json!({ "target": "charts/podinfo" }));
    assert_eq!(chart.deployment()["spec"]["replicas"], 1);
    chart.check(
        VALUES,
        "replicaCount: 1",
        "replicaCount: one",
        &expect![[r#"
        values.yaml:3: replicaCount: one
          error apply/wrong-type: expected number, got string "one" (spec.replicas of Deployment "podinfo" of the chart)
    "#]],
    );
    chart.check(
        VALUES,
        "pullPolicy: IfNotPresent",
        "pullPolicy: Sometimes",
        &expect![[r#"
            values.yaml:12: pullPolicy: Sometimes
              error apply/unsupported-value: "Sometimes" is not supported; use one of Always, IfNotPresent, Never (spec.template.spec.containers[0].imagePullPolicy of Deployment "podinfo" of the chart)
        "#]],
    );
    chart.check(DEPLOYMENT, "  strategy:", "  stratgy:", &expect![[r#"
        templates/deployment.yaml:12: stratgy:
          error apply/unknown-field: unknown field "stratgy"; did you mean "strategy"? (spec.stratgy of Deployment "podinfo" of the chart)
    "#]]);
    chart.check(
        DEPLOYMENT,
        "{{- if not .Values.hpa.enabled }}",
        "{{- iff not .Values.hpa.enabled }}",
        &expect![[r#"
            templates/deployment.yaml:9: {{- iff not .Values.hpa.enabled }}
              error render/bad-template: a template cannot call "iff": Helm has no function of this name
        "#]],
    );
    chart.check(
        CHART,
        "name: podinfo",
        "nam: podinfo",
        &expect![[r#"
        Chart.yaml:1: apiVersion: v1
          error render/bad-chart: Chart.yaml: name is required
    "#]],
    );
    // What a save would change is told before.
    chart.server.edit(VALUES, "replicaCount: 1", "replicaCount: 2");
    let asked = json!({ "uri": chart.server.uri(VALUES) });
    let preview = chart.server.client.command("gitops.preview", asked);
    let preview = preview.expect("it is answered");
    assert_eq!(preview["changed"][0]["kind"], "Deployment", "{preview}");
    assert_eq!(preview["changed"].as_array().map(Vec::len), Some(1), "{preview}");
    chart.server.edit(VALUES, "replicaCount: 2", "replicaCount: 1");
    // What is saved is applied.
    chart.server.edit(VALUES, "replicaCount: 1", "replicaCount: 3");
    assert!(chart.server.save_and_settle(VALUES).ok, "{}", chart.shown());
    assert_eq!(chart.deployment()["spec"]["replicas"], 3);
    let lenses = chart.server.lenses(CHART);
    let (line, title) = lenses.first().expect("the chart has a lens");
    assert_eq!(*line, 0);
    assert!(
        title.starts_with("✓ applied · ") && title.ends_with(" · 2 objects"),
        "{title}"
    );
    chart.server.assert_sound();
}

#[test]
fn of_several_values_files_the_user_chooses_one() {
    let server = TestServer::builder()
        .choice("charts/podinfo/values-prod.yaml (Helm chart)")
        .build();
    let chart = Chart::start(server, json!({}));
    assert_eq!(chart.started["target"], "charts/podinfo");
    assert_eq!(chart.started["valuesFiles"], json!([PROD]));
    chart.check(PROD, "replicaCount: 1", "replicaCount: one", &expect![[r#"
        values-prod.yaml:4: replicaCount: one
          error apply/wrong-type: expected number, got string "one" (spec.minReplicas of HorizontalPodAutoscaler "podinfo" of the chart)
    "#]]);
    chart.check(
        PROD,
        "logLevel: info",
        "loglevel: info",
        &expect![[r#"
        values-prod.yaml:5: loglevel: info
          warning model/value-not-read: loglevel is not used: the chart does not read it; did you mean logLevel?
    "#]],
    );
    chart.check(
        PROD,
        "  pullPolicy: IfNotPresent",
        "  pullPolicy: Sometimes",
        &expect![[r#"
            values-prod.yaml:12: pullPolicy: Sometimes
              error apply/unsupported-value: "Sometimes" is not supported; use one of Always, IfNotPresent, Never (spec.template.spec.containers[0].imagePullPolicy of Deployment "podinfo" of the chart)
        "#]],
    );
    // Asked again, it is the session that runs; another values file would be another.
    assert_eq!(chart.server.start_session(json!({}))["valuesFiles"], json!([PROD]));
    let other = chart.server.try_start_session(json!({ "target": "charts/podinfo" }));
    assert!(other.is_err(), "{other:?}");
    // Without the file nothing is rendered that nobody has asked for.
    let text = chart.server.text(PROD);
    chart.server.close(PROD);
    chart.server.remove(PROD);
    let mark = chart.server.watched(&[PROD]);
    let gone = chart
        .server
        .wait_for_diagnostics(CHART, mark, |published| !published.diagnostics.is_empty());
    expect!["error render/bad-chart: the session installs this chart with charts/podinfo/values-prod.yaml, which is not there any more"].assert_eq(&headline(&gone.diagnostics[0]));
    chart.server.write(PROD, text);
    let mark = chart.server.watched(&[PROD]);
    chart
        .server
        .wait_for_diagnostics(CHART, mark, |published| published.diagnostics.is_empty());
    chart.server.assert_sound();
}
