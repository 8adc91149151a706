//! What of a session is on its sandbox for Flux to read: the source with its credentials, and the Kustomization of the target.

use std::time::Duration;

use gitops_cluster::Cluster;
use gitops_cluster::kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use gitops_cluster::kube::core::GroupVersionKind;
use gitops_model::ObjectKey;
use gitops_model::flux::{SessionEndpoint, credentials};
use serde_json::{Value, json};

use crate::flux_loop::{FluxStart, ask};
use crate::flux_roots::{BroughtRepository, Entry, Roots, namespace_of, roots};
use crate::source::{AccessToken, Limits, ServerBounds, SourceRepository, SourceServer};

/// The Secret with which source-controller fetches what is saved.
const SECRET: &str = "gitops-lsp-source";
/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// The source of a session, and what of it is on the sandbox.
pub(crate) struct Served {
    pub(crate) cluster: Cluster,
    pub(crate) repository: SourceRepository,
    /// Serves while it is held; `None` after it was cut off, until it is started again.
    server: Option<SourceServer>,
    /// Where it listens, and listens again.
    port: u16,
    token: AccessToken,
    endpoint: SessionEndpoint,
    entry: Entry,
    /// What is on the sandbox; `None` until the repositories of the workspace are known.
    roots: Option<Roots>,
    /// The other repositories of the workspace that are pointed at the session.
    others: Vec<Value>,
}

impl Served {
    /// Opens the repository and serves it. Nothing is on the sandbox yet.
    pub(crate) async fn open(start: FluxStart) -> Result<Self, String> {
        let repository = SourceRepository::open(&start.root, &start.state, None, Limits::default())
            .await
            .map_err(|error| error.to_string())?;
        let token = AccessToken::random().map_err(|error| error.to_string())?;
        let server = SourceServer::start(&repository, token.clone(), None, ServerBounds::default())
            .await
            .map_err(|error| error.to_string())?;
        let endpoint = SessionEndpoint {
            url: server.url(),
            branch: repository.branch().clone(),
            secret: SECRET.to_owned(),
        };
        let entry = Entry {
            path: repository.prefix().join(&start.target).to_string(),
            sync: start.sync,
        };
        Ok(Self {
            cluster: start.cluster,
            repository,
            port: server.port(),
            server: Some(server),
            token,
            endpoint,
            entry,
            roots: None,
            others: Vec::new(),
        })
    }

    /// Puts the source and the Kustomization of the target on the sandbox, where they are other than before.
    pub(crate) async fn point(&mut self, brought: &[BroughtRepository]) -> Result<(), String> {
        let roots = roots(&self.entry, brought, &self.endpoint);
        self.others = brought
            .iter()
            .map(|brought| brought.repository.object.clone())
            .collect();
        if self.roots.as_ref() == Some(&roots) {
            return Ok(());
        }
        for name in &roots.served_as {
            self.repository
                .serve_as(name.clone())
                .map_err(|error| error.to_string())?;
        }
        let is_first = self.roots.is_none();
        if is_first {
            // The namespace of Flux itself comes with its bootstrap, which is the sandbox's own.
            let namespace = namespace_of(&roots.repository);
            put(
                &self.cluster,
                &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } }),
            )
            .await?;
        }
        let before = self.roots.replace(roots.clone());
        let known = before.as_ref().map(|before| &*before.namespaces).unwrap_or_default();
        for namespace in roots.namespaces.iter().filter(|namespace| !known.contains(namespace)) {
            self.let_in(namespace).await;
        }
        let put = self.put(&roots, is_first).await;
        if put.is_err() {
            // So that it is tried again.
            self.roots = before;
        }
        put
    }

    async fn put(&self, roots: &Roots, is_first: bool) -> Result<(), String> {
        if is_first {
            put(&self.cluster, &roots.repository).await?;
        }
        put(&self.cluster, &roots.kustomization).await
    }

    /// Puts the credentials into a namespace in which a source needs them. A namespace that is still to come is let in when
    /// it is there.
    pub(crate) async fn let_in(&self, namespace: &str) {
        let is_wanted = self
            .roots
            .as_ref()
            .is_some_and(|roots| roots.namespaces.iter().any(|wanted| wanted == namespace));
        if is_wanted {
            let secret = credentials(namespace, SECRET, self.token.reveal());
            if let Err(message) = put(&self.cluster, &secret).await {
                tracing::debug!("{message}");
            }
            // One that was there before its credentials would wait for its next turn.
            for repository in self.others.iter().filter(|other| namespace_of(other) == namespace) {
                ask(&self.cluster, repository).await;
            }
        }
    }

    /// Waits until the source is cut off. Can be dropped while it waits.
    pub(crate) async fn cut_off(&mut self) -> String {
        match &mut self.server {
            Some(server) => {
                let error = server.ended().await;
                self.server = None;
                error.to_string()
            }
            None => std::future::pending().await,
        }
    }

    /// Whether the source is served.
    pub(crate) fn is_served(&self) -> bool {
        self.server.is_some()
    }

    /// Serves the source again where it was served before, and asks for what could not be fetched meanwhile.
    pub(crate) async fn serve_again(&mut self) -> Result<(), String> {
        let bounds = ServerBounds::default();
        let server = SourceServer::start(&self.repository, self.token.clone(), Some(self.port), bounds)
            .await
            .map_err(|error| error.to_string())?;
        self.server = Some(server);
        let own = self.roots.as_ref().map(|roots| &roots.repository);
        for repository in own.into_iter().chain(&self.others) {
            ask(&self.cluster, repository).await;
        }
        Ok(())
    }

    /// Where the session's source is served.
    pub(crate) fn url(&self) -> String {
        self.endpoint.url.clone()
    }
}

/// Puts an object on the sandbox, whoever else manages it.
async fn put(cluster: &Cluster, object: &Value) -> Result<(), String> {
    let key = ObjectKey::of(object);
    let kinds = cluster.kinds();
    // What an older bootstrap has written is of a version that may not be served any more; its fields kept their names.
    let is_same_kind = |gvk: &&gitops_model::Gvk| gvk.group == key.gvk.group && gvk.kind == key.gvk.kind;
    let (version, served) = [Some(&key.gvk), kinds.all().find(is_same_kind)]
        .into_iter()
        .flatten()
        .find_map(|gvk| Some((gvk, kinds.get(gvk)?)))
        .ok_or_else(|| format!("{} is not served by the sandbox", key.gvk))?;
    let gvk = GroupVersionKind::gvk(&version.group, &version.version, &version.kind);
    let resource = ApiResource::from_gvk_with_plural(&gvk, &served.plural);
    let api: Api<DynamicObject> = if served.namespaced {
        Api::namespaced_with(cluster.client().clone(), &namespace_of(object), &resource)
    } else {
        Api::all_with(cluster.client().clone(), &resource)
    };
    let mut object = object.clone();
    if let Some(entries) = object.as_object_mut() {
        entries.insert("apiVersion".to_owned(), json!(resource.api_version));
    }
    let parameters = PatchParams::apply(cluster.field_manager()).force();
    let patch = Patch::Apply(&object);
    let applying = api.patch(&key.name, &parameters, &patch);
    match tokio::time::timeout(REQUEST_LIMIT, applying).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("{key} cannot be put on the sandbox: {error}")),
        Err(_) => Err(format!("{key} cannot be put on the sandbox: no answer")),
    }
}
