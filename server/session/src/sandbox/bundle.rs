//! Where the programs that a sandbox runs are found.

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

/// The environment variable that names the bundle's directory, before all other places.
pub const BUNDLE_VARIABLE: &str = "GITOPS_LSP_BUNDLE";

/// The file that says what is in a bundle.
const FACTS_FILE: &str = "bundle.json";

/// The directory with the programs that a sandbox runs: `controlplane`, `kwok` and kwok's `stages.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    directory: Utf8PathBuf,
    versions: Versions,
}

/// The versions of what is in a bundle, as `bundle.json` has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// For example `v1.36.3`.
    pub kubernetes: String,
    /// For example `3.6.8`.
    pub etcd: String,
    /// For example `v0.8.0`.
    pub kwok: String,
    /// What all of it was built from, as a hash: two bundles with the same one do the same.
    #[serde(default)]
    pub inputs: String,
}

/// No usable bundle was found.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct BundleMissing {
    message: String,
}

impl Bundle {
    /// Looks for the bundle where [`BUNDLE_VARIABLE`] says, beside the executable, in the user's data directory,
    /// and in the target directory of a checkout, in this order.
    pub fn find() -> Result<Self, BundleMissing> {
        if let Some(directory) = std::env::var(BUNDLE_VARIABLE).ok().filter(|value| !value.is_empty()) {
            return Self::at(Utf8Path::new(&directory)).map_err(|error| BundleMissing {
                message: format!("{BUNDLE_VARIABLE} leads to no bundle: {error}"),
            });
        }
        let candidates = candidates();
        // A directory that is there but not whole is said to be so; otherwise the next place is tried.
        if let Some(directory) = candidates.iter().find(|directory| directory.join(FACTS_FILE).is_file()) {
            return Self::at(directory);
        }
        let places: Vec<String> = candidates.iter().map(|directory| format!("  {directory}")).collect();
        Err(BundleMissing {
            message: format!(
                "the programs of the local sandbox are not there: in a checkout, run `cargo xtask build`, which builds them; \
                 otherwise set {BUNDLE_VARIABLE} to their directory. These places were tried:\n{}",
                places.join("\n")
            ),
        })
    }

    /// The bundle in `directory`, which must hold all of its files.
    pub fn at(directory: &Utf8Path) -> Result<Self, BundleMissing> {
        let directory = camino::absolute_utf8(directory).map_err(|error| BundleMissing::of(directory, &error))?;
        let facts = std::fs::read_to_string(directory.join(FACTS_FILE))
            .map_err(|error| BundleMissing::of(&directory.join(FACTS_FILE), &error))?;
        let versions =
            serde_json::from_str(&facts).map_err(|error| BundleMissing::of(&directory.join(FACTS_FILE), &error))?;
        let bundle = Self { directory, versions };
        for file in [bundle.controlplane(), bundle.kwok(), bundle.stages()] {
            if !file.is_file() {
                return Err(BundleMissing {
                    message: format!("{file} is missing: run `cargo xtask build` in a checkout, which builds it"),
                });
            }
        }
        Ok(bundle)
    }

    /// Where it is.
    pub fn directory(&self) -> &Utf8Path {
        &self.directory
    }

    /// The versions of what is in it.
    pub fn versions(&self) -> &Versions {
        &self.versions
    }

    /// etcd, kube-apiserver, kube-controller-manager and kube-scheduler in one program; its first argument says which.
    pub fn controlplane(&self) -> Utf8PathBuf {
        self.program("controlplane")
    }

    /// kwok, which answers in place of a kubelet.
    pub fn kwok(&self) -> Utf8PathBuf {
        self.program("kwok")
    }

    /// What kwok does with nodes and Pods.
    pub fn stages(&self) -> Utf8PathBuf {
        self.directory.join("stages.yaml")
    }

    fn program(&self, name: &str) -> Utf8PathBuf {
        self.directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

impl BundleMissing {
    fn of(path: &Utf8Path, error: &dyn std::fmt::Display) -> Self {
        Self {
            message: format!("{path}: {error}"),
        }
    }
}

fn candidates() -> Vec<Utf8PathBuf> {
    let executable = std::env::current_exe()
        .ok()
        // A program that was built anew while it runs has no path to make canonical any more; its directory is still right.
        .map(|path| path.canonicalize().unwrap_or(path))
        .and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
    candidates_for(executable.as_deref(), data_directory())
}

/// Cargo puts programs into `target/debug`, and tests and examples one deeper.
fn candidates_for(executable: Option<&Utf8Path>, data: Option<Utf8PathBuf>) -> Vec<Utf8PathBuf> {
    let mut candidates = Vec::new();
    if let Some(directory) = executable.and_then(Utf8Path::parent) {
        candidates.push(directory.join("sandbox"));
    }
    if let Some(data) = data {
        candidates.push(data.join("gitops-lsp").join("bundle"));
    }
    if let Some(executable) = executable {
        candidates.extend(
            executable
                .ancestors()
                .skip(2)
                .take(2)
                .filter(|directory| directory.join("CACHEDIR.TAG").is_file())
                .map(|directory| directory.join("sandbox")),
        );
    }
    candidates
}

fn data_directory() -> Option<Utf8PathBuf> {
    let variable = |name: &str| {
        std::env::var(name)
            .ok()
            .filter(|value| !value.is_empty())
            .map(Utf8PathBuf::from)
    };
    if cfg!(windows) {
        return variable("LOCALAPPDATA");
    }
    variable("XDG_DATA_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| variable("HOME").map(|home| home.join(".local").join("share")))
}
