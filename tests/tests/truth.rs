//! A short measure of truth: that it finds places, proves them, plays them and counts; `cargo xtask truth` takes long ones.

use std::collections::BTreeSet;

use camino::Utf8Path;
use gitops_tests::truth::judge::Placed;
use gitops_tests::truth::options::Options;
use gitops_tests::truth::report::Report;
use gitops_tests::truth::run::run;

fn measure(repository: &str, target: &str, kinds: &[&str], rounds: usize) -> Report {
    let options = Options {
        repository: Utf8Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpora")
            .join(repository),
        target: target.to_owned(),
        rounds,
        seed: 7,
        keeps_going: false,
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        json: None,
    };
    run(&options, &mut |line| println!("{line}")).expect("it can be measured")
}

#[test]
fn a_kustomization_is_measured() {
    let kinds = [
        "unknown-field",
        "resource-missing",
        "duplicate-key",
        "version-gone",
        "component-missing",
    ];
    let report = measure("podinfo", "kustomize", &kinds, 10);
    let misses = report.misses();
    assert_eq!(report.rounds.len(), 10, "{misses}");
    assert!(report.is_perfect(), "{misses}");
    let played: BTreeSet<&str> = report.rounds.iter().map(|round| round.kind).collect();
    assert!(played.len() >= 3, "{played:?}");
    assert_eq!(report.without, ["component-missing"]);
    let is_of_target = |file: &str| file.starts_with("kustomize/");
    assert!(report.rounds.iter().all(|round| is_of_target(&round.file)));
    assert!(report.rounds.iter().all(|round| round.played.placed == Placed::Exact));
}
