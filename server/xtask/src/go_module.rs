//! Go modules of this checkout: what is built from them, and from what.

use std::process::Command;

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::build_progress;

/// Flags of `go build` besides those of the linker.
const BUILD_FLAGS: [&str; 2] = ["-v", "-trimpath"];

/// No symbol table and no debugging information: a third of the size.
pub(crate) const SMALL: &str = "-s -w";

/// Go, called in a module as all builds here call it, so that they share what is built.
pub(crate) fn go(module: &Utf8Path) -> Command {
    let mut command = Command::new("go");
    command.current_dir(module).env("CGO_ENABLED", "0");
    command
}

/// What Go prints when it is asked for something in `module`.
pub(crate) fn output(module: &Utf8Path, arguments: &[&str]) -> anyhow::Result<String> {
    output_of(go(module).args(arguments))
}

/// What a command of Go's prints.
pub(crate) fn output_of(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().context("go")?;
    if !output.status.success() {
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        bail!(
            "go {} failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The version of a module that `module` is built with.
pub(crate) fn version_of(module: &Utf8Path, path: &str) -> anyhow::Result<String> {
    output(module, &["list", "-m", "-f", "{{.Version}}", path])
}

/// Where the sources of a module are that `module` is built with.
pub(crate) fn sources_of(module: &Utf8Path, path: &str) -> anyhow::Result<Utf8PathBuf> {
    Ok(output(module, &["list", "-m", "-f", "{{.Dir}}", path])?.into())
}

/// Builds beside the target and then moves it there: the one that is there may be running.
pub(crate) fn build(
    module: &Utf8Path,
    what: &str,
    package: &str,
    target: &Utf8Path,
    linker_flags: &str,
) -> anyhow::Result<()> {
    let draft = Utf8PathBuf::from(format!("{target}.new"));
    let mut command = go(module);
    command
        .arg("build")
        .args(BUILD_FLAGS)
        .args(["-ldflags", linker_flags, "-o", draft.as_str(), package]);
    build_progress::run(what, &mut command)?;
    std::fs::rename(&draft, target).with_context(|| target.to_string())
}

/// What something is built of, as a hash with 64 bits (FNV-1a), which is enough to notice a change.
pub(crate) struct Inputs {
    value: u64,
}

impl Inputs {
    /// The compiler, the system and the flags, which go into everything that is built in `module`.
    pub(crate) fn of_build(module: &Utf8Path, linker_flags: &str) -> anyhow::Result<Self> {
        let mut inputs = Self {
            value: 0xcbf2_9ce4_8422_2325,
        };
        inputs.add(output(module, &["version"])?.as_bytes());
        inputs.add(output(module, &["env", "GOOS", "GOARCH"])?.as_bytes());
        inputs.add(linker_flags.as_bytes());
        for flag in BUILD_FLAGS {
            inputs.add(flag.as_bytes());
        }
        Ok(inputs)
    }

    /// The sources under `directory`, with go.mod and go.sum where there are such, by their paths in `module`.
    pub(crate) fn add_sources(&mut self, module: &Utf8Path, directory: &Utf8Path) -> anyhow::Result<()> {
        let mut files = Vec::new();
        find_sources(directory, &mut files)?;
        files.sort();
        for file in files {
            self.add_file(module, &file)?;
        }
        Ok(())
    }

    /// One file, by its path in `module`.
    pub(crate) fn add_file(&mut self, module: &Utf8Path, file: &Utf8Path) -> anyhow::Result<()> {
        self.add(file.strip_prefix(module)?.as_str().as_bytes());
        self.add(&std::fs::read(file).with_context(|| file.to_string())?);
        Ok(())
    }

    /// Anything else.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        // The length keeps two parts from looking like two others.
        let length = bytes.len().to_le_bytes();
        for &byte in length.iter().chain(bytes) {
            self.value ^= u64::from(byte);
            self.value = self.value.wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The hash, to be kept and compared.
    pub(crate) fn text(&self) -> String {
        format!("{:016x}", self.value)
    }
}

fn find_sources(directory: &Utf8Path, files: &mut Vec<Utf8PathBuf>) -> anyhow::Result<()> {
    for entry in directory.read_dir_utf8().with_context(|| directory.to_string())? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            find_sources(entry.path(), files)?;
        } else if entry.path().extension() == Some("go") || ["go.mod", "go.sum"].contains(&entry.file_name()) {
            files.push(entry.into_path());
        }
    }
    Ok(())
}
