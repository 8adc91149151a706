//! Everything that can be checked without a run.

use std::process::Command;

use anyhow::bail;

use crate::checkout::{Checkout, run};
use crate::prerequisites::{self, GO, NODE, PYTHON, RUST};
use crate::stage::stage;
use crate::{bundle, extension, go_module, tools};

/// What is checked, and how.
type Check = (&'static str, fn(&Checkout) -> anyhow::Result<()>);

/// Runs all checks, those after a failed one too.
pub(crate) fn lint(checkout: &Checkout) -> anyhow::Result<()> {
    prerequisites::check(&[&RUST, &GO, &NODE, &PYTHON])?;
    let checks: [Check; 7] = [
        ("formatting of the Rust code", formatting),
        ("clippy", clippy),
        ("licences, sources and bans of dependencies (cargo deny)", dependencies),
        ("dependencies that nobody uses (cargo machete)", unused_dependencies),
        ("the Go code (gofmt, go vet)", go),
        ("the VS Code extension (tsc)", types_of_the_extension),
        ("spelling (typos)", spelling),
    ];
    let failed: Vec<&str> = checks
        .into_iter()
        .filter(|(what, check)| {
            stage(what, || check(checkout))
                .inspect_err(|error| eprintln!("error: {error:#}"))
                .is_err()
        })
        .map(|(what, _)| what)
        .collect();
    if !failed.is_empty() {
        bail!(
            "{} of {} checks failed: {}",
            failed.len(),
            checks.len(),
            failed.join("; ")
        );
    }
    Ok(())
}

fn formatting(checkout: &Checkout) -> anyhow::Result<()> {
    run(checkout.cargo().args(["fmt", "--all", "--check"]))
}

fn clippy(checkout: &Checkout) -> anyhow::Result<()> {
    run(checkout
        .cargo()
        .args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
}

fn dependencies(checkout: &Checkout) -> anyhow::Result<()> {
    let mut command = Command::new(tools::cargo_deny(checkout)?);
    // Advisories come from a repository that changes by the day; docs/dependencies.md says when they are looked at.
    run(command.current_dir(checkout.root()).args([
        "--workspace",
        "--all-features",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]))
}

fn unused_dependencies(checkout: &Checkout) -> anyhow::Result<()> {
    run(Command::new(tools::cargo_machete(checkout)?)
        .current_dir(checkout.root())
        .args(["server", "tests"]))
}

fn go(checkout: &Checkout) -> anyhow::Result<()> {
    // With everything that the sandbox's programs import built, vet has little left to do.
    bundle::build(checkout)?;
    for module in [checkout.controlplane_module(), checkout.flux_module()] {
        let unformatted = Command::new("gofmt").args(["-l", "."]).current_dir(&module).output()?;
        let unformatted = String::from_utf8_lossy(&unformatted.stdout).trim().to_owned();
        if !unformatted.is_empty() {
            bail!("gofmt would change {unformatted}");
        }
        run(go_module::go(&module).args(["vet", "-trimpath", "./..."]))?;
    }
    Ok(())
}

fn types_of_the_extension(checkout: &Checkout) -> anyhow::Result<()> {
    extension::install(checkout)?;
    run(extension::npm(checkout).args(["run", "--silent", "check"]))
}

fn spelling(checkout: &Checkout) -> anyhow::Result<()> {
    run(Command::new(tools::typos(checkout)?).current_dir(checkout.root()))
}
