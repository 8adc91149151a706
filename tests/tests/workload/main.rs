//! What becomes of what was applied, in the real control plane: each fault stands on the line that is to blame, and goes
//! when it is mended. All tests share one session, each with a namespace of its own.

mod creating;
mod foreseen;
mod images;
mod playing;
mod scheduling;

use std::fmt::Write as _;

use gitops_tests::kubernetes::Cluster;
use gitops_tests::server::{Phase, Published, TestServer};
use gitops_tests::shared::{self, file};
use gitops_tests::show::headline;
use serde_json::json;

/// The namespace of the running test, in which pods can be created.
fn namespace() -> (String, Cluster) {
    namespace_with(&json!({}))
}

/// [`namespace`] with labels.
fn namespace_with(labels: &serde_json::Value) -> (String, Cluster) {
    let cluster = shared::session().cluster();
    let name = shared::directory().replace("--", "-").replace('_', "-");
    let name = name.chars().take(60).collect::<String>().trim_matches('-').to_owned();
    cluster.apply(
        "tests",
        &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } }),
    );
    cluster.wait_until("v1", "ServiceAccount", Some(&name), "default", |_| true);
    (name, cluster)
}

/// A file of the running test that is saved again and again.
struct Saved {
    name: String,
}

impl Saved {
    fn new(name: &str) -> Self {
        Self { name: file(name) }
    }

    fn server() -> &'static TestServer {
        &shared::session().server
    }

    /// Saves a text, and waits until its workloads run or it is known why not; whether they run.
    fn save(&self, text: &str) -> bool {
        let server = Self::server();
        if server.is_open(&self.name) {
            server.retype(&self.name, text);
        } else {
            server.open_with(&self.name, text);
        }
        let before = server.generation(&self.name);
        let mark = server.save(&self.name);
        server.wait_for_verdict(&self.name, Phase::Runtime, mark, before + 1).ok
    }

    /// What is said about it: the line, what is marked in it, and what is said of that.
    fn findings(&self) -> String {
        let server = Self::server();
        shown(&server.text(&self.name), &server.diagnostics(&self.name))
    }

    /// Waits until exactly this is said.
    fn wait_for(&self, since: gitops_tests::message_log::Mark, wanted: &str) {
        let server = Self::server();
        let text = server.text(&self.name);
        server.wait_for_diagnostics(&self.name, since, |published| shown(&text, published) == wanted);
    }

    /// What its lenses say.
    fn lenses(&self) -> Vec<String> {
        let lenses = Self::server().lenses(&self.name).into_iter();
        lenses.map(|(_, title)| gitops_tests::show::ageless(&title)).collect()
    }
}

fn shown(text: &str, published: &Published) -> String {
    let mut all = String::new();
    for diagnostic in &published.diagnostics {
        let number = |at: &str, key: &str| {
            usize::try_from(diagnostic["range"][at][key].as_u64().expect("a number")).expect("a small one")
        };
        let written = text.lines().nth(number("start", "line")).unwrap_or_default();
        let marked = written.get(number("start", "character")..number("end", "character"));
        let _ = writeln!(all, "`{}` {}", marked.unwrap_or(written), headline(diagnostic));
    }
    all
}

/// A Deployment of one container named `web`, with lines of its container and of its pod.
fn deployment(namespace: &str, container: &str, pod: &str) -> String {
    deployment_with(namespace, container, pod, "")
}

/// [`deployment`] with lines of the template's metadata.
fn deployment_with(namespace: &str, container: &str, pod: &str, metadata: &str) -> String {
    let indented =
        |text: &str, by: usize| -> String { text.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect() };
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: {namespace}\nspec:\n  selector:\n    matchLabels: {{ app: web }}\n  template:\n    metadata:\n      labels: {{ app: web }}\n{}    spec:\n{}      containers:\n        - name: web\n          image: registry.example.org/web:1.0.0\n{}",
        indented(metadata, 6),
        indented(pod, 6),
        indented(container, 10),
    )
}
