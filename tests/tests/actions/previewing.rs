//! What a save would change, before it.

use gitops_tests::repository::APPS;
use gitops_tests::server::{Phase, TestServer};
use serde_json::{Value, json};

use crate::fleet::Fleet;

fn names(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list").iter();
    list.map(|object| {
        format!(
            "{} {}",
            object["kind"].as_str().expect("a kind"),
            object["name"].as_str().expect("a name")
        )
    })
    .collect()
}

#[test]
fn a_buffer_of_a_flux_repository() {
    let fleet = Fleet::start();
    let file = "apps/portal.yaml";
    fleet.server.open(file);
    let asked = json!({ "uri": fleet.server.uri(file) });
    let nothing = fleet.run("gitops.preview", asked.clone());
    assert_eq!(nothing["text"], "# a save would change nothing\n");
    // A change, a selector that cannot be changed, and an object more.
    fleet.server.edit(file, "containerPort: 8080", "containerPort: 8081");
    let changed = fleet.run("gitops.preview", asked.clone());
    assert_eq!(names(&changed["changed"]), ["Deployment portal"]);
    fleet.wait_for_lens(file, |title| title == "a save would: change 1");
    let text = fleet.server.text(file);
    let text = text.replace("app: portal", "app: other");
    let more = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: more\n";
    fleet.server.retype(file, &format!("{text}{more}"));
    let preview = fleet.run("gitops.preview", asked.clone());
    assert_eq!(names(&preview["created"]), ["ConfigMap more"]);
    assert_eq!(preview["refused"][0]["code"], "apply/immutable-field", "{preview}");
    let line = preview["text"]
        .as_str()
        .expect("a text")
        .lines()
        .next()
        .expect("a line");
    assert_eq!(line, "# a save would: create 1 · ⚠ 1 immutable");
    // What is taken out of a kustomization goes; nothing of all this was saved.
    fleet.server.open("apps/kustomization.yaml");
    fleet.server.edit("apps/kustomization.yaml", "  - budget.yaml\n", "");
    let preview = fleet.run(
        "gitops.preview",
        json!({ "uri": fleet.server.uri("apps/kustomization.yaml") }),
    );
    assert_eq!(names(&preview["deleted"]), ["PodDisruptionBudget portal"]);
    let live = fleet
        .cluster
        .get("apps/v1", "Deployment", Some("rep-apps"), "portal")
        .expect("it is there");
    assert_eq!(
        live["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"],
        8080
    );
}

/// What a chart in the repository would bring: values in a buffer, a template in a buffer, a release that is taken out.
#[test]
fn what_releases_bring() {
    let server = TestServer::builder()
        .files(
            "
            #- charts/web/Chart.yaml
            apiVersion: v2
            name: web
            version: 1.0.0
            #- charts/web/values.yaml
            title: pages
            #- charts/web/templates/map.yaml
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: {{ .Release.Name }}
            data:
              title: {{ .Values.title | required \"a title\" }}
            #- apps/release.yaml
            apiVersion: helm.toolkit.fluxcd.io/v2
            kind: HelmRelease
            metadata:
              name: web
              namespace: default
            spec:
              interval: 1h
              chart:
                spec:
                  chart: ./charts/web
                  sourceRef:
                    kind: GitRepository
                    name: flux-system
                    namespace: flux-system
              values:
                title: first
            #- apps/kustomization.yaml
            resources:
            - release.yaml
            ",
        )
        .build();
    server.write("clusters/dev/apps.yaml", APPS);
    server.start_session(json!({ "target": "clusters/dev" }));
    server.open("apps/release.yaml");
    let text = server.text("apps/release.yaml");
    server.retype("apps/release.yaml", &format!("{text}# installed\n"));
    let before = server.generation("apps/release.yaml");
    let mark = server.save("apps/release.yaml");
    let installed = server.wait_for_verdict("apps/release.yaml", Phase::Flux, mark, before + 1);
    assert!(installed.ok, "{:?}", server.diagnostics("apps/release.yaml").summary());
    let preview = |file: &str| {
        let asked = json!({ "uri": server.uri(file) });
        server.client.command("gitops.preview", asked).expect("a preview")
    };
    assert_eq!(preview("apps/release.yaml")["text"], "# a save would change nothing\n");
    server.edit("apps/release.yaml", "title: first", "title: second");
    let changed = preview("apps/release.yaml");
    assert_eq!(
        names(&changed["changed"]),
        ["HelmRelease web", "ConfigMap web"],
        "{changed}"
    );
    server.edit("apps/release.yaml", "title: second", "title: null");
    let broken = preview("apps/release.yaml")["text"].to_string();
    assert!(
        broken.contains("HelmRelease default/web: ") && broken.contains("a title"),
        "{broken}"
    );
    server.edit("apps/release.yaml", "title: null", "title: first");
    // A template that names another object takes the one before away.
    server.open("charts/web/templates/map.yaml");
    server.edit("charts/web/templates/map.yaml", "}}\ndata", "}}-more\ndata");
    let renamed = preview("charts/web/templates/map.yaml");
    assert_eq!(names(&renamed["created"]), ["ConfigMap web-more"], "{renamed}");
    assert_eq!(names(&renamed["deleted"]), ["ConfigMap web"]);
    server.edit("charts/web/templates/map.yaml", "}}-more\ndata", "}}\ndata");
    server.open("apps/kustomization.yaml");
    server.retype("apps/kustomization.yaml", "resources: []\n");
    let gone = preview("apps/kustomization.yaml");
    assert_eq!(names(&gone["deleted"]), ["HelmRelease web", "ConfigMap web"], "{gone}");
}

#[test]
fn manifests_as_they_stand() {
    let files = "
        #- apps/web.yaml
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: web
          namespace: default
        data:
          key: value
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: second
          namespace: default
        ";
    let server = TestServer::builder().files(files).build();
    let mark = server.client.mark();
    server.start_session(json!({ "target": "apps" }));
    server.wait_for_verdict("apps/web.yaml", Phase::Apply, mark, 1);
    server.open("apps/web.yaml");
    let text = server.text("apps/web.yaml");
    let (first, _) = text.split_once("---").expect("two documents");
    server.retype("apps/web.yaml", &first.replace("name: web", "name: third"));
    let preview = server
        .client
        .command("gitops.preview", json!({ "uri": server.uri("apps/web.yaml") }));
    let preview = preview.expect("a preview");
    assert_eq!(names(&preview["created"]), ["ConfigMap third"]);
    assert_eq!(names(&preview["deleted"]), ["ConfigMap web", "ConfigMap second"]);
}

/// A lens that follows what is typed, where somebody has set it.
#[test]
fn while_typing() {
    let files = "#- apps/web.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  namespace: default\ndata:\n  key: value\n";
    let settings = json!({ "verdicts": true, "preview": { "onType": true } });
    let server = TestServer::builder().files(files).settings(settings).build();
    let mark = server.client.mark();
    let started = server.start_session(json!({ "target": "apps" }));
    server.wait_for_verdict("apps/web.yaml", Phase::Apply, mark, 1);
    let fleet = Fleet {
        cluster: server.cluster(&started),
        server,
    };
    fleet.server.open("apps/web.yaml");
    fleet.server.edit("apps/web.yaml", "name: web", "name:  web");
    fleet.wait_for_lens("apps/web.yaml", |title| title == "a save would change nothing");
    fleet.server.edit("apps/web.yaml", "value", "other");
    fleet.wait_for_lens("apps/web.yaml", |title| title == "a save would: change 1");
    fleet.server.edit("apps/web.yaml", "\ndata:", "\ndatta:");
    fleet.wait_for_lens("apps/web.yaml", |title| title == "a save would: ✗ 1 refused");
    let live = fleet
        .cluster
        .get("v1", "ConfigMap", Some("default"), "web")
        .expect("it is there");
    assert_eq!(live["data"]["key"], "value", "nothing was written");
}
