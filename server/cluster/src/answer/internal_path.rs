//! From the field that the server names to the one that the person wrote.
//!
//! Some validations run on the server's internal form of an object, whose fields are elsewhere or filled in from others.

use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::sent::{existing, first_key, keys, value_at, with_index, with_key};
use super::{Context, validation_path};

/// The field that a cause names, as it is written in what was sent as far as that can be told.
pub(super) fn resolve(context: &Context<'_>, field: &str) -> FieldPath {
    let path = validation_path::resolve(field, context.sent);
    if value_at(context.sent, &path).is_some() {
        return path;
    }
    let path = request_of(path);
    let others = others(context, &path);
    if let Some(whole) = others.iter().find(|other| value_at(context.sent, other).is_some()) {
        return whole.clone();
    }
    let found = existing(context.sent, &path).len();
    others
        .into_iter()
        .map(|other| (existing(context.sent, &other).len(), other))
        .filter(|(length, _)| *length > found + 1)
        .max_by_key(|(length, _)| *length)
        .map_or(path, |(_, other)| other)
}

/// `resources[storage]` stands for the request.
fn request_of(path: FieldPath) -> FieldPath {
    let (Some(Step::Key(resource)), Some(parent)) = (path.steps().last(), path.parent()) else {
        return path;
    };
    if parent.last_key() != Some("resources") || matches!(resource.as_ref(), "requests" | "limits" | "claims") {
        return path;
    }
    with_key(&with_key(&parent, "requests"), resource)
}

/// Other places where the field could have been written.
fn others(context: &Context<'_>, path: &FieldPath) -> Vec<FieldPath> {
    let mut found = Vec::new();
    // Some validations write a field as Go does (`spec.LoadBalancerSourceRanges`).
    found.extend(ignoring_case(context.sent, path));
    if context.gvk.kind == "CustomResourceDefinition" {
        found.extend(definition_paths(context, path));
    }
    // `spec.clusterIPs[0]` is filled in from `spec.clusterIP`.
    if path.starts_with(&keys(&["spec", "clusterIPs"])) {
        found.push(keys(&["spec", "clusterIP"]));
    }
    if path.starts_with(&keys(&["spec", "ipFamilies"])) {
        found.push(keys(&["spec", "ipFamilyPolicy"]));
    }
    // What is written as plain text is validated as data.
    if context.gvk.kind == "Secret" && first_key(path) == Some("data") {
        found.push(keys(&["stringData"]).join(&path.steps().iter().skip(1).cloned().collect()));
    }
    // Some validations forget that they are below `spec` (`volumeMode`).
    if first_key(path).is_some_and(|key| !matches!(key, "spec" | "metadata")) {
        found.push(keys(&["spec"]).join(path));
    }
    found
}

/// The path as it is written, if only capitals differ.
fn ignoring_case(sent: &Value, path: &FieldPath) -> Option<FieldPath> {
    let mut written = FieldPath::new();
    for step in path.steps() {
        let step = match (step, value_at(sent, &written)?) {
            (Step::Key(key), Value::Object(map)) if !map.contains_key(&**key) => {
                let (name, _) = map.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
                Step::Key(name.as_str().into())
            }
            _ => step.clone(),
        };
        written.push(step);
    }
    Some(written)
}

/// In a definition with one version, the internal form has that version's fields directly below `spec`.
fn definition_paths(context: &Context<'_>, path: &FieldPath) -> Vec<FieldPath> {
    let versions = context
        .sent
        .pointer("/spec/versions")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let below_spec: FieldPath = path.steps().iter().skip(1).cloned().collect();
    let rest: FieldPath = match first_key(&below_spec) {
        // `spec.validation.openAPIV3Schema` is `schema.openAPIV3Schema` of the version.
        Some("validation") => {
            let mut renamed = FieldPath::new();
            renamed.push_key("schema");
            renamed.join(&below_spec.steps().iter().skip(1).cloned().collect())
        }
        Some("subresources" | "additionalPrinterColumns" | "selectableFields") => below_spec,
        Some("version") => keys(&["name"]),
        _ => return Vec::new(),
    };
    (0..versions)
        .map(|index| with_index(&keys(&["spec", "versions"]), index).join(&rest))
        .collect()
}
