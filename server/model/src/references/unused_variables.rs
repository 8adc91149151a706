//! Variables that have a value and no use.

use std::collections::BTreeSet;

use super::ObjectFinding;
use super::index::Index;
use super::literals::variables_in;
use super::words::path;
use crate::flux::{FluxSpec, Substitution};
use crate::near::nearest;

/// Of the variables that a Kustomization has itself: those of a ConfigMap are often shared by many.
pub(super) fn look(index: &Index<'_>, found: &mut Vec<ObjectFinding>) {
    for (at, flux) in index.flux() {
        let FluxSpec::Kustomization(kustomization) = &flux.spec else {
            continue;
        };
        let Some(Some(used)) = index.scene.variables.get(at) else {
            continue;
        };
        if kustomization.substitution == Substitution::Never {
            continue;
        }
        // What the Kustomization adds itself, such as patches, is substituted, too.
        let own: BTreeSet<String> = index
            .object(at)
            .map(|object| variables_in(&object.to_string()))
            .unwrap_or_default();
        let has = |name: &str| used.contains(name) || own.contains(name);
        for name in kustomization.substitute.keys().filter(|name| !has(name)) {
            let without_value = used.iter().filter(|used| !kustomization.substitute.contains_key(*used));
            let near = nearest(name, without_value.map(String::as_str));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
            let message = format!("nothing that this Kustomization builds uses ${{{name}}}{hint}");
            let field = path(&["spec", "postBuild", "substitute", name]);
            found.push(ObjectFinding::warning(at, field, "variable-not-used", message).on_key());
        }
    }
}
