//! Files that change outside the editor: by the client's watcher, else by our own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use ls_types::notification::{DidChangeWatchedFiles, Notification as _};
use ls_types::{
    DidChangeWatchedFilesParams, DidChangeWatchedFilesRegistrationOptions, FileSystemWatcher, GlobPattern,
    Registration, RegistrationParams,
};
use notify::{RecursiveMode, Watcher};

use crate::event::{Event, ReadResult, TaskDone};
use crate::files::{hash, path_of};
use crate::parsed::Parsed;
use crate::saves::{self, Prepared};
use crate::state::State;
use crate::workspace::{files_of, is_yaml, read_file};

/// How long a new directory is left before it is read. Whatever is put into it later is told file by file.
const DIRECTORY_PAUSE: Duration = Duration::from_millis(50);

/// Asks the client to watch YAML files.
pub(super) fn registration() -> RegistrationParams {
    let watchers = ["**/*.yaml", "**/*.yml"]
        .map(|glob| FileSystemWatcher {
            glob_pattern: GlobPattern::String(glob.to_owned()),
            kind: None,
        })
        .to_vec();
    let options = serde_json::to_value(DidChangeWatchedFilesRegistrationOptions { watchers }).ok();
    RegistrationParams {
        registrations: vec![Registration {
            id: "gitops-files".to_owned(),
            method: DidChangeWatchedFiles::METHOD.to_owned(),
            register_options: options,
        }],
    }
}

/// Watches the workspace folders with `notify`, for clients that do not watch.
pub(super) fn watch_by_ourselves(state: &mut State) {
    let inbox = state.inbox.clone();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        if matches!(event.kind, notify::EventKind::Access(_)) {
            return;
        }
        // A directory that comes or goes does so with all that is in it, and that is not told file by file.
        let comes_or_goes = matches!(
            event.kind,
            notify::EventKind::Create(_)
                | notify::EventKind::Remove(_)
                | notify::EventKind::Modify(notify::event::ModifyKind::Name(_))
        );
        let paths: Vec<Utf8PathBuf> = event
            .paths
            .into_iter()
            .filter_map(|path| Utf8PathBuf::from_path_buf(path).ok())
            .filter(|path| is_yaml(path) || comes_or_goes)
            .collect();
        if !paths.is_empty() {
            let _ = inbox.send(Event::Files(paths));
        }
    });
    match watcher {
        Ok(mut watcher) => {
            for folder in &state.folders {
                if let Err(error) = watcher.watch(folder.as_std_path(), RecursiveMode::Recursive) {
                    tracing::warn!("changes outside the editor are not seen in {folder}: {error}");
                }
            }
            state.watcher = Some(Box::new(watcher));
        }
        Err(error) => tracing::warn!("changes outside the editor are not seen: {error}"),
    }
}

/// The client's watcher saw changes.
pub(super) fn watched(state: &mut State, params: DidChangeWatchedFilesParams) {
    let paths = params
        .changes
        .iter()
        .filter_map(|change| path_of(&change.uri))
        .collect();
    files_changed(state, paths);
}

/// Files changed on disk: those of a session are read again. An open one is the client's, and its saves are told.
pub(crate) fn files_changed(state: &mut State, mut paths: Vec<Utf8PathBuf>) {
    for directory in paths.clone().iter().filter(|path| !is_yaml(path)) {
        let known = state.files.under(directory);
        paths.extend(known.iter().map(|name| Utf8PathBuf::from(&**name)));
    }
    paths.sort();
    paths.dedup();
    paths.retain(|path| state.session_of(Some(path)).is_some());
    if !paths.is_empty() {
        read_again(state, paths);
    }
}

/// Reads files off the loop: those that are known, and of what is new what a start would read, too.
pub(super) fn read_again(state: &State, paths: Vec<Utf8PathBuf>) {
    let inbox = state.inbox.clone();
    let known = |path: &Utf8Path| is_yaml(path) && state.files.get(path.as_str()).is_some();
    let (known, new): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| known(path));
    let new: Vec<(Utf8PathBuf, Utf8PathBuf)> = new
        .into_iter()
        .filter_map(|path| Some((state.session_of(Some(&path))?.1.target.clone(), path)))
        .collect();
    state.runtime.spawn_blocking(move || {
        if new.iter().any(|(_, path)| !is_yaml(path)) {
            // The system tells of a new directory before `notify` watches it, and not of what is put there in between.
            std::thread::sleep(DIRECTORY_PAUSE);
        }
        let new = new.iter().flat_map(|(target, path)| files_of(target, path));
        let files = known
            .into_iter()
            .chain(new)
            .map(|path| {
                let read = read_file(&path);
                (path, read)
            })
            .collect();
        let _ = inbox.send(Event::Task(TaskDone::FilesRead { files }));
    });
}

/// Files were read again: what really changed is a save, and what came together is one save.
pub(crate) fn files_read(state: &mut State, files: Vec<(Utf8PathBuf, ReadResult)>) {
    let mut prepared = Vec::new();
    for (path, read) in files {
        match read {
            Ok(Some(parsed)) => prepared.extend(changed_on_disk(state, &path, &parsed)),
            Ok(None) => prepared.extend(saves::prepare_gone(state, &path)),
            Err(reason) => saves::report_unreadable(state, &path, &reason),
        }
    }
    saves::send_prepared(state, prepared);
}

fn changed_on_disk(state: &mut State, path: &Utf8Path, parsed: &Arc<Parsed>) -> Option<Prepared> {
    let read_at = Instant::now();
    state.session_of(Some(&path.to_owned()))?;
    let (name, file) = state.files.at_path(path)?;
    let new_hash = hash(parsed.text.as_str());
    let echo = file.saved_hash == Some(new_hash);
    file.saved_hash = Some(new_hash);
    if file.version.is_none() {
        file.parsed = Some(Arc::clone(parsed));
        file.unparsed = None;
        state.text_changed(&name);
    }
    if echo {
        None
    } else {
        saves::prepare(state, &name, parsed, read_at, None)
    }
}
