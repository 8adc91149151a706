//! Names that stand twice, and names of what is not there.

use gitops_model::nearest;
use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::go_value::{self, BadValue};
use super::invalid::at;
use super::sent::{loosely_equal, value_at, with_key};
use super::wording::{name_scalar, quote, yaml_scalar};
use super::{Answer, Context, Peel, Place, Suggestion, codes};

/// A second item with the same key, or a value that another item has too.
pub(super) fn duplicate(context: &Context<'_>, path: &FieldPath, body: &str) -> Answer {
    let (bad, _) = go_value::split(body);
    let written = value_at(context.sent, path);
    let named = match (&bad, written) {
        (BadValue::Scalar(value), _) => name_scalar(value),
        (_, Some(value)) if !value.is_object() && !value.is_array() => name_scalar(value),
        (BadValue::Json(Value::Object(map)), _) => {
            let words: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key} {}", name_scalar(value)))
                .collect();
            super::wording::and(&words)
        }
        _ => "the same key".to_owned(),
    };
    let mut answer = at(
        context.sent,
        path,
        codes::DUPLICATE_ITEM,
        format!("duplicate: another item has {named} too"),
    )
    .with_suggestion(Suggestion::Remove)
    .removable();
    if let Some(first) = first_like(context, path, &bad) {
        answer = answer.with_related(first, format!("the first item with {named}"));
    }
    answer
}

/// The earlier item that has the same: the same leaf of it, or the keys that the server names.
fn first_like(context: &Context<'_>, path: &FieldPath, bad: &BadValue) -> Option<FieldPath> {
    let at = path.steps().iter().rposition(|step| matches!(step, Step::Index(_)))?;
    let list = path.prefix(at);
    let Some(Step::Index(second)) = path.steps().get(at) else {
        return None;
    };
    let inside: FieldPath = path.steps().iter().skip(at + 1).cloned().collect();
    let written = value_at(context.sent, path)?;
    let items = value_at(context.sent, &list)?.as_array()?;
    let position = items
        .iter()
        .take(*second)
        .position(|item| match (bad, inside.is_empty()) {
            (BadValue::Json(Value::Object(keys)), true) => keys
                .iter()
                .all(|(key, value)| item.get(key).is_none_or(|found| loosely_equal(found, value))),
            _ => value_at(item, &inside) == Some(written),
        })?;
    Some(super::sent::with_index(&list, position).join(&inside))
}

/// Something that the value names is not there, e.g. a volume of a mount.
pub(super) fn not_found(context: &Context<'_>, path: &FieldPath, body: &str) -> Answer {
    let (bad, detail) = go_value::split(body);
    let named = bad
        .scalar()
        .map(name_scalar)
        .or_else(|| value_at(context.sent, path).map(name_scalar))
        .unwrap_or_default();
    let extra = if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    };
    let mut answer = at(
        context.sent,
        path,
        codes::REFERENCE_NOT_FOUND,
        format!("{named} is not found{extra}"),
    );
    let mount = path.to_string().contains("volumeMounts") && path.last_key() == Some("name");
    if let (true, Some(pod)) = (mount, super::pods::spec_path(context.gvk, context.sent)) {
        let volumes: Vec<String> = value_at(context.sent, &with_key(&pod, "volumes"))
            .and_then(Value::as_array)
            .map(|volumes| {
                volumes
                    .iter()
                    .filter_map(|volume| volume.get("name")?.as_str().map(str::to_owned))
                    .collect()
            })
            .unwrap_or_default();
        let near = bad
            .as_str()
            .and_then(|name| nearest(name, volumes.iter().map(String::as_str)))
            .map(str::to_owned);
        answer.message = format!("no volume of this pod is named {named}");
        if let Some(near) = near {
            answer.message = format!("{}; did you mean {}?", answer.message, quote(&near));
            answer.suggestion = Suggestion::Replace(vec![yaml_scalar(&near)]);
        }
        // Without its name a mount is another fault: the mount goes.
        if let Some(mount) = path.parent() {
            answer.peel = Peel::Remove(mount);
        }
        return answer;
    }
    if matches!(answer.place, Place::Value) {
        answer.removable()
    } else {
        answer
    }
}
