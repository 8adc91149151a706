//! Entries of a kustomization that match nothing: kustomize passes over them without a word.
//!
//! Whether an entry matched is not said by what is built, so an entry is only called unused where nothing of what is built
//! could have come from it.

use std::collections::BTreeSet;

use gitops_model::kustomize::{Image, Layer, Patch, Spot, Tree, layer, read_flux_kustomization};
use gitops_model::{Want, nearest};
use serde_json::Value;

use crate::BuiltObject;
use crate::fault::PlacedFault;
use crate::unused_patch::{OnTheWay, missed, written};

/// The codes of unused entries, each with what it means. `docs/codes/model` has a page for each.
pub const CODES: [(&str, &str); 2] = [
    ("image-not-used", "An entry of `images` matches no image."),
    ("patch-not-used", "A patch's `target` selects no object."),
];

/// The file in which Flux's bootstrap writes its components.
const FLUX_COMPONENTS: &str = "gotk-components.yaml";

/// The entries of the kustomizations below a directory that match nothing of what was built of it; those of the Flux
/// Kustomization that has it built among them, of which `spec` is the place.
pub fn unused(tree: &Tree, directory: &str, spec: Option<&Spot>, objects: &[&BuiltObject]) -> Vec<PlacedFault> {
    let added = spec.and_then(Spot::field).map(|spec| read_flux_kustomization(&spec));
    let root = layer(tree, directory, added.as_ref());
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
    let patches = layers.iter().filter(of_others).flat_map(|layer| {
        let kustomization = &layer.kustomization;
        kustomization.patches.iter().chain(&kustomization.patches_json6902)
    });
    let on_the_way = OnTheWay::of(&layers);
    let built: Vec<&Value> = objects.iter().map(|built| &*built.object).collect();
    let mut suspects = patches
        .filter(|patch| patch.target.is_some() && of_patch(patch, &built, &on_the_way).is_some())
        .peekable();
    // What is written is only read where what is built does not tell.
    if suspects.peek().is_some() {
        let written = written(&root, tree);
        let all: Vec<&Value> = built.iter().copied().chain(&written).collect();
        found.extend(suspects.filter_map(|patch| of_patch(patch, &all, &on_the_way)));
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

fn of_patch(patch: &Patch, objects: &[&Value], on_the_way: &OnTheWay) -> Option<PlacedFault> {
    let target = child(&patch.spot, "target");
    let missed = missed(&target.field()?.json()?, objects, on_the_way)?;
    Some(warning(
        &child(&target, missed.key),
        "patch-not-used",
        format!("{} is here, so this patch changes nothing{}", missed.what, missed.hint),
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
