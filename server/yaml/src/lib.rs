//! YAML text to a tree with byte spans, comments, field paths and the two scalar dialects of Kubernetes.
//!
//! [`parse`] never fails: it returns every document with whatever of it could be read, and the errors beside it.
//! The tree is flat and owns no text; a [`Node`] is an index together with the text that was parsed.

mod alias_bound;
mod anchor;
mod base64;
mod block_scalar;
mod boundary;
mod builder;
mod dialect;
mod dialect_difference;
mod document;
mod duplicate_key;
mod error;
mod explain;
mod field_path;
mod forbidden_tab;
mod json;
mod line;
mod locate;
mod node;
mod number;
mod parse;
mod progress;
mod reading;
mod refused;
mod repair;
mod timestamp;

pub use dialect::{Dialect, Value, resolve};
pub use document::Document;
pub use error::{SyntaxError, SyntaxErrorKind};
pub use field_path::{FieldPath, Step};
pub use json::ExpandError;
pub use locate::{Located, On};
pub use node::{Node, NodeKind, Scalar, Style};
pub use parse::{Parse, parse};
