//! What a person does with one object on a sandbox: reconcile, suspend, resume, compare, and look at it.
//!
//! Everything here asks the sandbox of a session and nothing else. Each call is bounded in time and in what it reads, and
//! no value of a Secret is in what it returns.

mod difference;
mod events;
mod health;
mod lines;
mod object_api;
mod reconcile;
mod standing;
mod suspension;
mod written;

pub use difference::{difference, is_there};
pub use events::{ObjectEvent, events};
pub use health::{Health, health};
pub use object_api::Refused;
pub use reconcile::{Requested, reconcile};
pub use standing::{HeldObjects, Ready, Release, Standing, standing};
pub use suspension::{Suspension, resume, resume_all, suspend};
pub use written::written;
