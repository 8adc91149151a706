//! A short run of the fuzzer; `cargo xtask fuzz` does long ones.

use std::process::Command;

/// About two seconds of work for a build that is not optimised.
const FILES: &str = "4000";

#[test]
fn a_few_thousand_mutated_files_break_nothing() {
    let corpora = concat!(env!("CARGO_MANIFEST_DIR"), "/corpora");
    let output = Command::new(env!("CARGO_BIN_EXE_fuzz"))
        .args(["--files", FILES, "--seed", "4", "--corpora", corpora])
        .output()
        .expect("the fuzzer starts");
    let (said, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}{errors}");
    let last = said.lines().last().unwrap_or_default();
    assert!(
        last.starts_with(&format!("fuzz: {FILES} files, 0 failures, ")),
        "{said}"
    );
}
