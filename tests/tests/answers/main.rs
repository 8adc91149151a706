//! What the API server answers, row by row: each kind of refusal that is known has a test here that asks the real server,
//! and says which code, which range and which words a person gets. All tests share one session, each in namespaces of its own.

#![expect(clippy::needless_raw_string_hashes, reason = "as expect-test writes them")]

mod actions;
mod actions_on_fields;
mod actions_on_objects;
mod admission;
mod changes;
mod custom;
mod kinds;
mod policies;
mod prepare;
mod rounds;
mod structure;
mod validation;
mod warnings;

use gitops_tests::fixture::Show;

/// What is written down in all of these tests: the diagnostics and what can be done about them.
const SHOW: Show = Show {
    lenses: false,
    actions: true,
    details: false,
};
