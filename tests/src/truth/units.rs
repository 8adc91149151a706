//! What is built on its own: the target, and every Kustomization of Flux that follows from it.

use std::collections::BTreeMap;

use gitops_model::flux::{FluxObject, FluxSpec, Kustomization, Reference, Substitution};
use serde_json::{Value, json};

use super::trees::WORK_TREE;

/// A directory that is built.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Name of the tree.
    pub tree: String,
    /// The directory in it.
    pub directory: String,
    /// The Kustomization of Flux that names it; `None` for a target that is none of Flux's.
    pub kustomization: Option<Value>,
    /// Namespace and name of that; empty for the entry.
    pub name: (String, String),
    /// Values of variables; `None` where nobody substitutes.
    pub variables: Option<BTreeMap<String, String>>,
    /// Whether the unit waits for its health.
    pub waits: bool,
}

impl Unit {
    /// The target itself.
    pub fn root(directory: &str, is_flux: bool) -> Self {
        Self {
            tree: WORK_TREE.to_owned(),
            directory: directory.to_owned(),
            kustomization: is_flux.then(|| json!({ "spec": {} })),
            name: (String::new(), String::new()),
            variables: None,
            waits: false,
        }
    }
}

/// The unit that an object stands for; with the Kustomization, whose variables are still to be found.
pub fn of_object(object: &Value, target: &str) -> Option<(Unit, Box<Kustomization>)> {
    let read = FluxObject::read(object)?;
    let FluxSpec::Kustomization(kustomization) = read.spec else {
        return None;
    };
    let source = kustomization.source.clone()?;
    let namespace = read.key.namespace.unwrap_or_default();
    let tree = match source.kind.as_str() {
        "GitRepository" => WORK_TREE.to_owned(),
        "ExternalArtifact" => format!("{}/{}", source.namespace.as_deref().unwrap_or(&namespace), source.name),
        _ => return None,
    };
    if tree == WORK_TREE && kustomization.directory == target {
        return None;
    }
    let unit = Unit {
        tree,
        directory: kustomization.directory.clone(),
        kustomization: Some(object.clone()),
        name: (namespace, read.key.name),
        variables: None,
        waits: kustomization.waits || !kustomization.health_checks.is_empty(),
    };
    Some((unit, kustomization))
}

/// Whether all objects are there that variables come from.
pub fn values_are_known(kustomization: &Kustomization, namespace: &str, objects: &[&Value]) -> bool {
    let mut references = kustomization.substitute_from.iter();
    references.all(|reference| reference.is_optional || find(reference, namespace, objects).is_some())
}

/// The variables, put together as kustomize-controller does.
pub fn variables(
    kustomization: &Kustomization,
    namespace: &str,
    objects: &[&Value],
) -> Option<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    for reference in &kustomization.substitute_from {
        let entries = find(reference, namespace, objects).map(data_of);
        variables.extend(entries.into_iter().flatten());
    }
    variables.extend(kustomization.substitute.clone());
    match kustomization.substitution {
        Substitution::Never => None,
        Substitution::WithVariables => (!variables.is_empty()).then_some(variables),
        Substitution::Always => Some(variables),
    }
}

/// The object that a reference means.
pub fn find<'a>(reference: &Reference, namespace: &str, objects: &[&'a Value]) -> Option<&'a Value> {
    let wanted = reference.namespace.as_deref().unwrap_or(namespace);
    objects.iter().copied().find(|object| {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        text("/kind") == Some(&reference.kind)
            && text("/metadata/name") == Some(&reference.name)
            && text("/metadata/namespace").unwrap_or("default") == wanted
    })
}

/// What a ConfigMap or a Secret holds as text.
pub fn data_of(object: &Value) -> BTreeMap<String, String> {
    let is_secret = object.get("kind").and_then(Value::as_str) == Some("Secret");
    let mut data = BTreeMap::new();
    for field in ["data", "stringData"] {
        for (key, value) in object.get(field).and_then(Value::as_object).into_iter().flatten() {
            let Some(text) = value.as_str() else { continue };
            let text = if is_secret && field == "data" {
                decoded(text)
            } else {
                Some(text.to_owned())
            };
            data.extend(text.map(|text| (key.clone(), text)));
        }
    }
    data
}

/// Base64 by RFC 4648, blanks left out; `None` where it is none, or no text.
pub fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn secrets_are_decoded() {
        assert_eq!(decoded("aG9zdA==").as_deref(), Some("host"));
        assert_eq!(decoded("a: b"), None);
        assert_eq!(decoded("/w=="), None);
    }
}
