//! Asking the API server whether it takes a pod of an owner, without making one.

use std::time::Duration;

use gitops_cluster::Cluster;
use gitops_cluster::answer::of_any_pod;
use gitops_cluster::kube::Error;
use gitops_cluster::kube::api::{Api, DynamicObject, PostParams};
use gitops_model::ObjectKey;
use serde_json::{Value, json};

use super::reading::{list, number, text, uid};
use super::watch::Kind;

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// What the API server says of a pod of an owner: the generation that was asked about, and why the pod is refused, or that
/// it is taken. `None` where that cannot be known, such as of an owner that is another by now.
pub(super) async fn refusal(cluster: &Cluster, owner: &str, key: &ObjectKey) -> Option<(i64, Option<String>)> {
    let kinds = cluster.kinds();
    let object = cluster.get(key, kinds.get(&key.gvk)?).await.ok()??;
    if uid(&object) != owner {
        return None;
    }
    let generation = number(&object, "/metadata/generation")?;
    let namespace = text(&object, "/metadata/namespace").to_owned();
    let kind = if key.gvk.kind == "CronJob" {
        Kind::Job
    } else {
        Kind::Pod
    };
    let made: DynamicObject = serde_json::from_value(made_of(&object, kind)?).ok()?;
    let api: Api<DynamicObject> = Api::namespaced_with(cluster.client().clone(), &namespace, &kind.resource());
    let parameters = PostParams {
        dry_run: true,
        field_manager: None,
    };
    let asking = api.create(&parameters, &made);
    match tokio::time::timeout(REQUEST_LIMIT, asking).await.ok()? {
        Ok(_) => Some((generation, None)),
        Err(Error::Api(status)) => Some((generation, Some(of_any_pod(&status.message)))),
        Err(_) => None,
    }
}

/// The pod that a controller makes of a template, or the Job that is made of a `CronJob`, as far as admission looks at it.
fn made_of(object: &Value, kind: Kind) -> Option<Value> {
    let pointer = if kind == Kind::Job {
        "/spec/jobTemplate"
    } else {
        "/spec/template"
    };
    let template = object.pointer(pointer)?;
    let (api_version, name, _) = kind.names();
    let mut made = json!({
        "apiVersion": api_version,
        "kind": name,
        "metadata": {
            "generateName": format!("{}-", text(object, "/metadata/name")),
            "labels": template.pointer("/metadata/labels"),
            "annotations": template.pointer("/metadata/annotations"),
        },
        "spec": template.get("spec")?,
    });
    // A StatefulSet makes volumes of its templates of claims.
    let claims = list(object, "/spec/volumeClaimTemplates").iter();
    let names: Vec<&str> = claims.map(|claim| text(claim, "/metadata/name")).collect();
    if let Some(spec) = made.pointer_mut("/spec").and_then(Value::as_object_mut) {
        let volumes = spec.entry("volumes").or_insert_with(|| json!([]));
        if let Some(volumes) = volumes.as_array_mut() {
            volumes.retain(|volume| !names.contains(&text(volume, "/name")));
            let of_claims = names.iter().map(|name| {
                let claim = format!("{name}-{}-0", text(object, "/metadata/name"));
                json!({ "name": name, "persistentVolumeClaim": { "claimName": claim } })
            });
            volumes.extend(of_claims);
        }
    }
    Some(made)
}
