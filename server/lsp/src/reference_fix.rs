//! What is written in place of a name that names nothing.

use gitops_model::{Fix, FixKind};
use gitops_text::Span;

/// The place of a part of a text that begins with a span; a text of several lines goes on behind it.
pub(crate) fn part_of(text: &str, span: Span, part: &str) -> Option<Span> {
    let start = span.start as usize;
    let at = start + text.get(start..)?.find(part)?;
    Some(Span::new(u32::try_from(at).ok()?, u32::try_from(at + part.len()).ok()?))
}

/// Another name in place of one, in the quotes that are there.
pub(crate) fn written_instead(text: &str, span: Span, instead: &str) -> Option<Fix> {
    let written = span.slice(text);
    let quote = written.chars().next().filter(|first| matches!(first, '"' | '\''));
    let new = match quote {
        Some(quote) if written.len() > 1 && written.ends_with(quote) => format!("{quote}{instead}{quote}"),
        Some(_) => return None,
        None if written.is_empty() || written.contains('\n') => return None,
        None => instead.to_owned(),
    };
    Some(Fix {
        title: format!("Write {instead}"),
        kind: FixKind::Edit(vec![(span, new)]),
        preferred: true,
    })
}

#[cfg(test)]
mod tests {
    use gitops_model::FixKind;
    use gitops_text::Span;

    use super::{part_of, written_instead};

    #[test]
    fn a_name_is_written_in_the_quotes_that_are_there() {
        let put = |text: &str| {
            let span = Span::new(0, u32::try_from(text.len()).ok()?);
            match written_instead(text, span, "web")?.kind {
                FixKind::Edit(edits) => edits.into_iter().next().map(|(_, new)| new),
                _ => None,
            }
        };
        assert_eq!(put("wbe").as_deref(), Some("web"));
        assert_eq!(put("\"wbe\"").as_deref(), Some("\"web\""));
        assert_eq!(put("'wbe'").as_deref(), Some("'web'"));
        assert_eq!(put("\"wbe").as_deref(), None);
        assert_eq!(put(""), None);
    }

    #[test]
    fn a_part_may_stand_behind_the_first_line() {
        let text = "a: |\n  one\n  ${two}\n";
        let span = part_of(text, Span::new(3, 4), "${two}").map(|span| span.slice(text).to_owned());
        assert_eq!(span.as_deref(), Some("${two}"));
    }
}
