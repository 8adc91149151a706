//! What is wrong with objects that were built and applied, on the lines that supply them.

use std::collections::BTreeMap;
use std::sync::Arc;

use gitops_cluster::Judgement;
use gitops_cluster::answer::{Answer, Trouble};
use gitops_model::{Manifest, ObjectKey};
use gitops_render::BuiltObject;
use gitops_session::{ObjectVerdict, Outcome};
use gitops_text::Span;
use gitops_yaml::FieldPath;
use serde_json::Value;

use super::worker::Worker;
use super::{PlacedFile, placed};
use crate::event::{Event, TaskDone};
use crate::workload::{PlacedWorkload, WorkloadOrder, answers};

/// Finds the places, and tells them.
pub(super) async fn place(worker: &mut Worker, order: WorkloadOrder) {
    let files = files(worker, &order).await;
    let number = worker.number;
    let placed = PlacedWorkload { key: order.key, files };
    let _ = worker
        .inbox
        .send(Event::Task(TaskDone::WorkloadPlaced { number, placed }));
}

async fn files(worker: &mut Worker, order: &WorkloadOrder) -> BTreeMap<Arc<str>, PlacedFile> {
    let mut files = BTreeMap::new();
    if order.troubles.is_empty() {
        return files;
    }
    let objects = std::mem::take(&mut worker.objects);
    let found = of_object(worker, &objects, order).or_else(|| of_release(&objects, order));
    if let Some((index, answers)) = found {
        let verdict = verdict(index, &objects, answers);
        let all = std::slice::from_ref(&verdict);
        let suppliers = placed::suppliers_of(worker, &objects, all)
            .await
            .pop()
            .unwrap_or_default();
        // What a release brings is written where the release is.
        let written = worker.releases.owner(index).unwrap_or(index);
        let written = objects.get(written).and_then(|built| worker.base(built));
        placed::place_object(worker, written.as_deref(), &verdict, suppliers, false, &mut files);
    }
    worker.objects = objects;
    files
}

/// The object itself, where it was built, or a chart was rendered that has it.
fn of_object(worker: &Worker, objects: &[BuiltObject], order: &WorkloadOrder) -> Option<(usize, Vec<Answer>)> {
    let namespace = order.key.namespace.as_deref();
    let (index, built) = objects.iter().enumerate().find(|(index, built)| {
        let text = |pointer: &str| built.object.pointer(pointer).and_then(Value::as_str);
        let group = text("/apiVersion").map(|version| version.split_once('/').map_or("", |(group, _)| group));
        // What a chart renders without a namespace goes to that of the release.
        let own = text("/metadata/namespace").or_else(|| match worker.releases.owner(*index) {
            Some(_) => namespace,
            None => Some("default"),
        });
        text("/kind") == Some(&order.key.gvk.kind)
            && group == Some(&order.key.gvk.group)
            && text("/metadata/name") == Some(&order.key.name)
            && own == namespace
    })?;
    let mut answers = answers(&order.troubles, &order.key, &built.object);
    for answer in &mut answers {
        worker.releases.explain(index, built, answer);
    }
    Some((index, answers))
}

/// The Helm release of Flux that has brought an object which no file has.
fn of_release(objects: &[BuiltObject], order: &WorkloadOrder) -> Option<(usize, Vec<Answer>)> {
    let (namespace, name) = order.release.as_ref()?;
    let index = objects.iter().position(|built| {
        let text = |pointer: &str| built.object.pointer(pointer).and_then(Value::as_str);
        text("/kind") == Some("HelmRelease")
            && text("/metadata/name") == Some(name)
            && text("/metadata/namespace") == Some(namespace)
    })?;
    let seen: Vec<Trouble> = order
        .troubles
        .iter()
        .filter(|trouble| !trouble.is_foreseen())
        .cloned()
        .collect();
    let mut answers = answers(&seen, &order.key, &Value::Null);
    for answer in &mut answers {
        answer.message = format!("{}: {}", order.key, answer.message);
    }
    Some((index, answers))
}

fn verdict(index: usize, objects: &[BuiltObject], answers: Vec<Answer>) -> Arc<ObjectVerdict> {
    let key = objects.get(index).map(|built| ObjectKey::of(&built.object));
    Arc::new(ObjectVerdict {
        manifest: Manifest {
            key: key.unwrap_or_else(|| ObjectKey::of(&Value::Null)).into(),
            document: index,
            base: FieldPath::default(),
            kind_span: Span::new(0, 0),
        },
        judgement: Judgement {
            answers,
            ..Judgement::default()
        },
        outcome: Outcome::Accepted,
    })
}
