//! What objects bring beside themselves: the Secret of a certificate, the artifacts of a generator.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ReadObject;
use super::words::{DEFAULT_NAMESPACE, list, text};
use crate::flux::{Chart, FluxObject, FluxSpec, SOURCE_GROUP};
use crate::object::ObjectKey;

/// The groups of the API server itself that have no dot, beside those that end in `.k8s.io`.
const BUILT_IN: [&str; 5] = ["", "apps", "batch", "autoscaling", "policy"];

/// How long a name of an object is at most.
const LONGEST_NAME: usize = 253;

/// What is brought.
#[derive(Debug, Default)]
pub(super) struct Brought {
    /// Group, kind, namespace (none for all) and name.
    known: BTreeSet<(String, String, Option<String>, String)>,
    /// Texts that custom resources have, each with the resources, by their namespace; none for what is in none.
    mentioned: BTreeMap<Option<String>, BTreeMap<String, Vec<usize>>>,
    /// Names of custom resources likewise: what an operator makes of one often begins with its name.
    custom: BTreeMap<Option<String>, BTreeSet<String>>,
}

impl Brought {
    pub(super) fn of(objects: &[&Value], read: &[&ReadObject]) -> Self {
        let mut brought = Self::default();
        // The cluster puts these into every namespace.
        for (kind, name) in [("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")] {
            brought.add("", kind, None, name);
        }
        for (at, (object, ReadObject { key, flux, .. })) in objects.iter().zip(read).enumerate() {
            match flux {
                Some(flux) => brought.of_flux(flux),
                None if is_custom(&key.gvk.group) => brought.of_custom(at, object, key),
                None => brought.of_built_in(object, key),
            }
        }
        brought
    }

    fn add(&mut self, group: &str, kind: &str, namespace: Option<String>, name: &str) {
        self.known
            .insert((group.to_owned(), kind.to_owned(), namespace, name.to_owned()));
    }

    fn of_flux(&mut self, object: &FluxObject) {
        let namespace = object
            .key
            .namespace
            .clone()
            .unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
        match &object.spec {
            FluxSpec::ArtifactGenerator(generator) => {
                for artifact in &generator.artifacts {
                    self.add(
                        SOURCE_GROUP,
                        "ExternalArtifact",
                        Some(namespace.clone()),
                        &artifact.name,
                    );
                }
            }
            // What a release brings is asked for seldom, and there are many: see `is_chart_of`.
            FluxSpec::HelmRelease(_) | FluxSpec::Kustomization(_) | FluxSpec::Source(_) => {}
        }
    }

    /// A custom resource brings what its operator makes of it. For some that is known; for all others a text of it may
    /// be the name of what is made.
    fn of_custom(&mut self, at: usize, object: &Value, key: &ObjectKey) {
        let namespace = Some(key.namespace.clone().unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()));
        let own = key.name.as_str();
        let secret = match (key.gvk.group.as_str(), key.gvk.kind.as_str()) {
            ("external-secrets.io", "ExternalSecret") => text(object, "/spec/target/name").or(Some(own)),
            ("bitnami.com", "SealedSecret") => text(object, "/spec/template/metadata/name").or(Some(own)),
            ("onepassword.com", "OnePasswordItem") => Some(own),
            _ => None,
        };
        if let Some(secret) = secret {
            self.add("", "Secret", namespace, secret);
        }
        // A resource of the whole cluster, or one for several namespaces, may bring things anywhere.
        let place = key.namespace.clone().filter(|_| !key.gvk.kind.starts_with("Cluster"));
        // Routes name what is there, and bring nothing.
        if key.gvk.group != "gateway.networking.k8s.io" {
            self.custom.entry(place.clone()).or_default().insert(own.to_owned());
            mention(at, object, self.mentioned.entry(place).or_default());
        }
    }

    fn of_built_in(&mut self, object: &Value, key: &ObjectKey) {
        let namespace = Some(key.namespace.clone().unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()));
        match (key.gvk.group.as_str(), key.gvk.kind.as_str()) {
            // Whoever makes certificates puts them into the Secret that the Ingress names.
            ("networking.k8s.io", "Ingress") => {
                for (_, tls) in list(object, "/spec/tls") {
                    if let Some(secret) = text(tls, "/secretName") {
                        self.add("", "Secret", namespace.clone(), secret);
                    }
                }
            }
            // A claim of a StatefulSet is TEMPLATE-SET-ORDINAL.
            ("apps", "StatefulSet") => {
                for (_, template) in list(object, "/spec/volumeClaimTemplates") {
                    if let Some(name) = text(template, "/metadata/name") {
                        let replicas = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
                        for ordinal in 0..replicas.min(32) {
                            let claim = format!("{name}-{}-{ordinal}", key.name);
                            self.add("", "PersistentVolumeClaim", namespace.clone(), &claim);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether something is brought for certain.
    pub(super) fn has(&self, group: &str, kind: &str, namespace: Option<&str>, name: &str) -> bool {
        let has = |namespace: Option<&str>| {
            let key = (
                group.to_owned(),
                kind.to_owned(),
                namespace.map(str::to_owned),
                name.to_owned(),
            );
            self.known.contains(&key)
        };
        has(namespace) || has(None)
    }

    /// Whether something of this name may be brought by a custom resource other than the one that names it.
    pub(super) fn may_have(&self, from: usize, namespace: Option<&str>, name: &str) -> bool {
        let of_custom = |own: &String| {
            name.strip_prefix(own.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        [namespace.map(str::to_owned), None].iter().any(|place| {
            let mentioned = self.mentioned.get(place).and_then(|texts| texts.get(name));
            mentioned.is_some_and(|by| by.iter().any(|by| *by != from))
                || self.custom.get(place).is_some_and(|names| names.iter().any(of_custom))
        })
    }
}

/// Whether a release has helm-controller make a `HelmChart` of this name in this namespace.
pub(super) fn is_chart_of(object: &FluxObject, namespace: Option<&str>, name: &str) -> bool {
    let FluxSpec::HelmRelease(release) = &object.spec else {
        return false;
    };
    let Chart::Template(template) = &release.chart else {
        return false;
    };
    let own = object.key.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
    let source = template.source.as_ref().and_then(|source| source.namespace.as_deref());
    let rest = name.strip_prefix(own).and_then(|rest| rest.strip_prefix('-'));
    rest == Some(&object.key.name) && namespace == Some(source.unwrap_or(own))
}

/// Whether objects of a group are made by an operator rather than the API server or Flux.
pub(super) fn is_custom(group: &str) -> bool {
    !BUILT_IN.contains(&group) && !group.ends_with(".fluxcd.io") && !is_built_in_of_kubernetes(group)
}

fn is_built_in_of_kubernetes(group: &str) -> bool {
    // `gateway.networking.k8s.io` and its like are custom resources, too.
    group
        .strip_suffix(".k8s.io")
        .is_some_and(|name| !name.contains('.') || name == "rbac.authorization" || name == "flowcontrol.apiserver")
}

/// Short texts of a value.
fn mention(at: usize, value: &Value, texts: &mut BTreeMap<String, Vec<usize>>) {
    match value {
        Value::String(text) if text.len() <= LONGEST_NAME => texts.entry(text.clone()).or_default().push(at),
        Value::Array(items) => items.iter().for_each(|item| mention(at, item, texts)),
        Value::Object(entries) => {
            // What it is called itself, and its labels, are no names of others.
            let spec = entries.iter().filter(|(key, _)| *key != "metadata");
            spec.for_each(|(_, value)| mention(at, value, texts));
        }
        _ => {}
    }
}
