//! The measure of truth: breaks a repository at one known place per round, saves through the real server, and counts how
//! near it is said. `cargo xtask truth` builds what it needs.
//!
//! The exit code is 0 when it could be measured, whatever the result, and 2 when it could not.

use std::process::ExitCode;

use gitops_tests::truth::options::Options;
use gitops_tests::truth::report::Report;
use gitops_tests::truth::run::run;

fn main() -> ExitCode {
    match Options::read(std::env::args().skip(1))
        .map_err(anyhow::Error::msg)
        .and_then(|options| measure(&options))
    {
        Ok(report) => {
            println!("\n{}", report.table());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("truth: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn measure(options: &Options) -> anyhow::Result<Report> {
    let report = run(options, &mut |line| println!("{line}"))?;
    if let Some(path) = &options.json {
        std::fs::write(path, format!("{:#}\n", report.json()))?;
    }
    Ok(report)
}
