//! What Flux says about its objects, on their lines.

use std::collections::BTreeMap;

use gitops_model::{Code, Finding, ObjectKey, Severity, Source, Want, place as place_field};
use gitops_render::Fault;
use gitops_session::{Condition, Readiness};
use gitops_text::Span;
use gitops_yaml::FieldPath;

use super::worker::Worker;
use super::{Findings, placed};

/// The findings about one object: none where nothing failed, or where what is said is not about the newest save.
pub(super) fn place(worker: &mut Worker, condition: &Condition) -> Findings {
    let Readiness::Failed { reason, message } = &condition.readiness else {
        return Findings::new();
    };
    if !condition.current {
        return Findings::new();
    }
    let slug = slug_of(&condition.key, reason, message);
    if matches!(slug, "build-failed" | "dry-run-failed")
        && let Some(found) = build_fault(worker, condition, message)
    {
        return found;
    }
    let Some(index) = index_of(worker, &condition.key) else {
        return Findings::new();
    };
    let Some(built) = worker.objects.get(index).cloned() else {
        return Findings::new();
    };
    let Some((path, manifest)) = placed::base(worker, &built) else {
        return Findings::new();
    };
    let Some(text) = worker.parsed(&path) else {
        return Findings::new();
    };
    let field = field_of(slug, message);
    let span = text
        .parse
        .documents
        .get(manifest.document)
        .map_or(Span::new(0, 0), |document| {
            place_field(document, text.text.as_str(), &manifest.base, &field, Want::Value)
        });
    let finding = Finding {
        code: Code {
            source: Source::Flux,
            slug,
        },
        severity: Severity::Error,
        span,
        message: message.clone(),
        detail: None,
        related: Vec::new(),
        fixes: Vec::new(),
        object: Some(condition.key.clone()),
    };
    BTreeMap::from([(worker.name(&path), vec![finding])])
}

/// Where the object of a condition is among what was built.
fn index_of(worker: &Worker, key: &ObjectKey) -> Option<usize> {
    worker.objects.iter().position(|built| {
        let text = |pointer: &str| built.object.pointer(pointer).and_then(serde_json::Value::as_str);
        text("/kind") == Some(&key.gvk.kind)
            && text("/metadata/name") == Some(&key.name)
            && text("/metadata/namespace").is_none_or(|namespace| key.namespace.as_deref() == Some(namespace))
            && text("/apiVersion").is_some_and(|version| version.starts_with(&key.gvk.group))
    })
}

/// A build that fails for Flux fails here as well, and the words lead to the line.
fn build_fault(worker: &mut Worker, condition: &Condition, message: &str) -> Option<Findings> {
    let name = (
        condition.key.namespace.clone().unwrap_or_default(),
        condition.key.name.clone(),
    );
    let unit = worker
        .units
        .iter()
        .find(|unit| unit.flux.as_ref().is_some_and(|flux| flux.name == name))?;
    let fault = Fault {
        step: "build".to_owned(),
        message: message.to_owned(),
        object: None,
    };
    let placed = gitops_render::fault::place(&fault, &unit.path, worker.tree_of(unit))?;
    // What is not known by its words is better said of the Kustomization.
    (placed.slug != "build-failed").then(Findings::new)
}

fn slug_of(key: &ObjectKey, reason: &str, message: &str) -> &'static str {
    match reason {
        "ArtifactFailed" => "artifact-failed",
        "BuildFailed" => "build-failed",
        "DependencyNotReady" => "dependency-not-found",
        "HealthCheckFailed" => "health-check-failed",
        "InstallFailed" => "install-failed",
        "UpgradeFailed" => "upgrade-failed",
        "SourceNotReady" => "source-not-ready",
        _ if key.gvk.group.starts_with("source.") => "source-failed",
        _ if message.contains("dry-run failed") => "dry-run-failed",
        _ => "failed",
    }
}

/// The field of the Flux object that a failure is about.
fn field_of(slug: &str, message: &str) -> FieldPath {
    let mut path = FieldPath::default();
    let steps: &[&str] = match slug {
        "artifact-failed" if message.contains("path not found") => &["spec", "path"],
        "artifact-failed" => &["spec", "sourceRef", "name"],
        "source-failed" => &["spec", "url"],
        "dependency-not-found" => &["spec", "dependsOn"],
        _ => &["metadata", "name"],
    };
    for step in steps {
        path.push_key(*step);
    }
    path
}
