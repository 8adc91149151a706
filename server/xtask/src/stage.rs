//! The parts of a long command, each with a headline before it and the time it took behind it.

use std::time::{Duration, Instant};

/// Does one part.
pub(crate) fn stage<T>(what: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    eprintln!("── {what}");
    let began = Instant::now();
    let outcome = work();
    let sign = if outcome.is_ok() { "done" } else { "failed" };
    eprintln!("── {what}: {sign} in {}", time(began.elapsed()));
    outcome
}

/// Minutes and seconds.
pub(crate) fn time(passed: Duration) -> String {
    let seconds = passed.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
