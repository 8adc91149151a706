//! Keys that stand twice in one mapping.

use crate::document::{Document, Shape};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::node::Node;
use std::collections::HashMap;

/// Finds them in a whole document.
pub(crate) fn duplicate_keys(document: &Document, text: &str, errors: &mut Vec<SyntaxError>) {
    for (index, node) in (0_u32..).zip(&document.nodes) {
        if matches!(node.shape, Shape::BlockMapping | Shape::FlowMapping) {
            let mapping = Node { document, text, index };
            in_mapping(mapping, errors);
        }
    }
}

/// Up to here comparing every pair is quicker than a table.
const FEW: usize = 12;

fn in_mapping(mapping: Node<'_>, errors: &mut Vec<SyntaxError>) {
    let mut few: [&str; FEW] = [""; FEW];
    let mut count = 0;
    for (key, _) in mapping.entries() {
        let Some(name) = key.as_str() else { continue };
        let Some(slot) = few.get_mut(count) else {
            return in_large_mapping(mapping, errors);
        };
        *slot = name;
        if few.iter().take(count).any(|&earlier| earlier == name) {
            return in_large_mapping(mapping, errors);
        }
        count += 1;
    }
}

fn in_large_mapping(mapping: Node<'_>, errors: &mut Vec<SyntaxError>) {
    let mut first = HashMap::new();
    for (key, _) in mapping.entries() {
        let Some(name) = key.as_str() else { continue };
        if let Some(&earlier) = first.get(name) {
            errors.push(SyntaxError {
                span: key.span(),
                kind: SyntaxErrorKind::DuplicateKey,
                message: format!("the key `{name}` stands twice in this mapping"),
                related: Some((earlier, format!("`{name}` stands here first"))),
            });
        } else {
            first.insert(name, key.span());
        }
    }
}
