//! Doing it, away from the loop.

use std::fmt::Write as _;

use gitops_cluster::Cluster;
use gitops_model::ObjectKey;
use gitops_session::actions::{ObjectEvent, Refused, difference, events, reconcile, resume, suspend, written};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::about::{Arguments, ObjectArguments, Subject};
use super::{Action, document_uri};
use crate::built::shown::{About, Ask, Shown};
use crate::built::{Order, Orders, Sent};

/// How many objects one diff compares.
const MAX_COMPARED: usize = 200;

/// Does it.
pub(super) async fn perform(action: Action, subject: &Subject, arguments: &Arguments) -> Result<Value, Refused> {
    match action {
        Action::Reconcile => reconcile_all(subject).await,
        Action::Suspend => suspend_all(subject, arguments.reason.as_deref().unwrap_or_default()).await,
        Action::Resume => resume_all(subject).await,
        Action::ShowRendered => {
            let (text, keys) = rendered(subject).await?;
            Ok(json!({ "text": text, "uri": document_uri::of(action, &keys, arguments) }))
        }
        Action::DiffLive => {
            let (text, keys) = compared(subject).await?;
            Ok(json!({ "text": text, "uri": document_uri::of(action, &keys, arguments) }))
        }
        Action::Events => events_of(subject).await,
    }
}

/// Asks the worker of a session something.
pub(super) fn ask(worker: &Orders, question: Order) -> Result<(), Refused> {
    match worker.send(question) {
        Sent::Added | Sent::Replaced => Ok(()),
        Sent::TooMany => Err(Refused(
            "too many questions wait for an answer: ask again in a moment".to_owned(),
        )),
        Sent::Ended => Err(Refused("the session has ended".to_owned())),
    }
}

/// The objects that are meant, as they were built or are written.
pub(crate) async fn objects_of(subject: &Subject) -> Result<Vec<Shown>, Refused> {
    if let Some(worker) = &subject.worker {
        let (answer, answered) = oneshot::channel();
        let ask = Ask {
            about: subject.about.clone(),
            answer,
        };
        let gone = || Refused("the session has ended".to_owned());
        self::ask(worker, Order::Ask(Box::new(ask)))?;
        let shown = answered.await.map_err(|_| gone())?;
        if !shown.is_empty() {
            return Ok(shown);
        }
        let what = match (&subject.about, &subject.manifest) {
            (About::Object(key), _) | (_, Some((key, _))) => key.to_string(),
            (About::Manifest { path, .. } | About::Directory(path), None) => path.clone(),
        };
        return Err(Refused(format!("the session's target builds nothing of {what}")));
    }
    let (key, object) = subject
        .manifest
        .as_ref()
        .ok_or_else(|| Refused("this session applies manifests as they stand: open the object's file".to_owned()))?;
    Ok(vec![Shown {
        key: key.clone(),
        manager: None,
        object: object.clone(),
        origin: String::new(),
        builder: None,
        secrets: Vec::new(),
    }])
}

/// The names of the objects that are meant; of a kustomization that Flux builds, the Flux Kustomization.
async fn keys_of(subject: &Subject) -> Result<Vec<ObjectKey>, Refused> {
    if let About::Object(key) = &subject.about {
        return Ok(vec![key.clone()]);
    }
    let shown = objects_of(subject).await?;
    if !matches!(subject.about, About::Directory(_)) {
        return Ok(shown.iter().map(|shown| shown.key.clone()).collect());
    }
    let mut builders: Vec<ObjectKey> = Vec::new();
    for builder in shown.into_iter().filter_map(|shown| shown.builder) {
        if !builders.contains(&builder) {
            builders.push(builder);
        }
    }
    if builders.is_empty() {
        return Err(Refused("no Kustomization of Flux builds this directory".to_owned()));
    }
    Ok(builders)
}

/// As the commands name objects.
fn named(keys: &[ObjectKey]) -> Value {
    keys.iter().map(|key| json!(ObjectArguments::from(key))).collect()
}

async fn reconcile_all(subject: &Subject) -> Result<Value, Refused> {
    let (at, objects) = reconcile_each(&subject.cluster, &keys_of(subject).await?).await?;
    Ok(json!({ "requestedAt": at, "objects": named(&objects) }))
}

async fn reconcile_each(cluster: &Cluster, keys: &[ObjectKey]) -> Result<(String, Vec<ObjectKey>), Refused> {
    let (mut at, mut objects) = (String::new(), Vec::new());
    for key in keys {
        let requested = reconcile(cluster, key).await?;
        at = requested.at;
        for object in requested.objects {
            if !objects.contains(&object) {
                objects.push(object);
            }
        }
    }
    Ok((at, objects))
}

async fn suspend_all(subject: &Subject, reason: &str) -> Result<Value, Refused> {
    let keys = keys_of(subject).await?;
    let mut made = None;
    for key in &keys {
        made = Some(suspend(&subject.cluster, key, &person(), reason).await?);
    }
    let made = made.unwrap_or_default();
    Ok(json!({ "objects": named(&keys), "by": made.by, "at": made.at, "reason": made.reason }))
}

async fn resume_all(subject: &Subject) -> Result<Value, Refused> {
    let keys = keys_of(subject).await?;
    for key in &keys {
        resume(&subject.cluster, key).await?;
    }
    let (at, _) = reconcile_each(&subject.cluster, &keys).await?;
    Ok(json!({ "objects": named(&keys), "requestedAt": at }))
}

/// Who is at this machine, as far as it says.
fn person() -> String {
    ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()))
        .unwrap_or_else(|| "somebody".to_owned())
}

async fn rendered(subject: &Subject) -> Result<(String, Vec<ObjectKey>), Refused> {
    let shown = objects_of(subject).await?;
    let mut text = String::new();
    for one in &shown {
        if !text.is_empty() {
            text.push_str("---\n");
        }
        if let Some(builder) = &one.builder {
            let _ = writeln!(text, "# built by {builder}");
        }
        if !one.origin.is_empty() {
            let _ = writeln!(text, "# {}", one.origin);
        }
        text.push_str(&written(&one.object, &one.secrets));
    }
    Ok((text, shown.iter().map(|shown| shown.key.clone()).collect()))
}

async fn compared(subject: &Subject) -> Result<(String, Vec<ObjectKey>), Refused> {
    let shown = objects_of(subject).await?;
    let mut text = String::new();
    for one in shown.iter().take(MAX_COMPARED) {
        let manager = one.manager.unwrap_or(&subject.manager);
        text.push_str(&difference(&subject.cluster, manager, &one.key, &one.object, &one.secrets).await?);
    }
    if shown.len() > MAX_COMPARED {
        let _ = writeln!(text, "# {} more objects were not compared", shown.len() - MAX_COMPARED);
    }
    let keys: Vec<ObjectKey> = shown.iter().map(|shown| shown.key.clone()).collect();
    if text.is_empty() {
        text = match keys.as_slice() {
            [only] => format!("# no difference: {only} is on the sandbox as it is built\n"),
            _ => format!(
                "# no difference: {} objects are on the sandbox as they are built\n",
                keys.len()
            ),
        };
    }
    Ok((text, keys))
}

async fn events_of(subject: &Subject) -> Result<Value, Refused> {
    let keys = keys_of(subject).await?;
    let mut all = Vec::new();
    for key in &keys {
        all.extend(events(&subject.cluster, key).await?);
    }
    all.sort();
    all.dedup();
    let list: Vec<Value> = all.iter().map(as_json).collect();
    Ok(json!({ "text": events_text(&all), "events": list }))
}

fn as_json(event: &ObjectEvent) -> Value {
    json!({ "time": event.time, "type": event.kind, "reason": event.reason, "object": event.object, "message": event.message, "count": event.count })
}

fn events_text(all: &[ObjectEvent]) -> String {
    if all.is_empty() {
        return "# no events\n".to_owned();
    }
    all.iter()
        .map(|event| {
            let times = if event.count > 1 {
                format!(" (×{})", event.count)
            } else {
                String::new()
            };
            format!(
                "{}  {:7}  {}  {}{times}: {}\n",
                event.time, event.kind, event.reason, event.object, event.message
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use gitops_session::actions::ObjectEvent;

    use super::events_text;

    #[test]
    fn events_are_one_line_each() {
        let event = ObjectEvent {
            time: "2026-01-02T03:04:05Z".to_owned(),
            kind: "Warning".to_owned(),
            reason: "FailedCreate".to_owned(),
            object: "ReplicaSet/apps/web-1".to_owned(),
            message: "no".to_owned(),
            count: 3,
        };
        assert_eq!(
            events_text(&[event]),
            "2026-01-02T03:04:05Z  Warning  FailedCreate  ReplicaSet/apps/web-1 (×3): no\n"
        );
        assert_eq!(events_text(&[]), "# no events\n");
    }
}
