//! Where things are in a checkout, and how Cargo is called in it.

use std::process::Command;

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};

/// The checkout that this program was built in.
pub(crate) struct Checkout {
    root: Utf8PathBuf,
    target: Utf8PathBuf,
}

impl Checkout {
    pub(crate) fn find() -> anyhow::Result<Self> {
        // Cargo sets the variable for what it runs; the other value is for the program called by hand.
        let manifest_directory =
            std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
        let root = Utf8Path::new(&manifest_directory)
            .ancestors()
            .find(|directory| directory.join("Cargo.lock").is_file())
            .context("the checkout's root is not above this program's sources")?
            .to_owned();
        // This program is in the target directory, wherever a configuration has put that.
        let executable = Utf8PathBuf::try_from(std::env::current_exe()?)?;
        let target = executable
            .ancestors()
            .skip(1)
            .find(|directory| directory.join("CACHEDIR.TAG").is_file())
            .map_or_else(|| root.join("target"), Utf8Path::to_owned);
        Ok(Self { root, target })
    }

    /// The Go module with the control plane of the sandbox.
    pub(crate) fn controlplane_module(&self) -> Utf8PathBuf {
        self.root.join("server").join("go").join("controlplane")
    }

    /// The Go module with Flux, of which the sandbox has the controllers.
    pub(crate) fn flux_module(&self) -> Utf8PathBuf {
        self.root.join("server").join("go").join("flux")
    }

    /// Where the programs of the sandbox go, and where the server looks for them.
    pub(crate) fn bundle(&self) -> Utf8PathBuf {
        self.target.join("sandbox")
    }

    /// Where programs go that only benches and tests use.
    pub(crate) fn tools(&self) -> Utf8PathBuf {
        self.target.join("tools")
    }

    /// The root of the checkout.
    pub(crate) fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The VS Code extension.
    pub(crate) fn extension(&self) -> Utf8PathBuf {
        self.root.join("vscode-extension")
    }

    /// A program that Cargo has built.
    pub(crate) fn built(&self, profile: &str, program: &str) -> Utf8PathBuf {
        let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
        self.target.join(profile).join(name)
    }

    pub(crate) fn cargo_build(&self, package: &str, release: bool) -> anyhow::Result<()> {
        let mut command = self.cargo();
        command.args(["build", "--package", package]);
        if release {
            command.arg("--release");
        }
        run(&mut command)
    }

    /// Cargo, called in the root of the checkout.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
        command.current_dir(&self.root);
        command
    }
}

/// Runs a command whose output is for the one who watches.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("{} could not be started", command.get_program().display()))?;
    if !status.success() {
        bail!("{} failed ({status})", command.get_program().display());
    }
    Ok(())
}
