//! The schemas of one document as a graph of small nodes.

use gitops_yaml::{FieldPath, Step};

use crate::field_type::{FieldKind, FieldType, Rule};
use crate::texts::{TextId, Texts};

/// How many schemas one field can be put together from (`allOf`, `$ref` after `$ref`).
const MAX_PARTS: usize = 64;

/// A schema in a [`Graph`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NodeId(pub(crate) u32);

/// Neighbours in one of the graph's tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Row {
    pub(crate) start: u32,
    pub(crate) length: u32,
}

impl Row {
    fn of<T>(self, table: &[T]) -> &[T] {
        let start = self.start as usize;
        table.get(start..start + self.length as usize).unwrap_or_default()
    }
}

/// One schema: what it says itself, and which others it is put together with.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: FieldKind,
    pub(crate) keeps_unknown: bool,
    pub(crate) format: TextId,
    pub(crate) description: TextId,
    pub(crate) default: TextId,
    /// In `properties`.
    pub(crate) properties: Row,
    /// In `ids`: `$ref` and `allOf`.
    pub(crate) parts: Row,
    /// In `texts`.
    pub(crate) enumeration: Row,
    /// In `texts`.
    pub(crate) list_keys: Row,
    /// In `texts`.
    pub(crate) required: Row,
    /// In `rules`.
    pub(crate) rules: Row,
    pub(crate) items: Option<NodeId>,
    /// The values of a map with any keys.
    pub(crate) additional: Option<NodeId>,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            kind: FieldKind::Any,
            keeps_unknown: false,
            format: TextId::default(),
            description: TextId::default(),
            default: TextId::default(),
            properties: Row::default(),
            parts: Row::default(),
            enumeration: Row::default(),
            list_keys: Row::default(),
            required: Row::default(),
            rules: Row::default(),
            items: None,
            additional: None,
        }
    }
}

/// The rule of a node: expression, message, message expression.
pub(crate) type RuleTexts = [TextId; 3];

/// The schemas of one document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub(crate) texts: Texts,
    pub(crate) nodes: Vec<Node>,
    pub(crate) properties: Vec<(TextId, NodeId)>,
    pub(crate) ids: Vec<NodeId>,
    pub(crate) words: Vec<TextId>,
    pub(crate) rules: Vec<RuleTexts>,
}

impl Graph {
    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0 as usize)
    }

    /// A schema and all that it is put together from; itself first, so that what it says goes before what it refers to.
    fn parts(&self, id: NodeId) -> Vec<&Node> {
        let mut found: Vec<NodeId> = vec![id];
        let mut at = 0;
        while let Some(node) = found.get(at).and_then(|id| self.node(*id)) {
            for part in node.parts.of(&self.ids) {
                if found.len() < MAX_PARTS && !found.contains(part) {
                    found.push(*part);
                }
            }
            at += 1;
        }
        found.into_iter().filter_map(|id| self.node(id)).collect()
    }

    /// The schema one step further in.
    pub(crate) fn step(&self, from: NodeId, step: &Step) -> Option<NodeId> {
        let parts = self.parts(from);
        match step {
            Step::Key(key) => parts
                .iter()
                .flat_map(|node| node.properties.of(&self.properties))
                .find(|(name, _)| self.texts.get(*name) == key.as_ref())
                .map(|(_, id)| *id)
                .or_else(|| parts.iter().find_map(|node| node.additional)),
            Step::Index(_) => parts.iter().find_map(|node| node.items),
        }
    }

    /// The schema at the end of a path.
    pub(crate) fn walk(&self, root: NodeId, path: &FieldPath) -> Option<NodeId> {
        path.steps().iter().try_fold(root, |node, step| self.step(node, step))
    }

    /// The names of the properties, in the document's order.
    pub(crate) fn property_names(&self, id: NodeId) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for node in self.parts(id) {
            for (name, _) in node.properties.of(&self.properties) {
                let name = self.texts.get(*name);
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
        }
        names
    }

    /// Whether a schema is a quantity.
    pub(crate) fn kind(&self, id: NodeId) -> FieldKind {
        let parts = self.parts(id);
        // A part that says more than "anything" says what it is: `allOf: [{$ref: Quantity}]`.
        parts
            .iter()
            .map(|node| node.kind)
            .find(|kind| *kind != FieldKind::Any)
            .unwrap_or(FieldKind::Any)
    }

    pub(crate) fn field_type(&self, id: NodeId) -> FieldType {
        let parts = self.parts(id);
        let text = |pick: fn(&Node) -> TextId| {
            parts
                .iter()
                .map(|node| pick(node))
                .find(|id| !id.is_empty())
                .map(|id| self.texts.get(id).to_owned())
        };
        let words = |pick: fn(&Node) -> Row| -> Vec<String> {
            let row = parts
                .iter()
                .map(|node| pick(node))
                .find(|row| row.length > 0)
                .unwrap_or_default();
            row.of(&self.words)
                .iter()
                .map(|word| self.texts.get(*word).to_owned())
                .collect()
        };
        FieldType {
            kind: self.kind(id),
            format: text(|node| node.format),
            enumeration: words(|node| node.enumeration),
            list_keys: words(|node| node.list_keys),
            required: words(|node| node.required),
            description: text(|node| node.description),
            defaults: text(|node| node.default),
            keeps_unknown_fields: parts.iter().any(|node| node.keeps_unknown),
        }
    }

    pub(crate) fn rules(&self, id: NodeId) -> Vec<Rule> {
        let optional = |id: TextId| (!id.is_empty()).then(|| self.texts.get(id).to_owned());
        self.parts(id)
            .into_iter()
            .flat_map(|node| node.rules.of(&self.rules))
            .map(|[rule, message, expression]| Rule {
                rule: self.texts.get(*rule).to_owned(),
                message: optional(*message),
                message_expression: optional(*expression),
            })
            .collect()
    }

    /// Bytes that are held, about.
    pub(crate) fn bytes(&self) -> usize {
        self.texts.bytes()
            + self.nodes.capacity() * size_of::<Node>()
            + self.properties.capacity() * size_of::<(TextId, NodeId)>()
            + self.ids.capacity() * size_of::<NodeId>()
            + self.words.capacity() * size_of::<TextId>()
            + self.rules.capacity() * size_of::<RuleTexts>()
    }

    /// Gives back what was only needed to grow.
    pub(crate) fn shrink(&mut self) {
        self.nodes.shrink_to_fit();
        self.properties.shrink_to_fit();
        self.ids.shrink_to_fit();
        self.words.shrink_to_fit();
        self.rules.shrink_to_fit();
    }
}
