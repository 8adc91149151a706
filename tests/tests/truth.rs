//! A short measure of truth: that it finds places, proves them, plays them and counts; `cargo xtask truth` takes long ones.

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
    let played = |kind: &str| report.rounds.iter().filter(|round| round.kind == kind).count();
    for kind in kinds.iter().take(4) {
        assert!(played(kind) > 0, "{kind} was not played");
    }
    assert_eq!(report.without, ["component-missing"]);
    // The same seed plays the same, wherever it is played.
    let places = report
        .rounds
        .iter()
        .map(|round| format!("{} {}:{}", round.kind, round.file, round.line));
    let first = places.collect::<Vec<_>>().join("\n");
    assert!(first.lines().all(|line| line.contains("kustomize/")), "{first}");
    assert!(report.rounds.iter().all(|round| round.played.placed == Placed::Exact));
}
