//! What goes into a session, and what comes out: supplies of files, and verdicts about them.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use gitops_cluster::{Judgement, SentObject};
use gitops_model::{Manifest, ObjectKey};

/// One object of a file.
#[derive(Clone, Debug)]
pub struct Supplied {
    /// Its identity and place.
    pub manifest: Manifest,
    /// The object as it is sent.
    pub object: SentObject,
    /// The field manager that it is asked about for, if that is not the one of the connection.
    pub manager: Option<&'static str>,
}

/// All that one file supplies at one save.
#[derive(Clone, Debug)]
pub struct Supply {
    /// Name of the file: a URI. Only compared.
    pub file: Arc<str>,
    /// Number of the save; grows with each.
    pub generation: u64,
    /// Whether all of the file could be read. From a file that is half broken nothing is pruned:
    /// what is missing may stand in the broken half.
    pub complete: bool,
    /// The objects, in the order of the file. Empty for a deleted file. Shared by all who keep them.
    pub objects: Arc<[Supplied]>,
    /// When the save was read, for `ms` in verdicts.
    pub read_at: Instant,
    /// Whether it is applied; otherwise the dry run is all.
    pub apply: bool,
    /// Whether objects that read as they did when they were applied last are left alone: what is built of many files is
    /// mostly what it was before.
    pub changed_only: bool,
    /// What a person asked to be done to one of the objects first.
    pub force: Option<(ObjectKey, Force)>,
}

/// Which answer a report brings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// The fast answer: nothing is written.
    DryRun,
    /// What applying brought.
    Apply,
}

/// What became of an object.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The dry run takes it; applying is under way.
    Accepted,
    /// It is on the cluster.
    Applied {
        /// Since when.
        at: SystemTime,
    },
    /// The server refuses it; the judgement says why.
    Rejected,
    /// The server could not be asked.
    Unreachable {
        /// Why.
        reason: String,
    },
}

/// The verdict about one object.
#[derive(Clone, Debug)]
pub struct ObjectVerdict {
    /// Which object.
    pub manifest: Manifest,
    /// What the server thinks of it.
    pub judgement: Judgement,
    /// What became of it.
    pub outcome: Outcome,
}

/// The verdicts about one file at one save.
#[derive(Clone, Debug)]
pub struct FileVerdict {
    /// Which file.
    pub file: Arc<str>,
    /// Which save.
    pub generation: u64,
    /// Which answer.
    pub phase: Phase,
    /// One verdict per object, in the order of the file. Shared: as long as it is the same one, nothing new is said.
    pub objects: Vec<Arc<ObjectVerdict>>,
    /// What was deleted from the cluster because the file no longer has it.
    pub pruned: Vec<ObjectKey>,
    /// What should have been deleted and was not, with the reason.
    pub prune_failures: Vec<(ObjectKey, String)>,
    /// From the reading of the save to this verdict.
    pub elapsed: Duration,
}

/// What the session tells its owner.
pub type Report = Arc<dyn Fn(FileVerdict) + Send + Sync>;

/// What a person may do about an object that plain applying cannot put right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Force {
    /// Take fields over from the managers that hold them.
    TakeOver,
    /// Delete the object and create it anew.
    Recreate,
}

/// What stopping did.
#[derive(Clone, Debug, Default)]
pub struct Stopped {
    /// How many objects the session had put there.
    pub deleted: usize,
    /// How many objects were given back the state that they had before: what was suspended is resumed.
    pub restored: usize,
    /// What could not be deleted, with the reason.
    pub failed: Vec<(ObjectKey, String)>,
}
