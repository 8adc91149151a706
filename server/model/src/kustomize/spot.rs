//! A node together with where it stands.

use std::sync::Arc;

use gitops_text::Span;
use gitops_yaml::{Dialect, Document, FieldPath, Node, NodeKind};

use super::Sheet;
use crate::{Want, place};

/// A path in a document of a sheet.
#[derive(Clone, Debug)]
pub struct Spot {
    /// The text.
    pub sheet: Arc<Sheet>,
    /// Number of the document in it, from 0.
    pub document: usize,
    /// From the top of that document.
    pub path: FieldPath,
}

impl Spot {
    /// Bytes of the file that show it, or its nearest ancestor that is there.
    pub fn span(&self, want: Want) -> Span {
        let Some(document) = self.sheet.documents().get(self.document) else {
            return self.sheet.outer(Span::empty(0));
        };
        let span = place(document, self.sheet.text(), &FieldPath::new(), &self.path, want);
        self.sheet.outer(span)
    }

    /// The node, if it is there.
    pub fn node(&self) -> Option<Node<'_>> {
        self.sheet.node(self.document, &self.path)
    }

    /// The node as a field to walk on from.
    pub fn field(&self) -> Option<Field<'_>> {
        Some(Field {
            sheet: &self.sheet,
            document: self.document,
            path: self.path.clone(),
            node: self.node()?,
        })
    }
}

/// A node that knows its path, to walk with.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    sheet: &'a Arc<Sheet>,
    document: usize,
    path: FieldPath,
    node: Node<'a>,
}

impl<'a> Field<'a> {
    /// The top of a document; `None` when nothing is in it.
    pub fn top(sheet: &'a Arc<Sheet>, document: usize) -> Option<Self> {
        let tree: &Document = sheet.documents().get(document)?;
        Some(Self {
            sheet,
            document,
            path: FieldPath::new(),
            node: tree.root(sheet.text())?,
        })
    }

    /// The node.
    pub fn node(&self) -> Node<'a> {
        self.node
    }

    /// What the node is, through an alias.
    pub fn kind(&self) -> NodeKind {
        self.node.resolved().kind()
    }

    /// Where it stands.
    pub fn spot(&self) -> Spot {
        Spot {
            sheet: Arc::clone(self.sheet),
            document: self.document,
            path: self.path.clone(),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<Self> {
        let node = self.node.get(key)?;
        let mut path = self.path.clone();
        path.push_key(key);
        Some(Self {
            path,
            node,
            ..self.clone()
        })
    }

    /// The value at the end of several keys.
    pub fn down(&self, keys: &[&str]) -> Option<Self> {
        keys.iter().try_fold(self.clone(), |field, key| field.get(key))
    }

    /// The items of a list.
    pub fn items(&self) -> Vec<Self> {
        let items = self.node.resolved().items().enumerate();
        items
            .map(|(index, node)| {
                let mut path = self.path.clone();
                path.push_index(index);
                Self {
                    path,
                    node,
                    ..self.clone()
                }
            })
            .collect()
    }

    /// The keys and values of a mapping.
    pub fn entries(&self) -> Vec<(&'a str, Self)> {
        let entries = self.node.resolved().entries();
        entries
            .filter_map(|(key, _)| key.as_str())
            .filter_map(|key| Some((key, self.get(key)?)))
            .collect()
    }

    /// The text of a scalar, whatever its type.
    pub fn text(&self) -> Option<&'a str> {
        self.node.as_str()
    }

    /// The text of a key's scalar.
    pub fn text_of(&self, key: &str) -> Option<&'a str> {
        self.node.get(key)?.as_str()
    }

    /// The node as kustomize reads it.
    pub fn json(&self) -> Option<serde_json::Value> {
        self.node.to_json(Dialect::Kustomize).ok()
    }

    /// The text of the scalar as a sheet of its own.
    pub fn inside(&self) -> Option<Arc<Sheet>> {
        self.sheet.inside(self.document, &self.path).map(Arc::new)
    }
}
