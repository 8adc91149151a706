//! A whole build beside that of kustomize-controller, in one process: the renderer's own benchmark in Go, which calls the
//! controller's libraries (`server/go/flux/render/speed_test.go`).

use std::process::Command;

use super::samples::milliseconds;
use super::table::{Goal, Row};
use crate::binary::target_directory;

/// How often each builds.
const ROUNDS: &str = "30x";

/// One row: ours, with all that a session asks of it, against Flux's.
pub fn measure() -> Row {
    let directory = target_directory();
    let root = directory.parent().expect("the target directory is in the checkout");
    let output = Command::new("go")
        .args([
            "test",
            "-run",
            "^$",
            "-bench",
            "^BenchmarkWhole$",
            "-benchtime",
            ROUNDS,
            "./render",
        ])
        .current_dir(root.join("server/go/flux"))
        .env("CGO_ENABLED", "0")
        .output()
        .expect("Go is installed (README.md)");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaint}");
    let time = |name: &str| {
        time_of(&said, name).unwrap_or_else(|| panic!("the benchmark does not say how long {name} takes:\n{said}"))
    };
    let (ours, flux) = (time("ours-with-origins"), time("flux"));
    Row {
        work: "the whole of 201 objects, in one process".to_owned(),
        measured: milliseconds(ours),
        against: format!("Flux's own build of them: {}", milliseconds(flux)),
        ratio: ours / flux,
        goal: Goal::at_most(ours / flux, 1.0, "1.0 ×"),
    }
}

/// Milliseconds of a line `BenchmarkWhole/NAME-2  30  140710182 ns/op`.
fn time_of(said: &str, name: &str) -> Option<f64> {
    said.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let of = words.next()?.strip_prefix("BenchmarkWhole/")?;
        let of = of.rsplit_once('-').map_or(
            of,
            |(of, processors)| {
                if processors.parse::<u32>().is_ok() { of } else { line }
            },
        );
        let nanoseconds: f64 = words.nth(1).filter(|_| of == name)?.parse().ok()?;
        Some(nanoseconds / 1e6)
    })
}

#[cfg(test)]
mod tests {
    use super::time_of;

    #[test]
    fn times_are_read_by_their_names() {
        let said = "cpu: x\nBenchmarkWhole/ours-2 \t 20\t  66034297 ns/op\nBenchmarkWhole/ours-with-origins-2  20  140710182 ns/op\n\
                    BenchmarkWhole/flux  20  171173059 ns/op\nPASS\n";
        assert_eq!(time_of(said, "ours"), Some(66.034_297));
        assert_eq!(time_of(said, "ours-with-origins"), Some(140.710_182));
        assert_eq!(time_of(said, "flux"), Some(171.173_059));
        assert_eq!(time_of(said, "other"), None);
    }
}
