//! Measurements of the real server, each beside something that is measured in the same run (`cargo xtask bench`).
//!
//! Nothing here asserts a time: a machine that is slow or busy makes every row slow, and what is compared is measured
//! side by side for that reason.

pub mod bare_cluster;
pub mod built_targets;
pub mod fleet;
pub mod flux;
pub mod many_files;
pub mod memory;
pub mod open_files;
pub mod peer;
pub mod pod_states;
pub mod samples;
pub mod sandbox_start;
pub mod saving;
pub mod server_start;
pub mod settings;
pub mod table;
pub mod typing;
pub mod whole_of_flux;
pub mod workload;
