//! What is to be scaled.

use super::ObjectFinding;
use super::index::{Index, Wanted};
use super::words::{path, text};
use crate::object::Gvk;

/// Kinds that scale another object: group, kind, the field that names it, and the kind where none is written.
const SCALERS: [(&str, &str, &str, &str); 3] = [
    ("autoscaling", "HorizontalPodAutoscaler", "scaleTargetRef", ""),
    ("autoscaling.k8s.io", "VerticalPodAutoscaler", "targetRef", ""),
    ("keda.sh", "ScaledObject", "scaleTargetRef", "Deployment"),
];

pub(super) fn look(index: &Index<'_>, found: &mut Vec<ObjectFinding>) {
    for (group, kind, field, usual) in SCALERS {
        for at in index.of_kind(group, kind) {
            found.extend(of_scaler(index, *at, field, usual));
        }
    }
}

fn of_scaler(index: &Index<'_>, at: usize, field: &str, usual: &str) -> Option<ObjectFinding> {
    let target = index.object(at)?.get("spec")?.get(field)?;
    let kind = text(target, "/kind").unwrap_or(usual);
    let name = text(target, "/name")?;
    let group = match text(target, "/apiVersion") {
        Some(version) => Gvk::parse(version, kind).group,
        None => "apps".to_owned(),
    };
    let namespace = index.namespace(at);
    let named = index.look_up_beside_charts(Wanted {
        from: at,
        group: &group,
        kind,
        namespace: Some(namespace),
        name,
    });
    let what = format!("{kind} \"{name}\" not found in namespace {namespace}, so nothing is scaled");
    named.finding(
        index,
        at,
        path(&["spec", field, "name"]),
        "scale-target-not-found",
        &what,
    )
}
