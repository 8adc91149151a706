//! The VS Code extension as a file that can be installed, with the server in it.

use std::process::Command;

use anyhow::{Context as _, bail};
use camino::Utf8PathBuf;
use clap::Args;

use crate::checkout::{Checkout, run};
use crate::extension;
use crate::prerequisites::{self, NODE, RUST};
use crate::stage::stage;

/// How large the file may be. The programs of the sandbox are not in it.
const LARGEST: u64 = 40 * 1024 * 1024;

/// What packaging can be told.
#[derive(Args)]
pub(crate) struct Options {
    /// For which platform, in VS Code's words. It must be the one that this is: nothing is built for others yet.
    #[arg(long, default_value_t = platform())]
    target: String,
    /// Install it into the VS Code of this machine (`code`).
    #[arg(long)]
    install: bool,
}

/// Builds the server, packages it, and asks the packaged one for its version.
pub(crate) fn package(checkout: &Checkout, options: &Options) -> anyhow::Result<()> {
    prerequisites::check(&[&RUST, &NODE])?;
    let target = &options.target;
    if *target != platform() {
        bail!(
            "a package for {target} can be made on such a machine only; this one is {}",
            platform()
        );
    }
    stage("building the server, optimised", || {
        checkout.cargo_build("gitops-lsp", true)
    })?;
    let server = checkout.built("release", "gitops-lsp");
    let inside = checkout.extension().join("server");
    std::fs::create_dir_all(&inside).with_context(|| inside.to_string())?;
    let copy = inside.join(server.file_name().context("a program has a name")?);
    std::fs::copy(&server, &copy).with_context(|| copy.to_string())?;
    let package = file(checkout, target)?;
    stage("packaging the extension", || {
        extension::install(checkout)?;
        run(extension::npm(checkout).args([
            "run",
            "--silent",
            "package",
            "--",
            "--target",
            target,
            "--out",
            package.as_str(),
        ]))
    })?;
    stage("starting the server that is in the package", || {
        run(Command::new("node")
            .current_dir(checkout.extension())
            .args(["check-package.mjs", package.as_str()]))
    })?;
    let bytes = package.metadata().with_context(|| package.to_string())?.len();
    if bytes > LARGEST {
        bail!(
            "{package} has {}, and {} are allowed",
            megabytes(bytes),
            megabytes(LARGEST)
        );
    }
    if options.install {
        run(Command::new("code").args(["--install-extension", package.as_str()]))?;
    }
    println!("{package} ({})", megabytes(bytes));
    Ok(())
}

/// Where the package goes: its name says the version and the platform.
fn file(checkout: &Checkout, target: &str) -> anyhow::Result<Utf8PathBuf> {
    let manifest = checkout.extension().join("package.json");
    let text = std::fs::read_to_string(&manifest).with_context(|| manifest.to_string())?;
    let manifest: serde_json::Value = serde_json::from_str(&text).with_context(|| manifest.to_string())?;
    let word = |name: &str| {
        manifest[name]
            .as_str()
            .with_context(|| format!("package.json has no {name}"))
    };
    Ok(checkout
        .extension()
        .join(format!("{}-{target}-{}.vsix", word("name")?, word("version")?)))
}

/// This machine's platform in VS Code's words.
fn platform() -> String {
    let system = match std::env::consts::OS {
        "windows" => "win32",
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        "arm" => "armhf",
        other => other,
    };
    format!("{system}-{processor}")
}

fn megabytes(bytes: u64) -> String {
    let tenths = (bytes * 10).div_ceil(1024 * 1024);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}
