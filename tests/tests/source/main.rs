//! The session's source with the real Flux: every `GitRepository` becomes ready with what is saved.

mod flux;
mod references;
