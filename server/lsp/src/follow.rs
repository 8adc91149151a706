//! Findings follow their text: an edit before or behind moves them, an edit of the place itself takes them away.

use gitops_model::{Finding, FixKind};
use gitops_text::Span;

use crate::files::moved;
use crate::parsed::Parsed;

/// Findings about one text as ones about another: those whose place was changed are gone.
pub(crate) fn all(before: &Parsed, after: &Parsed, findings: Vec<Finding>) -> Vec<Finding> {
    let now = |span| moved(before, after, span);
    let followed = findings.into_iter().filter_map(|mut finding| {
        finding.span = now(finding.span)?;
        fixes(&mut finding, now);
        Some(finding)
    });
    followed.collect()
}

/// Lets the edits of a finding follow the text. An edit of what was changed is no fix any more.
pub(crate) fn fixes(finding: &mut Finding, now: impl Fn(Span) -> Option<Span>) {
    finding.fixes.retain_mut(|fix| match &mut fix.kind {
        FixKind::Edit(edits) => edits.iter_mut().all(|(span, _)| match now(*span) {
            Some(moved) => {
                *span = moved;
                true
            }
            None => false,
        }),
        FixKind::TakeOver | FixKind::Recreate => true,
    });
}

#[cfg(test)]
mod tests {
    use gitops_model::{Code, Finding, Fix, FixKind, Severity, Source};
    use gitops_text::{Span, Text};

    use super::all;
    use crate::parsed::Parsed;

    #[test]
    fn a_finding_and_its_fix_move_with_their_text() {
        let parsed = |text: &str| Parsed::new("a.yaml", Text::new(text));
        let two = Span::new(8, 11);
        let finding = Finding {
            code: Code {
                source: Source::Render,
                slug: "x",
            },
            severity: Severity::Error,
            span: two,
            message: String::new(),
            detail: None,
            related: Vec::new(),
            fixes: vec![Fix {
                title: String::new(),
                kind: FixKind::Edit(vec![(two, "three".to_owned())]),
                preferred: true,
            }],
            object: None,
        };
        let before = parsed("a: 1\nb: two\nc: 3\n");
        let places = |after: &str| {
            let followed = all(&before, &parsed(after), vec![finding.clone()]);
            let place = |finding: &Finding| (finding.span, finding.fixes.first().map(|fix| fix.kind.clone()));
            followed.iter().map(place).next()
        };
        let at = |start, end| {
            let span = Span::new(start, end);
            Some((span, Some(FixKind::Edit(vec![(span, "three".to_owned())]))))
        };
        assert_eq!(places("a: 1\nb: two\nc: 4\n"), at(8, 11));
        assert_eq!(places("a: 1\nx: 0\nb: two\nc: 3\n"), at(13, 16));
        assert_eq!(places("a: 1\nb: tow\nc: 3\n"), None);
    }
}
