//! The entries of mappings in what a target is built from, each with its bytes in the file.

use std::ops::Range;

use gitops_yaml::{FieldPath, Node, NodeKind, Step, Style};

use super::breakage::line_around;
use super::piece::Piece;

/// Documents with more nodes than this are CRDs and the like, which are generated.
const MAX_NODES: usize = 3_000;

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Number of the piece.
    pub piece: usize,
    /// The path from the top of the piece, the key included.
    pub path: FieldPath,
    /// The key.
    pub name: String,
    /// Bytes of the key in the file.
    pub key: Range<usize>,
    /// Bytes of the value.
    pub value: Range<usize>,
    /// What the value is.
    pub kind: NodeKind,
    /// The text of a scalar: as read.
    pub text: Option<String>,
    /// How a scalar is written.
    pub style: Option<Style>,
    /// The other keys of the mapping.
    pub siblings: Vec<String>,
    /// Where the next entry of the mapping begins.
    pub next: Option<usize>,
    /// Whether the mapping, or anything above it, is in brackets or braces.
    pub is_flow: bool,
    /// Whether the mapping is an item of a list, and this its first entry.
    pub is_first_of_item: bool,
    /// The key above the mapping, or the item of a list that the mapping is: what somebody would look at who misses something.
    pub parent: Range<usize>,
    /// The innermost item of a list that it is in.
    pub item: Option<Range<usize>>,
}

impl Entry {
    /// From the key to the end of the value.
    pub fn span(&self) -> Range<usize> {
        self.key.start..self.value.end.max(self.key.end)
    }

    /// The key and what stands beside it on its line.
    pub fn first_line(&self, text: &str) -> Range<usize> {
        let (_, end) = line_around(text, self.key.start);
        self.key.start..end.min(self.span().end).max(self.key.end)
    }

    /// The keys of the path, indices left out.
    pub fn keys(&self) -> Vec<&str> {
        let keys = self.path.steps().iter().filter_map(|step| match step {
            Step::Key(key) => Some(&**key),
            Step::Index(_) => None,
        });
        keys.collect()
    }

    /// The key above, whatever is between.
    pub fn above(&self) -> &str {
        let keys = self.keys();
        keys.len()
            .checked_sub(2)
            .and_then(|at| keys.get(at).copied())
            .unwrap_or_default()
    }

    /// Whether a key is anywhere above.
    pub fn is_below(&self, key: &str) -> bool {
        let keys = self.keys();
        keys.split_last().is_some_and(|(_, above)| above.contains(&key))
    }

    /// Whether the value is a scalar on one line, in no block.
    pub fn is_one_line(&self, text: &str) -> bool {
        let is_block = matches!(self.style, Some(Style::Literal | Style::Folded));
        self.kind == NodeKind::Scalar
            && !is_block
            && text.get(self.value.clone()).is_some_and(|raw| !raw.contains('\n'))
    }
}

/// The entries of a piece, in the order of the text; none of one that has anchors, whose parts stand in several places.
pub fn entries(number: usize, piece: &Piece) -> Vec<Entry> {
    let mut found = Vec::new();
    let sheet = &piece.spot.sheet;
    let is_small = sheet
        .documents()
        .get(piece.spot.document)
        .is_some_and(|document| document.node_count() < MAX_NODES);
    let Some(top) = piece.spot.node().filter(|_| is_small) else {
        return found;
    };
    let mut walk = Walk {
        number,
        piece,
        found: &mut found,
        has_anchors: false,
    };
    let above = Above {
        parent: piece.span.start..piece.span.start,
        item: None,
        is_flow: false,
        is_item: false,
    };
    walk.node(top, &mut FieldPath::new(), &above);
    if walk.has_anchors {
        found.clear();
    }
    found
}

struct Walk<'a> {
    number: usize,
    piece: &'a Piece,
    found: &'a mut Vec<Entry>,
    has_anchors: bool,
}

#[derive(Clone)]
struct Above {
    parent: Range<usize>,
    item: Option<Range<usize>>,
    is_flow: bool,
    is_item: bool,
}

impl Walk<'_> {
    fn node(&mut self, node: Node<'_>, path: &mut FieldPath, above: &Above) {
        self.has_anchors |= node.anchor().is_some() || node.kind() == NodeKind::Alias;
        let is_flow = above.is_flow || node.is_flow();
        match node.kind() {
            NodeKind::Mapping => {
                let all: Vec<_> = node.entries().collect();
                let names: Vec<&str> = all.iter().filter_map(|(key, _)| key.as_str()).collect();
                for (index, (key, value)) in all.iter().enumerate() {
                    let Some(name) = key.as_str().filter(|_| !key.is_merge_key()) else {
                        self.has_anchors = true;
                        continue;
                    };
                    path.push_key(name);
                    let key_span = self.piece.outer(key.span());
                    let scalar = value.scalar();
                    self.found.push(Entry {
                        piece: self.number,
                        path: path.clone(),
                        name: name.to_owned(),
                        key: key_span.clone(),
                        value: self.piece.outer(value.span()),
                        kind: value.kind(),
                        text: scalar.map(|scalar| scalar.value.to_owned()),
                        style: scalar.map(|scalar| scalar.style),
                        siblings: names
                            .iter()
                            .filter(|other| **other != name)
                            .map(|&other| other.to_owned())
                            .collect(),
                        next: all.get(index + 1).map(|(key, _)| self.piece.outer(key.span()).start),
                        is_flow,
                        is_first_of_item: above.is_item && index == 0,
                        parent: above.parent.clone(),
                        item: above.item.clone(),
                    });
                    let below = Above {
                        parent: key_span,
                        item: above.item.clone(),
                        is_flow,
                        is_item: false,
                    };
                    self.node(*value, path, &below);
                    path.pop();
                }
            }
            NodeKind::Sequence => {
                for (index, item) in node.items().enumerate() {
                    let span = self.piece.outer(item.span());
                    path.push_index(index);
                    let below = Above {
                        parent: span.clone(),
                        item: Some(span),
                        is_flow,
                        is_item: true,
                    };
                    self.node(item, path, &below);
                    path.pop();
                }
            }
            NodeKind::Scalar | NodeKind::Alias => {}
        }
    }
}
