//! Fields of a kustomization that Flux drops without a word.
//!
//! kustomize refuses a field that it does not know. Of the kustomization that a Flux Kustomization's `path` names there is
//! nothing left to refuse: kustomize-controller reads that file into its own types and writes it anew
//! (`fluxcd/pkg/kustomize`), and what its types do not have is gone.

use std::sync::Arc;

use crate::kustomize::{Field, Sheet, Spot};
use crate::near::nearest;

/// The fields of `types.Kustomization` (sigs.k8s.io/kustomize/api), with its type meta.
const TOP: [&str; 33] = [
    "apiVersion",
    "kind",
    "metadata",
    "bases",
    "buildMetadata",
    "commonAnnotations",
    "commonLabels",
    "components",
    "configMapGenerator",
    "configurations",
    "crds",
    "generatorOptions",
    "generators",
    "helmChartInflationGenerator",
    "helmCharts",
    "helmGlobals",
    "imageTags",
    "images",
    "labels",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "openapi",
    "patches",
    "patchesJson6902",
    "patchesStrategicMerge",
    "replacements",
    "replicas",
    "resources",
    "secretGenerator",
    "sortOptions",
    "transformers",
    "validators",
];

/// One that the list above has no room for.
const LEGACY: [&str; 1] = ["vars"];

/// The fields of the items of lists, likewise.
const ITEMS: [(&str, &[&str]); 8] = [
    ("images", &["name", "newName", "newTag", "tagSuffix", "digest"]),
    ("replicas", &["name", "count"]),
    ("patches", &["path", "patch", "target", "options"]),
    ("patchesJson6902", &["path", "patch", "target", "options"]),
    ("labels", &["pairs", "includeSelectors", "includeTemplates", "fields"]),
    ("replacements", &["path", "source", "sourceValue", "targets"]),
    ("configMapGenerator", &GENERATOR),
    ("secretGenerator", &GENERATOR),
];

const GENERATOR: [&str; 9] = [
    "name",
    "namespace",
    "behavior",
    "literals",
    "files",
    "envs",
    "env",
    "options",
    "type",
];

/// A field that is dropped.
#[derive(Clone, Debug)]
pub struct DroppedField {
    /// Where it stands.
    pub spot: Spot,
    /// For people.
    pub message: String,
    /// The field that was meant, where one is near and not there yet.
    pub instead: Option<&'static str>,
}

/// The fields of a kustomization file that are dropped where it is the one that a Flux Kustomization names.
pub fn dropped_fields(sheet: &Arc<Sheet>) -> Vec<DroppedField> {
    let mut found = Vec::new();
    for document in 0..sheet.documents().len() {
        let Some(top) = Field::top(sheet, document) else {
            continue;
        };
        let all: Vec<&'static str> = TOP.into_iter().chain(LEGACY).collect();
        look(&top, &all, &mut found);
        for (key, fields) in ITEMS {
            for item in top.get(key).map(|list| list.items()).unwrap_or_default() {
                look(&item, fields, &mut found);
            }
        }
    }
    found
}

fn look(field: &Field<'_>, known: &[&'static str], found: &mut Vec<DroppedField>) {
    let entries = field.entries();
    for (key, entry) in &entries {
        // Go reads JSON without regard to case.
        if known.iter().any(|known| known.eq_ignore_ascii_case(key)) {
            continue;
        }
        let is_free = |known: &&&'static str| !entries.iter().any(|(key, _)| key.eq_ignore_ascii_case(known));
        let near = nearest(key, known.iter().filter(is_free).copied());
        let near = known.iter().find(|known| Some(**known) == near).copied();
        let hint = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
        found.push(DroppedField {
            spot: entry.spot(),
            message: format!("unknown field \"{key}\": Flux drops it without a word, so it changes nothing{hint}"),
            instead: near,
        });
    }
}
