//! The benchmark: built here with what it compares with, done by a program of the tests' crate.

use std::process::Command;

use clap::Args;

use crate::checkout::{Checkout, run};
use crate::prerequisites::{self, GIT, GO, NODE, RUST};
use crate::stage::stage;
use crate::{bundle, control_plane, tools};

/// What can be measured by itself.
const GROUPS: [&str; 11] = [
    "start", "typing", "open", "peer", "sandbox", "saving", "many", "pods", "flux", "built", "fleet",
];

/// What the benchmark can be told.
#[derive(Args)]
pub(crate) struct Options {
    /// Measure yaml-language-server beside ours (from npm; needs Node).
    #[arg(long)]
    peers: bool,
    /// Measure only these groups.
    #[arg(long, value_name = "GROUP", value_parser = GROUPS)]
    only: Vec<String>,
}

/// Builds everything, optimised, and measures.
pub(crate) fn bench(checkout: &Checkout, options: &Options) -> anyhow::Result<()> {
    prerequisites::check(&[&RUST, &GO, &GIT])?;
    bundle::build(checkout)?;
    let kubectl = control_plane::build_kubectl(checkout)?;
    stage("building", || {
        run(checkout.cargo().args([
            "build",
            "--release",
            "--package",
            "gitops-lsp",
            "--bin",
            "gitops-lsp",
            "--package",
            "gitops-tests",
            "--bin",
            "bench",
        ]))
    })?;
    let mut command = Command::new(checkout.built("release", "bench"));
    let corpora = checkout.root().join("tests").join("corpora");
    command.args(["--kubectl", kubectl.as_str(), "--corpora", corpora.as_str()]);
    if options.peers {
        prerequisites::check(&[&NODE])?;
        let peer = stage("looking for yaml-language-server", || {
            tools::yaml_language_server(checkout)
        })?;
        command.args(["--peer", peer.as_str()]);
    }
    for group in &options.only {
        command.args(["--only", group]);
    }
    run(&mut command)
}
