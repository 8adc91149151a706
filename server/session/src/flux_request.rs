//! Requests about objects of Flux on a sandbox: that one be reconciled now, and which version of some data is there.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, SystemTime};

use gitops_cluster::Cluster;
use gitops_cluster::kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use gitops_cluster::kube::core::GroupVersionKind;
use serde_json::json;
use tokio::sync::mpsc;

use crate::flux_object::{Id, REQUESTED_AT, RESET_AT};
use crate::live::jitter;

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// After how long an object is looked at again of which something else was seen, or nothing could be read: at first and at
/// most.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How many are under way at once.
const SIDE_BY_SIDE: usize = 8;
/// How many wait for one of these; what is more is not asked, and made up for by the next save.
const WAITING: usize = 4096;
/// How many answers may wait.
const ANSWERS: usize = 1024;

/// What came of a request.
pub(crate) enum Answer {
    /// The reconciliation could not be asked for, or there is nothing to reconcile.
    NotAsked(Id),
    /// What is there: version and generation; `None` for nothing. With how often it was looked at before.
    Found(Id, Option<(String, i64)>, u32),
    /// It could not be found out what is there.
    Unknown(Id, u32),
}

/// What is asked.
enum Request {
    /// With the token, and whether what has failed before is forgotten.
    Reconcile(Id, String, bool),
    /// With how often it was looked at before.
    Read(Id, u32),
}

/// Sends requests, and holds up nobody who wants one. Those about one object are sent one after the other.
pub(crate) struct Requests {
    lanes: Vec<mpsc::Sender<Request>>,
}

impl Requests {
    pub(crate) fn new(cluster: &Cluster) -> (Self, mpsc::Receiver<Answer>) {
        let (answers, received) = mpsc::channel(ANSWERS);
        let lanes = (0..SIDE_BY_SIDE).map(|_| {
            let (lane, requests) = mpsc::channel(WAITING);
            tokio::spawn(send(cluster.clone(), requests, answers.clone()));
            lane
        });
        (Self { lanes: lanes.collect() }, received)
    }

    /// Asks for a reconciliation now. What is noted as the request is returned at once; `None` when too much waits.
    pub(crate) fn ask(&self, id: &Id) -> Option<String> {
        self.reconcile(id, false)
    }

    /// The same of a release, whose failures before that are forgotten.
    pub(crate) fn reset(&self, id: &Id) -> Option<String> {
        self.reconcile(id, true)
    }

    fn reconcile(&self, id: &Id, resets: bool) -> Option<String> {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let token = now.as_nanos().to_string();
        let is_taken = self.give(id, Request::Reconcile(id.clone(), token.clone(), resets));
        is_taken.then_some(token)
    }

    /// Looks at an object. Only its metadata are asked for: what is in it is nobody's business here.
    pub(crate) fn read(&self, id: &Id) -> bool {
        self.give(id, Request::Read(id.clone(), 0))
    }

    /// The same after it was looked at `times` more than once, ever later.
    pub(crate) fn read_again(&self, id: &Id, times: u32) {
        let Some(lane) = self.lane(id).cloned() else { return };
        let id = id.clone();
        let pause = FIRST_PAUSE
            .saturating_mul(2_u32.saturating_pow(times))
            .min(LONGEST_PAUSE);
        tokio::spawn(async move {
            tokio::time::sleep(pause.mul_f64(jitter())).await;
            // A lane that is full or gone leaves it to the next save.
            let _ = lane.try_send(Request::Read(id, times.saturating_add(1)));
        });
    }

    fn give(&self, id: &Id, request: Request) -> bool {
        self.lane(id).is_some_and(|lane| lane.try_send(request).is_ok())
    }

    fn lane(&self, id: &Id) -> Option<&mpsc::Sender<Request>> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % SIDE_BY_SIDE as u64).unwrap_or_default();
        self.lanes.get(lane)
    }
}

async fn send(cluster: Cluster, mut requests: mpsc::Receiver<Request>, answers: mpsc::Sender<Answer>) {
    while let Some(request) = requests.recv().await {
        let answer = match request {
            // A request that is lost is made up for by the next save, and by the interval.
            Request::Reconcile(id, token, resets) => {
                let is_asked = reconcile(&cluster, &id, &token, resets).await;
                (!is_asked).then_some(Answer::NotAsked(id))
            }
            Request::Read(id, times) => Some(match read(&cluster, &id).await {
                Some(found) => Answer::Found(id, found, times),
                None => Answer::Unknown(id, times),
            }),
        };
        if let Some(answer) = answer
            && answers.send(answer).await.is_err()
        {
            return;
        }
    }
}

async fn reconcile(cluster: &Cluster, id: &Id, token: &str, resets: bool) -> bool {
    let mut annotations = json!({ REQUESTED_AT: token });
    if resets && let Some(annotations) = annotations.as_object_mut() {
        annotations.insert(RESET_AT.to_owned(), json!(token));
    }
    let asked = json!({ "metadata": { "annotations": annotations } });
    let Some(api) = api(cluster, id) else { return false };
    let (parameters, patch) = (PatchParams::default(), Patch::Merge(asked));
    let asking = api.patch(&id.2, &parameters, &patch);
    matches!(tokio::time::timeout(REQUEST_LIMIT, asking).await, Ok(Ok(_)))
}

/// What is there; `None` where nobody answers. Of a kind that is not served there is nothing.
async fn read(cluster: &Cluster, id: &Id) -> Option<Option<(String, i64)>> {
    let Some(api) = api(cluster, id) else { return Some(None) };
    let reading = api.get_metadata_opt(&id.2);
    let found = tokio::time::timeout(REQUEST_LIMIT, reading).await.ok()?.ok()?;
    Some(found.map(|found| {
        (
            found.metadata.resource_version.unwrap_or_default(),
            found.metadata.generation.unwrap_or_default(),
        )
    }))
}

fn api(cluster: &Cluster, (kind, namespace, _): &Id) -> Option<Api<DynamicObject>> {
    let kinds = cluster.kinds();
    let is_it = |group: &str| match kind.as_str() {
        "ConfigMap" | "Secret" => group.is_empty(),
        _ => group.contains(".fluxcd.io"),
    };
    let gvk = kinds.all().find(|gvk| gvk.kind == *kind && is_it(&gvk.group))?;
    let served = kinds.get(gvk)?;
    let gvk = GroupVersionKind::gvk(&gvk.group, &gvk.version, &gvk.kind);
    let resource = ApiResource::from_gvk_with_plural(&gvk, &served.plural);
    Some(Api::namespaced_with(cluster.client().clone(), namespace, &resource))
}
