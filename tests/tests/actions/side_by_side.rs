//! One repository with two clusters: what a file reaches, and a session on each of them at once.

use gitops_tests::server::TestServer;

use crate::fleet::{Fleet, showing_client};

/// A second entry with the same Kustomizations, in which the variables have another name.
fn with_a_second_cluster(server: &TestServer) {
    for file in [
        "infra.yaml",
        "apps.yaml",
        "flux-system/gotk-sync.yaml",
        "flux-system/kustomization.yaml",
    ] {
        let east = server.workspace().join("clusters/east").join(file);
        let text = std::fs::read_to_string(&east).expect("the corpus is there");
        server.write(
            &format!("clusters/west/{file}"),
            text.replace("clusters/east", "clusters/west"),
        );
    }
}

#[test]
fn two_clusters_of_one_repository() {
    let directory = tempfile::tempdir().expect("a directory");
    let parent = camino::Utf8Path::from_path(directory.path()).expect("UTF-8");
    let builder = || TestServer::builder().client(showing_client()).kept_in(parent);
    let east = Fleet::start_on(builder(), "clusters/east", with_a_second_cluster);
    // Another editor, with another entry of the same folder.
    let west = Fleet::start_on(builder(), "clusters/west", with_a_second_cluster);
    for (fleet, cluster) in [(&east, "east"), (&west, "west")] {
        fleet.server.open("apps/portal.yaml");
        let wanted = "reaches clusters/east (rep-apps), clusters/west (rep-apps)";
        fleet.wait_for_lens("apps/portal.yaml", |title| title == wanted);
        fleet.server.open("apps/kustomization.yaml");
        fleet.wait_for_lens("apps/kustomization.yaml", |title| title == wanted);
        assert_eq!(
            fleet.kustomization("rep-fleet")["spec"]["path"],
            format!("./clusters/{cluster}")
        );
    }
    // A file of one cluster alone has no such lens.
    east.server.open("clusters/east/apps.yaml");
    let lenses = east.server.lenses("clusters/east/apps.yaml");
    assert!(
        lenses.iter().all(|(_, title)| !title.starts_with("reaches")),
        "{lenses:?}"
    );

    // One mistake, and each session says for which cluster it holds.
    let mark = west.server.client.mark();
    east.server.edit("apps/portal.yaml", "containerPort", "containerport");
    let saved = east.server.save("apps/portal.yaml");
    let text = east.server.text("apps/portal.yaml");
    west.server.retype("apps/portal.yaml", &text);
    west.server.save("apps/portal.yaml");
    for (fleet, since, cluster) in [(&east, saved, "east"), (&west, mark, "west")] {
        let ending = format!("(in clusters/{cluster})");
        fleet
            .server
            .wait_for_diagnostics("apps/portal.yaml", since, |published| {
                let summary = published.summary();
                summary
                    .iter()
                    .any(|said| said.contains("apply/unknown-field") && said.ends_with(&ending))
            });
    }
    // The first one to end leaves the other's sandbox alone.
    east.end_before_others();
    assert_eq!(west.kustomization("rep-apps")["metadata"]["name"], "rep-apps");
}
