//! Until a sandbox can be used: `gitops-lsp sandbox up`.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8Path;

use super::samples::{Samples, milliseconds};
use super::table::{Goal, Row};
use crate::binary::gitops_lsp;
use crate::leftovers;

/// How many prepared starts are measured.
const PREPARED: usize = 5;

/// The first start in a state directory of its own, and those after it, without Flux and with it.
pub fn measure() -> Vec<Row> {
    let directory = tempfile::Builder::new()
        .prefix("gitops-bench-")
        .tempdir()
        .expect("a temporary directory");
    let directory = Utf8Path::from_path(directory.path()).expect("UTF-8");
    let (state, folder) = (directory.join("state"), directory.join("folder"));
    std::fs::create_dir_all(&folder).expect("a directory can be made");
    let (first, prepared) = starts(&state, &folder, &[]);
    let (first_with_flux, with_flux) = starts(&state, &folder, &["--flux"]);
    if let Err(left) = leftovers::wait_until_none(&state, crate::server::GONE_WITHIN) {
        panic!("the sandbox is down, but {left}");
    }
    let ratio = prepared.median() / first;
    vec![
        Row {
            work: "sandbox up, prepared (a Pod can be created)".to_owned(),
            measured: prepared.show(),
            against: format!("the first start: {}", milliseconds(first)),
            ratio,
            goal: Goal::at_most(prepared.median(), 3500.0, "3.5 s"),
        },
        Row {
            work: "sandbox up, the first of a state directory".to_owned(),
            measured: milliseconds(first),
            against: format!("a prepared start: {}", milliseconds(prepared.median())),
            ratio: ratio.recip(),
            goal: Goal::at_most(first, 9000.0, "9 s"),
        },
        Row {
            work: "sandbox up --flux, prepared (its controllers are ready)".to_owned(),
            measured: with_flux.show(),
            against: format!(
                "without Flux: {}; the first start with it: {}",
                prepared.show(),
                milliseconds(first_with_flux)
            ),
            ratio: with_flux.median() / prepared.median(),
            goal: Goal::at_most(with_flux.median(), 4500.0, "4.5 s"),
        },
    ]
}

/// How long the first start takes, in milliseconds, and how long those after it.
fn starts(state: &Utf8Path, folder: &Utf8Path, flags: &[&str]) -> (f64, Samples) {
    let first = up(state, folder, flags).as_secs_f64() * 1000.0;
    down(state, folder);
    let mut prepared = Samples::default();
    for _ in 0..PREPARED {
        prepared.push(up(state, folder, flags));
        down(state, folder);
    }
    (first, prepared)
}

fn up(state: &Utf8Path, folder: &Utf8Path, flags: &[&str]) -> Duration {
    let began = Instant::now();
    run("up", state, folder, flags);
    began.elapsed()
}

fn down(state: &Utf8Path, folder: &Utf8Path) {
    run("down", state, folder, &[]);
}

fn run(verb: &str, state: &Utf8Path, folder: &Utf8Path, flags: &[&str]) {
    let output = Command::new(gitops_lsp())
        .args(["sandbox", verb, folder.as_str()])
        .args(flags)
        .env("GITOPS_LSP_STATE_DIR", state)
        .stdin(Stdio::null())
        .output()
        .expect("gitops-lsp starts");
    assert!(
        output.status.success(),
        "sandbox {verb} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
