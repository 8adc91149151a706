//! The benchmark: ratios, each against something that is measured in the same run. `cargo xtask bench` builds what it needs.
//!
//! A bound that is missed is marked, and the exit code is 0 all the same; it is 1 when something could not be measured.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use gitops_tests::bench::settings::Settings;
use gitops_tests::bench::table::{Row, render};
use gitops_tests::bench::{
    built_targets, fleet, flux, many_files, memory, open_files, peer, pod_states, sandbox_start, saving, server_start,
    typing, whole_of_flux,
};

fn main() -> ExitCode {
    let settings = match Settings::read(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(problem) => {
            eprintln!("bench: {problem}");
            return ExitCode::from(2);
        }
    };
    let mut bench = Bench {
        settings: &settings,
        rows: Vec::new(),
        failed: Vec::new(),
    };
    bench.group("start", |_| server_start::measure());
    let mut typed = Vec::new();
    bench.group("typing", |_| {
        let (rows, taken) = typing::measure();
        typed = taken;
        rows
    });
    bench.group("open", open_files::measure);
    if let Some(script) = settings.peer.as_ref().filter(|_| !typed.is_empty()) {
        bench.group("peer", |settings| peer::measure(script, settings, &typed));
    }
    bench.group("sandbox", |_| sandbox_start::measure());
    bench.group("saving", saving::measure);
    bench.group("many", |_| many_files::measure());
    bench.group("pods", |_| pod_states::measure());
    bench.group("flux", flux::measure);
    bench.group("built", |settings| {
        let mut rows = built_targets::measure(settings);
        rows.push(whole_of_flux::measure());
        rows
    });
    bench.group("fleet", |_| fleet::measure());
    println!("{}\n\n{}", memory::machine(), render(&bench.rows));
    if bench.failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("not measured: {}", bench.failed.join(", "));
    ExitCode::FAILURE
}

struct Bench<'a> {
    settings: &'a Settings,
    rows: Vec<Row>,
    failed: Vec<&'static str>,
}

impl Bench<'_> {
    /// Measures one group. What panics there is missing from the table, and the others are measured all the same.
    fn group(&mut self, name: &'static str, measure: impl FnOnce(&Settings) -> Vec<Row>) {
        if !self.settings.wants(name) {
            return;
        }
        eprintln!("bench: {name}");
        match catch_unwind(AssertUnwindSafe(|| measure(self.settings))) {
            Ok(rows) => self.rows.extend(rows),
            Err(_) => self.failed.push(name),
        }
    }
}
