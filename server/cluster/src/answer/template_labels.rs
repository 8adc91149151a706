//! A template whose labels its own selector does not find: the label that differs, or that is missing.

use gitops_yaml::{FieldPath, Step};
use serde_json::{Map, Value};

use super::sent::{below, existing, value_at, with_key, with_keys};
use super::wording::{name_scalar, quote, yaml_value};
use super::{Answer, Context, Peel, Place, Suggestion, codes};

/// The answer, when the text is about this and the label can be told.
pub(super) fn answer(context: &Context<'_>, path: &FieldPath, detail: &str) -> Option<Answer> {
    if !(detail.contains("selector") && detail.contains("template") && detail.contains("labels")) {
        return None;
    }
    let none = Map::new();
    let labels = match value_at(context.sent, path) {
        Some(written) => written.as_object()?,
        None => &none,
    };
    let template = path
        .steps()
        .iter()
        .position(|step| matches!(step, Step::Key(key) if key.as_ref() == "template"))?;
    let owner = path.prefix(template);
    let selector = [&["selector", "matchLabels"][..], &["selector"][..]]
        .into_iter()
        .map(|keys| with_keys(&owner, keys))
        .find(|selector| value_at(context.sent, selector).is_some_and(Value::is_object))?;
    let (key, wanted) = value_at(context.sent, &selector)?
        .as_object()?
        .iter()
        .find(|(key, wanted)| labels.get(*key) != Some(wanted) && !wanted.is_object())?;
    let label = with_key(path, key);
    let answer = if let Some(has) = labels.get(key) {
        let words = format!(
            "label {} is {} here, but the selector looks for {}",
            quote(key),
            name_scalar(has),
            name_scalar(wanted)
        );
        Answer::new(label.clone(), Place::Value, codes::INVALID_VALUE, words)
            .with_suggestion(Suggestion::Replace(vec![yaml_value(wanted)]))
    } else {
        let words = format!(
            "the selector looks for label {} with value {}, which this template lacks",
            quote(key),
            name_scalar(wanted)
        );
        let ancestor = existing(context.sent, &label);
        let place = Place::Missing {
            field: below(&label, &ancestor),
        };
        Answer::new(ancestor, place, codes::INVALID_VALUE, words).with_suggestion(Suggestion::SetField {
            path: label.clone(),
            value: wanted.clone(),
        })
    };
    let peel = Peel::Set {
        path: label,
        value: wanted.clone(),
    };
    Some(
        answer
            .with_peel(peel)
            .with_related(with_key(&selector, key), "the selector"),
    )
}
