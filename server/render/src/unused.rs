//! Entries of a kustomization that match nothing: kustomize passes over them without a word.
//!
//! Whether an entry matched is not said by what is built, so an entry is only called unused where nothing of what is built
//! could have come from it.

use std::collections::BTreeSet;

use gitops_model::kustomize::{Image, Layer, Patch, Spot, Tree, layer};
use gitops_model::{Want, nearest};
use serde_json::Value;

use crate::BuiltObject;
use crate::fault::PlacedFault;

/// The codes of unused entries, each with what it means. `docs/codes/model` has a page for each.
pub const CODES: [(&str, &str); 2] = [
    ("image-not-used", "An entry of `images` matches no image."),
    ("patch-not-used", "A patch's `target` selects no object."),
];

/// The file in which Flux's bootstrap writes its components.
const FLUX_COMPONENTS: &str = "gotk-components.yaml";

/// The entries of the kustomizations below a directory that match nothing of what was built of it.
pub fn unused(tree: &Tree, directory: &str, objects: &[&BuiltObject]) -> Vec<PlacedFault> {
    let root = layer(tree, directory, None);
    let mut layers = Vec::new();
    collect(&root, &mut layers);
    let entries: Vec<&Image> = layers.iter().flat_map(|layer| &layer.kustomization.images).collect();
    let mut images = BTreeSet::new();
    for built in objects {
        images_of(&built.object, &mut images);
    }
    let mut found = Vec::new();
    for image in &entries {
        let result = image
            .new_name
            .as_ref()
            .map_or(image.name.as_str(), |name| name.text.as_str());
        // What a later entry renames is used by it.
        let renamed = entries
            .iter()
            .any(|other| other.name == result && !std::ptr::eq(*other, *image));
        if !images.contains(result) && !renamed {
            found.push(of_image(image, &images));
        }
    }
    // What patches Flux's own components has nothing to patch where these are left out, or still to be generated.
    let of_others = |layer: &&&Layer| !layer.files.iter().any(|(_, path)| path.ends_with(FLUX_COMPONENTS));
    for layer in layers.iter().filter(of_others) {
        let kustomization = &layer.kustomization;
        let patches = kustomization.patches.iter().chain(&kustomization.patches_json6902);
        found.extend(patches.filter_map(|patch| of_patch(patch, objects)));
    }
    found
}

fn collect<'a>(layer: &'a Layer, layers: &mut Vec<&'a Layer>) {
    layers.push(layer);
    for below in layer.bases.iter().chain(&layer.components) {
        collect(below, layers);
    }
}

/// All images that an object names, without tag and digest.
fn images_of(value: &Value, images: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                match value {
                    Value::String(text) if key == "image" || key == "reference" => {
                        images.insert(name_of(text).to_owned());
                    }
                    value => images_of(value, images),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| images_of(item, images)),
        _ => {}
    }
}

fn name_of(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    let last = name.rfind('/').map_or(0, |at| at + 1);
    match name.get(last..).and_then(|part| part.find(':')) {
        Some(at) => name.get(..last + at).unwrap_or(name),
        None => name,
    }
}

fn of_image(image: &Image, images: &BTreeSet<String>) -> PlacedFault {
    let near = nearest(&image.name, images.iter().map(String::as_str));
    let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    warning(
        &child(&image.spot, "name"),
        "image-not-used",
        format!(
            "no image is called \"{}\", so this entry changes nothing{hint}",
            image.name
        ),
    )
}

fn name(built: &BuiltObject) -> &str {
    built
        .object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn of_patch(patch: &Patch, objects: &[&BuiltObject]) -> Option<PlacedFault> {
    let target = patch.target.as_ref().map(|_| child(&patch.spot, "target"))?;
    let field = target.field()?;
    let text = |key: &str| field.text_of(key);
    let (kind, wanted) = (text("kind"), text("name"));
    let may_be = |built: &BuiltObject| {
        let is_kind = kind.is_none_or(|kind| built.object.get("kind").and_then(Value::as_str) == Some(kind));
        // A name is a pattern, and may have got a prefix or a suffix since.
        let is_plain = |name: &str| {
            name.chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '.')
        };
        is_kind && wanted.is_none_or(|wanted| !is_plain(wanted) || name(built).contains(wanted))
    };
    if objects.iter().any(|built| may_be(built)) || (kind.is_none() && wanted.is_none()) {
        return None;
    }
    let what = match (kind, wanted) {
        (Some(kind), Some(name)) => format!("no {kind} called \"{name}\""),
        (Some(kind), None) => format!("no {kind}"),
        (None, name) => format!("nothing called \"{}\"", name.unwrap_or_default()),
    };
    let at = if wanted.is_some() { "name" } else { "kind" };
    Some(warning(
        &child(&target, at),
        "patch-not-used",
        format!("{what} is here, so this patch changes nothing"),
    ))
}

fn child(spot: &Spot, key: &str) -> Spot {
    let mut child = spot.clone();
    child.path.push_key(key);
    child
}

fn warning(spot: &Spot, slug: &'static str, message: String) -> PlacedFault {
    PlacedFault {
        file: spot.sheet.file().to_string(),
        span: spot.span(Want::Value),
        slug,
        message,
        detail: None,
    }
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn the_name_of_an_image_is_without_tag_and_digest() {
        assert_eq!(
            name_of("localhost:5000/shop/web:1.2@sha256:00"),
            "localhost:5000/shop/web"
        );
        assert_eq!(name_of("localhost:5000/shop/web"), "localhost:5000/shop/web");
        assert_eq!(name_of("nginx:1"), "nginx");
    }
}
