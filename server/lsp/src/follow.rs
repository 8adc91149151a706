//! Findings follow their text: an edit before or behind moves them, an edit of the place itself takes them away.

use gitops_model::{Finding, Fix, FixKind, Related};
use gitops_text::Span;

/// Where a span of one text is in another; `None` once that part was changed.
pub(crate) fn moved(before: &str, after: &str, span: Span) -> Option<Span> {
    let same_start = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let (start, end) = (span.start as usize, span.end as usize);
    if end < same_start || before.len() == after.len() && same_start == before.len() {
        return Some(span);
    }
    let same_end = before
        .bytes()
        .rev()
        .zip(after.bytes().rev())
        .take_while(|(a, b)| a == b)
        .count();
    if before.len() - same_end > start {
        return None;
    }
    let moved = |offset: usize| u32::try_from(after.len() - (before.len() - offset)).ok();
    Some(Span::new(moved(start)?, moved(end)?))
}

/// A finding about one text as one about another; `None` where what it is about was changed.
pub(crate) fn finding(before: &str, after: &str, finding: &Finding) -> Option<Finding> {
    let related = |related: &Related| {
        let span = match related.file {
            None => moved(before, after, related.span)?,
            Some(_) => related.span,
        };
        Some(Related {
            span,
            ..related.clone()
        })
    };
    Some(Finding {
        span: moved(before, after, finding.span)?,
        related: finding.related.iter().filter_map(related).collect(),
        fixes: finding.fixes.iter().filter_map(|known| fix(before, after, known)).collect(),
        ..finding.clone()
    })
}

fn fix(before: &str, after: &str, fix: &Fix) -> Option<Fix> {
    let FixKind::Edit(edits) = &fix.kind else {
        return Some(fix.clone());
    };
    let edits: Option<Vec<(Span, String)>> = edits
        .iter()
        .map(|(span, text)| Some((moved(before, after, *span)?, text.clone())))
        .collect();
    Some(Fix {
        kind: FixKind::Edit(edits?),
        ..fix.clone()
    })
}

#[cfg(test)]
mod tests {
    use gitops_text::Span;

    use super::moved;

    #[test]
    fn a_place_moves_with_its_text() {
        let before = "a: 1\nb: two\nc: 3\n";
        let two = Span::new(8, 11);
        assert_eq!(moved(before, before, two), Some(two));
        assert_eq!(moved(before, "a: 1\nb: two\nc: 4\n", two), Some(two));
        assert_eq!(moved(before, "a: 1\nx: 0\nb: two\nc: 3\n", two), Some(Span::new(13, 16)));
        assert_eq!(moved(before, "a: 1\nb: tow\nc: 3\n", two), None);
        assert_eq!(moved(before, "", two), None);
    }
}
