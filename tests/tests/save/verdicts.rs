//! What the API server says of a save stands on its line, all of it at once, and goes when it is mended.

use std::fmt::Write as _;

use expect_test::expect;
use gitops_tests::fixture::{self, check, check_with, save_all};
use gitops_tests::message_log::Mark;
use gitops_tests::server::{Phase, Published};
use gitops_tests::shared::{self, Shared, file};
use gitops_tests::show::{ageless, headline};
use serde_json::json;

use crate::{LENSES, LENSES_AND_ACTIONS, config_map};

#[test]
fn broken_then_mended() {
    check_with(
        LENSES_AND_ACTIONS,
        expect![[r##"
            #- web.yaml
            apiVersion: apps/v1
            #> lens: ✗ rejected: 1 problem
            kind: Deployment
            metadata:
              name: broken-then-mended
              namespace: default
            spec:
              selector:
                matchLabels: { app: web }
              template:
                metadata:
                  labels: { app: web }
                spec:
                  containers:
                    - name: web
                      imag: nginx
            #         ^^^^ error apply/unknown-field: unknown field "imag"; did you mean "image"?
            #> action: Rename it to image (preferred)
            #= mended
            #- web.yaml
            apiVersion: apps/v1
            #> lens: ✓ applied · AGE · pods simulated
            kind: Deployment
            metadata:
              name: broken-then-mended
              namespace: default
            spec:
              selector:
                matchLabels: { app: web }
              template:
                metadata:
                  labels: { app: web }
                spec:
                  containers:
                    - name: web
                      image: nginx
        "##]],
    );
    let live = shared::session()
        .cluster()
        .get("apps/v1", "Deployment", Some("default"), "broken-then-mended")
        .expect("it is applied");
    assert_eq!(
        live.pointer("/spec/template/spec/containers/0/image"),
        Some(&json!("nginx"))
    );
}

#[test]
fn all_errors_at_once() {
    check_with(
        LENSES,
        expect![[r##"
            #- web.yaml
            apiVersion: apps/v1
            #> lens: ✗ rejected: 8 problems
            kind: Deployment
            metadata:
              name: All-At-Once
            #       ^^^^^^^^^^^ error apply/invalid-value: "All-At-Once" is not valid: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character
              namespace: default
            spec:
              replicas: "two"
            #           ^^^^^ error apply/wrong-type: expected number, got string "two"
              paused: yes please
            #         ^^^^^^^^^^ error apply/wrong-type: expected boolean, got string "yes please" — write true or false
              selector:
                matchLabels: { app: web }
              template:
                metadata:
                  labels: { app: wab }
            #                    ^^^ error apply/invalid-value: label "app" is "wab" here, but the selector looks for "web"
            #| see 10:25-10:28 "web": the selector
                spec:
                  restartPolicy: Sometimes
            #                    ^^^^^^^^^ error apply/unsupported-value: "Sometimes" is not supported; use Always
                  containers:
                    - name: web
                      image: nginx
                      prots:
            #         ^^^^^ error apply/unknown-field: unknown field "prots"; "ports" is written already
                        - containerPort: 80
                      resources:
                        limits: { memory: 12 Gi }
            #                             ^^^^^ error apply/bad-quantity: "12 Gi" is not a quantity; did you mean 12Gi?
                      ports:
                        - containerPort: 80
                          protocol: tcp
            #                       ^^^ error apply/unsupported-value: "tcp" is not supported; use one of SCTP, TCP, UDP
        "##]],
    );
}

#[test]
fn files_that_are_sent_together_do_not_wait_for_each_other() {
    check_with(
        LENSES,
        expect![[r#"
            #- good.yaml
            apiVersion: v1
            #> lens: ✓ applied · AGE
            kind: ConfigMap
            metadata:
              name: together-good
              namespace: default
            data:
              key: value
            #- bad.yaml
            apiVersion: v1
            #> lens: ✗ rejected: 1 problem
            kind: ConfigMap
            metadata:
              name: together-bad
              namespace: default
            data:
            #<^^ error apply/wrong-type: expected map, got list — write key: value without dashes
              - key
            ---
            apiVersion: v1
            #> lens: ✗ rejected: 1 problem
            kind: ConfigMap
            metadata:
              name: together-beside-bad
              namespace: default
            data:
              key: 1
            #      ^ error apply/wrong-type: expected string, got number 1 — put it in quotes
            #- values.yaml (nothing sent)
            replicas: many
        "#]],
    );
}

#[test]
fn findings_follow_their_field_and_go_with_it() {
    let Shared { server, .. } = shared::session();
    let name = file("follow.yaml");
    let text = fixture::dedent(
        "
        apiVersion: v1
        kind: Service
        metadata:
          name: follow
          namespace: default
        spec:
          prots: []
          ports:
            - port: 80
              protocol: tcp
        ",
    );
    server.open_with(&name, &text);
    assert!(!server.save_and_settle(&name).ok);
    let lines_of = |published: Published| -> Vec<(String, u64)> {
        published
            .diagnostics
            .iter()
            .map(|diagnostic| {
                (
                    headline(diagnostic),
                    diagnostic["range"]["start"]["line"].as_u64().expect("a line"),
                )
            })
            .collect()
    };
    let places = |version: i64| lines_of(server.wait_for_version(&name, version));
    let refused = lines_of(server.diagnostics(&name));
    assert_eq!(
        refused.iter().map(|(_, line)| *line).collect::<Vec<_>>(),
        [6, 9],
        "{refused:?}"
    );
    // Lines above move both.
    let moved = places(server.edit(&name, "metadata:\n", "# one line\n# another\nmetadata:\n"));
    assert_eq!(
        moved.iter().map(|(_, line)| *line).collect::<Vec<_>>(),
        [8, 11],
        "{moved:?}"
    );
    // An edit elsewhere leaves both.
    let elsewhere = places(server.edit(&name, "port: 80", "port: 81"));
    assert_eq!(elsewhere.len(), 2, "{elsewhere:?}");
    // An edit of a field takes its own finding away, before anything is saved.
    let one = places(server.edit(&name, "protocol: tcp", "protocol: TCP"));
    assert_eq!(one.iter().map(|(_, line)| *line).collect::<Vec<_>>(), [8], "{one:?}");
    let none = places(server.edit(&name, "  prots: []\n", ""));
    assert_eq!(none, []);
    assert!(server.save_and_settle(&name).ok);
    server.assert_sound();
}

#[test]
fn warnings_are_findings() {
    check(expect![[r#"
        #- pod.yaml
        apiVersion: v1
        #           ^^ warning apply/deprecated-version: v1 Endpoints is deprecated; use discovery.k8s.io/v1 EndpointSlice
        kind: Endpoints
        metadata:
          name: warned
          namespace: default
        subsets: []
    "#]]);
}

/// What lies in the sandbox is a real cluster: a Deployment gets its pods, and they become ready.
#[test]
fn a_deployment_becomes_available() {
    let shared = shared::session();
    let (server, cluster) = (&shared.server, shared.cluster());
    let name = file("deployment.yaml");
    server.open_with(
        &name,
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: available, namespace: default }\nspec:\n  replicas: 2\n  selector: { matchLabels: { app: available } }\n  template:\n    metadata: { labels: { app: available } }\n    spec:\n      containers: [{ name: web, image: nginx }]\n",
    );
    assert!(server.save_and_settle(&name).ok);
    cluster.wait_until("apps/v1", "Deployment", Some("default"), "available", |object| {
        object.pointer("/status/availableReplicas") == Some(&json!(2))
    });
    assert_eq!(
        server
            .lenses(&name)
            .into_iter()
            .map(|(line, title)| (line, ageless(&title)))
            .collect::<Vec<_>>(),
        [(0, "✓ applied · AGE · pods simulated".to_owned())]
    );
}

/// A hundred files of one save-all: every one of them is judged and applied.
#[test]
fn many_files_at_once() {
    let shared = shared::session();
    let mut text = String::new();
    for number in 0..100 {
        let _ = write!(
            text,
            "#- many-{number}.yaml\n{}",
            config_map(&format!("many-{number}"), "x")
        );
    }
    let mut files = fixture::files(&text);
    for one in &mut files {
        one.path = file(&one.path);
    }
    save_all(&shared.server, &files);
    let verdicts: usize = files
        .iter()
        .map(|one| {
            shared
                .server
                .verdicts(&one.path, Phase::Apply, Mark::START)
                .iter()
                .filter(|verdict| verdict.ok)
                .count()
        })
        .sum();
    assert_eq!(verdicts, 100);
    shared.server.assert_sound();
}

/// An answer comes back with the text that it was about: undoing an edit brings it back, unsaved.
#[test]
fn an_undone_edit_brings_its_finding_back() {
    let Shared { server, .. } = shared::session();
    let name = file("undone.yaml");
    server.open_with(&name, &config_map("undone", "x").replace("\ndata:", "\ndatta:"));
    assert!(!server.save_and_settle(&name).ok);
    let version = server.edit(&name, "\ndatta:", "\ndata:");
    assert_eq!(server.wait_for_version(&name, version).summary(), [""; 0]);
    let version = server.edit(&name, "\ndata:", "\ndatta:");
    assert_eq!(
        server.wait_for_version(&name, version).summary(),
        ["error apply/unknown-field: unknown field \"datta\"; did you mean \"data\"?"]
    );
}

/// A file that is closed keeps what was said about it, and it is mended there by whoever changes it.
#[test]
fn a_closed_file_keeps_its_findings() {
    let Shared { server, .. } = shared::session();
    let name = file("closed.yaml");
    server.open_with(&name, &config_map("closed", "x").replace("\ndata:", "\ndatta:"));
    let before = server.save_and_settle(&name).generation;
    server.close(&name);
    server.status();
    assert_eq!(
        server.diagnostics(&name).summary(),
        ["error apply/unknown-field: unknown field \"datta\"; did you mean \"data\"?"]
    );
    server.write(&name, config_map("closed", "x"));
    let mark = server.watched(&[&name]);
    assert!(server.wait_for_verdict(&name, Phase::Apply, mark, before + 1).ok);
    assert_eq!(server.diagnostics(&name).summary(), [""; 0]);
    server.open(&name);
    assert_eq!(
        server
            .lenses(&name)
            .into_iter()
            .map(|(_, title)| ageless(&title))
            .collect::<Vec<_>>(),
        ["✓ applied · AGE"]
    );
}

#[test]
fn several_objects_of_one_file() {
    check_with(
        LENSES,
        expect![[r##"
            #- several.yaml
            # A list is its items.
            apiVersion: v1
            kind: List
            items:
              - apiVersion: v1
            #> lens: ✓ applied · AGE
                kind: ConfigMap
                metadata: { name: several-one, namespace: default }
              - apiVersion: v1
            #> lens: ✗ rejected: 1 problem
                kind: ConfigMap
                metadata: { name: several-two, namespace: default }
                data: { key: 2 }
            #                ^ error apply/wrong-type: expected string, got number 2 — put it in quotes
            ---
            # Without a namespace it is in the default one.
            apiVersion: v1
            #> lens: ✓ applied · AGE
            kind: ConfigMap
            metadata:
              name: several-three
            ---
            apiVersion: v1
            #> lens: ✗ rejected: 1 problem
            kind: ConfigMap
            metadata:
            #<^^^^^^ error apply/name-missing: the object has no name: metadata.name is missing
              labels: {}
            ---
            apiVersion: v1
            #> lens: ✗ rejected: 1 problem
            kind: ConfigMap
            metadata:
              name: several-four
              namespace: no-such-namespace
            #            ^^^^^^^^^^^^^^^^^ error apply/namespace-not-found: namespace "no-such-namespace" does not exist
        "##]],
    );
    let cluster = shared::session().cluster();
    for name in ["several-one", "several-three"] {
        assert!(
            cluster.get("v1", "ConfigMap", Some("default"), name).is_some(),
            "{name}"
        );
    }
}

/// Lines that end as on Windows: the place is right, and what is inserted ends so, too.
#[test]
fn lines_that_end_in_two_characters() {
    let Shared { server, .. } = shared::session();
    let name = file("windows.yaml");
    let text = "apiVersion: v1\nkind: Service\nmetadata:\n  name: windows\n  namespace: default\nspec:\n  ports:\n    - name: \"🦊\"\n      prot: 80\n".replace('\n', "\r\n");
    server.open_with(&name, &text);
    assert!(!server.save_and_settle(&name).ok);
    let published = server.diagnostics(&name);
    let unknown = published
        .diagnostics
        .iter()
        .find(|diagnostic| diagnostic["code"] == "apply/unknown-field")
        .expect("prot is refused");
    assert_eq!(
        unknown["range"],
        json!({ "start": { "line": 8, "character": 6 }, "end": { "line": 8, "character": 10 } })
    );
    server.apply_action(&name, &unknown["range"], "Rename it to port");
    server.edit(&name, "🦊", "web");
    assert!(
        server.save_and_settle(&name).ok,
        "{:?}",
        server.diagnostics(&name).summary()
    );
    assert!(!server.text(&name).replace("\r\n", "").contains('\n'));
}

/// An object that is nested deeper than is sent says so, and is not left out without a word.
#[test]
fn an_object_that_is_too_deep() {
    let Shared { server, .. } = shared::session();
    let name = file("deep.yaml");
    let nested = format!("{}1{}", "[".repeat(150), "]".repeat(150));
    server.open_with(
        &name,
        &format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: deep, namespace: default }}\ndata:\n  key: {nested}\n"
        ),
    );
    server.save(&name);
    server.status();
    let published = server.wait_for_version(&name, 1);
    assert!(
        !published.diagnostics.is_empty(),
        "nothing is said: {:?}",
        server.lenses(&name)
    );
}

/// A save of a file that no session applies changes nothing.
#[test]
fn a_file_outside_the_session() {
    let Shared { server, .. } = shared::session();
    let elsewhere = tempfile::tempdir().expect("a directory");
    let path = camino::Utf8Path::from_path(elsewhere.path())
        .expect("UTF-8")
        .join("outside.yaml");
    let mark = server.client.mark();
    server.open_with(path.as_str(), &config_map("outside-the-session", "x"));
    server.save(path.as_str());
    server.status();
    assert_eq!(
        server
            .lenses(path.as_str())
            .into_iter()
            .map(|(_, title)| title)
            .collect::<Vec<_>>(),
        ["not in session"]
    );
    assert_eq!(server.verdicts(path.as_str(), Phase::DryRun, mark), []);
    let refused = server
        .client
        .command("gitops.apply", json!({ "uri": server.uri(path.as_str()) }))
        .expect_err("no session applies it");
    assert!(
        refused.message.starts_with("no session applies this file"),
        "{}",
        refused.message
    );
}
