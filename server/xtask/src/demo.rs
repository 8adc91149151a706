//! The demo and the pictures of the documentation: built here, played by a program of the tests' crate.

use std::process::Command;

use anyhow::Context as _;
use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};

use crate::bundle;
use crate::checkout::{Checkout, run};
use crate::prerequisites::{self, GIT, GO, RUST};
use crate::stage::stage;
use crate::tools;

/// What the demo can be told.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave the sandbox up, for an editor to go on with.
    #[arg(long)]
    keep: bool,
    /// Open an editor on the workspace at the end.
    #[arg(long, value_enum, default_value_t = Editor::None)]
    editor: Editor,
}

/// Editors that the demo can open.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Editor {
    /// Neovim, with a session.
    Nvim,
    /// None.
    None,
}

/// How the programs are built.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Profile {
    /// As for tests, which share most of what is compiled.
    Development,
    /// As it is released.
    Release,
}

/// Builds what is needed and plays the demo.
pub(crate) fn demo(checkout: &Checkout, options: &Options) -> anyhow::Result<()> {
    prerequisites::check(&[&RUST, &GO, &GIT])?;
    let neovim = match options.editor {
        Editor::Nvim => Some(tools::neovim(checkout)?),
        Editor::None => None,
    };
    let mut command = built(checkout, Profile::Development)?;
    if options.keep {
        command.arg("--keep");
    }
    if let Some(neovim) = neovim {
        command.args(["--neovim", neovim.as_str()]);
    }
    run(&mut command).context("the demo did not go as it should")
}

/// Plays the mistakes of the demo that the documentation shows, and draws what is printed of each.
pub(crate) fn pictures(checkout: &Checkout) -> anyhow::Result<()> {
    prerequisites::check(&[&RUST, &GO, &GIT])?;
    let directory: Utf8PathBuf = checkout.root().join("docs").join("pictures");
    std::fs::create_dir_all(&directory).with_context(|| directory.to_string())?;
    // It shows how fast a verdict is, so it is drawn of what is released.
    run(built(checkout, Profile::Release)?.args(["--pictures", directory.as_str()]))?;
    println!("{directory}");
    Ok(())
}

/// The program that plays, with everything it needs built.
fn built(checkout: &Checkout, profile: Profile) -> anyhow::Result<Command> {
    bundle::build(checkout)?;
    stage(
        "building the server and the demo (once; then only what has changed)",
        || {
            let mut command = checkout.cargo();
            command.args(["build", "--package", "gitops-lsp", "--bin", "gitops-lsp"]);
            command.args(["--package", "gitops-tests", "--bin", "demo"]);
            if profile == Profile::Release {
                command.arg("--release");
            }
            run(&mut command)
        },
    )?;
    eprintln!();
    let directory = match profile {
        Profile::Development => "debug",
        Profile::Release => "release",
    };
    Ok(Command::new(checkout.built(directory, "demo")))
}
