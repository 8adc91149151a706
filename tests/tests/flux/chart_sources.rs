//! Charts from elsewhere: a real repository over HTTP and a real OCI registry, which are left to source-controller.

use camino::Utf8Path;
use gitops_tests::chart_sources::ChartSources;
use gitops_tests::kubernetes::Cluster;
use gitops_tests::repository::APPS;
use gitops_tests::server::TestServer;
use serde_json::{Value, json};

use crate::Fleet;

const FILE: &str = "apps/charts.yaml";

fn manifests(sources: &ChartSources) -> String {
    let ChartSources {
        repository, registry, ..
    } = sources;
    format!(
        r#"apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata:
  name: lab
  namespace: default
spec:
  interval: 1h
  timeout: 10s
  url: {repository}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: board
  namespace: default
spec:
  interval: 1h
  chart:
    spec:
      chart: board
      version: 0.2.x
      sourceRef:
        kind: HelmRepository
        name: lab
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata:
  name: gate
  namespace: default
spec:
  interval: 1h
  timeout: 10s
  insecure: true
  url: {registry}/gate
  ref:
    semver: ">=0.0.0"
  layerSelector:
    mediaType: application/vnd.cncf.helm.chart.content.v1.tar+gzip
    operation: copy
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: gate
  namespace: default
spec:
  interval: 1h
  chartRef:
    kind: OCIRepository
    name: gate
"#
    )
}

#[test]
fn charts_come_from_a_repository_and_a_registry() {
    let charts = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/reports/flux-h/charts");
    let mut sources = ChartSources::serve(&[&charts.join("board"), &charts.join("gate")]);
    let server = TestServer::builder().build();
    server.write("clusters/lab/apps.yaml", APPS);
    server.write(FILE, manifests(&sources));
    let started = server.start_session(json!({ "target": "clusters/lab" }));
    let fleet = Fleet { server, started };
    let cluster = fleet.server.cluster(&fleet.started);
    for release in ["board", "gate"] {
        wait_until_ready(&cluster, release);
        let installed = cluster.get("apps/v1", "Deployment", Some("default"), release);
        assert!(installed.is_some(), "the Deployment of {release} is installed");
    }
    fleet.server.open(FILE);
    assert_eq!(fleet.findings(FILE), [""; 0]);

    // A version that nobody has published.
    let mark = fleet.save(FILE, "version: 0.2.x", "version: 7.x");
    fleet.wait_for_finding(mark, FILE, "version: 7.x", "; there is 0.2.0");
    fleet.server.open(FILE);
    let published = fleet.server.diagnostics(FILE);
    let range = &published.diagnostics[0]["range"];
    let actions = fleet.server.actions(FILE, range);
    assert_eq!(actions[0]["title"], "Write 0.2.0", "{actions:?}");
    let mark = fleet.save(FILE, "chart: board", "chart: boards");
    fleet.wait_for_finding(mark, FILE, "chart: boards", "did you mean board?");
    fleet.save(FILE, "chart: boards", "chart: board");
    fleet.save(FILE, "version: 7.x", "version: 0.2.0");
    fleet.wait_until_clean(FILE);
    // A chart that nobody has published there.
    let mark = fleet.save(FILE, "/gate\n", "/gates\n");
    fleet.wait_for_finding(mark, FILE, &format!("url: {}/gates", sources.registry), "gates");
    fleet.save(FILE, "/gates\n", "/gate\n");
    fleet.wait_until_clean(FILE);

    // Nobody answers any more: that is said of the URL. The interval is changed so that Flux looks again.
    sources.end();
    let mark = fleet.save(FILE, "timeout: 10s", "timeout: 5s");
    fleet.wait_for_finding(
        mark,
        FILE,
        &format!("url: {}", sources.repository),
        "connection refused",
    );
    fleet.server.assert_sound();
}

fn wait_until_ready(cluster: &Cluster, release: &str) {
    cluster.wait_until(
        "helm.toolkit.fluxcd.io/v2",
        "HelmRelease",
        Some("default"),
        release,
        |live| {
            let conditions = live.pointer("/status/conditions").and_then(Value::as_array);
            let is_ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
            conditions.is_some_and(|conditions| conditions.iter().any(is_ready))
        },
    );
}
