//! All tests, and one line at the end that sums them up.

use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use camino::Utf8Path;

use crate::checkout::{Checkout, run};
use crate::prerequisites::{self, GIT, GO, NODE, RUST};
use crate::stage::stage;
use crate::{bundle, chart_sources, extension, go_module, tools};

/// How many tests passed, failed and were left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
}

/// Builds what is needed and runs everything; `arguments` are for the test programs.
pub(crate) fn test(checkout: &Checkout, arguments: &[String]) -> anyhow::Result<()> {
    prerequisites::check(&[&RUST, &GO, &GIT])?;
    bundle::build(checkout)?;
    chart_sources::build(checkout)?;
    let neovim = stage("looking for Neovim", || tools::neovim(checkout))?;
    if prerequisites::is_there(&NODE) {
        stage("checking the types of the VS Code extension", || {
            extension::install(checkout)?;
            run(extension::npm(checkout).args(["run", "--silent", "check"]))
        })?;
    } else {
        eprintln!("── the VS Code extension is not checked: Node 20 is not there");
    }
    // Tests start the server as a program of its own, which building the tests alone would leave as it was.
    stage("building", || {
        run(checkout.cargo().args(["build", "--workspace", "--all-targets"]))
    })?;
    let mut tally = stage("testing the Go code", || run_go_tests(checkout))?;
    let sound = stage("testing", || run_tests(checkout, &neovim, arguments, &mut tally))?;
    println!("\n{}", summary(tally));
    if !sound || tally.failed > 0 {
        bail!("not all tests passed");
    }
    Ok(())
}

/// Runs the tests of the Go module that has any, and counts them.
fn run_go_tests(checkout: &Checkout) -> anyhow::Result<Tally> {
    let output = go_module::go(&checkout.flux_module())
        .args(["test", "-v", "./..."])
        .stderr(Stdio::inherit())
        .output()
        .context("go could not be started")?;
    let shown = String::from_utf8_lossy(&output.stdout);
    let mut tally = Tally::default();
    for line in shown.lines() {
        tally.add_go(line);
    }
    if tally.failed > 0 || !output.status.success() {
        println!("{shown}");
    }
    if tally.passed == 0 || (tally.failed == 0 && !output.status.success()) {
        bail!("the tests of the Go code could not be run");
    }
    Ok(tally)
}

/// Runs `cargo test`, shows what it prints and counts; says whether all of it went well, too.
fn run_tests(checkout: &Checkout, neovim: &Utf8Path, arguments: &[String], tally: &mut Tally) -> anyhow::Result<bool> {
    let mut command = checkout.cargo();
    command
        .args(["test", "--workspace", "--no-fail-fast", "--"])
        .args(arguments);
    if std::io::stdout().is_terminal() {
        // Test programs write into a pipe here.
        command.arg("--color=always");
    }
    command.env("PATH", path_with(neovim)?);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo could not be started")?;
    let output = child.stdout.take().context("cargo has no output")?;
    let mut shown = std::io::stdout().lock();
    for line in BufReader::new(output).lines() {
        let line = line?;
        tally.add(&line);
        writeln!(shown, "{line}")?;
    }
    let status = child.wait()?;
    Ok(status.success())
}

/// The search path with the directory of Neovim before all others.
fn path_with(neovim: &Utf8Path) -> anyhow::Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = neovim
        .parent()
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.as_std_path().to_owned());
    Ok(std::env::join_paths(
        first.into_iter().chain(std::env::split_paths(&path)),
    )?)
}

impl Tally {
    /// Adds what a line of `go test -v` says of a test; those inside of one are counted with it.
    fn add_go(&mut self, line: &str) {
        if line.starts_with("--- PASS: ") {
            self.passed += 1;
        } else if line.starts_with("--- FAIL: ") {
            self.failed += 1;
        } else if line.starts_with("--- SKIP: ") {
            self.ignored += 1;
        }
    }

    /// Adds what the last line of a test program says: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        for part in result.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let number = words.next().and_then(|word| word.parse::<u64>().ok());
            match (number, words.next()) {
                (Some(number), Some("passed")) => self.passed += number,
                (Some(number), Some("failed")) => self.failed += number,
                (Some(number), Some("ignored")) => self.ignored += number,
                _ => {}
            }
        }
    }
}

fn summary(tally: Tally) -> String {
    let Tally {
        passed,
        failed,
        ignored,
    } = tally;
    let ignored = if ignored == 0 {
        String::new()
    } else {
        format!(", {ignored} skipped")
    };
    format!("{passed} passed, {failed} failed{ignored}")
}

#[cfg(test)]
mod tests {
    use super::{Tally, summary};

    #[test]
    fn results_are_added_up() {
        let mut tally = Tally::default();
        for line in [
            "test tests::a ... ok",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.03s",
            "test result: \u{1b}[31mFAILED\u{1b}(B\u{1b}[m. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s",
        ] {
            tally.add(line);
        }
        assert_eq!(
            tally,
            Tally {
                passed: 17,
                failed: 2,
                ignored: 1
            }
        );
        assert_eq!(summary(tally), "17 passed, 2 failed, 1 skipped");
        assert_eq!(summary(Tally { ignored: 0, ..tally }), "17 passed, 2 failed");
    }
}
