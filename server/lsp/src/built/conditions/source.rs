//! What source-controller (v1.9) and source-watcher say of sources and charts, read.

use gitops_model::Want;
use gitops_yaml::FieldPath;
use serde_json::Value;

use super::code::Slug;
use super::kustomization::source_not_found;
use super::said::{About, Said, after, between, entry, first_line, first_of, keys, text};

/// Words of an unsuccessful greeting: whoever serves the source does not know who asks, or does not let them in.
const NOT_LET_IN: [&str; 8] = [
    "authentication required",
    "authorization failed",
    "Authentication failed",
    "unable to authenticate",
    "401 Unauthorized",
    "403 Forbidden",
    "UNAUTHORIZED",
    "DENIED",
];

/// The faults in a failed condition of a source; at least one.
pub(super) fn read(object: &Value, reason: &str, message: &str) -> Vec<Said> {
    let words = plain(message);
    vec![
        verification(object, reason, &words)
            .or_else(|| credentials(object, reason, &words))
            .or_else(|| wanted(object, &words))
            .or_else(|| included(object, &words))
            .unwrap_or_else(|| unreachable(object, reason, &words)),
    ]
}

/// The message in one line, without what Go's libraries say before the point.
fn plain(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn verification(object: &Value, reason: &str, words: &str) -> Option<Said> {
    let is_it = matches!(
        reason,
        "VerificationError" | "InvalidCommitSignature" | "InvalidTagSignature" | "InvalidVerificationMode"
    ) || words.contains("signature verification")
        || words.contains("failed to verify the signature");
    let path = first_of(object, &[&["spec", "verify", "secretRef", "name"], &["spec", "verify"]]);
    is_it.then(|| Said::of_field(Slug::AuthenticationFailed, path, words))
}

fn credentials(object: &Value, reason: &str, words: &str) -> Option<Said> {
    let own = text(object, "/metadata/namespace");
    if words.ends_with("not found") && (words.contains("secrets \"") || words.contains("secret '")) {
        let name = between(words, "secrets \"", "\"").unwrap_or_default();
        let fields = ["secretRef", "certSecretRef", "proxySecretRef"];
        let named = fields
            .into_iter()
            .find(|field| text(object, &format!("/spec/{field}/name")) == name)
            .unwrap_or("secretRef");
        let words = format!("there is no Secret {own}/{name}");
        return Some(Said::of_field(
            Slug::AuthenticationFailed,
            keys(&["spec", named, "name"]),
            words,
        ));
    }
    if words.contains("serviceaccounts \"") {
        let path = keys(&["spec", "serviceAccountName"]);
        return Some(Said::of_field(Slug::AuthenticationFailed, path, words));
    }
    let is_refused = reason == "AuthenticationFailed" || NOT_LET_IN.iter().any(|refusal| words.contains(refusal));
    is_refused.then(|| {
        let place = place_of_source(object);
        let path = first_of(object, &[&["spec", "secretRef", "name"], &["spec", "provider"], &place]);
        let words = format!("{} does not let Flux in: {words}", text(object, &pointer(&place)));
        Said::of_field(Slug::AuthenticationFailed, path, words)
    })
}

/// The field that says where a source is.
fn place_of_source(object: &Value) -> [&'static str; 2] {
    match text(object, "/kind") {
        "Bucket" => ["spec", "endpoint"],
        _ => ["spec", "url"],
    }
}

fn pointer(path: &[&str]) -> String {
    format!("/{}", path.join("/"))
}

/// The branch, tag or version that is not there.
fn wanted(object: &Value, words: &str) -> Option<Said> {
    let is_missing = [
        "couldn't find remote ref",
        "reference not found",
        "remote ref",
        "object not found",
        "no match found for semver",
        "MANIFEST_UNKNOWN",
        "manifest unknown",
        "no tags match",
        "NoSuchBucket",
        "does not exist in repository",
        "improper constraint",
        "invalid semantic version",
    ]
    .iter()
    .any(|phrase| words.contains(phrase));
    if !is_missing {
        return None;
    }
    if words.contains("sparse checkout") {
        let directory = between(words, "sparse checkout dir '", "'").unwrap_or_default();
        let mut path = keys(&["spec", "sparseCheckout"]);
        let items = object.pointer("/spec/sparseCheckout").and_then(Value::as_array);
        if let Some(at) = items.and_then(|items| items.iter().position(|item| item.as_str() == Some(directory))) {
            path.push_index(at);
        }
        return Some(Said::of_field(Slug::VersionNotFound, path, words));
    }
    // The order in which source-controller looks at them.
    let path = first_of(
        object,
        &[
            &["spec", "ref", "commit"],
            &["spec", "ref", "name"],
            &["spec", "ref", "digest"],
            &["spec", "ref", "semver"],
            &["spec", "ref", "tag"],
            &["spec", "ref", "branch"],
            &["spec", "bucketName"],
            &["spec", "url"],
        ],
    );
    let url = text(object, "/spec/url");
    let written = path
        .last_key()
        .map_or("", |key| text(object, &format!("/spec/ref/{key}")));
    let words = if written.is_empty() {
        words.to_owned()
    } else {
        format!("{url} has no {written}: {words}")
    };
    Some(Said::of_field(Slug::VersionNotFound, path, words))
}

/// Other sources that one takes in, or is made from.
fn included(object: &Value, words: &str) -> Option<Said> {
    if let Some(name) = between(words, "include '", "'") {
        let path = entry(
            object,
            &["spec", "include"],
            |entry| text(entry, "/repository/name") == name,
            "repository",
        );
        let message = if words.ends_with("not found") {
            format!(
                "there is no GitRepository {}/{name} to include",
                text(object, "/metadata/namespace")
            )
        } else {
            words.to_owned()
        };
        return Some(Said::of_field(Slug::SourceNotFound, path, message));
    }
    if text(object, "/kind") != "ArtifactGenerator" {
        return None;
    }
    let sources = object.pointer("/spec/sources").and_then(Value::as_array);
    let named = sources.into_iter().flatten().find(|source| {
        let (name, alias) = (text(source, "/name"), text(source, "/alias"));
        let is_named = |name: &str| {
            !name.is_empty()
                && (words.contains(&format!("\"{name}\""))
                    || words.contains(&format!("'{name}'"))
                    || words.contains(&format!("/{name}")))
        };
        is_named(name) || is_named(alias)
    });
    let path = match named {
        Some(named) => entry(object, &["spec", "sources"], |entry| entry == named, "name"),
        None => copied(object, words).unwrap_or_else(|| keys(&["spec", "artifacts"])),
    };
    Some(Said::of_field(Slug::ArtifactFailed, path, words))
}

/// The entry of `copy` whose pattern is named.
fn copied(object: &Value, words: &str) -> Option<FieldPath> {
    let artifacts = object.pointer("/spec/artifacts").and_then(Value::as_array)?;
    for (number, artifact) in artifacts.iter().enumerate() {
        let copies = artifact.get("copy").and_then(Value::as_array).into_iter().flatten();
        for (at, copy) in copies.enumerate() {
            for field in ["from", "to"] {
                let written = text(copy, &format!("/{field}"));
                if !written.is_empty() && words.contains(written.trim_end_matches(['/', '*'])) {
                    let mut path = keys(&["spec", "artifacts"]);
                    path.push_index(number);
                    path.push_key("copy");
                    path.push_index(at);
                    path.push_key(field);
                    return Some(path);
                }
            }
        }
    }
    None
}

fn unreachable(object: &Value, reason: &str, words: &str) -> Said {
    let path = match reason {
        "SourceIgnoreError" => ["spec", "ignore"],
        _ => place_of_source(object),
    };
    Said::of_field(
        Slug::SourceFailed,
        first_of(object, &[&path, &["metadata", "name"]]),
        words,
    )
}

/// What is said of a `HelmChart`, of which nobody has written more than its template in a `HelmRelease`.
pub(super) fn read_chart(release: &Value, reason: &str, message: &str) -> Vec<Said> {
    let words = plain(message);
    let template = |field: &str| keys(&["spec", "chart", "spec", field]);
    let (slug, path, words) = if reason == "SourceUnavailable" || words.contains("failed to get source") {
        let mut path = template("sourceRef");
        path.push_key("name");
        (
            Slug::SourceNotFound,
            path,
            source_not_found(release, "/spec/chart/spec/sourceRef"),
        )
    } else if words.contains("with version matching") || words.contains("no chart version found") {
        return vec![version(release, &words)];
    } else if words.contains("no chart name found") || words.contains("chart reference") {
        let chart = text(release, "/spec/chart/spec/chart");
        let words = if words.contains("no such file") || words.contains("no chart name") {
            format!("there is no chart {chart} in the source")
        } else {
            after(&words, "chart reference: ").unwrap_or(&words).to_owned()
        };
        (Slug::ChartNotFound, template("chart"), words)
    } else if reason == "ValuesFilesError" {
        let named = between(&words, "(reference '", "')")
            .or_else(|| between(&words, "at path '", "'"))
            .unwrap_or_default();
        let mut path = template("valuesFiles");
        let files = release
            .pointer("/spec/chart/spec/valuesFiles")
            .and_then(Value::as_array);
        if let Some(at) = files.and_then(|files| files.iter().position(|file| file.as_str() == Some(named))) {
            path.push_index(at);
        }
        (Slug::ValuesNotFound, path, words)
    } else if reason.contains("Verification") {
        (Slug::AuthenticationFailed, template("verify"), words)
    } else {
        (Slug::SourceFailed, template("chart"), words)
    };
    vec![Said {
        slug,
        message: words,
        about: About::Field(path, Want::Value),
    }]
}

/// `… chart pull error: no 'web' chart with version matching '9.x' found`.
fn version(release: &Value, words: &str) -> Said {
    let chart = text(release, "/spec/chart/spec/chart");
    let written = text(release, "/spec/chart/spec/version");
    let path = first_of(
        release,
        &[
            &["spec", "chart", "spec", "version"],
            &["spec", "chart", "spec", "chart"],
        ],
    );
    let cause = first_line(after(words, "remote reference: ").unwrap_or(words));
    Said::of_field(
        Slug::VersionNotFound,
        path,
        format!("chart {chart} has no version {written}: {cause}"),
    )
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
