//! All objects of Flux on a sandbox as they were seen last, and what follows from them together: which of what they say is
//! about the newest commit, and what has to be asked for.

mod current;

use std::collections::{BTreeMap, BTreeSet};

use gitops_model::ObjectKey;
use serde_json::Value;

use crate::actions::Suspension;
use crate::flux_condition::{Condition, Readiness, condition, is_of_this_generation, readiness, text};
use crate::flux_object::{Id, generation, id_of, is_data, label, owner, reference, requested_at, was_called_off};

/// How far a chain of owners is followed: what makes a Kustomization that makes a Kustomization, and so on.
const LONGEST_CHAIN: usize = 16;

/// How often an artifact that was another one when it came is fetched again for one commit. One that is larger than the
/// controller takes gives the same words (fluxcd/pkg/http/fetch), each time.
const MAX_FETCHES: usize = 5;

/// What is seen.
pub(crate) struct FluxView {
    /// Under which URL the session serves its source.
    url: String,
    /// The newest commit.
    commit: String,
    objects: BTreeMap<Id, Value>,
    /// What was asked for and is not seen on the object yet.
    asked: BTreeMap<Id, String>,
    /// How often an object was asked to do again for the newest commit what went wrong by no fault of its own.
    fetched: BTreeMap<Id, usize>,
    said: BTreeMap<Id, Condition>,
    /// `ConfigMap`s and Secrets that values or variables come from: the version that was there last, `None` for none.
    data: BTreeMap<Id, Option<String>>,
    /// Those that have to be looked at again before what uses them can be believed.
    unread: BTreeSet<Id>,
    /// Objects of Flux that a Kustomization has just put there: what is seen of them may be older than that.
    awaited: BTreeMap<Id, Awaited>,
}

/// An object that has to be seen as it is now.
struct Awaited {
    /// The Kustomization that has put it there.
    owner: Id,
    /// The generation that it has now; `None` while that is being looked at, and where it is gone.
    generation: Option<i64>,
}

/// Whether the maker of an object has put it on the cluster as the newest commit has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Made {
    /// It has, or nobody makes it.
    Done,
    /// Not yet.
    NotYet,
    /// It failed before it came to that.
    Failed,
}

impl FluxView {
    pub(crate) fn new(url: String, commit: String) -> Self {
        Self {
            url,
            commit,
            objects: BTreeMap::new(),
            asked: BTreeMap::new(),
            fetched: BTreeMap::new(),
            said: BTreeMap::new(),
            data: BTreeMap::new(),
            unread: BTreeSet::new(),
            awaited: BTreeMap::new(),
        }
    }

    /// Takes an object as it is now.
    pub(crate) fn see(&mut self, object: Value) {
        let id = id_of(&object);
        if self
            .asked
            .get(&id)
            .is_some_and(|token| is_at_least(requested_at(&object), token))
        {
            self.asked.remove(&id);
        }
        let generation = generation(&object);
        let awaited = self.awaited.get(&id).and_then(|awaited| awaited.generation);
        if awaited.is_some_and(|awaited| generation >= awaited) {
            self.awaited.remove(&id);
        }
        self.objects.insert(id, object);
    }

    /// An object is gone; what that means for it.
    pub(crate) fn gone(&mut self, key: &ObjectKey) -> Condition {
        let id = (
            key.gvk.kind.clone(),
            key.namespace.clone().unwrap_or_default(),
            key.name.clone(),
        );
        self.objects.remove(&id);
        self.asked.remove(&id);
        self.fetched.remove(&id);
        self.awaited.remove(&id);
        self.said.remove(&id);
        Condition {
            key: key.clone(),
            readiness: Readiness::Gone,
            current: true,
            revision: String::new(),
            made_for: None,
            suspension: None,
        }
    }

    /// There is a newer commit: nothing of what was said is about it yet.
    pub(crate) fn committed(&mut self, commit: &str) {
        commit.clone_into(&mut self.commit);
        self.fetched.clear();
    }

    /// A reconciliation of an object is about to be asked for.
    pub(crate) fn asking(&mut self, id: &Id, token: &str) {
        let is_again = |object: &Value| self.is_overtaken(object) || self.is_called_off(object);
        if self.objects.get(id).is_some_and(is_again) {
            *self.fetched.entry(id.clone()).or_default() += 1;
        }
        self.asked.insert(id.clone(), token.to_owned());
    }

    /// Asking has failed: nothing will come of it.
    pub(crate) fn not_asked(&mut self, id: &Id) {
        self.asked.remove(id);
    }

    /// What is said otherwise than it was told before.
    pub(crate) fn news(&mut self) -> Vec<Condition> {
        let mut news = Vec::new();
        // What these have put there is not all seen yet.
        let unseen: BTreeSet<&Id> = self.awaited.values().map(|awaited| &awaited.owner).collect();
        for (id, object) in &self.objects {
            let now = self.said_by(object, !unseen.contains(id));
            if self.said.get(id) != Some(&now) {
                news.push(now);
            }
        }
        for condition in &news {
            tracing::debug!(
                object = %condition.key,
                current = condition.current,
                readiness = ?condition.readiness,
                "{}",
                self.standing(condition)
            );
            let id = (
                condition.key.gvk.kind.clone(),
                condition.key.namespace.clone().unwrap_or_default(),
                condition.key.name.clone(),
            );
            self.said.insert(id, condition.clone());
        }
        news
    }

    /// For the log: what of an object is still waited for.
    fn standing(&self, condition: &Condition) -> String {
        let key = &condition.key;
        let namespace = key.namespace.clone().unwrap_or_default();
        let id = (key.gvk.kind.clone(), namespace, key.name.clone());
        let Some(object) = self.objects.get(&id) else {
            return "gone".to_owned();
        };
        let requested = requested_at(object);
        let is_handled = requested.is_empty() || requested == text(object, "/status/lastHandledReconcileAt");
        let waits = [
            (self.asked.contains_key(&id), "the request"),
            (!is_handled, "the answer to the request"),
            (self.awaited.contains_key(&id), "what is there now"),
            (
                self.awaited.values().any(|awaited| awaited.owner == id),
                "what it has put there",
            ),
            (!is_of_this_generation(object), "the generation"),
            (!self.is_data_known(object), "its data"),
            (self.made(object, LONGEST_CHAIN) != Made::Done, "who makes it"),
        ];
        let waits = waits.into_iter().filter(|(is_waited_for, _)| *is_waited_for);
        waits.map(|(_, what)| format!("waits for {what}; ")).collect()
    }

    /// The generation of each object.
    pub(crate) fn generations(&self) -> BTreeMap<Id, i64> {
        let all = self.objects.iter();
        all.map(|(id, object)| (id.clone(), generation(object))).collect()
    }

    /// Whether an object is there as the newest commit has it, and another one than with the commit before.
    pub(crate) fn is_edited(&self, id: &Id, object: &Value, before: Option<&i64>) -> bool {
        before.is_some_and(|before| *before != generation(object))
            && !self.awaited.contains_key(id)
            && self.made(object, LONGEST_CHAIN) == Made::Done
    }

    pub(crate) fn get(&self, id: &Id) -> Option<&Value> {
        self.objects.get(id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&Id, &Value)> {
        self.objects.iter()
    }

    pub(crate) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a Id, &'a Value)> {
        let first = (kind.to_owned(), String::new(), String::new());
        self.objects.range(first..).take_while(move |((of, ..), _)| of == kind)
    }

    /// Whether an object has fetched an artifact that was replaced while it did so, and has not been asked to do it again
    /// yet. The controller would by itself, but ever later.
    pub(crate) fn has_to_fetch_again(&self, object: &Value) -> bool {
        self.is_overtaken(object) && self.has_answered(object)
    }

    /// Whether a release was called off by a request and has to be asked to begin anew.
    pub(crate) fn has_to_begin_anew(&self, object: &Value) -> bool {
        self.is_called_off(object) && self.has_answered(object)
    }

    /// Whether nothing is asked of an object that it has not answered.
    fn has_answered(&self, object: &Value) -> bool {
        let is_answered = requested_at(object) == text(object, "/status/lastHandledReconcileAt");
        is_answered && !self.asked.contains_key(&id_of(object))
    }

    fn is_called_off(&self, object: &Value) -> bool {
        was_called_off(object) && self.may_try_again(object)
    }

    fn may_try_again(&self, object: &Value) -> bool {
        self.fetched
            .get(&id_of(object))
            .is_none_or(|times| *times < MAX_FETCHES)
    }

    fn is_overtaken(&self, object: &Value) -> bool {
        let ready = condition(object, "Ready").filter(|ready| text(ready, "/reason") == "ArtifactFailed");
        ready.is_some_and(|ready| text(ready, "/message").contains("computed digest doesn't match"))
            && self.may_try_again(object)
    }

    /// Whether a source is what the session serves.
    pub(crate) fn is_own(&self, source: &Value) -> bool {
        text(source, "/spec/url") == self.url
    }

    /// Whether an artifact's revision is the newest commit.
    pub(crate) fn is_commit(&self, revision: &str) -> bool {
        !self.commit.is_empty() && revision.ends_with(&self.commit)
    }

    /// The source of a Kustomization or a chart.
    pub(crate) fn source_of(&self, object: &Value) -> Option<(Id, &Value)> {
        let id = reference(object, "/spec/sourceRef")?;
        let source = self.objects.get(&id)?;
        Some((id, source))
    }

    /// Data that was to be looked at: the version that is there now, `None` for none. Whether that is news.
    pub(crate) fn data_is(&mut self, id: &Id, version: Option<String>) -> bool {
        self.unread.remove(id);
        let before = self.data.insert(id.clone(), version.clone());
        before.flatten() != version
    }

    /// An object of Flux that was to be looked at has this generation, `None` if it is gone. Whether that is what is seen;
    /// otherwise it has to be looked at again: that it came, or went, may have been seen before this answer was there.
    pub(crate) fn generation_is(&mut self, id: &Id, now: Option<i64>) -> bool {
        let seen = self.objects.get(id).map(generation);
        let is_up_to_date = match (seen, now) {
            (Some(seen), Some(now)) => seen >= now,
            (seen, now) => seen == now,
        };
        if is_up_to_date {
            self.awaited.remove(id);
        } else if let Some(awaited) = self.awaited.get_mut(id) {
            awaited.generation = now;
        }
        is_up_to_date || !self.awaited.contains_key(id)
    }

    /// Whether somebody waits for what an object is now.
    pub(crate) fn is_looked_for(&self, id: &Id) -> bool {
        self.unread.contains(id) || self.awaited.contains_key(id)
    }

    /// An object has to be looked at again: data, or an object of Flux that `owner` has put there.
    pub(crate) fn look_at(&mut self, id: &Id, owner: &Id) {
        if is_data(&id.0) {
            self.unread.insert(id.clone());
        } else {
            let awaited = Awaited {
                owner: owner.clone(),
                generation: None,
            };
            self.awaited.insert(id.clone(), awaited);
        }
    }

    /// An object could not be looked at.
    pub(crate) fn not_read(&mut self, id: &Id) {
        self.unread.remove(id);
        self.awaited.remove(id);
    }

    fn said_by(&self, object: &Value, is_seen: bool) -> Condition {
        let key = ObjectKey::of(object);
        let kind = key.gvk.kind.as_str();
        let mut readiness = self.in_this_world(object, readiness(object));
        let made = self.made(object, LONGEST_CHAIN);
        let revision = match kind {
            "Kustomization" | "HelmRelease" => text(object, "/status/lastAttemptedRevision"),
            _ => text(object, "/status/artifact/revision"),
        };
        let is_finished = !matches!(readiness, Readiness::Suspended);
        if made == Made::Failed && is_finished {
            let owner = owner(object).map(|(_, namespace, name)| format!("{namespace}/{name}"));
            readiness = Readiness::Blocked {
                message: format!("Kustomization {} has failed", owner.unwrap_or_default()),
            };
        }
        let is_chart = kind == "HelmChart";
        let made_for = is_chart.then(|| label(object, "helm.toolkit.fluxcd.io")).flatten();
        Condition {
            current: made == Made::Done && is_seen && self.is_current(object),
            revision: revision.to_owned(),
            key,
            readiness,
            made_for,
            suspension: Suspension::of(object),
        }
    }

    /// What an object misses that is there all the same it has only looked for too early; what it says of a source that the
    /// session serves is the session's own business.
    fn in_this_world(&self, object: &Value, readiness: Readiness) -> Readiness {
        let Readiness::Failed { reason, message } = &readiness else {
            return readiness;
        };
        let is_there = |id: Option<Id>| id.is_some_and(|id| self.objects.contains_key(&id));
        let is_early = match (text(object, "/kind"), reason.as_str()) {
            ("GitRepository", _) => message.contains(&self.url),
            ("HelmRelease", _) if self.is_called_off(object) => true,
            (_, "ArtifactFailed") if self.is_overtaken(object) => true,
            ("Kustomization", "ArtifactFailed") | ("HelmChart", "SourceUnavailable")
                if message.ends_with("not found") =>
            {
                is_there(reference(object, "/spec/sourceRef"))
            }
            ("HelmRelease", "ArtifactFailed") if message.ends_with("not found") => {
                is_there(self.chart_of(object).map(|(id, _)| id))
            }
            (kind, "DependencyNotReady") => {
                let missing = message.split('\'').nth(1).and_then(|name| name.split_once('/'));
                is_there(missing.map(|(namespace, name)| (kind.to_owned(), namespace.to_owned(), name.to_owned())))
            }
            _ => false,
        };
        if is_early {
            Readiness::Blocked {
                message: message.clone(),
            }
        } else {
            readiness
        }
    }
}

/// Whether a request is this one or a later one: each is the time when it was made, in nanoseconds.
fn is_at_least(requested: &str, token: &str) -> bool {
    match (requested.parse::<u128>(), token.parse::<u128>()) {
        (Ok(requested), Ok(token)) => requested >= token,
        _ => requested == token,
    }
}

#[cfg(test)]
#[path = "flux_view/tests.rs"]
mod tests;
