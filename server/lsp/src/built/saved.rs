//! What a save does: the tree changes, what it can have changed is built, and the loop is told what came of all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use gitops_model::{ObjectKey, Severity, Source};
use gitops_render::Fault;

use super::artifact::changes_listings;
use super::behind::Wholes;
use super::prepared::Prepared;
use super::sent::numbered_as;
use super::source_ignore::SourceIgnore;
use super::units::{self, AllBuilt, Changed};
use super::worker::{Save, Worker};
use super::{Outcome, missing_paths, releases, variables};
use crate::event::{Event, TaskDone};

/// What so many objects say about each other is found while the cluster is asked; of fewer it takes no time.
const MANY: usize = 50;

impl Worker {
    /// Tells the renderer all files, but those that Flux does not get to see.
    pub(super) async fn send_whole_tree(&mut self) {
        if self.is_flux {
            self.left_out = Some(SourceIgnore::of(self.tree.texts(), None));
        }
        let files = self.tree.texts().below("");
        let files = files
            .map(|(path, text)| (path.to_string(), self.is_seen(path).then(|| text.to_string())))
            .collect();
        // What went wrong is said of the build that follows.
        let _ = self.renderer.change(self.name_of_tree(), files).await;
    }

    /// Whether whoever builds gets to see a file: source-controller leaves some out of what it fetched.
    fn is_seen(&self, path: &str) -> bool {
        self.left_out.as_ref().is_none_or(|left_out| !left_out.has(path))
    }

    /// Finds out which repository this is.
    pub(super) async fn look_around(&mut self) {
        if self.is_flux {
            let around = gitops_session::source::surroundings(&self.root).await;
            self.prefix = around.prefix.into_string();
            self.remotes.extend(around.remotes);
        }
    }

    pub(super) async fn build(&mut self, save: Save) {
        self.generation = save.generation;
        self.behind.stop();
        let mut changed = Changed::default();
        let mut files = BTreeMap::new();
        for (path, content) in save.changes {
            if self.tree.is_elsewhere(&path) {
                continue;
            }
            let before = self.identities(&path);
            match content {
                Some(parsed) => {
                    let text = self.is_seen(&path).then(|| parsed.text.as_str().to_owned());
                    files.insert(path.clone(), text);
                    self.tree.set(path.clone(), parsed);
                    if before != self.identities(&path) {
                        changed.restructured.insert(path.clone());
                    }
                    changed.paths.insert(path);
                }
                None => {
                    for path in self.tree.remove(&path) {
                        files.insert(path.clone(), None);
                        changed.restructured.insert(path.clone());
                        changed.paths.insert(path);
                    }
                }
            }
            let came_or_went = before.is_none() || files.values().any(Option::is_none);
            if came_or_went || changed.paths.iter().any(|path| changes_listings(path)) {
                self.artifacts.forget_listings();
            }
        }
        let gone = self.renderer.change(self.name_of_tree(), files).await.err();
        if changed.paths.iter().any(|path| changes_listings(path)) {
            // Any file can be there now, or not.
            self.kept.clear();
            self.send_whole_tree().await;
        }
        self.build_units(changed, gone).await;
    }

    /// Builds what changed, and tells the loop what came of all.
    async fn build_units(&mut self, changed: Changed, gone: Option<gitops_render::Gone>) {
        let began = Instant::now();
        let AllBuilt {
            mut faults,
            not_copied,
            behind,
            repositories,
        } = match self.values_files {
            None => units::build_all(self, changed).await,
            Some(_) => self.begin_chart(),
        };
        tracing::info!(
            units = self.units.len(),
            objects = self.objects.len(),
            milliseconds = began.elapsed().as_secs_f64() * 1000.0,
            "target built"
        );
        if let Some(gone) = gone {
            faults.push((
                0,
                Fault {
                    step: "build".to_owned(),
                    message: gone.to_string(),
                    object: None,
                },
            ));
        }
        let mut findings = self.faults(&faults);
        variables::mend(self, &faults, &mut findings);
        missing_paths::mend(self, &faults, &mut findings);
        for (name, more) in self.not_copied(&not_copied) {
            findings.entry(name).or_default().extend(more);
        }
        // Of a single kustomization that cannot be built nothing is known; of many, what can be built goes on.
        let mut is_broken = !faults.is_empty() || !not_copied.is_empty();
        if self.is_flux || self.values_files.is_some() {
            let failed = releases::render(self).await;
            is_broken |= !failed.is_empty();
            for (name, more) in self.by_file(failed, Source::Render, Severity::Error) {
                findings.entry(name).or_default().extend(more);
            }
            self.send_what_releases_bring();
        }
        self.is_broken = is_broken;
        let objects = (!is_broken || self.is_flux).then(|| self.sent.clone());
        let outcome = Outcome {
            generation: self.generation,
            objects,
            is_broken,
            texts: self.texts_of(&findings),
            findings,
            repositories,
        };
        let number = self.number;
        let _ = self.inbox.send(Event::Task(TaskDone::TargetBuilt { number, outcome }));
        // While the loop and the cluster have their turn.
        self.readings.sweep();
        self.prepared = None;
        if self.objects.len() > MANY {
            // The cluster is asked on the same thread, and must not wait for this.
            self.prepared = Some(tokio::task::block_in_place(|| Prepared::of(self)));
        }
        let requests = behind.into_iter();
        self.behind
            .start(self.generation, Arc::clone(&self.renderer), requests.collect());
    }

    /// A chart that is the target is rendered as a whole, and nothing is built beside it.
    fn begin_chart(&mut self) -> AllBuilt {
        self.objects.clear();
        self.sent.clear();
        self.unit_of.clear();
        AllBuilt::default()
    }

    /// What charts render follows what Kustomizations bring.
    fn send_what_releases_bring(&mut self) {
        let kinds = self.cluster.as_ref().map(gitops_cluster::Cluster::kinds);
        for document in self.sent.len()..self.objects.len() {
            let Some((object, manager)) = self.releases.sent_as(document, kinds.as_deref()) else {
                continue;
            };
            let key = Arc::clone(&self.readings.read(object).key);
            let object = self.readings.sent(object, self.is_flux);
            self.sent.push(numbered_as(document, key, object, manager));
        }
    }

    /// The wholes of units of which slices were built: where they say something else, that counts.
    pub(super) async fn take_wholes(&mut self, wholes: Wholes) {
        if wholes.generation != self.generation {
            return;
        }
        let mut changed = Changed::default();
        // Where the renderer was not there, the next save tries again, and the slice holds till then.
        for (name, built) in wholes.built.into_iter().filter(|(_, built)| built.is_ok()) {
            if built.as_ref().is_ok_and(|built| self.is_as_built(&name, built)) {
                if let Some(kept) = self.kept.get_mut(&name) {
                    kept.is_slice = false;
                }
            } else {
                changed.built.insert(name, built);
            }
        }
        if !changed.built.is_empty() {
            self.build_units(changed, None).await;
        }
    }

    /// The identities of the objects of a file; `None` where there is no such file.
    fn identities(&mut self, path: &str) -> Option<BTreeSet<Arc<ObjectKey>>> {
        let parsed = self.parsed(path)?;
        Some(parsed.manifests().map(|manifest| Arc::clone(&manifest.key)).collect())
    }
}
