//! Who supplies a field of an object that a chart renders.
//!
//! Structure proposes the order: values that read like the field come first. The renderer decides: the value whose change
//! moves the field supplies it. What no value moves stands in a template, and is found there in the same way.

use gitops_model::kustomize::Tree;
use gitops_model::{Supplier, Want};
use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::difference::RenderedField;
use super::post_rendering::{patches, set_by_patch};
use super::reads::chains;
use super::release::{Release, keys};
use super::surroundings::Surroundings;
use super::templates::{actions, around, span, templates, words_of};
use super::values::leaves;
use crate::BuiltObject;
use crate::origins::Place;
use crate::value_at::value_at;

/// How many lines of templates are tried for one field.
const MAX_LINES: usize = 40;

/// How many values whose key reads like a field are tried.
const MAX_NAMED: usize = 16;

/// A release that is rendered.
#[derive(Clone, Copy, Debug)]
pub struct Rendered<'a> {
    /// What was asked.
    pub release: &'a Release,
    /// The user's values as they were merged.
    pub merged: &'a Value,
    /// What came out.
    pub objects: &'a [BuiltObject],
}

/// A question about a field.
#[derive(Clone, Copy, Debug)]
pub struct FieldQuestion<'a> {
    /// Which of the rendered objects.
    pub number: usize,
    /// The field.
    pub path: &'a FieldPath,
    /// Whether its key is meant or its value.
    pub want: Want,
    /// For an item of a list that stands there twice: the key that tells items apart, such as `mountPath`.
    pub item_key: Option<&'a str>,
    /// Whether its type is what is wrong, which a template can be to blame for.
    pub is_type: bool,
}

impl Surroundings<'_> {
    /// The places of a field, best first; never empty where the release has a place itself.
    pub async fn places_of_rendered(&self, rendered: Rendered<'_>, question: FieldQuestion<'_>) -> Vec<Place> {
        let mut path = question.path.clone();
        if let Some(key) = question.item_key {
            let mut inner = path.clone();
            inner.push_key(key);
            let object = rendered.objects.get(question.number);
            if object.is_some_and(|built| value_at(&built.object, &inner).is_some()) {
                path = inner;
            }
        }
        let mut is_exact = true;
        // What is not there is shown at the nearest around it that is.
        let object = rendered.objects.get(question.number).map(|built| &built.object);
        while object.and_then(|object| value_at(object, &path)).is_none() {
            is_exact = false;
            if path.pop().is_none() {
                break;
            }
        }
        let field = RenderedField {
            objects: rendered.objects,
            number: question.number,
            path: &path,
        };
        let want = if is_exact { question.want } else { Want::Key };
        // What is another each time, such as a password made at random, cannot be found by difference.
        let value = if self.is_steady(&rendered.release.request, field).await {
            self.value_of(rendered, field, is_exact).await
        } else {
            None
        };
        // A key that should not be there is that of the template where the value has another, and so is a type.
        let is_meant = |(value, is_key): &(FieldPath, bool)| {
            let own_key = *is_key
                || !is_exact
                || question.is_type
                || question.want == Want::Value
                || value.last_key() == path.last_key();
            let own_type = !question.is_type
                || value_at(rendered.merged, value)
                    .zip(field.value())
                    .is_none_or(|(own, built)| {
                        std::mem::discriminant(own) == std::mem::discriminant(built) || is_printed_in(own, built)
                    });
            own_key && own_type
        };
        let value = value.filter(is_meant);
        if let Some((value, is_key)) = value {
            let want = if is_key { Want::Key } else { want };
            let mut places = self.places_of_value(rendered.release, &value, want).await;
            if value_at(rendered.merged, &value).is_none() {
                let default = self.place_of_default(rendered.release, &value, want);
                places = default.into_iter().chain(places).collect();
            }
            if !places.is_empty() {
                return places;
            }
        }
        if !is_exact && let Some(path) = self.asked_for(rendered, question) {
            let places = self.places_of_value(rendered.release, &path, Want::Value).await;
            if !places.is_empty() {
                return places;
            }
        }
        if let Some(place) = self.patch_of(rendered, field).await {
            return vec![place];
        }
        if let Some(place) = self.line_of(rendered, field).await {
            // A line that writes nothing reads what is not there.
            if field.value().is_some_and(Value::is_null)
                && let Some(path) = asked_by(self.tree, rendered.merged, &place)
            {
                let places = self.places_of_value(rendered.release, &path, Want::Value).await;
                if !places.is_empty() {
                    return places;
                }
            }
            return vec![place];
        }
        let release = rendered.release;
        let places = match release.object {
            Some(object) => self.places(object, &keys(&["metadata", "name"]), Want::Value).await,
            None => self.place_of_chart(release).await,
        };
        places.into_iter().map(|place| place.of(Supplier::Values)).collect()
    }

    /// The value that a template asks for where it writes the key of a field that is not there.
    fn asked_for(&self, rendered: Rendered<'_>, question: FieldQuestion<'_>) -> Option<FieldPath> {
        let key = question.path.last_key()?;
        let built = rendered.objects.get(question.number)?;
        let own = &built.origin.as_ref()?.path;
        let text = self.tree.text(own)?;
        let lines = lines_with(text, key).into_iter();
        let places =
            lines.filter_map(|(start, length)| Some(Place::in_text(own, span(start, length)?, Supplier::Template)));
        let mut asked = places.filter_map(|place| asked_by(self.tree, rendered.merged, &place));
        asked.find(|path| self.place_of_default(rendered.release, path, Want::Value).is_none())
    }

    /// The patch of a post renderer that sets a field.
    async fn patch_of(&self, rendered: Rendered<'_>, field: RenderedField<'_>) -> Option<Place> {
        let release = rendered.release;
        let key = field.path.last_key()?;
        // Whatever it does, a patch leaves out what is null: only one that names the field sets it.
        let naming = patches(release)
            .into_iter()
            .rev()
            .filter(|(_, text)| text.contains(key));
        for (path, text) in naming {
            if self.moves_without_patch(&release.request, &path, field).await {
                let inner = set_by_patch(&text, field.path);
                let object = release.object?;
                let places = self.places_inside((object, &path), &inner, Want::Value).await;
                return places.into_iter().next().map(|place| place.of(Supplier::Values));
            }
        }
        None
    }

    /// The value that supplies a field, the user's own, else one of the chart's; and whether it does so by its key.
    async fn value_of(
        &self,
        rendered: Rendered<'_>,
        field: RenderedField<'_>,
        is_exact: bool,
    ) -> Option<(FieldPath, bool)> {
        let built = field.value()?;
        let request = &rendered.release.request;
        let mut candidates = leaves(rendered.merged);
        candidates.sort_by_key(|leaf| likeness(value_at(rendered.merged, leaf), leaf, built, field.path));
        let moved = self.moving(request, rendered.merged, &candidates, field).await;
        if let Some(found) = of_moved(&moved, rendered.merged, built, field.path, is_exact) {
            return Some((found, false));
        }
        if !moved.is_empty() {
            return None;
        }
        // A template can make a name of the key of a value.
        if let Some(text) = built.as_str() {
            for named in named(rendered.merged, text) {
                if self.moves_without(request, &named, field).await {
                    return Some((named, true));
                }
            }
        }
        for default in self.defaults(rendered.release) {
            let inner = leaves(&default.value).into_iter().map(|leaf| {
                let outer = default.outer(&leaf);
                (
                    likeness(value_at(&default.value, &leaf), &leaf, built, field.path),
                    outer,
                )
            });
            let mut own: Vec<(u8, FieldPath)> = inner
                .filter(|(_, outer)| value_at(rendered.merged, outer).is_none())
                .collect();
            own.sort_by_key(|(likeness, _)| *likeness);
            // What has nothing in common with the field is seldom its default, and there may be a thousand.
            let own: Vec<FieldPath> = own
                .into_iter()
                .filter(|(likeness, _)| *likeness < UNLIKE)
                .map(|(_, outer)| outer)
                .collect();
            let moved = self.moving(request, rendered.merged, &own, field).await;
            if let Some(first) = moved.into_iter().next() {
                return Some((first, false));
            }
        }
        None
    }

    /// The line of a template that writes the key of a field.
    async fn line_of(&self, rendered: Rendered<'_>, field: RenderedField<'_>) -> Option<Place> {
        let key = field.path.last_key()?;
        let request = &rendered.release.request;
        let own = rendered.objects.get(field.number)?.origin.as_ref()?.path.clone();
        let mut files = templates(self.tree, &request.path);
        files.sort_by_key(|(path, _)| *path != own);
        let mut tried = 0;
        let mut only = Vec::new();
        for (file, text) in files {
            for (start, length) in lines_with(text, key) {
                tried += 1;
                if tried > MAX_LINES {
                    break;
                }
                let place = Place::in_text(&file, span(start, length)?, Supplier::Template);
                // Another key there takes the field away.
                let mut other = text.to_owned();
                let at = start + text.get(start..)?.find(key)?;
                other.insert_str(at, "zq");
                if self.moves_with_file(request, &file, other, field).await {
                    return Some(place);
                }
                if file == own {
                    only.push(place);
                }
            }
        }
        // What cannot be rendered with another key is still the one line that it can be.
        (only.len() == 1).then(|| only.pop()).flatten()
    }
}

/// The value that a line of a template reads and that is not there: itself, or the item of a list that lacks it.
fn asked_by(tree: &Tree, merged: &Value, place: &Place) -> Option<FieldPath> {
    let text = tree.text(&place.origin.file)?;
    let line = place.span.slice(text);
    let is_missing = |path: &FieldPath| value_at(merged, path).is_none_or(Value::is_null);
    if let Some(path) = chains(line).into_iter().find(|path| !path.is_empty()) {
        return is_missing(&path).then_some(path);
    }
    // `.name` of what a `range` goes over.
    let (_, action) = actions(line).into_iter().next()?;
    let (_, field) = words_of(action).split_once('.')?;
    let end = field.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let field = field
        .get(..end.unwrap_or(field.len()))
        .filter(|field| !field.is_empty())?;
    let range = around(text, place.span.start as usize)
        .into_iter()
        .find(|words| words.starts_with("range"))?;
    let list = chains(range).into_iter().next()?;
    let steps: Vec<Step> = match value_at(merged, &list)? {
        Value::Array(items) => (0..items.len()).map(Step::Index).collect(),
        Value::Object(entries) => entries.keys().map(|key| Step::Key(key.as_str().into())).collect(),
        _ => return None,
    };
    steps.into_iter().find_map(|step| {
        let mut item = list.clone();
        item.push(step);
        let mut inner = item.clone();
        inner.push_key(field);
        is_missing(&inner).then_some(item)
    })
}

/// The lines of a template that set a key: where their words start, and how long they are.
fn lines_with(text: &str, key: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let words = line.trim();
        let bare = words.trim_start_matches("- ").trim_start_matches(['"', '\'']);
        let rest = bare.strip_prefix(key).map(|rest| rest.trim_start_matches(['"', '\'']));
        let in_braces = words.contains(&format!("{key}: "));
        if rest.is_some_and(|rest| rest.starts_with(':')) || in_braces {
            found.push((offset + (line.len() - line.trim_start().len()), words.len()));
        }
        offset += line.len();
    }
    found
}

/// Has nothing in common with the field.
const UNLIKE: u8 = 4;

/// How much a value is like a field; 0 is most.
fn likeness(value: Option<&Value>, leaf: &FieldPath, built: &Value, path: &FieldPath) -> u8 {
    let same_key = leaf.last_key().is_some() && leaf.last_key() == path.last_key();
    let (Some(text), built_text) = (value.and_then(text_of), built) else {
        return if same_key { 2 } else { UNLIKE };
    };
    let holds = |built: &str| text.len() > 1 && built.contains(&text);
    match text_of(built_text) {
        Some(built) if built == text && same_key => 0,
        Some(built) if built == text => 1,
        Some(built) if holds(&built) => 2,
        None if built_text.to_string().contains(&text) && !text.is_empty() => 2,
        _ if same_key => 3,
        _ => UNLIKE,
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// Of the values that move a field the one that is it: a scalar is its own; of a map or a list the value that it was made of
/// is looked for around them.
fn of_moved(moved: &[FieldPath], merged: &Value, built: &Value, path: &FieldPath, is_exact: bool) -> Option<FieldPath> {
    let first = moved.first()?;
    let around = |leaf: &FieldPath| {
        let leaf = leaf.clone();
        (1..=leaf.len()).rev().map(move |length| leaf.prefix(length))
    };
    if !built.is_object() && !built.is_array() {
        let is_printed = |part: &FieldPath| value_at(merged, part).is_some_and(|value| is_printed_in(value, built));
        let printed = moved.iter().find_map(|leaf| around(leaf).find(is_printed));
        return Some(printed.unwrap_or_else(|| first.clone()));
    }
    for leaf in moved {
        if let Some(same) = around(leaf).find(|part| value_at(merged, part) == Some(built)) {
            return Some(same);
        }
    }
    if let Some(Step::Key(key)) = path.steps().last() {
        for leaf in moved {
            let named = around(leaf).find(|part| matches!(part.steps().last(), Some(Step::Key(own)) if own == key));
            if let Some(named) = named {
                return Some(named);
            }
        }
    }
    // What several of them have in common, if that is anything.
    let common = moved.iter().skip(1).fold(first.clone(), |common, leaf| {
        let same = common
            .steps()
            .iter()
            .zip(leaf.steps())
            .take_while(|(a, b)| a == b)
            .count();
        common.prefix(same)
    });
    // Something is missing in what the template writes around them: that is not theirs.
    (!common.is_empty() && is_exact).then_some(common)
}

/// Whether a text has a map or a list in it, as a template prints one that it does not expect.
fn is_printed_in(value: &Value, built: &Value) -> bool {
    let is_many = value.is_object() || value.is_array();
    is_many && built.as_str().is_some_and(|text| text.contains(&printed(value)))
}

/// A value in the words of Go's `fmt`, by which templates print it.
fn printed(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let mut entries: Vec<(&String, &Value)> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries = entries.iter().map(|(key, value)| format!("{key}:{}", printed(value)));
            format!("map[{}]", entries.collect::<Vec<_>>().join(" "))
        }
        Value::Array(items) => {
            let items = items.iter().map(printed);
            format!("[{}]", items.collect::<Vec<_>>().join(" "))
        }
        Value::Null => "<nil>".to_owned(),
        value => text_of(value).unwrap_or_default(),
    }
}

/// The values whose key reads like a text, whatever its case and separators.
fn named(merged: &Value, text: &str) -> Vec<FieldPath> {
    let bare = |text: &str| -> String {
        let letters = text.chars().filter(|letter| letter.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let wanted = bare(text);
    let mut found = Vec::new();
    for leaf in leaves(merged) {
        for length in 1..=leaf.len() {
            let part = leaf.prefix(length);
            let is_it = matches!(part.steps().last(), Some(Step::Key(key)) if bare(key) == wanted);
            if is_it && !wanted.is_empty() && !found.contains(&part) && found.len() < MAX_NAMED {
                found.push(part);
            }
        }
    }
    found
}
