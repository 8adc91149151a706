//! What a chart repository publishes, as the source-controller of a sandbox has fetched it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use gitops_cluster::Cluster;
use gitops_model::{Gvk, ObjectKey};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpStream;

/// How large an index may be. The largest that are known have some 30 MB.
const MAX_BYTES: usize = 64 << 20;
/// How long it may take to read one.
const LIMIT: Duration = Duration::from_secs(10);

/// The charts of a repository, each with its versions as the repository lists them, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published(Vec<(String, Vec<String>)>);

impl Published {
    /// What the `HelmRepository` of a namespace and a name publishes. `None` where its index was not fetched, or where it is
    /// not on this machine: nothing is asked of anybody else.
    pub async fn by(cluster: &Cluster, namespace: &str, name: &str) -> Option<Self> {
        let kinds = cluster.kinds();
        let is_it = |gvk: &&Gvk| gvk.group == "source.toolkit.fluxcd.io" && gvk.kind == "HelmRepository";
        let gvk = kinds.all().find(is_it)?.clone();
        let served = kinds.get(&gvk)?;
        let key = ObjectKey {
            gvk,
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        };
        let repository = cluster.get(&key, served).await.ok()??;
        let url = repository.pointer("/status/artifact/url").and_then(Value::as_str)?;
        let index = tokio::time::timeout(LIMIT, fetch(url)).await.ok()??;
        // An index of some megabytes takes a while.
        tokio::task::spawn_blocking(move || read(&index)).await.ok()?
    }

    /// The versions of a chart, the newest first; empty where it is not published.
    pub fn versions(&self, chart: &str) -> &[String] {
        let own = self.0.iter().find(|(name, _)| name == chart);
        own.map_or(&[], |(_, versions)| versions)
    }

    /// The names of all charts.
    pub fn charts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// The artifact under a URL of this machine.
async fn fetch(url: &str) -> Option<Bytes> {
    let url: http::Uri = url.parse().ok()?;
    let address: IpAddr = url.host()?.parse().ok()?;
    if url.scheme_str() != Some("http") || !address.is_loopback() {
        return None;
    }
    let authority = url.authority()?.as_str().to_owned();
    let stream = TcpStream::connect((address, url.port_u16().unwrap_or(80))).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    // It ends with the answer.
    let driven = tokio::spawn(connection);
    let request = http::Request::get(url.path_and_query()?.as_str())
        .header(http::header::HOST, authority)
        .body(Empty::<Bytes>::new())
        .ok()?;
    let answer = sender.send_request(request).await.ok()?;
    let found = if answer.status().is_success() {
        let body = Limited::new(answer.into_body(), MAX_BYTES).collect().await.ok();
        body.map(http_body_util::Collected::to_bytes)
    } else {
        None
    };
    driven.abort();
    found
}

/// The `index.yaml` of a repository, as far as it is of use here (`helm.sh/helm/v4/pkg/repo`, `IndexFile`).
#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    entries: BTreeMap<String, Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    version: String,
}

fn read(index: &[u8]) -> Option<Published> {
    // source-controller keeps it as JSON, and has kept it as YAML.
    let index: Index = serde_json::from_slice(index)
        .ok()
        .or_else(|| yaml_serde::from_slice(index).ok())?;
    let charts = index.entries.into_iter();
    let charts = charts.map(|(name, entries)| (name, entries.into_iter().map(|entry| entry.version).collect()));
    Some(Published(charts.collect()))
}

#[cfg(test)]
mod tests {
    use super::{fetch, read};

    #[test]
    fn an_index_is_read_in_both_of_its_forms() {
        let json = br#"{"entries": {"web": [{"version": "1.1.0", "urls": ["a"]}, {"version": "1.0.0"}], "db": []}}"#;
        let yaml =
            b"apiVersion: v1\nentries:\n  web:\n  - version: 1.1.0\n    urls: [a]\n  - version: 1.0.0\n  db: []\n";
        for index in [json.as_slice(), yaml] {
            let published = read(index).expect("it is an index");
            assert_eq!(published.versions("web"), ["1.1.0", "1.0.0"]);
            assert_eq!(published.versions("gone"), [""; 0]);
            assert_eq!(published.charts().collect::<Vec<_>>(), ["db", "web"]);
        }
        assert_eq!(read(b"<html>"), None);
    }

    #[tokio::test]
    async fn nothing_is_asked_of_other_machines() {
        for url in [
            "http://192.0.2.1/index.yaml",
            "https://127.0.0.1/index.yaml",
            "http://example.org/",
            "nonsense",
        ] {
            assert_eq!(fetch(url).await, None, "{url}");
        }
    }
}
