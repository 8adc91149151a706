//! A save brings the API server's verdict to its line, and what it takes is on the cluster. All tests share one session.

use std::fmt::Write as _;

use expect_test::expect;
use gitops_tests::fixture::{self, Show, check, check_with, save_all};
use gitops_tests::message_log::Mark;
use gitops_tests::server::{Phase, Published};
use gitops_tests::shared::{self, Shared, file};
use gitops_tests::show::{ageless, headline};
use serde_json::json;

const SHOW_ALL: Show = Show { lenses: true, actions: true, details: false };

fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: default\ndata:\n  key: {value}\n")
}

#[test]
fn broken_then_mended() {
    check_with(
        SHOW_ALL,
        expect![[r##"
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            #> lens: ✗ rejected: 1 problem
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
            kind: Deployment
            #> lens: ✓ applied · AGE
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
    let live = shared::session().cluster().get("apps/v1", "Deployment", Some("default"), "broken-then-mended").expect("it is applied");
    assert_eq!(live.pointer("/spec/template/spec/containers/0/image"), Some(&json!("nginx")));
}

#[test]
fn all_errors_at_once() {
    check_with(
        Show { lenses: true, actions: false, details: false },
        expect![[r##"
            #- web.yaml
            apiVersion: apps/v1
            kind: Deployment
            #> lens: ✗ rejected: 9 problems
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
            #                    ^^^^^^^^^ error apply/unsupported-value: "Sometimes" is not supported; use one of Always, Never, OnFailure
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
        Show { lenses: true, actions: false, details: false },
        expect![[r#"
            #- good.yaml
            apiVersion: v1
            kind: ConfigMap
            #> lens: ✓ applied · AGE
            metadata:
              name: together-good
              namespace: default
            data:
              key: value
            #- bad.yaml
            apiVersion: v1
            kind: ConfigMap
            #> lens: ✗ rejected: 1 problem
            metadata:
              name: together-bad
              namespace: default
            data:
            #<^^ error apply/wrong-type: expected map, got list — write key: value without dashes
              - key
            ---
            apiVersion: v1
            kind: ConfigMap
            #> lens: ✗ rejected: 1 problem
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
fn a_namespace_and_a_kind_of_the_same_save() {
    check_with(
        Show { lenses: true, actions: false, details: true },
        expect![[r##"
            #- all.yaml
            apiVersion: staging.example.com/v1
            kind: Probe
            #> lens: ✓ applied · AGE
            metadata:
              name: first
              namespace: staged-one
            spec:
              depth: 3
            ---
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            #> lens: ✓ applied · AGE
            metadata:
              name: probes.staging.example.com
            spec:
              group: staging.example.com
              names: { kind: Probe, plural: probes }
              scope: Namespaced
              versions:
                - name: v1
                  served: true
                  storage: true
                  schema:
                    openAPIV3Schema:
                      type: object
                      properties:
                        spec:
                          type: object
                          properties:
                            depth: { type: integer, maximum: 10 }
            ---
            apiVersion: v1
            kind: Namespace
            #> lens: ✓ applied · AGE
            metadata:
              name: staged-one
            #= its rules hold
            #- all.yaml
            apiVersion: staging.example.com/v1
            kind: Probe
            #> lens: ✗ rejected: 3 problems
            metadata:
              name: first
              namespace: staged-one
            spec:
            #<^^ error apply/wrong-type: expected map, got map — write key: value on the lines below
            #| the cluster's words: spec: Invalid value: "null": spec in body must be of type object: "null"
              depth: 30
            #        ^^ error apply/invalid-value: 30 is not valid: should be less than or equal to 10
            #| the cluster's words: spec.depth: Invalid value: 30: spec.depth in body should be less than or equal to 10
              dpeth: 3
            # ^^^^^ error apply/unknown-field: unknown field "dpeth"
            #| the cluster's words: .spec.dpeth: field not declared in schema
            ---
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            #> lens: ✓ applied · AGE
            metadata:
              name: probes.staging.example.com
            spec:
              group: staging.example.com
              names: { kind: Probe, plural: probes }
              scope: Namespaced
              versions:
                - name: v1
                  served: true
                  storage: true
                  schema:
                    openAPIV3Schema:
                      type: object
                      properties:
                        spec:
                          type: object
                          properties:
                            depth: { type: integer, maximum: 10 }
            ---
            apiVersion: v1
            kind: Namespace
            #> lens: ✓ applied · AGE
            metadata:
              name: staged-one
        "##]],
    );
}

/// What waits for a namespace or a kind is asked again when another file brings it.
#[test]
fn a_namespace_and_a_kind_of_another_file() {
    let Shared { server, .. } = shared::session();
    let (namespace, definition, object) = (file("namespace.yaml"), file("definition.yaml"), file("object.yaml"));
    server.open_with(&object, "apiVersion: elsewhere.example.com/v1\nkind: Gauge\nmetadata:\n  name: first\n  namespace: staged-two\nspec:\n  unit: mm\n");
    let verdict = server.save_and_settle(&object);
    assert!(!verdict.ok);
    expect![[r#"
        [
            "error apply/kind-not-served: no kind \"Gauge\" is served here; the CRD that brings elsewhere.example.com is not installed",
        ]
    "#]]
    .assert_debug_eq(&server.diagnostics(&object).summary());

    let mark = server.client.mark();
    server.open_with(
        &definition,
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: gauges.elsewhere.example.com\nspec:\n  group: elsewhere.example.com\n  names: { kind: Gauge, plural: gauges }\n  scope: Namespaced\n  versions:\n    - name: v1\n      served: true\n      storage: true\n      schema:\n        openAPIV3Schema:\n          type: object\n          properties:\n            spec:\n              type: object\n              properties:\n                unit: { type: string }\n",
    );
    assert!(server.save_and_settle(&definition).ok);
    let verdict = server.wait_for_verdict(&object, Phase::Apply, mark, 0);
    assert!(!verdict.ok, "its namespace is still missing");
    expect![[r#"
        [
            "error apply/namespace-not-found: namespace \"staged-two\" does not exist",
        ]
    "#]]
    .assert_debug_eq(&server.diagnostics(&object).summary());

    let mark = server.client.mark();
    server.open_with(&namespace, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: staged-two\n");
    assert!(server.save_and_settle(&namespace).ok);
    let verdict = server.wait_for_verdict(&object, Phase::Apply, mark, 0);
    assert!(verdict.ok);
    assert_eq!(server.diagnostics(&object).summary(), [""; 0]);
    server.assert_sound();
}

#[test]
fn what_a_save_leaves_out_is_pruned() {
    let shared = shared::session();
    let (server, cluster) = (&shared.server, shared.cluster());
    let (both, other) = (file("both.yaml"), file("other.yaml"));
    let get = |name: &str| cluster.get("v1", "ConfigMap", Some("default"), name);
    server.open_with(&both, &format!("{}---\n{}", config_map("pruned-one", "a"), config_map("pruned-two", "b")));
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
    let id = |name: &str| cluster.get("v1", "ConfigMap", Some("default"), name).map(|object| object["metadata"]["uid"].clone());
    server.open_with(&from, &format!("{}---\n{}", config_map("moves", "a"), config_map("moves-not", "a")));
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
    server.retype(&name, &format!("{}---\n{two}  bad: [\n", config_map("half-one", "changed")));
    assert!(server.save_and_settle(&name).ok);
    assert_eq!(get("half-one").expect("it is there")["data"]["key"], "changed");
    assert!(get("half-two").is_some());
    let summary = server.diagnostics(&name).summary();
    assert!(summary.iter().any(|line| line.starts_with("error syntax/")), "{summary:?}");
    // Whole again, and gone for good.
    server.retype(&name, &one);
    assert!(server.save_and_settle(&name).ok);
    assert!(get("half-two").is_none());
    server.assert_sound();
}

/// Ten saves as fast as they can be sent: the last one's verdict stands, and nothing older is published after it.
#[test]
fn the_newest_save_wins() {
    let shared = shared::session();
    let (server, cluster) = (&shared.server, shared.cluster());
    let name = file("fast.yaml");
    server.open_with(&name, &config_map("fast", "zero"));
    assert!(server.save_and_settle(&name).ok);
    for last_is_broken in [false, true] {
        let text = |value: &str, broken: bool| format!("{}{}", config_map("fast", value), if broken { "datta: {}\n" } else { "" });
        let mark = server.client.mark();
        let mut newest = 0;
        for number in 0..10 {
            // All but the last one are of the other kind, so that its verdict is known when it comes.
            newest = server.retype(&name, &text(&format!("{last_is_broken}-{number}"), (number == 9) == last_is_broken));
            server.save(&name);
        }
        let last = server.client.wait(mark, "the verdict on the last save", |_| {
            server.verdicts(&name, Phase::Apply, mark).into_iter().find(|verdict| verdict.ok != last_is_broken)
        });
        if !last_is_broken {
            assert_eq!(cluster.get("v1", "ConfigMap", Some("default"), "fast").expect("it is there")["data"]["key"], "false-9");
        }
        // Whatever could still come of the ten comes before the verdict on one more save.
        server.retype(&name, &text("more", false));
        let more = server.save_and_settle(&name);
        let generations: Vec<u64> = server.verdicts(&name, Phase::Apply, mark).iter().map(|verdict| verdict.generation).collect();
        assert!(generations.is_sorted(), "{generations:?}");
        assert_eq!(generations.iter().filter(|generation| **generation >= last.generation).collect::<Vec<_>>(), [&last.generation, &more.generation]);
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
        assert_eq!(about_newest, expected, "what was published about the last of ten saves flickers");
    }
    server.assert_sound();
}

#[test]
fn a_file_that_changes_outside_the_editor_is_saved_there() {
    let shared = shared::session();
    let (server, cluster) = (&shared.server, shared.cluster());
    let name = file("outside.yaml");
    let value = || cluster.get("v1", "ConfigMap", Some("default"), "outside").map(|object| object["data"]["key"].clone());
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
        published.diagnostics.iter().map(|diagnostic| (headline(diagnostic), diagnostic["range"]["start"]["line"].as_u64().expect("a line"))).collect()
    };
    let places = |version: i64| lines_of(server.wait_for_version(&name, version));
    let refused = lines_of(server.diagnostics(&name));
    assert_eq!(refused.iter().map(|(_, line)| *line).collect::<Vec<_>>(), [6, 9], "{refused:?}");
    // Lines above move both.
    let moved = places(server.edit(&name, "metadata:\n", "# one line\n# another\nmetadata:\n"));
    assert_eq!(moved.iter().map(|(_, line)| *line).collect::<Vec<_>>(), [8, 11], "{moved:?}");
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
fn applied_without_a_save() {
    let shared = shared::session();
    let (server, cluster) = (&shared.server, shared.cluster());
    let name = file("command.yaml");
    server.open_with(&name, &config_map("by-command", "one"));
    let verdict = server.apply(&name);
    assert!(verdict.ok);
    assert_eq!(cluster.get("v1", "ConfigMap", Some("default"), "by-command").expect("it is there")["data"]["key"], "one");
    server.assert_sound();
}

#[test]
fn a_field_is_taken_over_from_its_manager() {
    let shared = shared::session();
    let (server, cluster) = (&shared.server, shared.cluster());
    let name = file("conflict.yaml");
    cluster.apply("somebody-else", &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "contested", "namespace": "default" }, "data": { "key": "theirs" } }));
    server.open_with(&name, &config_map("contested", "ours"));
    assert!(!server.save_and_settle(&name).ok);
    let diagnostics = server.diagnostics(&name);
    expect![[r#"
        [
            "error apply/conflict: field \"key\" belongs to \"somebody-else\", who gave it another value",
        ]
    "#]]
    .assert_debug_eq(&diagnostics.summary());
    let (before, mark) = (server.generation(&name), server.client.mark());
    server.apply_action(&name, &diagnostics.diagnostics[0]["range"], "Take it over from somebody-else");
    assert!(server.wait_for_verdict(&name, Phase::Apply, mark, before + 1).ok);
    assert_eq!(cluster.get("v1", "ConfigMap", Some("default"), "contested").expect("it is there")["data"]["key"], "ours");
    assert_eq!(server.diagnostics(&name).summary(), [""; 0]);
    server.assert_sound();
}

#[test]
fn an_immutable_object_is_made_anew() {
    let shared = shared::session();
    let (server, cluster) = (&shared.server, shared.cluster());
    let name = file("immutable.yaml");
    let text = |value: &str| format!("{}immutable: true\n", config_map("carved", value));
    server.open_with(&name, &text("stone"));
    assert!(server.save_and_settle(&name).ok);
    server.edit(&name, "stone", "marble");
    assert!(!server.save_and_settle(&name).ok);
    let diagnostics = server.diagnostics(&name);
    expect![[r#"
        [
            "error apply/immutable-field: field \"key\" is immutable: the live object has \"stone\"; to change it the object must be made anew",
        ]
    "#]]
    .assert_debug_eq(&diagnostics.summary());
    let (before, mark) = (server.generation(&name), server.client.mark());
    server.apply_action(&name, &diagnostics.diagnostics[0]["range"], "Delete it from the sandbox and create it anew");
    assert!(server.wait_for_verdict(&name, Phase::Apply, mark, before + 1).ok);
    assert_eq!(cluster.get("v1", "ConfigMap", Some("default"), "carved").expect("it is there")["data"]["key"], "marble");
    server.assert_sound();
}

/// What is offered mends: the edit of each action, saved, is taken.
#[test]
fn an_action_mends() {
    let Shared { server, .. } = shared::session();
    let name = file("mend.yaml");
    let text = fixture::dedent(
        "
        apiVersion: v1
        kind: Service
        metadata:
          name: mend
          namespace: default
        spec:
          type: clusterip
          ports:
            - prot: 80
        ",
    );
    server.open_with(&name, &text);
    assert!(!server.save_and_settle(&name).ok);
    for title in ["Write ClusterIP", "Rename it to port"] {
        let published = server.diagnostics(&name);
        let range = published
            .diagnostics
            .iter()
            .map(|diagnostic| diagnostic["range"].clone())
            .find(|range| server.actions(&name, range).iter().any(|action| action["title"] == title))
            .unwrap_or_else(|| panic!("{title:?} is offered nowhere: {:?}", published.summary()));
        server.apply_action(&name, &range, title);
        server.save_and_settle(&name);
    }
    assert_eq!(server.diagnostics(&name).summary(), [""; 0], "{}", server.text(&name));
    server.assert_sound();
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
    cluster.wait_until("apps/v1", "Deployment", Some("default"), "available", |object| object.pointer("/status/availableReplicas") == Some(&json!(2)));
    assert_eq!(server.lenses(&name).into_iter().map(|(line, title)| (line, ageless(&title))).collect::<Vec<_>>(), [(1, "✓ applied · AGE".to_owned())]);
}

/// A hundred files of one save-all: every one of them is judged and applied.
#[test]
fn many_files_at_once() {
    let shared = shared::session();
    let mut text = String::new();
    for number in 0..100 {
        let _ = write!(text, "#- many-{number}.yaml\n{}", config_map(&format!("many-{number}"), "x"));
    }
    let mut files = fixture::files(&text);
    for one in &mut files {
        one.path = file(&one.path);
    }
    save_all(&shared.server, &files);
    let verdicts: usize = files.iter().map(|one| shared.server.verdicts(&one.path, Phase::Apply, Mark::START).iter().filter(|verdict| verdict.ok).count()).sum();
    assert_eq!(verdicts, 100);
    shared.server.assert_sound();
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
