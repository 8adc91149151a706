//! Kinds that a CRD of the workspace defines, so that they are known before they are served.

use gitops_model::Gvk;
use serde_json::{Map, Value, json};

use crate::builder::GraphBuilder;
use crate::open_api::OpenApi;

/// The fields of `metadata`, which a CRD does not write out and the server adds.
const METADATA: &[(&str, &str)] = &[
    ("annotations", "map"),
    ("creationTimestamp", "string"),
    ("deletionGracePeriodSeconds", "integer"),
    ("deletionTimestamp", "string"),
    ("finalizers", "list"),
    ("generateName", "string"),
    ("generation", "integer"),
    ("labels", "map"),
    ("managedFields", "any"),
    ("name", "string"),
    ("namespace", "string"),
    ("ownerReferences", "any"),
    ("resourceVersion", "string"),
    ("selfLink", "string"),
    ("uid", "string"),
];

/// The kinds that a `CustomResourceDefinition` defines, one document per version; empty for anything else.
pub(crate) fn documents(definition: &Value) -> Vec<(Gvk, OpenApi)> {
    let is_definition = definition.get("kind").and_then(Value::as_str) == Some("CustomResourceDefinition");
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (group, kind) = (text("/spec/group"), text("/spec/names/kind"));
    if !is_definition || group.is_empty() || kind.is_empty() {
        return Vec::new();
    }
    let versions = definition
        .pointer("/spec/versions")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    versions
        .iter()
        .filter_map(|version| {
            let name = version
                .get("name")
                .and_then(Value::as_str)
                .filter(|name| !name.is_empty())?;
            let schema = version
                .pointer("/schema/openAPIV3Schema")
                .cloned()
                .unwrap_or_else(|| json!({}));
            let gvk = Gvk {
                group: group.to_owned(),
                version: name.to_owned(),
                kind: kind.to_owned(),
            };
            let mut builder = GraphBuilder::default();
            let root = builder.add(&with_object_fields(schema))?;
            Some((
                gvk.clone(),
                OpenApi {
                    graph: builder.finish(),
                    roots: vec![(gvk, root)],
                },
            ))
        })
        .collect()
}

/// The schema with the fields that every object has.
fn with_object_fields(mut schema: Value) -> Value {
    let Some(map) = schema.as_object_mut() else {
        return json!({});
    };
    let properties = map.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    if let Some(properties) = properties.as_object_mut() {
        for name in ["apiVersion", "kind"] {
            properties.entry(name).or_insert_with(|| json!({"type": "string"}));
        }
        let metadata = properties
            .entry("metadata")
            .or_insert_with(|| json!({"type": "object"}));
        if let Some(metadata) = metadata.as_object_mut() {
            let fields = metadata
                .entry("properties")
                .or_insert_with(|| Value::Object(Map::new()));
            if let Some(fields) = fields.as_object_mut() {
                for (name, kind) in METADATA {
                    fields.entry(*name).or_insert_with(|| metadata_field(kind));
                }
            }
        }
    }
    schema
}

fn metadata_field(kind: &str) -> Value {
    match kind {
        "map" => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        "list" => json!({"type": "array", "items": {"type": "string"}}),
        "any" => json!({"type": "array", "items": {"type": "object"}}),
        scalar => json!({"type": scalar}),
    }
}
