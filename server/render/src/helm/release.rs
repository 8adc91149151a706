//! What a `HelmRelease` asks to be rendered, with values from the objects that were built.

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camino::Utf8Path;
use gitops_model::flux::{
    Chart, ChartTemplate, FluxObject, FluxSpec, HelmRelease, Reference, SourceOrigin, ValuesFrom,
};
use gitops_model::kustomize::{Tree, join};
use gitops_yaml::{Dialect, FieldPath, parse};
use serde_json::{Value, json};

use super::chart::{below, local_directories, name_of, yaml};
use super::values::{Source, Stands, target_path};
use crate::{BuiltObject, Helm, HelmOwner, ReferredValues};

/// A `HelmRelease` whose chart is a directory of the tree, or such a chart with values files and nobody around it.
#[derive(Clone, Debug)]
pub struct Release {
    /// Which of the built objects it is; `None` for a bare chart.
    pub object: Option<usize>,
    /// Namespace and name of the `HelmRelease`; of a bare chart those that it is installed with.
    pub name: (String, String),
    /// What is asked of the renderer.
    pub request: Helm,
    /// Where the values come from, the strongest first.
    pub(super) sources: Vec<Source>,
    /// Which object says where the chart is, and in which field; `None` for a bare chart.
    pub(super) chart: Option<(usize, FieldPath)>,
}

/// What templates see of the cluster.
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    /// Kubernetes version, such as `1.36.3`.
    pub kubernetes_version: String,
    /// `group/version` and `group/version/Kind` that are served.
    pub api_versions: Vec<String>,
}

/// What a built object of Flux's asks for. `None` where it is no `HelmRelease`, is suspended, or where what it renders is not known here:
/// the chart is elsewhere, or values are.
///
/// `inside` says where in the tree a path of a source is, if that source is the tree.
pub fn release(
    object: usize,
    read: &FluxObject,
    objects: &[BuiltObject],
    tree: &Tree,
    inside: &dyn Fn(&Reference, &str) -> Option<String>,
    capabilities: &Capabilities,
) -> Option<Release> {
    let value = &objects.get(object)?.object;
    let FluxSpec::HelmRelease(spec) = &read.spec else {
        return None;
    };
    if spec.is_suspended {
        return None;
    }
    let namespace = read.key.namespace.clone().unwrap_or_default();
    let (template, chart) = chart_of(spec, object, objects)?;
    let path = inside(template.source.as_ref()?, &template.directory()?)?;
    if Utf8Path::new(&template.chart).extension() == Some("tgz") {
        return None;
    }
    let (values_from, sources) = referred(spec, object, &namespace, objects)?;
    let values_files = template.values_files.iter();
    let values_files = values_files
        .filter(|file| {
            let is_there = join(&path, file).is_some_and(|path| tree.text(&path).is_some());
            is_there || !template.ignores_missing_values_files
        })
        .cloned()
        .collect();
    let own = |pointer: &str| value.pointer(pointer).filter(|value| !value.is_null()).cloned();
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let request = Helm {
        path,
        values_files,
        values: spec.values.clone().unwrap_or_else(|| json!({})),
        values_from,
        release: spec.release_name.clone(),
        namespace: spec.release_namespace.clone().unwrap_or_else(|| "default".to_owned()),
        owner: Some(HelmOwner {
            namespace: namespace.clone(),
            name: read.key.name.clone(),
        }),
        post_renderers: own("/spec/postRenderers"),
        post_render_strategy: text("/spec/postRenderStrategy").to_owned(),
        common_metadata: own("/spec/commonMetadata"),
        kubernetes_version: capabilities.kubernetes_version.clone(),
        api_versions: capabilities.api_versions.clone(),
        include_crds: text("/spec/install/crds") != "Skip",
        disable_schema_validation: value.pointer("/spec/install/disableSchemaValidation") == Some(&Value::Bool(true)),
        ..Helm::default()
    };
    Some(Release {
        object: Some(object),
        name: (namespace, read.key.name.clone()),
        request,
        sources,
        chart: Some(chart),
    })
}

/// The chart of a directory with values files over its own values, each of them over the one before, as `helm install` takes
/// them: under the chart's own name, into `namespace`. A file that is not in the tree has no values.
///
/// Whoever works on a chart writes its `values.yaml` as well, so it is one of these files, the weakest.
pub fn bare(
    directory: &str,
    values_files: &[String],
    namespace: &str,
    tree: &Tree,
    capabilities: &Capabilities,
) -> Release {
    let mut values_from = Vec::new();
    let mut sources = Vec::new();
    let own = below(directory, "values.yaml");
    for file in std::iter::once(&own).chain(values_files) {
        let Some(text) = tree.text(file) else { continue };
        sources.push(Source {
            stands: Stands::File(file.clone()),
            reference: Some(values_from.len()),
            target: None,
            value: yaml(tree, "", file).unwrap_or_default(),
            is_secret: false,
            position: Some(values_from.len()),
        });
        values_from.push(ReferredValues {
            data: text.to_string(),
            target_path: String::new(),
            literal: false,
        });
    }
    sources.reverse();
    let last = directory.rsplit('/').next().unwrap_or_default().to_owned();
    let name = name_of(tree, directory).unwrap_or(last);
    let request = Helm {
        path: directory.to_owned(),
        values: json!({}),
        values_from,
        release: name.clone(),
        namespace: namespace.to_owned(),
        kubernetes_version: capabilities.kubernetes_version.clone(),
        api_versions: capabilities.api_versions.clone(),
        include_crds: true,
        ..Helm::default()
    };
    Release {
        object: None,
        name: (namespace.to_owned(), name),
        request,
        sources,
        chart: None,
    }
}

/// Where the chart is: in the release itself, or in a `HelmChart` that it names.
fn chart_of(spec: &HelmRelease, object: usize, objects: &[BuiltObject]) -> Option<(ChartTemplate, (usize, FieldPath))> {
    match &spec.chart {
        Chart::Template(template) => Some((template.clone(), (object, keys(&["spec", "chart", "spec", "chart"])))),
        Chart::Named(named) => {
            let at = objects
                .iter()
                .position(|built| is_it(&built.object, &named.kind, &named.name, named.namespace.as_deref()))?;
            let FluxSpec::Source(source) = FluxObject::read(&objects.get(at)?.object)?.spec else {
                return None;
            };
            let SourceOrigin::Chart(template) = source.origin else {
                return None;
            };
            Some((template, (at, keys(&["spec", "chart"]))))
        }
        Chart::None => None,
    }
}

/// What `valuesFrom` refers to, and all sources of values, the strongest first. `None` where one is not among the objects:
/// what it holds is not known here, or it is missing, which Flux says.
fn referred(
    spec: &HelmRelease,
    object: usize,
    namespace: &str,
    objects: &[BuiltObject],
) -> Option<(Vec<ReferredValues>, Vec<Source>)> {
    let mut values_from = Vec::new();
    let mut documents = Vec::new();
    let mut targets = Vec::new();
    for (number, from) in spec.values_from.iter().enumerate() {
        let Some((at, path, data)) = data_of(from, namespace, objects) else {
            if from.reference.is_optional {
                continue;
            }
            return None;
        };
        let target = from.target_path.as_deref().map(target_path);
        let value = if target.is_some() {
            Value::String(data.clone())
        } else {
            let parse = parse(&data);
            let first = parse.documents.first();
            first
                .and_then(|document| document.to_json(&data, Dialect::Kubectl).ok())
                .unwrap_or_default()
        };
        let source = Source {
            stands: Stands::In(at, path),
            reference: Some(number),
            target: target.clone(),
            value,
            is_secret: from.reference.kind == "Secret",
            position: Some(values_from.len()),
        };
        values_from.push(ReferredValues {
            data,
            target_path: from.target_path.clone().unwrap_or_default(),
            literal: from.is_literal,
        });
        if target.is_some() {
            targets.push(source);
        } else {
            documents.push(source);
        }
    }
    let own = Source {
        stands: Stands::In(object, keys(&["spec", "values"])),
        reference: None,
        target: None,
        value: spec.values.clone().unwrap_or_default(),
        is_secret: false,
        position: None,
    };
    let mut sources: Vec<Source> = targets.into_iter().rev().collect();
    sources.push(own);
    sources.extend(documents.into_iter().rev());
    Some((values_from, sources))
}

/// Where the object of a reference is, the field of it, and the text that stands there.
fn data_of(from: &ValuesFrom, namespace: &str, objects: &[BuiltObject]) -> Option<(usize, FieldPath, String)> {
    let reference = &from.reference;
    let at = objects
        .iter()
        .position(|built| is_it(&built.object, &reference.kind, &reference.name, Some(namespace)))?;
    let value = &objects.get(at)?.object;
    let key = reference.key.as_deref()?;
    // What SOPS has encrypted is another text on the cluster.
    if value.get("sops").is_some() {
        return None;
    }
    let is_secret = reference.kind == "Secret";
    if let Some(text) = value
        .get("stringData")
        .and_then(|data| data.get(key))
        .filter(|_| is_secret)
    {
        return Some((at, keys(&["stringData", key]), text.as_str()?.to_owned()));
    }
    let text = value.get("data")?.get(key)?.as_str()?;
    let text = if is_secret {
        String::from_utf8(STANDARD.decode(text).ok()?).ok()?
    } else {
        text.to_owned()
    };
    Some((at, keys(&["data", key]), text))
}

fn is_it(object: &Value, kind: &str, name: &str, namespace: Option<&str>) -> bool {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    text("/kind") == Some(kind)
        && text("/metadata/name") == Some(name)
        && text("/metadata/namespace").unwrap_or_default() == namespace.unwrap_or_default()
}

/// A path of keys.
pub(super) fn keys(keys: &[&str]) -> FieldPath {
    let mut path = FieldPath::new();
    for key in keys {
        path.push_key(*key);
    }
    path
}

impl Release {
    /// The values files of a bare chart, each with its number in [`Helm::values_from`].
    pub fn values_files(&self) -> impl Iterator<Item = (&str, usize)> {
        self.sources.iter().filter_map(|source| match &source.stands {
            Stands::File(file) => Some((file.as_str(), source.position?)),
            Stands::In(..) => None,
        })
    }

    /// A number that is another one as soon as something is that the renderer looks at: the request, a file of the chart.
    pub fn fingerprint(&self, tree: &Tree) -> u64 {
        let mut hasher = DefaultHasher::new();
        serde_json::to_string(&self.request)
            .unwrap_or_default()
            .hash(&mut hasher);
        for directory in local_directories(tree, &self.request.path) {
            for (path, text) in tree.below(&directory) {
                (path, text).hash(&mut hasher);
            }
        }
        for file in &self.request.values_files {
            let path = join(&self.request.path, file);
            (file, path.and_then(|path| tree.text(&path))).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The text with what Secrets hold taken out of it.
    pub fn without_secrets(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for source in self.sources.iter().filter(|source| source.is_secret) {
            hide(&source.value, &mut text);
        }
        text
    }
}

/// Shorter ones are no secrets, and stand in many words.
const SHORTEST_SECRET: usize = 3;

fn hide(value: &Value, text: &mut String) {
    match value {
        Value::Object(entries) => entries.values().for_each(|value| hide(value, text)),
        Value::Array(items) => items.iter().for_each(|value| hide(value, text)),
        Value::String(secret) => {
            for line in secret.lines().map(str::trim) {
                if line.len() >= SHORTEST_SECRET && text.contains(line) {
                    *text = text.replace(line, "…");
                }
            }
        }
        Value::Number(number) if number.to_string().len() >= SHORTEST_SECRET => {
            *text = text.replace(&number.to_string(), "…");
        }
        _ => {}
    }
}
