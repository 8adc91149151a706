//! Where a field of an object came from: the file and the path in it whose line supplies the value.

use std::sync::Arc;

use gitops_text::Span;
use gitops_yaml::{Document, FieldPath};

use crate::{Manifest, Want, anchor_of_object, place};

/// What supplies a field.
///
/// A plain manifest supplies all of its own fields. Between a base and the cluster there can be more:
/// each stage that changes fields is a variant here, so that whoever places a finding has to think of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Supplier {
    /// The manifest that was written for the object.
    Manifest,
    /// A strategic-merge or JSON 6902 patch, inline or in a file.
    Patch,
    /// An entry of `configMapGenerator` or `secretGenerator`: its name, a literal, a label.
    Generator,
    /// A file whose whole content a generator takes.
    GeneratorFile,
    /// A line of a file of `KEY=VALUE` lines that a generator takes.
    EnvLine,
    /// An entry of `images`.
    Image,
    /// An entry of `replicas`.
    Replicas,
    /// `namespace` of a kustomization, or `targetNamespace` of Flux.
    Namespace,
    /// `namePrefix` or `nameSuffix`.
    NameAffix,
    /// `labels`, `commonLabels`, or `commonMetadata` of Flux.
    Labels,
    /// `commonAnnotations`, or `commonMetadata` of Flux.
    Annotations,
    /// An entry of `replacements` or `vars`, which takes the value from elsewhere.
    Replacement,
    /// Another transformer's configuration.
    Transformer,
    /// The value of a variable of post-build substitution.
    Substitution,
    /// A value of a Helm release: in the `HelmRelease`, in what `valuesFrom` refers to, or in a values file of the chart.
    Values,
    /// A template of a chart.
    Template,
}

/// One supplier of one field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// Name of the file.
    pub file: Arc<str>,
    /// Number of the document in it, from 0.
    pub document: usize,
    /// Where the object stands in that document: empty, or `items[n]` of a `List`.
    pub base: FieldPath,
    /// The field, from `base`.
    pub path: FieldPath,
    /// What kind of supplier it is.
    pub supplier: Supplier,
}

impl Origin {
    /// Of a field of an object that is applied as it is written.
    pub fn of_manifest(file: &Arc<str>, manifest: &Manifest, path: &FieldPath) -> Self {
        Self {
            file: Arc::clone(file),
            document: manifest.document,
            base: manifest.base.clone(),
            path: path.clone(),
            supplier: Supplier::Manifest,
        }
    }

    /// The span that shows it in its document, or in the nearest ancestor that is there.
    pub fn span(&self, document: &Document, text: &str, want: Want) -> Span {
        if self.path.is_empty() {
            anchor_of_object(document, text, &self.base)
        } else {
            place(document, text, &self.base, &self.path, want)
        }
    }
}
