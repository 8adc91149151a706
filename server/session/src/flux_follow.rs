//! What has to be asked for as a commit makes its way through Flux.
//!
//! Most of the way Flux finds by itself: a new revision of a source wakes the Kustomizations and charts of it. It does not
//! where Kustomizations depend on each other in a circle (kustomize-controller then wakes none of that source, not even
//! those outside of the circle), where values or variables change in a `ConfigMap` or Secret, where what is waited for is
//! Ready at last and the next look is a second away, where an artifact was replaced while it was fetched, and where an
//! object that failed would not show that it has looked again.

use std::collections::{BTreeMap, BTreeSet};

use gitops_model::at_pointer;
use serde_json::Value;

use crate::flux_condition::{Readiness, condition, readiness, text};
use crate::flux_loop::WATCHED;
use crate::flux_object::{Id, data_of, id_of, is_data, is_under_way, owner};
use crate::flux_view::{FluxView, Made};

/// What was followed of the newest commit. Each step is taken once.
#[derive(Default)]
pub(crate) struct Followed {
    /// Sources that have it.
    sources: BTreeSet<Id>,
    /// Kustomizations that have applied it, with what of theirs was looked at since.
    applied: BTreeMap<Id, BTreeSet<Id>>,
    /// Those that were told that all they wait for is there.
    freed: BTreeSet<Id>,
    /// Whether there was a circle when it came.
    is_circular: bool,
    /// The generation that each object had with the commit before.
    generations: BTreeMap<Id, i64>,
    /// Those that are to be asked as soon as they are not in the middle of something.
    later: BTreeSet<Id>,
    /// Those that were edited since, and asked for it.
    edited: BTreeSet<Id>,
    /// What each Kustomization had put on the cluster with the commit before.
    inventories: BTreeMap<Id, BTreeSet<Id>>,
}

/// What is to be done now.
#[derive(Default)]
pub(crate) struct Wishes {
    /// Whose reconciliation is to be asked for.
    pub(crate) ask: BTreeSet<Id>,
    /// Which releases are to begin anew, whatever failed before.
    pub(crate) reset: BTreeSet<Id>,
    /// What is to be looked at again, with the Kustomization that has put it there.
    pub(crate) read: BTreeMap<Id, Id>,
}

impl Followed {
    /// A new commit: it has everything before it. The sources that are to be asked for it.
    pub(crate) fn restart(&mut self, view: &FluxView) -> Wishes {
        let inventories = view
            .of_kind("Kustomization")
            .map(|(id, object)| (id.clone(), inventory(object)));
        *self = Self {
            inventories: inventories.collect(),
            is_circular: is_circular(view),
            generations: view.generations(),
            later: std::mem::take(&mut self.later),
            ..Self::default()
        };
        let own = view.of_kind("GitRepository").filter(|(_, source)| view.is_own(source));
        Wishes {
            ask: own.map(|(id, _)| id.clone()).collect(),
            ..Wishes::default()
        }
    }

    /// What follows from what is seen now.
    pub(crate) fn wishes(&mut self, view: &FluxView) -> Wishes {
        let mut wishes = Wishes::default();
        for (id, source) in view.of_kind("GitRepository") {
            let has_it = view.is_own(source)
                && readiness(source) == Readiness::Ready
                && view.is_commit(text(source, "/status/artifact/revision"));
            if has_it && self.sources.insert(id.clone()) {
                self.source_has_it(view, id, &mut wishes);
            }
        }
        for (id, object) in view.of_kind("Kustomization") {
            if view.applied(object) == Made::Done {
                self.is_applied(view, id, object, &mut wishes);
            }
        }
        // What was under way when an object was edited can end after that, and looks as if it were about the edit. Only a
        // request that is made after the edit tells one from the other; a release does that by itself.
        for (id, object) in view.all().filter(|((kind, ..), _)| kind != "HelmRelease") {
            if view.is_edited(id, object, self.generations.get(id)) && self.edited.insert(id.clone()) {
                wishes.ask.insert(id.clone());
            }
        }
        let again = view.all().filter(|(_, object)| view.has_to_fetch_again(object));
        wishes.ask.extend(again.map(|(id, _)| id.clone()));
        let anew = view
            .of_kind("HelmRelease")
            .filter(|(_, object)| view.has_to_begin_anew(object));
        wishes.reset.extend(anew.map(|(id, _)| id.clone()));
        // A release looks by itself every second, and a request that comes as it begins calls the installation off.
        let waiting = view
            .of_kind("Kustomization")
            .filter(|(_, object)| waits_for_another(object));
        for (id, object) in waiting {
            if !self.freed.contains(id) && all_are_ready(view, object) {
                self.freed.insert(id.clone());
                wishes.ask.insert(id.clone());
            }
        }
        let is_idle = |id: &Id| view.get(id).is_none_or(|object| !is_under_way(object));
        wishes.ask.extend(self.later.extract_if(.., |id| is_idle(id)));
        wishes
    }

    /// What these use has changed: they are to be asked, each as soon as it is not in the middle of something.
    pub(crate) fn ask_when_idle(&mut self, users: BTreeSet<Id>) {
        self.later.extend(users);
    }

    fn source_has_it(&self, view: &FluxView, id: &Id, wishes: &mut Wishes) {
        let generators = view.of_kind("ArtifactGenerator");
        let using = generators.filter(|(_, generator)| view.own_sources_of(generator).any(|own| id_of(own) == *id));
        wishes.ask.extend(using.map(|(id, _)| id.clone()));
        let of_source = view
            .of_kind("Kustomization")
            .filter(|(_, object)| view.source_of(object).is_some_and(|(of, _)| of == *id));
        for (id, object) in of_source {
            let reason = condition(object, "Ready").map_or("", |ready| text(ready, "/reason"));
            let is_first = owner(object).and_then(|id| view.get(&id)).is_none();
            if reason == "ArtifactFailed" || (self.is_circular && is_first) {
                wishes.ask.insert(id.clone());
            }
        }
    }

    /// Called again and again: what was put there is noted a moment after the condition that says so.
    fn is_applied(&mut self, view: &FluxView, id: &Id, object: &Value, wishes: &mut Wishes) {
        let is_first_time = !self.applied.contains_key(id);
        let looked_at = self.applied.entry(id.clone()).or_default();
        let mut put = inventory(object);
        if let Some(before) = self.inventories.get(id) {
            put.extend(before.iter().cloned());
        }
        let new: Vec<Id> = put.into_iter().filter(|one| looked_at.insert(one.clone())).collect();
        for one in new {
            let matters = !is_data(&one.0) || view.all().any(|(_, object)| data_of(object).contains(&one));
            if matters {
                wishes.read.insert(one, id.clone());
            }
        }
        if is_first_time && self.is_circular && owner(object).is_none() {
            let sleeping = view.of_kind("Kustomization").filter(|(_, other)| {
                let (source, other_source) = (view.source_of(object), view.source_of(other));
                source.map(|(id, _)| id) == other_source.map(|(id, _)| id)
            });
            wishes
                .ask
                .extend(sleeping.map(|(id, _)| id.clone()).filter(|other| other != id));
        }
    }
}

/// Who takes values or variables from this `ConfigMap` or Secret.
pub(crate) fn users_of(view: &FluxView, data: &Id) -> BTreeSet<Id> {
    let users = view.all().filter(|(_, object)| data_of(object).contains(data));
    users.map(|(id, _)| id.clone()).collect()
}

fn waits_for_another(object: &Value) -> bool {
    matches!(readiness(object), Readiness::Blocked { .. })
        && condition(object, "Ready").is_some_and(|ready| text(ready, "/reason") == "DependencyNotReady")
}

fn dependencies(object: &Value) -> Vec<Id> {
    let entries = at_pointer(object, "/spec/dependsOn").and_then(Value::as_array);
    let own_namespace = text(object, "/metadata/namespace");
    let named = |entry: &Value| {
        let namespace = Some(text(entry, "/namespace")).filter(|namespace| !namespace.is_empty());
        (
            text(object, "/kind").to_owned(),
            namespace.unwrap_or(own_namespace).to_owned(),
            text(entry, "/name").to_owned(),
        )
    };
    entries.into_iter().flatten().map(named).collect()
}

fn all_are_ready(view: &FluxView, object: &Value) -> bool {
    dependencies(object).iter().all(|id| {
        view.get(id)
            .is_some_and(|other| readiness(other) == Readiness::Ready && view.is_current(other))
    })
}

/// What a Kustomization has put on the cluster: objects of Flux that are watched, and what values and variables come from.
fn inventory(object: &Value) -> BTreeSet<Id> {
    let entries = at_pointer(object, "/status/inventory/entries").and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            // `NAMESPACE_NAME_GROUP_KIND` (fluxcd/cli-utils, `object.ObjMetadata`): none of them has an underscore.
            let mut parts = text(entry, "/id").split('_');
            let (namespace, name, group, kind) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            let matters = group.is_empty() && is_data(kind) || WATCHED.contains(&(group, kind));
            matters.then(|| (kind.to_owned(), namespace.to_owned(), name.to_owned()))
        })
        .collect()
}

/// Whether Kustomizations wait for each other in a circle.
fn is_circular(view: &FluxView) -> bool {
    let mut left: BTreeMap<Id, Vec<Id>> = view
        .of_kind("Kustomization")
        .map(|(id, object)| (id.clone(), dependencies(object)))
        .collect();
    loop {
        let free: Vec<Id> = left
            .iter()
            .filter(|(_, dependencies)| !dependencies.iter().any(|other| left.contains_key(other)))
            .map(|(id, _)| id.clone())
            .collect();
        if free.is_empty() {
            return !left.is_empty();
        }
        for id in free {
            left.remove(&id);
        }
    }
}
