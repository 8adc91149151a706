//! A commit of the work tree, as Flux names it.

use std::fmt;

use gitops_model::flux::RefName;

/// The session's commit under the session's branch.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Revision {
    /// The branch.
    pub branch: RefName,
    /// The id of the commit: 40 hexadecimal digits.
    pub commit: String,
}

/// In Flux's form, `main@sha1:3f2c…`, with the whole id.
impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@sha1:{}", self.branch.short(), self.commit)
    }
}
