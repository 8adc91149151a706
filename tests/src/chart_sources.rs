//! A repository of charts over HTTP and an OCI registry, on loopback, with real packaged charts.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use camino::Utf8Path;
use serde_json::Value;

use crate::binary::target_directory;

/// Both, until this is dropped.
#[derive(Debug)]
pub struct ChartSources {
    /// URL of the repository, for a `HelmRepository`.
    pub repository: String,
    /// URL below which each chart is by its name, for an `OCIRepository`.
    pub registry: String,
    process: Child,
}

impl ChartSources {
    /// Serves these charts, each a directory.
    pub fn serve(charts: &[&Utf8Path]) -> Self {
        let program = target_directory().join("tools").join("chart-sources");
        assert!(
            program.is_file(),
            "{program} is not built: `cargo xtask test` builds it first"
        );
        let mut process = Command::new(&program)
            .args(charts)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let mut said = String::new();
        let output = process.stdout.take().expect("its output is a pipe");
        BufReader::new(output)
            .read_line(&mut said)
            .expect("it says where it is");
        let said: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said:?}"));
        let address = |key: &str| said[key].as_str().expect("an address").to_owned();
        Self {
            repository: address("repository"),
            registry: address("registry"),
            process,
        }
    }

    /// Nothing answers there any more.
    pub fn end(&mut self) {
        // It ends with its standard input.
        drop(self.process.stdin.take());
        self.process.wait().expect("it was running");
    }
}

impl Drop for ChartSources {
    fn drop(&mut self) {
        self.end();
    }
}
