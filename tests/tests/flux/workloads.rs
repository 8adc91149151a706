//! What becomes of what Flux has applied, on the lines that supply it.

use gitops_tests::message_log::Mark;

use crate::Fleet;

/// Waits until something is said in a file, and returns it; until nothing is, where nothing is wanted.
fn said(fleet: &Fleet, file: &str, since: Mark, wanted: &str) -> Vec<String> {
    fleet
        .server
        .client
        .wait(since, &format!("{wanted:?} about {file}"), |_| {
            let findings = fleet.findings(file);
            let is_there = findings.iter().any(|finding| finding.contains(wanted));
            (is_there || (wanted.is_empty() && findings.is_empty())).then_some(findings)
        })
}

#[test]
fn a_workload_of_flux_that_does_not_run() {
    let fleet = Fleet::start("flux-a", "clusters/east");
    let mark = fleet.server.client.mark();
    // Accepted, applied, and then no node takes its pods.
    fleet.save("apps/portal.yaml", "memory: 64Mi", "memory: 64Ti");
    assert_eq!(
        said(&fleet, "apps/portal.yaml", mark, "runtime/"),
        ["32: error runtime/unschedulable: no node has 64Ti memory free for the pods"]
    );
    let mark = fleet.server.client.mark();
    fleet.save("apps/portal.yaml", "memory: 64Ti", "memory: 64Mi");
    said(&fleet, "apps/portal.yaml", mark, "");
    // The name of a generated map has a hash, and one that nobody generates has none.
    let mark = fleet.server.client.mark();
    fleet.save(
        "apps/portal.yaml",
        "            name: scripts",
        "            name: scirpts",
    );
    let findings = said(&fleet, "apps/portal.yaml", mark, "runtime/would-not-start");
    assert_eq!(findings.len(), 1, "{findings:?}");
    let mark = fleet.server.client.mark();
    fleet.save(
        "apps/portal.yaml",
        "            name: scirpts",
        "            name: scripts",
    );
    said(&fleet, "apps/portal.yaml", mark, "");
    fleet.server.assert_sound();
}
