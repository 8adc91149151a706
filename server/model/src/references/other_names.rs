//! What the objects of Flux's notification and image controllers name. A sandbox has none of these controllers, and on a
//! cluster they say it in their own objects' status, where nobody looks.

use gitops_yaml::FieldPath;
use serde_json::Value;

use super::ObjectFinding;
use super::index::{Index, Named, Wanted};
use super::words::{below, item, list, path, text};
use crate::finding::Severity;
use crate::flux::SOURCE_GROUP;

const NOTIFICATION: &str = "notification.toolkit.fluxcd.io";
const IMAGE: &str = "image.toolkit.fluxcd.io";

/// The groups of the kinds that an event can be about.
const OF_EVENTS: [(&str, &str); 11] = [
    ("Bucket", SOURCE_GROUP),
    ("GitRepository", SOURCE_GROUP),
    ("HelmChart", SOURCE_GROUP),
    ("HelmRepository", SOURCE_GROUP),
    ("OCIRepository", SOURCE_GROUP),
    ("ExternalArtifact", SOURCE_GROUP),
    ("Kustomization", "kustomize.toolkit.fluxcd.io"),
    ("HelmRelease", "helm.toolkit.fluxcd.io"),
    ("ImageRepository", IMAGE),
    ("ImagePolicy", IMAGE),
    ("ImageUpdateAutomation", IMAGE),
];

pub(super) fn look(index: &Index<'_>, found: &mut Vec<ObjectFinding>) {
    for (group, kind, field) in [
        (IMAGE, "ImageUpdateAutomation", "sourceRef"),
        (IMAGE, "ImagePolicy", "imageRepositoryRef"),
        (NOTIFICATION, "Alert", "providerRef"),
    ] {
        for at in index.of_kind(group, kind) {
            found.extend(of_field(index, *at, field));
        }
    }
    for (kind, field) in [("Alert", "eventSources"), ("Receiver", "resources")] {
        for at in index.of_kind(NOTIFICATION, kind) {
            let Some(object) = index.object(*at) else { continue };
            for (number, source) in list(object, &format!("/spec/{field}")) {
                let field = item(&path(&["spec", field]), number);
                found.extend(of_event_source(index, *at, source, &field));
            }
        }
    }
}

fn of_field(index: &Index<'_>, at: usize, field: &str) -> Option<ObjectFinding> {
    let reference = index.object(at)?.get("spec")?.get(field)?;
    let (group, kind, slug) = match field {
        "providerRef" => (NOTIFICATION, "Provider", "provider-not-found"),
        "imageRepositoryRef" => (IMAGE, "ImageRepository", "source-not-found"),
        _ => (
            SOURCE_GROUP,
            text(reference, "/kind").unwrap_or("GitRepository"),
            "source-not-found",
        ),
    };
    let namespace = match text(reference, "/namespace") {
        Some(namespace) if field != "providerRef" => namespace,
        _ => index.namespace(at),
    };
    let name = Wanted {
        from: at,
        group,
        kind,
        namespace: Some(namespace),
        name: text(reference, "/name")?,
    };
    of_name(index, name, path(&["spec", field, "name"]), slug, Severity::Error)
}

fn of_event_source(index: &Index<'_>, at: usize, source: &Value, field: &FieldPath) -> Option<ObjectFinding> {
    let kind = text(source, "/kind")?;
    let (_, group) = OF_EVENTS.iter().find(|(known, _)| *known == kind)?;
    let name = Wanted {
        from: at,
        group,
        kind,
        namespace: Some(text(source, "/namespace").unwrap_or_else(|| index.namespace(at))),
        name: text(source, "/name").filter(|name| *name != "*")?,
    };
    of_name(
        index,
        name,
        below(field, &["name"]),
        "source-not-found",
        Severity::Warning,
    )
}

fn of_name(
    index: &Index<'_>,
    name: Wanted<'_>,
    field: FieldPath,
    slug: &'static str,
    severity: Severity,
) -> Option<ObjectFinding> {
    let named = index.look_up(name);
    // Receivers and Alerts are often for what another repository brings.
    if severity == Severity::Warning && named == Named::Nowhere {
        return None;
    }
    let place = name.namespace.unwrap_or_default();
    let what = format!("{} \"{}\" not found in namespace {place}", name.kind, name.name);
    let finding = named.finding(index, name.from, field, slug, &what)?;
    Some(ObjectFinding { severity, ..finding })
}
