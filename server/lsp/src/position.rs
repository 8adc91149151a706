//! Between bytes and the protocol's positions.

use gitops_text::{Encoding, Position, Span, Text};

/// A span as a range of the protocol.
pub(crate) fn range(text: &Text, span: Span, encoding: Encoding) -> ls_types::Range {
    let (start, end) = text.range(span, encoding);
    ls_types::Range {
        start: outward(start),
        end: outward(end),
    }
}

/// A position to the protocol.
pub(crate) fn outward(position: Position) -> ls_types::Position {
    ls_types::Position {
        line: position.line,
        character: position.character,
    }
}

/// A position from the protocol.
pub(crate) fn inward(position: ls_types::Position) -> Position {
    Position {
        line: position.line,
        character: position.character,
    }
}
