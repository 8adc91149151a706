//! Faults of post renderers, which are kustomize's, and of two objects with one identity.

use gitops_model::{Supplier, Want};
use gitops_yaml::FieldPath;
use serde_json::Value;

use super::faults::{Failed, Said};
use super::release::keys;
use super::surroundings::read_yaml;
use super::templates::{documents, span, templates};
use crate::fault::{PlacedFault, Wanted, read};
use crate::origins::Place;

impl Failed<'_, '_> {
    pub(super) async fn of_post_rendering(&self) -> Vec<PlacedFault> {
        let words = self.words();
        if let Some(id) = words.split("already registered id: ").nth(1)
            && let Some((kind, name)) = object_of(id)
        {
            return self.of_duplicate(kind, name).await;
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
        let patches = self.patches();
        for (path, text) in &patches {
            if let Some(inner) = wanted(text) {
                let field = (self.release.object, path);
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

    /// The patches of the post renderers: where each is, and its text.
    fn patches(&self) -> Vec<(FieldPath, String)> {
        let listed = self.release.request.post_renderers.as_ref().and_then(Value::as_array);
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
                if let Some(annotation) = line_of(document, "helm.sh/hook:").or_else(|| line_of(document, "\"helm.sh/hook\":")) {
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
