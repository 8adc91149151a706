//! What a pod names and cannot start without.

use gitops_model::{Gvk, Severity};
use gitops_yaml::FieldPath;
use serde_json::Value;

use super::super::pods::{containers, spec_path};
use super::super::sent::{value_at, with_index, with_key, with_keys};
use super::super::{Answer, Suggestion};
use super::trouble::Referent;
use super::{Subject, WOULD_NOT_START, named};

/// A name, or a key of something named, in the pod of an object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PodReference {
    /// What is named.
    pub kind: Referent,
    /// Its name.
    pub name: String,
    /// The key in it, where one is named.
    pub key: Option<String>,
    /// Whether the pod starts without it.
    pub is_optional: bool,
    /// Where the key stands, or the name where no key is named.
    pub path: FieldPath,
    /// Where the name stands.
    pub path_of_name: FieldPath,
    /// The volume that it is for.
    pub volume: Option<String>,
}

/// Everything that the pod of an object names, in the order of its fields; empty for an object without a pod.
pub fn references(gvk: &Gvk, object: &Value) -> Vec<PodReference> {
    let Some(spec) = spec_path(gvk, object) else {
        return Vec::new();
    };
    let mut found = Found {
        object,
        references: Vec::new(),
        volume: None,
    };
    for field in ["serviceAccountName", "serviceAccount"] {
        let path = with_key(&spec, field);
        if found.text(&path).is_some() {
            found.add(Referent::ServiceAccount, &path, None, false);
            break;
        }
    }
    for item in found.items(&with_key(&spec, "imagePullSecrets")) {
        found.add(Referent::PullSecret, &with_key(&item, "name"), None, true);
    }
    for volume in found.items(&with_key(&spec, "volumes")) {
        found.volume = found.text(&with_key(&volume, "name")).map(str::to_owned);
        found.of_volume(&volume);
    }
    found.volume = None;
    for container in containers(gvk, object) {
        found.of_container(&container.path);
    }
    found.references
}

struct Found<'a> {
    object: &'a Value,
    references: Vec<PodReference>,
    volume: Option<String>,
}

impl<'a> Found<'a> {
    fn text(&self, path: &FieldPath) -> Option<&'a str> {
        value_at(self.object, path)?.as_str().filter(|text| !text.is_empty())
    }

    fn items(&self, path: &FieldPath) -> Vec<FieldPath> {
        let count = value_at(self.object, path)
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        (0..count).map(|index| with_index(path, index)).collect()
    }

    fn is_optional(&self, owner: &FieldPath) -> bool {
        value_at(self.object, &with_key(owner, "optional")) == Some(&Value::Bool(true))
    }

    fn add(&mut self, kind: Referent, path_of_name: &FieldPath, key: Option<&FieldPath>, is_optional: bool) {
        let Some(name) = self.text(path_of_name) else { return };
        let path = key.filter(|key| self.text(key).is_some());
        self.references.push(PodReference {
            kind,
            name: name.to_owned(),
            key: path.and_then(|path| self.text(path)).map(str::to_owned),
            is_optional,
            path: path.unwrap_or(path_of_name).clone(),
            path_of_name: path_of_name.clone(),
            volume: self.volume.clone(),
        });
    }

    /// A source of a volume: the object, and each of its keys that is taken by name.
    fn add_source(&mut self, kind: Referent, source: &FieldPath, name: &str) {
        let is_optional = self.is_optional(source);
        let path = with_key(source, name);
        self.add(kind, &path, None, is_optional);
        for item in self.items(&with_key(source, "items")) {
            self.add(kind, &path, Some(&with_key(&item, "key")), is_optional);
        }
    }

    fn of_volume(&mut self, volume: &FieldPath) {
        let of = |keys: &[&str]| with_keys(volume, keys);
        self.add_source(Referent::ConfigMap, &of(&["configMap"]), "name");
        self.add_source(Referent::Secret, &of(&["secret"]), "secretName");
        self.add(
            Referent::Claim,
            &of(&["persistentVolumeClaim", "claimName"]),
            None,
            false,
        );
        self.add(Referent::Secret, &of(&["azureFile", "secretName"]), None, false);
        for driver in ["cephfs", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos"] {
            self.add(Referent::Secret, &of(&[driver, "secretRef", "name"]), None, false);
        }
        self.add(
            Referent::Secret,
            &of(&["csi", "nodePublishSecretRef", "name"]),
            None,
            false,
        );
        for source in self.items(&of(&["projected", "sources"])) {
            self.add_source(Referent::ConfigMap, &with_key(&source, "configMap"), "name");
            self.add_source(Referent::Secret, &with_key(&source, "secret"), "name");
        }
    }

    fn of_container(&mut self, container: &FieldPath) {
        for variable in self.items(&with_key(container, "env")) {
            for (field, kind) in [
                ("configMapKeyRef", Referent::ConfigMap),
                ("secretKeyRef", Referent::Secret),
            ] {
                let source = with_keys(&variable, &["valueFrom", field]);
                let is_optional = self.is_optional(&source);
                self.add(
                    kind,
                    &with_key(&source, "name"),
                    Some(&with_key(&source, "key")),
                    is_optional,
                );
            }
        }
        for all in self.items(&with_key(container, "envFrom")) {
            for (field, kind) in [("configMapRef", Referent::ConfigMap), ("secretRef", Referent::Secret)] {
                let source = with_key(&all, field);
                let is_optional = self.is_optional(&source);
                self.add(kind, &with_key(&source, "name"), None, is_optional);
            }
        }
    }
}

/// The places that name what is not there.
pub(super) fn places(subject: &Subject<'_>, kind: Referent, name: &str, key: Option<&str>) -> Vec<FieldPath> {
    let mut places: Vec<FieldPath> = references(subject.gvk, subject.sent)
        .into_iter()
        .filter(|reference| reference.kind == kind && reference.name == name)
        .filter(|reference| !reference.is_optional || kind == Referent::PullSecret)
        .filter(|reference| key.is_none() || reference.key.as_deref() == key)
        .map(|reference| {
            if key.is_some() {
                reference.path
            } else {
                reference.path_of_name
            }
        })
        .collect();
    places.dedup();
    places
}

/// The answers to something that was looked for and is not there.
pub(super) fn missing(
    subject: &Subject<'_>,
    kind: Referent,
    name: &str,
    key: Option<&str>,
    near: Option<&str>,
) -> Vec<Answer> {
    let meant = near.map_or_else(String::new, |near| format!("; did you mean {}?", named(near)));
    let what = match key {
        Some(key) => format!("{} {} has no key {}", kind.name(), named(name), named(key)),
        None => format!("{} {} is not there", kind.name(), named(name)),
    };
    let words = match kind {
        Referent::PullSecret => format!("{what}, and images would be pulled without it{meant}"),
        _ => format!("would not start: {what}{meant}"),
    };
    places(subject, kind, name, key)
        .iter()
        .map(|path| {
            let mut answer = subject.at(path, WOULD_NOT_START, words.clone());
            answer.severity = Severity::Warning;
            if let Some(near) = near {
                answer.suggestion = Suggestion::Replace(vec![super::super::wording::yaml_scalar(near)]);
            }
            answer
        })
        .collect()
}
