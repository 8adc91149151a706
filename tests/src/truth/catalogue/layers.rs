//! The entries that kustomizations list, with their places.

use std::ops::Range;

use gitops_model::Want;
use gitops_model::kustomize::{Entry, Layer, Spot};

use crate::truth::breakage::{Breakage, Edit, line_around};
use crate::truth::scene::Scene;

/// Something that a layer lists.
pub(super) struct Listed<'a> {
    /// Where the line on which it stands begins.
    line: usize,
    /// The layer.
    pub(super) layer: &'a Layer,
    /// The file of the work tree in which it is written.
    pub(super) file: String,
    /// Bytes of it there.
    pub(super) span: Range<usize>,
    /// What is written there, quotes included.
    pub(super) raw: String,
}

/// All layers of a target, each once, with the name of their tree.
pub(super) fn layers(scene: &Scene) -> Vec<(&str, &Layer)> {
    let mut found: Vec<(&str, &Layer)> = Vec::new();
    let mut waiting: Vec<(&str, &Layer)> = scene
        .closure
        .layers
        .iter()
        .map(|(tree, layer)| (tree.as_str(), layer))
        .collect();
    while let Some((tree, layer)) = waiting.pop() {
        if found
            .iter()
            .any(|(other, known)| *other == tree && known.directory == layer.directory)
        {
            continue;
        }
        found.push((tree, layer));
        waiting.extend(layer.bases.iter().chain(&layer.components).map(|layer| (tree, layer)));
    }
    found.sort_by(|a, b| (a.0, &a.1.directory).cmp(&(b.0, &b.1.directory)));
    found
}

/// Entries of each layer with their places; those of layers without a file, which Flux makes up, have none.
pub(super) fn listed<'a>(scene: &'a Scene, of: impl Fn(&'a Layer) -> Vec<&'a Entry>) -> Vec<Listed<'a>> {
    let mut found = Vec::new();
    for (tree, layer) in layers(scene) {
        let Some(file) = file_of(scene, tree, layer) else {
            continue;
        };
        for entry in of(layer) {
            found.extend(place(scene, layer, &file, &entry.spot));
        }
    }
    found
}

/// The kustomization file of a layer in the work tree.
pub(super) fn file_of(scene: &Scene, tree: &str, layer: &Layer) -> Option<String> {
    let sheet = layer.kustomization.sheet.as_ref()?;
    let piece = scene.closure.pieces.iter().find(|piece| {
        piece.tree == tree && piece.directory == layer.directory && piece.spot.sheet.file() == sheet.file()
    })?;
    Some(piece.file.clone())
}

/// A place in the kustomization file of a layer; `None` where it is in another file.
pub(super) fn place<'a>(scene: &Scene, layer: &'a Layer, file: &str, spot: &Spot) -> Option<Listed<'a>> {
    let own = layer.kustomization.sheet.as_ref()?;
    if own.file() != spot.sheet.file() {
        return None;
    }
    let span = spot.span(Want::Value);
    let span = span.start as usize..span.end as usize;
    let raw = scene.file(file).get(span.clone())?.to_owned();
    let (line, _) = line_around(scene.file(file), span.start);
    (!raw.contains('\n') && !raw.is_empty()).then(|| Listed {
        line,
        layer,
        file: file.to_owned(),
        span,
        raw,
    })
}

impl Listed<'_> {
    /// A breakage of it: the mark belongs on it, or on the key or the dash before it.
    pub(super) fn broken(&self, kind: &'static str, put: impl Into<String>) -> Breakage {
        let edit = Edit {
            span: self.span.clone(),
            put: put.into(),
        };
        Breakage::new(kind, &self.file, vec![edit]).at(self.line..self.span.end)
    }
}
