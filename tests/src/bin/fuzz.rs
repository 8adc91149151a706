//! Fuzzing of everything that reads a text: parse → index → place, over mutated files of the corpora.
//!
//! `cargo xtask fuzz --files 10000000` runs it optimised on all cores; a short run is one of the tests.
//! A panic, a span out of bounds or one inside a character ends it with the seed that makes it again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use gitops_tests::mutation::{Mutator, check_text};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        arguments
            .iter()
            .position(|argument| argument == name)
            .and_then(|at| arguments.get(at + 1))
    };
    let files: u64 = option("--files")
        .and_then(|text| text.replace('_', "").parse().ok())
        .unwrap_or(100_000);
    let seed: u64 = option("--seed").and_then(|text| text.parse().ok()).unwrap_or(1);
    let Some(corpora) = option("--corpora").map(PathBuf::from) else {
        eprintln!("fuzz: --corpora DIRECTORY is missing");
        return ExitCode::from(2);
    };
    let mut texts = Vec::new();
    collect(&corpora, &mut texts);
    if texts.is_empty() {
        eprintln!("fuzz: no files in {}", corpora.display());
        return ExitCode::from(2);
    }
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    println!(
        "fuzz: {files} mutations of {} files, seed {seed}, {threads} threads",
        texts.len()
    );
    std::panic::set_hook(Box::new(|_| {}));
    let next = AtomicU64::new(0);
    let failures = AtomicU64::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= files || failures.load(Ordering::Relaxed) > 10 {
                        return;
                    }
                    let mut mutator = Mutator::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number);
                    let bytes = mutator.mutate(&texts);
                    let outcome = catch_unwind(AssertUnwindSafe(|| check_text(&bytes, &mut mutator)));
                    let problem = match outcome {
                        Ok(Ok(())) => continue,
                        Ok(Err(problem)) => problem,
                        Err(panic) => format!(
                            "panic: {}",
                            panic.downcast_ref::<String>().map_or_else(
                                || panic.downcast_ref::<&str>().copied().unwrap_or("?").to_owned(),
                                Clone::clone
                            )
                        ),
                    };
                    failures.fetch_add(1, Ordering::Relaxed);
                    eprintln!(
                        "fuzz: number {number} of seed {seed}: {problem}\n{:?}",
                        String::from_utf8_lossy(&bytes)
                    );
                }
            });
        }
    });
    let failed = failures.load(Ordering::Relaxed);
    let seconds = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = files as f64 / seconds;
    println!("fuzz: {files} files, {failed} failures, {seconds:.0} s, {rate:.0} files/s");
    ExitCode::from(u8::from(failed > 0))
}

fn collect(directory: &Path, texts: &mut Vec<Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, texts);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
            && let Ok(bytes) = std::fs::read(&path)
            && bytes.len() < 64 * 1024
        {
            texts.push(bytes);
        }
    }
}
