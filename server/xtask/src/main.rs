//! Set-up, builds and everything else that README and CI call: `cargo xtask COMMAND`.

mod bench;
mod build_progress;
mod bundle;
mod chart_sources;
mod checkout;
mod control_plane;
mod demo;
mod extension;
mod flux;
mod fuzz;
mod go_module;
mod lint;
mod own_programs;
mod package;
mod prerequisites;
mod stage;
mod test;
mod tools;
mod truth;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::checkout::Checkout;

/// Builds and tests gitops-lsp.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows what it does: mistakes in a real workspace, each answered by a real API server on its line.
    Demo(demo::Options),
    /// Runs everything that has to be right.
    Test {
        /// What `cargo test` gives to the test programs: a filter, `--ignored`, `--test-threads 1`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Checks what needs no run: formatting, lints, licences, unused dependencies, types of the extension, spelling.
    Lint,
    /// Mutates files of the corpora and sends them through everything that reads a text.
    Fuzz(fuzz::Options),
    /// Measures how fast and how small it is, each number against another of the same run.
    Bench(bench::Options),
    /// Breaks a repository at one place per round, saves through the server, and counts how near it is said.
    Truth(truth::Options),
    /// Packages the VS Code extension with the server in it.
    Package(package::Options),
    /// Draws the pictures of verdicts that the README and the documentation show.
    Pictures,
    /// Builds the server and the programs of its local sandbox.
    Build {
        /// Optimise the server, as for a release.
        #[arg(long)]
        release: bool,
        /// Build kubectl too, which benches compare with.
        #[arg(long)]
        kubectl: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let checkout = Checkout::find()?;
    match command {
        Command::Demo(options) => demo::demo(&checkout, &options),
        Command::Test { arguments } => test::test(&checkout, &arguments),
        Command::Lint => lint::lint(&checkout),
        Command::Fuzz(options) => fuzz::fuzz(&checkout, &options),
        Command::Bench(options) => bench::bench(&checkout, &options),
        Command::Truth(options) => truth::truth(&checkout, &options),
        Command::Package(options) => package::package(&checkout, &options),
        Command::Pictures => demo::pictures(&checkout),
        Command::Build { release, kubectl } => {
            prerequisites::check(&[&prerequisites::RUST, &prerequisites::GO, &prerequisites::GIT])?;
            bundle::build(&checkout)?;
            if kubectl {
                control_plane::build_kubectl(&checkout)?;
            }
            checkout.cargo_build("gitops-lsp", release)
        }
    }
}
