//! What the files of a session bring, as far as pods can name it, and the objects that make pods.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gitops_cluster::SentObject;
use gitops_cluster::answer::Referent;
use gitops_model::ObjectKey;
use gitops_session::Supplied;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// The namespace of an object that names none.
const DEFAULT_NAMESPACE: &str = "default";

/// Kinds of objects that something can be wrong with after they were applied.
const KINDS: &[&str] = &[
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "Pod",
    "PersistentVolumeClaim",
];

/// Whether pods come of objects of a kind.
pub(super) fn makes_pods(key: &ObjectKey) -> bool {
    matches!(key.gvk.group.as_str(), "" | "apps" | "batch")
        && KINDS.contains(&key.gvk.kind.as_str())
        && key.gvk.kind != "PersistentVolumeClaim"
}

/// The object with the namespace that it goes to.
pub(super) fn resolved(key: &ObjectKey) -> ObjectKey {
    let namespace = key.namespace.clone().or_else(|| Some(DEFAULT_NAMESPACE.to_owned()));
    ObjectKey {
        namespace,
        ..key.clone()
    }
}

/// An object that makes pods, or a claim, as a file supplies it.
#[derive(Clone)]
pub(super) struct Written {
    /// The file.
    pub(super) file: Arc<str>,
    /// Its identity as it is written.
    pub(super) key: ObjectKey,
    /// The object as it was sent.
    pub(super) object: SentObject,
}

/// What all files bring.
#[derive(Default)]
pub(super) struct Brought {
    files: BTreeMap<Arc<str>, OfFile>,
}

#[derive(Default)]
struct OfFile {
    /// Objects that make pods, and claims, by where they go.
    written: BTreeMap<ObjectKey, (ObjectKey, SentObject)>,
    /// What can be named: kind, namespace and name, with its keys.
    named: BTreeMap<(Referent, String, String), BTreeSet<String>>,
    /// Texts in custom resources, which may be the names of what their controllers would make.
    mentioned: BTreeSet<(String, String)>,
}

/// An object with keys, without its values.
#[derive(Deserialize)]
#[expect(
    clippy::zero_sized_map_values,
    reason = "values are read over, and of Secrets never kept"
)]
struct Keyed {
    #[serde(default)]
    data: Option<BTreeMap<String, IgnoredAny>>,
    #[serde(default, rename = "binaryData")]
    binary_data: Option<BTreeMap<String, IgnoredAny>>,
    #[serde(default, rename = "stringData")]
    string_data: Option<BTreeMap<String, IgnoredAny>>,
}

impl Brought {
    /// Replaces what a file brings.
    pub(super) fn set(&mut self, file: &Arc<str>, objects: &[Supplied]) {
        let mut of_file = OfFile::default();
        for supplied in objects {
            of_file.add(&supplied.manifest.key, &supplied.object);
        }
        if of_file.written.is_empty() && of_file.named.is_empty() && of_file.mentioned.is_empty() {
            self.files.remove(file);
        } else {
            self.files.insert(Arc::clone(file), of_file);
        }
    }

    /// The object of a key, as a file supplies it.
    pub(super) fn written(&self, key: &ObjectKey) -> Option<Written> {
        self.files.iter().find_map(|(file, of_file)| {
            let (written, object) = of_file.written.get(key)?;
            Some(Written {
                file: Arc::clone(file),
                key: written.clone(),
                object: object.clone(),
            })
        })
    }

    /// Whether a file brings what a pod names, or an object from which a controller may make it that does not run here.
    pub(super) fn has(&self, kind: Referent, namespace: &str, name: &str, key: Option<&str>) -> bool {
        let kind = if kind == Referent::PullSecret {
            Referent::Secret
        } else {
            kind
        };
        let named = (kind, namespace.to_owned(), name.to_owned());
        let mentioned = (namespace.to_owned(), name.to_owned());
        self.files.values().any(|of_file| {
            let has_key = |keys: &BTreeSet<String>| key.is_none_or(|key| keys.contains(key));
            of_file.named.get(&named).is_some_and(has_key)
                || (kind == Referent::Secret && of_file.mentioned.contains(&mentioned))
        })
    }
}

impl OfFile {
    fn add(&mut self, key: &ObjectKey, object: &SentObject) {
        let place = resolved(key);
        let namespace = place.namespace.clone().unwrap_or_default();
        let is_core = key.gvk.group.is_empty();
        if makes_pods(key) || (is_core && key.gvk.kind == "PersistentVolumeClaim") {
            self.written.insert(place, (key.clone(), object.clone()));
        }
        let kind = match key.gvk.kind.as_str() {
            "ConfigMap" if is_core => Some(Referent::ConfigMap),
            "Secret" if is_core => Some(Referent::Secret),
            "PersistentVolumeClaim" if is_core => Some(Referent::Claim),
            "ServiceAccount" if is_core => Some(Referent::ServiceAccount),
            _ => None,
        };
        if let Some(kind) = kind {
            let keys = match kind {
                Referent::ConfigMap | Referent::Secret => keys_of(object),
                _ => BTreeSet::new(),
            };
            self.named.insert((kind, namespace, key.name.clone()), keys);
        } else if is_custom(&key.gvk.group) {
            self.mentioned.insert((namespace.clone(), key.name.clone()));
            self.mention(&namespace, &object.value());
        }
    }

    fn mention(&mut self, namespace: &str, value: &Value) {
        match value {
            Value::String(text) if is_name(text) => {
                self.mentioned.insert((namespace.to_owned(), text.clone()));
            }
            Value::Array(items) => items.iter().for_each(|item| self.mention(namespace, item)),
            Value::Object(entries) => entries.values().for_each(|value| self.mention(namespace, value)),
            _ => {}
        }
    }
}

/// Whether a group is none of Kubernetes' own or of Flux's, whose controllers make no such things by themselves.
fn is_custom(group: &str) -> bool {
    group.contains('.') && !group.ends_with(".k8s.io") && !group.ends_with(".fluxcd.io")
}

fn is_name(text: &str) -> bool {
    let is_letter =
        |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, b'-' | b'.');
    (1..=253).contains(&text.len()) && text.bytes().all(is_letter)
}

fn keys_of(object: &SentObject) -> BTreeSet<String> {
    let Ok(keyed) = serde_json::from_slice::<Keyed>(object.json()) else {
        return BTreeSet::new();
    };
    let maps = [keyed.data, keyed.binary_data, keyed.string_data];
    let entries = maps.into_iter().flatten().flatten();
    entries.map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gitops_cluster::SentObject;
    use gitops_cluster::answer::Referent;
    use gitops_model::{Manifest, ObjectKey};
    use gitops_session::Supplied;
    use gitops_text::Span;
    use gitops_yaml::FieldPath;
    use serde_json::{Value, json};

    use super::Brought;

    fn supplied(object: &Value) -> Supplied {
        Supplied {
            manifest: Manifest {
                key: ObjectKey::of(object),
                document: 0,
                base: FieldPath::default(),
                kind_span: Span::new(0, 0),
            },
            object: SentObject::new(object),
            manager: None,
        }
    }

    #[test]
    fn what_a_file_brings_is_there_until_it_does_not() {
        let (file, other): (Arc<str>, Arc<str>) = (Arc::from("a.yaml"), Arc::from("b.yaml"));
        let mut brought = Brought::default();
        let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "pages" }, "data": { "title": "x" } });
        let sealed = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": { "name": "a", "namespace": "default" },
            "spec": { "target": { "name": "keys" } },
        });
        brought.set(&file, &[supplied(&map)]);
        brought.set(&other, &[supplied(&sealed)]);
        assert!(brought.has(Referent::ConfigMap, "default", "pages", Some("title")));
        assert!(!brought.has(Referent::ConfigMap, "default", "pages", Some("tilte")));
        assert!(!brought.has(Referent::ConfigMap, "other", "pages", None));
        assert!(!brought.has(Referent::Secret, "default", "pages", None));
        assert!(
            brought.has(Referent::Secret, "default", "keys", Some("any")),
            "its controller would make it"
        );
        assert!(!brought.has(Referent::ConfigMap, "default", "keys", None));
        brought.set(&file, &[]);
        assert!(!brought.has(Referent::ConfigMap, "default", "pages", None));
    }
}
