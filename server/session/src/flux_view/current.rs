//! Which of what objects of Flux say is about the newest commit.

use gitops_model::at_pointer;
use serde_json::Value;

use super::{FluxView, LONGEST_CHAIN, Made};
use crate::flux_condition::{Readiness, condition, is_of_this_generation, readiness, text};
use crate::flux_object::{
    Id, checks_health, data_of, has_artifact, id_of, is_packaged, label, owner, reference, reference_in, requested_at,
};

impl FluxView {
    /// Whether what an object says is about the newest commit, as far as it can tell by itself and by its sources.
    pub(crate) fn is_current(&self, object: &Value) -> bool {
        let id = id_of(object);
        if readiness(object) == Readiness::Suspended {
            return !self.awaited.contains_key(&id);
        }
        let requested = requested_at(object);
        let is_handled = requested.is_empty() || requested == text(object, "/status/lastHandledReconcileAt");
        if self.asked.contains_key(&id) || self.awaited.contains_key(&id) || !is_handled {
            return false;
        }
        // What has nothing to say has said it.
        let is_silent = readiness(object) == Readiness::Ready && at_pointer(object, "/status/conditions").is_none();
        if !is_of_this_generation(object) && !is_silent {
            return false;
        }
        match id.0.as_str() {
            "GitRepository" if self.is_own(object) => {
                let is_failed = matches!(readiness(object), Readiness::Failed { .. });
                is_failed || self.is_commit(text(object, "/status/artifact/revision"))
            }
            "Kustomization" => self.is_attempted(object) && self.is_data_known(object),
            "HelmRelease" => self.is_release_attempted(object) && self.is_data_known(object),
            "HelmChart" if !self.is_wanted(object) => false,
            "HelmChart" => match self.source_of(object) {
                Some((_, source)) if has_artifact(source) => {
                    self.is_current(source)
                        && is_packaged(object)
                        && text(object, "/status/observedSourceArtifactRevision")
                            == text(source, "/status/artifact/revision")
                }
                _ => true,
            },
            // Made by another object of Flux, which has to have seen the commit.
            "ExternalArtifact" => self.source_of(object).is_none_or(|(_, maker)| self.is_current(maker)),
            "ArtifactGenerator" => self.own_sources_of(object).all(|source| self.is_current(source)),
            _ => true,
        }
    }

    /// Whether a chart is the one that its release wants now: one in another namespace goes when the release is looked at.
    fn is_wanted(&self, chart: &Value) -> bool {
        let Some((namespace, name)) = label(chart, "helm.toolkit.fluxcd.io") else {
            return true;
        };
        let id = ("HelmRelease".to_owned(), namespace, name);
        let Some(release) = self.objects.get(&id) else {
            return false;
        };
        if readiness(release) == Readiness::Suspended {
            return true;
        }
        let (_, namespace, name) = id_of(chart);
        !self.awaited.contains_key(&id)
            && self.made(release, LONGEST_CHAIN) == Made::Done
            && is_of_this_generation(release)
            && text(release, "/status/helmChart") == format!("{namespace}/{name}")
    }

    /// Whether a Kustomization has tried the newest artifact of its source.
    fn is_attempted(&self, object: &Value) -> bool {
        // What waits or cannot get its directory attempts nothing, so the revision stays an older one.
        let reason = condition(object, "Ready").map_or("", |ready| text(ready, "/reason"));
        if matches!(reason, "DependencyNotReady" | "InvalidCELExpression" | "AccessDenied") {
            return true;
        }
        match self.source_of(object) {
            Some((_, source)) => {
                let newest = text(source, "/status/artifact/revision");
                // Conditions come before the rest of the status, of which the inventory is a part.
                let is_whole =
                    readiness(object) != Readiness::Ready || text(object, "/status/lastAppliedRevision") == newest;
                // That it was asked for, and has answered, says it instead.
                let has_answered = reason == "ArtifactFailed" && !requested_at(object).is_empty();
                let has_tried = text(object, "/status/lastAttemptedRevision") == newest || has_answered;
                self.is_current(source) && has_tried && is_whole
            }
            None => true,
        }
    }

    /// Whether a release has tried the newest chart.
    fn is_release_attempted(&self, object: &Value) -> bool {
        let Some((id, chart)) = self.chart_of(object) else {
            return true;
        };
        let reason = condition(object, "Ready").map_or("", |ready| text(ready, "/reason"));
        let attempts_nothing = matches!(
            reason,
            "DependencyNotReady" | "SourceNotReady" | "ArtifactFailed" | "ValuesError" | "AccessDenied"
        );
        if !self.is_current(chart) {
            return false;
        }
        if attempts_nothing {
            return true;
        }
        // An attempt that began before an edit of the release can end after it.
        let attempted = at_pointer(object, "/status/lastAttemptedGeneration");
        if attempted.is_some_and(|attempted| Some(attempted) != at_pointer(object, "/metadata/generation")) {
            return false;
        }
        // Other sources have revisions that are no versions of a chart.
        let newest = text(chart, "/status/artifact/revision");
        id.0 != "HelmChart" || text(object, "/status/lastAttemptedRevision") == newest
    }

    /// What the chart of a release is in.
    pub(crate) fn chart_of(&self, object: &Value) -> Option<(Id, &Value)> {
        let id = if let Some(named) = reference(object, "/spec/chartRef") {
            named
        } else {
            let (namespace, name) = text(object, "/status/helmChart").split_once('/')?;
            ("HelmChart".to_owned(), namespace.to_owned(), name.to_owned())
        };
        let chart = self.objects.get(&id)?;
        Some((id, chart))
    }

    /// The sources of an `ArtifactGenerator` that the session serves.
    pub(crate) fn own_sources_of<'a>(&'a self, object: &'a Value) -> impl Iterator<Item = &'a Value> {
        let sources = at_pointer(object, "/spec/sources").and_then(Value::as_array);
        let namespace = text(object, "/metadata/namespace");
        sources
            .into_iter()
            .flatten()
            .filter_map(move |source| self.objects.get(&reference_in(source, namespace)?))
            .filter(|source| self.is_own(source))
    }

    pub(super) fn is_data_known(&self, object: &Value) -> bool {
        data_of(object).iter().all(|id| !self.unread.contains(id))
    }

    /// Whether what makes an object has put it there as the newest commit has it.
    pub(super) fn made(&self, object: &Value, depth: usize) -> Made {
        // The Kustomization of an entry is often made by itself.
        let owner = owner(object).filter(|id| *id != id_of(object));
        match owner.and_then(|id| self.objects.get(&id)) {
            Some(owner) if depth > 0 => self.applied_by_chain(owner, depth - 1),
            _ => Made::Done,
        }
    }

    /// Whether a Kustomization has applied the newest commit.
    pub(crate) fn applied(&self, object: &Value) -> Made {
        self.applied_by_chain(object, LONGEST_CHAIN)
    }

    fn applied_by_chain(&self, object: &Value, depth: usize) -> Made {
        let own = readiness(object);
        if own == Readiness::Suspended {
            return Made::Done;
        }
        match self.made(object, depth) {
            Made::Done => {}
            other => return other,
        }
        // Data that it takes is not looked at: it only decides about what it takes it for.
        let is_tried = is_of_this_generation(object) && self.is_attempted(object);
        match own {
            Readiness::Ready if is_tried && self.is_current(object) => Made::Done,
            Readiness::Failed { reason, .. } if is_tried => match reason.as_str() {
                "HealthCheckFailed" | "PruneFailed" => Made::Done,
                _ => Made::Failed,
            },
            // It waits for the health of what it has applied.
            Readiness::Waiting { .. } if is_tried && checks_health(object) => Made::Done,
            _ => Made::NotYet,
        }
    }
}
