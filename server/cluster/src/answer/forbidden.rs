//! Fields that may not be set, or not together with another.

use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::invalid::at;
use super::reads::position_of_word;
use super::sent::{below, existing, value_at, with_key};
use super::wording::{quote, yaml_value};
use super::{Answer, Context, Place, Suggestion, codes};

/// A field that may not be set. When it is not written it is set on the live object, and a field beside it is why that is wrong now.
pub(super) fn answer(context: &Context<'_>, path: &FieldPath, body: &str) -> Answer {
    let written = value_at(context.sent, path).filter(|value| !value.is_null());
    if let (Some(_), Some(last)) = (written, path.steps().last()) {
        let words = if body.is_empty() { "may not be set here" } else { body };
        let message = match last {
            Step::Key(name) => format!("field {}: {words}", quote(name)),
            Step::Index(_) => words.to_owned(),
        };
        let place = if matches!(last, Step::Key(_)) {
            Place::Key
        } else {
            Place::Value
        };
        return Answer::new(path.clone(), place, codes::FORBIDDEN_FIELD, message)
            .with_suggestion(Suggestion::Remove)
            .removable();
    }
    let ancestor = match path.parent() {
        // A null does not take away what the live object has.
        Some(parent) if written.is_none() => existing(context.sent, &parent),
        _ => existing(context.sent, path),
    };
    if let Some((cause, value)) = sibling_named_in(context, &ancestor, body) {
        let field = below(path, &ancestor);
        let key = cause.last_key().unwrap_or_default();
        // Structured merge keeps what nobody has applied, so that leaving it out, or writing null, changes nothing.
        let words = format!(
            "{key} {} cannot be combined with {field}, which the live object still has; make the object anew, or write {field} in one save and take it out in the next",
            yaml_value(value)
        );
        return Answer::new(cause, Place::Value, codes::FORBIDDEN_FIELD, words)
            .with_suggestion(Suggestion::Recreate)
            .removable();
    }
    let name = path.last_key().unwrap_or("object");
    let mut answer = at(
        context.sent,
        path,
        codes::FORBIDDEN_FIELD,
        format!("field {}: {body}", quote(name)),
    );
    if path.is_empty() {
        body.clone_into(&mut answer.message);
    }
    answer
}

/// The scalar in a map that a text speaks of, by its key or its value.
fn sibling_named_in<'a>(context: &Context<'a>, map: &FieldPath, text: &str) -> Option<(FieldPath, &'a Value)> {
    let entries = value_at(context.sent, map)?.as_object()?;
    entries
        .iter()
        .filter(|(_, value)| !value.is_object() && !value.is_array() && !value.is_null())
        .find(|(key, value)| {
            let quoted_value = value
                .as_str()
                .is_some_and(|value| text.contains(&format!("'{value}'")) || text.contains(&quote(value)));
            position_of_word(text, key).is_some() || quoted_value
        })
        .map(|(key, value)| (with_key(map, key), value))
}
