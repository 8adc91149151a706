//! What a chart renders, as it comes to the cluster.

use std::sync::Arc;

use gitops_cluster::Kinds;
use gitops_model::kustomize::Tree;
use gitops_model::{ObjectKey, at_pointer};
use gitops_render::helm::Release;
use gitops_render::{Built, BuiltObject};
use serde_json::Value;

use super::Kept;

/// The hooks that an installation or an upgrade runs; the others (tests, rollbacks, deletions) run at other times.
const HOOKS: [&str; 4] = ["pre-install", "post-install", "pre-upgrade", "post-upgrade"];

/// What was rendered, each in the namespace that it goes to.
pub(super) fn placed(release: &Release, rendered: &[BuiltObject]) -> Vec<Arc<Value>> {
    let objects = rendered.iter();
    objects.map(|built| in_its_namespace(release, &built.object)).collect()
}

fn in_its_namespace(release: &Release, object: &Arc<Value>) -> Arc<Value> {
    if at_pointer(object, "/metadata/namespace").is_some() {
        return Arc::clone(object);
    }
    let mut object = Value::clone(object);
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("namespace".to_owned(), release.request.namespace.as_str().into());
    }
    Arc::new(object)
}

/// Of the two forms of an object that was rendered the one that is sent: what is in no namespace goes into none.
pub(super) fn as_sent<'a>(own: &'a Arc<Value>, placed: &'a Arc<Value>, kinds: Option<&Kinds>) -> &'a Arc<Value> {
    let served = kinds.and_then(|kinds| kinds.get(&ObjectKey::of(own).gvk));
    if served.is_none_or(|served| served.namespaced) {
        placed
    } else {
        own
    }
}

/// What a release brings, as it is sent.
pub(in crate::built) fn sent_of(release: &Release, rendered: &Built, kinds: Option<&Kinds>) -> Vec<Arc<Value>> {
    installed(&rendered.objects, &placed(release, &rendered.objects), kinds)
}

fn installed(rendered: &[BuiltObject], placed: &[Arc<Value>], kinds: Option<&Kinds>) -> Vec<Arc<Value>> {
    let both = rendered.iter().zip(placed);
    let installed = both.filter(|(built, _)| is_installed(built));
    let sent = installed.map(|(built, placed)| Arc::clone(as_sent(&built.object, placed, kinds)));
    sent.collect()
}

impl Kept {
    /// What was rendered; nothing where that failed.
    pub(super) fn objects(&self) -> &[BuiltObject] {
        self.rendered.as_ref().map_or(&[], |built| &built.objects)
    }

    /// Whether this is what is rendered of a release among these files.
    pub(in crate::built) fn is_of(&self, release: &Release, tree: &Tree) -> bool {
        self.fingerprint == release.fingerprint(tree)
    }

    /// What it brings, as it is sent.
    pub(in crate::built) fn sent(&self, kinds: Option<&Kinds>) -> Vec<Arc<Value>> {
        installed(self.objects(), &self.placed, kinds)
    }
}

/// Whether an object comes to the cluster with an installation or an upgrade.
pub(in crate::built) fn is_installed(built: &BuiltObject) -> bool {
    let hooks = built.object.pointer("/metadata/annotations/helm.sh~1hook");
    let hooks = hooks.and_then(Value::as_str).unwrap_or_default();
    !built.hook || hooks.split(',').any(|hook| HOOKS.contains(&hook.trim()))
}
