//! What is offered mends: the edit of an action, saved, is taken.

use gitops_tests::fixture::dedent;
use gitops_tests::server::Phase;
use gitops_tests::shared;
use serde_json::Value;

/// Saves a text that is refused, does one action after the other with a save in between, and sees the last one taken.
pub(crate) fn mends(text: &str, titles: &[&str], mended: &str) {
    let (server, file) = (&shared::session().server, shared::file("file.yaml"));
    let mut ok = save(text);
    assert!(!ok, "it is to be refused at first");
    for title in titles {
        let published = server.diagnostics(&file);
        let offered: Vec<(Value, Vec<Value>)> = published
            .diagnostics
            .iter()
            .map(|diagnostic| (diagnostic["range"].clone(), server.actions(&file, &diagnostic["range"])))
            .collect();
        let Some((range, _)) = offered
            .iter()
            .find(|(_, actions)| actions.iter().any(|action| action["title"] == *title))
        else {
            let titles: Vec<&Value> = offered
                .iter()
                .flat_map(|(_, actions)| actions.iter().map(|action| &action["title"]))
                .collect();
            panic!(
                "{title:?} is not offered for {:#?}, but {titles:#?}\n{}",
                published.summary(),
                server.text(&file)
            );
        };
        let (before, mark) = (server.generation(&file), server.client.mark());
        let text_before = server.text(&file);
        server.apply_action(&file, range, title);
        ok = if server.text(&file) == text_before {
            // Something was done to the cluster, after which the file is applied without a save.
            server.wait_for_verdict(&file, Phase::Apply, mark, before + 1).ok
        } else {
            server.save_and_settle(&file).ok
        };
    }
    assert_eq!(server.text(&file), dedent(mended));
    assert!(ok, "{:#?}\n{}", server.diagnostics(&file).summary(), server.text(&file));
    assert_eq!(server.diagnostics(&file).summary(), [""; 0]);
    server.assert_sound();
}

/// Saves a text, and says whether it was taken.
pub(crate) fn save(text: &str) -> bool {
    let (server, file) = (&shared::session().server, shared::file("file.yaml"));
    if server.is_open(&file) {
        server.retype(&file, &dedent(text));
    } else {
        server.open_with(&file, &dedent(text));
    }
    server.save_and_settle(&file).ok
}
