//! Sessions: start, saves with their verdicts, status.

use std::sync::PoisonError;

use camino::Utf8PathBuf;
use serde_json::{Value, json};

use super::TestServer;
use crate::client::Refused;
use crate::kubernetes::Cluster;
use crate::message_log::Mark;
use crate::slots;

/// Which answer a verdict is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// The fast one: nothing is written.
    DryRun,
    /// What applying brought.
    Apply,
    /// What became of the workloads.
    Runtime,
    /// What Flux says of it.
    Flux,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::DryRun => "dry-run",
            Self::Apply => "apply",
            Self::Runtime => "runtime",
            Self::Flux => "flux",
        }
    }
}

/// A `gitops/verdict`.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// The number of the save.
    pub generation: u64,
    /// Whether everything in the file was taken.
    pub ok: bool,
    /// Milliseconds since the save was read.
    pub milliseconds: f64,
}

impl TestServer {
    /// Starts a session on a sandbox of its own, once one may be started, and returns what the command answers.
    pub fn start_session(&self, argument: Value) -> Value {
        self.try_start_session(argument)
            .unwrap_or_else(|refused| panic!("the session does not start: {}", refused.message))
    }

    /// [`Self::start_session`] where an error is expected.
    pub fn try_start_session(&self, argument: Value) -> Result<Value, Refused> {
        self.take_slot();
        self.client.command("gitops.session.start", argument)
    }

    /// Waits until this server may run a sandbox. It gives the slot back when it ends.
    pub fn take_slot(&self) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() {
            *slot = Some(slots::take());
        }
    }

    /// Stops the session and returns what the command answers.
    pub fn stop_session(&self) -> Value {
        self.client
            .command("gitops.session.stop", Value::Null)
            .expect("the session stops")
    }

    /// The cluster of a running session, by the kubeconfig that `gitops.session.start` answered.
    pub fn cluster(&self, started: &Value) -> Cluster {
        let kubeconfig = Utf8PathBuf::from(
            started["kubeconfig"]
                .as_str()
                .expect("a started session says where its kubeconfig is"),
        );
        Cluster::new(&kubeconfig)
    }

    /// The number of the newest save of a file that a verdict has named so far, 0 for none.
    pub fn generation(&self, file: &str) -> u64 {
        self.client
            .log()
            .newest(|message| self.verdict_of(message, file, None))
            .map_or(0, |verdict| verdict.generation)
    }

    /// Saves, waits for what applying brought, and returns it.
    pub fn save_and_settle(&self, file: &str) -> Verdict {
        let before = self.generation(file);
        let mark = self.save(file);
        self.wait_for_verdict(file, Phase::Apply, mark, before + 1)
    }

    /// Waits for a verdict on a file that comes after `since` and is about save number `at_least` or a newer one.
    pub fn wait_for_verdict(&self, file: &str, phase: Phase, since: Mark, at_least: u64) -> Verdict {
        self.client
            .wait(since, &format!("the {} verdict on {file}", phase.name()), |message| {
                self.verdict_of(message, file, Some(phase))
                    .filter(|verdict| verdict.generation >= at_least)
            })
    }

    /// Waits for the first verdict of a phase, by its name in the protocol, on a file after `since`; whether it is good.
    pub fn first_verdict(&self, file: &str, phase: &str, since: Mark) -> bool {
        let uri = self.uri(file);
        self.client
            .wait(since, &format!("the {phase} verdict on {file}"), |message| {
                let said = (message["method"] == "gitops/verdict").then(|| &message["params"])?;
                let is_it = said["uri"] == uri.as_str() && said["phase"] == phase;
                is_it.then(|| said["ok"] == true)
            })
    }

    /// All verdicts of one phase on a file after `since`.
    pub fn verdicts(&self, file: &str, phase: Phase, since: Mark) -> Vec<Verdict> {
        self.client
            .log()
            .said(since, |message| self.verdict_of(message, file, Some(phase)))
    }

    fn verdict_of(&self, message: &Value, file: &str, phase: Option<Phase>) -> Option<Verdict> {
        let params = (message["method"] == "gitops/verdict").then(|| &message["params"])?;
        let wanted = params["uri"].as_str() == Some(&self.uri(file))
            && phase.is_none_or(|phase| params["phase"] == phase.name());
        wanted.then(|| Verdict {
            generation: params["generation"].as_u64().expect("a number"),
            ok: params["ok"].as_bool().expect("a truth value"),
            milliseconds: params["ms"].as_f64().expect("a number"),
        })
    }

    /// The status, asked for.
    pub fn status(&self) -> Value {
        self.client
            .command("gitops.mode", Value::Null)
            .expect("the status is answered")
    }

    /// Waits until the server tells a status for which `wanted` holds.
    pub fn wait_for_status(&self, since: Mark, wanted: impl Fn(&Value) -> bool) -> Value {
        self.client.wait_for(since, "gitops/status", wanted)
    }

    /// Waits until the status says that a component has ended, and then that nothing is wrong any more.
    pub fn wait_for_recovery(&self, since: Mark, component: &str) {
        let mut ended = false;
        self.client
            .wait(since, &format!("the recovery of {component}"), |message| {
                let status = (message["method"] == "gitops/status").then(|| &message["params"])?;
                ended |= status["message"]
                    .as_str()
                    .is_some_and(|message| message.contains(component));
                (ended && status["message"].is_null() && status["level"] == "session").then_some(())
            });
    }

    /// Applies a file without a save, and waits for what that brought.
    pub fn apply(&self, file: &str) -> Verdict {
        let before = self.generation(file);
        let mark = self.client.mark();
        self.client
            .command("gitops.apply", json!({ "uri": self.uri(file) }))
            .expect("gitops.apply works");
        self.wait_for_verdict(file, Phase::Apply, mark, before + 1)
    }
}
