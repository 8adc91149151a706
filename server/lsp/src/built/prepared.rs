//! What can be known of a build before the cluster has spoken about it: it is found out while the cluster is asked.

use std::sync::Arc;

use gitops_model::references::{ObjectFinding, ReadObject};

use super::coming::Coming;
use super::references;
use super::worker::Worker;

/// What is known of the newest build.
#[derive(Default)]
pub(super) struct Prepared {
    /// What is missing only until Flux has brought it.
    pub(super) coming: Coming,
    /// What the objects say about each other.
    pub(super) found: Vec<ObjectFinding>,
}

impl Prepared {
    pub(super) fn of(worker: &mut Worker) -> Self {
        let objects = std::mem::take(&mut worker.objects);
        let coming = if worker.is_flux {
            let read = objects.iter().map(|built| worker.readings.read(&built.object));
            let read: Vec<Arc<ReadObject>> = read.collect();
            let numbered = objects.iter().zip(&read).enumerate();
            Coming::of(numbered.map(|(number, (built, read))| {
                let is_known = worker.releases.renders(number);
                (read.key.gvk.kind.as_str(), &*built.object, is_known)
            }))
        } else {
            Coming::default()
        };
        // Of what is not built anything can be missing.
        let found = if worker.is_broken {
            Vec::new()
        } else {
            references::look(worker, &objects)
        };
        worker.objects = objects;
        Self { coming, found }
    }
}
