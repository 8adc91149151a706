//! The VS Code extension's own tools, called through npm.

use std::process::Command;

use anyhow::Context as _;
use camino::Utf8Path;

use crate::checkout::{Checkout, run};

/// Installs what the extension is built with, unless just that is installed.
pub(crate) fn install(checkout: &Checkout) -> anyhow::Result<()> {
    let directory = checkout.extension();
    let wanted = directory.join("package-lock.json");
    // npm writes it at the end of every install.
    let installed = directory.join("node_modules").join(".package-lock.json");
    if modified(&installed).is_some_and(|installed| modified(&wanted).is_some_and(|wanted| wanted <= installed)) {
        return Ok(());
    }
    run(npm(checkout).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])).context("npm ci")
}

/// npm, called in the directory of the extension.
pub(crate) fn npm(checkout: &Checkout) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(checkout.extension());
    command
}

fn modified(path: &Utf8Path) -> Option<std::time::SystemTime> {
    path.metadata().ok()?.modified().ok()
}
