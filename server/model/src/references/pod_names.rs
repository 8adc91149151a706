//! What pods refer to: data in a ConfigMap or Secret with its keys, claims, service accounts.

use gitops_yaml::FieldPath;
use serde_json::Value;

use super::ObjectFinding;
use super::index::{Index, Named, Wanted};
use super::pods::templates;
use super::words::{below, item, list, shown, text};
use crate::near::nearest;

pub(super) fn look(index: &Index<'_>, found: &mut Vec<ObjectFinding>) {
    for (at, pointer, template) in templates(index) {
        let mut base = FieldPath::new();
        for key in pointer.split('/').filter(|key| !key.is_empty()) {
            base.push_key(key);
        }
        let mut names = Names { at, found: Vec::new() };
        if let Some(spec) = template.get("spec") {
            names.of_pod(spec, &below(&base, &["spec"]));
        }
        found.extend(names.found.iter().filter_map(|wanted| of_wanted(index, wanted)));
    }
}

/// Something that a pod wants.
struct WantedByPod {
    at: usize,
    kind: &'static str,
    name: String,
    field: FieldPath,
    key: Option<(String, FieldPath)>,
}

/// What the pods of one object want.
struct Names {
    at: usize,
    found: Vec<WantedByPod>,
}

impl Names {
    fn add(&mut self, kind: &'static str, holder: &Value, field: &FieldPath, name: &str) {
        if holder.get("optional") == Some(&Value::Bool(true)) {
            return;
        }
        let Some(written) = text(holder, &format!("/{name}")) else {
            return;
        };
        let key = text(holder, "/key").map(|key| (key.to_owned(), below(field, &["key"])));
        self.found.push(WantedByPod {
            at: self.at,
            kind,
            name: written.to_owned(),
            field: below(field, &[name]),
            key,
        });
    }

    fn of_pod(&mut self, spec: &Value, base: &FieldPath) {
        self.add("ServiceAccount", spec, base, "serviceAccountName");
        for (number, secret) in list(spec, "/imagePullSecrets") {
            self.add(
                "Secret",
                secret,
                &item(&below(base, &["imagePullSecrets"]), number),
                "name",
            );
        }
        for (number, volume) in list(spec, "/volumes") {
            let field = item(&below(base, &["volumes"]), number);
            self.of_volume(volume, &field);
            for (source, projected) in list(volume, "/projected/sources") {
                let field = item(&below(&field, &["projected", "sources"]), source);
                for (key, kind) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
                    if let Some(holder) = projected.get(key) {
                        self.add(kind, holder, &below(&field, &[key]), "name");
                    }
                }
            }
        }
        for containers in ["containers", "initContainers"] {
            for (number, container) in list(spec, &format!("/{containers}")) {
                self.of_container(container, &item(&below(base, &[containers]), number));
            }
        }
    }

    fn of_volume(&mut self, volume: &Value, field: &FieldPath) {
        for (key, kind, name) in [
            ("configMap", "ConfigMap", "name"),
            ("secret", "Secret", "secretName"),
            ("persistentVolumeClaim", "PersistentVolumeClaim", "claimName"),
        ] {
            if let Some(holder) = volume.get(key) {
                self.add(kind, holder, &below(field, &[key]), name);
            }
        }
    }

    fn of_container(&mut self, container: &Value, base: &FieldPath) {
        for (number, variable) in list(container, "/env") {
            let field = item(&below(base, &["env"]), number);
            for (key, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
                if let Some(holder) = variable.pointer(&format!("/valueFrom/{key}")) {
                    self.add(kind, holder, &below(&field, &["valueFrom", key]), "name");
                }
            }
        }
        for (number, from) in list(container, "/envFrom") {
            let field = item(&below(base, &["envFrom"]), number);
            for (key, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
                if let Some(holder) = from.get(key) {
                    self.add(kind, holder, &below(&field, &[key]), "name");
                }
            }
        }
    }
}

fn of_wanted(index: &Index<'_>, wanted: &WantedByPod) -> Option<ObjectFinding> {
    let namespace = index.namespace(wanted.at);
    let named = index.look_up_beside_charts(Wanted {
        from: wanted.at,
        group: "",
        kind: wanted.kind,
        namespace: Some(namespace),
        name: &wanted.name,
    });
    if let Named::There(Some(there)) = named {
        return of_key(index, there, wanted);
    }
    let what = format!("{} \"{}\" not found in namespace {namespace}", wanted.kind, wanted.name);
    let mut finding = named.finding(index, wanted.at, wanted.field.clone(), "data-not-found", &what)?;
    if wanted.kind == "Secret" && named == Named::Nowhere {
        finding.message += "; if it is made by hand, put one with stand-in values here for the sandbox";
    }
    Some(finding)
}

fn of_key(index: &Index<'_>, there: usize, wanted: &WantedByPod) -> Option<ObjectFinding> {
    let (key, field) = wanted.key.as_ref()?;
    let object = index.object(there)?;
    let entries = ["data", "stringData", "binaryData"].into_iter();
    let entries = entries.filter_map(|field| object.get(field)?.as_object());
    let keys: Vec<&str> = entries.flat_map(serde_json::Map::keys).map(String::as_str).collect();
    if keys.contains(&key.as_str()) || is_filled_later(object, &keys) {
        return None;
    }
    let near = nearest(key, keys.iter().copied());
    let hint = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
    let message = format!("key \"{key}\" not found in {}{hint}", shown(index, there));
    let mut finding = ObjectFinding::warning(wanted.at, field.clone(), "key-not-found", message).beside(
        there,
        FieldPath::new(),
        "this has no such key",
    );
    finding.instead = near.map(str::to_owned);
    Some(finding)
}

/// Whether a controller fills an object, such as the token of a service account.
fn is_filled_later(object: &Value, keys: &[&str]) -> bool {
    keys.is_empty() || text(object, "/type") == Some("kubernetes.io/service-account-token")
}
