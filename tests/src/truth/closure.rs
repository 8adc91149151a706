//! The files that contribute to a target, by what its kustomizations name.

use std::collections::BTreeSet;

use gitops_model::kustomize::{Change, Layer, Patch, Spot, join, layer, operations, read_flux_kustomization};
use gitops_model::{FileRole, Gvk, file_role};
use gitops_yaml::{FieldPath, NodeKind};

use super::piece::{Piece, Role};
use super::trees::{Trees, WORK_TREE, is_yaml};
use super::world::{Builder, TargetKind, World};

/// Files that the session itself puts on the sandbox, or leaves to the sandbox's own Flux.
const OF_BOOTSTRAP: [&str; 2] = ["gotk-sync.yaml", "gotk-components.yaml"];

/// Everything that a target is built from.
#[derive(Debug, Default)]
pub struct Closure {
    /// The parts that are YAML of Kubernetes or kustomize.
    pub pieces: Vec<Piece>,
    /// The layers, each with the tree that it is in.
    pub layers: Vec<(String, Layer)>,
    /// Every file of the work tree that contributes.
    pub files: BTreeSet<String>,
}

/// Reads what the units of a world are made of.
pub fn closure(builder: &Builder, world: &World, target: &str) -> Closure {
    let mut closure = Closure::default();
    if builder.kind == TargetKind::Folder {
        folder(builder, target, &mut closure);
        return closure;
    }
    let mut seen = BTreeSet::new();
    for unit in &world.units {
        let Some(tree) = builder.trees.0.get(&unit.tree) else {
            continue;
        };
        if seen.insert((unit.tree.clone(), unit.directory.clone())) {
            let layer = layer(&tree.texts, &unit.directory, None);
            add_layer(&builder.trees, &unit.tree, &layer, &mut closure);
            closure.layers.push((unit.tree.clone(), layer));
        }
    }
    let inline = flux_patches(&closure.pieces);
    closure.pieces.extend(inline);
    closure
        .pieces
        .sort_by(|a, b| (&a.file, a.span.start, a.span.end).cmp(&(&b.file, b.span.start, b.span.end)));
    closure
        .pieces
        .dedup_by(|a, b| a.file == b.file && a.span == b.span && a.role == b.role);
    closure
}

fn folder(builder: &Builder, target: &str, closure: &mut Closure) {
    let Some(tree) = builder.trees.0.get(WORK_TREE) else {
        return;
    };
    for (path, _) in tree.texts.below(target) {
        if is_yaml(path) && file_role(path) == FileRole::Manifests {
            add_file(&builder.trees, WORK_TREE, path, "", closure);
        }
    }
}

fn add_layer(trees: &Trees, tree: &str, layer: &Layer, closure: &mut Closure) {
    if let Some(sheet) = &layer.kustomization.sheet
        && let Some(file) = trees.file(tree, sheet.file())
    {
        let spot = Spot {
            sheet: std::sync::Arc::clone(sheet),
            document: 0,
            path: FieldPath::new(),
        };
        closure.files.insert(file.to_owned());
        let piece = Piece::new(file, spot, Role::Kustomization, tree, &layer.directory);
        closure.pieces.extend(piece);
    }
    for (_, path) in &layer.files {
        add_file(trees, tree, path, &layer.directory, closure);
    }
    for change in &layer.changes {
        if let Change::Patch(patch) = change {
            add_patch(trees, tree, layer, patch, closure);
        }
    }
    for generator in &layer.generators {
        for entry in generator.files.iter().chain(&generator.envs) {
            let path = entry.text.split_once('=').map_or(entry.text.as_str(), |(_, path)| path);
            let file = join(&layer.directory, path).and_then(|path| trees.file(tree, &path).map(str::to_owned));
            closure.files.extend(file);
        }
    }
    for below in layer.bases.iter().chain(&layer.components) {
        add_layer(trees, tree, below, closure);
    }
}

fn add_file(trees: &Trees, tree: &str, path: &str, directory: &str, closure: &mut Closure) {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some(file) = trees.file(tree, path).filter(|_| !OF_BOOTSTRAP.contains(&name)) else {
        return;
    };
    let Some(sheet) = trees.0.get(tree).and_then(|tree| tree.texts.sheet(path)) else {
        return;
    };
    closure.files.insert(file.to_owned());
    for (index, document) in sheet.documents().iter().enumerate() {
        let text = |key: &str| document.root(sheet.text())?.get(key)?.as_str().map(str::to_owned);
        let (Some(version), Some(kind)) = (text("apiVersion"), text("kind")) else {
            continue;
        };
        let is_object = !gitops_model::read(document, sheet.text(), index).manifests().is_empty();
        if document.is_broken() || !is_object || kind.ends_with("List") {
            continue;
        }
        let spot = Spot {
            sheet: std::sync::Arc::clone(&sheet),
            document: index,
            path: FieldPath::new(),
        };
        let role = Role::Object(Gvk::parse(&version, &kind));
        closure.pieces.extend(Piece::new(file, spot, role, tree, directory));
    }
}

fn add_patch(trees: &Trees, tree: &str, layer: &Layer, patch: &Patch, closure: &mut Closure) {
    let texts = trees.0.get(tree).map(|tree| &tree.texts);
    let spots = patch.body.spots(|path| {
        let path = join(&layer.directory, path)?;
        texts?.sheet(&path)
    });
    for spot in spots {
        let Some(file) = trees.file(tree, spot.sheet.file()) else {
            continue;
        };
        closure.files.insert(file.to_owned());
        closure.pieces.extend(patch_piece(file, spot, tree, &layer.directory));
    }
}

fn patch_piece(file: &str, spot: Spot, tree: &str, directory: &str) -> Option<Piece> {
    let role = {
        let field = spot.field()?;
        if field.kind() == NodeKind::Sequence {
            operations(&field)?;
            Role::JsonPatch
        } else {
            Role::MergePatch
        }
    };
    Piece::new(file, spot, role, tree, directory)
}

/// The patches that Kustomizations of Flux carry themselves.
fn flux_patches(pieces: &[Piece]) -> Vec<Piece> {
    let mut found = Vec::new();
    for piece in pieces
        .iter()
        .filter(|piece| piece.is_of_flux() && piece.kind() == Some("Kustomization"))
    {
        let Some(spec) = piece.top().and_then(|top| top.get("spec")) else {
            continue;
        };
        let kustomization = read_flux_kustomization(&spec);
        for patch in &kustomization.patches {
            let spots = patch.body.spots(|_| None);
            found.extend(
                spots
                    .into_iter()
                    .filter_map(|spot| patch_piece(&piece.file, spot, &piece.tree, &piece.directory)),
            );
        }
    }
    found
}
