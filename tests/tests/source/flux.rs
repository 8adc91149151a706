//! A sandbox with Flux, a work tree, and objects of Flux that are pointed at its source.

use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_model::flux::{Redirection, RefName, SessionEndpoint, credentials, redirect};
use gitops_session::sandbox::{FLUX_NAMESPACE, Sandbox, StateDirectory};
use gitops_session::source::{AccessToken, Changes, Limits, ServerBounds, SourceRepository, SourceServer};
use gitops_tests::sandboxes::{PATIENCE, client, started_with_flux};
use gitops_tests::slots::{self, Slot};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::runtime::wait::await_condition;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The name of the Secret that lets source-controller in.
const SECRET: &str = "session-source";

/// Everything of one test.
pub(crate) struct Session {
    _temporary: TempDir,
    work: Utf8PathBuf,
    pub(crate) source: SourceRepository,
    pub(crate) server: SourceServer,
    token: AccessToken,
    client: Client,
    _sandbox: Sandbox,
    // Fields are dropped in their order: the slot is free when the sandbox is gone.
    _slot: Slot,
}

impl Session {
    /// Starts a sandbox with Flux, and a source of these files.
    pub(crate) async fn start(name: &str, files: &[(&str, &str)]) -> Self {
        let temporary = tempfile::tempdir().expect("a directory");
        let path = Utf8Path::from_path(temporary.path()).expect("UTF-8").to_owned();
        let work = path.join("work");
        for (file, content) in files {
            write(&work, file, content);
        }
        let state = StateDirectory::at(&Utf8Path::new(env!("CARGO_TARGET_TMPDIR")).join("source-state"));
        let slot = tokio::task::block_in_place(slots::take);
        let sandbox = started_with_flux(name, &state).await;
        let client = client(sandbox.kubeconfig()).await;
        let mut source = SourceRepository::open(&work, &path.join("source"), None, Limits::default())
            .await
            .expect("a source");
        source
            .commit(&Changes::Everything, SystemTime::now())
            .await
            .expect("a commit");
        let token = AccessToken::random().expect("a token");
        let server = SourceServer::start(&source, token.clone(), None, ServerBounds::default())
            .await
            .expect("a server");
        let session = Self {
            _temporary: temporary,
            work,
            source,
            server,
            token,
            client,
            _sandbox: sandbox,
            _slot: slot,
        };
        session
            .apply(credentials(FLUX_NAMESPACE, SECRET, session.token.reveal()))
            .await;
        session
    }

    /// Applies an object as it is.
    pub(crate) async fn apply(&self, object: Value) {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (kind, name) = (text("/kind").to_owned(), text("/metadata/name").to_owned());
        let api = self.api(text("/apiVersion"), &kind);
        api.patch(&name, &PatchParams::apply("test").force(), &Patch::Apply(&object))
            .await
            .unwrap_or_else(|error| panic!("{kind} {name}: {error}"));
    }

    fn api(&self, api_version: &str, kind: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let plural = match kind.to_lowercase() {
            kind if kind.ends_with('y') => format!("{}ies", kind.trim_end_matches('y')),
            kind => format!("{kind}s"),
        };
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), &plural);
        Api::namespaced_with(self.client.clone(), FLUX_NAMESPACE, &resource)
    }

    /// Applies a `GitRepository` that the user wrote, and then points it at the source, as a session does.
    pub(crate) async fn git_repository(&mut self, name: &str, spec: Value) -> Redirection {
        let object = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": { "name": name },
            "spec": spec,
        });
        let endpoint = SessionEndpoint {
            url: self.server.url(),
            branch: self.source.branch().clone(),
            secret: SECRET.to_owned(),
        };
        let redirection = redirect(&object, &endpoint);
        self.serve_as(&redirection.served_as);
        self.apply(object).await;
        let api = self.api("source.toolkit.fluxcd.io/v1", "GitRepository");
        api.patch(name, &PatchParams::default(), &Patch::Merge(redirection.patch()))
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        redirection
    }

    fn serve_as(&mut self, name: &RefName) {
        self.source.serve_as(name.clone()).expect("it is served");
    }

    /// Saves a file, commits it, and asks for it to be fetched.
    pub(crate) async fn save(&mut self, file: &str, content: &str, repository: &str) {
        write(&self.work, file, content);
        self.source
            .commit(&Changes::Paths(vec![file.into()]), SystemTime::now())
            .await
            .expect("a commit");
        self.reconcile(repository).await;
    }

    /// Asks for a source to be fetched now.
    pub(crate) async fn reconcile(&self, repository: &str) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.expect("after 1970").as_nanos().to_string();
        let asked = json!({ "metadata": { "annotations": { "reconcile.fluxcd.io/requestedAt": now } } });
        self.api("source.toolkit.fluxcd.io/v1", "GitRepository")
            .patch(repository, &PatchParams::default(), &Patch::Merge(asked))
            .await
            .expect("it is there");
    }

    /// Puts the source back where it was before it was stopped.
    pub(crate) async fn serve_again(&mut self, port: u16) {
        self.server = SourceServer::start(&self.source, self.token.clone(), Some(port), ServerBounds::default())
            .await
            .expect("its old place");
    }

    /// Waits until what an object says is as wanted.
    pub(crate) async fn until(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let is_wanted = |object: Option<&DynamicObject>| object.is_some_and(|object| wanted(&object.data));
        let api = self.api(api_version, kind);
        let waiting = Box::pin(await_condition(api.clone(), name, is_wanted));
        if let Ok(object) = tokio::time::timeout(PATIENCE, waiting).await {
            return object.expect("a watch").expect("it is there").data;
        }
        let last = api.get_opt(name).await.expect("it can be read");
        panic!("{kind} {name} did not become what is wanted: {last:#?}");
    }

    /// Waits until a source is ready with this revision.
    pub(crate) async fn until_fetched(&self, name: &str, revision: &str) {
        self.until("source.toolkit.fluxcd.io/v1", "GitRepository", name, |object| {
            object.pointer("/status/artifact/revision") == Some(&json!(revision)) && ready(object) == Some(("True", ""))
        })
        .await;
    }

    /// Waits until a source could not be fetched, and gives back why.
    pub(crate) async fn until_refused(&self, name: &str) -> String {
        let object = self
            .until("source.toolkit.fluxcd.io/v1", "GitRepository", name, |object| {
                matches!(ready(object), Some(("False", _)))
            })
            .await;
        ready(&object)
            .map(|(_, message)| message.to_owned())
            .unwrap_or_default()
    }

    pub(crate) fn commit(&self) -> &str {
        &self.source.revision().expect("a commit").commit
    }
}

fn write(work: &Utf8Path, file: &str, content: &str) {
    let path = work.join(file);
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("directories");
    std::fs::write(path, content).expect("a file");
}

/// What the condition Ready is, and its message where it is not true.
fn ready(object: &Value) -> Option<(&str, &str)> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready")?;
    match ready["status"].as_str()? {
        "True" => Some(("True", "")),
        status => Some((status, ready["message"].as_str()?)),
    }
}
