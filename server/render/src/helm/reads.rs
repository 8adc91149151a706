//! Which values a chart reads, told by the texts of its templates.
//!
//! Every chain that begins with `Values` counts, whoever's variable it hangs on: `.Values.a.b`, `$.Values.a`,
//! `$root.Values.a`. What is below its end counts as read, too, since the chain can be handed on as a whole.

use gitops_model::kustomize::Tree;
use gitops_yaml::{FieldPath, Step};

use super::chart::{charts, dependencies};
use super::release::keys;
use super::templates::templates;

/// The chains in a text, from their first key on.
pub(super) fn chains(text: &str) -> Vec<FieldPath> {
    let mut found = Vec::new();
    for (at, word) in text.match_indices("Values") {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + word.len()..).unwrap_or_default();
        if !before.ends_with('.') || after.starts_with(|next: char| next.is_alphanumeric() || next == '_') {
            continue;
        }
        let mut path = FieldPath::new();
        let mut rest = after;
        while let Some(next) = rest.strip_prefix('.') {
            let end = next
                .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
                .unwrap_or(next.len());
            let (name, after) = next.split_at_checked(end).unwrap_or((next, ""));
            if name.is_empty() {
                break;
            }
            path.push_key(name);
            rest = after;
        }
        if is_indexed(before) {
            push_indices(rest, &mut path);
        }
        found.push(path);
    }
    found
}

/// Whether what follows are the arguments of `index`: `index .Values "a" "b"`.
fn is_indexed(before: &str) -> bool {
    let start = before.rfind(['{', '(', '|', '}']).map_or(0, |at| at + 1);
    let words = before.get(start..).unwrap_or_default();
    let mut words = words.trim_start_matches('-').split_whitespace();
    words.next() == Some("index") && words.next().is_some_and(|word| word == "." || word == "$.")
}

fn push_indices(rest: &str, path: &mut FieldPath) {
    let mut rest = rest.trim_start();
    while let Some(text) = rest.strip_prefix('"') {
        let Some((name, after)) = text.split_once('"') else {
            return;
        };
        path.push_key(name);
        rest = after.trim_start();
    }
}

/// What a chart reads.
#[derive(Debug, Default)]
pub(super) struct Reads {
    paths: Vec<FieldPath>,
    /// Keys of charts in it, from which it takes over values, so that nothing is sure about them.
    exporting: Vec<FieldPath>,
}

impl Reads {
    /// Of the chart in a directory, with all charts in it.
    pub(super) fn of(tree: &Tree, chart: &str) -> Self {
        let mut reads = Self::default();
        for (_, text) in templates(tree, chart) {
            reads.paths.extend(chains(text));
        }
        for inside in charts(tree, chart) {
            let names: Vec<&str> = inside.keys.iter().map(String::as_str).collect();
            let prefix = keys(&names);
            for dependency in dependencies(tree, &inside.directory) {
                for condition in dependency.condition.split(',').filter(|path| !path.is_empty()) {
                    let parts: Vec<&str> = condition.trim().split('.').collect();
                    reads.paths.push(prefix.join(&keys(&parts)));
                }
                if dependency.exports {
                    let key = if dependency.alias.is_empty() {
                        &dependency.name
                    } else {
                        &dependency.alias
                    };
                    reads.exporting.push(prefix.join(&keys(&[key])));
                }
            }
        }
        reads.paths.sort();
        reads.paths.dedup();
        reads
    }

    /// Adds what else reads values.
    pub(super) fn add(&mut self, chains: Vec<FieldPath>) {
        self.paths.extend(chains);
    }

    /// The chains.
    pub(super) fn paths(&self) -> &[FieldPath] {
        &self.paths
    }

    /// Whether a value may be read. `charts` are the keys of the charts inside, whose templates read without them.
    pub(super) fn may_read(&self, path: &FieldPath, charts: &[FieldPath]) -> bool {
        let is_special = matches!(path.steps().first(), Some(Step::Key(key)) if &**key == "tags");
        if is_special || self.exporting.iter().any(|exporting| path.starts_with(exporting)) {
            return true;
        }
        let inner = charts
            .iter()
            .filter(|chart| !chart.is_empty() && path.starts_with(chart));
        let inner = inner.map(|chart| path.steps().iter().skip(chart.len()).cloned().collect::<FieldPath>());
        std::iter::once(path.clone()).chain(inner).any(|path| {
            self.paths
                .iter()
                .any(|read| path.starts_with(read) || read.starts_with(&path))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::chains;

    #[test]
    fn chains_are_read() {
        for (text, read) in [
            ("{{ .Values.a.b }}", &["a.b"][..]),
            ("{{- with $.Values.a -}}", &["a"]),
            ("{{ $root.Values.a_b | quote }}", &["a_b"]),
            ("{{ ((.Values.a).b).c }}", &["a"]),
            ("{{ toYaml .Values }}", &[""]),
            ("{{ index .Values \"a-b\" \"c\" }}", &["a-b.c"]),
            ("{{ if (index .Values.x \"a-b\").c }}", &["x.a-b"]),
            ("{{ (index $.Values.x \"a\") }} {{ .Values.y }}", &["x.a", "y"]),
            ("{{ .ValuesOf }} MyValues.a", &[]),
        ] {
            let found: Vec<String> = chains(text).iter().map(ToString::to_string).collect();
            assert_eq!(found, read, "{text}");
        }
    }
}
