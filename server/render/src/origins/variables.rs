//! Who gives the variables of post-build substitution their values.

use gitops_model::Supplier;
use gitops_model::kustomize::{Field, Layer, Spot, Tree, directory_of, read_kustomization};
use gitops_yaml::FieldPath;
use serde_json::Value;

use super::generated::generator_hits;
use super::hit::{At, Effect, Hit};
use super::pick::objects;
use super::trail::Trail;

/// The names of the variables in a text, in the order of the text. `$${…}` is none.
pub(super) fn names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let doubled = rest.get(..at).is_some_and(|before| before.ends_with('$'));
        rest = rest.get(at + 2..).unwrap_or("");
        let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
        // `${#name}` is the length of a value.
        let named = rest.trim_start_matches('#');
        let end = named.find(|character| !is_part(character)).unwrap_or(named.len());
        if let Some(name) = named.get(..end).filter(|name| !name.is_empty() && !doubled)
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

/// Where a variable gets its value, the one that counts first: `substitute`, then `substituteFrom` from its end.
pub(super) fn suppliers(tree: &Tree, flux: &Spot, variable: &str) -> Vec<Hit> {
    let Some(object) = flux.field() else { return Vec::new() };
    let post_build = object.down(&["spec", "postBuild"]);
    let Some(post_build) = post_build else {
        return Vec::new();
    };
    let mut found = Vec::new();
    found.extend(
        post_build
            .down(&["substitute", variable])
            .map(|field| hit(field.spot())),
    );
    let namespace = object.down(&["metadata", "namespace"]).and_then(|field| field.text());
    let from = post_build
        .get("substituteFrom")
        .map(|list| list.items())
        .unwrap_or_default();
    for reference in from.iter().rev() {
        if let (Some(kind), Some(name)) = (reference.text_of("kind"), reference.text_of("name")) {
            found.extend(values(tree, kind, name, namespace, variable));
        }
    }
    found
}

fn hit(spot: Spot) -> Hit {
    Hit {
        at: At::Spot(spot),
        supplier: Supplier::Substitution,
        effect: Effect::Part,
        certain: true,
    }
}

/// The key of a ConfigMap or Secret of the repository, written or generated.
fn values(tree: &Tree, kind: &str, name: &str, namespace: Option<&str>, key: &str) -> Vec<Hit> {
    let mut found = Vec::new();
    for (path, text) in tree.below("") {
        if !text.contains(name) || !text.contains(key) && !text.contains("Generator") {
            continue;
        }
        if gitops_model::file_role(path) == gitops_model::FileRole::Kustomization {
            found.extend(generated(tree, path, kind, name, key));
            continue;
        }
        for (spot, own) in objects(tree, path) {
            // A namespace can be set by a kustomization, so that only another one that is written tells two apart.
            let elsewhere = own.namespace.is_some() && own.namespace.as_deref() != namespace;
            if own.gvk.kind != kind || own.name != name || elsewhere {
                continue;
            }
            let data = spot.field();
            let of = |field: &Field<'_>| {
                let holders = ["stringData", "data"].into_iter();
                holders
                    .filter_map(|holder| field.down(&[holder, key]))
                    .map(|field| hit(field.spot()))
                    .next()
            };
            found.extend(data.as_ref().and_then(of));
        }
    }
    found
}

fn generated(tree: &Tree, path: &str, kind: &str, name: &str, key: &str) -> Vec<Hit> {
    let Some(sheet) = tree.sheet(path) else {
        return Vec::new();
    };
    let layer = Layer {
        directory: directory_of(path).to_owned(),
        ..Layer::default()
    };
    let mut steps = FieldPath::new();
    steps.push_key("data");
    steps.push_key(key);
    let object = serde_json::json!({"data": {key: Value::Null}});
    let trail = Trail::of(&object, &steps);
    let kustomization = read_kustomization(&sheet);
    let meant = kustomization
        .generators
        .iter()
        .filter(|generator| generator.name.text == name && generator.is_secret == (kind == "Secret"));
    let hits = meant.flat_map(|generator| generator_hits(tree, &layer, generator, &trail));
    let hits = hits.filter(|hit| !matches!(hit.effect, Effect::Part));
    hits.map(|hit| Hit {
        supplier: Supplier::Substitution,
        ..hit
    })
    .collect()
}
