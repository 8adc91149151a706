//! The API server: discovery, dry run, apply, prune, and the decoding of every answer into places of an object.
//!
//! `answer` is pure; the rest knows kube. Nothing here knows YAML text, editors or sessions.

pub mod answer;
mod connection;
mod judge;
mod kinds;
mod sent_object;

pub use connection::{Cluster, Mode, Reply, Unreachable};
pub use judge::{Judgement, Learn, MAX_ROUNDS, judge};
pub use kinds::{Kinds, ServedKind};
pub use kube;
pub use sent_object::SentObject;
