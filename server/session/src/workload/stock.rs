//! What pods can name: what is there, by namespace, and which keys it has. Never a value: of `ConfigMap`s and `Secret`s
//! only the metadata is asked for, whose `managedFields` list the keys.

use std::collections::{BTreeMap, BTreeSet};

use gitops_cluster::answer::{PodReference, Referent, Trouble};
use gitops_model::nearest;
use serde_json::Value;

use super::reading::text;
use super::watch::Kind;

/// How many objects are kept.
const MAX_OBJECTS: usize = 100_000;

/// Kept up by a controller in every namespace of a cluster.
const ALWAYS_THERE: &str = "kube-root-ca.crt";

/// The keys of an object; `None` where they are not known.
type Keys = Option<BTreeSet<String>>;

/// What is there.
#[derive(Default)]
pub(super) struct Stock {
    /// By kind and namespace: names, each with its keys.
    of: BTreeMap<(Kind, String), BTreeMap<String, Keys>>,
    count: usize,
    /// The kinds of which all is known.
    listed: BTreeSet<Kind>,
}

impl Stock {
    /// Takes an object; its namespace, where that makes a difference.
    pub(super) fn take(&mut self, kind: Kind, object: &Value) -> Option<String> {
        if self.count >= MAX_OBJECTS {
            // More than can be looked through: nothing is said to be missing any more.
            self.listed.remove(&kind);
            return None;
        }
        let namespace = text(object, "/metadata/namespace").to_owned();
        let keys = keys_of(object);
        let of_namespace = self.of.entry((kind, namespace.clone())).or_default();
        match of_namespace.insert(text(object, "/metadata/name").to_owned(), keys.clone()) {
            Some(before) if before == keys => None,
            Some(_) => Some(namespace),
            None => {
                self.count += 1;
                Some(namespace)
            }
        }
    }

    /// An object is gone.
    pub(super) fn remove(&mut self, kind: Kind, namespace: &str, name: &str) {
        if let Some(of_namespace) = self.of.get_mut(&(kind, namespace.to_owned()))
            && of_namespace.remove(name).is_some()
        {
            self.count = self.count.saturating_sub(1);
        }
    }

    /// All of a kind is known now; what is not among `names` is gone.
    pub(super) fn listed(&mut self, kind: Kind, names: &BTreeSet<(String, String)>) {
        for ((of, namespace), objects) in &mut self.of {
            if *of == kind {
                objects.retain(|name, _| names.contains(&(namespace.clone(), name.clone())));
            }
        }
        self.count = self.of.values().map(BTreeMap::len).sum();
        self.listed.insert(kind);
    }

    /// What of this is missing in a namespace.
    pub(super) fn missing(&self, namespace: &str, references: &[PodReference]) -> Vec<Trouble> {
        let mut found: Vec<Trouble> = references
            .iter()
            .filter(|reference| !reference.is_optional || reference.kind == Referent::PullSecret)
            .filter_map(|reference| self.missing_one(namespace, reference))
            .collect();
        found.sort();
        found.dedup();
        found
    }

    fn missing_one(&self, namespace: &str, reference: &PodReference) -> Option<Trouble> {
        let kind = match reference.kind {
            Referent::ConfigMap => Kind::ConfigMap,
            Referent::Secret | Referent::PullSecret => Kind::Secret,
            Referent::Claim => Kind::Claim,
            Referent::ServiceAccount => Kind::ServiceAccount,
        };
        if !self.listed.contains(&kind) || reference.name == ALWAYS_THERE {
            return None;
        }
        let nothing = BTreeMap::new();
        let there = self.of.get(&(kind, namespace.to_owned())).unwrap_or(&nothing);
        let missing = |key: Option<&str>, near: Option<&str>| Trouble::Missing {
            kind: reference.kind,
            name: reference.name.clone(),
            key: key.map(str::to_owned),
            near: near.map(str::to_owned),
        };
        let Some(keys) = there.get(&reference.name) else {
            return Some(missing(
                None,
                nearest(&reference.name, there.keys().map(String::as_str)),
            ));
        };
        let (key, keys) = (reference.key.as_deref()?, keys.as_ref()?);
        (!keys.contains(key)).then(|| missing(Some(key), nearest(key, keys.iter().map(String::as_str))))
    }
}

/// The keys of a `ConfigMap` or `Secret`, by what its managers have (KEP-555). `None` where nobody says what it has.
fn keys_of(object: &Value) -> Keys {
    let managers = object.pointer("/metadata/managedFields")?.as_array()?;
    let mut keys = BTreeSet::new();
    for manager in managers
        .iter()
        .filter(|manager| text(manager, "/subresource").is_empty())
    {
        for field in ["f:data", "f:binaryData", "f:stringData"] {
            let entries = manager
                .pointer("/fieldsV1")
                .and_then(|fields| fields.get(field)?.as_object());
            let names = entries
                .into_iter()
                .flatten()
                .filter_map(|(key, _)| key.strip_prefix("f:"));
            keys.extend(names.map(str::to_owned));
        }
    }
    (!managers.is_empty()).then_some(keys)
}
