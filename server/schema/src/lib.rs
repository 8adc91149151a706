//! OpenAPI v3 and CRDs: what fields a kind has, of what types, with which rules.
//!
//! Documents are kept compactly: every text once, every schema as a few numbers. Nothing here does IO, nothing panics;
//! what a document says wrongly is left out of what is known, never a failure later on.

mod builder;
mod definition;
mod field_type;
mod graph;
mod open_api;
mod schemas;
mod texts;

pub use field_type::{FieldKind, FieldType, Rule};
pub use open_api::{OpenApi, ParseError};
pub use schemas::Schemas;
