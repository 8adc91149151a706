//! Values that a chart never reads: Helm takes them without a word, and nothing comes of them.
//!
//! A value is only called unread where everything speaks for it: no template has a chain that leads to it or past it, the
//! chart's own values and its schema do not know it, no text of the values is a template that could read it, and the same
//! is rendered without it.

use gitops_model::kustomize::Tree;
use gitops_model::{Want, nearest};
use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::chart::{below, charts};
use super::origins::Rendered;
use super::post_rendering::patches;
use super::reads::{Reads, chains};
use super::release::keys;
use super::sameness::Sameness;
use super::surroundings::{Default, Surroundings};
use super::values::leaves;
use crate::fault::PlacedFault;
use crate::unused_patch::{OnTheWay, missed};
use crate::value_at::value_at;

/// How many values are called unread of one release.
const MAX_UNREAD: usize = 20;

/// A value that a chart does not read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unread {
    /// Where it is in the values.
    path: FieldPath,
    /// What was probably meant.
    near: Option<FieldPath>,
}

impl Surroundings<'_> {
    /// The values that a chart does not read, each as far up as nothing of it is read.
    pub async fn unread(&self, rendered: Rendered<'_>) -> Vec<Unread> {
        let known = Known::of(self, rendered);
        let mut found: Vec<Unread> = Vec::new();
        for leaf in leaves(rendered.merged) {
            let Some(path) = known.unread(&leaf) else { continue };
            if found.len() < MAX_UNREAD && !found.iter().any(|unread| unread.path == path) {
                let near = known.without_last(&path, &leaf).or_else(|| known.near(&path));
                found.push(Unread { path, near });
            }
        }
        if found.is_empty() {
            return found;
        }
        let sameness = Sameness::of(self, rendered);
        let all: Vec<FieldPath> = found.iter().map(|unread| unread.path.clone()).collect();
        if sameness.without(&all).await {
            return found;
        }
        let mut sure = Vec::new();
        for unread in found {
            let one = std::slice::from_ref(&unread.path);
            if sameness.without(one).await {
                sure.push(unread);
            }
        }
        sure
    }

    /// The patches of post renderers whose target is nothing that the chart renders, on their lines.
    pub async fn unused_patches(&self, rendered: Rendered<'_>) -> Vec<PlacedFault> {
        let objects: Vec<&Value> = rendered.objects.iter().map(|built| &*built.object).collect();
        let mut found = Vec::new();
        for (path, _) in patches(rendered.release) {
            let Some(mut target) = path.parent() else { continue };
            target.push_key("target");
            let object = rendered.release.object.and_then(|object| self.objects.get(object));
            let object = object.map(|built| &built.object);
            let Some(selector) = object.and_then(|object| value_at(object, &target)) else {
                continue;
            };
            let Some(missed) = missed(selector, &objects, &OnTheWay::default()) else {
                continue;
            };
            target.push_key(missed.key);
            let places = self.places(rendered.release.object, &target, Want::Value).await;
            found.extend(places.into_iter().take(1).map(|place| PlacedFault {
                file: place.origin.file.to_string(),
                span: place.span,
                slug: "patch-not-used",
                message: format!(
                    "{} is rendered by the chart, so this patch changes nothing{}",
                    missed.what, missed.hint
                ),
                detail: None,
            }));
        }
        found
    }

    /// Unread values on their lines.
    pub async fn places_of_unread(&self, rendered: Rendered<'_>, unread: &[Unread]) -> Vec<PlacedFault> {
        let mut found = Vec::new();
        for Unread { path, near } in unread {
            let places = self.places_of_value(rendered.release, path, Want::Key).await;
            let Some(place) = places.into_iter().next().filter(|place| place.is_exact) else {
                continue;
            };
            let hint = near
                .as_ref()
                .map_or_else(String::new, |near| format!("; did you mean {near}?"));
            found.push(PlacedFault {
                file: place.origin.file.to_string(),
                span: place.span,
                slug: "value-not-read",
                message: format!("{path} is not used: the chart does not read it{hint}"),
                detail: None,
            });
        }
        found
    }
}

/// What is known of a chart's values.
struct Known {
    reads: Reads,
    /// Keys of the charts inside.
    charts: Vec<FieldPath>,
    defaults: Vec<Default>,
    schemas: Vec<(FieldPath, Value)>,
}

impl Known {
    fn of(surroundings: &Surroundings<'_>, rendered: Rendered<'_>) -> Self {
        let tree = surroundings.tree;
        let chart = &rendered.release.request.path;
        let mut reads = Reads::of(tree, chart);
        // Texts of values can be templates, too.
        reads.add(chains(&rendered.merged.to_string()));
        let inside = charts(tree, chart);
        let path_of = |names: &[String]| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            keys(&names)
        };
        Self {
            charts: inside.iter().map(|chart| path_of(&chart.keys)).collect(),
            schemas: inside
                .iter()
                .filter_map(|chart| Some((path_of(&chart.keys), schema(tree, &chart.directory)?)))
                .collect(),
            defaults: surroundings.defaults(rendered.release),
            reads,
        }
    }

    /// The highest part of a path of which nothing is known; `None` where the path is.
    fn unread(&self, leaf: &FieldPath) -> Option<FieldPath> {
        let is_known = |path: &FieldPath| {
            let is_global = matches!(path.steps().first(), Some(Step::Key(key)) if &**key == "global");
            let is_chart = self
                .charts
                .iter()
                .any(|chart| !chart.is_empty() && chart.starts_with(path));
            is_global
                || is_chart
                || self.reads.may_read(path, &self.charts)
                || self.defaults.iter().any(|default| has_default(default, path))
                || self.schemas.iter().any(|(chart, schema)| {
                    path.starts_with(chart) && {
                        let inner: FieldPath = path.steps().iter().skip(chart.len()).cloned().collect();
                        allows(schema, inner.steps())
                    }
                })
        };
        (1..=leaf.len())
            .map(|length| leaf.prefix(length))
            .find(|part| !is_known(part))
    }

    /// A value that is read, and would be this one if it stood one level higher.
    fn without_last(&self, path: &FieldPath, leaf: &FieldPath) -> Option<FieldPath> {
        let around = path.parent()?;
        let rest: FieldPath = leaf.steps().iter().skip(path.len()).cloned().collect();
        let higher = around.join(&rest);
        let is_read = self
            .reads
            .paths()
            .iter()
            .any(|read| !read.is_empty() && higher.starts_with(read) && read.len() > around.len());
        (!rest.is_empty() && is_read).then_some(higher)
    }

    /// What was probably meant: the same key elsewhere, else one that is called almost like it beside it, else anywhere.
    fn near(&self, path: &FieldPath) -> Option<FieldPath> {
        let key = path.last_key()?;
        let mut candidates: Vec<FieldPath> = self.reads.paths().to_vec();
        for default in &self.defaults {
            for leaf in leaves(&default.value) {
                let leaf = default.outer(&leaf);
                candidates.extend((1..=leaf.len()).map(|length| leaf.prefix(length)));
            }
        }
        candidates.retain(|candidate| !candidate.is_empty());
        candidates.sort_by_key(FieldPath::len);
        candidates.dedup();
        let dotted = FieldPath::parse(key).filter(|dotted| dotted.len() > 1 && candidates.contains(dotted));
        let same = || {
            candidates
                .iter()
                .find(|candidate| candidate.last_key() == Some(key))
                .cloned()
        };
        let parent = path.parent();
        let beside = || {
            let beside = candidates.iter().filter(|candidate| candidate.parent() == parent);
            let names: Vec<&str> = beside.filter_map(FieldPath::last_key).collect();
            let mut path = parent.clone()?;
            path.push_key(nearest(key, names)?);
            Some(path)
        };
        let anywhere = || {
            let names = candidates.iter().filter_map(FieldPath::last_key);
            let name = nearest(key, names)?;
            candidates
                .iter()
                .find(|candidate| candidate.last_key() == Some(name))
                .cloned()
        };
        dotted.or_else(beside).or_else(same).or_else(anywhere)
    }
}

/// Whether a chart's own values have a path. What they have as empty is filled by its users.
fn has_default(default: &Default, path: &FieldPath) -> bool {
    let Some(inner) = default.inner(path) else {
        return false;
    };
    if inner.is_empty() {
        return true;
    }
    if value_at(&default.value, &inner).is_some() {
        return true;
    }
    (1..inner.len())
        .rev()
        .any(|length| match value_at(&default.value, &inner.prefix(length)) {
            Some(Value::Object(entries)) => entries.is_empty(),
            Some(Value::Array(_) | Value::Null) => true,
            _ => false,
        })
}

fn schema(tree: &Tree, directory: &str) -> Option<Value> {
    let text = tree.text(&below(directory, "values.schema.json"))?;
    serde_json::from_str(text).ok()
}

/// Whether a schema knows a path. What is not written plainly may allow anything.
fn allows(schema: &Value, steps: &[Step]) -> bool {
    let Some(entries) = schema.as_object() else {
        return true;
    };
    let is_plain = [
        "$ref",
        "allOf",
        "anyOf",
        "oneOf",
        "if",
        "patternProperties",
        "not",
        "$defs",
    ]
    .iter()
    .all(|key| *key == "$defs" || !entries.contains_key(*key));
    if !is_plain {
        return true;
    }
    let Some((first, rest)) = steps.split_first() else {
        return true;
    };
    match first {
        Step::Key(key) => match entries.get("properties").and_then(|properties| properties.get(&**key)) {
            Some(own) => allows(own, rest),
            None => entries.get("additionalProperties").is_some_and(Value::is_object),
        },
        Step::Index(_) => entries.get("items").is_none_or(|items| allows(items, rest)),
    }
}
