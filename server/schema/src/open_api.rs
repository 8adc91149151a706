//! One group version's document, as the server publishes it under `/openapi/v3`.

use std::fmt;

use gitops_model::Gvk;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::builder::GraphBuilder;
use crate::graph::{Graph, NodeId};

/// One group version's document: its kinds and their schemas.
#[derive(Clone, Debug, Default)]
pub struct OpenApi {
    pub(crate) graph: Graph,
    /// The kinds that the document describes.
    pub(crate) roots: Vec<(Gvk, NodeId)>,
}

/// The document is not one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// What is wrong, with line and column.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for ParseError {}

/// The part of a document that is kept; the paths of its requests, which are most of it, are read over.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Document {
    components: Components,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Components {
    schemas: Map<String, Value>,
}

impl OpenApi {
    /// Reads a document. What of it is no schema is left out; only what is not JSON at all is an error.
    pub fn parse(json: &[u8]) -> Result<Self, ParseError> {
        let document: Document = serde_json::from_slice(json).map_err(|error| ParseError {
            message: error.to_string(),
        })?;
        let schemas = document.components.schemas;
        let mut builder = GraphBuilder::default();
        // Names first: schemas refer to each other in circles.
        let named: Vec<(&String, &Value, NodeId)> = schemas
            .iter()
            .filter_map(|(name, schema)| Some((name, schema, builder.reserve(name)?)))
            .collect();
        let mut roots = Vec::new();
        for (name, schema, id) in named {
            builder.fill(name, id, schema);
            roots.extend(kinds_of(schema).into_iter().map(|kind| (kind, id)));
        }
        roots.shrink_to_fit();
        Ok(Self {
            graph: builder.finish(),
            roots,
        })
    }

    /// The kinds that the document describes.
    pub fn kinds(&self) -> impl Iterator<Item = &Gvk> {
        self.roots.iter().map(|(kind, _)| kind)
    }

    /// Bytes that are held, about.
    pub fn bytes(&self) -> usize {
        self.graph.bytes()
    }

    pub(crate) fn root(&self, kind: &Gvk) -> Option<NodeId> {
        self.roots.iter().find(|(known, _)| known == kind).map(|(_, id)| *id)
    }
}

/// The kinds that a schema is of (`x-kubernetes-group-version-kind`).
fn kinds_of(schema: &Value) -> Vec<Gvk> {
    let listed = schema
        .get("x-kubernetes-group-version-kind")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let text = |kind: &Value, key: &str| kind.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    listed
        .iter()
        .map(|kind| Gvk {
            group: text(kind, "group"),
            version: text(kind, "version"),
            kind: text(kind, "kind"),
        })
        .filter(|kind| !kind.kind.is_empty())
        .collect()
}
