//! What an `ArtifactGenerator` copies: the files of an artifact, each with the files that it comes from.
//!
//! The rules are those of source-watcher's builder (fluxcd/source-watcher, `internal/builder`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::artifact_generator::{Copy, GeneratedArtifact};
use super::glob::{is_pattern, matches_part, matches_path};
use crate::kustomize::join;

/// How many files an artifact has at most; what is more is left to Flux.
const MAX_FILES: usize = 50_000;

/// The paths of all files of a source. Directories are those that have files.
pub type Listing = BTreeSet<Arc<str>>;

/// A file of a source.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Copied {
    /// The alias of the source.
    pub alias: String,
    /// Its path there.
    pub path: Arc<str>,
}

/// What an artifact is made of.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ArtifactFiles {
    /// Its files by path, each with the files that it comes from: one for a copy, more for what is merged, first to last.
    pub files: BTreeMap<String, Vec<Copied>>,
}

/// Why an artifact cannot be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopyFault {
    /// Which copy, counted from 0.
    pub copy: usize,
    /// Which of its fields: `from`, `to`, `exclude` or `strategy`.
    pub field: &'static str,
    /// In words.
    pub message: String,
}

/// What became of the copies of an artifact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Assembled {
    /// It is made of these files.
    Made(ArtifactFiles),
    /// It cannot be made.
    Faulty(CopyFault),
    /// Only Flux knows: a source is not here, or an archive would have to be unpacked.
    Unknown,
}

/// Does the copies of an artifact, one after the other. `None` in `sources` is a source that is not known here.
pub fn assemble(artifact: &GeneratedArtifact, sources: &BTreeMap<String, Option<&Listing>>) -> Assembled {
    let mut files = BTreeMap::new();
    for (number, copy) in artifact.copies.iter().enumerate() {
        match one_copy(copy, sources, &mut files) {
            Ok(true) if files.len() <= MAX_FILES => {}
            Ok(_) => return Assembled::Unknown,
            Err((field, message)) => {
                return Assembled::Faulty(CopyFault {
                    copy: number,
                    field,
                    message,
                });
            }
        }
    }
    files.retain(|path, _| !is_left_out(path));
    Assembled::Made(ArtifactFiles { files })
}

type Files = BTreeMap<String, Vec<Copied>>;
type Why = (&'static str, String);

/// One copy; false where only Flux knows.
fn one_copy(copy: &Copy, sources: &BTreeMap<String, Option<&Listing>>, files: &mut Files) -> Result<bool, Why> {
    let (alias, pattern) = copy
        .source()
        .ok_or_else(|| ("from", "`from` must be `@ALIAS/PATTERN`".to_owned()))?;
    let to = copy
        .target()
        .ok_or_else(|| ("to", "`to` must begin with `@artifact/`".to_owned()))?;
    let target = join("", to)
        .filter(|_| !to.split('/').any(|part| part == ".."))
        .ok_or_else(|| ("to", "the destination must stay within the artifact".to_owned()))?;
    for exclude in &copy.exclude {
        matches_path(exclude, ".").map_err(|_| ("exclude", format!("`{exclude}` is no pattern")))?;
    }
    let Some(source) = sources.get(alias) else {
        return Err(("from", format!("there is no source with the alias `{alias}`")));
    };
    let Some(source) = source else { return Ok(false) };
    if copy.strategy == "Extract" {
        return Ok(false);
    }
    let staged = Staged {
        alias,
        source,
        copy,
        files,
    };
    if is_pattern(pattern) {
        staged.copy_all(pattern, &target)?;
    } else {
        staged.copy_one(pattern, &target, to.ends_with('/'))?;
    }
    Ok(true)
}

/// One copy under way.
struct Staged<'a> {
    alias: &'a str,
    source: &'a Listing,
    copy: &'a Copy,
    files: &'a mut Files,
}

impl Staged<'_> {
    /// As `cp` does: a directory goes into the destination under its name, a file becomes the destination or goes into it.
    fn copy_one(mut self, written: &str, target: &str, is_directory: bool) -> Result<(), Why> {
        let path = join("", written).unwrap_or_default();
        let name = file_name(&path);
        if self.source.contains(path.as_str()) {
            if is_excluded(&path, "", &self.copy.exclude) {
                return Ok(());
            }
            let is_inside = is_directory || target.is_empty() || self.files.keys().any(|file| is_below(file, target));
            let target = if is_inside {
                joined(target, name)
            } else {
                target.to_owned()
            };
            self.put(&path, target);
            return Ok(());
        }
        if below(self.source, &path).next().is_none() {
            return Err(("from", format!("`{written}` is not in the source `{}`", self.alias)));
        }
        let target = joined(target, name);
        self.copy_directory(&path, &target, &path);
        Ok(())
    }

    fn copy_all(mut self, pattern: &str, target: &str) -> Result<(), Why> {
        let matches = glob(self.source, pattern).map_err(|()| ("from", format!("`{pattern}` is no pattern")))?;
        if matches.is_empty() {
            let words = format!("no file of the source `{}` matches `{pattern}`", self.alias);
            return Err(("from", words));
        }
        let base = literal_start(pattern);
        let kept: Vec<String> = matches
            .into_iter()
            .filter(|path| !is_excluded(path, &base, &self.copy.exclude))
            .collect();
        if kept.is_empty() {
            let words = format!("everything that matches `{pattern}` is excluded");
            return Err(("exclude", words));
        }
        for path in kept {
            // `directory/**` means what is in the directory; all other patterns keep the whole path.
            let inner = pattern
                .strip_suffix("/**")
                .and_then(|directory| path.strip_prefix(directory)?.strip_prefix('/'));
            let target = joined(target, inner.unwrap_or(&path));
            if self.source.contains(path.as_str()) {
                self.put(&path, target);
            } else {
                self.copy_directory(&path, &target, &base);
            }
        }
        Ok(())
    }

    /// Copies what is below a directory; nothing of it is merged.
    fn copy_directory(&mut self, directory: &str, target: &str, base: &str) {
        let inside: Vec<Arc<str>> = below(self.source, directory).cloned().collect();
        for path in inside {
            let inner = path.get(directory.len()..).unwrap_or_default().trim_start_matches('/');
            let mut is_out = false;
            let mut at = directory.to_owned();
            for part in inner.split('/') {
                at = joined(&at, part);
                is_out |= is_excluded(&at, base, &self.copy.exclude);
            }
            if !is_out {
                let copied = self.copied(&path);
                self.files.insert(joined(target, inner), vec![copied]);
            }
        }
    }

    fn put(&mut self, path: &str, target: String) {
        let copied = self.copied(path);
        let own = self.files.entry(target).or_default();
        if self.copy.strategy != "Merge" {
            own.clear();
        }
        own.push(copied);
    }

    fn copied(&self, path: &str) -> Copied {
        Copied {
            alias: self.alias.to_owned(),
            path: self.source.get(path).cloned().unwrap_or_else(|| path.into()),
        }
    }
}

/// The files below a directory; all for the empty path.
fn below<'a>(listing: &'a Listing, directory: &str) -> impl Iterator<Item = &'a Arc<str>> {
    let start = if directory.is_empty() {
        String::new()
    } else {
        format!("{directory}/")
    };
    let from = (std::ops::Bound::Included(start.as_str()), std::ops::Bound::Unbounded);
    let inside = listing.range::<str, _>(from);
    inside.take_while(move |path| path.starts_with(&start))
}

/// `fs.Glob`: the files and directories that match, part for part, in order.
fn glob(listing: &Listing, pattern: &str) -> Result<Vec<String>, ()> {
    let mut found = BTreeSet::from([String::new()]);
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        let mut next = BTreeSet::new();
        for directory in &found {
            let mut last = "";
            for path in below(listing, directory) {
                let inner = path.get(directory.len()..).unwrap_or_default().trim_start_matches('/');
                let name = inner.split('/').next().unwrap_or_default();
                if name != last && matches_part(part, name).map_err(|_| ())? {
                    next.insert(joined(directory, name));
                }
                last = name;
            }
        }
        found = next;
    }
    found.remove("");
    Ok(found.into_iter().collect())
}

/// The parts of a pattern before the first that is one.
fn literal_start(pattern: &str) -> String {
    let parts: Vec<&str> = pattern.split('/').take_while(|part| !is_pattern(part)).collect();
    join("", &parts.join("/")).unwrap_or_default()
}

/// Whether a path is excluded: by its whole path, by its path below `base`, or by its name for patterns without a slash.
fn is_excluded(path: &str, base: &str, patterns: &[String]) -> bool {
    let inner = path
        .strip_prefix(base)
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|_| !base.is_empty());
    let name = file_name(path);
    let is_match = |pattern: &str, path: &str| matches_path(pattern, path) == Ok(true);
    patterns.iter().any(|pattern| {
        is_match(pattern, path)
            || inner.is_some_and(|inner| is_match(pattern, inner))
            || (!pattern.contains('/') && is_match(pattern, name))
    })
}

/// What source-watcher and source-controller leave out of every artifact (fluxcd/pkg/sourceignore).
pub fn is_left_out(path: &str) -> bool {
    const NAMES: [&str; 14] = [
        ".git",
        ".gitignore",
        ".gitmodules",
        ".gitattributes",
        ".travis.yml",
        ".gitlab-ci.yml",
        "appveyor.yml",
        ".drone.yml",
        "cloudbuild.yaml",
        "codeship-services.yml",
        "codeship-steps.yml",
        ".goreleaser.yml",
        ".sops.yaml",
        ".flux.yaml",
    ];
    const ENDINGS: [&str; 8] = [".jpg", ".jpeg", ".gif", ".png", ".wmv", ".flv", ".tar.gz", ".zip"];
    let mut parts = path.split('/').rev();
    let name = parts.next().unwrap_or_default();
    let is_out = |part: &str| NAMES.contains(&part) || ENDINGS.iter().any(|ending| part.ends_with(ending));
    is_out(name) || parts.any(|part| is_out(part) || matches!(part, ".github" | ".circleci"))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

fn joined(directory: &str, name: &str) -> String {
    match (directory, name) {
        ("", name) => name.to_owned(),
        (directory, "") => directory.to_owned(),
        (directory, name) => format!("{directory}/{name}"),
    }
}

#[cfg(test)]
#[path = "artifact_files/tests.rs"]
mod tests;
