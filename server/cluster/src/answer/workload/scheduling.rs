//! Why no node takes a pod: the scheduler's `0/3 nodes are available: 2 Insufficient cpu, 1 node(s) didn't match …`.

use gitops_model::Severity;
use gitops_yaml::FieldPath;
use serde_json::Value;

use super::super::quantity;
use super::super::sent::{value_at, with_index, with_key, with_keys};
use super::super::wording::{cut, quoted};
use super::super::{Answer, pods};
use super::references::places;
use super::trouble::Referent;
use super::{MAX_WORDS, Subject, UNSCHEDULABLE, named};

/// The answers, one for each thing that the scheduler names.
pub(super) fn answers(subject: &Subject<'_>, text: &str, unmatched: &[String]) -> Vec<Answer> {
    // What preemption could not do either says nothing of its own (pkg/scheduler/framework/types.go, `FitError`).
    let said = text.split(" preemption: ").next().unwrap_or(text);
    let said = said.split(" no new claims to deallocate").next().unwrap_or(said);
    let reasons = said.split_once(" nodes are available: ").map_or(said, |(_, rest)| rest);
    let mut found: Vec<Answer> = reasons
        .split(", ")
        .flat_map(|reason| of_reason(subject, reason.trim().trim_end_matches('.'), unmatched))
        .collect();
    if found.is_empty() {
        found.push(Answer::about_object(
            UNSCHEDULABLE,
            format!("no node takes the pods: {}", cut(said.trim(), MAX_WORDS)),
        ));
    }
    found.into_iter().map(|answer| answer.with_detail(text)).collect()
}

fn of_reason(subject: &Subject<'_>, reason: &str, unmatched: &[String]) -> Vec<Answer> {
    if let Some((_, resource)) = reason.split_once("Insufficient ") {
        return vec![insufficient(subject, resource.trim_end_matches('.'))];
    }
    if reason.contains("persistentvolumeclaim \"") {
        return claims(subject, reason);
    }
    if reason.contains("unbound immediate PersistentVolumeClaims") {
        return unbound(subject);
    }
    let words = |what: &str| format!("no node takes the pods: {what}");
    let on = |keys: &[&str], what: &str| -> Vec<Answer> {
        let Some(path) = subject.in_spec(keys) else {
            return Vec::new();
        };
        vec![subject.at(&path, UNSCHEDULABLE, words(what))]
    };
    if reason.contains("didn't match Pod's node affinity/selector") || reason.contains("filtered out by the prefilter")
    {
        return selector(subject, unmatched);
    }
    if reason.contains("taint") {
        return on(&["tolerations"], "they have a taint that is not tolerated");
    }
    if reason.contains("didn't match pod affinity rules") {
        return on(
            &["affinity", "podAffinity"],
            "none has the pods beside it that podAffinity wants",
        );
    }
    if reason.contains("anti-affinity rules") {
        return on(
            &["affinity", "podAntiAffinity"],
            "each has pods that podAntiAffinity keeps away from",
        );
    }
    if reason.contains("topology spread constraints") {
        return on(
            &["topologySpreadConstraints"],
            "the topology spread constraints leave none over",
        );
    }
    if reason.contains("didn't match the requested node name") {
        return on(&["nodeName"], "there is none of this name");
    }
    if reason.contains("free ports for the requested pod ports") {
        return host_port(subject, &words("the hostPort is taken on each"));
    }
    if reason.contains("persistent volumes to bind")
        || reason.contains("PersistentVolume's node affinity")
        || reason.contains("volume node affinity")
        || reason.contains("pvc(s) bound to non-existent pv")
    {
        return on_claims(
            subject,
            &words(reason.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ')),
        );
    }
    if reason.contains("Too many pods") {
        let replicas = super::super::sent::keys(&["spec", "replicas"]);
        return vec![subject.at(&replicas, UNSCHEDULABLE, words("they have no room for so many"))];
    }
    Vec::new()
}

/// On the largest request of the resource; a limit alone is the request, too.
fn insufficient(subject: &Subject<'_>, resource: &str) -> Answer {
    let largest = |part: &str| -> Option<FieldPath> {
        pods::containers(subject.gvk, subject.sent)
            .into_iter()
            .map(|container| with_keys(&container.path, &["resources", part, resource]))
            .filter_map(|path| Some((quantity::amount_of(value_at(subject.sent, &path)?)?, path)))
            .max_by(|(left, _), (right, _)| left.total_cmp(right))
            .map(|(_, path)| path)
    };
    let words = |amount: &str| format!("no node has {amount} {resource} free for the pods");
    let found = largest("requests").or_else(|| largest("limits")).or_else(|| {
        let pod = subject.in_spec(&["resources", "requests", resource])?;
        value_at(subject.sent, &pod).is_some().then_some(pod)
    });
    let Some(path) = found else {
        return Answer::about_object(UNSCHEDULABLE, words("enough"));
    };
    let amount = value_at(subject.sent, &path).map_or_else(String::new, |value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    subject.at(&path, UNSCHEDULABLE, words(&amount))
}

/// `persistentvolumeclaim "archives" not found`, and what else can be said of a claim.
fn claims(subject: &Subject<'_>, reason: &str) -> Vec<Answer> {
    let name = quoted(reason).into_iter().next().unwrap_or_default();
    let what = if reason.contains("not found") {
        format!("PersistentVolumeClaim {} not found", named(&name))
    } else {
        reason.trim_end_matches('.').to_owned()
    };
    let words = format!("no node takes the pods: {what}");
    let places = places(subject, Referent::Claim, &name, None);
    if places.is_empty() {
        return vec![Answer::about_object(UNSCHEDULABLE, words)];
    }
    places
        .iter()
        .map(|path| subject.at(path, UNSCHEDULABLE, words.clone()))
        .collect()
}

/// Claims that wait for a volume: whoever provides volumes has not, and a sandbox has nobody who does.
fn unbound(subject: &Subject<'_>) -> Vec<Answer> {
    let words = "the pods wait for a volume: their claims are not bound, and nobody provides volumes here";
    let mut answers = on_claims(subject, words);
    for answer in &mut answers {
        answer.severity = Severity::Information;
    }
    answers
}

/// On each claim of the pod, or the templates of claims.
fn on_claims(subject: &Subject<'_>, words: &str) -> Vec<Answer> {
    let mut paths: Vec<FieldPath> = super::references(subject.gvk, subject.sent)
        .into_iter()
        .filter(|reference| reference.kind == Referent::Claim)
        .map(|reference| reference.path)
        .collect();
    let templates = super::super::sent::keys(&["spec", "volumeClaimTemplates"]);
    if paths.is_empty() && value_at(subject.sent, &templates).is_some() {
        paths.push(templates);
    }
    paths
        .iter()
        .map(|path| subject.at(path, UNSCHEDULABLE, words))
        .collect()
}

/// On the entries of the selector that no node has, else on the selector, else on the affinity.
fn selector(subject: &Subject<'_>, unmatched: &[String]) -> Vec<Answer> {
    let written = subject
        .of_spec(&["nodeSelector"])
        .filter(|(_, value)| value.as_object().is_some_and(|map| !map.is_empty()));
    if let Some((path, map)) = written {
        let entries = map.as_object().into_iter().flatten();
        let of_entries: Vec<Answer> = entries
            .filter(|(key, _)| unmatched.contains(key))
            .map(|(key, value)| {
                let shown = value.as_str().unwrap_or_default();
                let words = format!("no node takes the pods: none has the label {key}: {shown}");
                subject.at(&with_key(&path, key), UNSCHEDULABLE, words)
            })
            .collect();
        if !of_entries.is_empty() {
            return of_entries;
        }
        if subject.of_spec(&["affinity", "nodeAffinity"]).is_none() {
            let words = "no node takes the pods: none has the labels of nodeSelector";
            return vec![subject.at(&path, UNSCHEDULABLE, words)];
        }
    }
    let Some(path) = subject.in_spec(&["affinity", "nodeAffinity"]) else {
        return Vec::new();
    };
    vec![subject.at(
        &path,
        UNSCHEDULABLE,
        "no node takes the pods: none is as nodeAffinity wants it",
    )]
}

fn host_port(subject: &Subject<'_>, words: &str) -> Vec<Answer> {
    let mut found = Vec::new();
    for container in pods::containers(subject.gvk, subject.sent) {
        let ports = with_key(&container.path, "ports");
        let count = value_at(subject.sent, &ports)
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        for index in 0..count {
            let path = with_key(&with_index(&ports, index), "hostPort");
            if value_at(subject.sent, &path).is_some() {
                found.push(subject.at(&path, UNSCHEDULABLE, words));
            }
        }
    }
    found
}
