//! Suspends an object of Flux's, with who, when and why, and takes that back.
//!
//! `spec.suspend` is set by server-side apply with a field manager of its own, so that taking it back is giving up what this
//! manager has, and an object that another manager applies from Git keeps the field at its next apply: kustomize-controller
//! gives up nobody's fields but kubectl's (`internal/controller/kustomization_controller.go`, `ApplyCleanupOptions`).

use futures::StreamExt as _;
use futures::stream;
use gitops_cluster::Cluster;
use gitops_cluster::kube::Error;
use gitops_cluster::kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use gitops_model::{ObjectKey, at_pointer};
use serde_json::{Value, json};

use super::object_api::{ObjectApi, Refused, is_of_flux, limited, owner_of, resource, text, whole, words};
use super::reconcile::now;

/// The field manager of what is suspended.
const MANAGER: &str = "gitops-lsp-suspension";
/// Who, when and why.
const BY: &str = "gitops-lsp/suspended-by";
const AT: &str = "gitops-lsp/suspended-at";
const REASON: &str = "gitops-lsp/suspended-reason";
/// How source-watcher is told to leave an `ArtifactGenerator` alone, which has no `spec.suspend`.
const RECONCILE: &str = "source.extensions.fluxcd.io/reconcile";
/// How long a reason may be, in characters.
const LONGEST_REASON: usize = 500;
/// How many objects of one kind are looked at for what is left suspended.
const MAX_LISTED: u32 = 2_000;
/// How many kinds are listed at once.
const AT_ONCE: usize = 4;

/// Who suspended an object, when, and why.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Suspension {
    /// Who.
    pub by: String,
    /// When, as RFC 3339 has it.
    pub at: String,
    /// Why; empty where nobody said.
    pub reason: String,
}

impl Suspension {
    /// What a live object says of it; `None` for one that was suspended by other means, or is not.
    pub fn of(live: &Value) -> Option<Self> {
        let annotations = at_pointer(live, "/metadata/annotations")?;
        let word = |name: &str| annotations.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            by: word(BY)?,
            at: word(AT).unwrap_or_default(),
            reason: word(REASON).unwrap_or_default(),
        })
    }
}

/// Suspends an object.
pub async fn suspend(cluster: &Cluster, key: &ObjectKey, by: &str, reason: &str) -> Result<Suspension, Refused> {
    let object = ObjectApi::new(cluster, key)?;
    let live = object.live().await?;
    if !is_of_flux(&object.key) {
        return Err(not_of_flux(&object.key, &live));
    }
    let suspension = Suspension {
        by: by.to_owned(),
        at: now(),
        reason: reason.trim().chars().take(LONGEST_REASON).collect(),
    };
    let wanted = Patch::Apply(suspended(&object, &suspension));
    let parameters = PatchParams::apply(MANAGER);
    let applying = object.api.patch(&object.key.name, &parameters, &wanted);
    match tokio::time::timeout(std::time::Duration::from_secs(10), applying).await {
        Ok(Ok(_)) => Ok(suspension),
        Ok(Err(Error::Api(status))) if status.code == 409 => {
            if let Some(manager) = applied_from_git(&live) {
                return Err(Refused(format!(
                    "{} has `suspend` in its manifest, which {manager} would put back; change it there",
                    object.key
                )));
            }
            // Somebody else has set it by hand, and in a sandbox of one's own that may be changed by hand.
            let parameters = PatchParams::apply(MANAGER).force();
            limited(&object.key, object.api.patch(&object.key.name, &parameters, &wanted)).await?;
            Ok(suspension)
        }
        Ok(Err(error)) if words(&error).contains(".spec.suspend: field not declared in schema") => {
            Err(Refused(format!("{} cannot be suspended", object.key.gvk.kind)))
        }
        Ok(Err(error)) => Err(Refused(format!("{}: {}", object.key, words(&error)))),
        Err(_) => Err(Refused(format!("{}: the sandbox did not answer", object.key))),
    }
}

/// Takes a suspension back.
pub async fn resume(cluster: &Cluster, key: &ObjectKey) -> Result<(), Refused> {
    let object = ObjectApi::new(cluster, key)?;
    let live = object.live().await?;
    if !is_of_flux(&object.key) {
        return Err(not_of_flux(&object.key, &live));
    }
    let is_ours = is_ours(&live);
    if !is_ours && !is_suspended(&live) {
        return Err(Refused(format!("{} is not suspended", object.key)));
    }
    let left = if is_ours { give_up(&object).await? } else { live };
    if !is_suspended(&left) {
        return Ok(());
    }
    if let Some(manager) = applied_from_git(&left) {
        return Err(Refused(format!(
            "{} has `suspend: true` in its manifest, which {manager} would put back; take it out there",
            object.key
        )));
    }
    // Suspended by hand, with another tool.
    let patch = if object.key.gvk.kind == "ArtifactGenerator" {
        json!({ "metadata": { "annotations": { RECONCILE: null } } })
    } else {
        json!({ "spec": { "suspend": false } })
    };
    let parameters = PatchParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let patch = Patch::Merge(patch);
    limited(&object.key, object.api.patch(&object.key.name, &parameters, &patch)).await?;
    Ok(())
}

/// Takes back every suspension that was made with [`suspend`]: at the end of a session nothing of it is left. Returns what
/// was resumed, and what could not be, with the reason.
pub async fn resume_all(cluster: &Cluster) -> (Vec<ObjectKey>, Vec<(ObjectKey, String)>) {
    let kinds = cluster.kinds();
    let of_flux = kinds.all().filter(|gvk| {
        is_of_flux(&ObjectKey {
            gvk: (*gvk).clone(),
            namespace: None,
            name: String::new(),
        })
    });
    // Of several versions of a kind one is enough.
    let mut wanted: Vec<gitops_model::Gvk> = Vec::new();
    for gvk in of_flux {
        if !wanted
            .iter()
            .any(|seen| seen.group == gvk.group && seen.kind == gvk.kind)
        {
            wanted.push(gvk.clone());
        }
    }
    let listing = wanted.into_iter().map(|gvk| suspended_of(cluster, gvk));
    let found: Vec<Vec<ObjectKey>> = stream::iter(listing).buffered(AT_ONCE).collect().await;
    let (mut resumed, mut failed) = (Vec::new(), Vec::new());
    for key in found.into_iter().flatten() {
        let given_up = match ObjectApi::new(cluster, &key) {
            Ok(object) => give_up(&object).await.map(drop),
            Err(refused) => Err(refused),
        };
        match given_up {
            Ok(()) => resumed.push(key),
            Err(Refused(reason)) => failed.push((key, reason)),
        }
    }
    (resumed, failed)
}

async fn suspended_of(cluster: &Cluster, gvk: gitops_model::Gvk) -> Vec<ObjectKey> {
    let kinds = cluster.kinds();
    let Some(served) = kinds.get(&gvk) else {
        return Vec::new();
    };
    let resource = resource(&gvk, served);
    let api: Api<DynamicObject> = Api::all_with(cluster.client().clone(), &resource);
    let about = ObjectKey {
        gvk,
        namespace: None,
        name: "*".to_owned(),
    };
    let parameters = ListParams::default().limit(MAX_LISTED);
    // A kind that cannot be listed any more has gone with its objects.
    let Ok(list) = limited(&about, api.list(&parameters)).await else {
        return Vec::new();
    };
    let objects = list.items.iter().filter_map(|object| whole(object, &resource));
    objects.filter(is_ours).map(|object| ObjectKey::of(&object)).collect()
}

fn not_of_flux(key: &ObjectKey, live: &Value) -> Refused {
    Refused(match owner_of(live) {
        Some(owner) => format!("{key} is applied by {owner}; suspend or resume that"),
        None => format!("{key} is no object of Flux's: only these can be suspended"),
    })
}

fn named(object: &ObjectApi) -> Value {
    json!({
        "apiVersion": object.key.gvk.api_version(),
        "kind": object.key.gvk.kind,
        "metadata": { "name": object.key.name, "namespace": object.key.namespace },
    })
}

fn suspended(object: &ObjectApi, suspension: &Suspension) -> Value {
    let mut annotations = json!({ BY: suspension.by, AT: suspension.at });
    if !suspension.reason.is_empty() {
        annotations[REASON] = json!(suspension.reason);
    }
    let mut wanted = named(object);
    if object.key.gvk.kind == "ArtifactGenerator" {
        annotations[RECONCILE] = json!("disabled");
    } else {
        wanted["spec"] = json!({ "suspend": true });
    }
    wanted["metadata"]["annotations"] = annotations;
    wanted
}

/// Gives up everything that the manager of suspensions has of an object; what nobody else has goes with it.
async fn give_up(object: &ObjectApi) -> Result<Value, Refused> {
    let parameters = PatchParams::apply(MANAGER);
    let empty = Patch::Apply(named(object));
    let left = limited(&object.key, object.api.patch(&object.key.name, &parameters, &empty)).await?;
    whole(&left, &object.resource).ok_or_else(|| object.not_there())
}

fn is_suspended(live: &Value) -> bool {
    at_pointer(live, "/spec/suspend") == Some(&Value::Bool(true))
        || text(live, "/metadata/annotations/source.extensions.fluxcd.io~1reconcile") == "disabled"
}

fn managers(live: &Value) -> impl Iterator<Item = &Value> {
    let managers = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    managers.into_iter().flatten()
}

/// Whether the manager of suspensions has a part of an object.
fn is_ours(live: &Value) -> bool {
    managers(live).any(|manager| text(manager, "/manager") == MANAGER && text(manager, "/operation") == "Apply")
}

/// Which controller applies `suspend` from a manifest, and would put it back.
fn applied_from_git(live: &Value) -> Option<&str> {
    managers(live)
        .filter(|manager| {
            manager.pointer("/fieldsV1/f:spec/f:suspend").is_some()
                || manager
                    .pointer("/fieldsV1/f:metadata/f:annotations/f:source.extensions.fluxcd.io~1reconcile")
                    .is_some()
        })
        .map(|manager| text(manager, "/manager"))
        .find(|manager| {
            matches!(*manager, "kustomize-controller" | "helm-controller") || manager.starts_with("gitops-lsp:")
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Suspension, applied_from_git, is_ours};

    #[test]
    fn who_would_put_it_back_is_read_from_the_managers() {
        let entry = |name: &str, suspend: bool| {
            let spec = if suspend {
                json!({ "f:suspend": {} })
            } else {
                json!({ "f:path": {} })
            };
            json!({ "manager": name, "operation": "Apply", "fieldsV1": { "f:spec": spec } })
        };
        let live = |managers: &[serde_json::Value]| json!({ "metadata": { "managedFields": managers } });
        let by_hand = live(&[entry("kustomize-controller", false), entry("flux", true)]);
        assert_eq!(applied_from_git(&by_hand), None);
        assert!(!is_ours(&by_hand));
        let in_git = live(&[
            entry("kustomize-controller", true),
            entry("gitops-lsp-suspension", true),
        ]);
        assert_eq!(applied_from_git(&in_git), Some("kustomize-controller"));
        assert!(is_ours(&in_git));
    }

    #[test]
    fn who_and_why_are_read_back() {
        let live = json!({ "metadata": { "annotations": { "gitops-lsp/suspended-by": "ada", "gitops-lsp/suspended-reason": "the move" } } });
        let expected = Suspension {
            by: "ada".to_owned(),
            at: String::new(),
            reason: "the move".to_owned(),
        };
        assert_eq!(Suspension::of(&live), Some(expected));
        assert_eq!(Suspension::of(&json!({ "metadata": {} })), None);
    }
}
