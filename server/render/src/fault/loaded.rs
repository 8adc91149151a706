//! The words for a directory without kustomization file, of which Flux makes one up: it loads every file first.

use super::words::{Read, Wanted};

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
