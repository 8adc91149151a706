//! Patches whose `target` selects nothing: kustomize takes them without a word.

use std::collections::BTreeSet;

use gitops_model::kustomize::{Change, Field, Generator, Layer, SourceKind, Tree};
use gitops_model::nearest;
use regex::Regex;
use serde_json::Value;

/// What can have become of objects between the patch and the end, so that what is built does not tell what was there.
#[derive(Clone, Debug, Default)]
pub(crate) struct OnTheWay {
    /// Whether names got more before or behind them.
    is_renamed: bool,
    /// Whether namespaces were set.
    is_moved: bool,
    /// Labels and annotations that were set.
    metadata: BTreeSet<String>,
}

impl OnTheWay {
    /// What the kustomizations of a target do.
    pub(crate) fn of(layers: &[&Layer]) -> Self {
        let mut on_the_way = Self::default();
        for change in layers.iter().flat_map(|layer| &layer.changes) {
            match change {
                Change::Namespace(_) => on_the_way.is_moved = true,
                Change::Prefix(_) | Change::Suffix(_) => on_the_way.is_renamed = true,
                Change::Labels(labels) | Change::Annotations(labels) => {
                    on_the_way
                        .metadata
                        .extend(labels.pairs.iter().map(|(key, _)| key.clone()));
                }
                Change::Patch(patch) => {
                    on_the_way.is_renamed |= patch
                        .spot
                        .field()
                        .is_some_and(|entry| entry.down(&["options", "allowNameChange"]).is_some());
                }
                Change::Other(_) => {
                    on_the_way.is_renamed = true;
                    on_the_way.is_moved = true;
                }
                Change::Replicas(_) | Change::Image(_) | Change::Replacement(_) | Change::Variable(_) => {}
            }
        }
        on_the_way
    }
}

/// The objects as they are written, before anything is done to them. What a later patch deletes was there for an earlier one.
pub(crate) fn written(root: &Layer, tree: &Tree) -> Vec<Value> {
    let mut objects = Vec::new();
    for source in root.sources() {
        match source.kind {
            SourceKind::File(path) => {
                let Some(sheet) = tree.sheet(path) else { continue };
                for document in 0..sheet.documents().len() {
                    objects.extend(Field::top(&sheet, document).and_then(|top| top.json()));
                }
            }
            SourceKind::Generator(generator) => objects.push(generated(generator)),
        }
    }
    objects
}

fn generated(generator: &Generator) -> Value {
    serde_json::json!({
        "apiVersion": "v1",
        "kind": if generator.is_secret { "Secret" } else { "ConfigMap" },
        "metadata": {"name": generator.name.text},
    })
}

/// A patch that changes nothing: which key of its target is to blame, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Missed {
    /// The key of the target.
    pub(crate) key: &'static str,
    /// What is not there, to go on with "is here" or the like: `no Deployment called "web"`.
    pub(crate) what: String,
    /// What was probably meant, as the end of a message.
    pub(crate) hint: String,
}

/// The keys of a target, the one that a person most likely got wrong first.
const KEYS: [&str; 7] = [
    "name",
    "kind",
    "group",
    "version",
    "labelSelector",
    "annotationSelector",
    "namespace",
];

/// Whether a target selects none of the objects. `None` where it does, and where it asks for nothing.
pub(crate) fn missed(target: &Value, objects: &[&Value], on_the_way: &OnTheWay) -> Option<Missed> {
    let text = |key: &str| target.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let asked: Vec<(&'static str, &str)> = KEYS.into_iter().filter_map(|key| Some((key, text(key)?))).collect();
    let fits = |object: &Value, (key, wanted): &(&'static str, &str)| match *key {
        "labelSelector" => selects(wanted, object.pointer("/metadata/labels"), on_the_way),
        "annotationSelector" => selects(wanted, object.pointer("/metadata/annotations"), on_the_way),
        key => is_called(key, wanted, object, on_the_way),
    };
    let without = |left_out: Option<&str>| {
        let asked: Vec<_> = asked.iter().filter(|(key, _)| Some(*key) != left_out).collect();
        objects
            .iter()
            .filter(move |object| asked.iter().all(|asked| fits(object, asked)))
    };
    if without(None).next().is_some() {
        return None;
    }
    // The one key without which something is selected is wrong; where several are, the one that says most.
    let alone = asked.iter().find(|(key, _)| without(Some(key)).next().is_some());
    let (key, wanted) = alone.or_else(|| asked.first())?;
    let others: BTreeSet<&str> = without(Some(key)).filter_map(|object| own(key, object)).collect();
    let near = nearest(wanted, others);
    Some(Missed {
        key,
        what: described(&text),
        hint: near.map_or_else(String::new, |near| format!("; did you mean {near}?")),
    })
}

fn described<'a>(text: &impl Fn(&str) -> Option<&'a str>) -> String {
    let kind = text("kind").map_or_else(|| "nothing".to_owned(), |kind| format!("no {kind}"));
    let served: Vec<&str> = [text("group"), text("version")].into_iter().flatten().collect();
    let served = (!served.is_empty()).then(|| format!("of {}", served.join("/")));
    let others = [
        ("name", "called"),
        ("namespace", "in namespace"),
        ("labelSelector", "with labels"),
        ("annotationSelector", "with annotations"),
    ];
    let others = others
        .into_iter()
        .filter_map(|(key, before)| Some(format!("{before} \"{}\"", text(key)?)));
    let parts: Vec<String> = [kind].into_iter().chain(served).chain(others).collect();
    parts.join(" ")
}

fn own<'v>(key: &str, object: &'v Value) -> Option<&'v str> {
    let api_version = || object.get("apiVersion").and_then(Value::as_str);
    match key {
        "kind" => object.get("kind")?.as_str(),
        "name" => object.pointer("/metadata/name")?.as_str(),
        "namespace" => Some(
            object
                .pointer("/metadata/namespace")
                .and_then(Value::as_str)
                .filter(|namespace| !namespace.is_empty())
                .unwrap_or("default"),
        ),
        "group" => Some(api_version()?.split_once('/').map_or("", |(group, _)| group)),
        "version" => api_version().map(|text| text.split_once('/').map_or(text, |(_, version)| version)),
        _ => None,
    }
}

/// Whether a name, a kind or the like is what a target asks for: a regular expression that has to match all of it.
fn is_called(key: &str, wanted: &str, object: &Value, on_the_way: &OnTheWay) -> bool {
    let Some(own) = own(key, object) else { return false };
    // Generators put a hash behind the names of what they make.
    let may_have_hash = matches!(object.get("kind").and_then(Value::as_str), Some("ConfigMap" | "Secret"));
    let pattern = match key {
        "namespace" if on_the_way.is_moved => return true,
        "name" if on_the_way.is_renamed => format!("(?:{wanted})"),
        "name" if may_have_hash => format!("^(?:{wanted})(?:-[a-z0-9]{{10}})?$"),
        _ => format!("^(?:{wanted})$"),
    };
    // kustomize refuses one that is none.
    Regex::new(&pattern).is_ok_and(|pattern| pattern.is_match(own))
}

/// Whether a selector of labels or annotations takes what an object has. What cannot be told is taken.
fn selects(selector: &str, own: Option<&Value>, on_the_way: &OnTheWay) -> bool {
    if selector.contains('(') {
        return true;
    }
    selector.split(',').map(str::trim).all(|requirement| {
        let (key, value, is_wanted) = match requirement.split_once('=') {
            Some((key, value)) => {
                let is_wanted = !key.ends_with('!');
                (
                    key.trim_end_matches('!'),
                    Some(value.trim_start_matches('=')),
                    is_wanted,
                )
            }
            None => (requirement.trim_start_matches('!'), None, !requirement.starts_with('!')),
        };
        let (key, value) = (key.trim(), value.map(str::trim));
        if on_the_way.metadata.contains(key) {
            return true;
        }
        let own = own.and_then(|own| own.get(key)).and_then(Value::as_str);
        let is_so = match value {
            Some(value) => own == Some(value),
            None => own.is_some(),
        };
        is_so == is_wanted
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(target: &Value, on_the_way: &OnTheWay) -> Option<(&'static str, String)> {
        let objects = [
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"app": "web"}}}),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings-6g6gd9868f", "namespace": "shop"}}),
        ];
        let objects: Vec<&Value> = objects.iter().collect();
        missed(target, &objects, on_the_way).map(|missed| (missed.key, format!("{}{}", missed.what, missed.hint)))
    }

    #[test]
    fn what_is_there_is_selected() {
        for target in [
            json!({}),
            json!({"kind": "Deployment", "name": "web"}),
            json!({"kind": "Deployment|StatefulSet"}),
            json!({"name": "w.*", "group": "apps", "version": "v1"}),
            json!({"kind": "ConfigMap", "name": "settings", "namespace": "shop"}),
            json!({"namespace": "default"}),
            json!({"labelSelector": "app=web,tier!=back"}),
            json!({"labelSelector": "app in (web, shop)"}),
            json!({"labelSelector": "!tier, app"}),
        ] {
            assert_eq!(check(&target, &OnTheWay::default()), None, "{target}");
        }
    }

    #[test]
    fn the_key_that_is_wrong_is_blamed() {
        let none = OnTheWay::default();
        for (target, key, words) in [
            (
                json!({"kind": "Deployment", "name": "wep"}),
                "name",
                "no Deployment called \"wep\"; did you mean web?",
            ),
            (
                json!({"kind": "Deploymnt", "name": "web"}),
                "kind",
                "no Deploymnt called \"web\"; did you mean Deployment?",
            ),
            (
                json!({"kind": "Ingress", "name": "x"}),
                "name",
                "no Ingress called \"x\"",
            ),
            (
                json!({"kind": "Deployment", "group": "extensions"}),
                "group",
                "no Deployment of extensions",
            ),
            (
                json!({"name": "we"}),
                "name",
                "nothing called \"we\"; did you mean web?",
            ),
            (
                json!({"labelSelector": "app=api"}),
                "labelSelector",
                "nothing with labels \"app=api\"",
            ),
            (
                json!({"kind": "ConfigMap", "namespace": "shopp"}),
                "namespace",
                "no ConfigMap in namespace \"shopp\"; did you mean shop?",
            ),
        ] {
            assert_eq!(check(&target, &none), Some((key, words.to_owned())), "{target}");
        }
    }

    #[test]
    fn what_was_changed_on_the_way_is_not_held_against_a_target() {
        let on_the_way = OnTheWay {
            is_renamed: true,
            is_moved: true,
            metadata: BTreeSet::from(["tier".to_owned()]),
        };
        for target in [
            json!({"name": "we"}),
            json!({"namespace": "other"}),
            json!({"labelSelector": "tier=front"}),
        ] {
            assert_eq!(check(&target, &on_the_way), None, "{target}");
        }
    }
}
