//! Aliases that stand for more than can be read.

use crate::document::{Document, Shape};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::json::MAX_NODES;

/// Finds the alias with which a document grows beyond the bound, and aliases inside their own anchors.
pub(crate) fn too_many_aliases(document: &Document, errors: &mut Vec<SyntaxError>) {
    let is_alias = |node: &&crate::document::NodeData| node.shape == Shape::Alias;
    if !document.nodes.iter().any(|node| is_alias(&node)) {
        return;
    }
    // How many nodes there are before each, aliases expanded.
    let mut before: Vec<u64> = Vec::with_capacity(document.nodes.len() + 1);
    let mut total = 0_u64;
    let mut is_over = false;
    for (index, node) in document.nodes.iter().enumerate() {
        before.push(total);
        total = total.saturating_add(1);
        let extra = document.extra(*node).filter(|_| node.shape == Shape::Alias);
        let Some(target) = extra.and_then(|extra| extra.target) else {
            continue;
        };
        let target = target as usize;
        let end = document.nodes.get(target).map_or(0, |node| node.next as usize);
        // While a collection is read, it has no end yet; so an alias inside its own anchor is known by its place.
        if target < index && index < end {
            errors.push(SyntaxError {
                span: node.span(),
                kind: SyntaxErrorKind::TooManyAliases,
                message: "this alias stands inside its own anchor: it would never end".into(),
                related: document.nodes.get(target).and_then(|target| {
                    let anchor = document.extra(*target)?.anchor?;
                    Some((anchor, "the anchor is here".into()))
                }),
            });
            continue;
        }
        let starts = before.get(target).copied().unwrap_or_default();
        let ends = before.get(end).copied().unwrap_or(total);
        total = total.saturating_add(ends.saturating_sub(starts));
        if total > MAX_NODES as u64 && !is_over {
            is_over = true;
            errors.push(SyntaxError {
                span: node.span(),
                kind: SyntaxErrorKind::TooManyAliases,
                message: format!("with this alias the document stands for more than {MAX_NODES} nodes"),
                related: None,
            });
        }
    }
}
