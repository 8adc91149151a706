//! Findings in a terminal: file, line, caret, code, what to do.

use std::io::IsTerminal;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use gitops_model::{Finding, FixKind, Severity};
use gitops_text::Span;

/// Whether colours are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Palette {
    /// As the terminal shows them.
    Colours,
    /// Text alone: for files, pipes, CI, and where `NO_COLOR` is set.
    Plain,
}

impl Palette {
    /// For what is printed to standard output.
    pub(crate) fn for_stdout() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        if wanted && std::io::stdout().is_terminal() {
            Self::Colours
        } else {
            Self::Plain
        }
    }
}

/// One finding as a compiler prints it.
pub(crate) fn render(path: &str, text: &str, finding: &Finding, palette: Palette) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Information => Level::INFO,
        Severity::Hint => Level::HELP,
    };
    let code = finding.code.to_string();
    let mut snippet = Snippet::source(text)
        .path(path)
        .fold(true)
        .annotation(AnnotationKind::Primary.span(shown(text, finding.span)));
    for related in finding.related.iter().filter(|related| related.file.is_none()) {
        snippet = snippet.annotation(
            AnnotationKind::Context
                .span(shown(text, related.span))
                .label(&related.message),
        );
    }
    let mut group = Group::with_title(level.primary_title(&finding.message).id(&code)).element(snippet);
    for fix in finding.fixes.iter().take(3) {
        let how = match fix.kind {
            FixKind::Edit(_) => fix.title.clone(),
            FixKind::TakeOver | FixKind::Recreate => format!("{} (in an editor: a code action)", fix.title),
        };
        group = group.element(Level::HELP.message(how));
    }
    if let Some(detail) = &finding.detail {
        group = group.element(Level::NOTE.message(format!("the cluster's words: {detail}")));
    }
    let renderer = match palette {
        Palette::Colours => Renderer::styled(),
        Palette::Plain => Renderer::plain(),
    };
    renderer.render(&[group])
}

/// A caret needs something to stand under.
fn shown(text: &str, span: Span) -> std::ops::Range<usize> {
    let start = (span.start as usize).min(text.len());
    let end = (span.end as usize).clamp(start, text.len());
    if end > start {
        start..end
    } else {
        start
            ..text
                .get(start..)
                .and_then(|rest| rest.chars().next())
                .map_or(start, |next| start + next.len_utf8())
    }
}
