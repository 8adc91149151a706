//! All that is known about kinds: what the server publishes, and what CRDs of the workspace define.

use std::collections::BTreeMap;

use gitops_model::Gvk;
use gitops_yaml::FieldPath;
use serde_json::Value;

use crate::definition;
use crate::field_type::{FieldKind, FieldType, Rule};
use crate::graph::NodeId;
use crate::open_api::OpenApi;

/// How many quantities of one object are found.
const MAX_QUANTITIES: usize = 10_000;

/// Schemas by group version.
///
/// What the server publishes goes before what a CRD of the workspace defines: it is what judges.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    served: BTreeMap<String, OpenApi>,
    defined: BTreeMap<Gvk, OpenApi>,
}

impl Schemas {
    /// Puts in the document of a group version, e.g. `apps/v1`, in place of an older one.
    pub fn insert(&mut self, group_version: &str, document: OpenApi) {
        self.served.insert(group_version.to_owned(), document);
    }

    /// Whether the document of a group version is there.
    pub fn has(&self, group_version: &str) -> bool {
        self.served.contains_key(group_version)
    }

    /// Puts in the kinds that a `CustomResourceDefinition` defines, in place of older ones; gives their names. Nothing for any other object.
    pub fn define(&mut self, definition: &Value) -> Vec<Gvk> {
        let documents = definition::documents(definition);
        documents
            .into_iter()
            .map(|(kind, document)| {
                self.defined.insert(kind.clone(), document);
                kind
            })
            .collect()
    }

    /// Forgets a kind that a CRD of the workspace defined.
    pub fn forget(&mut self, kind: &Gvk) {
        self.defined.remove(kind);
    }

    /// Whether anything is known about a kind.
    pub fn knows(&self, gvk: &Gvk) -> bool {
        self.find(gvk).is_some()
    }

    /// The kinds that are known, in a fixed order.
    pub fn kinds(&self) -> impl Iterator<Item = &Gvk> {
        self.served.values().flat_map(OpenApi::kinds).chain(self.defined.keys())
    }

    /// The names of the properties of the map at a path; empty when they are not known or free.
    pub fn fields(&self, gvk: &Gvk, path: &FieldPath) -> Vec<String> {
        self.at(gvk, path)
            .map(|(document, node)| document.graph.property_names(node))
            .unwrap_or_default()
    }

    /// What is known about the field at a path; `None` when the kind is not known or has no such field.
    pub fn field_type(&self, gvk: &Gvk, path: &FieldPath) -> Option<FieldType> {
        self.at(gvk, path)
            .map(|(document, node)| document.graph.field_type(node))
    }

    /// The validation rules (`x-kubernetes-validations`) at exactly this place.
    pub fn rules(&self, gvk: &Gvk, path: &FieldPath) -> Vec<Rule> {
        self.at(gvk, path)
            .map(|(document, node)| document.graph.rules(node))
            .unwrap_or_default()
    }

    /// The fields of this object that are quantities by their schema, with the text written there, in the object's order.
    pub fn quantity_paths(&self, gvk: &Gvk, object: &Value) -> Vec<(FieldPath, String)> {
        let Some((document, root)) = self.find(gvk) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut stack = vec![(FieldPath::new(), root, object)];
        while let Some((path, node, value)) = stack.pop() {
            if found.len() >= MAX_QUANTITIES {
                break;
            }
            match value {
                Value::Object(map) => {
                    stack.extend(map.iter().rev().filter_map(|(key, below)| {
                        let mut longer = path.clone();
                        longer.push_key(key.as_str());
                        Some((
                            longer.clone(),
                            document.graph.step(node, longer.steps().last()?)?,
                            below,
                        ))
                    }));
                }
                Value::Array(items) => {
                    stack.extend(items.iter().enumerate().rev().filter_map(|(index, below)| {
                        let mut longer = path.clone();
                        longer.push_index(index);
                        Some((
                            longer.clone(),
                            document.graph.step(node, longer.steps().last()?)?,
                            below,
                        ))
                    }));
                }
                scalar if document.graph.kind(node) == FieldKind::Quantity => {
                    let text = scalar.as_str().map_or_else(|| scalar.to_string(), str::to_owned);
                    found.push((path, text));
                }
                _ => {}
            }
        }
        found
    }

    /// Bytes that are held, about.
    pub fn bytes(&self) -> usize {
        self.served
            .values()
            .chain(self.defined.values())
            .map(OpenApi::bytes)
            .sum()
    }

    fn find(&self, gvk: &Gvk) -> Option<(&OpenApi, NodeId)> {
        let served = self
            .served
            .get(&gvk.api_version())
            .and_then(|document| Some((document, document.root(gvk)?)));
        served.or_else(|| {
            self.defined
                .get(gvk)
                .and_then(|document| Some((document, document.root(gvk)?)))
        })
    }

    fn at(&self, gvk: &Gvk, path: &FieldPath) -> Option<(&OpenApi, NodeId)> {
        let (document, root) = self.find(gvk)?;
        document.graph.walk(root, path).map(|node| (document, node))
    }
}
