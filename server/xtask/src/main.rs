//! Set-up, builds and everything else that README and CI call: `cargo xtask COMMAND`.

mod build_progress;
mod bundle;
mod checkout;
mod prerequisites;

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
        Command::Build { release, kubectl } => {
            prerequisites::check(&[&prerequisites::RUST, &prerequisites::GO, &prerequisites::GIT])?;
            bundle::build(&checkout)?;
            if kubectl {
                bundle::build_kubectl(&checkout)?;
            }
            checkout.cargo_build("gitops-lsp", release)
        }
    }
}
