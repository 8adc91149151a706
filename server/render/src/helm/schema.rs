//! Values that the chart's `values.schema.json` does not allow, as `santhosh-tekuri/jsonschema` v6 says it.

use gitops_model::kustomize::join;
use gitops_model::{Want, nearest};
use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::chart::{charts, name_of};
use super::faults::{Failed, Said};
use super::templates::line as line_of_file;
use crate::fault::PlacedFault;
use crate::value_at::value_at;

/// One thing that a schema says.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Refused {
    /// Name of the chart whose schema it is.
    chart: String,
    /// JSON pointer into the values of that chart.
    pointer: String,
    words: String,
    /// What is said of the choices, where there are several.
    choices: Vec<(String, String)>,
}

impl Failed<'_, '_> {
    pub(super) async fn of_schema(&self) -> Vec<PlacedFault> {
        let mut found = Vec::new();
        for refused in read(self.words()) {
            // Each has the words that are about it alone: the order of all of them is another each time.
            let words = format!("at '{}': {}", refused.pointer, refused.words);
            let words = self.release.without_secrets(&words);
            found.extend(self.of_refused(&refused).await.into_iter().map(|fault| PlacedFault {
                detail: Some(words.clone()),
                ..fault
            }));
        }
        found.sort_by(|a, b| (&a.file, a.span.start).cmp(&(&b.file, b.span.start)));
        if found.is_empty() {
            found = self.of_broken_schema().await;
        }
        found
    }

    /// The schema itself is none.
    async fn of_broken_schema(&self) -> Vec<PlacedFault> {
        let tree = self.surroundings.tree;
        let message = "the chart's values.schema.json cannot be used".to_owned();
        let said = Said {
            slug: "bad-chart",
            message,
        };
        for chart in charts(tree, &self.release.request.path) {
            let file = format!("{}/values.schema.json", chart.directory);
            let Some(text) = tree.text(&file) else { continue };
            let line = match serde_json::from_str::<serde::de::IgnoredAny>(text) {
                Err(error) => error.line(),
                Ok(_) => 1,
            };
            if let Some(place) = line_of_file(tree, &file, line) {
                return vec![self.at(&place, said)];
            }
        }
        self.on_the_chart(said).await
    }

    async fn of_refused(&self, refused: &Refused) -> Vec<PlacedFault> {
        let tree = self.surroundings.tree;
        let (prefix, directory) = self.chart_called(&refused.chart);
        let at = |pointer: &str| prefix.join(&self.path_of(pointer, &prefix));
        let path = at(&refused.pointer);
        let words = refused.words.as_str();
        if let Some(rest) = words.strip_prefix("additional properties ") {
            let known = schema_at(tree, &directory, &self.path_of(&refused.pointer, &prefix));
            let known: Vec<String> = known
                .and_then(|schema| Some(schema.get("properties")?.as_object()?.keys().cloned().collect()))
                .unwrap_or_default();
            let mut found = Vec::new();
            for key in quoted(rest) {
                let near = nearest(&key, known.iter().map(String::as_str));
                let hint = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
                let message = format!("\"{key}\" is not allowed here by the chart's schema{hint}");
                let mut path = path.clone();
                path.push_key(key);
                let said = Said {
                    slug: "invalid-value",
                    message,
                };
                found.extend(self.on_value(&path, Want::Key, said).await);
            }
            return found;
        }
        if let Some(rest) = words
            .strip_prefix("missing property ")
            .or_else(|| words.strip_prefix("missing properties "))
        {
            let names = quoted(rest).join("\", \"");
            let message = format!("\"{names}\" is missing here: the chart's schema requires it");
            let said = Said {
                slug: "invalid-value",
                message,
            };
            return self.on_value(&path, Want::Key, said).await;
        }
        // Of several choices the one that is nearest to what is meant goes deepest.
        let deepest = refused.choices.iter().max_by_key(|(pointer, _)| pointer.len());
        if let Some((pointer, words)) = deepest.filter(|(pointer, _)| pointer.len() > refused.pointer.len()) {
            let message = in_yaml(words);
            let said = Said {
                slug: "invalid-value",
                message,
            };
            return self.on_value(&at(pointer), Want::Value, said).await;
        }
        let message = if refused.choices.is_empty() {
            in_yaml(words)
        } else {
            let choices: Vec<String> = refused.choices.iter().map(|(_, words)| in_yaml(words)).collect();
            choices.join("; or ")
        };
        let said = Said {
            slug: "invalid-value",
            message,
        };
        self.on_value(&path, Want::Value, said).await
    }

    /// The keys under which the values of a chart are, and its directory.
    fn chart_called(&self, name: &str) -> (FieldPath, String) {
        let tree = self.surroundings.tree;
        let path = &self.release.request.path;
        if name_of(tree, path).as_deref() != Some(name) {
            let inside = charts(tree, path).into_iter().skip(1);
            for chart in inside {
                if chart.keys.last().is_some_and(|key| key == name) {
                    let keys: Vec<&str> = chart.keys.iter().map(String::as_str).collect();
                    return (super::release::keys(&keys), chart.directory);
                }
            }
        }
        (FieldPath::new(), path.clone())
    }

    /// A JSON pointer as a path: what is a number is an index where a list is.
    fn path_of(&self, pointer: &str, prefix: &FieldPath) -> FieldPath {
        let mut path = FieldPath::new();
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let parent = value_at(self.merged, &prefix.join(&path));
            match part.parse::<usize>() {
                Ok(index) if !parent.is_some_and(Value::is_object) => path.push_index(index),
                _ => path.push_key(part),
            }
        }
        path
    }
}

/// Reads what Helm joins: a line for each chart, and below it what its schema says.
fn read(words: &str) -> Vec<Refused> {
    let mut found: Vec<Refused> = Vec::new();
    let mut chart = String::new();
    for line in words.lines().skip(1) {
        let trimmed = line.trim_start();
        let depth = line.len() - trimmed.len();
        let said = trimmed.strip_prefix("- at '").and_then(|rest| rest.split_once("': "));
        match said {
            Some((pointer, words)) if depth == 0 => found.push(Refused {
                chart: chart.clone(),
                pointer: pointer.to_owned(),
                words: words.to_owned(),
                choices: Vec::new(),
            }),
            Some((pointer, words)) => {
                let choice = (pointer.to_owned(), words.to_owned());
                if let Some(last) = found.last_mut() {
                    last.choices.push(choice);
                }
            }
            None => {
                if let Some(name) = trimmed.strip_suffix(':') {
                    name.clone_into(&mut chart);
                }
            }
        }
    }
    found
}

/// The texts in quotes of a list: `'a', 'b' not allowed`.
fn quoted(words: &str) -> Vec<String> {
    let parts = words.split('\'').enumerate();
    parts
        .filter(|(at, _)| at % 2 == 1)
        .map(|(_, part)| part.to_owned())
        .collect()
}

/// In YAML's words.
fn in_yaml(words: &str) -> String {
    let named = |kind: &str| match kind.trim() {
        "object" => "map".to_owned(),
        "array" => "list".to_owned(),
        kind => kind.to_owned(),
    };
    if let Some((got, want)) = words.strip_prefix("got ").and_then(|rest| rest.split_once(", want ")) {
        let wanted: Vec<String> = want.split(" or ").map(named).collect();
        return format!("expected {}, got {}", wanted.join(" or "), named(got));
    }
    if let Some(allowed) = words.strip_prefix("value must be one of ") {
        return format!("the chart's schema allows only {allowed} here");
    }
    if let Some(allowed) = words.strip_prefix("value must be ") {
        return format!("the chart's schema allows only {allowed} here");
    }
    if let Some((_, pattern)) = words.split_once("' does not match pattern ") {
        return format!("this does not match the pattern {pattern} of the chart's schema");
    }
    format!("the chart's schema refuses this: {words}")
}

/// The part of a chart's schema that is about a path, as far as it is written plainly.
pub(super) fn schema_at(tree: &gitops_model::kustomize::Tree, directory: &str, path: &FieldPath) -> Option<Value> {
    let file = join(directory, "values.schema.json")?;
    let mut schema: Value = serde_json::from_str(tree.text(&file)?).ok()?;
    for step in path.steps() {
        schema = match step {
            Step::Key(key) => {
                let own = schema.get("properties").and_then(|properties| properties.get(&**key));
                own.or_else(|| schema.get("additionalProperties"))?.clone()
            }
            Step::Index(_) => schema.get("items")?.clone(),
        };
    }
    Some(schema)
}

#[cfg(test)]
mod tests {
    use super::{in_yaml, quoted, read};

    #[test]
    fn what_a_schema_says_is_read() {
        let words = "values don't meet the specifications of the schema(s) in the following chart(s):\n\
                     board:\n- at '/cron': additional properties 'a', 'b' not allowed\n\
                     - at '/x': anyOf failed\n  - at '/x': got number, want string\n  - at '/x/y': got null, want object\n\
                     cache:\n- at '': missing property 'size'\n";
        let found = read(words);
        let shown: Vec<String> = found
            .iter()
            .map(|refused| {
                format!(
                    "{} {} {} {}",
                    refused.chart,
                    refused.pointer,
                    refused.words,
                    refused.choices.len()
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "board /cron additional properties 'a', 'b' not allowed 0",
                "board /x anyOf failed 2",
                "cache  missing property 'size' 0"
            ]
        );
        assert_eq!(quoted("'a', 'b' not allowed"), ["a", "b"]);
        assert_eq!(
            in_yaml("got object, want string or array"),
            "expected string or list, got map"
        );
    }
}
