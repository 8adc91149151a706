//! The session's source with the real `git`: what becomes of a work tree, that the user's repository is left alone, and
//! that real clients can fetch what is served.

mod bounds;
mod changing;
mod names;
mod serving;
mod support;
mod untouched;
mod work_trees;
