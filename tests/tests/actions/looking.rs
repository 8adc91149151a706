//! What was built, its difference from what is live, events and hovers.

use gitops_tests::client::INVALID_PARAMS;
use gitops_tests::server::{TestServer, full_client};
use serde_json::json;

use crate::fleet::{Fleet, is_ready, object, showing_client};

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: door\nstringData:\n  key: hunter2\n";

fn with_a_secret(server: &TestServer) {
    server.write("tools/door.yaml", SECRET);
    let file = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: rep-tools\nresources:\n  - bench.yaml\n  - door.yaml\nimages:\n  - name: registry.example.org/tools/bench\n    newTag: 0.3.0\n";
    server.write("tools/kustomization.yaml", file);
    // A variable of the Kustomization that comes from a Secret.
    let words = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: words\n  namespace: flux-system\nstringData:\n  password: opensesame\n";
    server.write("infra/words.yaml", words);
    let add = |file: &str, find: &str, more: &str| {
        let path = server.workspace().join(file);
        let text = std::fs::read_to_string(path).expect("the corpus is there");
        assert!(text.contains(find), "{text}");
        server.write(file, text.replacen(find, &format!("{find}{more}"), 1));
    };
    add("infra/kustomization.yaml", "  - vars.yaml\n", "  - words.yaml\n");
    add(
        "clusters/east/apps.yaml",
        "        name: rep-vars\n",
        "      - kind: Secret\n        name: words\n",
    );
    add(
        "apps/rules.yaml",
        "data:\n",
        "  url: https://user:${password}@example.org\n",
    );
}

#[test]
fn what_is_built_and_what_is_live() {
    let builder = TestServer::builder().client(showing_client());
    let fleet = Fleet::start_with(builder, with_a_secret);
    fleet
        .cluster
        .wait_until("v1", "Secret", Some("rep-tools"), "door", |live| {
            live["data"].is_object()
        });

    // As built: with its namespace and its variables, and where these come from.
    let portal = fleet.at("apps/portal.yaml", "image:");
    let rendered = fleet.run("gitops.showRendered", portal.clone());
    let text = rendered["text"].as_str().expect("a text");
    assert!(
        text.starts_with("# built by Kustomization/flux-system/rep-apps\n# from apps/portal.yaml, "),
        "{text}"
    );
    assert!(text.contains("variable set in infra/vars.yaml"), "{text}");
    assert!(text.contains("namespace set in apps/kustomization.yaml"), "{text}");
    assert!(text.contains("value: https://portal.east.example.org"), "{text}");
    // A kustomization is all that it builds, and an image has its supplier.
    let tools = fleet.at("tools/kustomization.yaml", "resources");
    let text = fleet.text("gitops.showRendered", tools.clone());
    assert!(text.contains("# from tools/bench.yaml, namespace set in tools/kustomization.yaml, image set in tools/kustomization.yaml\n"), "{text}");
    assert!(
        text.contains("name: door") && !text.contains("hunter2") && text.contains("key: '***'"),
        "{text}"
    );
    // Nor is one that comes in by a variable.
    let text = fleet.text("gitops.showRendered", fleet.at("apps/rules.yaml", "data:"));
    assert!(
        text.contains("https://user:***@example.org") && !text.contains("opensesame"),
        "{text}"
    );
    // The same as a document of its own.
    let uri = rendered["uri"].as_str().expect("a name");
    assert!(
        uri.starts_with("gitops-rendered:/Deployment/rep-apps/portal.yaml?"),
        "{uri}"
    );
    let content = fleet
        .server
        .client
        .request("workspace/textDocumentContent", json!({ "uri": uri }));
    assert_eq!(content.expect("a text")["text"], rendered["text"]);
    let wrong = fleet
        .server
        .client
        .request("workspace/textDocumentContent", json!({ "uri": "gitops-live:/x" }));
    assert_eq!(wrong.expect_err("no such document").code, INVALID_PARAMS);

    // No difference: what the API server fills in, and what Flux adds, is none.
    let text = fleet.text("gitops.diffLive", portal.clone());
    assert_eq!(
        text,
        "# no difference: Deployment/rep-apps/portal is on the sandbox as it is built\n"
    );
    // Changed behind Git's back.
    fleet.cluster.apply(
        "somebody",
        &json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "portal", "namespace": "rep-apps" },
            "spec": { "template": { "spec": { "containers": [{ "name": "portal", "image": "registry.example.org/apps/portal:9" }] } } } }),
    );
    let text = fleet.text("gitops.diffLive", portal.clone());
    let changed: Vec<&str> = text.lines().filter(|line| line.starts_with(['-', '+'])).collect();
    let expected = [
        "--- live Deployment/rep-apps/portal",
        "+++ built Deployment/rep-apps/portal",
        "-        image: registry.example.org/apps/portal:9",
        "+        image: registry.example.org/apps/portal:2.2.0",
    ];
    assert_eq!(changed, expected, "{text}");
    // That a Secret differs is seen, what it is is not.
    fleet.cluster.apply(
        "somebody",
        &json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "door", "namespace": "rep-tools" }, "stringData": { "key": "swordfish" } }),
    );
    let door = fleet.at("tools/door.yaml", "kind:");
    let text = fleet.text("gitops.diffLive", door);
    assert!(text.contains("-  key: '*** (before)'\n+  key: '*** (after)'"), "{text}");

    // Events of the Deployment and of what it owns.
    let answer = fleet.run("gitops.events", portal.clone());
    let text = answer["text"].as_str().expect("a text");
    assert!(
        text.contains("ScalingReplicaSet") && text.contains("ReplicaSet/rep-apps/portal-"),
        "{text}"
    );
    let times: Vec<&str> = answer["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|event| event["time"].as_str())
        .collect();
    assert!(times.is_sorted(), "{times:?}");

    // Hover: on the first line, kind and name, and nowhere else.
    let hover = fleet.hover(&fleet.at("apps/portal.yaml", "apiVersion"));
    assert!(hover.starts_with("**Deployment/rep-apps/portal** · "), "{hover}");
    assert!(hover.contains("kustomize-controller"), "{hover}");
    assert!(!fleet.hover(&fleet.at("apps/portal.yaml", "name: portal")).is_empty());
    assert_eq!(fleet.hover(&portal), "");
    let hover = fleet.hover(&fleet.at("clusters/east/infra.yaml", "kind:"));
    assert!(hover.contains("revision `main@sha1:"), "{hover}");
    assert!(
        hover.contains("has applied 4 objects, all as they should be"),
        "{hover}"
    );
    assert!(!hover.contains("hunter2"));

    // A click on a lens makes the server show it.
    let mark = fleet.server.client.mark();
    let mut click = fleet.at("clusters/east/apps.yaml", "kind:");
    click["show"] = json!(true);
    fleet.run("gitops.showRendered", click);
    let shown = fleet.server.client.wait_for(mark, "window/showDocument", |_| true);
    assert!(
        shown["uri"]
            .as_str()
            .expect("a name")
            .starts_with("gitops-rendered:/Kustomization/flux-system/rep-apps.yaml?"),
        "{shown}"
    );
    let nothing = fleet.try_run("gitops.showRendered", json!({}));
    assert_eq!(nothing.expect_err("no object is named").code, INVALID_PARAMS);
    let elsewhere = fleet.try_run("gitops.showRendered", object("v1", "ConfigMap", "default", "none"));
    assert!(elsewhere.expect_err("not built").message.contains("builds nothing of"));
}

/// Of a release everything that its chart renders, as helm-controller applies it.
#[test]
fn a_release_with_its_chart() {
    let builder = TestServer::builder().client(showing_client());
    let fleet = Fleet::start_corpus(builder, "flux-h", "clusters/west", |_| {});
    let release = "helm.toolkit.fluxcd.io/v2";
    fleet
        .cluster
        .wait_until(release, "HelmRelease", Some("rep-helm"), "board", is_ready);
    let board = fleet.at("web/board.yaml", "kind:");
    let text = fleet.text("gitops.showRendered", board.clone());
    assert!(text.contains("kind: HelmRelease\n"), "{text}");
    assert!(
        text.contains("# rendered by HelmRelease/rep-helm/board, template "),
        "{text}"
    );
    assert!(text.contains("kind: Deployment\n"), "{text}");
    let text = fleet.text("gitops.diffLive", board.clone());
    assert!(text.starts_with("# no difference: "), "{text}");
    let hover = fleet.hover(&board);
    assert!(hover.contains("release 1: board "), "{hover}");
}

/// Without Flux the same commands work on manifests as they stand, and a client without documents of its own gets a file.
#[test]
fn manifests_as_they_stand() {
    let mut client = full_client();
    client["window"]["showDocument"] = json!({ "support": true });
    let files = "
        #- apps/web.yaml
        # about the first
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: web
          namespace: default
        data:
          key: value
        ";
    let server = TestServer::builder().client(client).files(files).build();
    let mark = server.client.mark();
    let started = server.start_session(json!({ "target": "apps" }));
    server.wait_for_verdict("apps/web.yaml", gitops_tests::server::Phase::Apply, mark, 1);
    server.open("apps/web.yaml");
    let lines: Vec<u64> = server
        .lenses("apps/web.yaml")
        .into_iter()
        .map(|(line, _)| line)
        .collect();
    assert_eq!(lines, [2], "below the comment and the mark");
    let at = json!({ "uri": server.uri("apps/web.yaml"), "position": { "line": 3, "character": 2 }, "show": true });
    let cluster = server.cluster(&started);
    cluster.apply(
        "somebody",
        &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "web", "namespace": "default" }, "data": { "key": "other" } }),
    );
    let mark = server.client.mark();
    let answer = server.client.command("gitops.diffLive", at.clone()).expect("a diff");
    let text = answer["text"].as_str().expect("a text");
    assert!(text.contains("-  key: other\n+  key: value\n"), "{text}");
    let shown = server.client.wait_for(mark, "window/showDocument", |_| true);
    let path = shown["uri"]
        .as_str()
        .expect("a name")
        .strip_prefix("file://")
        .expect("a file");
    assert_eq!(std::fs::read_to_string(path).expect("it is there"), text);
    let refused = server.client.command("gitops.reconcile", at).expect_err("no Flux");
    assert!(
        refused.message.contains("is not applied by Flux"),
        "{}",
        refused.message
    );
}
