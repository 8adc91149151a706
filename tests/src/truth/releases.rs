//! What the releases among the built objects install, where their chart is in the repository.

use std::collections::BTreeMap;

use gitops_model::flux::{Chart, FluxObject, FluxSpec, HelmRelease};
use gitops_render::{Helm, HelmOwner};
use gitops_yaml::Dialect;
use serde_json::{Map, Value};

use super::trees::WORK_TREE;
use super::units::{data_of, find};

/// The version of Kubernetes that the sandbox runs.
const KUBERNETES: &str = "1.36.3";

/// A release of a chart of the repository.
#[derive(Clone, Debug)]
pub struct Release {
    /// Namespace and name of the `HelmRelease`.
    pub name: (String, String),
    /// The directory of the chart.
    pub chart: String,
    /// What is asked of the renderer.
    pub request: Helm,
}

/// The release that an object stands for; `None` where it is none, or its chart is elsewhere.
pub fn of_object(object: &Value, objects: &[&Value]) -> Option<Release> {
    let read = FluxObject::read(object)?;
    let FluxSpec::HelmRelease(release) = read.spec else {
        return None;
    };
    let Chart::Template(template) = &release.chart else {
        return None;
    };
    if template.source.as_ref()?.kind != "GitRepository" || release.is_suspended {
        return None;
    }
    let chart = template.directory()?;
    let namespace = read.key.namespace.unwrap_or_default();
    let depth = chart.split('/').filter(|part| !part.is_empty()).count();
    let values_files = template.values_files.iter();
    let spec = |key: &str| object.get("spec").and_then(|spec| spec.get(key)).cloned();
    let request = Helm {
        tree: WORK_TREE.to_owned(),
        path: chart.clone(),
        values_files: values_files
            .map(|file| format!("{}{}", "../".repeat(depth), gitops_model::flux::in_artifact(file)))
            .collect(),
        values: values_of(&release, &namespace, objects),
        release: release.release_name.clone(),
        namespace: release.release_namespace.clone().unwrap_or_else(|| namespace.clone()),
        owner: Some(HelmOwner {
            namespace: namespace.clone(),
            name: read.key.name.clone(),
        }),
        post_renderers: spec("postRenderers"),
        common_metadata: spec("commonMetadata"),
        kubernetes_version: KUBERNETES.to_owned(),
        include_crds: false,
        ..Helm::default()
    };
    Some(Release {
        name: (namespace, read.key.name),
        chart,
        request,
    })
}

/// The values, merged as helm-controller merges them: those of other objects in their order, then its own.
fn values_of(release: &HelmRelease, namespace: &str, objects: &[&Value]) -> Value {
    let mut values = Value::Object(Map::new());
    for from in &release.values_from {
        let data = find(&from.reference, namespace, objects)
            .map(data_of)
            .unwrap_or_default();
        let Some(text) = from.reference.key.as_ref().and_then(|key| data.get(key)) else {
            continue;
        };
        let read = yaml(text);
        match &from.target_path {
            None => merge(&mut values, &read.unwrap_or_default()),
            Some(path) => {
                let value = if from.is_literal {
                    Value::String(text.clone())
                } else {
                    read.unwrap_or_default()
                };
                put(&mut values, path, value);
            }
        }
    }
    if let Some(own) = &release.values {
        merge(&mut values, own);
    }
    values
}

fn yaml(text: &str) -> Option<Value> {
    let parsed = gitops_yaml::parse(text);
    parsed.documents.first()?.to_json(text, Dialect::Kustomize).ok()
}

fn merge(values: &mut Value, over: &Value) {
    match (values, over) {
        (Value::Object(values), Value::Object(over)) => {
            for (key, value) in over {
                merge(values.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (values, over) => values.clone_from(over),
    }
}

fn put(values: &mut Value, path: &str, value: Value) {
    let over = path.rsplit('.').fold(value, |inner, key| {
        Value::Object(Map::from_iter([(key.to_owned(), inner)]))
    });
    merge(values, &over);
}

/// Overlays for a broken file, relative to the root of the work tree.
pub fn with_overlay(release: &Release, overlay: &BTreeMap<String, Option<String>>) -> Helm {
    Helm {
        overlay: overlay.clone(),
        ..release.request.clone()
    }
}
