//! What an entry of `configMapGenerator` or `secretGenerator` supplies.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gitops_model::Supplier;
use gitops_model::kustomize::{Entry, Generator, Layer, Tree, join};
use gitops_text::Span;
use serde_json::Value;

use super::hit::{At, Effect, Hit};
use super::trail::Trail;

/// What a generator of a layer supplies of the field at the end of the trail, in the order in which it counts.
pub(super) fn generator_hits(tree: &Tree, layer: &Layer, generator: &Generator, trail: &Trail<'_>) -> Vec<Hit> {
    let keys: Vec<&str> = trail.keys().collect();
    match keys.as_slice() {
        // The whole object is shown at its name.
        [] | ["metadata", "name"] => vec![from_entry(&generator.name, None)],
        ["metadata", "namespace"] => generator
            .namespace
            .iter()
            .map(|entry| from_entry(entry, None))
            .collect(),
        ["metadata", kind @ ("labels" | "annotations"), key] => {
            let pairs = if *kind == "labels" {
                &generator.labels
            } else {
                &generator.annotations
            };
            let found = pairs.iter().find(|(own, _)| own == key);
            found.map(|(_, entry)| from_entry(entry, None)).into_iter().collect()
        }
        ["data" | "binaryData", key] => data_hits(tree, layer, generator, key),
        ["type" | "immutable"] => {
            let key = keys.first().copied().unwrap_or_default();
            let field = generator.spot.field();
            let found = field.and_then(|field| field.get(key).or_else(|| field.down(&["options", key])));
            let hit = found.map(|field| Hit {
                at: At::Spot(field.spot()),
                supplier: Supplier::Generator,
                effect: Effect::Sets(field.json()),
                certain: true,
            });
            hit.into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn from_entry(entry: &Entry, value: Option<String>) -> Hit {
    Hit {
        at: At::Spot(entry.spot.clone()),
        supplier: Supplier::Generator,
        effect: Effect::Sets(Some(Value::String(value.unwrap_or_else(|| entry.text.clone())))),
        certain: true,
    }
}

fn data_hits(tree: &Tree, layer: &Layer, generator: &Generator, key: &str) -> Vec<Hit> {
    let encode = |value: &str| {
        if generator.is_secret {
            STANDARD.encode(value)
        } else {
            value.to_owned()
        }
    };
    let mut hits = Vec::new();
    for entry in &generator.literals {
        if let Some((own, value)) = entry.text.split_once('=')
            && own == key
        {
            hits.push(from_entry(entry, Some(encode(unquoted(value)))));
        }
    }
    for entry in &generator.files {
        let (own, path) = match entry.text.split_once('=') {
            Some((own, path)) => (own, path),
            None => (entry.text.rsplit('/').next().unwrap_or_default(), entry.text.as_str()),
        };
        let Some(path) = join(&layer.directory, path).filter(|_| own == key) else {
            continue;
        };
        // The entry decides which file it is, the file what is in it.
        hits.push(Hit {
            effect: Effect::Part,
            ..from_entry(entry, None)
        });
        if let Some(text) = tree.text(&path) {
            hits.push(Hit {
                at: At::Text {
                    file: path.into(),
                    span: first_line(text),
                },
                supplier: Supplier::GeneratorFile,
                effect: Effect::Sets(Some(Value::String(encode(text)))),
                certain: true,
            });
        }
    }
    for entry in &generator.envs {
        let Some(path) = join(&layer.directory, &entry.text) else {
            continue;
        };
        let Some(text) = tree.text(&path) else { continue };
        for (span, own, value) in env_lines(text) {
            if own == key {
                hits.push(Hit {
                    at: At::Text {
                        file: path.as_str().into(),
                        span,
                    },
                    supplier: Supplier::EnvLine,
                    effect: Effect::Sets(Some(Value::String(encode(value)))),
                    certain: true,
                });
            }
        }
    }
    hits
}

/// The first line of a file that says something: the whole file is meant, and is shown there.
fn first_line(text: &str) -> Span {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let length = line.trim_end().len();
        if length > 0 {
            let narrow = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
            return Span::new(narrow(start), narrow(start + length));
        }
        start += line.len();
    }
    Span::empty(0)
}

/// kustomize takes one pair of quotes around a literal's value away.
fn unquoted(value: &str) -> &str {
    let inner = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

/// The lines of an env file that set something: where, what, to which value.
fn env_lines(text: &str) -> impl Iterator<Item = (Span, &str, &str)> {
    let mut offset = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = offset;
        offset += line.len();
        let trimmed = line.trim_end_matches(['\n', '\r']);
        let content = trimmed.trim_start();
        if content.is_empty() || content.starts_with('#') {
            return None;
        }
        let start = start + trimmed.len() - content.len();
        let span = Span::new(u32::try_from(start).ok()?, u32::try_from(start + content.len()).ok()?);
        let (key, value) = content.split_once('=').unwrap_or((content, ""));
        Some((span, key, value))
    })
}
