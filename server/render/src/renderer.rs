//! The port to the renderer: what can be asked of whoever builds objects exactly as Flux does.
//!
//! The renderer holds a tree of files in memory. It reads nothing else: no disk, no network, no program.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Builds objects as Flux does. Answers come in any order; each call has a deadline of its own.
pub trait Renderer: Send + Sync {
    /// Changes the tree. Paths are relative to the root of the source, `/`-separated; `None` removes a file.
    ///
    /// What is asked afterwards sees the change.
    fn change<'a>(&'a self, tree: &'a str, files: BTreeMap<String, Option<String>>) -> BoxFuture<'a, Result<(), Gone>>;

    /// Builds a kustomization, as kustomize-controller does.
    fn kustomize<'a>(&'a self, request: &'a Kustomize) -> BoxFuture<'a, Result<Built, Gone>>;

    /// Renders a chart, as helm-controller does.
    fn helm<'a>(&'a self, request: &'a Helm) -> BoxFuture<'a, Result<Built, Gone>>;
}

/// The renderer is not there, or took too long and was ended. It is started anew for the next request.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the renderer {reason}")]
pub struct Gone {
    /// What became of it, such as `took longer than 10 s`.
    pub reason: String,
}

/// What is built of a directory.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kustomize {
    /// Which tree.
    pub tree: String,
    /// The directory, relative to the root of the tree.
    pub path: String,
    /// The Flux `Kustomization` whose `path` this is, as it is on the cluster: its patches, images, components, labels,
    /// `targetNamespace` and the rest are added as kustomize-controller adds them. `None` for a bare kustomization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kustomization: Option<Arc<Value>>,
    /// Values for `${VAR}`, already merged from `substituteFrom` and `substitute`; `None` where nobody substitutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables: Option<BTreeMap<String, String>>,
    /// Whether a variable that has no value is a fault.
    pub strict: bool,
    /// Files that are different for this request only: what a buffer holds, what is tried. `None` for one that is gone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub overlay: BTreeMap<String, Option<String>>,
    /// The slice: only these objects come out, with what generators make, and only what feeds them is built. Where that is not
    /// sure to be the same as in the whole, the whole is built. Empty for the whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<ObjectId>,
    /// Whether each object says where it came from ([`BuiltObject::origin`]); costs about half as much again.
    pub origins: bool,
}

/// An object by its identity in what is built.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectId {
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// As it is built; empty for none.
    pub namespace: String,
    /// As it is built: with prefix, suffix and hash.
    pub name: String,
}

/// What is rendered of a chart.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of Helm's own, independent of the others"
)]
pub struct Helm {
    /// Which tree.
    pub tree: String,
    /// The directory of the chart, relative to the root of the tree; ignored when there is an `archive`.
    pub path: String,
    /// A packaged chart (`.tgz`), in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
    /// Values files that are merged and take the place of the chart's own `values.yaml`, relative to the chart; for a chart
    /// in the tree they may lie outside of it (`../values.yaml`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values_files: Vec<String>,
    /// The values in the `HelmRelease` itself.
    pub values: Value,
    /// What `spec.valuesFrom` refers to, in its order; merged with `values` as helm-controller merges them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values_from: Vec<ReferredValues>,
    /// Changes of the merged values, for this request only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Whether the merged values come back ([`Built::values`]).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub report_values: bool,
    /// Name of the release.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The `HelmRelease`, whose name helm-controller puts on each object as a label. `None` for a bare chart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<HelmOwner>,
    /// `spec.postRenderers` of the `HelmRelease`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_renderers: Option<Value>,
    /// `spec.postRenderStrategy` of the `HelmRelease`; empty for helm-controller's default.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub post_render_strategy: String,
    /// `spec.commonMetadata` of the `HelmRelease`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_metadata: Option<Value>,
    /// Kubernetes version that templates see, such as `1.36.3`.
    pub kubernetes_version: String,
    /// `group/version` and `group/version/Kind` that templates see as served; empty for what Helm knows by itself.
    pub api_versions: Vec<String>,
    /// Whether CRDs of the chart are among the objects.
    pub include_crds: bool,
    /// Whether it is an upgrade, which templates can ask.
    pub is_upgrade: bool,
    /// Whether values are not held against `values.schema.json`.
    pub disable_schema_validation: bool,
    /// Files that are different for this request only.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub overlay: BTreeMap<String, Option<String>>,
}

/// What one entry of `spec.valuesFrom` refers to.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferredValues {
    /// The text under the key.
    pub data: String,
    /// Where it goes, for one that is a single value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub target_path: String,
    /// Whether that value is not read in the syntax of `helm --set`.
    pub literal: bool,
}

/// The text may be that of a Secret.
impl std::fmt::Debug for ReferredValues {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "ReferredValues({} bytes)", self.data.len())
    }
}

/// A change of the merged values.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Keys, and numbers of items.
    pub path: Vec<Value>,
    /// What stands there then.
    pub value: Value,
    /// Whether it is taken away instead.
    pub delete: bool,
}

/// A `HelmRelease`, by its identity.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HelmOwner {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What came out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Built {
    /// The objects, in the order in which they are applied.
    pub objects: Vec<BuiltObject>,
    /// Why nothing could be built. Paths in it are those of the tree.
    pub fault: Option<Fault>,
    /// What could be built but is noteworthy, such as a deprecated field.
    pub warnings: Vec<String>,
    /// The user's values as they were merged, where they were asked for.
    pub values: Option<Value>,
}

/// An object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BuiltObject {
    /// The object, without annotations that only say where it came from. Shared: as long as this is the same one, nothing of
    /// it has changed.
    pub object: Arc<Value>,
    /// The file that brings it, or the generator (kustomize), or the template (Helm).
    pub origin: Option<OriginNote>,
    /// What was run over it on its way, first to last, whether it changed something or not. A slice leaves out patches that
    /// name other objects.
    pub transformations: Vec<OriginNote>,
    /// Whether it is a hook of Helm.
    pub hook: bool,
}

/// Where something came from: `config.kubernetes.io/origin` and `alpha.config.kubernetes.io/transformations` of kustomize.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OriginNote {
    /// The file of the object, relative to the root of the tree; empty for what a generator makes.
    pub path: String,
    /// The kustomization file with the generator or transformer, relative to the root of the tree.
    pub configured_in: String,
    /// Kind of the generator or transformer, such as `ConfigMapGenerator` or `PatchTransformer`.
    pub configured_by: String,
    /// Name in `configured_by`, where it has one.
    pub configured_by_name: String,
}

/// Why nothing could be built.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Fault {
    /// Which step failed: `load`, `build`, `substitute`, `values`, `schema`, `template`, `post-render`.
    pub step: String,
    /// The words of kustomize or Helm, with paths of the tree.
    pub message: String,
    /// The object that it is about, where that is known.
    pub object: Option<ObjectId>,
}
