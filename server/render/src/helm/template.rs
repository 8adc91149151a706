//! Faults of templates, in the words of Helm's engine (`helm.sh/helm/v4/pkg/engine`) and of Go's `text/template`.

use gitops_model::{Want, nearest};
use gitops_yaml::FieldPath;
use serde_json::Value;

use super::chart::below;
use super::faults::{Failed, Said};
use super::reads::{Reads, chains};
use super::release::keys;
use super::templates::{Location, actions, around, file_of, line, templates, words_of};
use super::values::leaves;
use crate::fault::PlacedFault;
use crate::value_at::value_at;

impl Failed<'_, '_> {
    pub(super) async fn of_template(&self) -> Vec<PlacedFault> {
        let words = self.words();
        if let Some(rest) = words.strip_prefix("parse error ") {
            return self.of_parse_error(rest).await;
        }
        if let Some(rest) = words.strip_prefix("execution error at (")
            && let Some((location, said)) = rest.split_once("): ")
        {
            return self.of_demand(Location::read(location), said).await;
        }
        if let Some(said) = executing(words) {
            return self.of_execution(&said).await;
        }
        if words.contains("kubeVersion") {
            let path = below(&self.release.request.path, "Chart.yaml");
            let text = self.surroundings.tree.text(&path);
            let at = text.and_then(|text| Some((text, text.find("kubeVersion")?)));
            if let Some((text, at)) = at {
                let number = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
                let place = line(self.surroundings.tree, &path, number);
                let said = Said {
                    slug: "bad-chart",
                    message: words.to_owned(),
                };
                return self.at_first(place.into_iter().collect(), said).await;
            }
        }
        self.of_output().await
    }

    /// The text of a template is none.
    async fn of_parse_error(&self, rest: &str) -> Vec<PlacedFault> {
        let (location, said) = rest
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once("): "))
            .unwrap_or(("", rest));
        let message = match said.strip_prefix("function \"").and_then(|rest| rest.split_once('"')) {
            Some((name, _)) => format!("a template cannot call \"{name}\": Helm has no function of this name"),
            None => format!("the template cannot be read: {said}"),
        };
        let said = Said {
            slug: "bad-template",
            message,
        };
        self.in_template(Location::read(location).as_ref(), location, said)
            .await
    }

    /// `required` or `fail` of a template.
    async fn of_demand(&self, location: Option<Location>, said: &str) -> Vec<PlacedFault> {
        if let Some(path) = self.demanded(location.as_ref(), said) {
            return self.of_asked(&path, said).await;
        }
        for path in self.conditions(location.as_ref(), said) {
            if !self.release.suppliers(&path).is_empty() {
                let said = Said {
                    slug: "template-failed",
                    message: said.to_owned(),
                };
                return self.on_value(&path, Want::Value, said).await;
            }
        }
        if let Some(path) = self.culprit().await {
            let said = Said {
                slug: "template-failed",
                message: said.to_owned(),
            };
            return self.on_value(&path, Want::Value, said).await;
        }
        if let Some(field) = self.release_field(location.as_ref(), said) {
            let said = Said {
                slug: "template-failed",
                message: said.to_owned(),
            };
            return self.on_field(&field, Want::Value, said).await;
        }
        if let Some(path) = self.conditions(location.as_ref(), said).into_iter().next() {
            return self.of_asked(&path, said).await;
        }
        let slug = "template-failed";
        let message = said.to_owned();
        let name = location
            .as_ref()
            .map_or("", |location| location.name.as_str())
            .to_owned();
        self.in_template(location.as_ref(), &name, Said { slug, message }).await
    }

    /// The value that `required` asks for with these words.
    fn demanded(&self, location: Option<&Location>, said: &str) -> Option<FieldPath> {
        let literal = format!("\"{}\"", said.replace('\\', "\\\\").replace('"', "\\\""));
        let tree = self.surroundings.tree;
        let own = location.and_then(|location| file_of(tree, &self.release.request.path, &location.name));
        let mut files = templates(tree, &self.release.request.path);
        files.sort_by_key(|(path, _)| Some(path) != own.as_ref());
        let mut found = None;
        for (file, text) in files {
            for (start, action) in actions(text) {
                let Some((before, after)) = action.split_once(&literal) else {
                    continue;
                };
                if !before.contains("required") {
                    continue;
                }
                let path = chains(after).into_iter().next().or_else(|| chains(before).pop());
                let number = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
                let is_here = Some(&file) == own.as_ref() && location.is_some_and(|location| location.line == number);
                if is_here && path.is_some() {
                    return path;
                }
                found = found.or(path);
            }
        }
        found.or_else(|| {
            // The words are put together elsewhere: what the place itself asks for.
            let location = location?;
            let text = tree.text(own.as_ref()?)?;
            let line = text.lines().nth(location.line.checked_sub(1)?)?;
            let action = line.get(location.column..)?.split("}}").next()?;
            action
                .contains("required")
                .then(|| chains(action).into_iter().next_back())?
        })
    }

    /// The values that the conditions around a `fail` read, the innermost first.
    fn conditions(&self, location: Option<&Location>, said: &str) -> Vec<FieldPath> {
        let around = self.around(location, said);
        around
            .iter()
            .flat_map(|words| chains(words))
            .filter(|path| !path.is_empty())
            .collect()
    }

    /// The field of the release that the conditions around a `fail` read.
    fn release_field(&self, location: Option<&Location>, said: &str) -> Option<FieldPath> {
        let around = self.around(location, said);
        let object = &self.surroundings.objects.get(self.release.object?)?.object;
        let written = |choices: [&[&str]; 2]| {
            let paths = choices.map(keys);
            paths.into_iter().find(|path| value_at(object, path).is_some())
        };
        around.iter().find_map(|words| {
            if words.contains(".Release.Namespace") {
                written([&["spec", "targetNamespace"], &["metadata", "namespace"]])
            } else if words.contains(".Release.Name") {
                written([&["spec", "releaseName"], &["metadata", "name"]])
            } else {
                None
            }
        })
    }

    fn around(&self, location: Option<&Location>, said: &str) -> Vec<&str> {
        let tree = self.surroundings.tree;
        let chart = self.release.request.path.as_str();
        let literal = format!("\"{said}\"");
        let files = templates(tree, chart);
        let by_words = files.iter().find_map(|(_, text)| Some((*text, text.find(&literal)?)));
        let by_location = || {
            let location = location?;
            let file = file_of(tree, chart, &location.name)?;
            let text: &str = tree.text(&file)?;
            let before: usize = text
                .split_inclusive('\n')
                .take(location.line.saturating_sub(1))
                .map(str::len)
                .sum();
            Some((text, before + location.column))
        };
        // An action starts before its words.
        by_words.or_else(by_location).map_or_else(Vec::new, |(text, at)| {
            let start = text.get(..at).and_then(|before| before.rfind("{{")).unwrap_or(at);
            around(text, start)
        })
    }

    /// Something failed while a template was at an expression.
    async fn of_execution(&self, said: &Executing) -> Vec<PlacedFault> {
        let words = said.words.as_str();
        let path = chains(&said.expression).into_iter().find(|path| !path.is_empty());
        let is_missing = words.contains("nil pointer") || words.contains("can't evaluate field");
        if let Some(path) = path.clone().filter(|_| is_missing) {
            let message = format!("the chart reads {path}, which is not there");
            return self.of_asked(&path, &message).await;
        }
        // What Helm itself has is nobody's value, though one may decide whether it is asked for at all.
        let is_of_helm = path.is_none() && is_of_helm(&said.expression);
        if is_missing && is_of_helm {
            let message = format!("the template reads {}: {}", said.expression, plain(words));
            let slug = "template-failed";
            return self
                .in_template(Some(&said.location), &said.location.name, Said { slug, message })
                .await;
        }
        // What it is at goes before what decides whether it comes there.
        let own = path.clone().filter(|path| !self.release.suppliers(path).is_empty());
        let culprit = match own {
            Some(own) if self.surroundings.mends_without(&self.release.request, &own).await => Some(own),
            _ => self.culprit().await,
        };
        if let Some(path) = culprit {
            let message = format!("the chart cannot use this value: {}", plain(words));
            let said = Said {
                slug: "template-failed",
                message,
            };
            return self.on_value(&path, Want::Value, said).await;
        }
        let context = || {
            let around = self.around(Some(&said.location), "\u{0}");
            let mut paths = around.iter().flat_map(|words| chains(words));
            paths.find(|path| !path.is_empty())
        };
        let is_given = |path: &FieldPath| !self.release.suppliers(path).is_empty();
        if let Some(path) = path.or_else(context).filter(is_given) {
            let message = format!("the chart cannot use this value: {}", plain(words));
            let said = Said {
                slug: "template-failed",
                message,
            };
            return self.on_value(&path, Want::Value, said).await;
        }
        let message = format!("the template fails at {}: {}", said.expression, plain(words));
        let slug = "template-failed";
        self.in_template(Some(&said.location), &said.location.name, Said { slug, message })
            .await
    }

    /// A value that a template asked for: itself, what stands for it, or the nearest around it.
    pub(super) async fn of_asked(&self, path: &FieldPath, words: &str) -> Vec<PlacedFault> {
        let slug = "template-failed";
        let message = words.to_owned();
        for length in 0..path.len() {
            let part = path.prefix(length);
            let Some(value) = value_at(self.merged, &part) else {
                break;
            };
            let Some(entries) = value.as_object() else {
                let message = format!(
                    "the chart reads {path}, so a map is expected here, not {}",
                    named(value)
                );
                return self.on_value(&part, Want::Value, Said { slug, message }).await;
            };
            let rest: FieldPath = path.steps().iter().skip(length).cloned().collect();
            let dotted = rest.to_string();
            if rest.len() > 1 && entries.contains_key(&dotted) {
                let message = format!(
                    "{words}: values are nested, and \"{dotted}\" is one key with dots in it; write each part as a key of its own, below the one before"
                );
                let mut at = part;
                at.push_key(dotted);
                return self.on_value(&at, Want::Key, Said { slug, message }).await;
            }
        }
        let is_there = value_at(self.merged, path).is_some_and(|value| !value.is_null());
        if !is_there && let Some(meant) = self.meant(path) {
            let message = format!("{words}; the chart reads {path}, not {meant}");
            return self.on_value(&meant, Want::Key, Said { slug, message }).await;
        }
        let places = self.surroundings.places_of_value(self.release, path, Want::Value).await;
        self.at_first(places, Said { slug, message }).await
    }

    /// A value that nothing reads and that was probably meant to be one that is asked for.
    fn meant(&self, path: &FieldPath) -> Option<FieldPath> {
        let key = path.last_key()?;
        let reads = Reads::of(self.surroundings.tree, &self.release.request.path);
        let is_unread = |given: &FieldPath| !reads.may_read(given, &[]);
        let mut unread: Vec<FieldPath> = Vec::new();
        for leaf in leaves(self.merged) {
            let first = (1..=leaf.len()).map(|length| leaf.prefix(length)).find(&is_unread);
            unread.extend(first.filter(|first| !unread.contains(first)));
        }
        // One that is misspelled stands beside it; one of the same name can stand anywhere.
        let beside = unread.iter().filter(|given| given.parent() == path.parent());
        let names: Vec<&str> = beside.filter_map(FieldPath::last_key).collect();
        if let Some(name) = nearest(key, names) {
            let mut meant = path.parent()?;
            meant.push_key(name);
            return Some(meant);
        }
        let same = unread.into_iter().find(|given| given.last_key() == Some(key));
        same.or_else(|| {
            // One level of the nesting is written otherwise.
            let parent = path.parent().filter(|parent| !parent.is_empty())?;
            if value_at(self.merged, &parent).is_some() {
                return None;
            }
            self.meant_above(&parent, &reads)
        })
    }

    fn meant_above(&self, path: &FieldPath, reads: &Reads) -> Option<FieldPath> {
        let around = path.parent()?;
        let entries = value_at(self.merged, &around)?.as_object()?;
        let beside = entries.keys().filter(|key| {
            let mut given = around.clone();
            given.push_key(key.as_str());
            !reads.may_read(&given, &[])
        });
        let name = nearest(path.last_key()?, beside.map(String::as_str))?;
        let mut meant = around;
        meant.push_key(name);
        Some(meant)
    }

    /// In a template, if it is in the tree; else on the chart.
    async fn in_template(&self, location: Option<&Location>, name: &str, said: Said) -> Vec<PlacedFault> {
        let tree = self.surroundings.tree;
        let name = location.map_or(name, |location| location.name.as_str());
        let place = file_of(tree, &self.release.request.path, name)
            .and_then(|file| line(tree, &file, location.map_or(1, |location| location.line)));
        match place {
            Some(place) => vec![self.at(&place, said)],
            None => self.on_the_chart(said).await,
        }
    }

    /// The value without which there is no fault: the user's own, else one of the chart's.
    pub(super) async fn culprit(&self) -> Option<FieldPath> {
        let request = &self.release.request;
        if let Some(found) = self.surroundings.culprit(request, self.merged).await {
            return Some(found);
        }
        let mut own = Vec::new();
        for default in self.surroundings.defaults(self.release) {
            let leaves = leaves(&default.value).into_iter().map(|leaf| default.outer(&leaf));
            own.extend(leaves.filter(|leaf| value_at(self.merged, leaf).is_none()));
        }
        self.surroundings.culprit_among(request, &own).await
    }
}

/// What a template was at when it failed.
struct Executing {
    location: Location,
    expression: String,
    words: String,
}

/// The innermost step that Helm names: place, `executing "…" at <…>:`, words.
fn executing(words: &str) -> Option<Executing> {
    let lines: Vec<&str> = words.lines().map(str::trim).collect();
    let at = lines.iter().rposition(|line| line.starts_with("executing \""))?;
    let expression = lines
        .get(at)?
        .split_once(" at <")?
        .1
        .trim_end_matches(':')
        .trim_end_matches('>');
    let before = lines.get(..at)?;
    let location = before.iter().rev().find_map(|line| Location::read(line))?;
    let words = lines.get(at + 1..).unwrap_or_default().join(" ");
    Some(Executing {
        location,
        expression: words_of(expression).to_owned(),
        words,
    })
}

/// Whether an expression reads one of the objects that Helm itself gives to templates
/// (`helm.sh/helm/v4/pkg/chart/common/util`: `ToRenderValues`, and the engine's `Template` and `Files`).
fn is_of_helm(expression: &str) -> bool {
    let built_in = ["Release", "Chart", "Capabilities", "Template", "Files", "Subcharts"];
    expression
        .split('.')
        .nth(1)
        .is_some_and(|first| built_in.contains(&first))
}

/// Go's words for types in YAML's.
pub(super) fn plain(words: &str) -> String {
    let words = words
        .replace("map[string]interface {}", "map")
        .replace("[]interface {}", "list");
    words.replace("interface {}", "value")
}

/// What a value is, in YAML's words.
fn named(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

#[cfg(test)]
mod tests {
    use super::executing;

    #[test]
    fn the_innermost_step_counts() {
        let words = "tile/templates/set.yaml:4:6\n  executing \"tile/templates/set.yaml\" at <include \"x\" .>:\n    error calling include:\ntile/templates/_helpers.tpl:2:12\n  executing \"x\" at <.Values.a.b>:\n    nil pointer evaluating interface {}.b";
        let said = executing(words).expect("it is read");
        assert_eq!(said.location.line, 2);
        assert_eq!(said.expression, ".Values.a.b");
        assert_eq!(said.words, "nil pointer evaluating interface {}.b");
    }
}
