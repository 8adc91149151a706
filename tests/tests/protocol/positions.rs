//! Lines, columns, versions and names of texts.

use gitops_tests::columns::range_of;
use gitops_tests::server::TestServer;
use serde_json::{Value, json};

/// One finding behind characters that each encoding counts differently, with every kind of line end and a byte order mark.
#[test]
fn positions_are_counted_as_agreed() {
    let text = "# 🦊 ß\n{ apiVersion: v1, kind: ConfigMap, metadata: { name: a, annotations: { \"🦊\": ß𝄞e\u{301}, twice: \"1\", twice: \"2\" } } }\n";
    for encodings in [["utf-8"], ["utf-16"], ["utf-32"]] {
        let server = TestServer::builder().encodings(&encodings).build();
        for (number, (mark, end)) in [
            ("", "\n"),
            ("", "\r\n"),
            ("", "\r"),
            ("\u{feff}", "\n"),
            ("\u{feff}", "\r\n"),
        ]
        .into_iter()
        .enumerate()
        {
            let (file, text) = (format!("{number}.yaml"), format!("{mark}{}", text.replace('\n', end)));
            server.open_with(&file, &text);
            let published = server.wait_for_version(&file, 1);
            assert_eq!(
                published.summary(),
                ["error syntax/duplicate-key: the key `twice` stands twice in this mapping"],
                "{text:?}"
            );
            let at = text.rfind("twice").expect("it is there");
            assert_eq!(
                published.diagnostics[0]["range"],
                range_of(&text, at..at + 5, server.encoding()),
                "{encodings:?} {text:?}"
            );
        }
    }
}

/// A thousand edits, several in one notification: were one of them misread, the place of the finding at the end would tell.
#[test]
fn incremental_changes_lead_to_the_same_text() {
    const PIECES: [&str; 10] = [
        "a",
        "🦊",
        "ß",
        "𝄞\u{301}",
        "\n# ",
        "\r\n# ",
        "\u{feff}",
        "—",
        "  ",
        "\t",
    ];
    for encodings in [["utf-8"], ["utf-16"], ["utf-32"]] {
        let server = TestServer::builder().encodings(&encodings).build();
        let mut text = "# start 🦊\n# \r\n{ kind: ConfigMap, twice: \"1\", twice: \"2\" }\n".to_owned();
        server.open_with("edited.yaml", &text);
        // A linear congruential generator (Knuth's constants): the same edits on every run.
        let mut random = 7_u64;
        let mut below = |bound: usize| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(random >> 33).expect("31 bits") % bound
        };
        for _ in 0..100 {
            let mut changes = Vec::new();
            for _ in 0..=below(9) {
                // Between the first `# ` and the braces every character but the `#` of a line may go, and anything may come.
                let places: Vec<usize> = text
                    .char_indices()
                    .map(|(at, _)| at)
                    .filter(|at| (2..=text.find('{').expect("a brace")).contains(at))
                    .collect();
                let start = places[below(places.len() - 1)];
                let length = text[start..].chars().next().map_or(0, char::len_utf8);
                let removed = &text[start..start + length];
                let (end, put) = if below(3) == 0 && !["#", "\n", "\r", "{"].contains(&removed) {
                    (start + length, "")
                } else {
                    (start, PIECES[below(PIECES.len())])
                };
                // A break is not split, and nothing but a comment comes before the braces.
                if text[..start].ends_with(['\r', '\n'])
                    || text[start..].starts_with("\n{")
                    || (text[..start].ends_with('\r') && text[start..].starts_with('\n'))
                {
                    continue;
                }
                changes.push(json!({ "range": range_of(&text, start..end, server.encoding()), "text": put }));
                text.replace_range(start..end, put);
            }
            let version = server.change("edited.yaml", changes, &text);
            let published = server.wait_for_version("edited.yaml", version);
            let at = text.rfind("twice").expect("it is there");
            let places: Vec<&Value> = published
                .diagnostics
                .iter()
                .filter(|diagnostic| diagnostic["code"] == "syntax/duplicate-key")
                .map(|diagnostic| &diagnostic["range"])
                .collect();
            assert_eq!(
                places,
                [&range_of(&text, at..at + 5, server.encoding())],
                "{encodings:?} {text:?}"
            );
        }
    }
}

/// Ranges that a careless client sends: past the end of a line or of the text, turned around, inside a character.
#[test]
fn careless_ranges_are_clamped() {
    let server = TestServer::builder().build();
    server.open_with("careless.yaml", "a: 🦊\nb: 2\n");
    let range = |a: (u32, u32), b: (u32, u32)| json!({ "start": { "line": a.0, "character": a.1 }, "end": { "line": b.0, "character": b.1 } });
    server.change(
        "careless.yaml",
        vec![json!({ "range": range((0, 900), (0, 900)), "text": " # end of line" })],
        "a: 🦊 # end of line\nb: 2\n",
    );
    server.change(
        "careless.yaml",
        vec![json!({ "range": range((900, 0), (900, 5)), "text": "c: 3\n" })],
        "a: 🦊 # end of line\nb: 2\nc: 3\n",
    );
    server.change(
        "careless.yaml",
        vec![json!({ "range": range((1, 4), (1, 3)), "text": "4" })],
        "a: 🦊 # end of line\nb: 4\nc: 3\n",
    );
    let version = server.change(
        "careless.yaml",
        vec![json!({ "range": range((2, 4), (2, 4)), "text": "\nkind: X\na: 5" })],
        "a: 🦊 # end of line\nb: 4\nc: 3\nkind: X\na: 5\n",
    );
    let published = server.wait_for_version("careless.yaml", version);
    assert_eq!(
        published.summary(),
        ["error syntax/duplicate-key: the key `a` stands twice in this mapping"]
    );
    assert_eq!(published.diagnostics[0]["range"], range((4, 0), (4, 1)));
}

#[test]
fn diagnostics_carry_the_version_of_the_text() {
    let server = TestServer::builder().build();
    server.open_with("a.yaml", "a: [\n");
    assert_eq!(server.wait_for_version("a.yaml", 1).diagnostics.len(), 1);
    let version = server.retype("a.yaml", "a: []\n");
    assert_eq!(server.wait_for_version("a.yaml", version).diagnostics, [] as [Value; 0]);
    let version = server.retype("a.yaml", "a: {\n");
    server.wait_for_version("a.yaml", version);
    // A closed file that no session applies is nobody's: what was said is taken back.
    let mark = server.client.mark();
    server.close("a.yaml");
    server.wait_for_diagnostics("a.yaml", mark, |published| published.diagnostics.is_empty());
}

/// Two spellings of one URI are one file.
#[test]
fn a_file_has_one_name() {
    let server = TestServer::builder().build();
    let uri = server.uri("é a+b.yaml");
    assert!(uri.ends_with("/%C3%A9%20a%2Bb.yaml"), "{uri}");
    server.open_with("é a+b.yaml", "a: [\n");
    server.wait_for_version("é a+b.yaml", 1);
    // As some editors spell it.
    let spelled = uri.replace("%2B", "+").replace("%C3%A9", "%c3%a9");
    let lenses = server
        .client
        .request("textDocument/codeLens", json!({ "textDocument": { "uri": spelled } }));
    assert_eq!(lenses, Ok(json!([])));
    let mark = server.client.mark();
    server.client.notify(
        "textDocument/didChange",
        json!({ "textDocument": { "uri": spelled, "version": 2 }, "contentChanges": [{ "text": "a: []\n" }] }),
    );
    let published = server
        .client
        .wait_for(mark, "textDocument/publishDiagnostics", |params| params["version"] == 2);
    assert_eq!(published["diagnostics"], json!([]));
}

#[test]
fn a_buffer_that_is_on_no_disk() {
    let server = TestServer::builder().build();
    let mark = server.client.mark();
    let document =
        json!({ "uri": "untitled:Untitled-1", "languageId": "yaml", "version": 1, "text": "kind: A\nkind: B\n" });
    server
        .client
        .notify("textDocument/didOpen", json!({ "textDocument": document }));
    let published = server
        .client
        .wait_for(mark, "textDocument/publishDiagnostics", |params| {
            params["uri"] == "untitled:Untitled-1"
        });
    assert_eq!(published["diagnostics"][0]["code"], "syntax/duplicate-key");
    server.client.notify(
        "textDocument/didSave",
        json!({ "textDocument": { "uri": "untitled:Untitled-1" } }),
    );
    server.status();
}
