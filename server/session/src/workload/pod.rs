//! A pod, as far as it says why it does not run.

use std::collections::BTreeMap;

use gitops_cluster::answer::Trouble;
use serde_json::Value;

use super::event::SeenEvent;
use super::reading::{Uid, condition, controller, entry, list, number, text};

/// What is kept of a pod.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Pod {
    /// Who made it.
    pub(super) controller: Option<Uid>,
    /// The revision that it was made from, where it is a `StatefulSet`'s or `DaemonSet`'s.
    pub(super) revision: Option<String>,
    /// Whether it is ready, or done.
    pub(super) is_ready: bool,
    /// Whether it is going.
    pub(super) is_going: bool,
    /// Whether a container has still to be made, for which its volumes are mounted first.
    waits_for_volumes: bool,
    /// Containers that are not ready.
    not_ready: Vec<String>,
    /// What its status says is wrong.
    troubles: Vec<Trouble>,
    /// The scheduler's words, and the entries of its `nodeSelector`.
    unschedulable: Option<(String, BTreeMap<String, String>)>,
}

impl Pod {
    pub(super) fn read(object: &Value) -> Self {
        let phase = text(object, "/status/phase");
        let mut pod = Self {
            controller: controller(object),
            revision: ["controller-revision-hash", "pod-template-generation"]
                .into_iter()
                .filter_map(|label| entry(object, "labels", label))
                .next_back()
                .map(str::to_owned),
            is_ready: phase == "Succeeded"
                || condition(object, "Ready").is_some_and(|ready| text(ready, "/status") == "True"),
            is_going: object.pointer("/metadata/deletionTimestamp").is_some(),
            ..Self::default()
        };
        if pod.is_ready || pod.is_going {
            return pod;
        }
        if let Some(scheduled) = condition(object, "PodScheduled")
            && text(scheduled, "/status") == "False"
            && text(scheduled, "/reason") == "Unschedulable"
        {
            let selector = object.pointer("/spec/nodeSelector").and_then(Value::as_object);
            let selector = selector.into_iter().flatten();
            let selector = selector.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
            pod.unschedulable = Some((text(scheduled, "/message").to_owned(), selector.collect()));
        }
        for statuses in ["/status/initContainerStatuses", "/status/containerStatuses"] {
            for status in list(object, statuses) {
                pod.read_container(status, phase);
            }
        }
        if phase == "Failed" && pod.troubles.is_empty() {
            let (reason, message) = (text(object, "/status/reason"), text(object, "/status/message"));
            pod.troubles.push(Trouble::Failed {
                reason: reason.to_owned(),
                text: message.to_owned(),
            });
        }
        pod
    }

    fn read_container(&mut self, status: &Value, phase: &str) {
        let name = text(status, "/name").to_owned();
        if status.get("ready") != Some(&Value::Bool(true)) {
            self.not_ready.push(name.clone());
        }
        let (waiting, message) = (
            text(status, "/state/waiting/reason"),
            text(status, "/state/waiting/message"),
        );
        match waiting {
            "" => {}
            "ContainerCreating" | "PodInitializing" => self.waits_for_volumes = true,
            "CrashLoopBackOff" => self
                .troubles
                .extend(crash(status, "/lastState/terminated", &name).or_else(|| {
                    Some(Trouble::Waiting {
                        container: name.clone(),
                        reason: waiting.to_owned(),
                        message: message.to_owned(),
                    })
                })),
            _ => self.troubles.push(Trouble::Waiting {
                container: name.clone(),
                reason: waiting.to_owned(),
                message: message.to_owned(),
            }),
        }
        let has_failed = number(status, "/state/terminated/exitCode").is_some_and(|code| code != 0);
        if has_failed || (phase == "Failed" && number(status, "/state/terminated/exitCode").is_some()) {
            self.troubles.extend(crash(status, "/state/terminated", &name));
        }
    }

    /// What is wrong with it, by its status and by what was said of it. `labels` are those of each node.
    pub(super) fn troubles<'a>(
        &'a self,
        said: impl Iterator<Item = &'a SeenEvent>,
        labels: &BTreeMap<Uid, BTreeMap<String, String>>,
    ) -> Vec<Trouble> {
        if self.is_ready || self.is_going {
            return Vec::new();
        }
        let mut troubles = self.troubles.clone();
        if let Some((text, selector)) = &self.unschedulable {
            let has = |key: &str, value: &str| {
                labels
                    .values()
                    .any(|labels| labels.get(key).map(String::as_str) == Some(value))
            };
            let unmatched = selector.iter().filter(|(key, value)| !has(key, value));
            troubles.push(Trouble::Unschedulable {
                text: text.clone(),
                unmatched: unmatched.map(|(key, _)| key.clone()).collect(),
            });
        }
        troubles.extend(said.filter_map(|event| self.trouble_of(event)));
        troubles
    }

    fn trouble_of(&self, event: &SeenEvent) -> Option<Trouble> {
        match event.reason.as_str() {
            // Once the volumes are there, that they were not is over.
            "FailedMount" | "FailedAttachVolume" | "FailedMapVolume" if self.waits_for_volumes => {
                Some(Trouble::Volume {
                    text: event.text.clone(),
                })
            }
            "FailedCreatePodSandBox" if self.waits_for_volumes => Some(Trouble::Failed {
                reason: event.reason.clone(),
                text: event.text.clone(),
            }),
            "Unhealthy" => {
                let container = event.container.clone().unwrap_or_default();
                let is_over = !container.is_empty() && !self.not_ready.contains(&container);
                (!is_over).then_some(Trouble::Unhealthy {
                    container,
                    probe: gitops_cluster::answer::Probe::of(&event.text)?,
                    text: event.text.clone(),
                })
            }
            _ => None,
        }
    }
}

/// How a container has ended.
fn crash(status: &Value, pointer: &str, name: &str) -> Option<Trouble> {
    let ended = status.pointer(pointer)?;
    Some(Trouble::Crashed {
        container: name.to_owned(),
        exit_code: number(ended, "/exitCode")?,
        reason: text(ended, "/reason").to_owned(),
        message: text(ended, "/message").to_owned(),
    })
}
