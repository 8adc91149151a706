//! Flux's sources.

use serde_json::Value;

use super::helm_release::{ChartTemplate, chart_template};
use super::reference::{Reference, Role, SOURCE_GROUP};
use super::spec::Field;

/// Something that source-controller fetches, or that another controller puts in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceObject {
    /// What is fetched.
    pub origin: SourceOrigin,
    /// Artifacts of others that are put into its own.
    pub includes: Vec<Include>,
    /// Patterns of what is left out, in the syntax of `.gitignore`, instead of the usual ones.
    pub ignore: Option<String>,
    /// Whether it is suspended.
    pub is_suspended: bool,
    /// Everything else that it names.
    pub others: Vec<Reference>,
}

/// Where a source comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SourceOrigin {
    /// A `GitRepository` with its URL. The directories are those that are fetched; none for all.
    Git {
        /// Its URL.
        url: String,
        /// `sparseCheckout`.
        directories: Vec<String>,
    },
    /// An `OCIRepository` with its URL (`oci://…`).
    Oci {
        /// Its URL.
        url: String,
    },
    /// A `HelmRepository` with its URL.
    Helm {
        /// Its URL.
        url: String,
        /// Whether it is a registry; there is no index to look versions up in.
        is_oci: bool,
    },
    /// A `Bucket`.
    Bucket {
        /// Where it is served.
        endpoint: String,
        /// Its name.
        name: String,
    },
    /// A `HelmChart`: a chart of another source.
    Chart(ChartTemplate),
    /// An `ExternalArtifact`, and the object whose controller makes it.
    External(Option<Reference>),
}

/// One artifact that is put into another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Include {
    /// The `GitRepository`.
    pub reference: Reference,
    /// Which part of it.
    pub from: String,
    /// Where it is put: by default into a directory of its name.
    pub to: String,
}

/// Reads an object of a kind of [`SOURCE_GROUP`].
pub(super) fn read(kind: &str, object: &Value) -> Option<SourceObject> {
    let spec = Field::of(object).get("spec");
    let url = || spec.get("url").owned().unwrap_or_default();
    let origin = match kind {
        "GitRepository" => SourceOrigin::Git {
            url: url(),
            directories: spec.get("sparseCheckout").texts(),
        },
        "OCIRepository" => SourceOrigin::Oci { url: url() },
        "HelmRepository" => {
            let url = url();
            SourceOrigin::Helm {
                is_oci: spec.get("type").text() == Some("oci") || url.starts_with("oci://"),
                url,
            }
        }
        "Bucket" => SourceOrigin::Bucket {
            endpoint: spec.get("endpoint").owned().unwrap_or_default(),
            name: spec.get("bucketName").owned().unwrap_or_default(),
        },
        "HelmChart" => SourceOrigin::Chart(chart_template(&spec)),
        "ExternalArtifact" => SourceOrigin::External(spec.get("sourceRef").source(Role::Source)),
        _ => return None,
    };
    let others = [
        spec.get("secretRef").secret(),
        spec.get("certSecretRef").secret(),
        spec.get("proxySecretRef").secret(),
        spec.get("verify").get("secretRef").secret(),
        spec.get("serviceAccountName").service_account(),
    ];
    Some(SourceObject {
        origin,
        includes: spec.get("include").items().filter_map(|item| include(&item)).collect(),
        ignore: spec.get("ignore").value.and_then(Value::as_str).map(str::to_owned),
        is_suspended: spec.get("suspend").is_true(),
        others: others.into_iter().flatten().collect(),
    })
}

fn include(item: &Field<'_>) -> Option<Include> {
    let reference = item
        .get("repository")
        .local(Role::Include, SOURCE_GROUP, "GitRepository")?;
    Some(Include {
        from: item.get("fromPath").owned().unwrap_or_default(),
        to: item.get("toPath").owned().unwrap_or_else(|| reference.name.clone()),
        reference,
    })
}

impl SourceObject {
    pub(super) fn references(&self) -> impl Iterator<Item = &Reference> {
        let source = match &self.origin {
            SourceOrigin::Chart(template) => template.source.as_ref(),
            SourceOrigin::External(source) => source.as_ref(),
            _ => None,
        };
        let includes = self.includes.iter().map(|include| &include.reference);
        source.into_iter().chain(includes).chain(&self.others)
    }
}
