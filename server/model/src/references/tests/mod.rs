//! Objects with a mark under each line that something is said of.
//!
//! A section `#- NAMESPACE/NAME` is what that Flux Kustomization builds, `#- entry` what nobody builds who is there.

mod flux;
mod routes;
mod silent;
mod sound;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use gitops_text::Span;
use gitops_yaml::{Dialect, FieldPath, Parse, parse};
use serde_json::Value;

use super::{ObjectFinding, ReadObject, Scene, findings, variables_in};
use crate::place::place;

/// The objects of one Kustomization.
struct Section {
    header: String,
    text: String,
    parse: Parse,
}

fn sections(fixture: &str) -> Vec<Section> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in fixture.lines().filter(|line| !is_mark(line)) {
        if let Some(header) = line.strip_prefix("#- ") {
            sections.push((header.to_owned(), String::new()));
        } else if let Some((_, text)) = sections.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    let read = |(header, text): (String, String)| Section {
        header,
        parse: parse(&text),
        text,
    };
    sections.into_iter().map(read).collect()
}

fn is_mark(line: &str) -> bool {
    line.strip_prefix('#')
        .is_some_and(|rest| rest.trim_start().starts_with('^'))
}

/// What is said, with the section and the document of the object that it is about.
fn found(sections: &[Section], is_flux: bool) -> Vec<(usize, usize, ObjectFinding)> {
    let mut places = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    for (number, section) in sections.iter().enumerate() {
        for (document, tree) in section.parse.documents.iter().enumerate() {
            if let Ok(value @ Value::Object(_)) = tree.to_json(&section.text, Dialect::Kustomize) {
                places.push((number, document));
                values.push(value);
            }
        }
    }
    let objects: Vec<&Value> = values.iter().collect();
    let name = |value: &Value| {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        format!("{}/{}", text("/metadata/namespace"), text("/metadata/name"))
    };
    let is_kustomization = |value: &Value| value["kind"] == "Kustomization";
    let owner_of = |header: &str| {
        objects
            .iter()
            .position(|value| is_kustomization(value) && name(value) == header)
    };
    let owners: Vec<Option<usize>> = places
        .iter()
        .map(|(section, _)| owner_of(&sections[*section].header))
        .collect();
    let variables: Vec<Option<BTreeSet<String>>> = objects
        .iter()
        .map(|value| {
            let section = sections
                .iter()
                .find(|section| is_kustomization(value) && section.header == name(value));
            section.map(|section| variables_in(&section.text))
        })
        .collect();
    let written: Vec<Option<&str>> = objects
        .iter()
        .map(|value| value.pointer("/metadata/annotations/written").and_then(Value::as_str))
        .collect();
    let read: Vec<ReadObject> = values.iter().map(ReadObject::of).collect();
    let read: Vec<&ReadObject> = read.iter().collect();
    let scene = Scene {
        objects: &objects,
        read: &read,
        owners: &owners,
        written_names: &written,
        variables: &variables,
        given: &[],
        repository: Some("https://example.org/fleet"),
        is_flux,
    };
    findings(scene)
        .into_iter()
        .map(|finding| (places[finding.object].0, places[finding.object].1, finding))
        .collect()
}

fn rendered(sections: &[Section], found: &[(usize, usize, ObjectFinding)]) -> String {
    let mut shown = String::new();
    for (number, section) in sections.iter().enumerate() {
        let mut marks: Vec<(Span, &ObjectFinding)> = found
            .iter()
            .filter(|(of, ..)| *of == number)
            .map(|(_, document, finding)| (span(section, *document, finding), finding))
            .collect();
        marks.sort_by_key(|(span, finding)| (span.start, &finding.message));
        let _ = writeln!(shown, "#- {}", section.header);
        let mut start = 0;
        for line in section.text.split_inclusive('\n') {
            let end = start + line.len();
            shown.push_str(line);
            for (span, finding) in &marks {
                if (start..end).contains(&(span.start as usize)) {
                    let column = (span.start as usize - start).max(1);
                    let length = (span.end as usize - start)
                        .min(line.trim_end().len())
                        .saturating_sub(column)
                        .max(1);
                    let severity = format!("{:?}", finding.severity).to_lowercase();
                    let _ = writeln!(
                        shown,
                        "#{}{} {severity} {}: {}",
                        " ".repeat(column - 1),
                        "^".repeat(length),
                        finding.slug,
                        finding.message
                    );
                }
            }
            start = end;
        }
    }
    shown
}

fn span(section: &Section, document: usize, finding: &ObjectFinding) -> Span {
    let tree = &section.parse.documents[document];
    let span = place(tree, &section.text, &FieldPath::new(), &finding.path, finding.want);
    let Some(part) = &finding.part else { return span };
    let at = section.text[span.start as usize..]
        .find(part.as_str())
        .expect("the part is there");
    let start = span.start + u32::try_from(at).expect("small");
    Span::new(start, start + u32::try_from(part.len()).expect("small"))
}

/// What is said of objects that Flux applies is what the marks say, and nothing else.
fn check(fixture: &str) {
    compare(fixture, true);
}

/// The same of plain manifests.
fn check_plain(fixture: &str) {
    compare(fixture, false);
}

fn compare(fixture: &str, is_flux: bool) {
    let sections = sections(fixture);
    let shown = rendered(&sections, &found(&sections, is_flux));
    let wanted = fixture.trim_start_matches('\n');
    assert!(shown == wanted, "wanted:\n{wanted}\nbut it is:\n{shown}");
}
