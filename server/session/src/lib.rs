//! Sandboxes, and the life of a session: what the files supply goes to its cluster, what the cluster says comes back.

pub mod actions;
mod flux_condition;
mod flux_follow;
mod flux_loop;
mod flux_object;
mod flux_request;
mod flux_roots;
mod flux_served;
mod flux_troubles;
mod flux_view;
mod inventory;
mod known_verdicts;
mod live;
mod one_file;
mod published;
mod remembered_targets;
pub mod sandbox;
pub mod source;
mod stages;
mod supply;
mod workload;

pub use flux_condition::{Condition, Readiness};
pub use flux_loop::{FluxEvent, FluxLoop, FluxReport, FluxStart};
pub use flux_roots::{BroughtObject, BroughtRepository};
pub use live::{Live, NotTaken};
pub use published::Published;
pub use remembered_targets::{recall_target, remember_target};
pub use supply::{FileVerdict, Force, ObjectVerdict, Outcome, Phase, Report, Stopped, Supplied, Supply};
pub use workload::{Registries, Until, WorkloadEvent, WorkloadNews, WorkloadReport, WorkloadWatch};
