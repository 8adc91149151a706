//! Targets that are Flux repositories: what is saved goes through the real Flux of the sandbox, and what Flux, kustomize and
//! the API server say is on the line that earned it.

mod chart_sources;
mod conditions;
mod helm;
mod model;
mod reported;
mod same_as_controllers;
mod workloads;

use camino::Utf8Path;
use gitops_tests::message_log::Mark;
use gitops_tests::repository;
use gitops_tests::server::TestServer;
use gitops_tests::show::headline;
use serde_json::{Value, json};

/// A repository in a session.
struct Fleet {
    server: TestServer,
    started: Value,
}

impl Fleet {
    fn start(name: &str, target: &str) -> Self {
        let directory = Utf8Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpora/reports")
            .join(name);
        let server = TestServer::builder().build();
        repository::lay_out(&server, &directory);
        let started = server.start_session(json!({ "target": target }));
        Self { server, started }
    }

    /// Saves an edit; whether it is accepted, and if it is, whether Flux is content.
    fn edit(&self, file: &str, find: &str, put: &str) -> bool {
        let mark = self.save(file, find, put);
        self.verdict(file, "dry-run", mark) && self.verdict(file, "flux", mark)
    }

    /// Saves an edit.
    fn save(&self, file: &str, find: &str, put: &str) -> Mark {
        let path = self.server.workspace().join(file);
        let text = std::fs::read_to_string(&path).expect("the file can be read");
        assert!(text.contains(find), "{find:?} is not in {file}");
        let text = text.replacen(find, put, 1);
        if !self.server.is_open(file) {
            self.server.open(file);
        }
        self.save_text(file, &text)
    }

    /// Saves a text as careful editors do, whole or not at all: the save before may just be read for its commit.
    fn save_text(&self, file: &str, text: &str) -> Mark {
        let version = self.server.retype(file, text);
        self.server.wait_for_version(file, version);
        let path = self.server.workspace().join(file);
        let new = self.server.workspace().with_extension("new");
        std::fs::write(&new, text).expect("a file can be written");
        std::fs::rename(&new, &path).expect("it can be put in its place");
        let mark = self.server.client.mark();
        self.server.client.notify(
            "textDocument/didSave",
            json!({ "textDocument": { "uri": self.server.uri(file) } }),
        );
        mark
    }

    /// Saves an edit and waits for the answer to the dry run, with which references are looked at.
    fn put(&self, file: &str, find: &str, put: &str) -> bool {
        let mark = self.save(file, find, put);
        self.verdict(file, "dry-run", mark)
    }

    fn verdict(&self, file: &str, phase: &str, since: Mark) -> bool {
        self.server.first_verdict(file, phase, since)
    }

    /// Waits until something is said on a line, in these words among others.
    fn wait_for_finding(&self, since: Mark, file: &str, line: &str, says: &str) {
        let uri = self.server.uri(file);
        let lines = self.server.text(file);
        let what = format!("a finding with {says:?} on {line:?} of {file}");
        self.server.client.wait(since, &what, |message| {
            let params = &message["params"];
            if message["method"] != "textDocument/publishDiagnostics" || params["uri"] != uri.as_str() {
                return None;
            }
            let found = params["diagnostics"].as_array()?.iter().any(|diagnostic| {
                let at = diagnostic["range"]["start"]["line"].as_u64().unwrap_or_default();
                let written = lines.lines().nth(usize::try_from(at).unwrap_or_default());
                written.is_some_and(|written| written.trim() == line)
                    && diagnostic["message"]
                        .as_str()
                        .is_some_and(|message| message.contains(says))
            });
            found.then_some(())
        });
    }

    /// Waits until nothing is said about a file any more.
    fn wait_until_clean(&self, file: &str) {
        let uri = self.server.uri(file);
        let newest = self.server.client.mark();
        if self.server.diagnostics(file).diagnostics.is_empty() {
            return;
        }
        self.server
            .client
            .wait_for(newest, "textDocument/publishDiagnostics", |published| {
                published["uri"] == uri.as_str() && published["diagnostics"] == json!([])
            });
    }

    /// The errors in a file: line and what is said.
    fn findings(&self, file: &str) -> Vec<String> {
        let shown = self.server.diagnostics(file);
        let line = |diagnostic: &Value| diagnostic["range"]["start"]["line"].as_u64().expect("a line") + 1;
        let shown = shown.diagnostics.iter();
        shown
            .map(|diagnostic| format!("{}: {}", line(diagnostic), headline(diagnostic)))
            .collect()
    }
}

impl Fleet {
    /// The findings of all files, each with its file.
    fn all_findings(&self) -> Vec<String> {
        let files = repository::files_below(self.server.workspace()).into_iter();
        let files = files.filter(|file| !file.starts_with('.'));
        files
            .flat_map(|file| {
                let findings = self.findings(&file);
                findings.into_iter().map(move |said| format!("{file}:{said}"))
            })
            .collect()
    }
}

#[test]
fn a_save_goes_through_flux() {
    let fleet = Fleet::start("flux-a", "clusters/east");
    let cluster = fleet.server.cluster(&fleet.started);
    // Wrong for the API server: said at once, on the line, and never committed.
    assert!(!fleet.edit("apps/portal.yaml", "containerPort", "containerport"));
    assert_eq!(
        fleet.findings("apps/portal.yaml"),
        ["26: error apply/unknown-field: unknown field \"containerport\"; did you mean \"containerPort\"?"]
    );
    // Mended and changed: Flux applies it.
    assert!(fleet.edit("apps/portal.yaml", "containerport: 8080", "containerPort: 8081"));
    assert_eq!(fleet.findings("apps/portal.yaml"), [""; 0]);
    let live = cluster
        .get("apps/v1", "Deployment", Some("rep-apps"), "portal")
        .expect("it is there");
    let port = &live["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"];
    assert_eq!(*port, 8081);
    assert_eq!(
        live["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"],
        "rep-apps"
    );
    // A variable that nobody supplies is on the text that names it.
    assert!(!fleet.edit("infra/vars.yaml", "log_level", "log_levels"));
    let said = fleet.findings("apps/portal.yaml");
    assert!(
        said.iter().any(|said| said.contains("render/variable-not-set")),
        "{said:?}"
    );
    assert!(fleet.edit("infra/vars.yaml", "log_levels", "log_level"));
    assert_eq!(fleet.findings("apps/portal.yaml"), [""; 0]);
    // What fails in Flux, and is said once: a dependency that is not there.
    assert!(!fleet.edit(
        "clusters/east/tools.yaml",
        "namespace: flux-system",
        "namespace: rep-tools"
    ));
    let said = fleet.findings("clusters/east/tools.yaml");
    assert!(
        said.iter().any(|said| said.contains("model/dependency-not-found")),
        "{said:?}"
    );
    assert!(!said.iter().any(|said| said.contains("flux/")), "{said:?}");
    fleet.server.assert_sound();
}
