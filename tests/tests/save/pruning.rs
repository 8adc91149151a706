//! What a save no longer has is taken from the sandbox, and nothing else.

use gitops_tests::server::Phase;
use gitops_tests::shared::{self, file};

use crate::config_map;

#[test]
fn what_a_save_leaves_out_is_pruned() {
    let shared = shared::session();
    let (server, cluster) = (&shared.server, shared.cluster());
    let (both, other) = (file("both.yaml"), file("other.yaml"));
    let get = |name: &str| cluster.get("v1", "ConfigMap", Some("default"), name);
    server.open_with(
        &both,
        &format!(
            "{}---\n{}",
            config_map("pruned-one", "a"),
            config_map("pruned-two", "b")
        ),
    );
    assert!(server.save_and_settle(&both).ok);
    server.open_with(&other, &config_map("pruned-other", "c"));
    assert!(server.save_and_settle(&other).ok);
    assert!(get("pruned-one").is_some() && get("pruned-two").is_some() && get("pruned-other").is_some());

    // A document that goes takes its object along, and no other.
    server.retype(&both, &config_map("pruned-two", "b"));
    assert!(server.save_and_settle(&both).ok);
    assert!(get("pruned-one").is_none());
    assert!(get("pruned-two").is_some() && get("pruned-other").is_some());

    // A file that goes takes all of its objects along.
    let (before, mark) = (server.generation(&both), server.client.mark());
    server.close(&both);
    server.remove(&both);
    server.watched(&[&both]);
    server.wait_for_verdict(&both, Phase::Apply, mark, before + 1);
    assert!(get("pruned-two").is_none());
    assert!(get("pruned-other").is_some());
    server.assert_sound();
}

#[test]
fn an_object_that_moves_to_another_file_stays() {
    let shared = shared::session();
    let (server, cluster) = (&shared.server, shared.cluster());
    let (from, to) = (file("from.yaml"), file("to.yaml"));
    let id = |name: &str| {
        cluster
            .get("v1", "ConfigMap", Some("default"), name)
            .map(|object| object["metadata"]["uid"].clone())
    };
    server.open_with(
        &from,
        &format!("{}---\n{}", config_map("moves", "a"), config_map("moves-not", "a")),
    );
    assert!(server.save_and_settle(&from).ok);
    let before = id("moves");
    server.open_with(&to, &config_map("moves", "a"));
    server.retype(&from, &config_map("moves-not", "a"));
    // An editor's "save all" writes both; the new place first, then the old one, and the other way round must do, too.
    assert!(server.save_and_settle(&to).ok);
    assert!(server.save_and_settle(&from).ok);
    assert_eq!(id("moves"), before, "it is still the same object");
    server.assert_sound();
}

#[test]
fn a_file_that_is_half_broken_prunes_nothing() {
    let shared = shared::session();
    let (server, cluster) = (&shared.server, shared.cluster());
    let name = file("half.yaml");
    let get = |name: &str| cluster.get("v1", "ConfigMap", Some("default"), name);
    let (one, two) = (config_map("half-one", "a"), config_map("half-two", "b"));
    server.open_with(&name, &format!("{one}---\n{two}"));
    assert!(server.save_and_settle(&name).ok);
    // The second document is broken: what it was is not known, so what it had put there stays. The first one goes on.
    server.retype(
        &name,
        &format!("{}---\n{two}  bad: [\n", config_map("half-one", "changed")),
    );
    assert!(server.save_and_settle(&name).ok);
    assert_eq!(get("half-one").expect("it is there")["data"]["key"], "changed");
    assert!(get("half-two").is_some());
    let summary = server.diagnostics(&name).summary();
    assert!(
        summary.iter().any(|line| line.starts_with("error syntax/")),
        "{summary:?}"
    );
    // Whole again, and gone for good.
    server.retype(&name, &one);
    assert!(server.save_and_settle(&name).ok);
    assert!(get("half-two").is_none());
    server.assert_sound();
}
