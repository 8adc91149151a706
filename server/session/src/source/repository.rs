//! The work tree as commits of the session's own repository.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::time::SystemTime;

use camino::Utf8Path;
use gitops_model::flux::{RefName, RepositoryUrl};

use super::changes::{Changes, Pending};
use super::error::SourceError;
use super::examine::LeftOut;
use super::git::check_version;
use super::limits::Limits;
use super::revision::Revision;
use super::session_index::{self, Updated};
use super::store::Store;
use super::work_tree::WorkTree;

/// How often a commit is tried while files change under it.
const ATTEMPTS: usize = 3;

/// After so many commits the ones before are swept up: at 20 KB each they are some megabytes by then.
const COMMITS_KEPT: u32 = 500;

/// What a fetch that is under way may still need is younger than this.
const SWEPT_WHEN_OLDER: &str = "--expire=10.minutes.ago";

/// Who commits. The same for everybody, so that the same files at the same time are the same commit.
const COMMITTER: (&str, &str) = ("gitops-lsp session", "session@gitops-lsp.invalid");
const MESSAGE: &str = "Work tree as it was saved\n";

/// The repository of a session: what is saved in a directory, committed beside it and never into it.
///
/// The user's repository is asked and read, and nothing of it is written: not its index, its references, its objects,
/// its configuration, nor the files themselves.
#[derive(Debug)]
pub struct SourceRepository {
    work_tree: WorkTree,
    store: Store,
    branch: RefName,
    names: BTreeSet<RefName>,
    limits: Limits,
    pending: Pending,
    /// The user's index as it was last asked, and what it said; see [`session_index::tracked_but_ignored`].
    index_stamp: Option<(SystemTime, u64)>,
    kept: BTreeSet<Vec<u8>>,
    left_out: BTreeMap<Vec<u8>, LeftOut>,
    last: Option<Last>,
    commits_since_swept: u32,
}

#[derive(Clone, Debug)]
struct Last {
    tree: String,
    revision: Revision,
}

/// What a commit brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Committed {
    /// The revision that is served now.
    pub revision: Revision,
    /// Whether it is another one than before.
    pub is_new: bool,
    /// What no rule ignores and is not in the commit all the same, relative to the root, each with the reason.
    pub left_out: Vec<(String, LeftOut)>,
}

impl SourceRepository {
    /// Opens the work tree that `directory` is in, to commit it to a new repository in the directory `state`, which is
    /// the session's alone. Nothing is committed yet.
    ///
    /// All of the work tree is committed, from its root on, since that is where the paths in Flux's objects begin; a
    /// directory that is in no repository, or that the one around it ignores, is its own root.
    /// Without a `branch` it is the one that is checked out, else `main`.
    pub async fn open(
        directory: &Utf8Path,
        state: &Utf8Path,
        branch: Option<RefName>,
        limits: Limits,
    ) -> Result<Self, SourceError> {
        check_version(directory, limits.call).await?;
        let work_tree = WorkTree::discover(directory, limits.call).await?;
        let checked_out = work_tree.repository.as_ref().and_then(|user| user.branch.clone());
        let branch = branch.or(checked_out).unwrap_or_else(RefName::main);
        let store = Store::make(state, &work_tree, &branch, limits.call).await?;
        session_index::seed(&store, &work_tree, &limits).await?;
        Ok(Self {
            names: BTreeSet::from([branch.clone()]),
            work_tree,
            store,
            branch,
            limits,
            pending: Pending::Everything,
            index_stamp: None,
            kept: BTreeSet::new(),
            left_out: BTreeMap::new(),
            last: None,
            commits_since_swept: 0,
        })
    }

    /// The top of the work tree: where the paths in Flux's objects begin.
    pub fn root(&self) -> &Utf8Path {
        &self.work_tree.root
    }

    /// Where the directory that was opened stands below the root; empty if it is the root.
    pub fn prefix(&self) -> &Utf8Path {
        &self.work_tree.prefix
    }

    /// Whether the work tree is that of a repository.
    pub fn is_in_a_repository(&self) -> bool {
        self.work_tree.repository.is_some()
    }

    /// The session's branch.
    pub fn branch(&self) -> &RefName {
        &self.branch
    }

    /// The directory of the session's repository.
    pub fn directory(&self) -> &Utf8Path {
        &self.store.directory
    }

    /// Where objects are that are not in it, for who serves it.
    pub(crate) fn user_objects(&self) -> Option<OsString> {
        self.store.user_objects.clone()
    }

    /// The repositories that the user's remotes are.
    pub async fn remotes(&self) -> Result<Vec<RepositoryUrl>, SourceError> {
        self.work_tree.remotes(self.limits.call).await
    }

    /// The last commit, if there is one.
    pub fn revision(&self) -> Option<&Revision> {
        self.last.as_ref().map(|last| &last.revision)
    }

    /// Lets the session's commits be found under this name, too: branch, tag or any other.
    pub fn serve_as(&mut self, name: RefName) -> Result<(), SourceError> {
        self.names.insert(name);
        match &self.last {
            Some(last) => self.store.point(&self.names, &last.revision.commit),
            None => Ok(()),
        }
    }

    /// Commits what is saved, if it differs from what was committed last, and serves it under all names.
    ///
    /// The files go by Git's rules: what is ignored is not in it unless it is tracked, and a submodule is the commit
    /// that is checked out in it. Of an index in the middle of a merge the files are taken as they are.
    /// The id of the commit depends on the files and on `at` (in whole seconds), and on nothing else; a commit has no
    /// parent, so that what is fetched is what is there and no history with it.
    ///
    /// `changes` is a promise that nothing else changed. What one call did not come to do, since it failed or was
    /// dropped, the next one does. The first one looks at everything.
    pub async fn commit(&mut self, changes: &Changes, at: SystemTime) -> Result<Committed, SourceError> {
        self.pending.add(changes, &self.work_tree.root);
        let mut last_failure = String::new();
        for _ in 0..ATTEMPTS {
            // One that was ended in the middle, by its deadline or because it was dropped, has left its lock.
            self.store.unlock();
            match self.attempt(at).await {
                // A file that shrinks or goes while it is read: the next attempt sees it as it is then.
                Err(SourceError::Git { command, message }) if command == "update-index" => {
                    tracing::debug!(message, "files changed while they were read");
                    last_failure = message;
                    self.pending = Pending::Everything;
                }
                answer => return answer,
            }
        }
        Err(SourceError::Restless {
            attempts: ATTEMPTS,
            last: last_failure,
        })
    }

    async fn attempt(&mut self, at: SystemTime) -> Result<Committed, SourceError> {
        self.ask_the_users_index().await?;
        let is_whole = self.pending == Pending::Everything;
        let Updated { names, left_out } = match &self.pending {
            Pending::Everything => self.update_all().await?,
            Pending::Paths(paths) if paths.is_empty() => Updated::default(),
            Pending::Paths(paths) => {
                session_index::update_paths(&self.store, &self.work_tree, paths, &self.limits).await?
            }
        };
        self.remember(left_out);
        let before = self.last.clone();
        let now = match &before {
            Some(last) if names == 0 && !is_whole => last.clone(),
            _ => self.write(is_whole, before.as_ref(), at).await?,
        };
        self.pending = Pending::nothing();
        self.last = Some(now.clone());
        let is_new = before.is_none_or(|before| before.revision != now.revision);
        if is_new {
            self.sweep().await;
        }
        let left_out = self.left_out.iter();
        Ok(Committed {
            is_new,
            revision: now.revision,
            left_out: left_out
                .map(|(name, why)| (String::from_utf8_lossy(name).into_owned(), why.clone()))
                .collect(),
        })
    }

    /// Writes what the index holds as a tree, and a commit of it unless there is one.
    async fn write(&self, is_whole: bool, before: Option<&Last>, at: SystemTime) -> Result<Last, SourceError> {
        let mut tree = self.write_tree().await?;
        if is_whole && !self.is_all_there(&tree).await? {
            tracing::warn!("the user's repository dropped objects; all files are read again");
            session_index::forget(&self.store)?;
            self.update_all().await?;
            tree = self.write_tree().await?;
        }
        match before {
            Some(last) if last.tree == tree => Ok(last.clone()),
            _ => self.write_commit(tree, at).await,
        }
    }

    /// Asks what is tracked though it is ignored, if that can have changed; a change of it concerns any file.
    async fn ask_the_users_index(&mut self) -> Result<(), SourceError> {
        let stamp = self.work_tree.index_stamp();
        if self.pending != Pending::Everything && stamp == self.index_stamp {
            return Ok(());
        }
        let kept = session_index::tracked_but_ignored(&self.work_tree, &self.limits).await?;
        if kept != self.kept {
            self.kept = kept;
            self.pending = Pending::Everything;
        }
        self.index_stamp = stamp;
        Ok(())
    }

    async fn update_all(&self) -> Result<Updated, SourceError> {
        session_index::update_all(&self.store, &self.work_tree, &self.kept, &self.limits).await
    }

    /// Keeps what is known to be left out of the parts of the tree that were not looked at.
    fn remember(&mut self, left_out: BTreeMap<Vec<u8>, LeftOut>) {
        match &self.pending {
            Pending::Everything => self.left_out = left_out,
            Pending::Paths(paths) => {
                self.left_out.retain(|name, _| {
                    let is_below = |path: &String| {
                        name.strip_prefix(path.as_bytes())
                            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
                    };
                    !paths.iter().any(is_below)
                });
                self.left_out.extend(left_out);
            }
        }
    }

    /// Now and then, takes away what no name leads to any more.
    async fn sweep(&mut self) {
        self.commits_since_swept += 1;
        if self.commits_since_swept < COMMITS_KEPT {
            return;
        }
        self.commits_since_swept = 0;
        let swept = self
            .store
            .call_with_user_objects("prune", [SWEPT_WHEN_OLDER])
            .run()
            .await;
        if let Err(error) = swept {
            // It costs some space, and the next time is not far.
            tracing::warn!(%error, "old commits of the session's source remain");
        }
    }

    async fn write_tree(&self) -> Result<String, SourceError> {
        // Blobs of files that did not change are in the user's repository, which this call does not see.
        let said = self.store.call("write-tree", ["--missing-ok"]).run().await?;
        Ok(said.text())
    }

    /// Whether all objects of a tree can be found, here or in the user's repository, which may have dropped some.
    async fn is_all_there(&self, tree: &str) -> Result<bool, SourceError> {
        if self.store.user_objects.is_none() {
            return Ok(true);
        }
        let arguments = ["--objects", "--quiet", tree, "--"];
        let said = self.store.call_with_user_objects("rev-list", arguments).ask().await?;
        Ok(said.code == Some(0))
    }

    async fn write_commit(&self, tree: String, at: SystemTime) -> Result<Last, SourceError> {
        let seconds = at
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let date = format!("@{seconds} +0000");
        let (name, email) = COMMITTER;
        let mut call = self.store.call("commit-tree", [tree.as_str()]);
        for (variable, value) in [
            ("GIT_AUTHOR_NAME", name),
            ("GIT_AUTHOR_EMAIL", email),
            ("GIT_AUTHOR_DATE", &date),
            ("GIT_COMMITTER_NAME", name),
            ("GIT_COMMITTER_EMAIL", email),
            ("GIT_COMMITTER_DATE", &date),
        ] {
            call = call.variable(variable, value);
        }
        let commit = call.input(MESSAGE.into()).run().await?.text();
        self.store.point(&self.names, &commit)?;
        let revision = Revision {
            branch: self.branch.clone(),
            commit,
        };
        Ok(Last { tree, revision })
    }
}
