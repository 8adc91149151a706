//! Sandboxes, and the life of a session: what the files supply goes to its cluster, what the cluster says comes back.

mod live;
pub mod sandbox;
mod stages;

pub use live::{FileVerdict, Force, Live, NotTaken, ObjectVerdict, Outcome, Phase, Report, Stopped, Supplied, Supply};
