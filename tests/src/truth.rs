//! The measure of truth: a repository is broken at one known place at a time, saved through the real server, and what is
//! said is held against the place.
//!
//! Nothing here knows any repository. What may be broken is found by reading the files that a target is built from
//! ([`closure`]), by the rules of the [`catalogue`]; that a breakage really is one is asked of the renderer and of the API
//! server, not of the program under test ([`proof`]).

pub mod breakage;
pub mod catalogue;
pub mod closure;
pub mod copy;
pub mod entry;
pub mod judge;
pub mod options;
pub mod oracle;
pub mod piece;
pub mod play;
pub mod proof;
pub mod releases;
pub mod report;
pub mod run;
pub mod scene;
pub mod trees;
pub mod units;
pub mod world;
