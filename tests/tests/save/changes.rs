//! Saves that follow each other closely, and files that change behind the editor's back.

use expect_test::expect;
use gitops_tests::server::Phase;
use gitops_tests::shared::{self, file};
use serde_json::json;

use crate::config_map;

/// Ten saves as fast as they can be sent: the last one's verdict stands, and nothing older is published after it.
#[test]
fn the_newest_save_wins() {
    let shared = shared::session();
    let (server, cluster) = (&shared.server, shared.cluster());
    let name = file("fast.yaml");
    server.open_with(&name, &config_map("fast", "zero"));
    assert!(server.save_and_settle(&name).ok);
    for last_is_broken in [false, true] {
        let text = |value: &str, broken: bool| {
            format!(
                "{}{}",
                config_map("fast", value),
                if broken { "datta: {}\n" } else { "" }
            )
        };
        let mark = server.client.mark();
        let mut newest = 0;
        for number in 0..10 {
            // All but the last one are of the other kind, so that its verdict is known when it comes.
            newest = server.retype(
                &name,
                &text(&format!("{last_is_broken}-{number}"), (number == 9) == last_is_broken),
            );
            server.save(&name);
        }
        let last = server.client.wait(mark, "the verdict on the last save", |_| {
            server
                .verdicts(&name, Phase::Apply, mark)
                .into_iter()
                .find(|verdict| verdict.ok != last_is_broken)
        });
        if !last_is_broken {
            assert_eq!(
                cluster
                    .get("v1", "ConfigMap", Some("default"), "fast")
                    .expect("it is there")["data"]["key"],
                "false-9"
            );
        }
        // Whatever could still come of the ten comes before the verdict on one more save.
        server.retype(&name, &text("more", false));
        let more = server.save_and_settle(&name);
        let generations: Vec<u64> = server
            .verdicts(&name, Phase::Apply, mark)
            .iter()
            .map(|verdict| verdict.generation)
            .collect();
        assert!(generations.is_sorted(), "{generations:?}");
        assert_eq!(
            generations
                .iter()
                .filter(|generation| **generation >= last.generation)
                .collect::<Vec<_>>(),
            [&last.generation, &more.generation]
        );
        // What is published about the newest text is about it alone: nothing that an older save earned appears on it.
        let uri = server.uri(&name);
        let about_newest: Vec<usize> = server
            .client
            .said(mark, "textDocument/publishDiagnostics")
            .into_iter()
            .filter(|params| params["uri"] == uri && params["version"] == newest)
            .map(|params| params["diagnostics"].as_array().map_or(0, Vec::len))
            .collect();
        let expected: &[usize] = if last_is_broken { &[0, 1] } else { &[0] };
        assert_eq!(
            about_newest, expected,
            "what was published about the last of ten saves flickers"
        );
    }
    server.assert_sound();
}

#[test]
fn a_file_that_changes_outside_the_editor_is_saved_there() {
    let shared = shared::session();
    let (server, cluster) = (&shared.server, shared.cluster());
    let name = file("outside.yaml");
    let value = || {
        cluster
            .get("v1", "ConfigMap", Some("default"), "outside")
            .map(|object| object["data"]["key"].clone())
    };
    server.write(&name, config_map("outside", "one"));
    let mark = server.watched(&[&name]);
    let first = server.wait_for_verdict(&name, Phase::Apply, mark, 1);
    assert!(first.ok);
    assert_eq!(value(), Some(json!("one")));
    // Broken outside, by Git for example: the verdict is published although the file is not open.
    server.write(&name, format!("{}datta: {{}}\n", config_map("outside", "two")));
    let mark = server.watched(&[&name]);
    let second = server.wait_for_verdict(&name, Phase::Apply, mark, first.generation + 1);
    assert!(!second.ok);
    expect![[r#"
        [
            "error apply/unknown-field: unknown field \"datta\"; \"data\" is written already",
        ]
    "#]]
    .assert_debug_eq(&server.diagnostics(&name).summary());
    // The same text again is no change.
    let mark = server.watched(&[&name]);
    server.status();
    server.write(&name, config_map("outside", "three"));
    server.watched(&[&name]);
    let third = server.wait_for_verdict(&name, Phase::Apply, mark, second.generation + 1);
    assert!(third.ok);
    assert_eq!(server.verdicts(&name, Phase::Apply, mark).len(), 1);
    assert_eq!(value(), Some(json!("three")));
    // Gone.
    server.remove(&name);
    let mark = server.watched(&[&name]);
    server.wait_for_verdict(&name, Phase::Apply, mark, third.generation + 1);
    assert_eq!(value(), None);
    server.assert_sound();
}
