//! The words of source-controller, verbatim.

use serde_json::{Value, json};

use super::{About, Said, read, read_chart};

fn source(kind: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": kind,
        "metadata": { "name": "parts", "namespace": "shop" }, "spec": spec,
    })
}

#[track_caller]
fn expect(said: &[Said], code: &str, about: &str) {
    let said = said.first().unwrap();
    let About::Field(path, _) = &said.about else {
        panic!("{said:?} is about no field")
    };
    assert_eq!(
        (said.slug.as_str(), path.to_string().as_str()),
        (code, about),
        "{}",
        said.message
    );
}

#[test]
fn who_serves_a_source_cannot_be_reached() {
    let url = json!({ "url": "oci://registry.example.org/parts", "ref": { "tag": "1.2.3" } });
    let said = "failed to determine the artifact tag for 'oci://registry.example.org/parts': Get \"https://registry.example.org/v2/\": dial tcp: lookup registry.example.org: no such host";
    expect(
        &read(&source("OCIRepository", url), "ReadOperationFailed", said),
        "source-failed",
        "spec.url",
    );
    let said = "failed to checkout and determine revision: unable to clone 'https://git.example.org/a.git': dial tcp: connection refused";
    let repository = source("GitRepository", json!({ "url": "https://git.example.org/a.git" }));
    expect(
        &read(&repository, "GitOperationFailed", said),
        "source-failed",
        "spec.url",
    );
    let said = "failed to fetch Helm repository index: failed to fetch http://127.0.0.1/index.yaml : 404 Not Found";
    let repository = source("HelmRepository", json!({ "url": "http://127.0.0.1" }));
    expect(&read(&repository, "Failed", said), "source-failed", "spec.url");
}

#[test]
fn what_is_wanted_of_a_source_is_not_there() {
    let spec = json!({ "url": "https://git.example.org/a.git", "ref": { "branch": "mian" } });
    let said =
        "failed to checkout and determine revision: unable to clone: couldn't find remote ref \"refs/heads/mian\"";
    expect(
        &read(&source("GitRepository", spec), "GitOperationFailed", said),
        "version-not-found",
        "spec.ref.branch",
    );
    let spec = json!({ "url": "oci://registry.example.org/parts", "ref": { "semver": "9.x" } });
    let said =
        "failed to determine the artifact tag for 'oci://registry.example.org/parts': no match found for semver: 9.x";
    expect(
        &read(&source("OCIRepository", spec), "ReadOperationFailed", said),
        "version-not-found",
        "spec.ref.semver",
    );
}

#[test]
fn credentials() {
    let spec = json!({ "url": "https://git.example.org/a.git", "secretRef": { "name": "token" } });
    let said = "failed to get secret 'shop/token': secrets \"token\" not found";
    let repository = source("GitRepository", spec);
    expect(
        &read(&repository, "AuthenticationFailed", said),
        "authentication-failed",
        "spec.secretRef.name",
    );
    let said = "failed to checkout and determine revision: unable to clone 'https://git.example.org/a.git': authentication required: Unauthorized";
    expect(
        &read(&repository, "GitOperationFailed", said),
        "authentication-failed",
        "spec.secretRef.name",
    );
    let said = "failed to checkout and determine revision: unable to clone 'https://git.example.org/a.git': authentication required";
    let without = source("GitRepository", json!({ "url": "https://git.example.org/a.git" }));
    expect(
        &read(&without, "GitOperationFailed", said),
        "authentication-failed",
        "spec.url",
    );
}

#[test]
fn charts_are_said_of_their_release() {
    let release = |version: Value| {
        json!({ "kind": "HelmRelease", "metadata": { "name": "gate", "namespace": "shop" }, "spec": { "chart": { "spec": {
            "chart": "./charts/cash", "version": version, "valuesFiles": ["./a.yaml", "./b.yaml"],
            "sourceRef": { "kind": "GitRepository", "name": "yard" },
        } } } })
    };
    let read = |reason: &str, message: &str| read_chart(&release(json!("9.x")), reason, message);
    expect(
        &read(
            "SourceUnavailable",
            "failed to get source: GitRepository.source.toolkit.fluxcd.io \"yard\" not found",
        ),
        "source-not-found",
        "spec.chart.spec.sourceRef.name",
    );
    expect(
        &read(
            "InvalidChartReference",
            "invalid chart reference: stat /tmp/helmchart-shop/source/charts/cash: no such file or directory",
        ),
        "chart-not-found",
        "spec.chart.spec.chart",
    );
    expect(
        &read(
            "InvalidChartReference",
            "invalid chart reference: failed to get chart version for remote reference: no 'cash' chart with version matching '9.x' found",
        ),
        "version-not-found",
        "spec.chart.spec.version",
    );
    expect(
        &read(
            "ValuesFilesError",
            "values files merge error: no values file found at path '/tmp/x/b.yaml' (reference './b.yaml')",
        ),
        "values-not-found",
        "spec.chart.spec.valuesFiles[1]",
    );
}
