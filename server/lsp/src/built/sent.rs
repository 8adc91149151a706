//! Objects as they are sent.

use std::sync::Arc;

use gitops_cluster::SentObject;
use gitops_model::{Manifest, ObjectKey, at_pointer};
use gitops_render::BuiltObject;
use gitops_session::Supplied;
use gitops_text::Span;
use gitops_yaml::FieldPath;
use serde_json::Value;

/// The objects as they are sent. Their number is their place in what was built.
pub(super) fn supplied(objects: &[BuiltObject], is_flux: bool) -> Vec<Supplied> {
    let numbered = objects.iter().enumerate();
    let supplied = numbered.map(|(number, built)| {
        let key = Arc::new(ObjectKey::of(&built.object));
        numbered_as(number, key, sent(&built.object, is_flux), None)
    });
    supplied.collect()
}

/// An object of this number among what was built, to be asked about as the session, or as another field manager.
pub(super) fn numbered_as(
    number: usize,
    key: Arc<ObjectKey>,
    object: SentObject,
    manager: Option<&'static str>,
) -> Supplied {
    Supplied {
        manifest: Manifest {
            key,
            document: number,
            base: FieldPath::default(),
            kind_span: Span::new(0, 0),
        },
        object,
        manager,
    }
}

/// An object as it is sent, which for Flux is as kustomize-controller sends it, as far as that makes a difference.
///
/// It passes built-in kinds through their Go types (fluxcd/pkg/ssa/normalize), which gives a Job's template empty metadata.
/// Without them its manager would give up what it has of them, and with that the labels that the API server has put there.
pub(super) fn sent(object: &Value, is_flux: bool) -> SentObject {
    let is_job = object.get("kind").and_then(Value::as_str) == Some("Job");
    let template = at_pointer(object, "/spec/template").filter(|_| is_flux && is_job);
    if template.is_none_or(|template| !template.is_object() || template.get("metadata").is_some()) {
        return SentObject::new(object);
    }
    let mut object = object.clone();
    if let Some(template) = object.pointer_mut("/spec/template").and_then(Value::as_object_mut) {
        template.insert("metadata".to_owned(), Value::Object(serde_json::Map::new()));
    }
    SentObject::new(&object)
}
