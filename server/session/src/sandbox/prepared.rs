//! etcd directories of control planes that have set themselves up, kept so that the next start need not wait for that.
//!
//! What is in one depends on the programs, on their flags and on the custom resources put in, and on nothing else:
//! no key, certificate or port of the sandbox it was made by is used again.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};

use super::bundle::Versions;
use super::component;
use super::name::hash_of;
use super::state_directory::{StateDirectory, make_private_directory};

/// Raise it when what a start puts into the store changes, for example the node.
const FORMAT: &str = "1";

/// How many directories of other versions are kept: enough to go back and forth between two checkouts, with and without
/// Flux.
const KEPT: usize = 6;

/// A file is copied in pieces of this size, in bytes; a piece of zeros becomes a hole.
/// etcd sets 64 MB aside for each log segment, of which a fresh one uses little.
const PIECE: usize = 64 * 1024;

/// The prepared directory that fits one set of programs, flags and custom resources; it may not exist yet.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    parent: Utf8PathBuf,
    path: Utf8PathBuf,
}

impl Prepared {
    pub(crate) fn for_start(
        state: &StateDirectory,
        versions: &Versions,
        custom_resources: &[serde_json::Value],
        flux: bool,
    ) -> Self {
        let mut parts = vec![
            FORMAT.to_owned(),
            versions.kubernetes.clone(),
            versions.etcd.clone(),
            versions.inputs.clone(),
        ];
        parts.extend(component::flags_that_shape_the_store());
        if flux {
            // Its custom resources, which are many, come with it and change only when it does.
            parts.push(format!("flux {}", versions.flux.as_deref().unwrap_or_default()));
            parts.push(versions.flux_inputs.clone());
        }
        parts.extend(custom_resources.iter().map(ToString::to_string));
        // Two lists of parts must not look alike when they are joined.
        let hash = hash_of(parts.iter().flat_map(|part| [part.as_str(), "\0"]));
        let parent = state.prepared();
        Self {
            path: parent.join(format!("{}-{hash:016x}", versions.kubernetes)),
            parent,
        }
    }

    pub(crate) fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// Copies the directory to `target`, which must not exist.
    pub(crate) fn copy_to(&self, target: &Utf8Path) -> io::Result<()> {
        copy_directory(&self.path, target)
    }

    /// Keeps a copy of `source`, in which nobody may be writing. What was kept before is replaced.
    ///
    /// Of two processes that do this at once one wins; nobody ever sees a part of a copy.
    pub(crate) fn keep(&self, source: &Utf8Path) -> io::Result<()> {
        make_private_directory(&self.parent)?;
        let draft = self.aside("draft");
        let kept = copy_directory(source, &draft).and_then(|()| {
            self.discard();
            std::fs::rename(&draft, &self.path)
        });
        if kept.is_err() {
            let _ = std::fs::remove_dir_all(&draft);
        }
        self.prune();
        if self.exists() { Ok(()) } else { kept }
    }

    /// Removes what is kept, for example because nothing starts from it.
    pub(crate) fn discard(&self) {
        let leaving = self.aside("leaving");
        if std::fs::rename(&self.path, &leaving).is_ok() {
            let _ = std::fs::remove_dir_all(&leaving);
        }
    }

    fn aside(&self, purpose: &str) -> Utf8PathBuf {
        static COUNTER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.parent.join(format!(".{purpose}-{}-{number}", std::process::id()))
    }

    /// Removes the oldest directories of other versions, and drafts that a killed process left behind.
    fn prune(&self) {
        let mut others: Vec<(SystemTime, Utf8PathBuf)> = Vec::new();
        for entry in self.parent.read_dir_utf8().into_iter().flatten().flatten() {
            let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) else {
                continue;
            };
            let age = modified.elapsed().unwrap_or_default();
            if entry.file_name().starts_with('.') {
                if age.as_secs() > 3600 {
                    let _ = std::fs::remove_dir_all(entry.path());
                }
            } else if entry.path() != self.path {
                others.push((modified, entry.path().to_owned()));
            }
        }
        others.sort();
        others.reverse();
        for (_, path) in others.into_iter().skip(KEPT) {
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

fn copy_directory(source: &Utf8Path, target: &Utf8Path) -> io::Result<()> {
    make_private_directory(target)?;
    for entry in source.read_dir_utf8()? {
        let entry = entry?;
        let to = target.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_directory(entry.path(), &to)?;
        } else if kind.is_file() && entry.path().extension() != Some("tmp") {
            // What ends in `.tmp` is a log segment set aside for later; etcd makes a new one.
            copy_file(entry.path(), &to)?;
        }
    }
    Ok(())
}

fn copy_file(source: &Utf8Path, target: &Utf8Path) -> io::Result<()> {
    let mut from = File::open(source)?;
    let length = from.metadata()?.len();
    let mut to =
        super::state_directory::open_private_file(target, std::fs::OpenOptions::new().write(true).create_new(true))?;
    let zeros = vec![0; PIECE];
    let mut piece = zeros.clone();
    loop {
        let count = from.read(&mut piece)?;
        let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else {
            break;
        };
        if zeros.starts_with(read) {
            to.seek(SeekFrom::Current(i64::try_from(count).unwrap_or(0)))?;
        } else {
            to.write_all(read)?;
        }
    }
    to.set_len(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> (tempfile::TempDir, Utf8PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(directory.path().to_owned()).unwrap();
        (directory, path)
    }

    fn versions(inputs: &str) -> Versions {
        Versions {
            kubernetes: "v1.0.0".to_owned(),
            etcd: "1.0.0".to_owned(),
            kwok: "v1.0.0".to_owned(),
            inputs: inputs.to_owned(),
            ..Versions::default()
        }
    }

    #[test]
    fn a_copy_is_the_same_byte_for_byte_without_what_is_set_aside() {
        let (_keep, root) = directory();
        let source = root.join("source");
        std::fs::create_dir_all(source.join("member/wal")).unwrap();
        let mut log = vec![0_u8; 3 * PIECE + 17];
        log[5] = 1;
        log[2 * PIECE + 1] = 2;
        std::fs::write(source.join("member/wal/0.wal"), &log).unwrap();
        std::fs::write(source.join("member/wal/0.tmp"), &log).unwrap();
        std::fs::write(source.join("member/empty"), []).unwrap();

        let prepared = Prepared::for_start(&StateDirectory::at(&root), &versions("a"), &[], false);
        assert!(!prepared.exists());
        prepared.keep(&source).unwrap();
        prepared.keep(&source).unwrap();
        let target = root.join("target");
        prepared.copy_to(&target).unwrap();

        assert_eq!(std::fs::read(target.join("member/wal/0.wal")).unwrap(), log);
        assert!(std::fs::read(target.join("member/empty")).unwrap().is_empty());
        assert!(!target.join("member/wal/0.tmp").exists());
        let left: Vec<_> = root.join("prepared").read_dir_utf8().unwrap().collect();
        assert_eq!(left.len(), 1, "drafts stay behind");
    }

    #[test]
    fn the_key_is_what_shapes_the_content() {
        let (_keep, root) = directory();
        let state = StateDirectory::at(&root);
        let key = |versions: &Versions, custom: &[serde_json::Value], flux| {
            Prepared::for_start(&state, versions, custom, flux).path
        };
        let (a, b) = (versions("a"), versions("b"));
        assert_eq!(key(&a, &[], false), key(&a, &[], false));
        assert_ne!(key(&a, &[], false), key(&b, &[], false));
        assert_ne!(key(&a, &[], false), key(&a, &[serde_json::json!({})], false));
        assert_ne!(key(&a, &[], false), key(&a, &[], true));
        let newer = Versions {
            flux: Some("2.10.0".to_owned()),
            ..a.clone()
        };
        assert_ne!(key(&a, &[], true), key(&newer, &[], true));
        assert_eq!(
            key(&a, &[], false),
            key(&newer, &[], false),
            "Flux matters only where it is"
        );
    }

    #[test]
    fn only_some_other_versions_are_kept() {
        let (_keep, root) = directory();
        let source = root.join("source");
        std::fs::create_dir_all(&source).unwrap();
        for number in 0..10 {
            let prepared = Prepared::for_start(&StateDirectory::at(&root), &versions(&number.to_string()), &[], false);
            prepared.keep(&source).unwrap();
            assert!(prepared.exists());
        }
        let left = root.join("prepared").read_dir_utf8().unwrap().count();
        assert_eq!(left, KEPT + 1);
    }
}
