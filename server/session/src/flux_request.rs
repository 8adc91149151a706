//! Requests about objects of Flux on a sandbox: that one be reconciled now, and which version of some data is there.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gitops_cluster::Cluster;
use gitops_cluster::kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use gitops_cluster::kube::core::GroupVersionKind;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};

use crate::flux_view::{Id, REQUESTED_AT};

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// How many are under way at once.
const SIDE_BY_SIDE: usize = 8;
/// How many answers may wait.
const ANSWERS: usize = 1024;

/// What came of a request.
pub(crate) enum Answer {
    /// The reconciliation could not be asked for, or there is nothing to reconcile.
    NotAsked(Id),
    /// The version of data that is there, `None` for none.
    Data(Id, Option<String>),
}

/// Sends requests; each is a task of its own, and none holds up who wants it.
pub(crate) struct Requests {
    cluster: Cluster,
    permits: Arc<Semaphore>,
    answers: mpsc::Sender<Answer>,
}

impl Requests {
    pub(crate) fn new(cluster: Cluster) -> (Self, mpsc::Receiver<Answer>) {
        let (answers, received) = mpsc::channel(ANSWERS);
        let requests = Self {
            cluster,
            permits: Arc::new(Semaphore::new(SIDE_BY_SIDE)),
            answers,
        };
        (requests, received)
    }

    /// Asks for a reconciliation now. What is noted as the request is returned at once.
    pub(crate) fn ask(&self, id: Id) -> String {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let token = now.as_nanos().to_string();
        let asked = json!({ "metadata": { "annotations": { REQUESTED_AT: token } } });
        let api = self.api(&id);
        self.spawn(async move {
            let (parameters, patch) = (PatchParams::default(), Patch::Merge(asked));
            let is_asked = match api {
                Some(api) => {
                    let asking = api.patch(&id.2, &parameters, &patch);
                    matches!(tokio::time::timeout(REQUEST_LIMIT, asking).await, Ok(Ok(_)))
                }
                None => false,
            };
            // A request that is lost is made up for by the next save, and by the interval.
            (!is_asked).then_some(Answer::NotAsked(id))
        });
        token
    }

    /// Looks at data. Only its version is asked for: what is in it is nobody's business here.
    pub(crate) fn read(&self, id: Id) {
        let api = self.api(&id);
        self.spawn(async move {
            let version = match api {
                Some(api) => {
                    let reading = api.get_metadata_opt(&id.2);
                    match tokio::time::timeout(REQUEST_LIMIT, reading).await {
                        Ok(Ok(found)) => found.and_then(|found| found.metadata.resource_version),
                        _ => None,
                    }
                }
                None => None,
            };
            Some(Answer::Data(id, version))
        });
    }

    fn spawn(&self, request: impl Future<Output = Option<Answer>> + Send + 'static) {
        let (permits, answers) = (Arc::clone(&self.permits), self.answers.clone());
        tokio::spawn(async move {
            let Ok(_permit) = permits.acquire().await else { return };
            if let Some(answer) = request.await {
                let _ = answers.send(answer).await;
            }
        });
    }

    fn api(&self, (kind, namespace, _): &Id) -> Option<Api<DynamicObject>> {
        let kinds = self.cluster.kinds();
        let is_it = |group: &str| match kind.as_str() {
            "ConfigMap" | "Secret" => group.is_empty(),
            _ => group.contains(".fluxcd.io"),
        };
        let gvk = kinds.all().find(|gvk| gvk.kind == *kind && is_it(&gvk.group))?;
        let served = kinds.get(gvk)?;
        let gvk = GroupVersionKind::gvk(&gvk.group, &gvk.version, &gvk.kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, &served.plural);
        Some(Api::namespaced_with(
            self.cluster.client().clone(),
            namespace,
            &resource,
        ))
    }
}
