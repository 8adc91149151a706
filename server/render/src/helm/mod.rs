//! Helm releases whose chart is in the tree: what is asked of the renderer, why it fails and who supplies what it renders.
//!
//! Values are put together by the renderer, with the same code as helm-controller's. Here it is only known which source
//! has which value, so that what is said of a value can be shown where it is written.

mod chart;
mod codes;
mod difference;
mod faults;
mod loading;
mod not_read;
mod origins;
mod output;
mod post_rendering;
mod reads;
mod release;
mod sameness;
mod schema;
mod surroundings;
mod template;
mod templates;
mod values;

pub use codes::{CODES, MODEL_CODES};
pub use not_read::Unread;
pub use origins::{FieldQuestion, Rendered};
pub use release::{Capabilities, Release, bare, release};
pub use surroundings::{InItsFile, Surroundings, UnitOrigins, Units};
