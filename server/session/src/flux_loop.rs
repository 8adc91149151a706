//! What is saved goes to the Flux of a sandbox: the work tree becomes a commit, its source and the Kustomization of the
//! target are on the sandbox, each save asks for them, and what Flux says comes back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use futures::StreamExt as _;
use gitops_cluster::Cluster;
use gitops_cluster::kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use gitops_cluster::kube::core::GroupVersionKind;
use gitops_cluster::kube::runtime::{WatchStreamExt as _, watcher};
use gitops_model::ObjectKey;
use gitops_model::flux::{RefName, SessionEndpoint, credentials, redirect, same_repository};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::flux_condition::{Condition, Readiness, condition};
use crate::source::{AccessToken, Changes, Limits, ServerBounds, SourceRepository, SourceServer};

/// How many saves may wait; they are put together anyway.
const QUEUE: usize = 256;
/// How many events of watches may wait.
const EVENTS: usize = 1024;
/// The namespace that Flux is in.
const NAMESPACE: &str = "flux-system";
/// The Secret with which source-controller fetches what is saved.
const SECRET: &str = "gitops-lsp-source";
/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// The kinds whose conditions are watched: group and kind.
const WATCHED: [(&str, &str); 8] = [
    ("kustomize.toolkit.fluxcd.io", "Kustomization"),
    ("helm.toolkit.fluxcd.io", "HelmRelease"),
    ("source.toolkit.fluxcd.io", "GitRepository"),
    ("source.toolkit.fluxcd.io", "OCIRepository"),
    ("source.toolkit.fluxcd.io", "HelmRepository"),
    ("source.toolkit.fluxcd.io", "HelmChart"),
    ("source.toolkit.fluxcd.io", "Bucket"),
    ("source.extensions.fluxcd.io", "ArtifactGenerator"),
];

/// What is needed to begin.
pub struct FluxStart {
    /// A connection to the sandbox.
    pub cluster: Cluster,
    /// The workspace folder.
    pub root: Utf8PathBuf,
    /// A directory of the session's own, for its repository.
    pub state: Utf8PathBuf,
    /// The entry of the Flux repository, relative to the workspace folder.
    pub target: String,
    /// The `GitRepository` and the `Kustomization` that stand in the entry for itself (`gotk-sync.yaml`), if they do.
    pub sync: Vec<Value>,
    /// URLs of all `GitRepository` objects of the target, by their names, with what `spec` they have.
    pub repositories: Vec<Value>,
}

/// What comes back.
#[derive(Clone, Debug)]
pub enum FluxEvent {
    /// A save is a commit now, and Flux was asked for it.
    Committed {
        /// Number of the save.
        generation: u64,
        /// The revision, such as `main@sha1:…`.
        revision: String,
        /// Whether it is another one than before: otherwise Flux has said what there is to say.
        is_new: bool,
    },
    /// Flux says something about an object.
    Condition(Condition),
    /// The source cannot be served or committed; said to people.
    Trouble(String),
}

/// To whom it comes back.
pub type FluxReport = Arc<dyn Fn(FluxEvent) + Send + Sync>;

/// The loop. It ends, and with it the source, when this is dropped.
pub struct FluxLoop {
    saves: mpsc::Sender<(u64, Vec<Utf8PathBuf>)>,
}

impl FluxLoop {
    /// Starts the loop on the current runtime.
    pub fn start(start: FluxStart, report: FluxReport) -> Self {
        let (saves, received) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            if let Err(reason) = run(start, received, &report).await {
                report(FluxEvent::Trouble(reason));
            }
        });
        Self { saves }
    }

    /// Files were saved. False when more wait than may.
    pub fn save(&self, generation: u64, paths: Vec<Utf8PathBuf>) -> bool {
        self.saves.try_send((generation, paths)).is_ok()
    }
}

async fn run(
    start: FluxStart,
    mut saves: mpsc::Receiver<(u64, Vec<Utf8PathBuf>)>,
    report: &FluxReport,
) -> Result<(), String> {
    let mut repository = SourceRepository::open(&start.root, &start.state, None, Limits::default())
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
    let prefix = repository.prefix().to_string();
    let roots = roots(&start, &prefix, &endpoint);
    for name in &roots.served_as {
        repository.serve_as(name.clone()).map_err(|error| error.to_string())?;
    }
    let committed = repository
        .commit(&Changes::Everything, SystemTime::now())
        .await
        .map_err(|error| error.to_string())?;
    let mut commit = committed.revision.commit.clone();
    for namespace in &roots.namespaces {
        let secret = credentials(namespace, SECRET, token.reveal());
        put(&start.cluster, &secret).await?;
    }
    for object in [&roots.repository, &roots.kustomization] {
        put(&start.cluster, object).await?;
    }
    report(FluxEvent::Committed {
        generation: 0,
        revision: committed.revision.to_string(),
        is_new: true,
    });
    let (sender, mut events) = mpsc::channel(EVENTS);
    for (group, kind) in WATCHED {
        if let Some(api) = api_of(&start.cluster, group, kind) {
            tokio::spawn(watch(api, sender.clone()));
        }
    }
    drop(sender);
    let mut said: BTreeMap<ObjectKey, Condition> = BTreeMap::new();
    let mut seen: BTreeMap<ObjectKey, Value> = BTreeMap::new();
    loop {
        tokio::select! {
            save = saves.recv() => {
                let Some((mut generation, mut paths)) = save else { return Ok(()) };
                while let Ok((newer, more)) = saves.try_recv() {
                    generation = newer;
                    paths.extend(more);
                }
                match repository.commit(&Changes::Paths(paths), SystemTime::now()).await {
                    Ok(committed) => {
                        commit.clone_from(&committed.revision.commit);
                        report(FluxEvent::Committed { generation, revision: committed.revision.to_string(), is_new: committed.is_new });
                        if committed.is_new {
                            ask(&start.cluster, &roots.repository).await;
                        }
                        // What was said of the commit before is not of this one.
                        for object in seen.values() {
                            tell(object, &commit, &mut said, report);
                        }
                    }
                    Err(error) => report(FluxEvent::Trouble(error.to_string())),
                }
            }
            event = events.recv() => match event {
                Some(Seen::There(object)) => {
                    tell(&object, &commit, &mut said, report);
                    seen.insert(ObjectKey::of(&object), *object);
                }
                Some(Seen::Gone(key)) => {
                    seen.remove(&key);
                    said.remove(&key);
                    report(FluxEvent::Condition(Condition { key, readiness: Readiness::Gone, current: true, revision: String::new(), suspension: None }));
                }
                None => return Err("the sandbox is no longer watched".to_owned()),
            }
        }
    }
}

/// The objects that a session puts on the sandbox itself.
struct Roots {
    repository: Value,
    kustomization: Value,
    served_as: Vec<RefName>,
    namespaces: Vec<String>,
}

/// The source and the Kustomization of the target: those that stand in the entry, else such as Flux's bootstrap makes.
fn roots(start: &FluxStart, prefix: &str, endpoint: &SessionEndpoint) -> Roots {
    let path = Utf8Path::new(prefix).join(&start.target);
    let is_kind = |kind: &'static str| move |object: &&Value| object.get("kind").and_then(Value::as_str) == Some(kind);
    let written = start.sync.iter().find(is_kind("GitRepository")).cloned();
    let written_kustomization = start.sync.iter().find(is_kind("Kustomization")).cloned();
    let mut repository = written.unwrap_or_else(|| {
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": { "name": NAMESPACE, "namespace": NAMESPACE },
            "spec": { "interval": "1h", "ref": { "branch": endpoint.branch.short() } },
        })
    });
    let mut kustomization = written_kustomization.unwrap_or_else(|| {
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": { "name": NAMESPACE, "namespace": NAMESPACE },
            "spec": {
                "interval": "1h",
                "retryInterval": "30s",
                "path": format!("./{path}"),
                "prune": true,
                "sourceRef": { "kind": "GitRepository", "name": repository.pointer("/metadata/name") },
            },
        })
    });
    let redirection = redirect(&repository, endpoint);
    let url = repository
        .pointer("/spec/url")
        .and_then(Value::as_str)
        .map(str::to_owned);
    merge(&mut repository, &redirection.patch());
    let mut served_as = vec![redirection.served_as.clone()];
    let mut namespaces = vec![namespace_of(&repository)];
    let mut patches = vec![
        // A sandbox has its own Flux: that of the repository would be put over it.
        json!({
            "target": { "labelSelector": "app.kubernetes.io/part-of=flux" },
            "patch": "$patch: delete\napiVersion: v1\nkind: Any\nmetadata:\n  name: any\n",
        }),
    ];
    // The session has put these there itself.
    for object in [&repository, &kustomization] {
        patches.push(patch_for(object, "$patch: delete\n"));
    }
    for other in &start.repositories {
        let other_url = other.pointer("/spec/url").and_then(Value::as_str).unwrap_or_default();
        if name_of(other) == name_of(&repository) || !url.as_deref().is_some_and(|url| same_repository(url, other_url))
        {
            continue;
        }
        let redirection = redirect(other, endpoint);
        served_as.push(redirection.served_as.clone());
        namespaces.push(namespace_of(other));
        // JSON is YAML.
        let spec = Value::Object(redirection.spec.clone());
        patches.push(patch_for(other, &format!("spec: {spec}\n")));
    }
    namespaces.sort();
    namespaces.dedup();
    if let Some(spec) = kustomization.pointer_mut("/spec").and_then(Value::as_object_mut) {
        let list = spec.entry("patches").or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.extend(patches);
        }
    }
    Roots {
        repository,
        kustomization,
        served_as,
        namespaces,
    }
}

/// A patch of a Kustomization for one object, with a body of lines in YAML.
fn patch_for(object: &Value, body: &str) -> Value {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (kind, name) = (text("/kind"), text("/metadata/name"));
    let group = text("/apiVersion").split_once('/').map_or("", |(group, _)| group);
    json!({
        "target": { "group": group, "kind": kind, "name": name },
        "patch": format!("{body}apiVersion: {}\nkind: {kind}\nmetadata:\n  name: {name}\n", text("/apiVersion")),
    })
}

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let (Value::Object(target), Value::Object(patch)) = (&mut *target, patch) else {
        *target = patch.clone();
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key).or_insert(Value::Null), value);
        }
    }
}

fn namespace_of(object: &Value) -> String {
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
    namespace.unwrap_or(NAMESPACE).to_owned()
}

fn name_of(object: &Value) -> (String, String) {
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    (namespace_of(object), name.unwrap_or_default().to_owned())
}

/// Puts an object on the sandbox, whoever else manages it.
async fn put(cluster: &Cluster, object: &Value) -> Result<(), String> {
    let key = ObjectKey::of(object);
    let gvk = GroupVersionKind::gvk(&key.gvk.group, &key.gvk.version, &key.gvk.kind);
    let kinds = cluster.kinds();
    let served = kinds
        .get(&key.gvk)
        .ok_or_else(|| format!("{} is not served by the sandbox", key.gvk))?;
    let resource = ApiResource::from_gvk_with_plural(&gvk, &served.plural);
    let namespace = namespace_of(object);
    let api: Api<DynamicObject> = Api::namespaced_with(cluster.client().clone(), &namespace, &resource);
    let parameters = PatchParams::apply(cluster.field_manager()).force();
    let patch = Patch::Apply(object);
    let applying = api.patch(&key.name, &parameters, &patch);
    match tokio::time::timeout(REQUEST_LIMIT, applying).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("{key} cannot be put on the sandbox: {error}")),
        Err(_) => Err(format!("{key} cannot be put on the sandbox: no answer")),
    }
}

/// Asks for a source to be fetched now; what is built from it follows by itself.
async fn ask(cluster: &Cluster, repository: &Value) {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let asked =
        json!({ "metadata": { "annotations": { "reconcile.fluxcd.io/requestedAt": now.as_nanos().to_string() } } });
    let key = ObjectKey::of(repository);
    let Some(api) = api_of(cluster, &key.gvk.group, &key.gvk.kind) else {
        return;
    };
    let namespaced = Api::<DynamicObject>::namespaced_with(cluster.client().clone(), &namespace_of(repository), &api.1);
    let (parameters, patch) = (PatchParams::default(), Patch::Merge(asked));
    let asking = namespaced.patch(&key.name, &parameters, &patch);
    // A request that is lost is made up for by the next save, and by the interval.
    let _ = tokio::time::timeout(REQUEST_LIMIT, asking).await;
}

/// The API of a kind in the version that the sandbox serves, in all namespaces.
fn api_of(cluster: &Cluster, group: &str, kind: &str) -> Option<(Api<DynamicObject>, ApiResource)> {
    let kinds = cluster.kinds();
    let gvk = kinds.all().find(|gvk| gvk.group == group && gvk.kind == kind)?;
    let served = kinds.get(gvk)?;
    let gvk = GroupVersionKind::gvk(&gvk.group, &gvk.version, &gvk.kind);
    let resource = ApiResource::from_gvk_with_plural(&gvk, &served.plural);
    Some((Api::all_with(cluster.client().clone(), &resource), resource))
}

enum Seen {
    There(Box<Value>),
    Gone(ObjectKey),
}

async fn watch((api, resource): (Api<DynamicObject>, ApiResource), sender: mpsc::Sender<Seen>) {
    let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
    while let Some(event) = events.next().await {
        let seen = match event {
            Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                whole(&object, &resource).map(|object| Seen::There(Box::new(object)))
            }
            Ok(watcher::Event::Delete(object)) => {
                whole(&object, &resource).map(|object| Seen::Gone(ObjectKey::of(&object)))
            }
            Ok(watcher::Event::Init | watcher::Event::InitDone) => None,
            Err(error) => {
                tracing::debug!("a watch of {} is taken up again: {error}", resource.plural);
                None
            }
        };
        if let Some(seen) = seen
            && sender.send(seen).await.is_err()
        {
            return;
        }
    }
}

/// The object with its kind, which items of a list leave out.
fn whole(object: &DynamicObject, resource: &ApiResource) -> Option<Value> {
    let mut object = serde_json::to_value(object).ok()?;
    let entries = object.as_object_mut()?;
    entries.insert("apiVersion".to_owned(), json!(resource.api_version));
    entries.insert("kind".to_owned(), json!(resource.kind));
    Some(object)
}

/// Reports what an object says, unless it has said so.
fn tell(object: &Value, commit: &str, said: &mut BTreeMap<ObjectKey, Condition>, report: &FluxReport) {
    let condition = condition(object, commit);
    if said.get(&condition.key) != Some(&condition) {
        said.insert(condition.key.clone(), condition.clone());
        report(FluxEvent::Condition(condition));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::merge;

    #[test]
    fn a_merge_takes_away_what_is_null() {
        let mut object = json!({ "spec": { "url": "a", "secretRef": { "name": "x" } } });
        merge(
            &mut object,
            &json!({ "spec": { "url": "b", "secretRef": null, "ref": { "branch": "main" } } }),
        );
        assert_eq!(object, json!({ "spec": { "url": "b", "ref": { "branch": "main" } } }));
    }
}
