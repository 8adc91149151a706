//! A Helm chart that is the target itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use gitops_model::{Gvk, Manifest, ObjectKey};
use gitops_render::Helm;
use gitops_render::fault::PlacedFault;
use gitops_render::helm::{Capabilities, Release, bare};
use gitops_text::Span;
use gitops_yaml::FieldPath;

use super::releases::Releases;
use super::worker::Worker;

/// Where a chart is installed that is a target itself.
const BARE_NAMESPACE: &str = "default";

/// The chart that is the target itself.
pub(super) fn bare_chart(worker: &Worker, values_files: &[String], capabilities: &Capabilities) -> Release {
    let texts = worker.tree.texts();
    let mut release = bare(&worker.target, values_files, BARE_NAMESPACE, texts, capabilities);
    worker.name_of_tree().clone_into(&mut release.request.tree);
    release.request.report_values = true;
    release
}

/// The values files of the chart that is the target which are gone.
pub(super) fn missing_values_files(worker: &Worker) -> Vec<PlacedFault> {
    let texts = worker.tree.texts();
    let gone = worker
        .values_files
        .iter()
        .flatten()
        .filter(|file| texts.text(file).is_none());
    let at = texts.sheet(&worker.chart_file());
    let span = at.and_then(|sheet| Some(sheet.documents().first()?.root(sheet.text())?.get("name")?.span()));
    gone.map(|file| PlacedFault {
        file: worker.chart_file(),
        span: span.unwrap_or(Span::empty(0)),
        slug: "bad-chart",
        message: format!("the session installs this chart with {file}, which is not there any more"),
        detail: None,
    })
    .collect()
}

impl Releases {
    /// What stands for all that a chart renders which is the target itself: its `Chart.yaml` as a whole.
    pub(super) fn manifest_of_chart(&self) -> Option<Manifest> {
        let (_, name) = &self.bare()?.name;
        Some(Manifest {
            key: Arc::new(ObjectKey {
                gvk: Gvk::parse("v2", "Chart"),
                namespace: None,
                name: name.clone(),
            }),
            document: 0,
            base: FieldPath::default(),
            kind_span: Span::empty(0),
        })
    }

    /// What is asked of the renderer for the chart that is the target itself, with other texts in some files.
    pub(super) fn bare_request(&self, overlay: &BTreeMap<String, Option<String>>) -> Option<Helm> {
        let release = self.bare()?;
        let mut request = release.request.clone();
        request.overlay.clone_from(overlay);
        for (file, position) in release.values_files() {
            let text = overlay.get(file).cloned().flatten();
            if let (Some(text), Some(values)) = (text, request.values_from.get_mut(position)) {
                values.data = text;
            }
        }
        Some(request)
    }
}
