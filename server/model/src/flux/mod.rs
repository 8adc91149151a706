//! What Flux's own objects say, read from their fields alone: which repository a URL means, what a reference may be
//! called, how a source is pointed at the session's.

mod ref_name;
mod repository_url;
mod session_source;

pub use ref_name::{NotARefName, RefName};
pub use repository_url::{RepositoryUrl, same_repository};
pub use session_source::{Redirection, SessionEndpoint, credentials, redirect};
