//! What can be done about a variable that cannot be substituted, or whose value is not of the type that is wanted.

use std::collections::{BTreeMap, BTreeSet};

use gitops_cluster::answer::{Answer, Suggestion};
use gitops_model::{Finding, Fix, FixKind, Supplier, nearest};
use gitops_render::Fault;
use gitops_render::origins::Place;
use gitops_text::Span;

use super::Findings;
use super::worker::Worker;

/// Adds to each finding about a `${…}` what can be done there: the name that was meant, where one is near, or a second
/// `$`, which keeps the text as it is.
pub(super) fn mend(worker: &Worker, faults: &[(usize, Fault)], findings: &mut Findings) {
    let units = faults
        .iter()
        .filter_map(|(number, _)| worker.units.get(*number)?.variables());
    let known: BTreeSet<&str> = units.flat_map(BTreeMap::keys).map(String::as_str).collect();
    for (name, findings) in findings {
        let path = worker.path_of(name);
        let Some(text) = path.and_then(|path| worker.tree.texts().text(&path)) else {
            continue;
        };
        let of_variables =
            |finding: &&mut Finding| matches!(finding.code.slug, "variable-not-set" | "bad-substitution");
        for finding in findings.iter_mut().filter(of_variables) {
            mend_one(finding, text, &known);
        }
    }
}

/// Whether what stands at a place is the value of a variable, or names one.
pub(super) fn is_substituted(place: &Place) -> bool {
    place.origin.supplier == Supplier::Substitution || place.written().is_some_and(|written| written.contains("${"))
}

/// Quotes around the value of a variable are gone when it is put in, and those around `${…}` as well: what was built is
/// written anew before that (`fluxcd/pkg/kustomize`, `SubstituteVariables`). Only quotes in the value itself are left.
pub(super) fn with_quotes_of_its_own(answer: &mut Answer, place: &Place) {
    answer.suggestion = Suggestion::None;
    if let Some(before) = answer.message.strip_suffix("put it in quotes") {
        answer.message = format!("{before}the value of the variable needs quotes of its own");
    }
    let written = place.written().filter(|_| place.is_exact);
    let instead = written.and_then(|written| match place.origin.supplier {
        Supplier::Substitution => value_in_quotes(&written),
        _ => default_in_quotes(&written),
    });
    if let Some(instead) = instead {
        answer.path = place.origin.path.clone();
        answer.suggestion = Suggestion::Replace(vec![instead]);
    }
}

/// A value with quotes of its own, as YAML: `'"8080"'`.
fn value_in_quotes(value: &str) -> Option<String> {
    is_plain(value).then(|| format!("'\"{value}\"'"))
}

/// A variable whose default gets quotes of its own, as YAML: `${port:="8080"}`.
fn default_in_quotes(written: &str) -> Option<String> {
    let inside = written.strip_prefix("${")?.strip_suffix('}')?;
    let at = inside.find(":=").or_else(|| inside.find(":-"))?;
    let (name, default) = (inside.get(..at + 2)?, inside.get(at + 2..)?);
    (is_plain(default) && !default.contains(['$', '{', '}'])).then(|| format!("${{{name}\"{default}\"}}"))
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains(['"', '\\', '\'', '\n'])
}

fn mend_one(finding: &mut Finding, text: &str, known: &BTreeSet<&str>) {
    let written = finding.span.slice(text);
    let Some(inside) = written.strip_prefix("${") else {
        return;
    };
    let length = inside
        .find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
        .unwrap_or(inside.len());
    let name = inside.get(..length).unwrap_or_default();
    let near = nearest(name, known.iter().copied());
    if let Some(near) = near.filter(|_| finding.code.slug == "variable-not-set") {
        finding.message = format!("{}; did you mean ${{{near}}}?", finding.message);
        let start = finding.span.start.saturating_add(2);
        let end = start.saturating_add(u32::try_from(name.len()).unwrap_or_default());
        finding.fixes.push(Fix {
            title: format!("Write ${{{near}}}"),
            kind: FixKind::Edit(vec![(Span::new(start, end), near.to_owned())]),
            preferred: true,
        });
    }
    finding.fixes.push(Fix {
        title: "Keep it as text: write $${…}".to_owned(),
        kind: FixKind::Edit(vec![(Span::empty(finding.span.start), "$".to_owned())]),
        preferred: false,
    });
}

#[cfg(test)]
mod tests {
    use super::{default_in_quotes, value_in_quotes};

    #[test]
    fn quotes_are_put_where_they_stay() {
        assert_eq!(value_in_quotes("8080").as_deref(), Some("'\"8080\"'"));
        assert_eq!(value_in_quotes("it's"), None);
        assert_eq!(default_in_quotes("${port:=8080}").as_deref(), Some("${port:=\"8080\"}"));
        assert_eq!(default_in_quotes("${port:-8080}").as_deref(), Some("${port:-\"8080\"}"));
        for other in ["${port}", "${port:=}", "a${port:=1}", "${port:=${other}}"] {
            assert_eq!(default_in_quotes(other), None, "{other}");
        }
    }
}
