//! Fuzzing: built here, done by a program of the tests' crate.

use std::process::Command;

use clap::Args;

use crate::checkout::{Checkout, run};
use crate::prerequisites::{self, RUST};
use crate::stage::stage;

/// What fuzzing can be told.
#[derive(Args)]
pub(crate) struct Options {
    /// How many mutated files.
    #[arg(long, default_value_t = 1_000_000)]
    files: u64,
    /// Which ones: the same seed makes the same files.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Builds the program, optimised, and runs it.
pub(crate) fn fuzz(checkout: &Checkout, options: &Options) -> anyhow::Result<()> {
    prerequisites::check(&[&RUST])?;
    stage("building", || {
        run(checkout
            .cargo()
            .args(["build", "--release", "--package", "gitops-tests", "--bin", "fuzz"]))
    })?;
    let corpora = checkout.root().join("tests").join("corpora");
    run(Command::new(checkout.built("release", "fuzz"))
        .args([
            "--files",
            &options.files.to_string(),
            "--seed",
            &options.seed.to_string(),
        ])
        .args(["--corpora", corpora.as_str()]))
}
