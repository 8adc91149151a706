//! Scalars that kubectl and Flux read as different values.

use crate::dialect::{Dialect, Value, may_differ, resolve};
use crate::document::{Document, Shape};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::node::{Node, Style};

/// Finds them in a whole document.
pub(crate) fn dialect_differences(document: &Document, text: &str, errors: &mut Vec<SyntaxError>) {
    for (index, node) in (0_u32..).zip(&document.nodes) {
        if node.shape != Shape::Scalar(Style::Plain) {
            continue;
        }
        let scalar = Node {
            document,
            text,
            index,
        };
        let Some(scalar) = scalar.scalar() else {
            continue;
        };
        if !may_differ(scalar.value, scalar.tag) {
            continue;
        }
        let kubectl = resolve(Dialect::Kubectl, scalar.value, scalar.style, scalar.tag);
        let kustomize = resolve(Dialect::Kustomize, scalar.value, scalar.style, scalar.tag);
        if kubectl == kustomize {
            continue;
        }
        let message = match kubectl {
            Value::Bool(value) => format!(
                "kubectl reads `{}` as the boolean {value}, Flux and kustomize as a text; put it in quotes, or write {value}",
                scalar.value
            ),
            _ => format!(
                "kubectl and Flux read `{}` as different values; put it in quotes",
                scalar.value
            ),
        };
        errors.push(SyntaxError {
            span: node.span(),
            kind: SyntaxErrorKind::DialectDifference,
            message,
            related: None,
        });
    }
}
