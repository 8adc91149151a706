//! The life of a session. Each test has a sandbox of its own, or several.

#![allow(
    clippy::needless_raw_string_hashes,
    reason = "expect-test chooses how many it writes"
)]

mod cancel;
mod ends;
mod references;
mod start_and_stop;
mod workspaces;

use gitops_tests::server::TestServer;
use gitops_tests::show::ageless;

const FILES: &str = "
    #- apps/web.yaml
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: web
      namespace: default
    data:
      key: value
    #- apps/broken.yaml
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: broken
      namespace: default
    datta: {}
    #- other/not-in-target.yaml
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: not-in-target
      namespace: default
    ";

fn titles(server: &TestServer, file: &str) -> Vec<String> {
    server
        .lenses(file)
        .into_iter()
        .map(|(_, title)| ageless(&title))
        .collect()
}
