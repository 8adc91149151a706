//! A work tree of one test, and a source made of it.

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use gitops_session::source::{Changes, Committed, Limits, SourceError, SourceRepository};
use tempfile::TempDir;

/// Some time; commits are made at it.
pub(crate) fn some_time() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
}

/// A directory of a test with a work tree `work` in it and room for a session's state.
pub(crate) struct Place {
    _temporary: TempDir,
    pub(crate) work: Utf8PathBuf,
    pub(crate) state: Utf8PathBuf,
    pub(crate) beside: Utf8PathBuf,
}

impl Place {
    /// Without a repository.
    pub(crate) fn folder() -> Self {
        let temporary = tempfile::tempdir().expect("a directory");
        let path = Utf8Path::from_path(temporary.path()).expect("UTF-8");
        let beside = path.canonicalize_utf8().expect("it is there");
        let work = beside.join("work");
        std::fs::create_dir(&work).expect("a work tree");
        Self {
            _temporary: temporary,
            work,
            state: beside.join("state"),
            beside,
        }
    }

    /// With an empty repository.
    pub(crate) fn repository() -> Self {
        let place = Self::folder();
        place.git(&["init", "--quiet", "--initial-branch=main"]);
        place
    }

    pub(crate) fn write(&self, file: &str, content: &str) {
        let path = self.work.join(file);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("directories");
        std::fs::write(path, content).expect("a file");
    }

    pub(crate) fn remove(&self, file: &str) {
        std::fs::remove_file(self.work.join(file)).expect("it is there");
    }

    /// `git` as its user runs it, in the work tree.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git_in(&self.work, arguments)
    }

    pub(crate) fn add_and_commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "a commit"]);
    }

    pub(crate) async fn source(&self) -> SourceRepository {
        self.source_of("").await.expect("a source")
    }

    pub(crate) async fn source_of(&self, below: &str) -> Result<SourceRepository, SourceError> {
        SourceRepository::open(&self.work.join(below), &self.state, None, Limits::default()).await
    }
}

/// The directory is the user's own; what is said of it is the user's doing.
pub(crate) fn git_in(directory: &Utf8Path, arguments: &[&str]) -> String {
    let output = try_git_in(directory, arguments);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {complaint}");
    String::from_utf8(output.stdout).expect("text")
}

pub(crate) fn try_git_in(directory: &Utf8Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.com"])
        .args(["-c", "protocol.file.allow=always", "-c", "advice.addEmbeddedRepo=false"])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .output()
        .expect("git runs")
}

pub(crate) async fn commit_all(source: &mut SourceRepository) -> Committed {
    source
        .commit(&Changes::Everything, some_time())
        .await
        .expect("a commit")
}

pub(crate) async fn commit_paths(source: &mut SourceRepository, paths: &[&str]) -> Committed {
    let paths = paths.iter().map(Utf8PathBuf::from).collect();
    source
        .commit(&Changes::Paths(paths), some_time())
        .await
        .expect("a commit")
}

/// `git` in the session's repository; the user's objects may hold a part of it.
fn ask(place: &Place, source: &SourceRepository, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(source.directory())
        .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", place.work.join(".git/objects"))
        .output()
        .expect("git runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {complaint}");
    String::from_utf8(output.stdout).expect("text")
}

/// What is in the last commit: mode and content of each file, and the id of a submodule.
pub(crate) fn committed(place: &Place, source: &SourceRepository) -> BTreeMap<String, String> {
    let commit = &source.revision().expect("a commit").commit;
    ask(place, source, &["ls-tree", "-r", "-z", commit])
        .split_terminator('\0')
        .map(|line| {
            let (facts, name) = line.split_once('\t').expect("a tab");
            let [mode, kind, id] = facts.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{facts}")
            };
            let content = match kind {
                "blob" => ask(place, source, &["cat-file", "blob", id]),
                _ => id.to_owned(),
            };
            (name.to_owned(), format!("{mode} {content}"))
        })
        .collect()
}

/// The names alone.
pub(crate) fn names(place: &Place, source: &SourceRepository) -> Vec<String> {
    let commit = &source.revision().expect("a commit").commit;
    let said = ask(place, source, &["ls-tree", "-r", "-z", "--name-only", commit]);
    said.split_terminator('\0').map(str::to_owned).collect()
}

/// How many objects the session's repository holds itself: each was hashed and written by the session.
pub(crate) fn objects(source: &SourceRepository) -> usize {
    let said = git_in(source.directory(), &["count-objects", "-v"]);
    let count = said.lines().find_map(|line| line.strip_prefix("count: "));
    count.expect("a count").parse().expect("a number")
}

/// All that is in a directory, with contents and times of last change.
pub(crate) fn everything_in(directory: &Utf8Path) -> BTreeMap<Utf8PathBuf, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in directory.read_dir_utf8().expect("a directory") {
            let path = entry.expect("an entry").into_path();
            let metadata = path.symlink_metadata().expect("metadata");
            let modified = metadata.modified().expect("a time");
            if metadata.is_dir() {
                waiting.push(path.clone());
                found.insert(path, (Vec::new(), modified));
            } else {
                let content = std::fs::read(&path).unwrap_or_default();
                found.insert(path, (content, modified));
            }
        }
    }
    found
}
