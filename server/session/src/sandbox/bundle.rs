//! Where the programs that a sandbox runs are found.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::component::Component;

/// The environment variable that names the bundle's directory, before all other places.
pub const BUNDLE_VARIABLE: &str = "GITOPS_LSP_BUNDLE";

/// The file that says what is in a bundle.
const FACTS_FILE: &str = "bundle.json";

/// The directory with the programs that a sandbox runs: `controlplane`, `kwok` and kwok's `stages.yaml`, and, when it has
/// Flux, the controllers, `hold` and `flux-crds.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    directory: Utf8PathBuf,
    versions: Versions,
}

/// The versions of what is in a bundle, as `bundle.json` has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Versions {
    /// For example `v1.36.3`.
    pub kubernetes: String,
    /// For example `3.6.8`.
    pub etcd: String,
    /// For example `v0.8.0`.
    pub kwok: String,
    /// What all of this was built from, as a hash: two bundles with the same one do the same.
    #[serde(default)]
    pub inputs: String,
    /// The release of Flux, for example `2.9.5`; none in a bundle without it.
    #[serde(default)]
    pub flux: Option<String>,
    /// The versions of Flux's controllers by their names, for example `v1.9.5` of `source-controller`.
    #[serde(default)]
    pub flux_controllers: BTreeMap<String, String>,
    /// What Flux was built from, as a hash.
    #[serde(default)]
    pub flux_inputs: String,
}

/// Flux, as a sandbox runs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FluxVersions {
    /// Its release, for example `2.9.5`.
    pub version: String,
    /// The versions of its controllers by their names, for example `v1.9.5` of `source-controller`.
    pub controllers: BTreeMap<String, String>,
}

impl Versions {
    /// Those of Flux, when it is there.
    pub fn of_flux(&self) -> Option<FluxVersions> {
        Some(FluxVersions {
            version: self.flux.clone()?,
            controllers: self.flux_controllers.clone(),
        })
    }
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
        are_there(&[bundle.controlplane(), bundle.kwok(), bundle.stages()])?;
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

    /// What builds kustomizations and charts as Flux does.
    pub fn renderer(&self) -> Utf8PathBuf {
        self.program("gitops-render")
    }

    /// What runs a program that does not end with its parent by itself, and ends it with its own standard input.
    pub fn hold(&self) -> Utf8PathBuf {
        self.program("hold")
    }

    /// What asks registries which images they have. A bundle can be without it.
    pub fn image_registry(&self) -> Utf8PathBuf {
        self.program("image-registry")
    }

    /// One of Flux's controllers.
    pub(crate) fn controller(&self, component: Component) -> Utf8PathBuf {
        self.program(component.name())
    }

    /// Flux's versions and custom resources; an error says what of it is missing. Reads the file with the latter.
    pub(crate) fn flux(&self) -> Result<(FluxVersions, Vec<Value>), BundleMissing> {
        let versions = self.versions.of_flux().ok_or_else(|| BundleMissing {
            message: format!(
                "{} has no Flux: run `cargo xtask build` in a checkout, which builds it",
                self.directory
            ),
        })?;
        let definitions = self.directory.join("flux-crds.yaml");
        let mut files: Vec<Utf8PathBuf> = Component::FLUX.map(|component| self.controller(component)).into();
        files.extend([self.hold(), definitions.clone()]);
        are_there(&files)?;
        let text = std::fs::read_to_string(&definitions).map_err(|error| BundleMissing::of(&definitions, &error))?;
        let documents: Result<Vec<Value>, _> = yaml_serde::Deserializer::from_str(&text)
            .map(Value::deserialize)
            .collect();
        let mut documents = documents.map_err(|error| BundleMissing::of(&definitions, &error))?;
        documents.retain(Value::is_object);
        Ok((versions, documents))
    }

    fn program(&self, name: &str) -> Utf8PathBuf {
        self.directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

fn are_there(files: &[Utf8PathBuf]) -> Result<(), BundleMissing> {
    match files.iter().find(|file| !file.is_file()) {
        None => Ok(()),
        Some(file) => Err(BundleMissing {
            message: format!("{file} is missing: run `cargo xtask build` in a checkout, which builds it"),
        }),
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
