//! Repositories of the corpora, laid out as workspaces.

use camino::{Utf8Path, Utf8PathBuf};

use crate::server::TestServer;

/// A Kustomization of Flux's that applies the directory `apps`, as a file of an entry.
pub const APPS: &str = "apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec:
  interval: 1h
  path: ./apps
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
";

/// Copies all files below a directory into a server's workspace, and returns how many bytes they have.
pub fn lay_out(server: &TestServer, directory: &Utf8Path) -> usize {
    let mut bytes = 0;
    for file in files_below(directory) {
        let content = std::fs::read(directory.join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        bytes += content.len();
        server.write(&file, content);
    }
    bytes
}

/// All files below a directory, relative to it, in order.
pub fn files_below(directory: &Utf8Path) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut waiting: Vec<Utf8PathBuf> = vec![directory.to_owned()];
    while let Some(current) = waiting.pop() {
        let entries = current
            .read_dir_utf8()
            .unwrap_or_else(|error| panic!("{current}: {error}"));
        for entry in entries {
            let path = entry.expect("an entry").into_path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path.strip_prefix(directory).expect("below it").to_string());
            }
        }
    }
    found.sort();
    found
}
