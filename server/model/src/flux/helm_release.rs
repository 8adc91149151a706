//! Flux's `HelmRelease`.

use serde_json::Value;

use super::artifact_path::in_artifact;
use super::reference::{Reference, Role};
use super::spec::Field;

/// The API group of Helm releases.
pub(super) const GROUP: &str = "helm.toolkit.fluxcd.io";

/// The key that values are read from when none is written.
const VALUES_KEY: &str = "values.yaml";

/// Which chart a `HelmRelease` installs, with which values (v2, v2beta2, v2beta1).
#[derive(Clone, PartialEq, Debug)]
pub struct HelmRelease {
    /// The chart.
    pub chart: Chart,
    /// The values in the object itself; they go before all others.
    pub values: Option<Value>,
    /// Values from elsewhere, a later one going before an earlier one.
    pub values_from: Vec<ValuesFrom>,
    /// Releases that must be ready first.
    pub depends_on: Vec<Reference>,
    /// The name of the release, with Flux's own for one that is not written.
    pub release_name: String,
    /// The namespace that it is installed into; `None` if that is the object's, and the object's is not written.
    pub release_namespace: Option<String>,
    /// Whether that namespace is made if it is not there.
    pub creates_namespace: bool,
    /// Whether it is suspended.
    pub is_suspended: bool,
    /// Everything else that it names.
    pub others: Vec<Reference>,
}

/// Where a chart is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Chart {
    /// In a source, by name and version, or by its path there.
    Template(ChartTemplate),
    /// What an object holds: an `OCIRepository`, a `HelmChart` or an `ExternalArtifact`.
    Named(Reference),
    /// Nowhere: neither is written.
    None,
}

/// A chart of a source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChartTemplate {
    /// Its name in a repository of charts, or its path in any other source, as written.
    pub chart: String,
    /// The version or range of versions that is wanted; only a repository of charts has several.
    pub version: Option<String>,
    /// The source.
    pub source: Option<Reference>,
    /// Files of values in the source, a later one going before an earlier one; without any it is the chart's own.
    pub values_files: Vec<String>,
    /// Whether one of them may be missing.
    pub ignores_missing_values_files: bool,
}

/// Values from a `ConfigMap` or Secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ValuesFrom {
    /// Which, with the key that the values are in.
    pub reference: Reference,
    /// Where the one value goes that the key holds; without, it holds a document of values.
    pub target_path: Option<String>,
    /// Whether that one value is taken as it is, and not read in the syntax of `helm --set`.
    pub is_literal: bool,
}

impl ChartTemplate {
    /// Its directory, for a chart that is in a Git repository, a bucket or an artifact.
    pub fn directory(&self) -> Option<String> {
        let is_path = self
            .source
            .as_ref()
            .is_some_and(|source| source.kind != "HelmRepository");
        is_path.then(|| in_artifact(&self.chart))
    }
}

pub(super) fn read(object: &Value) -> HelmRelease {
    let top = Field::of(object);
    let spec = top.get("spec");
    let target_namespace = spec.get("targetNamespace").owned();
    let name = top.get("metadata").get("name").owned().unwrap_or_default();
    let others = [
        spec.get("kubeConfig").cluster(),
        spec.get("serviceAccountName").service_account(),
        spec.get("chart").get("spec").get("verify").get("secretRef").secret(),
    ];
    HelmRelease {
        chart: chart(&spec),
        values: spec.get("values").value.filter(|values| values.is_object()).cloned(),
        values_from: spec
            .get("valuesFrom")
            .items()
            .filter_map(|item| values_from(&item))
            .collect(),
        depends_on: spec
            .get("dependsOn")
            .items()
            .filter_map(|item| item.of_kind(Role::Dependency, GROUP, "HelmRelease"))
            .collect(),
        release_name: match (spec.get("releaseName").owned(), &target_namespace) {
            (Some(written), _) => written,
            (None, Some(namespace)) => format!("{namespace}-{name}"),
            (None, None) => name,
        },
        release_namespace: target_namespace.or_else(|| top.get("metadata").get("namespace").owned()),
        creates_namespace: spec.get("install").get("createNamespace").is_true(),
        is_suspended: spec.get("suspend").is_true(),
        others: others.into_iter().flatten().collect(),
    }
}

fn chart(spec: &Field<'_>) -> Chart {
    if let Some(named) = spec.get("chartRef").source(Role::Chart) {
        return Chart::Named(named);
    }
    let template = spec.get("chart").get("spec");
    match template.get("chart").owned() {
        Some(chart) => Chart::Template(ChartTemplate {
            chart,
            ..chart_template(&template)
        }),
        None => Chart::None,
    }
}

/// What a `HelmChart` and the template of one have in common.
pub(super) fn chart_template(spec: &Field<'_>) -> ChartTemplate {
    // Only the old versions have the single one, and it goes before the others.
    let mut values_files: Vec<String> = spec.get("valuesFile").owned().into_iter().collect();
    values_files.extend(spec.get("valuesFiles").texts());
    ChartTemplate {
        chart: spec.get("chart").owned().unwrap_or_default(),
        version: spec.get("version").owned(),
        source: spec.get("sourceRef").source(Role::Source),
        values_files,
        ignores_missing_values_files: spec.get("ignoreMissingValuesFiles").is_true(),
    }
}

fn values_from(item: &Field<'_>) -> Option<ValuesFrom> {
    let key = item.get("valuesKey").owned().unwrap_or_else(|| VALUES_KEY.to_owned());
    Some(ValuesFrom {
        reference: Reference {
            key: Some(key),
            ..item.data(Role::Values)?
        },
        target_path: item.get("targetPath").owned(),
        is_literal: item.get("literal").is_true(),
    })
}

impl HelmRelease {
    pub(super) fn references(&self) -> impl Iterator<Item = &Reference> {
        let chart = match &self.chart {
            Chart::Template(template) => template.source.as_ref(),
            Chart::Named(named) => Some(named),
            Chart::None => None,
        };
        let values = self.values_from.iter().map(|from| &from.reference);
        chart
            .into_iter()
            .chain(values)
            .chain(&self.depends_on)
            .chain(&self.others)
    }

    /// The name of the `HelmChart` that helm-controller makes of a template, in the namespace of the source.
    pub fn chart_name(namespace: &str, name: &str) -> String {
        format!("{namespace}-{name}")
    }
}
