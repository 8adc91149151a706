//! Places in the templates of a chart.

use gitops_model::Supplier;
use gitops_model::kustomize::{Tree, join};
use gitops_text::Span;

use super::chart::{below, charts, dependencies, name_of};
use crate::origins::Place;

/// A place as Helm names it: `tile/templates/set.yaml:12:26`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Location {
    /// Name of the template.
    pub(super) name: String,
    /// From 1.
    pub(super) line: usize,
    /// In bytes from 0.
    pub(super) column: usize,
}

impl Location {
    /// Reads `name:line:column` or `name:line`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts: Vec<&str> = text.trim().split(':').collect();
        let mut numbers = Vec::new();
        while let Some(number) = parts.last().and_then(|part| part.parse::<usize>().ok()) {
            numbers.insert(0, number);
            parts.pop();
        }
        Some(Self {
            name: parts.join(":"),
            line: *numbers.first()?,
            column: numbers.get(1).copied().unwrap_or(0),
        })
    }
}

/// The file of a template by the name that Helm gives it: the names of charts, then the path in the innermost one.
pub(super) fn file_of(tree: &Tree, chart: &str, name: &str) -> Option<String> {
    let (_, below) = name.split_once('/')?;
    let own = join(chart, below)?;
    if tree.text(&own).is_some() {
        return Some(own);
    }
    let rest = below.strip_prefix("charts/")?;
    let (sub, _) = rest.split_once('/')?;
    // A directory can have another name than its chart, and a dependency can lie beside.
    let directory = dependencies(tree, chart)
        .into_iter()
        .filter(|dependency| dependency.name == sub || dependency.alias == sub)
        .find_map(|dependency| join(chart, dependency.repository.strip_prefix("file://")?))
        .or_else(|| {
            let inside = charts(tree, chart).into_iter().skip(1);
            let mut found = inside.filter(|inside| name_of(tree, &inside.directory).as_deref() == Some(sub));
            found.next().map(|inside| inside.directory)
        })?;
    file_of(tree, &directory, rest)
}

/// The templates of a chart and of those in it: path and text.
pub(super) fn templates<'a>(tree: &'a Tree, chart: &str) -> Vec<(String, &'a str)> {
    let mut paths: Vec<String> = Vec::new();
    for inside in charts(tree, chart) {
        let templates = below(&inside.directory, "templates");
        paths.extend(tree.below(&templates).map(|(path, _)| path.to_string()));
    }
    paths.dedup();
    let texts = paths.into_iter().filter_map(|path| {
        let text: &str = tree.text(&path)?;
        Some((path, text))
    });
    texts.collect()
}

/// A line of a template, without what stands around its words.
pub(super) fn line(tree: &Tree, file: &str, number: usize) -> Option<Place> {
    let span = span_of_line(tree.text(file)?, number)?;
    Some(Place::in_text(file, span, Supplier::Template))
}

/// The words of a line, from 1; of the last one for a line that is not there.
pub(super) fn span_of_line(text: &str, number: usize) -> Option<Span> {
    let mut start = 0;
    let mut last = Span::empty(0);
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let words = line.trim();
        if !words.is_empty() {
            let from = start + (line.len() - line.trim_start().len());
            last = span(from, words.len())?;
        }
        if at + 1 == number.max(1) {
            return Some(last);
        }
        start += line.len();
    }
    Some(last)
}

pub(super) fn span(start: usize, length: usize) -> Option<Span> {
    Some(Span::new(
        u32::try_from(start).ok()?,
        u32::try_from(start.checked_add(length)?).ok()?,
    ))
}

/// The actions (`{{ … }}`) of a template: where each starts, and what stands in it.
pub(super) fn actions(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find("{{")).map(|at| at + from) {
        let inside = text.get(start + 2..).unwrap_or_default();
        let Some(length) = inside.find("}}") else { break };
        found.push((start, inside.get(..length).unwrap_or_default()));
        from = start + 2 + length + 2;
    }
    found
}

/// What stands in an action without the marks that trim blanks.
pub(super) fn words_of(action: &str) -> &str {
    let action = action.strip_prefix('-').unwrap_or(action);
    action.strip_suffix('-').unwrap_or(action).trim()
}

/// The actions that are around an offset of a template (`if`, `range`, `with`), the innermost first.
pub(super) fn around(text: &str, offset: usize) -> Vec<&str> {
    let mut open: Vec<&str> = Vec::new();
    for (start, action) in actions(text) {
        if start >= offset {
            break;
        }
        let words = words_of(action);
        match words.split_whitespace().next() {
            Some("if" | "range" | "with" | "define" | "block") => open.push(words),
            Some("else") => {
                open.pop();
                open.push(words);
            }
            Some("end") => {
                open.pop();
            }
            _ => {}
        }
    }
    open.reverse();
    open
}

/// The objects of a template's text: where each starts, and its text.
pub(super) fn documents(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" {
            found.push((start, text.get(start..offset).unwrap_or_default()));
            start = offset + line.len();
        }
        offset += line.len();
    }
    found.push((start, text.get(start..).unwrap_or_default()));
    found
}

#[cfg(test)]
mod tests {
    use super::{Location, around, span_of_line};

    #[test]
    fn a_location_is_read() {
        let read = |text| Location::read(text).map(|read| (read.name, read.line, read.column));
        assert_eq!(
            read("tile/templates/a.yaml:12:26"),
            Some(("tile/templates/a.yaml".to_owned(), 12, 26))
        );
        assert_eq!(
            read("tile/templates/a.yaml:8"),
            Some(("tile/templates/a.yaml".to_owned(), 8, 0))
        );
        assert_eq!(read("tile/templates/a.yaml"), None);
    }

    #[test]
    fn what_is_around_is_told() {
        let text = "{{ if .a }}{{ end }}{{- range .b -}}{{ with .c }}{{ end }}{{ if .d }}x{{ else if .e }}HERE";
        assert_eq!(around(text, text.len()), ["else if .e", "range .b"]);
    }

    #[test]
    fn a_line_is_its_words() {
        let span = |number| span_of_line("a: b\n  c: d  \n", number).map(|span| (span.start, span.end));
        assert_eq!(span(2), Some((7, 11)));
        assert_eq!(span(9), Some((7, 11)));
    }
}
