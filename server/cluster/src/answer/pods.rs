//! Pods inside objects: where a kind has its pod, and answers about a pod that is made from a template.

use gitops_model::Gvk;
use gitops_yaml::FieldPath;
use serde_json::{Map, Value};

use super::sent::{first_key, keys, value_at, with_index, with_key};
use super::{Answer, Knowledge, Peel, Place, Refusal, Suggestion, decode};

/// The lists of containers in a pod's spec.
const LISTS: &[&str] = &["containers", "initContainers", "ephemeralContainers"];

/// Where the object that a pod is made from stands: the top for a Pod, `spec.template` and the like for others.
pub(super) fn template_path(gvk: &Gvk, sent: &Value) -> Option<FieldPath> {
    if gvk.group.is_empty() && gvk.kind == "Pod" {
        return Some(FieldPath::new());
    }
    [
        &["spec", "template"][..],
        &["spec", "jobTemplate", "spec", "template"],
        &["template"],
    ]
    .into_iter()
    .map(keys)
    .find(|path| value_at(sent, &with_key(path, "spec")).is_some_and(Value::is_object))
}

/// Where the pod's spec stands.
pub(super) fn spec_path(gvk: &Gvk, sent: &Value) -> Option<FieldPath> {
    template_path(gvk, sent).map(|path| with_key(&path, "spec"))
}

/// A container, and what is written in it.
pub(super) struct Container<'a> {
    pub(super) path: FieldPath,
    pub(super) name: &'a str,
}

/// Every container of the object's pod, in order.
pub(super) fn containers<'a>(gvk: &Gvk, sent: &'a Value) -> Vec<Container<'a>> {
    let Some(spec) = spec_path(gvk, sent) else {
        return Vec::new();
    };
    LISTS
        .iter()
        .flat_map(|list| {
            let path = with_key(&spec, list);
            let items = value_at(sent, &path)
                .and_then(Value::as_array)
                .map_or(&[][..], Vec::as_slice);
            items.iter().enumerate().map(move |(index, item)| Container {
                path: with_index(&path, index),
                name: item.get("name").and_then(Value::as_str).unwrap_or_default(),
            })
        })
        .collect()
}

/// Decodes why a controller could not create a pod from an object: the text of a `FailedCreate` event.
///
/// The answer's paths lead into the object that was sent, whose template the pod was made from. Empty when the object has no template.
pub fn decode_creation_failure(text: &str, gvk: &Gvk, sent: &Value, knowledge: &dyn Knowledge) -> Vec<Answer> {
    let Some(template) = template_path(gvk, sent) else {
        return Vec::new();
    };
    let said = text.strip_prefix("Error creating: ").unwrap_or(text).trim();
    let mut pod = Map::new();
    for key in ["metadata", "spec"] {
        if let Some(value) = value_at(sent, &with_key(&template, key)) {
            pod.insert(key.to_owned(), value.clone());
        }
    }
    let pod = Value::Object(pod);
    let pod_kind = Gvk {
        group: String::new(),
        version: "v1".to_owned(),
        kind: "Pod".to_owned(),
    };
    let invalid = said.contains(" is invalid: ");
    let (status, reason) = if invalid { (422, "Invalid") } else { (403, "Forbidden") };
    let refusal = Refusal {
        status,
        reason: reason.to_owned(),
        message: said.to_owned(),
        causes: Vec::new(),
    };
    let at = Knowing {
        knowledge,
        gvk,
        template: &template,
    };
    decode(&refusal, &pod_kind, &pod, None, &at)
        .into_iter()
        .map(|answer| rebase(answer, &template, sent))
        .collect()
}

/// Moves an answer about a pod to the template that the pod was made from.
fn rebase(mut answer: Answer, template: &FieldPath, sent: &Value) -> Answer {
    let moved = |path: &FieldPath| {
        if path.is_empty() {
            path.clone()
        } else {
            template.join(path)
        }
    };
    // The pod's name is made up by its controller; what is about it is about the object.
    let made_up = match &answer.place {
        Place::Missing { field } => {
            let name =
                matches!(field.as_str(), "name" | "generateName" | "namespace") && answer.path == keys(&["metadata"]);
            name || field.starts_with("metadata.")
        }
        _ => first_key(&answer.path) == Some("metadata") && value_at(sent, &template.join(&answer.path)).is_none(),
    };
    if made_up {
        answer.path = FieldPath::new();
        answer.place = Place::Object;
    }
    answer.path = match answer.place {
        Place::Object => FieldPath::new(),
        _ => template.join(&answer.path),
    };
    for (path, _) in &mut answer.related {
        *path = moved(path);
    }
    answer.suggestion = match answer.suggestion {
        Suggestion::SetField { path, value } => Suggestion::SetField {
            path: moved(&path),
            value,
        },
        Suggestion::SetFields(fields) => {
            Suggestion::SetFields(fields.into_iter().map(|(path, value)| (moved(&path), value)).collect())
        }
        other => other,
    };
    answer.peel = Peel::Stop;
    answer
}

/// What is known about the object's kind, asked by paths of its pod.
struct Knowing<'a> {
    knowledge: &'a dyn Knowledge,
    gvk: &'a Gvk,
    template: &'a FieldPath,
}

impl Knowledge for Knowing<'_> {
    fn fields(&self, _: &Gvk, path: &FieldPath) -> Vec<String> {
        self.knowledge.fields(self.gvk, &self.template.join(path))
    }

    fn is_quantity(&self, _: &Gvk, path: &FieldPath) -> bool {
        self.knowledge.is_quantity(self.gvk, &self.template.join(path))
    }

    fn scalar_type(&self, _: &Gvk, path: &FieldPath) -> Option<super::ScalarType> {
        self.knowledge.scalar_type(self.gvk, &self.template.join(path))
    }

    fn list_keys(&self, _: &Gvk, path: &FieldPath) -> Vec<String> {
        self.knowledge.list_keys(self.gvk, &self.template.join(path))
    }

    fn rules(&self, _: &Gvk, path: &FieldPath) -> Vec<super::Rule> {
        self.knowledge.rules(self.gvk, &self.template.join(path))
    }

    fn policy(&self, name: &str) -> Option<super::Policy> {
        self.knowledge.policy(name)
    }

    fn served(&self) -> Vec<Gvk> {
        self.knowledge.served()
    }
}
