//! The workspace of the demo: a copy of podinfo's manifests, as they are in its repository.

use std::process::Command;

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};

/// Where the manifests come from.
pub(crate) fn corpus() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpora")
        .join("podinfo")
}

/// The parts of it that the demo works with: plain manifests of one application, as a person has them open.
const PARTS: [&str; 2] = ["kustomize", "deploy/webapp"];

/// A folder that the demo works in.
pub(crate) struct Workspace {
    /// Where it is.
    pub(crate) root: Utf8PathBuf,
    /// The manifests in it, relative to it, in the order of their paths.
    pub(crate) manifests: Vec<String>,
}

/// Lays a Flux repository out at `root`: podinfo's base and chart, and an entry that builds them.
pub(crate) fn lay_out_fleet(root: &Utf8Path) -> anyhow::Result<Utf8PathBuf> {
    let mut files = Vec::new();
    for part in ["kustomize", "charts"] {
        copy(&corpus().join(part), &root.join(part), &mut files)?;
    }
    copy(&crate::fleet::own_files(), root, &mut files)?;
    let root = root.canonicalize_utf8().with_context(|| root.to_string())?;
    make_repository(&root)?;
    Ok(root)
}

/// Lays the workspace out at `root`. What an earlier run left there is put back as it was.
pub(crate) fn lay_out(root: &Utf8Path) -> anyhow::Result<Workspace> {
    let corpus = corpus();
    let mut files = Vec::new();
    for part in PARTS {
        copy(&corpus.join(part), &root.join(part), &mut files)?;
    }
    let root = root.canonicalize_utf8().with_context(|| root.to_string())?;
    make_repository(&root)?;
    let is_manifest =
        |path: &Utf8PathBuf| path.extension() == Some("yaml") && path.file_name() != Some("kustomization.yaml");
    let manifests = files.iter().filter(|path| is_manifest(path));
    let manifests = manifests.map(|path| path.strip_prefix(&corpus).map(ToString::to_string));
    let mut manifests: Vec<String> = manifests.collect::<Result<_, _>>()?;
    manifests.sort();
    Ok(Workspace { root, manifests })
}

/// Editors find the root of a workspace by its `.git`.
fn make_repository(root: &Utf8Path) -> anyhow::Result<()> {
    if root.join(".git").exists() {
        return Ok(());
    }
    let made = Command::new("git").args(["init", "--quiet"]).arg(root).status();
    let made = made.context("git")?;
    if !made.success() {
        bail!("git init failed in {root} ({made})");
    }
    Ok(())
}

fn copy(from: &Utf8Path, to: &Utf8Path, files: &mut Vec<Utf8PathBuf>) -> anyhow::Result<()> {
    std::fs::create_dir_all(to).with_context(|| to.to_string())?;
    for entry in from.read_dir_utf8().with_context(|| from.to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(entry.path(), &target, files)?;
        } else {
            let bytes = std::fs::read(entry.path()).with_context(|| entry.path().to_string())?;
            std::fs::write(&target, bytes).with_context(|| target.to_string())?;
            files.push(entry.into_path());
        }
    }
    Ok(())
}
