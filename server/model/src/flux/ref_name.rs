//! Full names of Git references.

use std::fmt;

/// Longer names are nobody's branch; file systems end at 255 bytes for each part.
const LONGEST: usize = 250;

/// A full name that Git accepts for a reference, such as `refs/heads/main`.
///
/// The rules are those of `git check-ref-format`, so a name can be written into files of Git as it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RefName(String);

/// A text that Git would not accept as the name of a reference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotARefName(String);

impl fmt::Display for NotARefName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` cannot be the name of a Git reference", self.0)
    }
}

impl std::error::Error for NotARefName {}

impl RefName {
    /// The branch `main`.
    pub fn main() -> Self {
        Self("refs/heads/main".to_owned())
    }

    /// A full name, which begins with `refs/` and has at least one more part behind the kind.
    pub fn full(name: &str) -> Result<Self, NotARefName> {
        if is_acceptable(name) {
            Ok(Self(name.to_owned()))
        } else {
            Err(NotARefName(name.to_owned()))
        }
    }

    /// The branch of this name.
    pub fn branch(name: &str) -> Result<Self, NotARefName> {
        // Git itself refuses to make a branch that looks like an option.
        if name.starts_with('-') {
            return Err(NotARefName(name.to_owned()));
        }
        Self::full(&format!("refs/heads/{name}"))
    }

    /// The tag of this name.
    pub fn tag(name: &str) -> Result<Self, NotARefName> {
        Self::full(&format!("refs/tags/{name}"))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without `refs/` and the kind behind it, as Flux writes it into a revision: `main` for
    /// `refs/heads/main`, `420/head` for `refs/pull/420/head`.
    pub fn short(&self) -> &str {
        self.0.splitn(3, '/').nth(2).unwrap_or(&self.0)
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_acceptable(name: &str) -> bool {
    let mut parts = 0;
    let parts_are_good = name.split('/').all(|part| {
        parts += 1;
        !part.is_empty() && !part.starts_with('.') && !part.to_ascii_lowercase().ends_with(".lock")
    });
    let has_forbidden = name
        .chars()
        .any(|character| character.is_control() || " ~^:?*[\\".contains(character));
    parts_are_good
        && parts >= 3
        && name.starts_with("refs/")
        && name.len() <= LONGEST
        && !has_forbidden
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_git_accepts() {
        for name in [
            "refs/heads/main",
            "refs/heads/release/1.0",
            "refs/heads/größe",
            "refs/tags/v1.0.0+build",
            "refs/pull/420/head",
            "refs/heads/@",
        ] {
            assert_eq!(RefName::full(name).map(|found| found.to_string()), Ok(name.to_owned()));
        }
        for name in [
            "",
            "main",
            "heads/main",
            "refs/heads",
            "refs/heads/",
            "refs/heads//main",
            "refs/heads/.main",
            "refs/heads/main.lock",
            "refs/heads/a..b",
            "refs/heads/a b",
            "refs/heads/a\nb",
            "refs/heads/a~1",
            "refs/heads/a:b",
            "refs/heads/a@{1}",
            "refs/heads/a.",
            "refs/../heads/a",
            "refs/heads/*",
        ] {
            assert_eq!(RefName::full(name), Err(NotARefName(name.to_owned())), "{name}");
        }
        assert!(RefName::branch("-d").is_err());
    }

    #[test]
    fn the_short_name_is_the_one_of_a_revision() {
        let short = |name| RefName::full(name).map(|name| name.short().to_owned());
        assert_eq!(short("refs/heads/release/1.0"), Ok("release/1.0".to_owned()));
        assert_eq!(short("refs/pull/420/head"), Ok("420/head".to_owned()));
    }
}
