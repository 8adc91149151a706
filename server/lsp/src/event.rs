//! Everything that can happen to the server: a closed list.

use std::sync::Arc;
use std::time::Instant;

use camino::Utf8PathBuf;
use crossbeam_channel::Sender;
use gitops_cluster::Cluster;
use gitops_model::Reach;
use gitops_session::sandbox::Step;
use gitops_session::{FileVerdict, FluxEvent, Stopped, WorkloadEvent};
use ls_types::ProgressToken;
use lsp_server::RequestId;
use serde_json::Value;

use crate::actions;
use crate::built;
use crate::parsed::Parsed;
use crate::plain_references;
use crate::reader::OnDisk;
use crate::target::{Candidate, TargetKind};
use crate::workload::PlacedWorkload;

/// What happens to the server beside the client's own messages.
pub(crate) enum Event {
    /// Files changed on disk, as told by `notify` where the client has no watcher.
    Files(Vec<Utf8PathBuf>),
    /// A session lives, speaks or ends.
    Session {
        /// Which session: numbers are given once, so that what an ended one still says is dropped.
        number: u64,
        /// What happened.
        event: SessionEvent,
    },
    /// Something that was computed elsewhere is done.
    Task(TaskDone),
    /// The process that started the server is gone.
    ParentGone,
}

/// The life of a session.
pub(crate) enum SessionEvent {
    /// The sandbox has come so far.
    Progress(Step),
    /// The sandbox takes requests.
    Started(Box<Started>),
    /// It did not start.
    Failed(String),
    /// A verdict about a file.
    Verdict(FileVerdict),
    /// A component ended by itself; it is being started again.
    ComponentEnded {
        /// What is said about it.
        message: String,
    },
    /// The component is back.
    Recovered,
    /// It does not come back.
    Lost(String),
    /// The Flux of the sandbox has something to say.
    Flux(FluxEvent),
    /// The workloads of the sandbox have something to say.
    Workload(WorkloadEvent),
    /// It was stopped as asked.
    Stopped(Stopped),
}

/// A sandbox that takes requests.
pub(crate) struct Started {
    /// The connection to it.
    pub(crate) cluster: Cluster,
    /// What kind of directory the target is.
    pub(crate) kind: TargetKind,
    /// Name of its context.
    pub(crate) context: String,
    /// Where its kubeconfig is.
    pub(crate) kubeconfig: Utf8PathBuf,
    /// Version of its API server.
    pub(crate) kubernetes_version: String,
}

/// What was computed elsewhere.
pub(crate) enum TaskDone {
    /// The files of a session's target were read.
    TargetRead {
        /// For which session.
        number: u64,
        /// When reading began.
        began: Instant,
        /// Each file with what it holds.
        files: Vec<ReadFile>,
        /// What could not be read, with the reason.
        unreadable: Vec<(Utf8PathBuf, String)>,
    },
    /// What a workspace folder offers to be applied was found.
    TargetsFound {
        /// The request to start that waits for it.
        request: RequestId,
        /// Its arguments.
        arguments: Value,
        /// The token of its progress.
        token: Option<ProgressToken>,
        /// What was found.
        candidates: Vec<Candidate>,
    },
    /// The tree that a target is built from was read.
    TreeRead {
        /// For which session.
        number: u64,
        /// The files.
        tree: built::Tree,
        /// What is too large or too much.
        left_out: Vec<String>,
    },
    /// A target was built.
    TargetBuilt {
        /// For which session.
        number: u64,
        /// What came out.
        outcome: built::Outcome,
    },
    /// What the cluster says about what was built has its places.
    Placed {
        /// For which session.
        number: u64,
        /// What is said, by file.
        placed: built::PlacedVerdict,
    },
    /// What Flux says about an object has its places.
    ConditionPlaced {
        /// For which session.
        number: u64,
        /// What is said.
        placed: built::PlacedCondition,
    },
    /// What each file of a session's tree reaches was found out.
    Reached {
        /// For which session.
        number: u64,
        /// What was found.
        reach: Reach,
    },
    /// What a person asked for about an object is done.
    Acted(actions::Done),
    /// The objects of a session of plain manifests were held against each other.
    ReferencesFound(plain_references::Found),
    /// What is wrong with an object that was built has its places.
    WorkloadPlaced {
        /// For which session.
        number: u64,
        /// What is said.
        placed: PlacedWorkload,
    },
    /// Files that changed outside the editor were read.
    FilesRead {
        /// Each file with what it holds now.
        files: Vec<OnDisk>,
    },
}

/// A file that was read from disk.
pub(crate) struct ReadFile {
    /// Where it is.
    pub(crate) path: Utf8PathBuf,
    /// What it holds.
    pub(crate) parsed: Arc<Parsed>,
}

/// The way into the loop for everything but the client.
pub(crate) type Inbox = Sender<Event>;
