//! What a target is.

use camino::Utf8Path;

/// What kind of directory a session applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TargetKind {
    /// Plain manifests: each document is its own object.
    Folder,
    /// A kustomization: its objects are built from many files.
    Kustomization,
}

impl TargetKind {
    /// What a directory is, by what stands in it.
    pub(crate) fn of(directory: &Utf8Path) -> Self {
        let is_there = |name: &&str| directory.join(name).is_file();
        if gitops_model::KUSTOMIZATION_FILES.iter().any(|name| is_there(&name)) {
            Self::Kustomization
        } else {
            Self::Folder
        }
    }
}
