//! Asking the renderer: a value is changed in memory, and what is rendered is another or it is not.

use futures::future::join_all;
use gitops_model::ObjectKey;
use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::surroundings::Surroundings;
use super::values::as_json;
use crate::value_at::value_at;
use crate::{BuiltObject, Change, Fault, Helm};

/// How many changes are tried for one question.
const MAX_TRIALS: usize = 400;
/// How many are under way at once.
const AT_ONCE: usize = 8;
/// How deep values are gone into.
const MAX_DEPTH: usize = 16;
/// How many children of one value are tried.
const MAX_CHILDREN: usize = 64;

/// A field of an object that a release renders.
#[derive(Clone, Copy, Debug)]
pub(super) struct RenderedField<'a> {
    /// All that is rendered.
    pub(super) objects: &'a [BuiltObject],
    /// Which of them.
    pub(super) number: usize,
    pub(super) path: &'a FieldPath,
}

impl RenderedField<'_> {
    /// Whether it is there as soon as its object is: a question about it is why that is rendered.
    fn is_of_existence(&self) -> bool {
        matches!(self.path.steps(), [Step::Key(key)] if matches!(&**key, "kind" | "apiVersion"))
    }

    pub(super) fn value(&self) -> Option<&Value> {
        value_at(&self.objects.get(self.number)?.object, self.path)
    }

    /// Whether the field is another in another rendering.
    fn became(&self, others: &[BuiltObject]) -> Became {
        let Some(built) = self.objects.get(self.number) else {
            return Became::NotRendered;
        };
        let key = ObjectKey::of(&built.object);
        let same = others.iter().find(|other| ObjectKey::of(&other.object) == key);
        // One with another name stands where it stood.
        let same = same.or_else(|| {
            let other = others.get(self.number)?;
            let is_it = other.origin == built.origin && ObjectKey::of(&other.object).gvk == key.gvk;
            is_it.then_some(other)
        });
        match same {
            Some(same) if value_at(&same.object, self.path) == self.value() => Became::TheSame,
            // An object that is gone has taken the field with it.
            _ => Became::Another,
        }
    }
}

/// What became of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Became {
    Another,
    TheSame,
    NotRendered,
}

impl Surroundings<'_> {
    pub(super) async fn rendered(&self, request: &Helm) -> Option<Result<Vec<BuiltObject>, Fault>> {
        let built = self.renderer.helm(request).await.ok()?;
        Some(match built.fault {
            Some(fault) => Err(fault),
            None => Ok(built.objects),
        })
    }

    async fn became(&self, request: &Helm, field: RenderedField<'_>) -> Became {
        match self.rendered(request).await {
            Some(Ok(objects)) => field.became(&objects),
            _ => Became::NotRendered,
        }
    }

    /// Whether a field is rendered alike each time.
    pub(super) async fn is_steady(&self, request: &Helm, field: RenderedField<'_>) -> bool {
        self.became(&with(request, Vec::new()), field).await == Became::TheSame
    }

    /// The first of values whose change moves a field, with those beside it that do so, too.
    pub(super) async fn moving(
        &self,
        request: &Helm,
        merged: &Value,
        candidates: &[FieldPath],
        field: RenderedField<'_>,
    ) -> Vec<FieldPath> {
        let candidates = candidates.get(..MAX_TRIALS).unwrap_or(candidates);
        for chunk in candidates.chunks(AT_ONCE) {
            let tried = chunk.iter().map(|path| self.moves(request, merged, path, field));
            let tried = join_all(tried).await;
            let moved = chunk.iter().zip(tried).filter(|(_, moves)| *moves);
            let moved: Vec<FieldPath> = moved.map(|(path, _)| path.clone()).collect();
            if !moved.is_empty() {
                return moved;
            }
        }
        Vec::new()
    }

    async fn moves(&self, request: &Helm, merged: &Value, path: &FieldPath, field: RenderedField<'_>) -> bool {
        // What is changed to another value of its type may be refused, as by a schema; what is taken away seldom is.
        for change in [other(merged, path), Some(without(path))].into_iter().flatten() {
            let request = with(request, vec![change]);
            match self.became(&request, field).await {
                Became::Another => return true,
                // A switch is on whatever text it has, and off without one.
                Became::TheSame if !field.is_of_existence() => return false,
                Became::TheSame | Became::NotRendered => {}
            }
        }
        false
    }

    /// Whether a field is another without a value.
    pub(super) async fn moves_without(&self, request: &Helm, path: &FieldPath, field: RenderedField<'_>) -> bool {
        let request = with(request, vec![without(path)]);
        self.became(&request, field).await == Became::Another
    }

    /// Whether a field is another when a file is.
    pub(super) async fn moves_with_file(
        &self,
        request: &Helm,
        file: &str,
        text: String,
        field: RenderedField<'_>,
    ) -> bool {
        let mut request = request.clone();
        request.overlay.insert(file.to_owned(), Some(text));
        self.became(&request, field).await == Became::Another
    }

    /// The innermost value without which a fault is gone.
    pub(super) async fn culprit(&self, request: &Helm, merged: &Value) -> Option<FieldPath> {
        let mut at = FieldPath::new();
        while at.len() < MAX_DEPTH {
            let mut children = children(value_at(merged, &at)?, &at);
            // A switch turns off what fails, and is seldom what is wrong with it.
            children.sort_by_key(|path| value_at(merged, path).is_some_and(Value::is_boolean));
            let mut next = None;
            for chunk in children.chunks(AT_ONCE) {
                let tried = chunk.iter().map(|path| async {
                    let request = with(request, vec![without(path)]);
                    matches!(self.rendered(&request).await, Some(Ok(_)))
                });
                let tried = join_all(tried).await;
                next = chunk
                    .iter()
                    .zip(tried)
                    .find(|(_, mends)| *mends)
                    .map(|(path, _)| path.clone());
                if next.is_some() {
                    break;
                }
            }
            let Some(found) = next else { break };
            at = found;
        }
        (!at.is_empty()).then_some(at)
    }

    /// Whether a fault is gone without a value.
    pub(super) async fn mends_without(&self, request: &Helm, path: &FieldPath) -> bool {
        let request = with(request, vec![without(path)]);
        matches!(self.rendered(&request).await, Some(Ok(_)))
    }

    /// The first of some values that are not there with which a fault would be gone, whatever they are.
    pub(super) async fn missing_among(
        &self,
        request: &Helm,
        merged: &Value,
        values: &[FieldPath],
    ) -> Option<FieldPath> {
        let values = values.get(..MAX_CHILDREN).unwrap_or(values);
        for path in values {
            for value in [Value::from("zq"), Value::from(1), serde_json::json!({ "zq": "zq" })] {
                let Some(change) = added(merged, path, value) else {
                    continue;
                };
                if matches!(self.rendered(&with(request, vec![change])).await, Some(Ok(_))) {
                    return Some(path.clone());
                }
            }
        }
        None
    }

    /// The first of the chart's own values without which a fault is gone.
    pub(super) async fn culprit_among(&self, request: &Helm, values: &[FieldPath]) -> Option<FieldPath> {
        let values = values.get(..MAX_TRIALS).unwrap_or(values);
        for chunk in values.chunks(AT_ONCE) {
            let tried = chunk.iter().map(|path| async {
                // Null takes away what the chart has.
                let change = Change {
                    path: as_json(path),
                    value: Value::Null,
                    delete: false,
                };
                let request = with(request, vec![change]);
                matches!(self.rendered(&request).await, Some(Ok(_)))
            });
            let tried = join_all(tried).await;
            if let Some((path, _)) = chunk.iter().zip(tried).find(|(_, mends)| *mends) {
                return Some(path.clone());
            }
        }
        None
    }

    /// Whether a field is another without one of the patches of the post renderers.
    pub(super) async fn moves_without_patch(
        &self,
        request: &Helm,
        patch: &FieldPath,
        field: RenderedField<'_>,
    ) -> bool {
        // `spec.postRenderers[0].kustomize.patches[1].patch`: the list is what the request has.
        let mut steps = patch.steps().iter().filter_map(|step| match step {
            Step::Index(index) => Some(*index),
            Step::Key(_) => None,
        });
        let (Some(renderer), Some(number)) = (steps.next(), steps.next()) else {
            return false;
        };
        let mut request = request.clone();
        let patches = request.post_renderers.as_mut().and_then(|renderers| {
            renderers
                .get_mut(renderer)?
                .pointer_mut("/kustomize/patches")?
                .as_array_mut()
        });
        if let Some(patches) = patches
            && number < patches.len()
        {
            patches.remove(number);
        }
        self.became(&request, field).await == Became::Another
    }
}

pub(super) fn with(request: &Helm, changes: Vec<Change>) -> Helm {
    Helm {
        changes,
        report_values: false,
        ..request.clone()
    }
}

pub(super) fn without(path: &FieldPath) -> Change {
    Change {
        path: as_json(path),
        value: Value::Null,
        delete: true,
    }
}

/// A value where there is none, with the maps around it that are not there either; `None` where something else is.
fn added(merged: &Value, path: &FieldPath, value: Value) -> Option<Change> {
    let mut at = path.clone();
    let mut value = value;
    loop {
        let Some(Step::Key(key)) = at.pop() else { return None };
        match value_at(merged, &at) {
            Some(Value::Object(_)) => {
                at.push(Step::Key(key));
                break;
            }
            // The renderer makes no maps.
            None | Some(Value::Null) => value = serde_json::json!({ &*key: value }),
            Some(_) => return None,
        }
    }
    Some(Change {
        path: as_json(&at),
        value,
        delete: false,
    })
}

/// Another value of the same type.
fn other(merged: &Value, path: &FieldPath) -> Option<Change> {
    let value = match value_at(merged, path) {
        Some(Value::String(text)) => Value::from(other_text(text)),
        Some(Value::Bool(value)) => Value::from(!value),
        Some(Value::Number(number)) => match number.as_i64() {
            Some(whole) => Value::from(whole.saturating_add(1)),
            None => Value::from(number.as_f64()? + 1.0),
        },
        // What is not there is one of the chart's own.
        None => Value::from("zq"),
        Some(_) => return None,
    };
    Some(Change {
        path: as_json(path),
        value,
        delete: false,
    })
}

/// Another text: of digits another number, since templates read some texts as numbers.
fn other_text(text: &str) -> String {
    match text.parse::<i64>() {
        Ok(number) => number.saturating_add(1).to_string(),
        Err(_) => format!("{text}zq"),
    }
}

fn children(value: &Value, at: &FieldPath) -> Vec<FieldPath> {
    let steps: Vec<Step> = match value {
        Value::Object(entries) => entries.keys().map(|key| Step::Key(key.as_str().into())).collect(),
        Value::Array(items) => (0..items.len()).map(Step::Index).collect(),
        _ => Vec::new(),
    };
    let steps = steps.into_iter().take(MAX_CHILDREN);
    steps
        .map(|step| {
            let mut path = at.clone();
            path.push(step);
            path
        })
        .collect()
}
