//! Files that change on disk are read by one thread, in the order in which that was asked for.
//!
//! Were they read side by side, the older text of a file could come after the newer one, and would count. The same
//! thread owns our own watcher, for clients that have none: a new directory must be watched before it is read, and
//! waiting for that is nothing for the loop.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use crossbeam_channel::Sender;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use crate::event::{Event, Inbox, TaskDone};
use crate::parsed::Parsed;
use crate::workspace::{all_files_of, files_of, read_file};

/// How long a file must have been left alone before it is read. Most programs empty a file first and write it then, no
/// event tells that they are done, and what is read in between would be taken for a file whose objects are gone.
const QUIET: Duration = Duration::from_millis(50);

/// How often a file that is written on and on is waited for.
const MOST_WAITS: usize = 20;

/// The thread that reads, as the loop sees it: one request at a time, and what comes meanwhile waits, each path once.
/// Dropping it ends the thread.
pub(crate) struct Reader {
    requests: Sender<Request>,
    /// Whether an answer is still to come.
    pub(crate) busy: bool,
    /// What is to be read next.
    pub(crate) paths: BTreeSet<Utf8PathBuf>,
    /// Folders that are to be watched by ourselves.
    pub(crate) folders: BTreeSet<Utf8PathBuf>,
}

/// What is to be read.
#[derive(Default)]
pub(crate) struct Request {
    /// Folders that are to be watched from now on.
    pub(crate) folders: BTreeSet<Utf8PathBuf>,
    /// Files that are known, each with the number of its newest save.
    pub(crate) known: Vec<(Utf8PathBuf, u64)>,
    /// Files and directories that are not: of them what a start of the session would read. The target comes first.
    pub(crate) new: Vec<(Utf8PathBuf, Utf8PathBuf)>,
    /// Files and directories of targets that are built, of which any file counts that Git does not ignore. The root
    /// comes first.
    pub(crate) any: Vec<(Utf8PathBuf, Utf8PathBuf)>,
}

/// A file as it was read.
pub(crate) struct OnDisk {
    /// Where it is.
    pub(crate) path: Utf8PathBuf,
    /// The number of its newest save when it was asked for. A newer one since then makes this text an old one, perhaps.
    pub(crate) seen: u64,
    /// `Ok(None)` when it is gone, else what it holds, or why it cannot be read.
    pub(crate) content: Result<Option<Arc<Parsed>>, String>,
}

impl Reader {
    /// Starts the thread.
    pub(crate) fn start(inbox: Inbox) -> Self {
        let (requests, asked) = crossbeam_channel::bounded::<Request>(1);
        std::thread::spawn(move || {
            let mut watch = Watch {
                inbox: inbox.clone(),
                watcher: None,
            };
            for request in asked {
                let files = watch.read(request);
                if inbox.send(Event::Task(TaskDone::FilesRead { files })).is_err() {
                    return;
                }
            }
        });
        Self {
            requests,
            busy: false,
            paths: BTreeSet::new(),
            folders: BTreeSet::new(),
        }
    }

    /// Hands over a request. There is room: only one is on its way at a time.
    pub(crate) fn send(&mut self, request: Request) {
        self.busy = self.requests.try_send(request).is_ok();
    }
}

/// Our own watcher, started when the first folder is to be watched.
struct Watch {
    inbox: Inbox,
    watcher: Option<RecommendedWatcher>,
}

impl Watch {
    fn read(&mut self, request: Request) -> Vec<OnDisk> {
        if !request.folders.is_empty() {
            self.start();
        }
        // The system tells of a new directory before `notify` watches it, and not of what is put there in between.
        // Watched first and read then, nothing is missed.
        let unknown = || request.new.iter().chain(&request.any).map(|(_, path)| path);
        let directories = unknown().filter(|path| path.is_dir());
        for folder in request.folders.iter().chain(directories) {
            self.watch(folder);
        }
        let found = request.new.iter().flat_map(|(target, path)| files_of(target, path));
        let any = request.any.iter().flat_map(|(root, path)| all_files_of(root, path));
        // What is gone is none of those that are found.
        let gone = request
            .any
            .iter()
            .map(|(_, path)| path.clone())
            .filter(|path| !path.exists());
        let found: BTreeSet<Utf8PathBuf> = found
            .chain(any)
            .chain(gone)
            .filter(|path| !request.known.iter().any(|(known, _)| known == path))
            .collect();
        request
            .known
            .into_iter()
            .chain(found.into_iter().map(|path| (path, 0)))
            .map(|(path, seen)| {
                wait_until_quiet(&path);
                OnDisk {
                    content: read_file(&path),
                    path,
                    seen,
                }
            })
            .collect()
    }

    fn start(&mut self) {
        if self.watcher.is_some() {
            return;
        }
        let inbox = self.inbox.clone();
        match notify::recommended_watcher(move |event| tell(&inbox, event)) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => tracing::warn!("changes outside the editor are not seen: {error}"),
        }
    }

    fn watch(&mut self, folder: &Utf8Path) {
        let Some(watcher) = &mut self.watcher else { return };
        if let Err(error) = watcher.watch(folder.as_std_path(), RecursiveMode::Recursive) {
            tracing::warn!("changes outside the editor are not seen in {folder}: {error}");
        }
    }
}

fn tell(inbox: &Inbox, event: notify::Result<notify::Event>) {
    let Ok(event) = event else { return };
    if matches!(event.kind, notify::EventKind::Access(_)) {
        return;
    }
    let paths: Vec<Utf8PathBuf> = event
        .paths
        .into_iter()
        .filter_map(|path| Utf8PathBuf::from_path_buf(path).ok())
        .filter(|path| {
            !path
                .components()
                .any(|part| matches!(part.as_str(), ".git" | "node_modules"))
        })
        .collect();
    if !paths.is_empty() {
        let _ = inbox.send(Event::Files(paths));
    }
}

fn wait_until_quiet(path: &Utf8Path) {
    for _ in 0..MOST_WAITS {
        // A file that is gone, or written in the future, is not waited for.
        let written = std::fs::metadata(path).and_then(|metadata| metadata.modified());
        let age = written.ok().and_then(|written| written.elapsed().ok());
        let Some(left) = age.and_then(|age| QUIET.checked_sub(age)) else {
            return;
        };
        std::thread::sleep(left);
    }
}
