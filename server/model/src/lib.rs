//! What trees mean: the objects in a document and their identity, findings, and the place of a field in the text.
//!
//! Nothing here does IO and nothing can fail: functions return values plus findings.

mod classify;
mod finding;
pub mod flux;
pub mod kustomize;
mod near;
mod object;
mod origin;
mod place;
mod reach;
pub mod references;
mod well_known_kinds;

pub use classify::{FileRole, KUSTOMIZATION_FILES, NotAnObject, Reading, file_role, read, reads_as_template};
pub use finding::{Code, Finding, Fix, FixKind, Related, Severity, Source, from_syntax};
pub use near::nearest;
pub use object::{Gvk, Manifest, ObjectKey, at_pointer};
pub use origin::{Origin, Supplier};
pub use place::{Want, anchor_of_object, first_line_of_object, place};
pub use reach::{Reach, Reached, changes_reach, reach};
pub use well_known_kinds::meant_kind;
