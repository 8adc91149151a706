//! Files that change outside the editor: by the client's watcher, else by our own.

use std::sync::Arc;
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};
use ls_types::notification::{DidChangeWatchedFiles, Notification as _};
use ls_types::{
    DidChangeWatchedFilesParams, DidChangeWatchedFilesRegistrationOptions, FileSystemWatcher, GlobPattern,
    Registration, RegistrationParams,
};

use crate::built;
use crate::files::{hash, path_of};
use crate::parsed::Parsed;
use crate::reader::{OnDisk, Request};
use crate::saves::{self, Prepared};
use crate::state::State;
use crate::workspace::is_yaml;

/// Asks the client to watch all files: a generator of a kustomization may take any.
pub(super) fn registration() -> RegistrationParams {
    let watchers = vec![FileSystemWatcher {
        glob_pattern: GlobPattern::String("**/*".to_owned()),
        kind: None,
    }];
    let options = serde_json::to_value(DidChangeWatchedFilesRegistrationOptions { watchers }).ok();
    RegistrationParams {
        registrations: vec![Registration {
            id: "gitops-files".to_owned(),
            method: DidChangeWatchedFiles::METHOD.to_owned(),
            register_options: options,
        }],
    }
}

/// Watches the workspace folders ourselves, for clients that do not watch.
pub(super) fn watch_by_ourselves(state: &mut State) {
    state.reader.folders.extend(state.folders.iter().cloned());
    read_next(state);
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

/// Whether a path may be one of a session: any file of a target that is built, and YAML or a directory of another.
fn concerns(state: &State, path: &Utf8Path) -> bool {
    let Some((_, session)) = state.session_of(Some(&path.to_owned())) else {
        return false;
    };
    let inside = path.strip_prefix(session.scope()).unwrap_or(path);
    let hidden = inside
        .components()
        .any(|part| matches!(part.as_str(), ".git" | "node_modules"));
    !hidden && (session.building.is_some() || path.extension().is_none() || is_yaml(path) || path.is_dir())
}

/// Files changed on disk: those of a session are read again. An open one is the client's, and its saves are told.
pub(crate) fn files_changed(state: &mut State, mut paths: Vec<Utf8PathBuf>) {
    paths.retain(|path| concerns(state, path));
    for directory in paths.clone().iter().filter(|path| !is_yaml(path)) {
        let known = state.files.under(directory);
        paths.extend(known.iter().map(|name| Utf8PathBuf::from(&**name)));
    }
    paths.sort();
    paths.dedup();
    if !paths.is_empty() {
        read_again(state, paths);
    }
}

/// Reads files off the loop: those that are known, and of what is new what a start would read, too.
pub(crate) fn read_again(state: &mut State, paths: impl IntoIterator<Item = Utf8PathBuf>) {
    state.reader.paths.extend(paths);
    read_next(state);
}

/// Asks for what waits, unless an answer is still to come.
fn read_next(state: &mut State) {
    if state.reader.busy || (state.reader.paths.is_empty() && state.reader.folders.is_empty()) {
        return;
    }
    let mut request = Request {
        folders: std::mem::take(&mut state.reader.folders),
        ..Request::default()
    };
    for path in std::mem::take(&mut state.reader.paths) {
        let Some((_, session)) = state.session_of(Some(&path)) else {
            continue;
        };
        if let Some(file) = state.files.get(path.as_str()).filter(|_| is_yaml(&path)) {
            request.known.push((path, file.generation));
        } else if session.building.is_some() {
            request.any.push((session.root.clone(), path));
        } else {
            request.new.push((session.target.clone(), path));
        }
    }
    state.reader.send(request);
}

/// Files were read again: what really changed is a save, and what came together is one save.
pub(crate) fn files_read(state: &mut State, files: Vec<OnDisk>) {
    state.reader.busy = false;
    let mut prepared = Vec::new();
    for OnDisk { path, seen, content } in files {
        // Saved since it was asked for: what was read may be older than that save.
        if state.files.get(path.as_str()).map_or(0, |file| file.generation) != seen {
            state.reader.paths.insert(path);
            continue;
        }
        match content {
            Ok(Some(parsed)) => prepared.extend(changed_on_disk(state, &path, &parsed)),
            Ok(None) => match built::session_of(state, path.as_str()) {
                Some(number) => built::gone(state, number, &path),
                None => prepared.extend(saves::prepare_gone(state, &path)),
            },
            Err(reason) => saves::report_unreadable(state, &path, &reason),
        }
    }
    read_next(state);
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
    } else if let Some(number) = built::session_of(state, &name) {
        built::saved(state, number, &name, Some(parsed), read_at, None);
        None
    } else {
        saves::prepare(state, &name, parsed, read_at, None)
    }
}
