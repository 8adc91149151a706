//! Bounds of the source.

use std::time::Duration;

/// How much the source may be asked to take in. What no rule ignores and is more than this is no configuration of a
/// cluster, but a directory that `.gitignore` forgot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// New and changed files in one commit.
    pub files: usize,
    /// Bytes of all new and changed files in one commit.
    pub bytes: u64,
    /// Bytes of one file; a larger one is left out of the commit, and said to be.
    pub file_bytes: u64,
    /// How long one call of `git` may take.
    pub call: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            files: 100_000,
            bytes: 512 * 1024 * 1024,
            file_bytes: 64 * 1024 * 1024,
            call: Duration::from_mins(1),
        }
    }
}
