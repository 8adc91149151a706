//! Whether the same is rendered without some values, of charts that may render something else each time.

use serde_json::Value;
use tokio::sync::OnceCell;

use super::difference::{with, without};
use super::origins::Rendered;
use super::surroundings::Surroundings;
use crate::BuiltObject;
use gitops_yaml::FieldPath;

/// What a release renders, to be held against what it renders otherwise.
pub(super) struct Sameness<'a, 's> {
    surroundings: &'a Surroundings<'s>,
    rendered: Rendered<'a>,
    /// The same rendered once more: what is another there is so by chance, such as a random name.
    again: OnceCell<Vec<BuiltObject>>,
}

impl<'a, 's> Sameness<'a, 's> {
    pub(super) fn of(surroundings: &'a Surroundings<'s>, rendered: Rendered<'a>) -> Self {
        Self {
            surroundings,
            rendered,
            again: OnceCell::new(),
        }
    }

    /// Whether the same is rendered without some values.
    pub(super) async fn without(&self, values: &[FieldPath]) -> bool {
        let changes = values.iter().map(without).collect();
        let request = with(&self.rendered.release.request, changes);
        let Some(Ok(objects)) = self.surroundings.rendered(&request).await else {
            return false;
        };
        let known = self.rendered.objects;
        if objects.len() != known.len() {
            return false;
        }
        let other: Vec<usize> = (0..known.len())
            .filter(|at| object(known, *at) != object(&objects, *at))
            .collect();
        if other.is_empty() {
            return true;
        }
        let again = self.again.get_or_init(|| self.render_again()).await;
        other
            .into_iter()
            .all(|at| is_same_but_for_chance(object(known, at), object(&objects, at), object(again, at)))
    }

    async fn render_again(&self) -> Vec<BuiltObject> {
        let request = with(&self.rendered.release.request, Vec::new());
        let again = self.surroundings.rendered(&request).await;
        again.and_then(Result::ok).unwrap_or_default()
    }
}

fn object(objects: &[BuiltObject], at: usize) -> Option<&Value> {
    objects.get(at).map(|built| &*built.object)
}

/// Whether one value is another one only where it is so each time.
fn is_same_but_for_chance(one: Option<&Value>, other: Option<&Value>, again: Option<&Value>) -> bool {
    if one == other {
        return true;
    }
    match (one, other, again) {
        (Some(Value::Object(one)), Some(Value::Object(other)), Some(Value::Object(again))) => {
            let keys = one.keys().chain(other.keys());
            keys.into_iter()
                .all(|key| is_same_but_for_chance(one.get(key), other.get(key), again.get(key)))
        }
        (Some(Value::Array(one)), Some(Value::Array(other)), Some(Value::Array(again))) => {
            (0..one.len().max(other.len())).all(|at| is_same_but_for_chance(one.get(at), other.get(at), again.get(at)))
        }
        _ => one.is_some() && other.is_some() && again.is_some() && again != one,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::is_same_but_for_chance;

    #[test]
    fn what_is_another_each_time_says_nothing() {
        let one = json!({ "name": "web-x1", "size": 1, "ports": [{ "port": 80 }] });
        let again = json!({ "name": "web-x2", "size": 1, "ports": [{ "port": 80 }] });
        let check = |other| is_same_but_for_chance(Some(&one), Some(&other), Some(&again));
        assert!(check(one.clone()));
        assert!(check(json!({ "name": "web-x3", "size": 1, "ports": [{ "port": 80 }] })));
        assert!(!check(
            json!({ "name": "web-x3", "size": 2, "ports": [{ "port": 80 }] })
        ));
        assert!(!check(json!({ "name": "web-x3", "size": 1, "ports": [] })));
        assert!(!check(
            json!({ "name": "web-x3", "size": 1, "ports": [{ "port": 80 }], "more": 1 })
        ));
        assert!(!check(json!({ "size": 1, "ports": [{ "port": 80 }] })));
    }
}
