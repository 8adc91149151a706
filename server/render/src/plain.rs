//! Plain manifests: each document is its own object.

use std::sync::Arc;

use gitops_model::{Manifest, Origin};
use gitops_yaml::{Dialect, Document, FieldPath, Step};
use serde_json::Value;

/// An object as it is applied.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// Its identity, and where it stands.
    pub manifest: Manifest,
    /// The object.
    pub object: Arc<Value>,
}

impl Rendered {
    /// What supplies a field: for a plain manifest, the manifest.
    pub fn origin(&self, file: &Arc<str>, path: &FieldPath) -> Origin {
        Origin::of_manifest(file, &self.manifest, path)
    }
}

/// The objects of a file, as kubectl reads them: plain manifests are what kubectl applies.
///
/// An object that does not expand within its bound is left out; the text has a finding about that already.
pub fn plain<'a>(
    documents: &[Document],
    text: &str,
    manifests: impl IntoIterator<Item = &'a Manifest>,
) -> Vec<Rendered> {
    // The items of a `List` share a document, which is expanded once.
    let mut expanded: Option<(usize, Value)> = None;
    let mut rendered = Vec::new();
    for manifest in manifests {
        if expanded
            .as_ref()
            .is_none_or(|(document, _)| *document != manifest.document)
        {
            let document = documents.get(manifest.document);
            expanded = document
                .and_then(|document| document.to_json(text, Dialect::Kubectl).ok())
                .map(|value| (manifest.document, value));
        }
        let Some((_, value)) = &mut expanded else { continue };
        let object = manifest.base.steps().iter().try_fold(value, |value, step| match step {
            Step::Key(key) => value.get_mut(&**key),
            Step::Index(index) => value.get_mut(*index),
        });
        if let Some(object) = object {
            rendered.push(Rendered {
                manifest: manifest.clone(),
                object: Arc::new(object.take()),
            });
        }
    }
    rendered
}

#[cfg(test)]
mod tests {
    use gitops_model::read;
    use gitops_yaml::parse;

    use super::plain;

    #[test]
    fn the_items_of_a_list_are_objects() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: b}\n  data: {on: x}\n";
        let parsed = parse(text);
        let reading = read(&parsed.documents[0], text, 0);
        let rendered = plain(&parsed.documents, text, reading.manifests());
        let objects: Vec<String> = rendered.iter().map(|rendered| rendered.object.to_string()).collect();
        assert_eq!(
            objects,
            [
                r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#,
                r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"},"data":{"true":"x"}}"#
            ]
        );
    }
}
