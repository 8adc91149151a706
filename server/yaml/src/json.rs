//! A document as JSON.

use crate::dialect::{Dialect, Value, resolve_strictly};
use crate::dialect_difference::{ends_at_end_of_text, left_out_in_braces};
use crate::document::Document;
use crate::node::{Node, NodeKind, Scalar};
use crate::number::float_key;
use gitops_text::Span;
use serde_json::map::Entry;
use serde_json::{Map, Number, Value as Json};
use std::fmt;

use crate::reading::MAX_DEPTH;

/// How many nodes a document may have with its aliases expanded.
pub(crate) const MAX_NODES: usize = 200_000;

/// Why a document cannot become JSON.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExpandError {
    /// It has more than 200,000 nodes when its aliases are expanded.
    TooLarge,
    /// It is nested deeper than 100 levels when its aliases are expanded.
    TooDeep {
        /// Where it goes too deep.
        span: Span,
    },
    /// JSON has nothing for it: a key that is a collection or null, a number that is not finite, an alias without anchor, a text that is not what its tag says.
    NotJson {
        /// What is meant.
        span: Span,
        /// Why, in words.
        reason: String,
    },
}

impl fmt::Display for ExpandError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(formatter, "its aliases expand to more than {MAX_NODES} nodes"),
            Self::TooDeep { .. } => write!(formatter, "it is nested deeper than {MAX_DEPTH} levels"),
            Self::NotJson { reason, .. } => formatter.write_str(reason),
        }
    }
}

impl std::error::Error for ExpandError {}

impl Document {
    /// The document as the JSON that a reader of the given dialect makes of it.
    ///
    /// `<<` is merged, aliases are expanded, of two equal keys the last one counts, and keys that are not texts become texts. A document with nothing in it is `null`.
    ///
    /// # Errors
    /// [`ExpandError`] when it grows beyond the bounds or has what JSON has not.
    pub fn to_json(&self, text: &str, dialect: Dialect) -> Result<Json, ExpandError> {
        match self.root(text) {
            Some(root) => root.to_json(dialect),
            None => Ok(Json::Null),
        }
    }
}

impl Node<'_> {
    /// The node as JSON; see [`Document::to_json`].
    ///
    /// # Errors
    /// [`ExpandError`] when it grows beyond the bounds or has what JSON has not.
    pub fn to_json(self, dialect: Dialect) -> Result<Json, ExpandError> {
        let mut expansion = Expansion { dialect, nodes: 0 };
        expansion.value(self, 0)
    }
}

struct Expansion {
    dialect: Dialect,
    nodes: usize,
}

impl Expansion {
    fn count(&mut self) -> Result<(), ExpandError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            Err(ExpandError::TooLarge)
        } else {
            Ok(())
        }
    }

    fn value(&mut self, node: Node<'_>, depth: usize) -> Result<Json, ExpandError> {
        self.count()?;
        if depth > MAX_DEPTH {
            return Err(ExpandError::TooDeep { span: node.span() });
        }
        let resolved = node.resolved();
        match resolved.kind() {
            NodeKind::Mapping => {
                let mut map = Map::new();
                match self.dialect {
                    Dialect::Kubectl => self.in_order(resolved, depth, &mut map)?,
                    Dialect::Kustomize => self.own_first(resolved, depth, &mut map)?,
                }
                Ok(Json::Object(map))
            }
            NodeKind::Sequence => {
                let items = resolved.items().map(|item| self.value(item, depth + 1));
                items.collect()
            }
            NodeKind::Scalar => match node.scalar() {
                Some(scalar) => self.scalar(node, scalar),
                None => Ok(Json::Null),
            },
            NodeKind::Alias => Err(not_json(node, "the anchor of this alias is not there")),
        }
    }

    /// kubectl merges where the `<<` stands: what it brings replaces what stands before it.
    fn in_order(&mut self, mapping: Node<'_>, depth: usize, map: &mut Map<String, Json>) -> Result<(), ExpandError> {
        // A mapping that is merged counts even if it is empty, or merging empty ones would go on and on.
        self.count()?;
        for (key, value) in mapping.entries() {
            if key.is_merge_key() {
                for merged in merged(value, depth)?.into_iter().rev() {
                    self.in_order(merged, depth + 1, map)?;
                }
                continue;
            }
            let name = self.key(key)?;
            let value = self.value(value, depth + 1)?;
            map.insert(name, value);
        }
        Ok(())
    }

    /// kustomize lets a mapping's own keys count, wherever the `<<` stands.
    fn own_first(&mut self, mapping: Node<'_>, depth: usize, map: &mut Map<String, Json>) -> Result<(), ExpandError> {
        self.count()?;
        let mut sources = Vec::new();
        for (key, value) in mapping.entries() {
            if key.is_merge_key() {
                sources.extend(merged(value, depth)?);
                continue;
            }
            let name = self.key(key)?;
            let value = if left_out_in_braces(mapping, value) {
                Json::String(String::new())
            } else {
                self.value(value, depth + 1)?
            };
            map.insert(name, value);
        }
        for source in sources {
            let mut brought = Map::new();
            self.own_first(source, depth + 1, &mut brought)?;
            for (name, value) in brought {
                if let Entry::Vacant(entry) = map.entry(name) {
                    entry.insert(value);
                }
            }
        }
        Ok(())
    }

    fn key(&mut self, key: Node<'_>) -> Result<String, ExpandError> {
        self.count()?;
        let Some(scalar) = key.scalar() else {
            return Err(not_json(key, "JSON has no key but a text"));
        };
        if self.dialect == Dialect::Kustomize {
            return Ok(scalar.value.to_owned());
        }
        let value = read(self.dialect, key, scalar)?;
        key_text(&value).ok_or_else(|| not_json(key, "JSON has no key but a text, and this is null"))
    }

    fn scalar(&self, node: Node<'_>, scalar: Scalar<'_>) -> Result<Json, ExpandError> {
        Ok(match read(self.dialect, node, scalar)? {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(value),
            Value::Int(value) => match Number::from_i128(value) {
                Some(number) => Json::Number(number),
                None => return Err(not_json(node, "the number is too large")),
            },
            Value::Float(value) => match number(value) {
                Some(number) => Json::Number(number),
                None => return Err(not_json(node, "JSON has only finite numbers")),
            },
            Value::String(value) => {
                let mut value = value.into_owned();
                if self.dialect == Dialect::Kustomize && ends_at_end_of_text(node.resolved(), scalar) {
                    value.pop();
                }
                Json::String(value)
            }
        })
    }
}

/// What `sigs.k8s.io/yaml` makes of a key; `None` for null, which it refuses.
pub(crate) fn key_text(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => float_key(*value),
        Value::String(value) => value.clone().into_owned(),
    })
}

/// The mappings that a `<<` brings, the one that counts most first.
fn merged(value: Node<'_>, depth: usize) -> Result<Vec<Node<'_>>, ExpandError> {
    if depth >= MAX_DEPTH {
        return Err(ExpandError::TooDeep { span: value.span() });
    }
    if !value.is_mergeable() {
        return Err(not_json(value, "`<<` takes a mapping or a list of mappings"));
    }
    Ok(value.merged_mappings().collect())
}

fn read<'a>(dialect: Dialect, node: Node<'_>, scalar: Scalar<'a>) -> Result<Value<'a>, ExpandError> {
    resolve_strictly(dialect, scalar.value, scalar.style, scalar.tag).ok_or_else(|| {
        let tag = scalar.tag.unwrap_or_default();
        not_json(node, &format!("this cannot be read as {tag}"))
    })
}

/// A number as Go writes it: whole ones without a point.
fn number(value: f64) -> Option<Number> {
    if value.fract() == 0.0 && value.abs() < 1e21 {
        let digits = format!("{value}");
        if let Ok(whole) = digits.parse::<i64>() {
            return Some(Number::from(whole));
        }
        if let Ok(whole) = digits.parse::<u64>() {
            return Some(Number::from(whole));
        }
    }
    Number::from_f64(value)
}

fn not_json(node: Node<'_>, reason: &str) -> ExpandError {
    ExpandError::NotJson {
        span: node.span(),
        reason: reason.to_owned(),
    }
}
