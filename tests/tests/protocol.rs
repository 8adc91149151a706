//! The protocol without a sandbox: handshake, positions, versions, settings, commands and their errors, the end.

use std::process::{Command, Stdio};

use expect_test::expect;
use gitops_tests::binary::gitops_lsp;
use gitops_tests::client::{FAILED, INVALID_PARAMS, METHOD_NOT_FOUND};
use gitops_tests::columns::range_of;
use gitops_tests::message_log::Mark;
use gitops_tests::server::{TestServer, bare_client};
use serde_json::{Value, json};

/// `InvalidRequest` of JSON-RPC.
const INVALID_REQUEST: i64 = -32600;
/// `ServerNotInitialized` of LSP.
const NOT_INITIALIZED: i64 = -32002;

#[test]
fn what_the_server_can_do() {
    let server = TestServer::builder().client(bare_client()).build();
    assert_eq!(server.initialized["serverInfo"]["name"], "gitops-lsp");
    let mut capabilities = server.initialized["capabilities"].clone();
    capabilities.sort_all_objects();
    expect![[r#"
        {
          "codeActionProvider": {
            "codeActionKinds": [
              "quickfix"
            ]
          },
          "codeLensProvider": {
            "resolveProvider": false
          },
          "executeCommandProvider": {
            "commands": [
              "gitops.session.start",
              "gitops.session.stop",
              "gitops.session.list",
              "gitops.apply",
              "gitops.mode"
            ],
            "workDoneProgress": true
          },
          "positionEncoding": "utf-16",
          "textDocumentSync": {
            "change": 2,
            "openClose": true,
            "save": {
              "includeText": false
            }
          },
          "workspace": {
            "workspaceFolders": {
              "changeNotifications": true,
              "supported": true
            }
          }
        }"#]].assert_eq(&serde_json::to_string_pretty(&capabilities).expect("JSON"));
}

#[test]
fn the_encoding_is_agreed() {
    for (offered, chosen) in [
        (json!(["utf-8", "utf-16"]), "utf-8"),
        (json!(["utf-16", "utf-8"]), "utf-8"),
        (json!(["utf-16"]), "utf-16"),
        (json!(["utf-32"]), "utf-32"),
        (json!(["utf-32", "utf-16"]), "utf-32"),
        (json!(["utf-7"]), "utf-16"),
        (json!([]), "utf-16"),
        (Value::Null, "utf-16"),
    ] {
        let server = TestServer::builder().client(json!({ "general": { "positionEncodings": offered } })).build();
        assert_eq!(server.initialized["capabilities"]["positionEncoding"], chosen, "{offered}");
    }
}

/// One finding behind characters that each encoding counts differently, with every kind of line end and a byte order mark.
#[test]
fn positions_are_counted_as_agreed() {
    let text = "# 🦊 ß\n{ apiVersion: v1, kind: ConfigMap, metadata: { name: a, annotations: { \"🦊\": ß𝄞e\u{301}, twice: \"1\", twice: \"2\" } } }\n";
    for encodings in [["utf-8"], ["utf-16"], ["utf-32"]] {
        let server = TestServer::builder().encodings(&encodings).build();
        for (number, (mark, end)) in [("", "\n"), ("", "\r\n"), ("", "\r"), ("\u{feff}", "\n"), ("\u{feff}", "\r\n")].into_iter().enumerate() {
            let (file, text) = (format!("{number}.yaml"), format!("{mark}{}", text.replace('\n', end)));
            server.open_with(&file, &text);
            let published = server.wait_for_version(&file, 1);
            assert_eq!(published.summary(), ["error syntax/duplicate-key: the key `twice` stands twice in this mapping"], "{text:?}");
            let at = text.rfind("twice").expect("it is there");
            assert_eq!(published.diagnostics[0]["range"], range_of(&text, at..at + 5, server.encoding()), "{encodings:?} {text:?}");
        }
    }
}

/// A thousand edits, several in one notification: were one of them misread, the place of the finding at the end would tell.
#[test]
fn incremental_changes_lead_to_the_same_text() {
    const PIECES: [&str; 10] = ["a", "🦊", "ß", "𝄞\u{301}", "\n# ", "\r\n# ", "\u{feff}", "—", "  ", "\t"];
    for encodings in [["utf-8"], ["utf-16"], ["utf-32"]] {
        let server = TestServer::builder().encodings(&encodings).build();
        let mut text = "# start 🦊\n# \r\n{ kind: ConfigMap, twice: \"1\", twice: \"2\" }\n".to_owned();
        server.open_with("edited.yaml", &text);
        // A linear congruential generator (Knuth's constants): the same edits on every run.
        let mut random = 7_u64;
        let mut below = |bound: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(random >> 33).expect("31 bits") % bound
        };
        for _ in 0..100 {
            let mut changes = Vec::new();
            for _ in 0..=below(9) {
                // Between the first `# ` and the braces every character but the `#` of a line may go, and anything may come.
                let places: Vec<usize> = text.char_indices().map(|(at, _)| at).filter(|at| (2..=text.find('{').expect("a brace")).contains(at)).collect();
                let start = places[below(places.len() - 1)];
                let length = text[start..].chars().next().map_or(0, char::len_utf8);
                let removed = &text[start..start + length];
                let (end, put) = if below(3) == 0 && !["#", "\n", "\r", "{"].contains(&removed) { (start + length, "") } else { (start, PIECES[below(PIECES.len())]) };
                // A break is not split, and nothing but a comment comes before the braces.
                if text[..start].ends_with(['\r', '\n']) || text[start..].starts_with("\n{") || (text[..start].ends_with('\r') && text[start..].starts_with('\n')) {
                    continue;
                }
                changes.push(json!({ "range": range_of(&text, start..end, server.encoding()), "text": put }));
                text.replace_range(start..end, put);
            }
            let version = server.change("edited.yaml", changes, &text);
            let published = server.wait_for_version("edited.yaml", version);
            let at = text.rfind("twice").expect("it is there");
            let places: Vec<&Value> = published.diagnostics.iter().filter(|diagnostic| diagnostic["code"] == "syntax/duplicate-key").map(|diagnostic| &diagnostic["range"]).collect();
            assert_eq!(places, [&range_of(&text, at..at + 5, server.encoding())], "{encodings:?} {text:?}");
        }
    }
}

/// Ranges that a careless client sends: past the end of a line or of the text, turned around, inside a character.
#[test]
fn careless_ranges_are_clamped() {
    let server = TestServer::builder().build();
    server.open_with("careless.yaml", "a: 🦊\nb: 2\n");
    let range = |a: (u32, u32), b: (u32, u32)| json!({ "start": { "line": a.0, "character": a.1 }, "end": { "line": b.0, "character": b.1 } });
    server.change("careless.yaml", vec![json!({ "range": range((0, 900), (0, 900)), "text": " # end of line" })], "a: 🦊 # end of line\nb: 2\n");
    server.change("careless.yaml", vec![json!({ "range": range((900, 0), (900, 5)), "text": "c: 3\n" })], "a: 🦊 # end of line\nb: 2\nc: 3\n");
    server.change("careless.yaml", vec![json!({ "range": range((1, 4), (1, 3)), "text": "4" })], "a: 🦊 # end of line\nb: 4\nc: 3\n");
    let version = server.change("careless.yaml", vec![json!({ "range": range((2, 4), (2, 4)), "text": "\nkind: X\na: 5" })], "a: 🦊 # end of line\nb: 4\nc: 3\nkind: X\na: 5\n");
    let published = server.wait_for_version("careless.yaml", version);
    assert_eq!(published.summary(), ["error syntax/duplicate-key: the key `a` stands twice in this mapping"]);
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
    let lenses = server.client.request("textDocument/codeLens", json!({ "textDocument": { "uri": spelled } }));
    assert_eq!(lenses, Ok(json!([])));
    let mark = server.client.mark();
    server.client.notify("textDocument/didChange", json!({ "textDocument": { "uri": spelled, "version": 2 }, "contentChanges": [{ "text": "a: []\n" }] }));
    let published = server.client.wait_for(mark, "textDocument/publishDiagnostics", |params| params["version"] == 2);
    assert_eq!(published["diagnostics"], json!([]));
}

#[test]
fn a_buffer_that_is_on_no_disk() {
    let server = TestServer::builder().build();
    let mark = server.client.mark();
    let document = json!({ "uri": "untitled:Untitled-1", "languageId": "yaml", "version": 1, "text": "kind: A\nkind: B\n" });
    server.client.notify("textDocument/didOpen", json!({ "textDocument": document }));
    let published = server.client.wait_for(mark, "textDocument/publishDiagnostics", |params| params["uri"] == "untitled:Untitled-1");
    assert_eq!(published["diagnostics"][0]["code"], "syntax/duplicate-key");
    server.client.notify("textDocument/didSave", json!({ "textDocument": { "uri": "untitled:Untitled-1" } }));
    server.status();
}

#[test]
fn unknown_settings_are_named() {
    let server = TestServer::builder().options(json!({ "lens": { "enable": false }, "targets": "x" })).settings(json!({ "sandbox": "moon", "trace": { "server": "off" } })).build();
    let said = |wanted: &str| server.client.wait_for(Mark::START, "window/showMessage", |params| params["message"].as_str().is_some_and(|message| message.starts_with(wanted)));
    let messages = ["there is no setting gitops.lens.enable", "there is no setting gitops.targets", "gitops.sandbox"].map(|wanted| said(wanted)["message"].clone());
    expect![[r#"
        [
            String("there is no setting gitops.lens.enable; did you mean gitops.lens.enabled?"),
            String("there is no setting gitops.targets; did you mean gitops.target?"),
            String("gitops.sandbox: unknown variant `moon`, expected `local`; its default is used"),
        ]
    "#]].assert_debug_eq(&messages);
}

#[test]
fn settings_change_while_the_server_runs() {
    const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\n";
    // A client that is asked.
    let server = TestServer::builder().build();
    server.open_with("a.yaml", POD);
    assert_eq!(server.lenses("a.yaml").len(), 2);
    server.client.manners().settings = json!({ "lens": { "enabled": false } });
    let mark = server.client.mark();
    server.client.notify("workspace/didChangeConfiguration", json!({ "settings": null }));
    server.client.wait_for(mark, "workspace/configuration", |_| true);
    server.client.wait_for(mark, "workspace/codeLens/refresh", |_| true);
    assert_eq!(server.lenses("a.yaml"), []);
    // One that tells.
    let server = TestServer::builder().client(bare_client()).build();
    server.open_with("a.yaml", POD);
    assert_eq!(server.lenses("a.yaml").len(), 2);
    server.client.notify("workspace/didChangeConfiguration", json!({ "settings": { "gitops": { "lens": { "enabled": false } } } }));
    assert_eq!(server.lenses("a.yaml"), []);
}

#[test]
fn too_many_findings_are_counted() {
    let server = TestServer::builder().options(json!({ "diagnostics": { "maximumPerFile": 3 } })).settings(Value::Null).build();
    server.open_with("many.yaml", &format!("kind: X\n{}", "a: 1\n".repeat(9)));
    let summary = server.wait_for_version("many.yaml", 1).summary();
    expect![[r#"
        [
            "error syntax/duplicate-key: the key `a` stands twice in this mapping",
            "error syntax/duplicate-key: the key `a` stands twice in this mapping",
            "error syntax/duplicate-key: the key `a` stands twice in this mapping",
            "information: 5 more findings in this file are not shown (gitops.diagnostics.maximumPerFile)",
        ]
    "#]].assert_debug_eq(&summary);
}

#[test]
fn the_schema_of_the_settings_is_printed() {
    let output = Command::new(gitops_lsp()).arg("settings-schema").output().expect("it runs");
    assert!(output.status.success());
    let schema: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(schema["type"], "object");
    assert_eq!(schema["properties"]["session"]["properties"]["applyOnSave"]["default"], true);
}

/// A server that a plain client runs is asked for nothing that the client does not know.
#[test]
fn a_bare_client_is_asked_nothing() {
    let server = TestServer::builder().client(bare_client()).build();
    server.open_with("a.yaml", "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: {}\nspec: {}\n");
    let published = server.wait_for_version("a.yaml", 1);
    assert!(published.diagnostics[0].get("relatedInformation").is_none());
    assert!(published.diagnostics[0].get("codeDescription").is_none());
    server.status();
    let asked = server.client.log().said(Mark::START, |message| message.get("id").and(message.get("method")).cloned());
    assert_eq!(asked, [] as [Value; 0]);
    let full = TestServer::builder().build();
    full.open_with("a.yaml", "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: {}\nspec: {}\n");
    let published = full.wait_for_version("a.yaml", 1);
    assert!(published.diagnostics[0].get("relatedInformation").is_some());
    assert!(published.diagnostics[0]["codeDescription"]["href"].as_str().is_some_and(|page| page.ends_with("/docs/codes/syntax/duplicate-key.md")));
    full.status();
    for method in ["client/registerCapability", "workspace/configuration"] {
        assert_eq!(full.client.said(Mark::START, method).len(), 1, "{method}");
    }
}

#[test]
fn commands_without_a_session() {
    let server = TestServer::builder().files("#- a.yaml\napiVersion: v1\nkind: Pod\nmetadata: { name: a }\n").build();
    assert_eq!(server.status(), json!({ "level": "offline", "mode": "gitops", "busy": false }));
    assert_eq!(server.client.command("gitops.session.list", Value::Null), Ok(json!([])));
    let outside = server.uri("../elsewhere");
    let mut answers = String::new();
    for (command, argument) in [
        ("gitops.session.stop", Value::Null),
        ("gitops.session.stop", json!({ "name": "x" })),
        ("gitops.session.stop", json!({ "nam": "x" })),
        ("gitops.session.stop", json!("x")),
        ("gitops.apply", Value::Null),
        ("gitops.apply", json!({ "uri": server.uri("a.yaml") })),
        ("gitops.apply", json!({ "uri": 5 })),
        ("gitops.apply", json!({ "uri": server.uri("a.yaml"), "force": "recreate" })),
        ("gitops.session.start", json!({ "sandbox": "vcluster" })),
        ("gitops.session.start", json!({ "sandbox": "moon" })),
        ("gitops.session.start", json!({ "context": "production" })),
        ("gitops.session.start", json!({ "target": "../x" })),
        ("gitops.session.start", json!({ "target": "nothing/here" })),
        ("gitops.session.start", json!({ "target": "a.yaml" })),
        ("gitops.session.start", json!({ "root": outside })),
        ("gitops.session.start", json!({ "root": "https://example.com" })),
        ("gitops.session.start", json!({ "tagret": "apps" })),
        ("gitops.session.start", json!({ "name": "Not A Name" })),
        ("gitops.session.begin", Value::Null),
        ("frobnicate", Value::Null),
    ] {
        let refused = server.client.command(command, argument.clone()).expect_err("it cannot be done");
        assert!([FAILED, INVALID_PARAMS].contains(&refused.code), "{command} {argument}: {refused:?}");
        let argument = argument.to_string().replace(server.workspace().as_str(), "WORKSPACE");
        let message = refused.message.replace(server.workspace().as_str(), "WORKSPACE").replace(server.workspace().parent().expect("a parent").as_str(), "PARENT");
        answers.push_str(&format!("{command} {argument}\n  {message}\n"));
    }
    expect![[r#"
        gitops.session.stop null
          no session is active
        gitops.session.stop {"name":"x"}
          there is no session called x
        gitops.session.stop {"nam":"x"}
          unknown field `nam`, expected `name`
        gitops.session.stop "x"
          invalid type: string "x", expected struct StopArguments
        gitops.apply null
          no session applies this file; start one first (gitops.session.start)
        gitops.apply {"uri":"file://WORKSPACE/a.yaml"}
          no session applies this file; start one first (gitops.session.start)
        gitops.apply {"uri":5}
          invalid type: integer `5`, expected a string
        gitops.apply {"uri":"file://WORKSPACE/a.yaml","force":"recreate"}
          object and force belong together
        gitops.session.start {"sandbox":"vcluster"}
          this version has no vcluster sandbox yet; use local
        gitops.session.start {"sandbox":"moon"}
          there is no sandbox called moon; use local
        gitops.session.start {"context":"production"}
          a local sandbox has a context of its own; leave context out
        gitops.session.start {"target":"../x"}
          the target ../x is outside the workspace folder WORKSPACE
        gitops.session.start {"target":"nothing/here"}
          the target WORKSPACE/nothing/here is no directory
        gitops.session.start {"target":"a.yaml"}
          the target WORKSPACE/a.yaml is no directory
        gitops.session.start {"root":"file://WORKSPACE/../elsewhere"}
          the root PARENT/elsewhere is in no workspace folder
        gitops.session.start {"root":"https://example.com"}
          the root https://example.com is no file URI
        gitops.session.start {"tagret":"apps"}
          gitops.session.start: unknown field `tagret`, expected one of `root`, `target`, `sandbox`, `context`, `name`
        gitops.session.start {"name":"Not A Name"}
          the sandbox did not start: "Not A Name" cannot be the name of a sandbox: it must be lowercase letters, digits and dashes, at most 63 of them
        gitops.session.begin null
          there is no command gitops.session.begin; did you mean gitops.session.list?
        frobnicate null
          there is no command frobnicate
    "#]].assert_eq(&answers);
    assert_eq!(server.status(), json!({ "level": "offline", "mode": "gitops", "busy": false }), "nothing was started");
}

#[test]
fn what_nobody_knows_is_refused_or_dropped() {
    let server = TestServer::builder().build();
    assert_eq!(server.client.request("textDocument/nonsense", json!({})).map_err(|refused| refused.code), Err(METHOD_NOT_FOUND));
    assert_eq!(server.client.request("textDocument/codeLens", json!({ "textDocument": 5 })).map_err(|refused| refused.code), Err(INVALID_PARAMS));
    assert_eq!(server.client.request("workspace/executeCommand", json!([])).map_err(|refused| refused.code), Err(INVALID_PARAMS));
    for (method, params) in [
        ("$/setTrace", json!({ "value": "off" })),
        ("some/notification", json!({})),
        ("textDocument/didOpen", json!({ "textDocument": "no" })),
        ("textDocument/didChange", json!({ "textDocument": { "uri": server.uri("never-opened.yaml"), "version": 3 }, "contentChanges": [{ "text": "a" }] })),
        ("textDocument/didSave", json!({ "textDocument": { "uri": server.uri("never-opened.yaml") } })),
        ("textDocument/didClose", json!({ "textDocument": { "uri": server.uri("never-opened.yaml") } })),
        ("$/cancelRequest", json!({ "id": 999_999 })),
        ("$/cancelRequest", json!({ "id": "what" })),
        ("window/workDoneProgress/cancel", json!({ "token": "nothing" })),
    ] {
        server.client.notify(method, params);
    }
    assert_eq!(server.status()["level"], "offline");
    assert_eq!(server.client.request("textDocument/codeLens", json!({ "textDocument": { "uri": server.uri("never-opened.yaml") } })), Ok(json!([])));
    assert_eq!(server.actions("never-opened.yaml", &json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } })), [] as [Value; 0]);
}

#[test]
fn nothing_is_done_before_the_handshake_or_after_the_goodbye() {
    let server = TestServer::builder().without_handshake().build();
    assert_eq!(server.client.request("textDocument/codeLens", json!({})).map_err(|refused| refused.code), Err(NOT_INITIALIZED));
    let capabilities = server.client.request("initialize", json!({ "processId": null, "rootUri": null, "capabilities": {} })).expect("initialize is answered");
    assert_eq!(capabilities["capabilities"]["positionEncoding"], "utf-16");
    server.client.notify("initialized", json!({}));
    assert_eq!(server.status()["level"], "offline");
    server.client.request("shutdown", Value::Null).expect("shutdown is answered");
    assert_eq!(server.client.command("gitops.mode", Value::Null).map_err(|refused| refused.code), Err(INVALID_REQUEST));
    assert_eq!(server.exit_rudely(), 0, "it was not so rude: shutdown came before");
}

#[test]
fn exit_codes() {
    assert_eq!(TestServer::builder().build().shut_down(), 0);
    assert_eq!(TestServer::builder().build().exit_rudely(), 1);
    assert_eq!(TestServer::builder().without_handshake().build().exit_rudely(), 1);
    TestServer::builder().build().hang_up();
    TestServer::builder().without_handshake().build().hang_up();
}

/// The client's process is gone although its end of the pipe is held open by somebody else.
#[test]
fn the_server_does_not_outlive_its_client() {
    let mut client = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("sleep runs");
    let server = TestServer::builder().process_id(client.id()).build();
    assert_eq!(server.status()["level"], "offline");
    client.kill().expect("it can be killed");
    client.wait().expect("it has ended");
    server.wait_until_ended();
}

#[test]
fn what_a_client_says_it_can_do_may_be_anything() {
    for capabilities in [json!({ "workspace": null }), json!({ "general": { "positionEncodings": ["utf-9"] } }), json!({ "somethingNew": { "deep": [1, 2] } })] {
        let server = TestServer::builder().without_handshake().build();
        match server.client.request("initialize", json!({ "processId": null, "rootUri": null, "capabilities": capabilities })) {
            Ok(_) => {
                server.client.notify("initialized", json!({}));
                assert_eq!(server.shut_down(), 0);
            }
            Err(refused) => panic!("{capabilities}: {refused:?}"),
        }
    }
}
