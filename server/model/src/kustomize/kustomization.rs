//! What one kustomization file says.

use std::sync::Arc;

use super::{Patch, Selector, Sheet, Spot};

/// A text and where it is written.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The text.
    pub text: String,
    /// Where it is written.
    pub spot: Spot,
}

/// Labels or annotations for many objects.
#[derive(Clone, Debug)]
pub struct Labels {
    /// Key and value.
    pub pairs: Vec<(String, Entry)>,
    /// Whether selectors get them, too.
    pub include_selectors: bool,
    /// Whether templates of pods get them, too.
    pub include_templates: bool,
    /// More paths, as a transformer or `fields:` names them, their parts separated by `/`.
    pub fields: Vec<String>,
}

/// An entry of `images`.
#[derive(Clone, Debug)]
pub struct Image {
    /// The entry.
    pub spot: Spot,
    /// Which images it means, without tag and digest.
    pub name: String,
    /// What the name becomes.
    pub new_name: Option<Entry>,
    /// What the tag becomes.
    pub new_tag: Option<Entry>,
    /// What is added to the tag.
    pub tag_suffix: Option<Entry>,
    /// What the digest becomes.
    pub digest: Option<Entry>,
}

/// An entry of `replicas`.
#[derive(Clone, Debug)]
pub struct Replicas {
    /// Of which object.
    pub name: String,
    /// How many.
    pub count: Entry,
}

/// An entry of `configMapGenerator` or `secretGenerator`.
#[derive(Clone, Debug)]
pub struct Generator {
    /// The entry.
    pub spot: Spot,
    /// Whether it makes a Secret, whose values are in base64.
    pub is_secret: bool,
    /// Name without hash.
    pub name: Entry,
    /// Namespace.
    pub namespace: Option<Entry>,
    /// `create`, `merge` or `replace`.
    pub behavior: String,
    /// `KEY=VALUE`.
    pub literals: Vec<Entry>,
    /// `KEY=FILE` or `FILE`.
    pub files: Vec<Entry>,
    /// Files of `KEY=VALUE` lines.
    pub envs: Vec<Entry>,
    /// Labels of the object, its own first, then those of `generatorOptions`.
    pub labels: Vec<(String, Entry)>,
    /// Annotations likewise.
    pub annotations: Vec<(String, Entry)>,
}

/// A place of an object that a replacement reads or writes.
#[derive(Clone, Debug)]
pub struct Targeted {
    /// Which objects.
    pub select: Selector,
    /// Its paths as kustomize writes them: `spec.containers.[name=a].image`.
    pub field_paths: Vec<String>,
}

/// An entry of `replacements`, or one of legacy `vars`.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// The entry.
    pub spot: Spot,
    /// Where the value comes from.
    pub source: Option<Targeted>,
    /// The value itself, where the entry gives it.
    pub source_value: Option<Entry>,
    /// Where it goes.
    pub targets: Vec<Targeted>,
}

/// What a kustomization says. The lists are in the order of the file; names are those of kustomize.
#[derive(Clone, Debug, Default)]
pub struct Kustomization {
    /// The file; `None` for one that Flux makes up for a directory without.
    pub sheet: Option<Arc<Sheet>>,
    /// Files and directories of objects, `bases` among them.
    pub resources: Vec<Entry>,
    /// Directories of components.
    pub components: Vec<Entry>,
    /// `configMapGenerator`, then `secretGenerator`.
    pub generators: Vec<Generator>,
    /// `patchesStrategicMerge`.
    pub patches_strategic_merge: Vec<Patch>,
    /// `patches`.
    pub patches: Vec<Patch>,
    /// `patchesJson6902`.
    pub patches_json6902: Vec<Patch>,
    /// `namespace`.
    pub namespace: Option<Entry>,
    /// `namePrefix`.
    pub name_prefix: Option<Entry>,
    /// `nameSuffix`.
    pub name_suffix: Option<Entry>,
    /// `labels`, then `commonLabels`.
    pub labels: Vec<Labels>,
    /// `commonAnnotations`.
    pub annotations: Vec<Labels>,
    /// `replicas`.
    pub replicas: Vec<Replicas>,
    /// `images`.
    pub images: Vec<Image>,
    /// `replacements`, those in files of their own as their `path`.
    pub replacements: Vec<Replacement>,
    /// Files of replacements.
    pub replacement_files: Vec<Entry>,
    /// `vars`.
    pub vars: Vec<Replacement>,
    /// Files or texts of `generators`.
    pub generator_files: Vec<Entry>,
    /// Files or texts of `transformers`.
    pub transformer_files: Vec<Entry>,
    /// Of a Flux Kustomization: labels that the controller adds to everything.
    pub common_metadata: Option<(Labels, Labels)>,
}
