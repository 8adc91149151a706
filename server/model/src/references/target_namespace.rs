//! A Namespace that `targetNamespace` gives another name, so that the one that is written is never there.

use gitops_yaml::FieldPath;

use super::ObjectFinding;
use super::index::Index;
use super::words::path;
use crate::flux::FluxSpec;

pub(super) fn look(index: &Index<'_>, found: &mut Vec<ObjectFinding>) {
    for at in index.of_kind("", "Namespace") {
        let owner = index.scene.owners.get(*at).copied().flatten();
        let Some((owner, flux)) = owner.and_then(|owner| Some((owner, index.flux_of(owner)?))) else {
            continue;
        };
        let FluxSpec::Kustomization(kustomization) = &flux.spec else {
            continue;
        };
        let built = index.key(*at).map_or("", |key| key.name.as_str());
        let written = index.scene.written_names.get(*at).copied().flatten();
        let Some(written) = written.filter(|written| *written != built) else {
            continue;
        };
        if kustomization.target_namespace.as_deref() != Some(built) {
            continue;
        }
        let message = format!(
            "targetNamespace renames Namespace \"{written}\", too, so that only \"{built}\" is created: keep Namespaces \
             in another Kustomization"
        );
        found.push(
            ObjectFinding::warning(owner, path(&["spec", "targetNamespace"]), "namespace-renamed", message).beside(
                *at,
                FieldPath::new(),
                "this Namespace is renamed",
            ),
        );
    }
}
