//! Which files a commit has to look at.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

/// More are looked at by looking at everything, which costs about as much. Windows ends a command line at 32 KB.
const MOST_PATHS: usize = 200;
const LONGEST_PATHS: usize = 16 * 1024;

/// Files that change what the others mean.
const FILES_WITH_RULES: [&str; 2] = [".gitignore", ".gitattributes"];

/// What may have changed since the last commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Changes {
    /// Anything: every file is looked at, but only those are read whose time, size or number changed.
    Everything,
    /// These files, and everything below those that are directories; absolute, or relative to the root. They may be
    /// new, changed, or gone.
    Paths(Vec<Utf8PathBuf>),
}

/// What still has to be looked at, until a commit has done so: one that fails or is given up must not lose it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Pending {
    Everything,
    /// Relative to the root, with `/` between the parts.
    Paths(BTreeSet<String>),
}

impl Pending {
    pub(crate) fn nothing() -> Self {
        Self::Paths(BTreeSet::new())
    }

    /// Adds what may have changed below `root`. What is outside of it is left out.
    pub(crate) fn add(&mut self, changes: &Changes, root: &Utf8Path) {
        let Changes::Paths(added) = changes else {
            *self = Self::Everything;
            return;
        };
        let Self::Paths(pending) = self else { return };
        let has_rules = |path: &Utf8PathBuf| path.file_name().is_some_and(|name| FILES_WITH_RULES.contains(&name));
        if added.iter().any(has_rules) {
            *self = Self::Everything;
            return;
        }
        for path in added {
            let absolute = root.join(path);
            // A path may lead through a symbolic link to the file that was saved, and a directory that was one may
            // have become a link: both names are looked at.
            pending.extend(below(root, &absolute));
            pending.extend(resolved(&absolute).and_then(|real| below(root, &real)));
        }
        let length: usize = pending.iter().map(String::len).sum();
        if pending.contains("") || pending.len() > MOST_PATHS || length > LONGEST_PATHS {
            *self = Self::Everything;
        }
    }
}

fn below(root: &Utf8Path, path: &Utf8Path) -> Option<String> {
    let relative = path.strip_prefix(root).ok()?;
    let parts: Vec<&str> = relative.components().map(|part| part.as_str()).collect();
    (!parts.contains(&"..")).then(|| parts.join("/"))
}

/// The path with its directory resolved, as far as it exists.
fn resolved(path: &Utf8Path) -> Option<Utf8PathBuf> {
    let directory = path.ancestors().skip(1).find(|ancestor| ancestor.exists())?;
    let rest = path.strip_prefix(directory).ok()?;
    Some(directory.canonicalize_utf8().ok()?.join(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(paths: &[&str]) -> Pending {
        let mut pending = Pending::nothing();
        let paths = paths.iter().map(Utf8PathBuf::from).collect();
        pending.add(&Changes::Paths(paths), Utf8Path::new("/nowhere/fleet"));
        pending
    }

    #[test]
    fn paths_become_relative_and_what_is_elsewhere_is_left_out() {
        let expected = Pending::Paths(["apps/web.yaml", "infra"].map(str::to_owned).into());
        assert_eq!(
            pending(&[
                "/nowhere/fleet/apps/web.yaml",
                "infra/",
                "/nowhere/else.yaml",
                "../else.yaml",
                "./apps//web.yaml",
            ]),
            expected
        );
    }

    #[test]
    fn rules_the_root_and_many_paths_are_everything() {
        assert_eq!(pending(&["apps/.gitignore"]), Pending::Everything);
        assert_eq!(pending(&["/nowhere/fleet"]), Pending::Everything);
        let many: Vec<String> = (0..=MOST_PATHS).map(|number| format!("{number}.yaml")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(pending(&many), Pending::Everything);
    }

    #[test]
    fn everything_stays_everything() {
        let mut pending = pending(&["a.yaml"]);
        pending.add(&Changes::Everything, Utf8Path::new("/nowhere/fleet"));
        pending.add(&Changes::Paths(vec!["b.yaml".into()]), Utf8Path::new("/nowhere/fleet"));
        assert_eq!(pending, Pending::Everything);
    }
}
