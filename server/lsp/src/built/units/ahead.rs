//! Units that are built together: most Kustomizations of a repository do not wait for each other, and the renderer works on
//! several at once.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream;
use gitops_render::{Built, Gone};

use super::{Place, Round, SECOND_TRY_WITHIN, UnitName};
use crate::built::unit::Unit;
use crate::built::worker::Worker;

/// How many builds are asked for at once.
const AT_ONCE: usize = 8;

/// A unit that was built before its turn.
pub(super) struct Ahead {
    unit: Unit,
    built: Result<Built, Gone>,
    took: Duration,
}

impl Round {
    /// Builds what is built for the first time and waits for nothing, before its turn.
    pub(super) async fn build_ahead(&mut self, worker: &Worker) {
        let units: Vec<Unit> = self
            .later
            .iter()
            .filter_map(|later| self.can_be_built(worker, later))
            .collect();
        // One alone has no advantage.
        if units.len() < 2 {
            return;
        }
        let work = units.into_iter().map(|unit| async move {
            let request = unit.request(worker.tree_at_renderer(&unit));
            let began = Instant::now();
            let built = worker.renderer.kustomize(&request).await;
            let took = began.elapsed();
            (unit.name(), Ahead { unit, built, took })
        });
        let built: Vec<(UnitName, Ahead)> = stream::iter(work).buffer_unordered(AT_ONCE).collect().await;
        self.ahead.extend(built);
    }

    fn can_be_built(&self, worker: &Worker, (_, unit, kustomization): &super::Later) -> Option<Unit> {
        let name = unit.name();
        if worker.kept.contains_key(&name) || self.ahead.contains_key(&name) {
            return None;
        }
        let place = self.place(worker, kustomization, &name.0);
        let is_known = !matches!(place, Place::Unknown | Place::Elsewhere);
        let is_ready = is_known && self.has_its_variables(worker, kustomization, &name.0);
        is_ready
            .then(|| self.resolved(worker, unit.clone(), kustomization, place, true))
            .flatten()
    }

    /// What was built of a unit before its turn. What has come since may give it other variables: then that is nothing. Nor
    /// is an answer of a renderer that is gone, which is there again for the next, unless it took too long.
    pub(super) fn taken_ahead(&mut self, name: &UnitName, unit: &Unit) -> Option<Result<Built, Gone>> {
        let ahead = self.ahead.remove(name)?;
        let is_lasting = ahead.built.is_ok() || ahead.took >= SECOND_TRY_WITHIN;
        (is_lasting && ahead.unit.asks_the_same(unit)).then_some(ahead.built)
    }
}
