//! From a directory down to the files that bring its objects, and what each object passes on its way up.

use std::sync::Arc;

use gitops_yaml::NodeKind;

use super::transformer_file::{change, made};
use super::{
    Entry, Generator, Image, Kustomization, Labels, Patch, Replacement, Replicas, Spot, Tree, directory_of, join,
    read_kustomization,
};

/// Layers deeper than this are not followed: kustomize refuses a cycle, and nobody has as many bases.
const MAX_DEPTH: usize = 50;
/// Layers in all, of one target.
const MAX_LAYERS: usize = 5_000;

/// A kustomization and what it is made of.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// Its directory.
    pub directory: String,
    /// What its file says.
    pub kustomization: Kustomization,
    /// Files of objects, as `resources` lists them.
    pub files: Vec<(Entry, String)>,
    /// Bases.
    pub bases: Vec<Layer>,
    /// Components: what they change they change in everything that stands before them.
    pub components: Vec<Layer>,
    /// Generators, its own and those in files.
    pub generators: Vec<Generator>,
    /// What is changed, in the order in which kustomize does it.
    pub changes: Vec<Change>,
}

/// One thing that a kustomization does to its objects.
#[derive(Clone, Debug)]
pub enum Change {
    /// A patch.
    Patch(Patch),
    /// `namespace`.
    Namespace(Entry),
    /// `namePrefix`.
    Prefix(Entry),
    /// `nameSuffix`.
    Suffix(Entry),
    /// `labels`, `commonLabels`.
    Labels(Labels),
    /// `commonAnnotations`.
    Annotations(Labels),
    /// `replicas`.
    Replicas(Replicas),
    /// `images`.
    Image(Image),
    /// `replacements`.
    Replacement(Replacement),
    /// `vars`.
    Variable(Replacement),
    /// A transformer that is not known here.
    Other(Spot),
}

/// Something that an object passes.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The layer that does it.
    pub layer: &'a Layer,
    /// What it does.
    pub does: Does<'a>,
}

/// What a step does.
#[derive(Clone, Copy, Debug)]
pub enum Does<'a> {
    /// Changes the object.
    Change(&'a Change),
    /// Merges a generated ConfigMap or Secret into one of the same name.
    Merge(&'a Generator),
}

/// Something that an object comes from, and what it passes, first to last.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// What brings it.
    pub kind: SourceKind<'a>,
    /// The layer that lists the file or has the generator.
    pub layer: &'a Layer,
    /// What it passes.
    pub steps: Vec<Step<'a>>,
}

/// What brings an object.
#[derive(Clone, Copy, Debug)]
pub enum SourceKind<'a> {
    /// A file, and the entry of `resources` that lists it.
    File(&'a str),
    /// A generator.
    Generator(&'a Generator),
}

/// Reads the kustomization of a directory and everything below it.
///
/// A directory without kustomization file is read as Flux does: all manifests below it, and the directories below it
/// that have such a file as bases.
pub fn layer(tree: &Tree, directory: &str, flux: Option<&Kustomization>) -> Layer {
    let mut budget = MAX_LAYERS;
    let directory = join("", directory).unwrap_or_default();
    build(tree, &directory, flux, 0, &mut budget)
}

fn build(tree: &Tree, directory: &str, flux: Option<&Kustomization>, depth: usize, budget: &mut usize) -> Layer {
    let mut layer = Layer {
        directory: directory.to_owned(),
        ..Layer::default()
    };
    let sheet = tree.kustomization_file(directory).and_then(|file| tree.sheet(&file));
    match sheet {
        Some(sheet) => layer.kustomization = read_kustomization(&sheet),
        None => made_up(tree, &mut layer, depth, budget),
    }
    if let Some(flux) = flux {
        add_flux(&mut layer.kustomization, flux);
    }
    let mut below = |entry: &Entry| {
        let path = join(directory, &entry.text)?;
        *budget = budget.checked_sub(1)?;
        (depth < MAX_DEPTH).then(|| build(tree, &path, None, depth + 1, budget))
    };
    for entry in &layer.kustomization.resources {
        match join(directory, &entry.text) {
            Some(path) if tree.text(&path).is_some() => layer.files.push((entry.clone(), path)),
            Some(path) if tree.kustomization_file(&path).is_some() => layer.bases.extend(below(entry)),
            _ => {}
        }
    }
    for entry in &layer.kustomization.components {
        layer.components.extend(below(entry));
    }
    layer.generators.clone_from(&layer.kustomization.generators);
    for entry in &layer.kustomization.generator_files {
        for spot in documents(tree, directory, entry) {
            layer.generators.extend(spot.field().as_ref().and_then(made));
        }
    }
    layer.changes = changes(tree, directory, &layer.kustomization);
    layer
}

/// What Flux generates for a directory without kustomization file.
fn made_up(tree: &Tree, layer: &mut Layer, depth: usize, budget: &mut usize) {
    let directory = layer.directory.clone();
    let mut inner: Vec<String> = Vec::new();
    for (path, _) in tree.below(&directory) {
        let is_kustomization = crate::file_role(path) == crate::FileRole::Kustomization;
        let own = directory_of(path);
        if is_kustomization && own != directory && !inner.iter().any(|known| is_below(own, known)) {
            inner.retain(|known| !is_below(known, own));
            inner.push(own.to_owned());
        }
    }
    for (path, _) in tree.below(&directory) {
        let is_manifest = path.ends_with(".yaml") || path.ends_with(".yml");
        if is_manifest
            && !inner.iter().any(|known| is_below(path, known))
            && let Some(sheet) = tree.sheet(path)
        {
            let spot = Spot {
                sheet,
                document: 0,
                path: gitops_yaml::FieldPath::new(),
            };
            let text = path.to_string();
            layer.files.push((Entry { text, spot }, path.to_string()));
        }
    }
    for path in inner {
        if depth < MAX_DEPTH && *budget > 0 {
            *budget -= 1;
            layer.bases.push(build(tree, &path, None, depth + 1, budget));
        }
    }
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Adds what kustomize-controller adds, by the rules of `fluxcd/pkg/kustomize`.
fn add_flux(kustomization: &mut Kustomization, flux: &Kustomization) {
    let replace = |own: &mut Option<Entry>, flux: &Option<Entry>| {
        if flux.is_some() {
            own.clone_from(flux);
        }
    };
    replace(&mut kustomization.namespace, &flux.namespace);
    replace(&mut kustomization.name_prefix, &flux.name_prefix);
    replace(&mut kustomization.name_suffix, &flux.name_suffix);
    kustomization.patches.extend(flux.patches.iter().cloned());
    kustomization.components.extend(flux.components.iter().cloned());
    let merges = flux.patches_strategic_merge.iter().cloned();
    kustomization.patches_strategic_merge.extend(merges);
    kustomization
        .patches_json6902
        .extend(flux.patches_json6902.iter().cloned());
    for image in &flux.images {
        match kustomization.images.iter_mut().find(|own| own.name == image.name) {
            Some(own) => {
                replace(&mut own.new_name, &image.new_name);
                if image.new_tag.is_some() || image.digest.is_some() {
                    own.new_tag.clone_from(&image.new_tag);
                    own.digest.clone_from(&image.digest);
                }
            }
            None => kustomization.images.push(image.clone()),
        }
    }
    kustomization.common_metadata.clone_from(&flux.common_metadata);
}

/// The order is that of kustomize's target: `configureBuiltinTransformers`, then what stands in files.
fn changes(tree: &Tree, directory: &str, from: &Kustomization) -> Vec<Change> {
    let mut changes = Vec::new();
    changes.extend(from.patches_strategic_merge.iter().cloned().map(Change::Patch));
    changes.extend(from.patches.iter().cloned().map(Change::Patch));
    changes.extend(from.namespace.iter().cloned().map(Change::Namespace));
    changes.extend(from.name_prefix.iter().cloned().map(Change::Prefix));
    changes.extend(from.name_suffix.iter().cloned().map(Change::Suffix));
    changes.extend(from.labels.iter().cloned().map(Change::Labels));
    changes.extend(from.annotations.iter().cloned().map(Change::Annotations));
    changes.extend(from.patches_json6902.iter().cloned().map(Change::Patch));
    changes.extend(from.replicas.iter().cloned().map(Change::Replicas));
    changes.extend(from.images.iter().cloned().map(Change::Image));
    changes.extend(from.replacements.iter().cloned().map(Change::Replacement));
    for entry in &from.replacement_files {
        for spot in documents(tree, directory, entry) {
            let Some(field) = spot.field() else { continue };
            let entries = match field.kind() {
                NodeKind::Sequence => field.items(),
                _ => vec![field],
            };
            let read = entries.iter().map(super::read::replacement);
            changes.extend(read.map(Change::Replacement));
        }
    }
    for entry in &from.transformer_files {
        let spots = documents(tree, directory, entry);
        changes.extend(spots.iter().filter_map(|spot| Some(change(&spot.field()?))));
    }
    changes.extend(from.vars.iter().cloned().map(Change::Variable));
    // The controller sets these on what is built, so that they count most.
    if let Some((labels, annotations)) = &from.common_metadata {
        changes.push(Change::Labels(labels.clone()));
        changes.push(Change::Annotations(annotations.clone()));
    }
    changes
}

/// The documents of a file that a kustomization names, of the files of a directory that it names, or of an inline text.
fn documents(tree: &Tree, directory: &str, entry: &Entry) -> Vec<Spot> {
    let mut sheets = Vec::new();
    if entry.text.contains('\n') {
        sheets.extend(entry.spot.field().and_then(|field| field.inside()));
    } else if let Some(path) = join(directory, &entry.text) {
        if let Some(sheet) = tree.sheet(&path) {
            sheets.push(sheet);
        } else {
            let inner = tree.kustomization_file(&path).and_then(|file| tree.sheet(&file));
            let inner = inner.map(|sheet| read_kustomization(&sheet)).unwrap_or_default();
            let files = inner.resources.iter().filter_map(|entry| join(&path, &entry.text));
            sheets.extend(files.filter_map(|file| tree.sheet(&file)));
        }
    }
    let spots = sheets.iter().flat_map(|sheet: &Arc<_>| {
        (0..sheet.documents().len()).map(|document| Spot {
            sheet: Arc::clone(sheet),
            document,
            path: gitops_yaml::FieldPath::new(),
        })
    });
    spots.collect()
}

impl Layer {
    /// Everything that brings objects, with what they pass.
    pub fn sources(&self) -> Vec<Source<'_>> {
        let mut sources = Vec::new();
        self.collect(&mut sources);
        sources
    }

    fn collect<'a>(&'a self, sources: &mut Vec<Source<'a>>) {
        self.collect_onto(sources, sources.len());
    }

    /// A component changes what the layer above it has so far, which is what stands from `start`.
    fn collect_onto<'a>(&'a self, sources: &mut Vec<Source<'a>>, start: usize) {
        for base in &self.bases {
            base.collect(sources);
        }
        let of = |kind| Source {
            kind,
            layer: self,
            steps: Vec::new(),
        };
        sources.extend(self.files.iter().map(|(_, path)| of(SourceKind::File(path))));
        for generator in &self.generators {
            if generator.behavior == "create" {
                sources.push(of(SourceKind::Generator(generator)));
                continue;
            }
            // What merges into a generated object changes those before it, and brings none.
            let step = Step {
                layer: self,
                does: Does::Merge(generator),
            };
            for source in sources.iter_mut().skip(start) {
                source.steps.push(step);
            }
        }
        for component in &self.components {
            component.collect_onto(sources, start);
        }
        self.change_all(sources, start);
    }

    fn change_all<'a>(&'a self, sources: &mut [Source<'a>], start: usize) {
        let steps = self.changes.iter().map(|change| Step {
            layer: self,
            does: Does::Change(change),
        });
        let steps: Vec<Step<'a>> = steps.collect();
        for source in sources.iter_mut().skip(start) {
            source.steps.extend(steps.iter().copied());
        }
    }
}
