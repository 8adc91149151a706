//! A save brings the API server's verdict to its line, and what it takes is on the cluster. All tests share one session.

#![allow(
    clippy::needless_raw_string_hashes,
    reason = "expect-test chooses how many it writes"
)]

mod actions;
mod changes;
mod pruning;
mod staging;
mod verdicts;

use gitops_tests::fixture::Show;

const LENSES: Show = Show {
    lenses: true,
    actions: false,
    details: false,
};
const LENSES_AND_ACTIONS: Show = Show {
    lenses: true,
    actions: true,
    details: false,
};

fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: default\ndata:\n  key: {value}\n")
}
