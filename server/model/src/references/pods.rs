//! Selectors that select no pods: of Services and of disruption budgets.
//!
//! Pods can come from anywhere, so a selector is only said to select none where it is nearly that of pods that are there.

use gitops_yaml::FieldPath;
use serde_json::Value;

use super::ObjectFinding;
use super::index::Index;
use super::words::{below, path, shown, texts};
use crate::near::nearest;

/// Kinds that make pods, each with the place of the pod's template; a Pod is its own.
const POD_MAKERS: [(&str, &str, &str); 8] = [
    ("apps", "Deployment", "/spec/template"),
    ("apps", "StatefulSet", "/spec/template"),
    ("apps", "DaemonSet", "/spec/template"),
    ("apps", "ReplicaSet", "/spec/template"),
    ("", "ReplicationController", "/spec/template"),
    ("batch", "Job", "/spec/template"),
    ("batch", "CronJob", "/spec/jobTemplate/spec/template"),
    ("", "Pod", ""),
];

/// Each object that makes pods, with its template.
pub(super) fn templates<'a>(index: &Index<'a>) -> Vec<(usize, &'static str, &'a Value)> {
    let mut found = Vec::new();
    for (group, kind, pointer) in POD_MAKERS {
        for at in index.of_kind(group, kind) {
            let template = index.object(*at).and_then(|object| object.pointer(pointer));
            found.extend(template.map(|template| (*at, pointer, template)));
        }
    }
    found
}

/// The labels of a template.
fn labels(template: &Value) -> Vec<(&str, &str)> {
    texts(template.pointer("/metadata/labels")).collect()
}

pub(super) fn look(index: &Index<'_>, found: &mut Vec<ObjectFinding>) {
    let templates = templates(index);
    for at in index.of_kind("", "Service") {
        of_selector(index, *at, &path(&["spec", "selector"]), &templates, found);
    }
    for at in index.of_kind("policy", "PodDisruptionBudget") {
        // With expressions beside them the labels are not all that is asked for.
        let expressions = index
            .object(*at)
            .and_then(|object| object.pointer("/spec/selector/matchExpressions"));
        if expressions.is_none() {
            of_selector(
                index,
                *at,
                &path(&["spec", "selector", "matchLabels"]),
                &templates,
                found,
            );
        }
    }
}

fn of_selector(
    index: &Index<'_>,
    at: usize,
    field: &FieldPath,
    templates: &[(usize, &str, &Value)],
    found: &mut Vec<ObjectFinding>,
) {
    let pointer: String = field
        .steps()
        .iter()
        .filter_map(key_of)
        .map(|key| format!("/{key}"))
        .collect();
    let selector: Vec<(&str, &str)> = texts(index.object(at).and_then(|object| object.pointer(&pointer))).collect();
    if selector.is_empty() {
        return;
    }
    let here: Vec<(usize, Vec<(&str, &str)>)> = templates
        .iter()
        .filter(|(pods, ..)| index.namespace(*pods) == index.namespace(at))
        .map(|(pods, _, template)| (*pods, labels(template)))
        .collect();
    let selects = |labels: &[(&str, &str)]| selector.iter().all(|pair| labels.contains(pair));
    if here.iter().any(|(_, labels)| selects(labels)) {
        return;
    }
    let Some(slip) = here
        .iter()
        .filter_map(|(pods, labels)| slip(index, *pods, &selector, labels))
        .min_by_key(|slip| slip.distance)
    else {
        return;
    };
    let (key, value) = slip.wanted;
    let hint = match (slip.is_key, slip.there) {
        (true, (there, _)) => format!("have no label \"{key}\"; did you mean \"{there}\"?"),
        (false, (_, there)) => format!("have \"{key}: {there}\""),
    };
    let message = format!(
        "\"{key}: {value}\" selects no pods: those of {} {hint}",
        shown(index, slip.pods)
    );
    let mut finding = ObjectFinding::warning(at, below(field, &[key]), "no-pods-selected", message).beside(
        slip.pods,
        FieldPath::new(),
        "these pods are nearly selected",
    );
    if slip.is_key {
        finding = finding.on_key();
    }
    finding.instead = Some(if slip.is_key { slip.there.0 } else { slip.there.1 }.to_owned());
    found.push(finding);
}

fn key_of(step: &gitops_yaml::Step) -> Option<&str> {
    match step {
        gitops_yaml::Step::Key(key) => Some(key),
        gitops_yaml::Step::Index(_) => None,
    }
}

/// How a selector misses pods by one label.
struct Slip<'a> {
    pods: usize,
    wanted: (&'a str, &'a str),
    there: (&'a str, &'a str),
    is_key: bool,
    distance: usize,
}

/// The one label by which a selector misses pods, where it is a slip: all others fit, and this one is nearly another or
/// the pods are those of the object's own name.
fn slip<'a>(
    index: &Index<'_>,
    pods: usize,
    selector: &[(&'a str, &'a str)],
    labels: &[(&'a str, &'a str)],
) -> Option<Slip<'a>> {
    let missing: Vec<_> = selector.iter().filter(|pair| !labels.contains(pair)).collect();
    let [wanted] = missing.as_slice() else { return None };
    let (key, value) = **wanted;
    if let Some(there) = labels.iter().find(|(other, _)| *other == key) {
        // Another value may be of other pods, unless it is nearly the same or all that is different beside others.
        let is_near = nearest(value, [there.1]).is_some();
        let name = index.key(pods).map(|key| key.name.as_str());
        let others = index.may_get_more(index.namespace(pods));
        let is_likely = selector.len() > 1 && !others && name == Some(there.1);
        return (is_near || is_likely).then(|| Slip {
            pods,
            wanted: **wanted,
            there: *there,
            is_key: false,
            distance: strsim::damerau_levenshtein(value, there.1),
        });
    }
    let there = labels
        .iter()
        .find(|(other, held)| *held == value && nearest(key, [*other]).is_some())?;
    Some(Slip {
        pods,
        wanted: **wanted,
        there: *there,
        is_key: true,
        distance: strsim::damerau_levenshtein(key, there.0),
    })
}
