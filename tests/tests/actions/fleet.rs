//! A Flux repository of the corpora in a session, and what an editor does with the objects in it.

use camino::{Utf8Path, Utf8PathBuf};
use gitops_tests::client::Refused;
use gitops_tests::kubernetes::Cluster;
use gitops_tests::server::{Builder, TestServer, full_client};
use serde_json::{Value, json};

/// The API version of Flux's Kustomizations.
pub(crate) const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io/v1";
/// The namespace of the corpus's Flux.
pub(crate) const FLUX: Option<&str> = Some("flux-system");

/// A repository in a session.
pub(crate) struct Fleet {
    /// The server.
    pub(crate) server: TestServer,
    /// Its sandbox.
    pub(crate) cluster: Cluster,
}

/// A client that shows documents, and asks for the text of those that are on no disk.
pub(crate) fn showing_client() -> Value {
    let mut client = full_client();
    client["window"]["showDocument"] = json!({ "support": true });
    client["workspace"]["textDocumentContent"] = json!({ "dynamicRegistration": false });
    client["textDocument"]["hover"] = json!({ "contentFormat": ["markdown", "plaintext"] });
    client
}

impl Fleet {
    /// Starts a session on `clusters/east` of the corpus `flux-a`, and waits until Flux has applied all of it.
    pub(crate) fn start() -> Self {
        Self::start_with(TestServer::builder().client(showing_client()), |_| {})
    }

    /// The same with files of the test's own, and something to be done before the session starts.
    pub(crate) fn start_with(builder: Builder, before: impl FnOnce(&TestServer)) -> Self {
        Self::start_on(builder, "clusters/east", before)
    }

    /// The same on another target.
    pub(crate) fn start_on(builder: Builder, target: &str, before: impl FnOnce(&TestServer)) -> Self {
        let fleet = Self::start_corpus(builder, "flux-a", target, before);
        fleet.wait_until_ready("rep-apps");
        fleet
    }

    /// Any corpus, without waiting for anything of it.
    pub(crate) fn start_corpus(builder: Builder, corpus: &str, target: &str, before: impl FnOnce(&TestServer)) -> Self {
        let server = builder.build();
        copy_corpus(&server, corpus);
        before(&server);
        let started = server.start_session(json!({ "target": target }));
        let cluster = server.cluster(&started);
        Self { server, cluster }
    }

    /// Ends the server, where others work in the same state directory.
    pub(crate) fn end_before_others(self) {
        self.server
            .client
            .request("shutdown", Value::Null)
            .expect("it is answered");
        self.server.client.notify("exit", Value::Null);
        self.server.wait_until_process_ended();
    }

    /// Waits until Flux has applied a Kustomization.
    pub(crate) fn wait_until_ready(&self, name: &str) {
        self.cluster
            .wait_until(KUSTOMIZE, "Kustomization", FLUX, name, is_ready);
    }

    /// The live Kustomization.
    pub(crate) fn kustomization(&self, name: &str) -> Value {
        let live = self.cluster.get(KUSTOMIZE, "Kustomization", FLUX, name);
        live.expect("the Kustomization is there")
    }

    /// Opens a file, and returns the argument for the place where `text` stands in it.
    pub(crate) fn at(&self, file: &str, text: &str) -> Value {
        if !self.server.is_open(file) {
            self.server.open(file);
        }
        let content = self.server.text(file);
        let offset = content.find(text).expect("the text is in the file");
        let line = content[..offset].matches('\n').count();
        json!({ "uri": self.server.uri(file), "position": { "line": line, "character": 0 } })
    }

    /// Runs a command that works.
    pub(crate) fn run(&self, command: &str, argument: Value) -> Value {
        self.try_run(command, argument)
            .unwrap_or_else(|refused| panic!("{command}: {}", refused.message))
    }

    /// Runs a command.
    pub(crate) fn try_run(&self, command: &str, argument: Value) -> Result<Value, Refused> {
        self.server.client.command(command, argument)
    }

    /// The text that a command answers.
    pub(crate) fn text(&self, command: &str, argument: Value) -> String {
        let answer = self.run(command, argument);
        answer["text"].as_str().expect("a text").to_owned()
    }

    /// What a hover tells at the place of an argument; empty where it tells nothing.
    pub(crate) fn hover(&self, at: &Value) -> String {
        let params = json!({ "textDocument": { "uri": at["uri"] }, "position": at["position"] });
        let hover = self.server.client.request("textDocument/hover", params);
        let hover = hover.expect("a hover is answered");
        hover["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a lens of a file has a title for which `wanted` holds.
    pub(crate) fn wait_for_lens(&self, file: &str, wanted: impl Fn(&str) -> bool) {
        loop {
            let mark = self.server.client.mark();
            let lenses = self.server.lenses(file);
            if lenses.iter().any(|(_, title)| wanted(title)) {
                return;
            }
            let told = self
                .server
                .client
                .wait_for(mark, "workspace/codeLens/refresh", |_| true);
            drop(told);
        }
    }
}

/// The argument that names an object.
pub(crate) fn object(api_version: &str, kind: &str, namespace: &str, name: &str) -> Value {
    json!({ "object": { "apiVersion": api_version, "kind": kind, "namespace": namespace, "name": name } })
}

/// Whether a live object is ready.
pub(crate) fn is_ready(live: &Value) -> bool {
    let conditions = live["status"]["conditions"].as_array().map(Vec::as_slice);
    let mut conditions = conditions.unwrap_or_default().iter();
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

fn copy_corpus(server: &TestServer, corpus: &str) {
    let directory = Utf8Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpora/reports")
        .join(corpus);
    let mut waiting: Vec<Utf8PathBuf> = vec![directory.clone()];
    while let Some(current) = waiting.pop() {
        for entry in current.read_dir_utf8().expect("the corpus can be read") {
            let path = entry.expect("an entry").into_path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let file = path.strip_prefix(&directory).expect("below it").to_string();
            server.write(&file, std::fs::read(&path).expect("a file"));
        }
    }
}
