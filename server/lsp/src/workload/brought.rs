//! What the files of a session bring, as far as pods can name it, and the objects that make pods.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gitops_cluster::SentObject;
use gitops_cluster::answer::{Referent, is_sound_name};
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
    ObjectKey {
        namespace: Some(namespace_of(key).to_owned()),
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
///
/// It is kept as the session has it, and looked through when something is missing, which is seldom: an index of
/// thousands of files would be most of what a session keeps.
#[derive(Default)]
pub(super) struct Brought {
    files: BTreeMap<Arc<str>, OfFile>,
}

struct OfFile {
    objects: Arc<[Supplied]>,
    /// Texts in custom resources, which may be the names of what their controllers would make, by namespace. Only looked
    /// for when something is missing: it takes a reading of all of them.
    mentioned: OnceCell<BTreeSet<(String, String)>>,
}

impl OfFile {
    fn mentioned(&self) -> &BTreeSet<(String, String)> {
        self.mentioned.get_or_init(|| {
            let mut mentioned = BTreeSet::new();
            for supplied in self.objects.iter() {
                let key = &supplied.manifest.key;
                if is_custom(&key.gvk.group) {
                    mentioned.insert((namespace_of(key).to_owned(), key.name.clone()));
                    mention(&mut mentioned, namespace_of(key), &supplied.object.value());
                }
            }
            mentioned
        })
    }
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
    pub(super) fn set(&mut self, file: &Arc<str>, objects: &Arc<[Supplied]>) {
        if objects.is_empty() {
            self.files.remove(file);
            return;
        }
        let objects = Arc::clone(objects);
        let mentioned = OnceCell::new();
        self.files.insert(Arc::clone(file), OfFile { objects, mentioned });
    }

    /// The object of a key, as a file supplies it.
    pub(super) fn written(&self, wanted: &ObjectKey) -> Option<Written> {
        let place = |key: &ObjectKey| (namespace_of(key) == namespace_of(wanted)) && key.name == wanted.name;
        self.files.iter().find_map(|(file, of_file)| {
            let supplied = of_file.objects.iter().find(|supplied| {
                let key = &supplied.manifest.key;
                key.gvk == wanted.gvk && place(key) && can_go_wrong(key)
            })?;
            Some(Written {
                file: Arc::clone(file),
                key: ObjectKey::clone(&supplied.manifest.key),
                object: supplied.object.clone(),
            })
        })
    }

    /// Whether a file brings what a pod names, or an object from which a controller may make it that does not run here.
    pub(super) fn has(&self, kind: Referent, namespace: &str, name: &str, key: Option<&str>) -> bool {
        let kind = kind.name();
        let is_it = |supplied: &&Supplied| {
            let own = &supplied.manifest.key;
            own.name == name && own.gvk.kind == kind && own.gvk.group.is_empty() && namespace_of(own) == namespace
        };
        let has_key = |supplied: &Supplied| key.is_none_or(|key| keys_of(&supplied.object).contains(key));
        let mentioned = (namespace.to_owned(), name.to_owned());
        self.files.values().any(|of_file| {
            of_file.objects.iter().filter(is_it).any(has_key)
                || kind == "Secret" && of_file.mentioned().contains(&mentioned)
        })
    }
}

/// The namespace that an object goes to.
fn namespace_of(key: &ObjectKey) -> &str {
    key.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE)
}

/// Whether something can be wrong with an object after it was applied: it makes pods, or is a claim.
fn can_go_wrong(key: &ObjectKey) -> bool {
    makes_pods(key) || (key.gvk.group.is_empty() && key.gvk.kind == "PersistentVolumeClaim")
}

fn mention(mentioned: &mut BTreeSet<(String, String)>, namespace: &str, value: &Value) {
    match value {
        Value::String(text) if is_sound_name(text) => {
            mentioned.insert((namespace.to_owned(), text.clone()));
        }
        Value::Array(items) => items.iter().for_each(|item| mention(mentioned, namespace, item)),
        Value::Object(entries) => entries.values().for_each(|value| mention(mentioned, namespace, value)),
        _ => {}
    }
}

/// Whether a group is none of Kubernetes' own or of Flux's, whose controllers make no such things by themselves.
fn is_custom(group: &str) -> bool {
    group.contains('.') && !group.ends_with(".k8s.io") && !group.ends_with(".fluxcd.io")
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
                key: ObjectKey::of(object).into(),
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
        brought.set(&file, &Arc::from([supplied(&map)]));
        brought.set(&other, &Arc::from([supplied(&sealed)]));
        assert!(brought.has(Referent::ConfigMap, "default", "pages", Some("title")));
        assert!(!brought.has(Referent::ConfigMap, "default", "pages", Some("tilte")));
        assert!(!brought.has(Referent::ConfigMap, "other", "pages", None));
        assert!(!brought.has(Referent::Secret, "default", "pages", None));
        assert!(
            brought.has(Referent::Secret, "default", "keys", Some("any")),
            "its controller would make it"
        );
        assert!(!brought.has(Referent::ConfigMap, "default", "keys", None));
        brought.set(&file, &Arc::default());
        assert!(!brought.has(Referent::ConfigMap, "default", "pages", None));
    }
}
