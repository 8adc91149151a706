//! From the JSON of schemas to a graph.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::field_type::FieldKind;
use crate::graph::{Graph, Node, NodeId, Row};
use crate::texts::{TextId, TextsBuilder};

/// How deep schemas are followed into each other; definitions of real kinds stay below 40.
const MAX_DEPTH: usize = 200;
/// How many schemas of one document are kept; the largest of Kubernetes has about 5,000.
const MAX_NODES: usize = 1_000_000;

/// The quantity of Kubernetes, as its document calls it.
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const REFERENCE: &str = "#/components/schemas/";
/// How every generated CRD writes a quantity: a pattern that begins like this.
const QUANTITY_PATTERN: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)";

/// Builds a graph.
#[derive(Debug, Default)]
pub(crate) struct GraphBuilder {
    texts: TextsBuilder,
    graph: Graph,
    components: HashMap<Box<str>, NodeId>,
}

impl GraphBuilder {
    /// Makes room for a named schema, so that others can refer to it before it is read.
    pub(crate) fn reserve(&mut self, name: &str) -> Option<NodeId> {
        let id = self.push(Node::default())?;
        self.components.insert(name.into(), id);
        Some(id)
    }

    /// Reads a named schema into the room that was made for it.
    pub(crate) fn fill(&mut self, name: &str, id: NodeId, schema: &Value) {
        let mut node = self.read(schema, 0);
        if name == QUANTITY {
            node.kind = FieldKind::Quantity;
        }
        if let Some(place) = self.graph.nodes.get_mut(id.0 as usize) {
            *place = node;
        }
    }

    /// Reads a schema that has no name.
    pub(crate) fn add(&mut self, schema: &Value) -> Option<NodeId> {
        self.add_at(schema, 0)
    }

    pub(crate) fn finish(self) -> Graph {
        let mut graph = self.graph;
        graph.texts = self.texts.finish();
        graph.shrink();
        graph
    }

    fn push(&mut self, node: Node) -> Option<NodeId> {
        let id = u32::try_from(self.graph.nodes.len())
            .ok()
            .filter(|_| self.graph.nodes.len() < MAX_NODES)?;
        self.graph.nodes.push(node);
        Some(NodeId(id))
    }

    fn add_at(&mut self, schema: &Value, depth: usize) -> Option<NodeId> {
        if depth > MAX_DEPTH || !schema.is_object() {
            return None;
        }
        // A schema that only refers to a named one is that one.
        if let Some(id) = only_reference(schema).and_then(|name| self.components.get(name)) {
            return Some(*id);
        }
        let node = self.read(schema, depth);
        self.push(node)
    }

    fn read(&mut self, schema: &Value, depth: usize) -> Node {
        let Some(map) = schema.as_object() else {
            return Node::default();
        };
        let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
        let default = map
            .get("default")
            .filter(|value| !is_empty(value))
            .map(Value::to_string)
            .unwrap_or_default();
        Node {
            kind: kind_of(map),
            keeps_unknown: map
                .get("x-kubernetes-preserve-unknown-fields")
                .and_then(Value::as_bool)
                .unwrap_or_default(),
            format: self.texts.add(text("format")),
            description: self.texts.add(text("description")),
            default: self.texts.add(&default),
            properties: self.properties(map, depth),
            parts: self.parts(map, depth),
            enumeration: self.words(map.get("enum")),
            list_keys: self.words(map.get("x-kubernetes-list-map-keys")),
            required: self.words(map.get("required")),
            rules: self.rules(map.get("x-kubernetes-validations")),
            items: map.get("items").and_then(|items| self.add_at(items, depth + 1)),
            additional: map
                .get("additionalProperties")
                .and_then(|values| self.add_at(values, depth + 1)),
        }
    }

    fn properties(&mut self, map: &Map<String, Value>, depth: usize) -> Row {
        let Some(properties) = map.get("properties").and_then(Value::as_object) else {
            return Row::default();
        };
        let mut found = Vec::with_capacity(properties.len());
        for (name, schema) in properties {
            if let Some(id) = self.add_at(schema, depth + 1) {
                found.push((self.texts.add(name), id));
            }
        }
        append(&mut self.graph.properties, found)
    }

    fn parts(&mut self, map: &Map<String, Value>, depth: usize) -> Row {
        let mut found = Vec::new();
        let reference = map
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|name| name.strip_prefix(REFERENCE));
        found.extend(reference.and_then(|name| self.components.get(name)).copied());
        for part in map
            .get("allOf")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice)
        {
            found.extend(self.add_at(part, depth + 1));
        }
        append(&mut self.graph.ids, found)
    }

    fn words(&mut self, list: Option<&Value>) -> Row {
        let Some(list) = list.and_then(Value::as_array) else {
            return Row::default();
        };
        let found: Vec<TextId> = list
            .iter()
            .filter_map(|word| match word {
                Value::String(word) => Some(self.texts.add(word)),
                Value::Number(_) | Value::Bool(_) => Some(self.texts.add(&word.to_string())),
                _ => None,
            })
            .filter(|word| !word.is_empty())
            .collect();
        append(&mut self.graph.words, found)
    }

    fn rules(&mut self, list: Option<&Value>) -> Row {
        let Some(list) = list.and_then(Value::as_array) else {
            return Row::default();
        };
        let found = list
            .iter()
            .filter_map(|rule| {
                let mut text = |key: &str| {
                    self.texts
                        .add(rule.get(key).and_then(Value::as_str).unwrap_or_default().trim())
                };
                let expression = text("rule");
                (!expression.is_empty()).then(|| [expression, text("message"), text("messageExpression")])
            })
            .collect();
        append(&mut self.graph.rules, found)
    }
}

fn append<T>(table: &mut Vec<T>, found: Vec<T>) -> Row {
    let (Ok(start), Ok(length)) = (u32::try_from(table.len()), u32::try_from(found.len())) else {
        return Row::default();
    };
    table.extend(found);
    Row { start, length }
}

/// The name that a schema refers to, when it says nothing else that is kept.
fn only_reference(schema: &Value) -> Option<&str> {
    let map = schema.as_object()?;
    match map.len() {
        1 => map.get("$ref")?.as_str()?.strip_prefix(REFERENCE),
        2 if map.get("default").is_some_and(is_empty) => match map.get("allOf")?.as_array()?.as_slice() {
            [only] => only_reference(only),
            _ => None,
        },
        _ => None,
    }
}

/// The default of every field that is no pointer in Go, which says nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

fn kind_of(map: &Map<String, Value>) -> FieldKind {
    let format = map.get("format").and_then(Value::as_str).unwrap_or_default();
    let int_or_string = map
        .get("x-kubernetes-int-or-string")
        .and_then(Value::as_bool)
        .unwrap_or_default();
    if int_or_string || format == "int-or-string" {
        let pattern = map.get("pattern").and_then(Value::as_str).unwrap_or_default();
        return if pattern.starts_with(QUANTITY_PATTERN) {
            FieldKind::Quantity
        } else {
            FieldKind::IntOrString
        };
    }
    if format == "quantity" {
        return FieldKind::Quantity;
    }
    match map.get("type").and_then(Value::as_str) {
        Some("integer") => FieldKind::Integer,
        Some("number") => FieldKind::Number,
        Some("boolean") => FieldKind::Boolean,
        Some("string") => FieldKind::String,
        Some("object") => FieldKind::Object,
        Some("array") => FieldKind::Array,
        _ if map.contains_key("properties") || map.contains_key("additionalProperties") => FieldKind::Object,
        _ if map.contains_key("items") => FieldKind::Array,
        _ => FieldKind::Any,
    }
}
