//! The session's own bare repository: its objects, its index, its references.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_model::flux::RefName;

use super::error::SourceError;
use super::git::{Call, command, without_user_configuration};
use super::work_tree::{UserRepository, WorkTree};
use crate::sandbox::{make_private_directory_inside, write_private_file};

/// The name of the repository's directory, and of the repository in its URL.
pub(crate) const REPOSITORY: &str = "session.git";

/// What the repository says of itself to whoever serves it.
///
/// Packs go over loopback: packing them small costs more than sending them large.
///
/// Flux speaks the old version of the protocol, in which a client asks for a commit by its id in a second request. A save
/// between the two has replaced that commit, and since commits here have no parents, nothing leads to it any more; so
/// any commit may be asked for.
const CONFIGURATION: &str = "[http]
\treceivepack = false
\tgetanyfile = false
[receive]
\tdenyCurrentBranch = refuse
[core]
\tlooseCompression = 1
[pack]
\tcompression = 0
\tthreads = 1
[gc]
\tauto = 0
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
";

/// The session's repository on disk.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub(crate) directory: Utf8PathBuf,
    root: Utf8PathBuf,
    settings: Vec<String>,
    /// The user's objects, in the form of `GIT_ALTERNATE_OBJECT_DIRECTORIES`; they are only ever read.
    pub(crate) user_objects: Option<OsString>,
    limit: Duration,
}

impl Store {
    /// Makes a new repository in `parent`, in place of one that an earlier session left there. Where `parent` itself would be
    /// is there already, or the session is over.
    pub(crate) async fn make(
        parent: &Utf8Path,
        work_tree: &WorkTree,
        branch: &RefName,
        limit: Duration,
    ) -> Result<Self, SourceError> {
        make_private_directory_inside(parent).map_err(|error| SourceError::io(parent, error))?;
        let parent = parent
            .canonicalize_utf8()
            .map_err(|error| SourceError::io(parent, error))?;
        let directory = parent.join(REPOSITORY);
        match std::fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(SourceError::io(&directory, error)),
            _ => {}
        }
        let mut init = command(&parent);
        without_user_configuration(&mut init);
        let arguments = [
            "--quiet",
            "--bare",
            "--template=",
            "--object-format=sha1",
            "--initial-branch",
            branch.short(),
            REPOSITORY,
        ];
        Call::new(init, "init", arguments, limit).run().await?;
        let configuration = directory.join("config");
        let own = std::fs::read_to_string(&configuration).map_err(|error| SourceError::io(&configuration, error))?;
        write_private_file(&configuration, &format!("{own}{CONFIGURATION}"))
            .map_err(|error| SourceError::io(&configuration, error))?;
        let plain = work_tree.repository.as_ref().filter(|user| user.is_plain);
        Ok(Self {
            directory,
            root: work_tree.root.clone(),
            settings: work_tree.settings.clone(),
            user_objects: plain.map(|user| as_list_of_one(&user.objects)),
            limit,
        })
    }

    /// A call on the session's repository and the user's files. The user's objects are not seen by it, so what it
    /// writes is written here whether the user's repository has it or not: nothing there can be gone tomorrow, and not
    /// even a time of last change is touched there.
    pub(crate) fn call<A: AsRef<OsStr>>(&self, name: &str, arguments: impl IntoIterator<Item = A>) -> Call {
        let mut command = command(&self.root);
        without_user_configuration(&mut command);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        command
            .arg("--literal-pathspecs")
            .env("GIT_DIR", &self.directory)
            .env("GIT_WORK_TREE", &self.root);
        Call::new(command, name, arguments, self.limit)
    }

    /// The index of the session, its own.
    pub(crate) fn index(&self) -> Utf8PathBuf {
        self.directory.join("index")
    }

    /// A call that sees the user's objects, too, to read them.
    pub(crate) fn call_with_user_objects<A: AsRef<OsStr>>(
        &self,
        name: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Call {
        let call = self.call(name, arguments);
        match &self.user_objects {
            Some(objects) => call.variable("GIT_ALTERNATE_OBJECT_DIRECTORIES", objects),
            None => call,
        }
    }

    /// Takes away what a call left that was ended in the middle.
    pub(crate) fn unlock(&self) {
        let _ = std::fs::remove_file(self.directory.join("index.lock"));
    }

    /// Takes over the ignore rules that are in no file of the work tree, and leaves the session's own files out should
    /// they be inside of it.
    pub(crate) fn take_over_excludes(&self, user: Option<&UserRepository>) -> Result<(), SourceError> {
        let mut rules = user.map_or_else(Vec::new, |user| std::fs::read(&user.exclude).unwrap_or_default());
        if let Some(Ok(own)) = self.directory.parent().map(|parent| parent.strip_prefix(&self.root))
            && !own.as_str().is_empty()
        {
            rules.extend_from_slice(format!("\n/{}/\n", as_pattern(own)).as_bytes());
        }
        let directory = self.directory.join("info");
        let file = directory.join("exclude");
        if std::fs::read(&file).is_ok_and(|now| now == rules) {
            return Ok(());
        }
        make_private_directory_inside(&directory)
            .and_then(|()| std::fs::write(&file, rules))
            .map_err(|error| SourceError::io(&file, error))
    }

    /// Lets all `names` mean `commit`, all at once: a fetch sees the commit before or this one.
    ///
    /// They are written as packed references, which is one file. Git keeps branches that are written one by one in
    /// files, and then could not have `release` and `release/1.0` together.
    pub(crate) fn point(&self, names: &BTreeSet<RefName>, commit: &str) -> Result<(), SourceError> {
        let mut packed = "# pack-refs with: peeled fully-peeled sorted \n".to_owned();
        for name in names {
            packed.push_str(commit);
            packed.push(' ');
            packed.push_str(name.as_str());
            packed.push('\n');
        }
        let file = self.directory.join("packed-refs");
        write_private_file(&file, &packed).map_err(|error| SourceError::io(&file, error))
    }
}

/// One path as a list of paths with Git's separator between them; quoted where it holds such a one itself.
fn as_list_of_one(path: &Utf8Path) -> OsString {
    let separator = if cfg!(windows) { ';' } else { ':' };
    if !path.as_str().contains([separator, '"', '\n']) {
        return path.as_os_str().to_owned();
    }
    let mut quoted = String::from("\"");
    for character in path.as_str().chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    OsString::from(quoted)
}

/// A path as a pattern of `.gitignore` that means it alone.
fn as_pattern(path: &Utf8Path) -> String {
    path.components()
        .map(|part| {
            part.as_str()
                .chars()
                .flat_map(|character| {
                    let escape = "\\*?[ #!".contains(character).then_some('\\');
                    escape.into_iter().chain([character])
                })
                .collect::<String>()
        })
        .collect::<Vec<_>>()
        .join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_holds_the_separator_is_quoted() {
        assert_eq!(as_list_of_one("/srv/fleet".into()), "/srv/fleet");
        #[cfg(unix)]
        assert_eq!(as_list_of_one("/srv/a:b\"c".into()), "\"/srv/a:b\\\"c\"");
    }

    #[test]
    fn a_pattern_means_one_path() {
        assert_eq!(as_pattern("a b/[c]/!d".into()), "a\\ b/\\[c]/\\!d");
    }
}
