//! Faults of post renderers, which are kustomize's, and of two objects with one identity.

use gitops_model::{Supplier, Want};
use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::faults::{Failed, Said};
use super::release::{Release, keys};
use super::surroundings::read_yaml;
use super::templates::{documents, span, templates};
use crate::fault::{PlacedFault, Wanted, read};
use crate::origins::Place;
use crate::value_at::value_at;

impl Failed<'_, '_> {
    pub(super) async fn of_post_rendering(&self) -> Vec<PlacedFault> {
        let words = self.words();
        if let Some(id) = words.split("already registered id: ").nth(1)
            && let Some((kind, name)) = object_of(id)
        {
            return self.of_duplicate(kind, name).await;
        }
        // What the templates wrote is read before anything is done to it.
        if words.contains("error merging manifests") || words.contains("MalformedYAMLError") {
            return self.of_output().await;
        }
        let read = read(words, "");
        let said = Said {
            slug: read.slug,
            message: read.message.clone(),
        };
        let wanted = |text: &str| match &read.wanted {
            Wanted::Patch { kind, name } => {
                let patch = read_yaml(text)?;
                let own = |pointer: &str| patch.pointer(pointer).and_then(Value::as_str);
                (own("/kind") == Some(kind) && own("/metadata/name") == Some(name)).then(|| keys(&["metadata", "name"]))
            }
            Wanted::Value(value) => path_of(&read_yaml(text)?, value, &FieldPath::new()),
            _ => None,
        };
        let patches = patches(self.release);
        for (path, text) in &patches {
            if let (Some(inner), Some(object)) = (wanted(text), self.release.object) {
                let field = (object, path);
                let places = self.surroundings.places_inside(field, &inner, Want::Value).await;
                return self.at_first(places, said).await;
            }
        }
        let field = match patches.into_iter().next() {
            Some((path, _)) => path,
            None => keys(&["spec", "postRenderers"]),
        };
        self.on_field(&field, Want::Key, said).await
    }

    /// The chart renders an object twice, which Helm takes and kustomize does not: a hook and the release, for the most part.
    async fn of_duplicate(&self, kind: &str, name: &str) -> Vec<PlacedFault> {
        let slug = "duplicate-object";
        let mut found = Vec::new();
        let mut hook = None;
        for (file, text) in templates(self.surroundings.tree, &self.release.request.path) {
            for (start, document) in documents(text) {
                let Some(at) = line_of(document, &format!("kind: {kind}")) else {
                    continue;
                };
                let place = |(offset, length): (usize, usize)| {
                    let span = span(start + offset, length)?;
                    Some(Place::in_text(&file, span, Supplier::Template))
                };
                if let Some(annotation) =
                    line_of(document, "helm.sh/hook:").or_else(|| line_of(document, "\"helm.sh/hook\":"))
                {
                    hook = hook.or_else(|| place(annotation));
                }
                found.extend(place(at));
            }
        }
        if let Some(place) = hook {
            let message = format!(
                "the chart has {kind} \"{name}\" twice, as a hook and as a part of the release: with post renderers, and Flux always has one, that is a duplicate"
            );
            return vec![self.at(&place, Said { slug, message })];
        }
        let message = format!("the chart renders {kind} \"{name}\" twice");
        match found.pop() {
            Some(place) => vec![self.at(&place, Said { slug, message })],
            None => self.on_the_chart(Said { slug, message }).await,
        }
    }
}

/// The patches of the post renderers of a release: where each is, and its text.
pub(super) fn patches(release: &Release) -> Vec<(FieldPath, String)> {
    let listed = release.request.post_renderers.as_ref().and_then(Value::as_array);
    let mut found = Vec::new();
    for (number, renderer) in listed.into_iter().flatten().enumerate() {
        let patches = renderer.pointer("/kustomize/patches").and_then(Value::as_array);
        for (index, patch) in patches.into_iter().flatten().enumerate() {
            let mut path = keys(&["spec", "postRenderers"]);
            path.push_index(number);
            path.push_key("kustomize");
            path.push_key("patches");
            path.push_index(index);
            path.push_key("patch");
            let text = patch.get("patch").and_then(Value::as_str);
            found.extend(text.map(|text| (path, text.to_owned())));
        }
    }
    found
}

/// The path in a patch at which it sets a field: the field itself in a merge patch, the operation in one of JSON 6902.
pub(super) fn set_by_patch(text: &str, field: &FieldPath) -> FieldPath {
    let Some(patch) = read_yaml(text) else {
        return FieldPath::new();
    };
    if let Some(operations) = patch.as_array() {
        let parts: Vec<String> = field
            .steps()
            .iter()
            .map(|step| match step {
                Step::Key(key) => key.replace('~', "~0").replace('/', "~1"),
                Step::Index(index) => index.to_string(),
            })
            .collect();
        let pointer = format!("/{}", parts.join("/"));
        let sets = |operation: &Value| {
            let own = operation.get("path").and_then(Value::as_str);
            own.is_some_and(|own| pointer == own || pointer.starts_with(&format!("{own}/")))
        };
        let mut path = FieldPath::new();
        if let Some(at) = operations.iter().position(sets) {
            path.push_index(at);
            path.push_key(if operations.get(at).is_some_and(|one| one.get("value").is_some()) {
                "value"
            } else {
                "path"
            });
        }
        return path;
    }
    let lengths = (1..=field.len()).rev();
    let mut parts = lengths.map(|length| field.prefix(length));
    parts.find(|part| value_at(&patch, part).is_some()).unwrap_or_default()
}

/// The line of a text that begins with some words: where these start and how long the line is.
fn line_of(text: &str, words: &str) -> Option<(usize, usize)> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        if trimmed.starts_with(words) {
            return Some((offset + (line.len() - line.trim_start().len()), trimmed.len()));
        }
        offset += line.len();
    }
    None
}

/// `ServiceAccount.v1.[noGrp]/board.[noNs]`: kind and name.
fn object_of(id: &str) -> Option<(&str, &str)> {
    let id = id.split('\'').next()?.trim();
    let (kind, rest) = id.split_once('.')?;
    let name = rest.split_once('/')?.1;
    Some((kind, name.rsplit_once('.').map_or(name, |(name, _)| name)))
}

/// Where a text stands in a value.
fn path_of(value: &Value, wanted: &str, at: &FieldPath) -> Option<FieldPath> {
    match value {
        Value::String(text) => (text == wanted).then(|| at.clone()),
        Value::Object(entries) => entries.iter().find_map(|(key, value)| {
            let mut path = at.clone();
            path.push_key(key.as_str());
            path_of(value, wanted, &path)
        }),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, value)| {
            let mut path = at.clone();
            path.push_index(index);
            path_of(value, wanted, &path)
        }),
        _ => None,
    }
}
