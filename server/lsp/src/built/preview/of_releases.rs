//! What the charts of a target would bring.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gitops_cluster::{Cluster, Kinds};
use gitops_model::ObjectKey;
use gitops_model::kustomize::Tree;
use gitops_model::references::ReadObject;
use gitops_render::helm::Release;
use gitops_render::{Built, BuiltObject};
use serde_json::Value;

use super::{Gone, Round};
use crate::built::releases::{read_all, sent_of};

/// What releases would bring that is other than what they brought last.
#[derive(Default)]
pub(super) struct OfReleases {
    /// As it would be sent.
    pub(super) changed: Vec<Arc<Value>>,
    pub(super) gone: Vec<Gone>,
}

type Objects = BTreeMap<ObjectKey, Arc<Value>>;

fn by_key(objects: Vec<Arc<Value>>) -> Objects {
    let keyed = objects.into_iter().map(|object| (ObjectKey::of(&object), object));
    keyed.collect()
}

impl Round<'_> {
    /// Renders each release of which something would be another: what it asks for, or its chart.
    pub(super) async fn render_releases(&mut self) -> OfReleases {
        let worker = self.worker;
        let mut of_releases = OfReleases::default();
        if worker.values_files.is_some() {
            return of_releases;
        }
        let objects: Vec<BuiltObject> = self.built.iter().flatten().cloned().collect();
        let read = objects.iter().map(|built| Arc::new(ReadObject::of(&built.object)));
        let read: Vec<Arc<ReadObject>> = read.collect();
        let tree = self.tree();
        let kinds = worker.cluster.as_ref().map(Cluster::kinds);
        let kinds = kinds.as_deref();
        let known: BTreeMap<_, _> = worker.releases.known().collect();
        for release in read_all(worker, &objects, &read, &tree, worker.releases.capabilities()) {
            let known = known.get(&release.name);
            if known.is_some_and(|known| known.is_of(&release, &tree)) {
                continue;
            }
            if let Some(now) = self.rendered(&release, kinds).await {
                let before = known.map(|known| by_key(known.sent(kinds))).unwrap_or_default();
                of_releases.compare(before, now);
            }
        }
        // A release that is taken out is uninstalled; of one that is only suspended everything stays.
        let releases = read.iter().filter(|read| read.key.gvk.kind == "HelmRelease");
        let there: BTreeSet<(&str, &str)> = releases
            .map(|read| {
                (
                    read.key.namespace.as_deref().unwrap_or_default(),
                    read.key.name.as_str(),
                )
            })
            .collect();
        for ((namespace, name), known) in known {
            if !there.contains(&(namespace, name)) {
                of_releases.compare(by_key(known.sent(kinds)), Objects::new());
            }
        }
        of_releases
    }

    /// The files that were saved, with what the buffers hold over them.
    fn tree(&self) -> Tree {
        let saved = self.worker.tree.texts();
        let mut tree = Tree::default();
        for (path, text) in saved.below("").filter(|(path, _)| !self.overlay.contains_key(&***path)) {
            tree.insert(Arc::clone(path), Arc::clone(text));
        }
        for (path, text) in &self.overlay {
            if let Some(text) = text {
                tree.insert(path.as_str(), text.as_str());
            }
        }
        tree
    }

    /// `None` where it cannot be rendered: what it has is what it had.
    async fn rendered(&mut self, release: &Release, kinds: Option<&Kinds>) -> Option<Objects> {
        let mut request = release.request.clone();
        request.overlay.clone_from(&self.overlay);
        let reason = match self.worker.renderer.helm(&request).await {
            Ok(Built { fault: Some(fault), .. }) => release.without_secrets(&fault.message),
            Ok(built) => return Some(by_key(sent_of(release, &built, kinds))),
            Err(gone) => gone.to_string(),
        };
        let (namespace, name) = &release.name;
        self.faults.push(format!("HelmRelease {namespace}/{name}: {reason}"));
        None
    }
}

impl OfReleases {
    fn compare(&mut self, before: Objects, now: Objects) {
        let gone = before.keys().filter(|key| !now.contains_key(*key));
        self.gone.extend(gone.map(|key| Gone {
            key: key.clone(),
            deleted: true,
        }));
        let changed = now.into_iter().filter(|(key, object)| before.get(key) != Some(object));
        self.changed.extend(changed.map(|(_, object)| object));
    }
}
