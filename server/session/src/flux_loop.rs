//! What is saved goes to the Flux of a sandbox: the work tree becomes a commit, its source and the Kustomization of the
//! target are on the sandbox, each save asks for them, and what Flux says comes back.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use camino::Utf8PathBuf;
use futures::StreamExt as _;
use gitops_cluster::Cluster;
use gitops_cluster::kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use gitops_cluster::kube::core::GroupVersionKind;
use gitops_cluster::kube::runtime::{WatchStreamExt as _, watcher};
use gitops_model::ObjectKey;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::flux_condition::Condition;
use crate::flux_follow::{Followed, Wishes, users_of};
use crate::flux_object::is_data;
use crate::flux_request::{Answer, Requests};
use crate::flux_roots::{BroughtRepository, namespace_of};
use crate::flux_served::Served;
use crate::flux_troubles::Troubles;
use crate::flux_view::FluxView;
use crate::source::Changes;

/// How many saves may wait; they are put together anyway.
const QUEUE: usize = 256;
/// How many events of watches may wait.
const EVENTS: usize = 1024;
/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// The kinds whose conditions are watched: group and kind.
pub(crate) const WATCHED: [(&str, &str); 9] = [
    ("kustomize.toolkit.fluxcd.io", "Kustomization"),
    ("helm.toolkit.fluxcd.io", "HelmRelease"),
    ("source.toolkit.fluxcd.io", "GitRepository"),
    ("source.toolkit.fluxcd.io", "OCIRepository"),
    ("source.toolkit.fluxcd.io", "HelmRepository"),
    ("source.toolkit.fluxcd.io", "HelmChart"),
    ("source.toolkit.fluxcd.io", "Bucket"),
    ("source.toolkit.fluxcd.io", "ExternalArtifact"),
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
    Condition(Box<Condition>),
    /// The source cannot be served or committed; said to people.
    Trouble(String),
    /// It can again.
    Recovered,
}

/// To whom it comes back.
pub type FluxReport = Arc<dyn Fn(FluxEvent) + Send + Sync>;

/// The loop. It ends, and with it the source, when this is dropped.
pub struct FluxLoop {
    orders: mpsc::Sender<Order>,
}

/// What the loop is told.
enum Order {
    /// Files were saved.
    Save(u64, Vec<Utf8PathBuf>),
    /// These are the repositories of this workspace now.
    Repositories(Vec<BroughtRepository>),
}

impl FluxLoop {
    /// Starts the loop on the current runtime.
    pub fn start(start: FluxStart, report: FluxReport) -> Self {
        let (orders, received) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            if let Err(reason) = run(start, received, &report).await {
                report(FluxEvent::Trouble(reason));
            }
        });
        Self { orders }
    }

    /// Files were saved. False when more wait than may.
    pub fn save(&self, generation: u64, paths: Vec<Utf8PathBuf>) -> bool {
        self.orders.try_send(Order::Save(generation, paths)).is_ok()
    }

    /// Says which `GitRepository` objects are this workspace. Nothing is put on the sandbox before this was said for the first
    /// time, so that none of them is ever fetched from where it says. False when more orders wait than may.
    pub fn repositories(&self, brought: Vec<BroughtRepository>) -> bool {
        self.orders.try_send(Order::Repositories(brought)).is_ok()
    }
}

async fn run(start: FluxStart, mut orders: mpsc::Receiver<Order>, report: &FluxReport) -> Result<(), String> {
    let mut served = Served::open(start).await?;
    let committed = served
        .repository
        .commit(&Changes::Everything, SystemTime::now())
        .await
        .map_err(|error| error.to_string())?;
    let commit = committed.revision.commit.clone();
    let mut waiting = Vec::new();
    let mut newest = 0;
    // What comes before the repositories are known is committed with what follows.
    let brought = loop {
        match orders.recv().await {
            Some(Order::Repositories(brought)) => break brought,
            Some(Order::Save(generation, paths)) => {
                newest = generation;
                waiting.extend(paths);
            }
            None => return Ok(()),
        }
    };
    served.point(&brought).await?;
    report(FluxEvent::Committed {
        generation: 0,
        revision: committed.revision.to_string(),
        is_new: true,
    });
    let (sender, mut events) = mpsc::channel(EVENTS);
    for (group, kind) in WATCHED.into_iter().chain([("", "Namespace")]) {
        if let Some(api) = api_of(&served.cluster, group, kind) {
            tokio::spawn(watch(api, sender.clone()));
        }
    }
    drop(sender);
    let (requests, mut answers) = Requests::new(&served.cluster);
    let mut view = FluxView::new(served.url(), commit);
    let mut followed = Followed::default();
    let mut troubles = Troubles::default();
    let mut to_point: Option<Vec<BroughtRepository>> = None;
    // Whether all that was saved is committed; what a commit that failed did not come to do, the next one does.
    let mut is_committed = true;
    let mut is_due = true;
    let (mut seen, mut heard) = (Vec::new(), Vec::new());
    loop {
        if is_due {
            troubles.begin();
        }
        if is_due
            && !served.is_served()
            && let Err(message) = served.serve_again().await
        {
            troubles.say(message, report);
        }
        if is_due
            && let Some(brought) = to_point.take()
            && let Err(message) = served.point(&brought).await
        {
            to_point = Some(brought);
            troubles.say(message, report);
        }
        if is_due && !(waiting.is_empty() && is_committed) {
            let changes = Changes::Paths(std::mem::take(&mut waiting));
            let committed = served.repository.commit(&changes, SystemTime::now()).await;
            is_committed = committed.is_ok();
            match committed {
                Ok(committed) => {
                    if committed.is_new {
                        view.committed(&committed.revision.commit);
                        let wishes = followed.restart(&view);
                        fulfil(wishes, &mut view, &requests);
                        // First of all: what was said of the commit before is not of this one.
                        tell(&mut view, report);
                    }
                    report(FluxEvent::Committed {
                        generation: newest,
                        revision: committed.revision.to_string(),
                        is_new: committed.is_new,
                    });
                }
                Err(error) => troubles.say(error.to_string(), report),
            }
        }
        if is_committed && to_point.is_none() && served.is_served() {
            troubles.are_over(report);
        }
        is_due = false;
        tokio::select! {
            () = troubles.pause() => is_due = true,
            message = served.cut_off() => troubles.say(message, report),
            order = orders.recv() => {
                is_due = true;
                let mut next = order;
                if next.is_none() {
                    return Ok(());
                }
                while let Some(order) = next {
                    match order {
                        Order::Save(generation, paths) => {
                            newest = generation;
                            waiting.extend(paths);
                        }
                        Order::Repositories(newer) => to_point = Some(newer),
                    }
                    next = orders.try_recv().ok();
                }
            }
            // What came together is looked at together.
            count = events.recv_many(&mut seen, EVENTS) => {
                if count == 0 {
                    return Err("the sandbox is no longer watched".to_owned());
                }
                for event in seen.drain(..) {
                    if let Some(namespace) = take(event, &mut view, report) {
                        served.let_in(&namespace).await;
                    }
                }
            }
            _ = answers.recv_many(&mut heard, EVENTS) => {
                for answer in heard.drain(..) {
                    hear(answer, &mut view, &mut followed, &requests);
                }
            }
        }
        let wishes = followed.wishes(&view);
        fulfil(wishes, &mut view, &requests);
        tell(&mut view, report);
    }
}

/// Takes the answer to a request.
fn hear(answer: Answer, view: &mut FluxView, followed: &mut Followed, requests: &Requests) {
    match answer {
        Answer::NotAsked(id) => view.not_asked(&id),
        Answer::Found(id, found, _) if is_data(&id.0) => {
            if view.data_is(&id, found.map(|(version, _)| version)) {
                followed.ask_when_idle(users_of(view, &id));
            }
        }
        Answer::Found(id, found, times) => {
            if !view.generation_is(&id, found.map(|(_, generation)| generation)) {
                requests.read_again(&id, times);
            }
        }
        Answer::Unknown(id, times) => {
            if view.is_looked_for(&id) {
                requests.read_again(&id, times);
            }
        }
    }
}

/// Reports what is said otherwise than before.
fn tell(view: &mut FluxView, report: &FluxReport) {
    for condition in view.news() {
        report(FluxEvent::Condition(Box::new(condition)));
    }
}

/// Takes what was seen. A namespace that is there is returned: its sources need the credentials.
fn take(seen: Seen, view: &mut FluxView, report: &FluxReport) -> Option<String> {
    match seen {
        Seen::There(object) if object.get("kind").and_then(Value::as_str) == Some("Namespace") => {
            let name = object.pointer("/metadata/name").and_then(Value::as_str);
            return name.map(str::to_owned);
        }
        Seen::There(object) => view.see(*object),
        Seen::Gone(key) if key.gvk.kind == "Namespace" => {}
        Seen::Gone(key) => report(FluxEvent::Condition(Box::new(view.gone(&key)))),
    }
    None
}

/// Sends the requests that are wished for.
fn fulfil(wishes: Wishes, view: &mut FluxView, requests: &Requests) {
    for id in wishes.ask {
        if let Some(token) = requests.ask(&id) {
            view.asking(&id, &token);
        }
    }
    for id in wishes.reset {
        if let Some(token) = requests.reset(&id) {
            view.asking(&id, &token);
        }
    }
    for (id, owner) in wishes.read {
        view.look_at(&id, &owner);
        if !requests.read(&id) {
            view.not_read(&id);
        }
    }
}

/// Asks for a source to be fetched now; what is built from it follows by itself.
pub(crate) async fn ask(cluster: &Cluster, repository: &Value) {
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
