//! What breaks: processes, disks, files. Nothing panics, hangs, loses an edit or leaves anything behind.

#![allow(
    clippy::needless_raw_string_hashes,
    reason = "expect-test chooses how many it writes"
)]

mod components;
mod disks;
mod files;
mod source;
mod starts;

use gitops_tests::server::TestServer;
use gitops_tests::show::ageless;
use serde_json::Value;

fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: default\ndata:\n  key: {value}\n")
}

fn titles(server: &TestServer, file: &str) -> Vec<String> {
    server
        .lenses(file)
        .into_iter()
        .map(|(_, title)| ageless(&title))
        .collect()
}

fn message_of(status: &Value) -> &str {
    status["message"].as_str().unwrap_or_default()
}
