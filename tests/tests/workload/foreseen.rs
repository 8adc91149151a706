//! What a kubelet would refuse, where none is.

use expect_test::expect;
use gitops_tests::shared::{self, file};
use serde_json::json;

use crate::{Saved, deployment, namespace};

const NAMES: &str = "env:\n  - name: KEY\n    valueFrom:\n      secretKeyRef:\n        name: keys\n        key: api\n  - name: MAYBE\n    valueFrom:\n      secretKeyRef:\n        name: perhaps\n        key: api\n        optional: true";

#[test]
fn what_is_not_there_is_said_until_it_comes() {
    let (namespace, cluster) = namespace();
    let server = &shared::session().server;
    let web = Saved::new("web.yaml");
    let volumes =
        "imagePullSecrets:\n  - name: registry\nvolumes:\n  - name: pages\n    configMap:\n      name: paeges";
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "pages", "namespace": namespace }, "data": { "a": "b" } });
    cluster.apply("tests", &map);
    // Nothing that was seen is wrong, so the pods are as good as they can be here.
    assert!(web.save(&deployment(&namespace, NAMES, volumes)));
    expect![[r#"
        `registry` warning runtime/would-not-start: Secret "registry" is not there, and images would be pulled without it
        `paeges` warning runtime/would-not-start: would not start: ConfigMap "paeges" is not there; did you mean "pages"?
        `keys` warning runtime/would-not-start: would not start: Secret "keys" is not there
    "#]].assert_eq(&web.findings());
    let secret = |name: &str, key: &str| json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name, "namespace": namespace }, "stringData": { key: "sesame" } });
    // Secrets that somebody else makes: first without the key, then with it.
    let mark = server.client.mark();
    cluster.apply("tests", &secret("keys", "apj"));
    cluster.apply("tests", &secret("registry", "x"));
    let no_map = "`paeges` warning runtime/would-not-start: would not start: ConfigMap \"paeges\" is not there; did you mean \"pages\"?\n";
    let no_key = "`api` warning runtime/would-not-start: would not start: Secret \"keys\" has no key \"api\"; did you mean \"apj\"?\n";
    web.wait_for(mark, &format!("{no_map}{no_key}"));
    let mark = server.client.mark();
    cluster.apply("tests", &secret("keys", "api"));
    web.wait_for(mark, no_map);
    // A file of the session brings the map, and takes it away again.
    let config = file("config.yaml");
    let map =
        |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: {namespace}\n");
    let mark = server.client.mark();
    server.open_with(&config, &map("paeges"));
    server.save(&config);
    web.wait_for(mark, "");
    let mark = server.client.mark();
    server.retype(&config, &map("other"));
    server.save(&config);
    web.wait_for(mark, no_map);
    let mark = server.client.mark();
    assert!(web.save(&deployment(&namespace, "", "")));
    web.wait_for(mark, "");
}

#[test]
fn a_save_that_brings_all_is_never_warned_of() {
    let (namespace, _) = namespace();
    let server = &shared::session().server;
    let all = Saved::new("all.yaml");
    let mark = server.client.mark();
    let volumes =
        "volumes:\n  - name: pages\n    configMap:\n      name: pages\n      items:\n        - { key: title, path: t }";
    let map = format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: pages\n  namespace: {namespace}\ndata:\n  title: x\n"
    );
    assert!(all.save(&format!("{}{map}", deployment(&namespace, "", volumes))));
    assert_eq!(all.findings(), "");
    let uri = server.uri(&file("all.yaml"));
    let said = server.client.said(mark, "textDocument/publishDiagnostics");
    let warned = said
        .iter()
        .any(|said| said["uri"] == uri.as_str() && said["diagnostics"].as_array().is_some_and(|all| !all.is_empty()));
    assert!(!warned, "{said:?}");
}
