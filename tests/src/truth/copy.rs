//! The repository as it is played with: a copy of its own, in Git.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};

/// The files that are played with.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// By their path from the root. What is no text is left out: nothing in it can be broken on a line.
    pub texts: BTreeMap<String, String>,
    /// What a session is started on, from the root.
    pub target: String,
}

/// The largest file that is read; the server reads no larger ones.
const MAX_BYTES: u64 = 8 << 20;
/// The directory of the entry that is made up around a chart.
const CHART_ENTRY: &str = "clusters/truth";

/// Reads a repository. A target that is a Helm chart gets a Flux repository around it that installs the chart with its own
/// values, since a chart alone applies nothing.
pub fn read(repository: &Utf8Path, target: &str) -> anyhow::Result<Files> {
    let mut texts = BTreeMap::new();
    for path in files_below(repository)? {
        let full = repository.join(&path);
        if full.metadata()?.len() > MAX_BYTES {
            continue;
        }
        let content = std::fs::read(&full).with_context(|| full.to_string())?;
        if let Ok(text) = String::from_utf8(content) {
            texts.insert(path.to_string(), text);
        }
    }
    let prefix = if target.is_empty() {
        String::new()
    } else {
        format!("{target}/")
    };
    if !texts.keys().any(|path| path.starts_with(&prefix)) {
        bail!("{repository} has no files in {target:?}");
    }
    let is_chart = texts.contains_key(&format!("{prefix}Chart.yaml"));
    let mut files = Files {
        texts,
        target: target.to_owned(),
    };
    if is_chart {
        wrap_chart(&mut files, &prefix);
    }
    Ok(files)
}

/// The files of a directory in their order, without Git's own; symbolic links are not followed.
fn files_below(root: &Utf8Path) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in directory.read_dir_utf8().with_context(|| directory.to_string())? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() && entry.file_name() != ".git" {
                waiting.push(entry.into_path());
            } else if kind.is_file() {
                found.push(entry.path().strip_prefix(root)?.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn wrap_chart(files: &mut Files, prefix: &str) {
    let values = files.texts.get(&format!("{prefix}values.yaml"));
    let mut release = format!(
        "apiVersion: v1
kind: Namespace
metadata:
  name: truth
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: truth
  namespace: truth
spec:
  interval: 1h
  timeout: 30s
  install:
    disableWait: true
  upgrade:
    disableWait: true
    remediation:
      retries: 0
  chart:
    spec:
      chart: ./{}
      reconcileStrategy: Revision
      sourceRef:
        kind: GitRepository
        name: flux-system
        namespace: flux-system
  values:
",
        prefix.trim_end_matches('/')
    );
    for line in values.map(String::as_str).unwrap_or_default().lines() {
        let is_blank = line.trim().is_empty() || line.trim() == "---";
        let _ = writeln!(
            release,
            "{}",
            if is_blank { String::new() } else { format!("    {line}") }
        );
    }
    let sync = "apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: flux-system
  namespace: flux-system
spec:
  interval: 1h
  ref:
    branch: main
  url: https://git.example.org/truth/chart
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: flux-system
  namespace: flux-system
spec:
  interval: 1h
  retryInterval: 30s
  path: ./clusters/truth
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
";
    for (name, text) in [
        ("release.yaml", release.as_str()),
        ("flux-system/gotk-sync.yaml", sync),
        ("flux-system/kustomization.yaml", "resources:\n- gotk-sync.yaml\n"),
    ] {
        files.texts.insert(format!("{CHART_ENTRY}/{name}"), text.to_owned());
    }
    CHART_ENTRY.clone_into(&mut files.target);
}

/// Makes the files a work tree of Git, with one commit.
pub fn make_repository(files: &Files, directory: &Utf8Path) -> anyhow::Result<()> {
    for (path, text) in &files.texts {
        let path = directory.join(path);
        std::fs::create_dir_all(path.parent().context("a file is in a directory")?)?;
        std::fs::write(&path, text).with_context(|| path.to_string())?;
    }
    for arguments in [
        &["init", "--quiet", "--initial-branch", "main"][..],
        &["add", "--all"],
        &["commit", "--quiet", "--allow-empty", "--message", "Sound"],
    ] {
        let done = Command::new("git")
            .args(["-c", "user.name=truth", "-c", "user.email=truth@example.org"])
            .args(["-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"])
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .output()
            .context("git could not be started")?;
        if !done.status.success() {
            bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&done.stderr));
        }
    }
    Ok(())
}
