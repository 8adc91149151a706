//! Workloads of files that are checked once, without an editor.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gitops_cluster::Cluster;
use gitops_cluster::answer::Trouble;
use gitops_model::{Finding, ObjectKey, Source};
use gitops_session::{Until, WorkloadEvent, WorkloadNews, WorkloadWatch};
use tokio::sync::mpsc;

use super::brought::{Brought, makes_pods};
use super::placing::{answers, judged_in};
use crate::parsed::Parsed;
use crate::report;

/// How long pods may take to run, or to be known not to. They are simulated, and take well below a second.
const PATIENCE: Duration = Duration::from_secs(30);
/// The number of the only question.
const QUESTION: u64 = 1;

/// Waits until what files have brought to a cluster runs, or is known not to, and says what is wrong with it.
pub(crate) async fn check_workloads(
    cluster: Cluster,
    ask_registries: bool,
    files: &[(Arc<str>, Arc<Parsed>)],
) -> BTreeMap<Arc<str>, Vec<Finding>> {
    let mut brought = Brought::default();
    let mut keys: Vec<ObjectKey> = Vec::new();
    for (name, parsed) in files {
        let supplied = parsed.supplied();
        keys.extend(supplied.iter().map(|supplied| ObjectKey::clone(&supplied.manifest.key)));
        brought.set(name, &supplied.into());
    }
    keys.retain(makes_pods);
    if keys.is_empty() {
        return BTreeMap::new();
    }
    let news = wait(cluster, ask_registries, keys).await;
    let mut findings: BTreeMap<Arc<str>, Vec<Finding>> = BTreeMap::new();
    for (key, news) in news {
        let Some(written) = brought.written(&key) else { continue };
        let namespace = key.namespace.as_deref().unwrap_or_default();
        let mut troubles = news.troubles;
        troubles.retain(|trouble| match trouble {
            Trouble::Missing { kind, name, key, .. } => !brought.has(*kind, namespace, name, key.as_deref()),
            _ => true,
        });
        let answers = answers(&troubles, &written.key, &written.object.value());
        let text = files.iter().find(|(name, _)| *name == written.file);
        if let Some((name, text)) = text {
            let judged = judged_in(text, &written.key, answers);
            let mut found = report::place_judged(name, &judged, text);
            for finding in &mut found {
                finding.code.source = Source::Runtime;
            }
            findings.entry(Arc::clone(name)).or_default().extend(found);
        }
    }
    findings
}

async fn wait(cluster: Cluster, ask_registries: bool, keys: Vec<ObjectKey>) -> BTreeMap<ObjectKey, WorkloadNews> {
    let (sender, mut events) = mpsc::unbounded_channel();
    let report = Arc::new(move |event| {
        // The receiver is gone only when the check has ended.
        let _ = sender.send(event);
    });
    let watch = WorkloadWatch::start(cluster, true, ask_registries, report);
    let mut news = BTreeMap::new();
    if !watch.expect(QUESTION, keys, Until::Foreseen) {
        return news;
    }
    // What is not known by then is not said.
    let _ = tokio::time::timeout(PATIENCE, async {
        while let Some(event) = events.recv().await {
            match event {
                WorkloadEvent::News(newer) if newer.is_gone => {
                    news.remove(&newer.key);
                }
                WorkloadEvent::News(newer) => {
                    news.insert(newer.key.clone(), *newer);
                }
                WorkloadEvent::Settled { .. } => return,
            }
        }
    })
    .await;
    news
}
