//! What Flux's objects name: it has to be there, in that namespace, with that key.

use gitops_yaml::FieldPath;
use serde_json::Value;

use super::ObjectFinding;
use super::index::{Index, Named, Wanted};
use super::words::{DEFAULT_NAMESPACE, shown, text};
use crate::finding::Severity;
use crate::flux::{FluxObject, FluxSpec, Reference, Role, SourceOrigin, same_repository};
use crate::near::nearest;

/// The namespace of Flux's own service accounts, which are not among the objects.
const FLUX_NAMESPACE: &str = "flux-system";

/// The key of values that are read where none is written.
const VALUES_KEY: &str = "values.yaml";

pub(super) fn look(index: &Index<'_>, found: &mut Vec<ObjectFinding>) {
    for (at, flux) in index.flux() {
        for reference in flux.references() {
            if !is_left_alone(index, flux, reference) {
                found.extend(of_reference(index, at, flux, reference));
            }
        }
        if let FluxSpec::HelmRelease(release) = &flux.spec {
            let values = release.values_from.iter();
            found.extend(values.filter_map(|values| of_key(index, at, &values.reference)));
        }
    }
}

/// What need not be there, or is nobody's business here.
fn is_left_alone(index: &Index<'_>, flux: &FluxObject, reference: &Reference) -> bool {
    let is_own_repository = || match &flux.spec {
        FluxSpec::Source(source) => match &source.origin {
            SourceOrigin::Git { url, .. } => index.scene.repository.is_some_and(|own| same_repository(own, url)),
            _ => false,
        },
        _ => false,
    };
    let is_health_check_for_nothing =
        || matches!(&flux.spec, FluxSpec::Kustomization(kustomization) if kustomization.waits);
    reference.is_optional
        || match reference.role {
            // The session fetches its own repository with credentials of its own.
            Role::Secret => is_own_repository(),
            Role::ServiceAccount => reference.namespace.as_deref() == Some(FLUX_NAMESPACE),
            Role::HealthCheck => is_health_check_for_nothing(),
            // Waiting for oneself is a circle.
            Role::Dependency => reference.name == flux.key.name && reference.namespace == flux.key.namespace,
            _ => false,
        }
}

fn of_reference(index: &Index<'_>, at: usize, flux: &FluxObject, reference: &Reference) -> Option<ObjectFinding> {
    // What is checked may be in no namespace at all.
    let is_anywhere = reference.role == Role::HealthCheck && !has_namespace(index, at, reference);
    let namespace = reference.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
    let named = index.look_up(Wanted {
        from: at,
        group: &reference.group,
        kind: &reference.kind,
        namespace: (!is_anywhere).then_some(namespace),
        name: &reference.name,
    });
    let severity = severity(flux, reference, &named)?;
    let what = format!("{} {} \"{}\"", part_of(reference.role), reference.kind, reference.name);
    let place = if is_anywhere {
        String::new()
    } else {
        format!(" in namespace {namespace}")
    };
    let hint = hint(index, reference, &named);
    let message = format!("{what} not found{place}{hint}");
    let mut finding = ObjectFinding::new(at, reference.field.clone(), slug(reference.role), severity, message);
    match &named {
        Named::Near(other) => {
            finding.instead = Some(index.called(*other).to_owned());
            finding = finding.beside(*other, FieldPath::new(), "this is there");
        }
        Named::Elsewhere(other) => {
            finding = finding.beside(*other, FieldPath::new(), "it is here, in another namespace");
        }
        _ => {}
    }
    finding.missing = Some(reference.name.clone());
    Some(finding)
}

/// Whether the namespace of a reference is written.
fn has_namespace(index: &Index<'_>, at: usize, reference: &Reference) -> bool {
    let value = reference
        .field
        .parent()
        .and_then(|parent| value_at(index.object(at)?, &parent));
    value.is_some_and(|value| text(value, "/namespace").is_some())
}

/// The value at a path.
fn value_at<'a>(object: &'a Value, path: &FieldPath) -> Option<&'a Value> {
    path.steps().iter().try_fold(object, |value, step| match step {
        gitops_yaml::Step::Key(key) => value.get(&**key),
        gitops_yaml::Step::Index(item) => value.get(item),
    })
}

/// How bad it is; `None` where there is nothing to say.
fn severity(flux: &FluxObject, reference: &Reference, named: &Named) -> Option<Severity> {
    let is_slip = match named {
        Named::There(_) | Named::Perhaps => return None,
        Named::Elsewhere(_) | Named::Near(_) => true,
        Named::Nowhere => false,
    };
    let is_key_for_decryption = || {
        let FluxSpec::Kustomization(_) = flux.spec else {
            return false;
        };
        reference.role == Role::Secret
    };
    Some(match reference.role {
        Role::Source | Role::Chart | Role::Dependency | Role::Include => Severity::Error,
        // Flux acts as whoever is named, whether there is such an account or not; the rights may still be missing.
        Role::ServiceAccount => Severity::Warning,
        // Credentials of one name in several namespaces are common, and those of one of them may be made by hand.
        Role::Secret if matches!(named, Named::Elsewhere(_)) => Severity::Warning,
        _ if is_slip => Severity::Error,
        // Keys for decryption and for other clusters are never in a repository.
        Role::Cluster => return None,
        Role::Secret if is_key_for_decryption() => return None,
        Role::Variables | Role::Values if reference.kind == "ConfigMap" => Severity::Error,
        Role::Secret | Role::Variables | Role::Values | Role::HealthCheck => Severity::Warning,
    })
}

/// What the object is for.
fn part_of(role: Role) -> &'static str {
    match role {
        Role::Source => "source",
        Role::Chart => "chart",
        Role::Dependency => "dependency",
        Role::Variables => "substituteFrom:",
        Role::Values => "valuesFrom:",
        Role::Include => "included source",
        Role::HealthCheck => "health check:",
        Role::Secret => "secretRef:",
        Role::Cluster => "kubeConfig:",
        Role::ServiceAccount => "serviceAccountName:",
    }
}

fn slug(role: Role) -> &'static str {
    match role {
        Role::Source | Role::Include => "source-not-found",
        Role::Chart => "chart-not-found",
        Role::Dependency => "dependency-not-found",
        Role::Variables => "variables-not-found",
        Role::Values => "values-not-found",
        Role::HealthCheck => "health-check-not-found",
        Role::Secret | Role::Cluster => "secret-not-found",
        Role::ServiceAccount => "service-account-not-found",
    }
}

/// What to do about it.
fn hint(index: &Index<'_>, reference: &Reference, named: &Named) -> String {
    match named {
        Named::Near(other) => {
            format!("; did you mean \"{}\"?", index.called(*other))
        }
        Named::Elsewhere(other) => {
            let namespace = index.namespace(*other);
            match reference.role {
                // These fields have no namespace beside the name.
                Role::Variables | Role::Values | Role::Secret | Role::Cluster | Role::ServiceAccount => {
                    format!("; there is one in namespace {namespace}, but only the object's own namespace is looked in")
                }
                Role::Include => format!("; there is one in namespace {namespace}, which include does not reach"),
                _ => format!("; there is one in namespace {namespace}: add \"namespace: {namespace}\""),
            }
        }
        _ if reference.kind == "Secret" => "; if it is kept outside of this repository, a sandbox does not have it \
             either: put one with stand-in values beside the target"
            .to_owned(),
        _ if reference.role == Role::ServiceAccount => {
            "; Flux acts as it all the same, with whatever rights are bound to that name".to_owned()
        }
        _ if reference.role == Role::HealthCheck => {
            "; unless something else brings it, this waits until its timeout".to_owned()
        }
        _ => String::new(),
    }
}

/// Whether the key of values is in the object that is there.
fn of_key(index: &Index<'_>, at: usize, reference: &Reference) -> Option<ObjectFinding> {
    if reference.is_optional {
        return None;
    }
    let namespace = reference.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
    let there = index.find("", &reference.kind, Some(namespace), &reference.name)?;
    let object = index.object(there)?;
    let fields: &[&str] = if reference.kind == "Secret" {
        &["data", "stringData"]
    } else {
        &["data"]
    };
    let entries = fields.iter().filter_map(|field| object.get(field)?.as_object());
    let keys: Vec<&str> = entries.flat_map(serde_json::Map::keys).map(String::as_str).collect();
    let wanted = reference.key.as_deref().unwrap_or(VALUES_KEY);
    if keys.contains(&wanted) {
        return None;
    }
    let mut path = reference.field.parent()?;
    let is_written = value_at(index.object(at)?, &path).is_some_and(|value| text(value, "/valuesKey").is_some());
    path.push_key(if is_written { "valuesKey" } else { "name" });
    let near = nearest(wanted, keys.iter().copied());
    let hint = match (near, keys.as_slice()) {
        (Some(near), _) => format!("; did you mean \"{near}\"?"),
        (None, [only]) => format!("; its only key is \"{only}\""),
        (None, _) => String::new(),
    };
    let message = format!("key \"{wanted}\" not found in {}{hint}", shown(index, there));
    let mut finding = ObjectFinding::new(at, path, "key-not-found", Severity::Error, message).beside(
        there,
        FieldPath::new(),
        "this has no such key",
    );
    finding.instead = near.filter(|_| is_written).map(str::to_owned);
    finding.missing = Some(reference.name.clone());
    Some(finding)
}
