//! What kustomize-controller (v1.9) says of a Kustomization, read.

use serde_json::Value;

use super::code::Slug;
use super::said::{About, Named, Said, after, between, entry, first_line, first_of, keys, names, text};

/// The faults in a failed condition; at least one.
pub(super) fn read(object: &Value, reason: &str, message: &str) -> Vec<Said> {
    let one = match reason {
        "ArtifactFailed" => artifact(object, message),
        "DependencyNotReady" => dependency(object, message),
        "BuildFailed" => build(object, message),
        "HealthCheckFailed" => return health(object, message),
        "PruneFailed" => Said::of_field(Slug::PruneFailed, keys(&["spec", "prune"]), first_line(message)),
        "InvalidCELExpression" => expression(object, message),
        "AccessDenied" => Said::of_field(
            Slug::AccessDenied,
            first_of(
                object,
                &[&["spec", "sourceRef", "namespace"], &["spec", "sourceRef", "name"]],
            ),
            message,
        ),
        "FeatureGateDisabled" => Said::of_field(
            Slug::Failed,
            keys(&["spec", "decryption", "serviceAccountName"]),
            message,
        ),
        _ => reconciliation(object, message),
    };
    vec![one]
}

fn artifact(object: &Value, message: &str) -> Said {
    if message.contains("kustomization path not found") {
        let path = text(object, "/spec/path");
        let words =
            format!("there is no directory {path} in the source; what .sourceignore leaves out is not in it either");
        return Said::of_field(Slug::PathNotFound, keys(&["spec", "path"]), words);
    }
    let source = keys(&["spec", "sourceRef", "name"]);
    if message.ends_with("not found") {
        return Said::of_field(
            Slug::SourceNotFound,
            source,
            source_not_found(object, "/spec/sourceRef"),
        );
    }
    Said::of_field(Slug::ArtifactFailed, source, message)
}

/// In words, that what a reference to a source names is not there.
pub(super) fn source_not_found(object: &Value, pointer: &str) -> String {
    let of = |field: &str| text(object, &format!("{pointer}/{field}"));
    let own = text(object, "/metadata/namespace");
    let (kind, name, namespace) = (of("kind"), of("name"), of("namespace"));
    if namespace.is_empty() {
        format!("there is no {kind} {own}/{name}: without a namespace it is looked for in {own}")
    } else {
        format!("there is no {kind} {namespace}/{name}")
    }
}

/// `dependency 'tools/base' not found: …`, and of releases `unable to get 'tools/base' dependency: …`.
pub(super) fn dependency(object: &Value, message: &str) -> Said {
    let named = message.split('\'').nth(1).unwrap_or_default();
    let (namespace, name) = named.split_once('/').unwrap_or_default();
    let own = text(object, "/metadata/namespace");
    let kind = text(object, "/kind");
    let path = entry(
        object,
        &["spec", "dependsOn"],
        |entry| names(entry, own, namespace, name),
        "name",
    );
    let words = if namespace == own {
        format!("dependency not found: there is no {kind} {named}; without a namespace it is looked for in {own}")
    } else {
        format!("dependency not found: there is no {kind} {named}")
    };
    Said::of_field(Slug::DependencyNotFound, path, words)
}

fn build(object: &Value, message: &str) -> Said {
    if let Some((kind, name)) = between(message, "substitute from '", "'").and_then(|named| named.split_once('/')) {
        let own = text(object, "/metadata/namespace");
        let fits = |entry: &Value| text(entry, "/kind") == kind && text(entry, "/name") == name;
        let path = entry(object, &["spec", "postBuild", "substituteFrom"], fits, "name");
        let words = if message.ends_with("not found") {
            format!("there is no {kind} {own}/{name} to take variables from")
        } else {
            format!(
                "no variables can be taken from {kind} {own}/{name}: {}",
                after(message, "error: ").unwrap_or(message)
            )
        };
        return Said::of_field(Slug::VariablesNotFound, path, words);
    }
    if message.contains("decrypt") {
        let path = first_of(
            object,
            &[
                &["spec", "decryption", "secretRef", "name"],
                &["spec", "decryption"],
                &["spec", "path"],
            ],
        );
        return Said::of_field(Slug::DecryptionFailed, path, first_line(message));
    }
    Said {
        slug: Slug::BuildFailed,
        message: message.to_owned(),
        about: About::Build,
    }
}

fn expression(object: &Value, message: &str) -> Said {
    let path = match between(message, "failed to evaluate dependency ", ":") {
        Some(name) => entry(
            object,
            &["spec", "dependsOn"],
            |entry| text(entry, "/name") == name,
            "readyExpr",
        ),
        None => keys(&["spec", "healthCheckExprs"]),
    };
    Said::of_field(Slug::BadExpression, path, first_line(message))
}

/// `health check failed after 30.1s: timeout waiting for: [Deployment/apps/web status: 'InProgress', …]`.
fn health(object: &Value, message: &str) -> Vec<Said> {
    let list = after(message, "waiting for: [").or_else(|| after(message, "stalled resources: ["));
    let items = list
        .map(|list| list.trim_end_matches(']').split(", "))
        .into_iter()
        .flatten();
    let said: Vec<Said> = items.filter_map(|item| unhealthy(object, item)).collect();
    if !said.is_empty() {
        return said;
    }
    let path = first_of(
        object,
        &[
            &["spec", "timeout"],
            &["spec", "healthChecks"],
            &["spec", "wait"],
            &["metadata", "name"],
        ],
    );
    let words = "what this Kustomization waits for was not healthy in time";
    vec![Said::of_field(Slug::HealthCheckFailed, path, words)]
}

fn unhealthy(object: &Value, item: &str) -> Option<Said> {
    let (named, status) = match item.split_once(" status: '") {
        Some((named, status)) => (named, status.split('\'').next().unwrap_or_default()),
        None => (item.strip_prefix("can't determine status for ")?, "Unknown"),
    };
    let named = Named::read(named)?;
    if status == "NotFound" {
        let own = text(object, "/metadata/namespace");
        let namespace = named.namespace.clone().unwrap_or_default();
        let fits = |entry: &Value| text(entry, "/kind") == named.kind && names(entry, own, &namespace, &named.name);
        let path = entry(object, &["spec", "healthChecks"], fits, "name");
        let words = format!("{named} is not there, so its health cannot be looked at");
        return Some(Said::of_field(Slug::HealthCheckFailed, path, words));
    }
    let (kustomization, status) = (text(object, "/metadata/name"), in_words(status));
    Some(Said {
        slug: Slug::HealthCheckFailed,
        message: format!("{named} {status}, and Kustomization {kustomization} waits for it"),
        about: About::Whole(named),
    })
}

/// The states of kstatus.
fn in_words(status: &str) -> &'static str {
    match status {
        "Failed" => "has failed",
        "Terminating" => "is being deleted",
        "Unknown" => "is in a state that nobody can tell",
        _ => "was not healthy in time",
    }
}

/// Applying: the words of the API server about one object.
fn reconciliation(object: &Value, message: &str) -> Said {
    let name = keys(&["metadata", "name"]);
    if message.starts_with("failed to build kube client") || message.contains("impersonat") {
        let path = first_of(
            object,
            &[
                &["spec", "kubeConfig"],
                &["spec", "serviceAccountName"],
                &["metadata", "name"],
            ],
        );
        return Said::of_field(Slug::Failed, path, first_line(message));
    }
    let Some((named, words)) = object_and_words(message) else {
        return Said::of_field(Slug::Failed, name, message);
    };
    let account = text(object, "/spec/serviceAccountName");
    let user = format!(
        "system:serviceaccount:{}:{account}",
        text(object, "/metadata/namespace")
    );
    if !account.is_empty() && words.contains(&user) && words.contains("forbidden") {
        let may_not =
            between(&words, &format!("User \"{user}\" "), " in API group").unwrap_or("do what has to be done");
        let words = format!("ServiceAccount {account} has no rights for {named}: forbidden, it {may_not}");
        return Said::of_field(Slug::DryRunFailed, keys(&["spec", "serviceAccountName"]), words);
    }
    let target = text(object, "/spec/targetNamespace");
    if !target.is_empty() && words == format!("namespaces \"{target}\" not found") {
        let words = format!("there is no namespace {target}, and Flux does not make it: {named} cannot be put there");
        return Said::of_field(Slug::NamespaceNotFound, keys(&["spec", "targetNamespace"]), words);
    }
    Said {
        slug: Slug::DryRunFailed,
        message: words,
        about: About::Object(named),
    }
}

/// `Kind/ns/name dry-run failed (Reason): WORDS`, `Kind/ns/name not found: WORDS`, `Kind/ns/name apply failed: WORDS`
/// (fluxcd/pkg/ssa); what was applied before that stands behind it, a line each.
pub(super) fn object_and_words(message: &str) -> Option<(Named, String)> {
    let (named, rest) = message.split_once(' ')?;
    let named = Named::read(named)?;
    if let Some(words) = rest.strip_prefix("is SOPS encrypted, ") {
        return Some((named, format!("this is encrypted by SOPS: {words}")));
    }
    let (what, words) = rest.split_once(": ")?;
    if what == "namespace not specified" {
        let words = "no namespace is written here, and the Kustomization of Flux has no targetNamespace";
        return Some((named, words.to_owned()));
    }
    let lines: Vec<&str> = words.lines().collect();
    let is_change = |line: &&str| {
        let is_done = |state: &str| matches!(state, "created" | "configured" | "unchanged" | "deleted" | "skipped");
        line.rsplit_once(' ')
            .is_some_and(|(named, state)| is_done(state) && Named::read(named).is_some())
    };
    let changes = lines
        .iter()
        .rev()
        .take_while(|line| line.is_empty() || is_change(line))
        .count();
    let kept = lines.get(..lines.len() - changes).unwrap_or_default();
    Some((named, kept.join("\n").trim().to_owned()))
}

#[cfg(test)]
#[path = "kustomization_tests.rs"]
mod tests;
