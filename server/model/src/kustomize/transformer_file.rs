//! Transformers and generators in files of their own: kustomize's builtin kinds.

use super::read::{entry, field_specs, image, list, pairs, patch, replacement, texts};
use super::{Change, Field, Generator, Labels, Patch, PatchBody, Replicas, Selector};

/// What a document of a file in `transformers:` changes; [`Change::Other`] for a kind that is not builtin.
pub(super) fn change(document: &Field<'_>) -> Change {
    let other = Change::Other(document.spot());
    let is_builtin = document.text_of("apiVersion") == Some("builtin");
    let kind = document.text_of("kind").unwrap_or_default();
    if !is_builtin {
        return other;
    }
    let labels = |key: &str| Labels {
        pairs: document.get(key).map(|field| pairs(&field)).unwrap_or_default(),
        include_selectors: false,
        include_templates: false,
        fields: field_specs(document, "fieldSpecs"),
    };
    match kind {
        "LabelTransformer" => Change::Labels(labels("labels")),
        "AnnotationsTransformer" => Change::Annotations(labels("annotations")),
        "NamespaceTransformer" => document
            .get("metadata")
            .and_then(|metadata| entry(&metadata, "namespace"))
            .map_or(other, Change::Namespace),
        "PrefixTransformer" | "PrefixSuffixTransformer" => entry(document, "prefix").map_or(other, Change::Prefix),
        "SuffixTransformer" => entry(document, "suffix").map_or(other, Change::Suffix),
        "ImageTagTransformer" => document
            .get("imageTag")
            .and_then(|tag| image(&tag))
            .map_or(other, Change::Image),
        "ReplicaCountTransformer" => {
            let replica = document.get("replica");
            let count = replica.as_ref().and_then(|replica| entry(replica, "count"));
            let name = replica.as_ref().and_then(|replica| replica.text_of("name"));
            match (name, count) {
                (Some(name), Some(count)) => Change::Replicas(Replicas {
                    name: name.to_owned(),
                    count,
                }),
                _ => other,
            }
        }
        "PatchTransformer" | "PatchJson6902Transformer" => patch(document).map_or(other, Change::Patch),
        "PatchStrategicMergeTransformer" => merge_patches(document).map_or(other, Change::Patch),
        "ReplacementTransformer" => {
            let mut all = list(document, "replacements").into_iter();
            all.next()
                .map_or(other, |first| Change::Replacement(replacement(&first)))
        }
        _ => other,
    }
}

/// `patches:` of a `PatchStrategicMergeTransformer` is one text.
fn merge_patches(document: &Field<'_>) -> Option<Patch> {
    let text = document.get("patches")?;
    Some(Patch {
        spot: text.spot(),
        body: PatchBody::Inline(text.inside()?),
        target: None::<Selector>,
    })
}

/// What a document of a file in `generators:` makes, where it is one of kustomize's own two.
pub(super) fn made(document: &Field<'_>) -> Option<Generator> {
    let is_secret = match document.text_of("kind")? {
        "ConfigMapGenerator" => false,
        "SecretGenerator" => true,
        _ => return None,
    };
    let metadata = document.get("metadata")?;
    Some(Generator {
        spot: document.spot(),
        is_secret,
        name: entry(&metadata, "name")?,
        namespace: entry(&metadata, "namespace"),
        behavior: document.text_of("behavior").unwrap_or("create").to_owned(),
        literals: texts(document, "literals"),
        files: texts(document, "files"),
        envs: texts(document, "envs"),
        labels: Vec::new(),
        annotations: Vec::new(),
    })
}
