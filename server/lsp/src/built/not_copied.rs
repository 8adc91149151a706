//! What an artifact cannot be made of, on the line of its generator.

use gitops_model::{Severity, Source, Want, place as place_field};
use gitops_render::fault::PlacedFault;
use gitops_text::Span;

use super::Findings;
use super::artifact::NotCopied;
use super::worker::Worker;

impl Worker {
    /// What artifacts cannot be made of, by file.
    pub(super) fn not_copied(&self, faults: &[NotCopied]) -> Findings {
        let placed = faults.iter().filter_map(|fault| {
            let (file, document, base) = fault.written.as_ref()?;
            let sheet = self.tree.texts().sheet(file)?;
            let documents = sheet.documents().get(*document);
            let span = documents.map_or(Span::empty(0), |document| {
                place_field(document, sheet.text(), base, &fault.field, Want::Value)
            });
            Some(PlacedFault {
                file: file.clone(),
                span,
                slug: "artifact-not-made",
                message: fault.message.clone(),
                detail: None,
            })
        });
        self.by_file(placed.collect::<Vec<_>>(), Source::Render, Severity::Error)
    }
}
