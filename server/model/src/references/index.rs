//! The objects of a scene, to look them up by kind, namespace and name.

use std::collections::{BTreeMap, BTreeSet};

use gitops_yaml::FieldPath;
use serde_json::Value;

use super::brought::Brought;
use super::words::{DEFAULT_NAMESPACE, text};
use super::{ObjectFinding, Scene};
use crate::flux::{FluxObject, FluxSpec};
use crate::near::nearest;
use crate::object::ObjectKey;

/// The objects of a scene.
pub(super) struct Index<'a> {
    pub(super) scene: Scene<'a>,
    /// The identity of each object.
    pub(super) keys: Vec<ObjectKey>,
    /// What each object of Flux's says.
    pub(super) flux: Vec<Option<FluxObject>>,
    /// The objects of each group and kind, in their order.
    by_kind: BTreeMap<(String, String), Vec<usize>>,
    /// What objects bring beside themselves.
    brought: Brought,
    /// The namespaces that charts are installed into, and which releases do it.
    charts: BTreeMap<String, Vec<usize>>,
    /// Whether some Kustomization is built elsewhere, so that nobody here knows what it brings.
    has_unknown: bool,
}

/// Whether a name names something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Named {
    /// It is there: which object, where it is one of the scene.
    There(Option<usize>),
    /// Somebody may bring it of whom that is not known.
    Perhaps,
    /// Not in this namespace, but in the one of this object.
    Elsewhere(usize),
    /// Not there, but this is, which is nearly the same.
    Near(usize),
    /// Not there, and nobody brings it.
    Nowhere,
}

/// A name that an object gives to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// The object that names it.
    pub(super) from: usize,
    /// API group; empty for the core group.
    pub(super) group: &'a str,
    /// Kind.
    pub(super) kind: &'a str,
    /// Namespace; `None` for an object that is in none.
    pub(super) namespace: Option<&'a str>,
    /// Name.
    pub(super) name: &'a str,
}

impl<'a> Index<'a> {
    pub(super) fn of(scene: Scene<'a>) -> Self {
        let keys: Vec<ObjectKey> = scene.objects.iter().map(|object| ObjectKey::of(object)).collect();
        let flux: Vec<Option<FluxObject>> = scene.objects.iter().map(|object| FluxObject::read(object)).collect();
        let mut by_kind: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for (at, key) in keys.iter().enumerate() {
            let kind = (key.gvk.group.clone(), key.gvk.kind.clone());
            by_kind.entry(kind).or_default().push(at);
        }
        let mut charts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, object) in flux.iter().enumerate() {
            if let Some(FluxSpec::HelmRelease(release)) = object.as_ref().map(|object| &object.spec) {
                let namespace = release.release_namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
                charts.entry(namespace.to_owned()).or_default().push(at);
            }
        }
        let opened: BTreeSet<usize> = scene.owners.iter().flatten().copied().collect();
        let is_kustomization = |object: &FluxObject| matches!(object.spec, FluxSpec::Kustomization(_));
        let has_unopened = flux
            .iter()
            .enumerate()
            .any(|(at, object)| object.as_ref().is_some_and(is_kustomization) && !opened.contains(&at));
        // Flux's operator makes objects of Flux's from its own.
        let has_operator = keys.iter().any(|key| key.gvk.group == "fluxcd.controlplane.io");
        Self {
            brought: Brought::of(scene.objects, &keys, &flux),
            scene,
            keys,
            flux,
            by_kind,
            charts,
            has_unknown: has_unopened || has_operator,
        }
    }

    /// The objects, each with its index and identity.
    pub(super) fn objects(&self) -> impl Iterator<Item = (usize, &ObjectKey, &'a Value)> {
        let numbered = self.keys.iter().zip(self.scene.objects).enumerate();
        numbered.map(|(at, (key, object))| (at, key, *object))
    }

    /// An object.
    pub(super) fn object(&self, at: usize) -> Option<&'a Value> {
        self.scene.objects.get(at).copied()
    }

    /// The objects of a group and kind.
    pub(super) fn of_kind(&self, group: &str, kind: &str) -> &[usize] {
        self.by_kind
            .get(&(group.to_owned(), kind.to_owned()))
            .map_or(&[], Vec::as_slice)
    }

    /// The namespace that an object is in, as the cluster has it.
    pub(super) fn namespace(&self, at: usize) -> &str {
        self.keys
            .get(at)
            .and_then(|key| key.namespace.as_deref())
            .unwrap_or(DEFAULT_NAMESPACE)
    }

    /// What an object is called where people write its name: without prefix, suffix and hash.
    pub(super) fn called(&self, at: usize) -> &str {
        let Some(key) = self.keys.get(at) else { return "" };
        let written = self.scene.written_names.get(at).and_then(Option::as_deref);
        if let Some(written) = written.filter(|written| !written.is_empty() && key.name.contains(written)) {
            return written;
        }
        let is_generated = written.is_none() && matches!(key.gvk.kind.as_str(), "ConfigMap" | "Secret");
        let without = key
            .name
            .rsplit_once('-')
            .filter(|(_, hash)| is_generated && is_hash(hash));
        without.map_or(key.name.as_str(), |(name, _)| name)
    }

    /// The object with this name, whatever version it is written in.
    pub(super) fn find(&self, group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Option<usize> {
        let is_it = |at: &&usize| {
            let key = self.keys.get(**at);
            key.is_some_and(|key| key.name == name)
                && namespace.is_none_or(|namespace| self.namespace(**at) == namespace)
        };
        self.of_kind(group, kind).iter().find(is_it).copied()
    }

    /// Whether a name names something that is there or may come.
    pub(super) fn look_up(&self, name: Wanted<'_>) -> Named {
        if let Some(found) = self.find(name.group, name.kind, name.namespace, name.name) {
            return Named::There(Some(found));
        }
        if self.is_given(name) || self.brought.has(name.group, name.kind, name.namespace, name.name) {
            return Named::There(None);
        }
        let others = self.of_kind(name.group, name.kind);
        let of_name = |at: &&usize| self.keys.get(**at).is_some_and(|key| key.name == name.name);
        let elsewhere = others.iter().find(of_name).copied();
        if elsewhere.is_some_and(|at| self.object(at).is_some_and(is_copied)) {
            return Named::Perhaps;
        }
        let is_flux = name.group.ends_with(".fluxcd.io");
        let chart = !is_flux && self.has_chart(name.namespace, name.from);
        let custom = !is_flux && self.brought.may_have(name.from, name.namespace, name.name);
        if custom {
            return Named::Perhaps;
        }
        if let Some(at) = elsewhere {
            return Named::Elsewhere(at);
        }
        let here = others
            .iter()
            .filter(|at| name.namespace.is_none_or(|namespace| self.namespace(**at) == namespace));
        let here: Vec<(usize, &str)> = here.map(|at| (*at, self.called(*at))).collect();
        let near = nearest(name.name, here.iter().map(|(_, name)| *name));
        // Of what a chart brings the name may well begin like another's.
        let near = near.filter(|near| !(chart || self.has_unknown) || is_slip(name.name, near));
        if let Some((at, _)) = near.and_then(|near| here.iter().find(|(_, name)| *name == near)) {
            return Named::Near(*at);
        }
        if chart || self.has_unknown {
            return Named::Perhaps;
        }
        Named::Nowhere
    }

    /// The same for what a chart may well bring: a name in another namespace says nothing where one is installed, nor does
    /// a namespace of which nothing else is here.
    pub(super) fn look_up_beside_charts(&self, name: Wanted<'_>) -> Named {
        let named = self.look_up(name);
        let Some(namespace) = name
            .namespace
            .filter(|_| !matches!(named, Named::There(_) | Named::Near(_)))
        else {
            return named;
        };
        let is_known = self.namespace(name.from) == namespace
            || self.keys.iter().any(|key| key.namespace.as_deref() == Some(namespace));
        if self.may_get_more(namespace) || !is_known {
            return Named::Perhaps;
        }
        named
    }

    fn is_given(&self, name: Wanted<'_>) -> bool {
        self.scene.given.iter().any(|given| {
            given.gvk.group == name.group
                && given.gvk.kind == name.kind
                && given.name == name.name
                && name
                    .namespace
                    .is_none_or(|namespace| given.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE) == namespace)
        })
    }

    /// Whether a chart of another release may bring things into a namespace.
    fn has_chart(&self, namespace: Option<&str>, from: usize) -> bool {
        match namespace {
            Some(namespace) => {
                let releases = self.charts.get(namespace);
                releases.is_some_and(|releases| releases.iter().any(|release| *release != from))
            }
            None => !self.charts.is_empty(),
        }
    }

    /// Whether somebody may bring objects into a namespace of whom nobody knows here what they are.
    pub(super) fn may_get_more(&self, namespace: &str) -> bool {
        self.has_unknown || self.charts.contains_key(namespace)
    }
}

impl Named {
    /// What there is to say of a name that names nothing: what is wrong, and what is there instead.
    pub(super) fn finding(
        &self,
        index: &Index<'_>,
        at: usize,
        field: FieldPath,
        slug: &'static str,
        what: &str,
    ) -> Option<ObjectFinding> {
        let warning = |hint: &str| ObjectFinding::warning(at, field.clone(), slug, format!("{what}{hint}"));
        match self {
            Self::There(_) | Self::Perhaps => None,
            Self::Nowhere => Some(warning("")),
            Self::Elsewhere(other) => {
                let hint = format!("; there is one in namespace {}", index.namespace(*other));
                Some(warning(&hint).beside(*other, FieldPath::new(), "it is here, in another namespace"))
            }
            Self::Near(other) => {
                let name = index.called(*other);
                let mut finding =
                    warning(&format!("; did you mean \"{name}\"?")).beside(*other, FieldPath::new(), "this is there");
                finding.instead = Some(name.to_owned());
                Some(finding)
            }
        }
    }
}

/// Whether a part of a name is a hash of kustomize's, of whose letters none is a vowel (`api/hasher`).
fn is_hash(part: &str) -> bool {
    part.len() == 10 && part.chars().all(|letter| "bcdfghkmt2456789".contains(letter))
}

/// Whether two names differ by what a slip of the fingers makes of one.
fn is_slip(written: &str, meant: &str) -> bool {
    let distance = strsim::damerau_levenshtein(written, meant);
    let is_part = written.starts_with(meant) || meant.starts_with(written);
    !is_part && (distance <= 1 || (distance == 2 && written.len() >= 8))
}

/// Whether an operator copies an object into other namespaces, as annotations ask it to.
fn is_copied(object: &Value) -> bool {
    let annotations = object.pointer("/metadata/annotations").and_then(Value::as_object);
    annotations.into_iter().flatten().any(|(key, _)| {
        ["reflect", "replicat", "kubed", "sync"]
            .iter()
            .any(|word| key.contains(word))
    }) || text(object, "/metadata/labels/app.kubernetes.io~1managed-by").is_some_and(|by| by == "kubed")
}
