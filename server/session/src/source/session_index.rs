//! The session's index: a copy of the user's at first, and kept up to date from the work tree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;

use super::error::SourceError;
use super::examine::{Examined, LeftOut, examine};
use super::git::path_of;
use super::limits::Limits;
use super::store::Store;
use super::work_tree::{UserRepository, WorkTree};
use crate::sandbox::open_private_file;

/// Whose ignore rules say which untracked files belong to the tree: Git's own, all of them.
const IGNORE_RULES: &str = "--exclude-standard";

/// What a look at the work tree brought.
#[derive(Debug, Default)]
pub(crate) struct Updated {
    /// How many names the index took or dropped.
    pub(crate) names: usize,
    pub(crate) left_out: BTreeMap<Vec<u8>, LeftOut>,
}

/// Begins the index. With the user's own as a beginning, files that did not change since they were added there need
/// not be read, and submodules are there as they are.
///
/// What is staged but not committed is left to be read again: the user's repository may drop such an object at any
/// time, while what a commit holds stays.
pub(crate) async fn seed(store: &Store, work_tree: &WorkTree, limits: &Limits) -> Result<(), SourceError> {
    let Some(user) = work_tree.repository.as_ref().filter(|user| user.is_plain) else {
        return Ok(());
    };
    let arguments = ["-z", "--cached", "--name-only", "--ignore-submodules=all", "HEAD"];
    let staged = work_tree.ask_user("diff-index", &arguments, limits.call).ask().await?;
    if staged.code != Some(0) {
        // There is no commit yet.
        return Ok(());
    }
    if let Err(error) = copy_index(user, store) {
        tracing::debug!(%error, "there is no index to begin with");
        return Ok(());
    }
    // One that has directories in place of files, as a sparse checkout's can, gets the files while the user's objects are
    // seen. One that is split over several files cannot be read from where the copy is.
    let arguments = ["--force-write-index"];
    let whole = store.call_with_user_objects("update-index", arguments).ask().await?;
    if whole.code != Some(0) {
        return forget(store);
    }
    let listing = store.call("ls-files", ["-z", "-v"]).run().await?;
    look_everywhere(store, work_tree, listing.names()).await?;
    force_remove(store, staged.names().map(<[u8]>::to_vec)).await
}

/// An index can be told to look away from a file, as people do who never want to commit what they changed in it; what is
/// saved counts all the same. Files that are not there since the checkout is a sparse one stay as they are.
///
/// Each of `listing` is a letter, a space and a name: `S` is a file that is not looked at, and a small letter one that
/// is taken to be unchanged.
async fn look_everywhere(
    store: &Store,
    work_tree: &WorkTree,
    listing: impl Iterator<Item = &[u8]>,
) -> Result<(), SourceError> {
    let (mut skipped, mut assumed) = (Vec::new(), Vec::new());
    for entry in listing {
        let ([letter, b' ', name @ ..], root) = (entry, work_tree.root.as_std_path()) else {
            continue;
        };
        let is_there = || path_of(name).is_some_and(|path| root.join(path).symlink_metadata().is_ok());
        if letter.eq_ignore_ascii_case(&b'S') && is_there() {
            skipped.push(name.to_vec());
        }
        if letter.is_ascii_lowercase() {
            assumed.push(name.to_vec());
        }
    }
    for (option, names) in [("--no-skip-worktree", skipped), ("--no-assume-unchanged", assumed)] {
        if !names.is_empty() {
            let input = terminated(names.into_iter());
            store
                .call("update-index", [option, "-z", "--stdin"])
                .input(input)
                .run()
                .await?;
        }
    }
    Ok(())
}

/// Begins anew, with nothing.
pub(crate) fn forget(store: &Store) -> Result<(), SourceError> {
    let index = store.index();
    match std::fs::remove_file(&index) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(SourceError::io(&index, error)),
        _ => Ok(()),
    }
}

/// The copy is as old as the original: files that are as young as their index are those that Git does not trust to be
/// unchanged, and would be trusted if the copy were younger.
fn copy_index(user: &UserRepository, store: &Store) -> std::io::Result<()> {
    let mut original = std::fs::File::open(&user.index)?;
    let modified = original.metadata()?.modified()?;
    let mut copy = open_private_file(
        &store.index(),
        OpenOptions::new().write(true).create(true).truncate(true),
    )?;
    std::io::copy(&mut original, &mut copy)?;
    copy.set_modified(modified)
}

/// Brings the whole index up to date. `kept` is what [`tracked_but_ignored`] said.
pub(crate) async fn update_all(
    store: &Store,
    work_tree: &WorkTree,
    kept: &BTreeSet<Vec<u8>>,
    limits: &Limits,
) -> Result<Updated, SourceError> {
    store.take_over_excludes(work_tree.repository.as_ref())?;
    let ours = store
        .call("ls-files", ["-z", "--cached", "--ignored", IGNORE_RULES])
        .run()
        .await?;
    let dropped: Vec<Vec<u8>> = ours
        .names()
        .filter(|name| !kept.contains(*name))
        .map(<[u8]>::to_vec)
        .collect();
    let mut names = dropped.len();
    force_remove(store, dropped.into_iter()).await?;
    // Files that were only touched are read once here, and not each time again. Files that did change are exit code 1.
    store
        .call("update-index", ["-q", "--ignore-submodules", "--refresh"])
        .ask()
        .await?;
    let mut changed = changed(store, &[]).await?;
    changed.extend(kept.iter().cloned());
    let updated = take(store, work_tree, changed, limits).await?;
    names += updated.names;
    Ok(Updated { names, ..updated })
}

/// Brings the index up to date in these paths, and looks at no other file.
pub(crate) async fn update_paths(
    store: &Store,
    work_tree: &WorkTree,
    paths: &BTreeSet<String>,
    limits: &Limits,
) -> Result<Updated, SourceError> {
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let changed = changed(store, &paths).await?;
    take(store, work_tree, changed, limits).await
}

/// The files that belong to the tree though a rule ignores them, since the user added them all the same. That is for the
/// user's index to say: in the session's all are tracked that once belonged to the tree.
pub(crate) async fn tracked_but_ignored(
    work_tree: &WorkTree,
    limits: &Limits,
) -> Result<BTreeSet<Vec<u8>>, SourceError> {
    if work_tree.repository.is_none() {
        return Ok(BTreeSet::new());
    }
    let arguments = ["-z", "--cached", "--ignored", IGNORE_RULES];
    let said = work_tree.ask_user("ls-files", &arguments, limits.call).run().await?;
    Ok(said.names().map(<[u8]>::to_vec).collect())
}

/// What differs between the index and the work tree: modified, deleted, and others that no rule ignores.
async fn changed(store: &Store, paths: &[&str]) -> Result<BTreeSet<Vec<u8>>, SourceError> {
    let mut arguments = vec!["-z", "--modified", "--deleted", "--others", IGNORE_RULES, "--"];
    arguments.extend(paths);
    let said = store.call("ls-files", arguments).run().await?;
    Ok(said.names().map(<[u8]>::to_vec).collect())
}

async fn take(
    store: &Store,
    work_tree: &WorkTree,
    names: BTreeSet<Vec<u8>>,
    limits: &Limits,
) -> Result<Updated, SourceError> {
    let (root, limits) = (work_tree.root.clone(), limits.clone());
    let examined = tokio::task::spawn_blocking(move || examine(root.as_std_path(), names, &limits)).await;
    let Examined { take, drop, left_out } = examined.map_err(|error| SourceError::Git {
        command: "update-index".to_owned(),
        message: error.to_string(),
    })??;
    let names = take.len() + drop.len();
    force_remove(store, drop.into_iter()).await?;
    if !take.is_empty() {
        let arguments = ["--add", "--remove", "--replace", "-z", "--stdin"];
        store
            .call("update-index", arguments)
            .input(terminated(take.into_iter()))
            .run()
            .await?;
    }
    Ok(Updated { names, left_out })
}

async fn force_remove(store: &Store, names: impl Iterator<Item = Vec<u8>>) -> Result<(), SourceError> {
    let input = terminated(names);
    if !input.is_empty() {
        let arguments = ["--force-remove", "-z", "--stdin"];
        store.call("update-index", arguments).input(input).run().await?;
    }
    Ok(())
}

fn terminated(names: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    names.fold(Vec::new(), |mut all, name| {
        all.extend_from_slice(&name);
        all.push(0);
        all
    })
}
