//! Sandboxes, and the life of a session: what the files supply goes to its cluster, what the cluster says comes back.

pub mod actions;
mod flux_condition;
mod flux_loop;
mod inventory;
mod live;
mod one_file;
pub mod sandbox;
pub mod source;
mod stages;
mod supply;

pub use flux_condition::{Condition, Readiness};
pub use flux_loop::{FluxEvent, FluxLoop, FluxReport, FluxStart};
pub use live::{Live, NotTaken};
pub use supply::{FileVerdict, Force, ObjectVerdict, Outcome, Phase, Report, Stopped, Supplied, Supply};
