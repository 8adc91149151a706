//! Which directories of a Flux repository are built, from which source, and how much of it at a save.

mod artifacts;
mod bad_input;
mod example;
mod fleet;
mod pruning;
mod repositories;
mod targets;
