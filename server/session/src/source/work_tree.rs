//! The directory whose saved state is the source: what Git knows of it, asked of `git` and changed nowhere.

use std::ffi::OsString;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use gitops_model::flux::{RefName, RepositoryUrl};

use super::error::SourceError;
use super::git::{Call, Said, command, utf8_path};

/// Settings of the user's that decide which files are ignored, and how a file's bytes become a blob. With them a file
/// gets the blob that it would get by `git add`.
const SETTINGS_TAKEN_OVER: &str = "^core\\.(autocrlf|eol|filemode|symlinks|ignorecase|precomposeunicode|excludesfile\
                                   |checkstat|trustctime|protecthfs|protectntfs)$";

/// A directory, and the user's repository that it belongs to, if it does.
#[derive(Clone, Debug)]
pub(crate) struct WorkTree {
    /// The top of the repository's work tree; the directory itself if there is no repository.
    pub(crate) root: Utf8PathBuf,
    /// Where the directory stands below the root; empty for the root.
    pub(crate) prefix: Utf8PathBuf,
    /// `-c` settings of the user's, as `name=value`.
    pub(crate) settings: Vec<String>,
    pub(crate) repository: Option<UserRepository>,
}

/// The user's repository. Nothing is ever written to it.
#[derive(Clone, Debug)]
pub(crate) struct UserRepository {
    pub(crate) index: Utf8PathBuf,
    /// `info/exclude`, which need not be there.
    pub(crate) exclude: Utf8PathBuf,
    pub(crate) objects: Utf8PathBuf,
    /// The branch that is checked out; none when a commit is.
    pub(crate) branch: Option<RefName>,
    /// Whether its index names objects that the session's repository can have, and that are all there: not so in a
    /// repository with SHA-256, nor in a partial clone.
    pub(crate) is_plain: bool,
}

impl WorkTree {
    /// Finds out what `directory` is. A directory that the repository around it ignores does not belong to it.
    pub(crate) async fn discover(directory: &Utf8Path, limit: Duration) -> Result<Self, SourceError> {
        let directory = directory
            .canonicalize_utf8()
            .map_err(|error| SourceError::io(directory, error))?;
        let settings = settings(&directory, limit).await?;
        let alone = Self {
            root: directory.clone(),
            prefix: Utf8PathBuf::new(),
            settings: settings.clone(),
            repository: None,
        };
        let asked = [
            "--path-format=absolute",
            "--show-toplevel",
            "--git-path",
            "index",
            "--git-path",
            "info/exclude",
            "--git-path",
            "objects",
            "--show-object-format",
        ];
        let said = Call::new(command(&directory), "rev-parse", asked, limit).ask().await?;
        if said.code != Some(0) {
            // No repository, a bare one, or one that is broken: the files are there all the same.
            tracing::debug!(%directory, said = said.complaint, "not in a work tree of Git");
            return Ok(alone);
        }
        let text = said.text();
        let lines: Vec<&str> = text.lines().collect();
        let [root, index, exclude, objects, format] = lines.as_slice() else {
            tracing::warn!(%directory, "the paths of its repository cannot be told apart");
            return Ok(alone);
        };
        let root = utf8_path(root)?;
        let root = root.canonicalize_utf8().unwrap_or(root);
        let Ok(prefix) = directory.strip_prefix(&root).map(Utf8Path::to_owned) else {
            return Ok(alone);
        };
        if is_ignored(&root, &prefix, limit).await? {
            return Ok(alone);
        }
        let is_partial = !matching_settings(
            &directory,
            "^(extensions\\.partialclone|remote\\..*\\.promisor)$",
            limit,
        )
        .await?
        .output
        .is_empty();
        Ok(Self {
            root,
            prefix,
            settings,
            repository: Some(UserRepository {
                index: utf8_path(index)?,
                exclude: utf8_path(exclude)?,
                objects: utf8_path(objects)?,
                branch: branch(&directory, limit).await?,
                is_plain: *format == "sha1" && !is_partial,
            }),
        })
    }

    /// What tells one state of the user's index from another; none where there is no index.
    pub(crate) fn index_stamp(&self) -> Option<(SystemTime, u64)> {
        let metadata = std::fs::metadata(&self.repository.as_ref()?.index).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    }

    /// A question to the user's own repository.
    pub(crate) fn ask_user(&self, name: &str, arguments: &[&str], limit: Duration) -> Call {
        Call::new(command(&self.root), name, arguments, limit)
    }

    /// The repositories that the user's remotes are, as `git fetch` and `git push` would resolve them.
    pub(crate) async fn remotes(&self, limit: Duration) -> Result<Vec<RepositoryUrl>, SourceError> {
        if self.repository.is_none() {
            return Ok(Vec::new());
        }
        let said = self.ask_user("remote", &["--verbose"], limit).run().await?;
        // NAME<tab>URL (fetch)
        let mut remotes: Vec<RepositoryUrl> = said
            .text()
            .lines()
            .filter_map(|line| {
                line.split_once('\t')?
                    .1
                    .rsplit_once(" (")
                    .map(|(url, _)| url.to_owned())
            })
            .filter_map(|url| RepositoryUrl::parse(&url))
            .collect();
        remotes.sort();
        remotes.dedup();
        Ok(remotes)
    }
}

async fn matching_settings(directory: &Utf8Path, pattern: &str, limit: Duration) -> Result<Said, SourceError> {
    let arguments = ["--null", "--type=path", "--get-regexp", pattern];
    // No setting that matches is exit code 1; a file of settings that cannot be read is none, either.
    Call::new(command(directory), "config", arguments, limit).ask().await
}

async fn settings(directory: &Utf8Path, limit: Duration) -> Result<Vec<String>, SourceError> {
    let said = matching_settings(directory, SETTINGS_TAKEN_OVER, limit).await?;
    Ok(said
        .names()
        .filter_map(|entry| {
            let entry = String::from_utf8(entry.to_vec()).ok()?;
            Some(match entry.split_once('\n') {
                Some((name, value)) => format!("{name}={value}"),
                // A name alone means true, to `git -c` as well.
                None => entry,
            })
        })
        .collect())
}

/// Whether the repository ignores the directory and has nothing in it.
async fn is_ignored(root: &Utf8Path, prefix: &Utf8Path, limit: Duration) -> Result<bool, SourceError> {
    if prefix.as_str().is_empty() {
        return Ok(false);
    }
    let check = [OsString::from("--quiet"), "--".into(), prefix.as_os_str().to_owned()];
    let ignored = Call::new(command(root), "check-ignore", check, limit).ask().await?;
    if ignored.code != Some(0) {
        return Ok(false);
    }
    let list = [OsString::from("-z"), "--".into(), prefix.as_os_str().to_owned()];
    let mut literal = command(root);
    literal.arg("--literal-pathspecs");
    let tracked = Call::new(literal, "ls-files", list, limit).run().await?;
    Ok(tracked.output.is_empty())
}

async fn branch(directory: &Utf8Path, limit: Duration) -> Result<Option<RefName>, SourceError> {
    let said = Call::new(command(directory), "symbolic-ref", ["--quiet", "HEAD"], limit)
        .ask()
        .await?;
    Ok(RefName::full(&said.text()).ok())
}
