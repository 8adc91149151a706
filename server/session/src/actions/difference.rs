//! What applying an object would change on the sandbox, as `kubectl diff` shows it.

use gitops_cluster::{Cluster, Mode, Reply, SentObject};
use gitops_model::ObjectKey;
use serde_json::Value;

use super::lines::unified;
use super::object_api::{ObjectApi, Refused, text};
use super::written::{mask, mask_texts, sorted, without_server_fields, yaml};

/// How often the live object and the dry run are asked for, until both are about the same version of it.
const MAX_TRIES: usize = 3;
/// The labels by which Flux knows what it has applied; they are not in what is built.
const FLUX_LABELS: [&str; 2] = ["kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/"];
/// What Helm puts on what it installs (`helm.sh/helm`, `pkg/action/validate.go`).
const HELM_ANNOTATIONS: &str = "meta.helm.sh/";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// A unified diff from the live object to what it would be after `object` was applied as `manager` applies: the API server
/// is asked by a dry run, so that what it fills in by itself is no difference. What the server keeps in an object (status,
/// managed fields and the like) is left out, and values of Secrets are masked, with all that is in `secrets`. Empty where there is no difference.
///
/// Where the server refuses the object, a comment says why, and what is written is compared with the same fields as they are.
pub async fn difference(
    cluster: &Cluster,
    manager: &str,
    key: &ObjectKey,
    object: &Value,
    secrets: &[String],
) -> Result<String, Refused> {
    let judging = cluster.judging_as(manager);
    let at = ObjectApi::new(cluster, key)?;
    let mut tries = 0;
    let (note, before, after) = loop {
        tries += 1;
        let live = at.get().await?;
        let mut wanted = object.clone();
        if let Some(live) = &live {
            take_flux_labels(&mut wanted, live);
        }
        let sent = SentObject::new(&wanted);
        let reply = judging.apply(&at.key, &at.served, &sent, Mode::ShownDryRun).await;
        match reply.map_err(|unreachable| Refused(unreachable.to_string()))? {
            Reply::Accepted { body, .. } => {
                let merged: Value = serde_json::from_slice(&body).unwrap_or(wanted);
                // A controller that wrote between the two requests is no difference.
                if tries < MAX_TRIES && live.as_ref().is_some_and(|live| version(live) != version(&merged)) {
                    continue;
                }
                break (String::new(), live, merged);
            }
            Reply::Refused { refusal, .. } => {
                let live = live.map(|live| restricted(&live, &wanted));
                break (commented(&refusal.message, &wanted), live, wanted);
            }
        }
    };
    Ok(format!("{note}{}", compared(&at.key, before, after, secrets)))
}

fn version(object: &Value) -> &str {
    text(object, "/metadata/resourceVersion")
}

/// Whether there is such an object on the sandbox.
pub async fn is_there(cluster: &Cluster, key: &ObjectKey) -> Result<bool, Refused> {
    match ObjectApi::new(cluster, key) {
        Ok(object) => Ok(object.get().await?.is_some()),
        // Of a kind that is not served there is none.
        Err(_) => Ok(false),
    }
}

fn compared(key: &ObjectKey, live: Option<Value>, after: Value, secrets: &[String]) -> String {
    let (mut before, mut after) = (live.clone().unwrap_or(Value::Null), after);
    let (unmasked_before, unmasked_after) = (before.clone(), after.clone());
    for (side, other, name) in [
        (&mut before, &unmasked_after, "before"),
        (&mut after, &unmasked_before, "after"),
    ] {
        without_server_fields(side);
        mask(side, Some((other, name)));
        mask_texts(side, secrets);
    }
    let (before, after) = (sorted(before), sorted(after));
    let before_text = if live.is_some() { yaml(&before) } else { String::new() };
    let before_name = if live.is_some() {
        format!("live {key}")
    } else {
        "/dev/null".to_owned()
    };
    unified(&before_text, &yaml(&after), &before_name, &format!("built {key}"))
}

/// What the server said, as comments; the values of a Secret are not repeated by it.
fn commented(message: &str, object: &Value) -> String {
    let is_secret = object.get("kind").and_then(Value::as_str) == Some("Secret");
    let said = if is_secret {
        "the API server refuses this Secret; its diagnostics say why"
    } else {
        message
    };
    let lines = said.lines().map(|line| format!("# {line}\n"));
    format!("# refused by the API server:\n{}", lines.collect::<String>())
}

/// Without what Flux and Helm put on everything that they apply, their manager would give it up.
fn take_flux_labels(wanted: &mut Value, live: &Value) {
    let is_of_helm = live
        .pointer("/metadata/annotations")
        .and_then(Value::as_object)
        .is_some_and(|annotations| annotations.keys().any(|name| name.starts_with(HELM_ANNOTATIONS)));
    take(wanted, live, "labels", |name| {
        FLUX_LABELS.iter().any(|prefix| name.starts_with(prefix)) || (is_of_helm && name == MANAGED_BY)
    });
    take(wanted, live, "annotations", |name| name.starts_with(HELM_ANNOTATIONS));
}

/// Takes over entries of a part of the metadata that are not there.
fn take(wanted: &mut Value, live: &Value, part: &str, is_meant: impl Fn(&str) -> bool) {
    let theirs = live.get("metadata").and_then(|metadata| metadata.get(part));
    let meant = theirs
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(name, _)| is_meant(name));
    let Some(metadata) = wanted.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, value) in meant {
        let own = metadata
            .entry(part)
            .or_insert_with(|| Value::Object(serde_json::Map::new()));
        if let Some(own) = own.as_object_mut() {
            own.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// Only the fields of `value` that `written` has, too.
fn restricted(value: &Value, written: &Value) -> Value {
    match (value, written) {
        (Value::Object(entries), Value::Object(wanted)) => Value::Object(
            entries
                .iter()
                .filter_map(|(key, entry)| Some((key.clone(), restricted(entry, wanted.get(key)?))))
                .collect(),
        ),
        (Value::Array(items), Value::Array(wanted)) => {
            // An item that is only on one side is shown as it is.
            let item = |(index, item): (usize, &Value)| match wanted.get(index) {
                Some(wanted) => restricted(item, wanted),
                None => item.clone(),
            };
            Value::Array(items.iter().enumerate().map(item).collect())
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use gitops_model::ObjectKey;
    use serde_json::json;

    use super::{compared, restricted, take_flux_labels};

    #[test]
    fn what_differs_in_a_secret_is_seen_but_not_said() {
        let secret = |value: &str| json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "a", "uid": "1" }, "data": { "a": value } });
        let text = compared(&ObjectKey::of(&secret("")), Some(secret("b2xk")), secret("bmV3"), &[]);
        assert!(!text.contains("b2xk") && !text.contains("bmV3"), "{text}");
        assert!(text.contains("-  a: '*** (before)'\n+  a: '*** (after)'"), "{text}");
        let new = compared(&ObjectKey::of(&secret("")), None, secret("bmV3"), &[]);
        assert!(new.starts_with("--- /dev/null\n+++ built Secret/a\n"), "{new}");
    }

    #[test]
    fn labels_of_flux_are_taken_over() {
        let mut wanted = json!({ "metadata": { "name": "a" } });
        let live = json!({ "metadata": { "labels": { "kustomize.toolkit.fluxcd.io/name": "apps", "other": "x" } } });
        take_flux_labels(&mut wanted, &live);
        assert_eq!(
            wanted["metadata"]["labels"],
            json!({ "kustomize.toolkit.fluxcd.io/name": "apps" })
        );
    }

    #[test]
    fn only_what_is_written_is_compared_where_the_server_refuses() {
        let live = json!({ "spec": { "a": 1, "defaulted": 2, "list": [{ "x": 1, "y": 2 }] } });
        let written = json!({ "spec": { "a": 2, "list": [{ "x": 1 }] } });
        assert_eq!(
            restricted(&live, &written),
            json!({ "spec": { "a": 1, "list": [{ "x": 1 }] } })
        );
    }
}
