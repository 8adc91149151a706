//! Values of a release by what is said about them.

use gitops_yaml::FieldPath;
use serde_json::Value;

use super::said::{first_of, keys};

/// How many values of one release are looked at.
const MAX_LEAVES: usize = 10_000;

/// The field of the release nearest to a value, and whether it is the value itself.
///
/// A key with dots in it that reads like the path is what somebody wrote for it: values are nested, and such a key is
/// found by no chart.
pub(super) fn nearest(object: &Value, path: &[String]) -> (FieldPath, bool) {
    let mut found = keys(&["spec", "values"]);
    let Some(mut value) = object.pointer("/spec/values") else {
        let elsewhere = first_of(
            object,
            &[
                &["spec", "valuesFrom"],
                &["spec", "chart", "spec", "chart"],
                &["spec", "chartRef", "name"],
            ],
        );
        return (elsewhere, false);
    };
    for (depth, step) in path.iter().enumerate() {
        let rest = path.get(depth..).unwrap_or_default().join(".");
        let (step, below) = match value {
            Value::Array(items) => {
                let Some(index) = step.parse::<usize>().ok().filter(|index| *index < items.len()) else {
                    return (found, false);
                };
                found.push_index(index);
                (None, items.get(index))
            }
            Value::Object(map) => {
                let Some(below) = map.get(step) else {
                    let reads_like_it = |key: &&String| rest == **key || rest.starts_with(&format!("{key}."));
                    if let Some(dotted) = map.keys().find(|key| key.contains('.') && reads_like_it(key)) {
                        found.push_key(dotted.as_str());
                    }
                    return (found, false);
                };
                (Some(step.as_str()), Some(below))
            }
            _ => return (found, false),
        };
        if let Some(step) = step {
            found.push_key(step);
        }
        match below {
            Some(below) => value = below,
            None => return (found, false),
        }
    }
    (found, true)
}

/// The value that a text quotes: the longest of those that are quoted, and of equal ones the last, which is the one that
/// came to the others.
pub(super) fn named_in(object: &Value, words: &str) -> Option<FieldPath> {
    let mut leaves = Vec::new();
    collect(object.pointer("/spec/values")?, &keys(&["spec", "values"]), &mut leaves);
    let quoted: Vec<&str> = words
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|text| !text.is_empty())
        .collect();
    let named = leaves.into_iter().enumerate().filter_map(|(at, (path, text))| {
        let is_quoted = quoted.iter().any(|quoted| *quoted == text);
        is_quoted.then_some((text.len(), at, path))
    });
    named
        .max_by_key(|(length, at, _)| (*length, *at))
        .map(|(_, _, path)| path)
}

fn collect(value: &Value, path: &FieldPath, leaves: &mut Vec<(FieldPath, String)>) {
    if leaves.len() >= MAX_LEAVES {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                let mut path = path.clone();
                path.push_key(key.as_str());
                collect(below, &path, leaves);
            }
        }
        Value::Array(items) => {
            for (index, below) in items.iter().enumerate() {
                let mut path = path.clone();
                path.push_index(index);
                collect(below, &path, leaves);
            }
        }
        Value::String(text) => leaves.push((path.clone(), text.clone())),
        Value::Number(number) => leaves.push((path.clone(), number.to_string())),
        Value::Bool(_) | Value::Null => {}
    }
}

/// The last value that a line of a template asks for: `.Values.image.tag`.
pub(super) fn asked_in(line: &str) -> Option<Vec<String>> {
    let (_, rest) = line.rsplit_once(".Values.")?;
    let is_of_path = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-');
    let path = rest.split(|letter| !is_of_path(letter)).next()?.trim_matches('.');
    (!path.is_empty()).then(|| path.split('.').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{asked_in, named_in, nearest};

    fn path(text: &str) -> Vec<String> {
        text.split('/').map(str::to_owned).collect()
    }

    #[test]
    fn a_value_is_found_or_what_is_nearest_to_it() {
        let object = json!({ "spec": { "values": {
            "registry.owner": "team-a", "image": { "tag": "1.0" }, "hosts": [{ "name": "a" }, { "name": "b" }],
        } } });
        let check = |wanted: &str, expected: &str, is_exact: bool| {
            let (found, exact) = nearest(&object, &path(wanted));
            assert_eq!((found.to_string().as_str(), exact), (expected, is_exact), "{wanted}");
        };
        check("image/tag", "spec.values.image.tag", true);
        check("image/digest", "spec.values.image", false);
        check("hosts/1/name", "spec.values.hosts[1].name", true);
        check("registry/owner", "spec.values[registry.owner]", false);
        check("nothing", "spec.values", false);
        let (found, _) = nearest(
            &json!({ "spec": { "chart": { "spec": { "chart": "web" } } } }),
            &path("a"),
        );
        assert_eq!(found.to_string(), "spec.chart.spec.chart");
    }

    #[test]
    fn a_value_is_found_by_its_text() {
        let object = json!({ "spec": { "values": {
            "env": [{ "name": "MODE" }, { "name": "PORT" }, { "name": "MODE" }], "port": 8080,
        } } });
        let found = |words: &str| named_in(&object, words).map(|path| path.to_string());
        let twice = ".env: duplicate entries for key [name=\"MODE\"]";
        assert_eq!(found(twice).as_deref(), Some("spec.values.env[2].name"));
        assert_eq!(found("Invalid value: \"8080\"").as_deref(), Some("spec.values.port"));
        assert_eq!(found("nothing is quoted"), None);
    }

    #[test]
    fn a_template_asks_for_a_value() {
        let line = r#"owner: {{ required "registry.owner missing" .Values.registry.owner }}"#;
        assert_eq!(asked_in(line), Some(path("registry/owner")));
        assert_eq!(asked_in("name: {{ .Release.Name }}"), None);
    }
}
