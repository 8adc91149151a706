//! Flux's `ArtifactGenerator`: artifacts made of parts of others.

use serde_json::Value;

use super::reference::{Reference, Role};
use super::spec::Field;

/// The API group of artifact generators.
pub(super) const GROUP: &str = "source.extensions.fluxcd.io";

/// Which artifacts are made, of what (v1beta1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArtifactGenerator {
    /// The sources, each with the alias that copies name it by.
    pub sources: Vec<(String, Reference)>,
    /// The artifacts, each an `ExternalArtifact` of this name in the generator's namespace.
    pub artifacts: Vec<GeneratedArtifact>,
    /// The directories of which each makes these artifacts of its own, `@ALIAS/PATTERN`.
    pub path_pattern: Option<String>,
    /// Whether an annotation keeps it from doing anything.
    pub is_disabled: bool,
}

/// One artifact that is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GeneratedArtifact {
    /// Its name.
    pub name: String,
    /// What is copied into it, one after the other.
    pub copies: Vec<Copy>,
}

/// One copy, as it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Copy {
    /// `@ALIAS/PATTERN`: what is copied.
    pub from: String,
    /// `@artifact/PATH`: where it goes.
    pub to: String,
    /// Patterns of what is not copied.
    pub exclude: Vec<String>,
    /// `Overwrite`, which is the default, `Merge` or `Extract`.
    pub strategy: String,
}

impl Copy {
    /// The alias and the pattern of [`from`](Self::from).
    pub fn source(&self) -> Option<(&str, &str)> {
        self.from.strip_prefix('@')?.split_once('/')
    }

    /// The path of [`to`](Self::to).
    pub fn target(&self) -> Option<&str> {
        self.to.strip_prefix("@artifact/")
    }
}

pub(super) fn read(object: &Value) -> ArtifactGenerator {
    let top = Field::of(object);
    let spec = top.get("spec");
    let switch = top
        .get("metadata")
        .get("annotations")
        .get("source.extensions.fluxcd.io/reconcile");
    ArtifactGenerator {
        sources: spec
            .get("sources")
            .items()
            .filter_map(|item| Some((item.get("alias").owned()?, item.source(Role::Source)?)))
            .collect(),
        artifacts: spec
            .get("artifacts")
            .items()
            .filter_map(|item| {
                Some(GeneratedArtifact {
                    name: item.get("name").owned()?,
                    copies: item.get("copy").items().filter_map(|item| copy(&item)).collect(),
                })
            })
            .collect(),
        path_pattern: spec.get("pathPattern").owned(),
        is_disabled: switch
            .text()
            .is_some_and(|value| value.eq_ignore_ascii_case("disabled")),
    }
}

fn copy(item: &Field<'_>) -> Option<Copy> {
    Some(Copy {
        from: item.get("from").owned()?,
        to: item.get("to").owned()?,
        exclude: item.get("exclude").texts(),
        strategy: item.get("strategy").owned().unwrap_or_else(|| "Overwrite".to_owned()),
    })
}
