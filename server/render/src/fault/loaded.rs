//! The words for what cannot be loaded: a file of a directory without kustomization file, of which Flux makes one up, and
//! what is on another machine.

use super::words::{Read, Wanted, last_resource};

/// A file that is no object, or no YAML: `failed to decode Kubernetes YAML from /clusters/east/a.yaml: …`.
pub(super) fn of_a_loaded_file(message: &str) -> Option<Read> {
    let (_, rest) = message.split_once("failed to decode Kubernetes YAML from ")?;
    let (file, why) = rest.split_once(": ")?;
    let file = file.trim_matches('/').to_owned();
    if why.contains("missing Resource metadata") || why.contains("missing metadata.name") {
        let words = "this file is no object: Flux builds every file of a directory without kustomization.yaml, and each \
                     document must have apiVersion, kind and metadata.name";
        return Some((Wanted::File(file), "not-a-resource", words.to_owned()));
    }
    let (_, line) = why.split_once("yaml: line ")?;
    let number = line.split(':').next()?.parse().ok()?;
    let words = format!(
        "this file cannot be built: {}",
        why.trim_start_matches("MalformedYAMLError: ")
    );
    Some((Wanted::Line { file, line: number }, "not-yaml", words))
}

/// Something on another machine, which kustomize would fetch by itself or have fetched by `git`.
pub(super) fn of_a_remote(message: &str) -> Option<Read> {
    let is_remote = ["nothing is fetched to build this", "no 'git' program on path"];
    if !is_remote.iter().any(|words| message.contains(words)) {
        return None;
    }
    let found = match last_resource(message) {
        Some(entry) => (Wanted::Value(entry.to_owned()), format!("{entry} is remote")),
        // Of a component kustomize does not say which.
        None => (Wanted::Remote, "something here is on another machine".to_owned()),
    };
    let (wanted, words) = found;
    Some((
        wanted,
        "remote-base",
        format!("{words}, and nothing is fetched to build this"),
    ))
}

/// Whether an entry names something on another machine.
pub(super) fn is_remote(entry: &str) -> bool {
    entry.contains("://") || entry.starts_with("github.com/") || entry.starts_with("git@")
}
