//! The session's source: the saved work tree as a commit, and a server of it for source-controller.
//!
//! [`SourceRepository`] makes a commit of what is saved, [`SourceServer`] serves it on loopback, and
//! [`gitops_model::flux::redirect`] says what to change in a `GitRepository` for it to be read from there.
//! See docs/architecture.md, "The source".

mod access_token;
mod backend;
mod changes;
mod error;
mod examine;
mod git;
mod limits;
mod repository;
mod revision;
mod server;
mod session_index;
mod store;
mod surroundings;
mod work_tree;

pub use access_token::AccessToken;
pub use changes::Changes;
pub use error::SourceError;
pub use examine::LeftOut;
pub use limits::Limits;
pub use repository::{Committed, SourceRepository};
pub use revision::Revision;
pub use server::{ServerBounds, SourceServer};
pub use surroundings::{Surroundings, surroundings};
