//! What the end-to-end tests share: a client that drives the real `gitops-lsp` over standard input and output, as an
//! editor does, and fixtures that are text with marks under the lines that a diagnostic belongs to.
//!
//! Nothing here sleeps to let something happen: every wait is for an event, and has a deadline that only a fault reaches.

pub mod bench;
pub mod binary;
pub mod chart_sources;
pub mod client;
pub mod columns;
pub mod fixture;
pub mod frame;
pub mod kubernetes;
pub mod leftovers;
pub mod message_log;
pub mod mutation;
pub mod reported;
pub mod repository;
pub mod sandboxes;
pub mod server;
pub mod shared;
pub mod show;
pub mod slots;
pub mod truth;
