//! What is offered mends: the edit of an action, saved, is taken.

use gitops_tests::fixture::dedent;
use gitops_tests::shared;
use serde_json::Value;

use crate::prepare::namespace;

/// Saves a text that is refused, does one action after the other with a save in between, and sees the last one taken.
fn mends(text: &str, titles: &[&str], mended: &str) {
    let (server, file) = (&shared::session().server, shared::file("file.yaml"));
    server.open_with(&file, &dedent(text));
    let mut ok = server.save_and_settle(&file).ok;
    for title in titles {
        let published = server.diagnostics(&file);
        let offered: Vec<(Value, Vec<Value>)> =
            published.diagnostics.iter().map(|diagnostic| (diagnostic["range"].clone(), server.actions(&file, &diagnostic["range"]))).collect();
        let Some((range, _)) = offered.iter().find(|(_, actions)| actions.iter().any(|action| action["title"] == *title)) else {
            let titles: Vec<&Value> = offered.iter().flat_map(|(_, actions)| actions.iter().map(|action| &action["title"])).collect();
            panic!("{title:?} is not offered for {:#?}, but {titles:#?}\n{}", published.summary(), server.text(&file));
        };
        let (before, mark) = (server.generation(&file), server.client.mark());
        let text_before = server.text(&file);
        server.apply_action(&file, range, title);
        ok = if server.text(&file) == text_before {
            // A command of the cluster, which is a save by itself.
            server.wait_for_verdict(&file, gitops_tests::server::Phase::Apply, mark, before + 1).ok
        } else {
            server.save_and_settle(&file).ok
        };
    }
    assert_eq!(server.text(&file), dedent(mended));
    assert!(ok, "{:#?}\n{}", server.diagnostics(&file).summary(), server.text(&file));
    assert_eq!(server.diagnostics(&file).summary(), [""; 0]);
    server.assert_sound();
}

#[test]
fn supported_value() {
    namespace("mend-value");
    mends(
        "
        apiVersion: v1
        kind: Pod
        metadata: { name: a, namespace: mend-value }
        spec:
          restartPolicy: never
          containers:
            - name: a
              image: a
              ports:
                - protocol: 'udp' # quoted
                  containerPort: 88
        ",
        &["Write UDP", "Write Never"],
        "
        apiVersion: v1
        kind: Pod
        metadata: { name: a, namespace: mend-value }
        spec:
          restartPolicy: Never
          containers:
            - name: a
              image: a
              ports:
                - protocol: UDP # quoted
                  containerPort: 88
        ",
    );
}
