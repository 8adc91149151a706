//! The index of everything that has to do with pods: what is kept, and what follows from it for each object that somebody
//! wrote. Pure: changes go in, news come out.

use std::collections::{BTreeMap, BTreeSet};

use gitops_cluster::answer::Trouble;
use gitops_model::ObjectKey;
use serde_json::Value;

use super::WorkloadNews;
use super::claim;
use super::event::Events;
use super::needs::Needs;
use super::owned::Owned;
use super::pod::Pod;
use super::reading::{Uid, controller, key, text, uid};
use super::refusals::Refusals;
use super::stock::Stock;
use super::watch::{Change, Kind};
use images::Images;

/// How many objects of one kind are kept; more is no sandbox.
const MAX_OF_KIND: usize = 50_000;
/// How many troubles are told of one object.
const MAX_TROUBLES: usize = 12;
/// How many owners an object can have above each other.
const MAX_DEPTH: usize = 8;

/// The index.
pub(super) struct Index {
    foresees: bool,
    owned: BTreeMap<Uid, Entry>,
    pods: BTreeMap<Uid, PodEntry>,
    claims: BTreeMap<Uid, (ObjectKey, bool)>,
    /// What an owner has made.
    children: BTreeMap<Uid, BTreeSet<Uid>>,
    /// The objects that nobody owns.
    tops: BTreeMap<ObjectKey, Uid>,
    events: Events,
    refusals: Refusals,
    stock: Stock,
    images: Images,
    labels: BTreeMap<Uid, BTreeMap<String, String>>,
    /// What has been seen since a list began.
    listing: BTreeMap<Kind, BTreeSet<Uid>>,
    /// Names that have been seen since a list began.
    listing_names: BTreeMap<Kind, BTreeSet<(String, String)>>,
    /// Counts what comes.
    clock: u64,
    /// Objects of which something may be other than it was told.
    dirty: BTreeSet<Uid>,
    told: BTreeMap<Uid, WorkloadNews>,
}

struct Entry {
    owned: Owned,
    /// When its newest generation came; 0 for what was there at first.
    changed_at: u64,
    /// When it came itself.
    came_at: u64,
}

struct PodEntry {
    pod: Pod,
    key: ObjectKey,
    needs: Needs,
}

impl Index {
    pub(super) fn new(foresees: bool) -> Self {
        Self {
            foresees,
            owned: BTreeMap::new(),
            pods: BTreeMap::new(),
            claims: BTreeMap::new(),
            children: BTreeMap::new(),
            tops: BTreeMap::new(),
            events: Events::default(),
            refusals: Refusals::default(),
            stock: Stock::default(),
            images: Images::default(),
            labels: BTreeMap::new(),
            listing: BTreeMap::new(),
            listing_names: BTreeMap::new(),
            clock: 0,
            dirty: BTreeSet::new(),
            told: BTreeMap::new(),
        }
    }

    /// Takes what a watch brought.
    pub(super) fn take(&mut self, change: Change) {
        self.clock += 1;
        match change {
            Change::Begin(kind) => {
                self.listing.insert(kind, BTreeSet::new());
                self.listing_names.insert(kind, BTreeSet::new());
            }
            Change::There(kind, object) => self.there(kind, &object),
            Change::Gone(kind, object) => self.gone(kind, &uid(&object), &object),
            Change::Listed(kind) => self.listed(kind),
        }
    }

    fn there(&mut self, kind: Kind, object: &Value) {
        let id = uid(object);
        if let Some(seen) = self.listing.get_mut(&kind) {
            seen.insert(id.clone());
        }
        if let Some(seen) = self.listing_names.get_mut(&kind) {
            let name = (text(object, "/metadata/namespace"), text(object, "/metadata/name"));
            seen.insert((name.0.to_owned(), name.1.to_owned()));
        }
        match kind {
            Kind::Event => {
                if let Some(about) = self.events.take(object, self.clock) {
                    self.touch(&about);
                }
            }
            Kind::ConfigMap | Kind::Secret | Kind::ServiceAccount => self.stocked(kind, object),
            Kind::Node => {
                let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
                let labels = labels.into_iter().flatten();
                let labels = labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
                self.labels.insert(id, labels.collect());
            }
            Kind::Claim => {
                self.stocked(kind, object);
                let (api_version, name, _) = kind.names();
                let key = key(object, api_version, name);
                // What a StatefulSet makes of its templates is a claim that nobody wrote.
                if controller(object).is_none() && self.claims.len() < MAX_OF_KIND {
                    self.claims.insert(id.clone(), (key, claim::is_bound(object)));
                    self.dirty.insert(id);
                }
            }
            Kind::Pod => self.take_pod(id, object),
            _ => self.take_owned(kind, id, object),
        }
    }

    fn stocked(&mut self, kind: Kind, object: &Value) {
        if let Some(namespace) = self.stock.take(kind, object) {
            self.touch_namespace(&namespace);
        }
    }

    fn take_pod(&mut self, id: Uid, object: &Value) {
        let (api_version, name, _) = Kind::Pod.names();
        let pod = Pod::read(object);
        if self.pods.len() >= MAX_OF_KIND && !self.pods.contains_key(&id) {
            return;
        }
        self.link(&id, pod.controller.as_ref());
        let key = key(object, api_version, name);
        let needs = Needs::of(&key, object, pod.controller.as_ref());
        self.use_images(&needs.images);
        let entry = PodEntry { pod, key, needs };
        if entry.pod.controller.is_none() {
            self.tops.insert(entry.key.clone(), id.clone());
        }
        self.pods.insert(id.clone(), entry);
        self.touch(&id);
    }

    fn take_owned(&mut self, kind: Kind, id: Uid, object: &Value) {
        let owned = Owned::read(kind, object);
        let known = self.owned.get(&id);
        if known.is_none() && self.owned.len() >= MAX_OF_KIND {
            return;
        }
        let (came_at, changed_at) = known.map_or((self.clock, 0), |known| {
            let is_other = known.owned.generation != owned.generation;
            (known.came_at, if is_other { self.clock } else { known.changed_at })
        });
        self.link(&id, owned.controller.as_ref());
        self.use_images(&owned.needs.images);
        if owned.controller.is_none() {
            self.tops.insert(owned.key.clone(), id.clone());
        }
        let entry = Entry {
            owned,
            changed_at,
            came_at,
        };
        self.owned.insert(id.clone(), entry);
        self.touch(&id);
    }

    fn link(&mut self, id: &Uid, owner: Option<&Uid>) {
        if let Some(owner) = owner {
            self.children.entry(owner.clone()).or_default().insert(id.clone());
        }
    }

    fn gone(&mut self, kind: Kind, id: &Uid, object: &Value) {
        match kind {
            // That an event is forgotten says nothing of what it was about.
            Kind::Event => {}
            Kind::ConfigMap | Kind::Secret | Kind::ServiceAccount | Kind::Claim => {
                let namespace = text(object, "/metadata/namespace").to_owned();
                self.stock.remove(kind, &namespace, text(object, "/metadata/name"));
                self.touch_namespace(&namespace);
                if kind == Kind::Claim {
                    self.claims.remove(id);
                    self.dirty.insert(id.clone());
                    self.events.forget(id);
                }
            }
            Kind::Node => {
                self.labels.remove(id);
            }
            _ => self.forget(id),
        }
    }

    /// An object that makes pods, or a pod, is gone.
    fn forget(&mut self, id: &Uid) {
        self.touch(id);
        self.dirty.insert(id.clone());
        let owner = match (self.owned.remove(id), self.pods.remove(id)) {
            (Some(entry), _) => {
                self.tops.retain(|_, top| top != id);
                entry.owned.controller
            }
            (None, Some(entry)) => {
                if entry.pod.controller.is_none() {
                    self.tops.retain(|_, top| top != id);
                }
                entry.pod.controller
            }
            (None, None) => None,
        };
        if let Some(children) = owner.as_ref().and_then(|owner| self.children.get_mut(owner)) {
            children.remove(id);
        }
        self.children.remove(id);
        self.events.forget(id);
        self.refusals.forget(id);
    }

    fn listed(&mut self, kind: Kind) {
        let seen = self.listing.remove(&kind).unwrap_or_default();
        let names = self.listing_names.remove(&kind).unwrap_or_default();
        match kind {
            Kind::Event => {}
            Kind::ConfigMap | Kind::Secret | Kind::ServiceAccount => {
                self.stock.listed(kind, &names);
                self.touch_all();
            }
            Kind::Claim => {
                self.stock.listed(kind, &names);
                let lost: Vec<Uid> = self.claims.keys().filter(|id| !seen.contains(*id)).cloned().collect();
                for id in lost {
                    self.claims.remove(&id);
                    self.dirty.insert(id);
                }
                self.touch_all();
            }
            Kind::Node => self.labels.retain(|id, _| seen.contains(id)),
            Kind::Pod => {
                let lost: Vec<Uid> = self.pods.keys().filter(|id| !seen.contains(*id)).cloned().collect();
                for id in &lost {
                    self.forget(id);
                }
            }
            _ => {
                let of_kind = self.owned.iter().filter(|(_, entry)| entry.owned.kind == kind);
                let lost: Vec<Uid> = of_kind
                    .map(|(id, _)| id)
                    .filter(|id| !seen.contains(*id))
                    .cloned()
                    .collect();
                for id in &lost {
                    self.forget(id);
                }
            }
        }
    }

    /// Something has happened to an object: whoever is above it may be other than it was.
    fn touch(&mut self, id: &Uid) {
        if self.claims.contains_key(id) {
            self.dirty.insert(id.clone());
        }
        if let Some(top) = self.top_of(id) {
            self.dirty.insert(top);
        }
    }

    fn touch_namespace(&mut self, namespace: &str) {
        let tops = self.tops.iter();
        let of_namespace = tops.filter(|(key, _)| key.namespace.as_deref() == Some(namespace));
        self.dirty.extend(of_namespace.map(|(_, id)| id.clone()));
    }

    fn touch_all(&mut self) {
        self.dirty.extend(self.tops.values().cloned());
    }

    /// The object above that nobody owns; `None` while one in between is not known.
    fn top_of(&self, id: &Uid) -> Option<Uid> {
        let mut at = id.clone();
        for _ in 0..MAX_DEPTH {
            let owner = match (self.owned.get(&at), self.pods.get(&at)) {
                (Some(entry), _) => &entry.owned.controller,
                (None, Some(entry)) => &entry.pod.controller,
                (None, None) => return None,
            };
            match owner {
                Some(owner) => at.clone_from(owner),
                None => return Some(at),
            }
        }
        None
    }

    /// What is other than it was told.
    pub(super) fn news(&mut self) -> Vec<WorkloadNews> {
        let mut all = Vec::new();
        for id in std::mem::take(&mut self.dirty) {
            let news = self.news_of(&id);
            match (news, self.told.get(&id)) {
                (None, None) => {}
                (None, Some(_)) => {
                    let told = self.told.remove(&id);
                    all.extend(told.map(|told| WorkloadNews {
                        troubles: Vec::new(),
                        is_gone: true,
                        ..told
                    }));
                }
                (Some(news), Some(told)) if news == *told => {}
                (Some(news), _) => {
                    self.told.insert(id, news.clone());
                    all.push(news);
                }
            }
        }
        // What is gone goes first: what came again under its name counts.
        all.sort_by_key(|news| !news.is_gone);
        all
    }

    fn news_of(&self, id: &Uid) -> Option<WorkloadNews> {
        let mut news = WorkloadNews {
            key: self.key_of(id)?.clone(),
            troubles: Vec::new(),
            release: None,
            is_gone: false,
        };
        if let Some((_, is_bound)) = self.claims.get(id) {
            if !is_bound {
                news.troubles = claim::troubles(id, &self.events);
            }
            return Some(news);
        }
        if let Some(entry) = self.owned.get(id) {
            news.release.clone_from(&entry.owned.release);
        }
        if self.foresees {
            let of_owned = self.owned.get(id).map(|entry| &entry.owned.needs);
            let of_pod = self.pods.get(id).map(|entry| &entry.needs);
            if let Some(needs) = of_owned.or(of_pod) {
                let namespace = news.key.namespace.as_deref().unwrap_or_default();
                news.troubles = self.stock.missing(namespace, &needs.references);
                news.troubles.extend(self.images.missing(&needs.images));
            }
        }
        let mut seen = self.troubles_of(id, 0);
        // That it takes too long says nothing where it is known why.
        if seen.iter().any(|trouble| !is_consequence(trouble)) {
            seen.retain(|trouble| !is_consequence(trouble));
        }
        news.troubles.splice(0..0, seen);
        news.troubles.sort();
        news.troubles.dedup();
        news.troubles.truncate(MAX_TROUBLES);
        Some(news)
    }

    fn key_of(&self, id: &Uid) -> Option<&ObjectKey> {
        let of_claim = self.claims.get(id).map(|(key, _)| key);
        let of_owned = self.owned.get(id).map(|entry| &entry.owned);
        let of_owned = of_owned
            .filter(|owned| owned.controller.is_none())
            .map(|owned| &owned.key);
        let of_pod = self
            .pods
            .get(id)
            .filter(|entry| entry.pod.controller.is_none())
            .map(|entry| &entry.key);
        of_claim.or(of_owned).or(of_pod)
    }

    /// What is said of an object and of what it has made, as far as it is about what it is now.
    fn troubles_of(&self, id: &Uid, depth: usize) -> Vec<Trouble> {
        if let Some(entry) = self.pods.get(id) {
            return entry.pod.troubles(self.events.of(id), &self.labels);
        }
        let counts = |entry: &&Entry| entry.owned.is_observed && !entry.owned.has_succeeded;
        let Some(entry) = self.owned.get(id).filter(counts) else {
            return Vec::new();
        };
        if depth > MAX_DEPTH {
            return Vec::new();
        }
        let owned = &entry.owned;
        let mut troubles = owned.troubles.clone();
        let says_so_itself = matches!(owned.kind, Kind::Deployment | Kind::ReplicaSet);
        if owned.lacks_pods
            && !says_so_itself
            && let Some(text) = self.refusals.said(id, owned.generation)
        {
            troubles.push(Trouble::NotCreated { text: text.to_owned() });
        }
        for child in self.current_children(id, entry) {
            troubles.extend(self.troubles_of(child, depth + 1));
        }
        troubles
    }

    /// What an object has made as it is now: not what is left of an older revision.
    fn current_children<'a>(&'a self, id: &Uid, entry: &'a Entry) -> Vec<&'a Uid> {
        let children = self.children.get(id).into_iter().flatten();
        let owned = |id: &&Uid| self.owned.get(*id);
        match entry.owned.kind {
            Kind::Deployment => {
                let newest = children.max_by_key(|id| owned(id).map(|entry| entry.owned.revision));
                newest.into_iter().collect()
            }
            Kind::CronJob => {
                let newest = children
                    .filter(|id| owned(id).is_some_and(|job| job.came_at >= entry.changed_at))
                    .max_by_key(|id| owned(id).map(|entry| entry.owned.created.clone()));
                newest.into_iter().collect()
            }
            _ => children
                .filter(|id| {
                    let revision = self.pods.get(*id).map(|entry| &entry.pod.revision);
                    let is_current = |revision: &Option<String>| *revision == entry.owned.revision_of_pods;
                    entry.owned.revision_of_pods.is_none() || revision.is_none_or(is_current)
                })
                .collect(),
        }
    }
}

/// Whether a trouble follows from another one.
fn is_consequence(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Deadline { .. } | Trouble::Failed { .. })
}

mod images;
mod settling;
#[cfg(test)]
mod tests;
