//! Asks Flux to reconcile an object now.

use std::time::Duration;

use gitops_cluster::Cluster;
use gitops_cluster::kube::api::{Patch, PatchParams};
use gitops_cluster::kube::runtime::wait::await_condition;
use gitops_model::ObjectKey;
use gitops_model::flux::{FluxObject, FluxSpec};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::object_api::{ObjectApi, Refused, is_of_flux, limited, owner_of};

/// The annotation that asks (`fluxcd/pkg/apis/meta`, `ReconcileRequestAnnotation`).
const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// How long a Kustomization waits for its source to have been looked at. What takes longer is fetched all the same, and
/// the Kustomization follows by itself.
const SOURCE_LIMIT: Duration = Duration::from_secs(20);

/// What was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Requested {
    /// The value of the annotation; the controller repeats it in `status.lastHandledReconcileAt`.
    pub at: String,
    /// The objects that were asked, first to last.
    pub objects: Vec<ObjectKey>,
}

/// Asks for an object to be reconciled; for a Kustomization its source comes first, as with `flux reconcile
/// kustomization --with-source`. What is no object of Flux's is reconciled by the one that applied it.
pub async fn reconcile(cluster: &Cluster, key: &ObjectKey) -> Result<Requested, Refused> {
    let mut object = ObjectApi::new(cluster, key)?;
    let mut live = object.live().await?;
    if !is_of_flux(&object.key) {
        let owner = owner_of(&live).ok_or_else(|| {
            Refused(format!(
                "{} is not applied by Flux, so there is nothing to reconcile; a save applies it",
                object.key
            ))
        })?;
        object = ObjectApi::new(cluster, &owner)?;
        live = object.live().await?;
    }
    if is_suspended(&live) {
        return Err(Refused(format!(
            "{} is suspended; resume it first (gitops.resume)",
            object.key
        )));
    }
    let at = now();
    let mut objects = Vec::new();
    if let Some(source) = source_of(&live) {
        // A source that is not there is for Flux to say, on the Kustomization.
        if let Ok(source) = ObjectApi::new(cluster, &source)
            && let Ok(Some(live)) = source.get().await
            && !is_suspended(&live)
        {
            request(&source, &at).await?;
            wait_until_handled(&source, &at).await;
            objects.push(source.key);
        }
    }
    request(&object, &at).await?;
    objects.push(object.key);
    Ok(Requested { at, objects })
}

/// The moment as Flux's own command writes it.
pub(super) fn now() -> String {
    // Holds: the format has no part that a UTC time lacks.
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default()
}

fn is_suspended(live: &Value) -> bool {
    FluxObject::read(live).is_some_and(|object| object.is_suspended())
        || live.pointer("/spec/suspend") == Some(&Value::Bool(true))
}

/// The source of a Kustomization, if that is one that can be asked.
fn source_of(live: &Value) -> Option<ObjectKey> {
    let object = FluxObject::read(live)?;
    let FluxSpec::Kustomization(kustomization) = object.spec else {
        return None;
    };
    let source = kustomization.source?;
    // Who makes an ExternalArtifact is not said in it.
    (source.kind != "ExternalArtifact").then(|| ObjectKey {
        gvk: gitops_model::Gvk {
            group: source.group,
            version: String::new(),
            kind: source.kind,
        },
        namespace: source.namespace,
        name: source.name,
    })
}

async fn request(object: &ObjectApi, at: &str) -> Result<(), Refused> {
    let asked = Patch::Merge(json!({ "metadata": { "annotations": { REQUESTED_AT: at } } }));
    let parameters = PatchParams::default();
    limited(&object.key, object.api.patch(&object.key.name, &parameters, &asked)).await?;
    Ok(())
}

/// Waits until the controller has seen the request, for as long as that may take.
async fn wait_until_handled(object: &ObjectApi, at: &str) {
    let handled = |live: Option<&gitops_cluster::kube::api::DynamicObject>| {
        let seen = live.and_then(|live| live.data.pointer("/status/lastHandledReconcileAt"));
        live.is_none() || seen.and_then(Value::as_str) == Some(at)
    };
    let waiting = await_condition(object.api.clone(), &object.key.name, handled);
    let _ = tokio::time::timeout(SOURCE_LIMIT, waiting).await;
}
