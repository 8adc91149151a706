//! The objects of a scene, to look them up by kind, namespace and name.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use gitops_yaml::FieldPath;
use serde_json::Value;

use super::brought::{Brought, is_chart_of};
use super::words::{DEFAULT_NAMESPACE, text};
use super::{ObjectFinding, Scene};
use crate::flux::{FluxObject, FluxSpec, SOURCE_GROUP};
use crate::near::nearest;
use crate::object::ObjectKey;

/// The objects of a scene.
pub(super) struct Index<'a> {
    pub(super) scene: Scene<'a>,
    /// The objects of each kind, by its group, in their order.
    by_kind: HashMap<&'a str, BTreeMap<&'a str, Vec<usize>>>,
    /// The first and the last object of each name, of whatever kind.
    by_name: HashMap<&'a str, (usize, usize)>,
    /// For each object the next of its name.
    next: Vec<Option<usize>>,
    /// What objects bring beside themselves.
    brought: Brought,
    /// The namespaces that charts are installed into, and which releases do it.
    charts: BTreeMap<&'a str, Vec<usize>>,
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
        let mut by_kind: HashMap<&str, BTreeMap<&str, Vec<usize>>> = HashMap::new();
        let mut by_name: HashMap<&str, (usize, usize)> = HashMap::with_capacity(scene.read.len());
        let mut next = vec![None; scene.read.len()];
        let mut charts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, read) in scene.read.iter().enumerate() {
            let gvk = &read.key.gvk;
            let of_kind = by_kind.entry(gvk.kind.as_str()).or_default();
            of_kind.entry(gvk.group.as_str()).or_default().push(at);
            let (_, last) = by_name.entry(read.key.name.as_str()).or_insert((at, at));
            if *last != at
                && let Some(next) = next.get_mut(std::mem::replace(last, at))
            {
                *next = Some(at);
            }
            if let Some(FluxSpec::HelmRelease(release)) = read.flux.as_ref().map(|object| &object.spec) {
                let namespace = release.release_namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
                charts.entry(namespace).or_default().push(at);
            }
        }
        let opened: BTreeSet<usize> = scene.owners.iter().flatten().copied().collect();
        let is_kustomization = |object: &FluxObject| matches!(object.spec, FluxSpec::Kustomization(_));
        let has_unopened = scene
            .read
            .iter()
            .enumerate()
            .any(|(at, read)| read.flux.as_ref().is_some_and(is_kustomization) && !opened.contains(&at));
        // Flux's operator makes objects of Flux's from its own.
        let has_operator = by_kind
            .values()
            .any(|groups| groups.contains_key("fluxcd.controlplane.io"));
        Self {
            brought: Brought::of(scene.objects, scene.read),
            scene,
            by_kind,
            by_name,
            next,
            charts,
            has_unknown: has_unopened || has_operator,
        }
    }

    /// The objects, each with its index and identity.
    pub(super) fn objects(&self) -> impl Iterator<Item = (usize, &ObjectKey, &'a Value)> {
        let numbered = self.scene.read.iter().zip(self.scene.objects).enumerate();
        numbered.map(|(at, (read, object))| (at, &*read.key, *object))
    }

    /// The objects of Flux's.
    pub(super) fn flux(&self) -> impl Iterator<Item = (usize, &'a FluxObject)> {
        let numbered = self.scene.read.iter().enumerate();
        numbered.filter_map(|(at, read)| Some((at, read.flux.as_ref()?)))
    }

    /// What an object says, where it is one of Flux's.
    pub(super) fn flux_of(&self, at: usize) -> Option<&'a FluxObject> {
        self.scene.read.get(at)?.flux.as_ref()
    }

    /// Whether some text of an object has a `${`.
    pub(super) fn has_variables(&self, at: usize) -> bool {
        self.scene.read.get(at).is_some_and(|read| read.has_variables)
    }

    /// The identity of an object.
    pub(super) fn key(&self, at: usize) -> Option<&'a ObjectKey> {
        self.scene.read.get(at).map(|read| &*read.key)
    }

    /// An object.
    pub(super) fn object(&self, at: usize) -> Option<&'a Value> {
        self.scene.objects.get(at).copied()
    }

    /// The objects of a group and kind.
    pub(super) fn of_kind(&self, group: &str, kind: &str) -> &[usize] {
        let groups = self.by_kind.get(kind);
        groups.and_then(|groups| groups.get(group)).map_or(&[], Vec::as_slice)
    }

    fn chain(&self, first: Option<usize>) -> impl Iterator<Item = usize> {
        std::iter::successors(first, |at| self.next.get(*at).copied().flatten())
    }

    /// The objects that have their name with others, by name.
    pub(super) fn of_one_name(&self) -> impl Iterator<Item = impl Iterator<Item = usize>> {
        let several = self.by_name.values().filter(|(first, last)| first != last);
        several.map(|(first, _)| self.chain(Some(*first)))
    }

    /// The objects of a group, kind and name, in whatever namespace.
    fn of_name(&self, group: &str, kind: &str, name: &str) -> impl Iterator<Item = usize> {
        let first = self.by_name.get(name).map(|(first, _)| *first);
        self.chain(first).filter(move |at| {
            let gvk = self.key(*at).map(|key| &key.gvk);
            gvk.is_some_and(|gvk| gvk.group == group && gvk.kind == kind)
        })
    }

    /// The namespace that an object is in, as the cluster has it.
    pub(super) fn namespace(&self, at: usize) -> &str {
        self.key(at)
            .and_then(|key| key.namespace.as_deref())
            .unwrap_or(DEFAULT_NAMESPACE)
    }

    /// What an object is called where people write its name: without prefix, suffix and hash.
    pub(super) fn called(&self, at: usize) -> &str {
        let Some(key) = self.key(at) else { return "" };
        let written = self.scene.written_names.get(at).copied().flatten();
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
        let is_it = |at: &usize| namespace.is_none_or(|namespace| self.namespace(*at) == namespace);
        self.of_name(group, kind, name).find(is_it)
    }

    /// Whether a name names something that is there or may come.
    pub(super) fn look_up(&self, name: Wanted<'_>) -> Named {
        if let Some(found) = self.find(name.group, name.kind, name.namespace, name.name) {
            return Named::There(Some(found));
        }
        if self.is_given(name) || self.is_brought(name) {
            return Named::There(None);
        }
        let others = self.of_kind(name.group, name.kind);
        let elsewhere = self.of_name(name.group, name.kind, name.name).next();
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
            || self
                .scene
                .read
                .iter()
                .any(|read| read.key.namespace.as_deref() == Some(namespace));
        if self.may_get_more(namespace) || !is_known {
            return Named::Perhaps;
        }
        named
    }

    fn is_brought(&self, name: Wanted<'_>) -> bool {
        if name.group == SOURCE_GROUP && name.kind == "HelmChart" {
            return self
                .flux()
                .any(|(_, object)| is_chart_of(object, name.namespace, name.name));
        }
        self.brought.has(name.group, name.kind, name.namespace, name.name)
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
