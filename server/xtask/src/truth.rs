//! The measure of truth: built here, taken by a program of the tests' crate.

use std::process::Command;

use camino::Utf8PathBuf;
use clap::Args;

use crate::bundle;
use crate::checkout::{Checkout, run};
use crate::prerequisites::{self, GIT, GO, RUST};
use crate::stage::stage;

/// What the measure can be told.
#[derive(Args)]
pub(crate) struct Options {
    /// The repository. It is copied, and never written to.
    #[arg(long, value_name = "DIR")]
    repo: Utf8PathBuf,
    /// The target in it: the entry of a Flux repository, a kustomization, a Helm chart or a folder of manifests.
    #[arg(long, value_name = "PATH", default_value = "")]
    target: String,
    /// How many rounds.
    #[arg(long, value_name = "N", default_value_t = 50)]
    n: u64,
    /// Which ones: the same seed plays the same rounds.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Go on in a new session when something is left after mending.
    #[arg(long)]
    keep_going: bool,
    /// Only these kinds of breakage.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<String>,
    /// Write everything to a file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<Utf8PathBuf>,
}

/// Builds the server, the sandbox and the program, and runs it.
pub(crate) fn truth(checkout: &Checkout, options: &Options) -> anyhow::Result<()> {
    prerequisites::check(&[&RUST, &GO, &GIT])?;
    bundle::build(checkout)?;
    stage("building", || {
        let mut command = checkout.cargo();
        command.args(["build", "--package", "gitops-lsp", "--bin", "gitops-lsp"]);
        command.args(["--package", "gitops-tests", "--bin", "truth"]);
        run(&mut command)
    })?;
    let mut command = Command::new(checkout.built("debug", "truth"));
    command.args(["--repo", options.repo.as_str(), "--target", &options.target]);
    command.args(["--n", &options.n.to_string(), "--seed", &options.seed.to_string()]);
    if options.keep_going {
        command.arg("--keep-going");
    }
    if !options.kinds.is_empty() {
        command.args(["--kinds", &options.kinds.join(",")]);
    }
    if let Some(file) = &options.json {
        command.args(["--json", file.as_str()]);
    }
    run(&mut command)
}
