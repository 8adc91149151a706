//! How the demo looks in a terminal: verdicts as a compiler prints them, and colours where there are any.

use std::io::IsTerminal as _;

use annotate_snippets::renderer::{AnsiColor, Style};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// Whether colours are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Paint {
    /// As a terminal shows them.
    Colours,
    /// Text alone: for files, pipes, CI, and where `NO_COLOR` is set.
    Plain,
}

/// A diagnostic with its place as bytes of the text, and the titles of what can be done about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Shown {
    /// 1 error, 2 warning, 3 information, 4 hint.
    pub(crate) severity: u64,
    /// Its code.
    pub(crate) code: String,
    /// The words for people.
    pub(crate) message: String,
    /// Where it is.
    pub(crate) place: std::ops::Range<usize>,
    /// Other places of the same file that are involved, with what is said about them.
    pub(crate) related: Vec<(std::ops::Range<usize>, String)>,
    /// The titles of the code actions.
    pub(crate) actions: Vec<String>,
}

impl Paint {
    /// For what is printed to standard output.
    pub(crate) fn for_stdout() -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let terminal = std::io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|name| name != "dumb");
        if terminal && !set("NO_COLOR") {
            Self::Colours
        } else {
            Self::Plain
        }
    }

    /// The verdicts on one file.
    pub(crate) fn verdict(self, file: &str, text: &str, diagnostics: &[Shown]) -> String {
        let groups: Vec<Group<'_>> = diagnostics.iter().map(|shown| group(file, text, shown)).collect();
        let renderer = match self {
            Self::Colours => Renderer::styled(),
            Self::Plain => Renderer::plain(),
        };
        // Each diagnostic is a report of its own: several groups of one would be parts of one message.
        let reports: Vec<String> = groups.into_iter().map(|group| renderer.render(&[group])).collect();
        reports.join("\n")
    }

    /// For titles.
    pub(crate) fn bold(self, text: &str) -> String {
        self.styled(Style::new().bold(), text)
    }

    /// For what is said besides.
    pub(crate) fn dim(self, text: &str) -> String {
        self.styled(Style::new().dimmed(), text)
    }

    /// For what went well.
    pub(crate) fn good(self, text: &str) -> String {
        self.styled(AnsiColor::Green.on_default().bold(), text)
    }

    /// For what did not.
    pub(crate) fn bad(self, text: &str) -> String {
        self.styled(AnsiColor::Red.on_default().bold(), text)
    }

    fn styled(self, style: Style, text: &str) -> String {
        match self {
            Self::Colours => format!("{style}{text}{style:#}"),
            Self::Plain => text.to_owned(),
        }
    }
}

fn group<'a>(file: &'a str, text: &'a str, shown: &'a Shown) -> Group<'a> {
    let level = match shown.severity {
        1 => Level::ERROR,
        2 => Level::WARNING,
        3 => Level::INFO,
        _ => Level::HELP,
    };
    let marked = AnnotationKind::Primary.span(shown.place.clone());
    let mut snippet = Snippet::source(text).path(file).fold(true).annotation(marked);
    for (place, message) in &shown.related {
        snippet = snippet.annotation(AnnotationKind::Context.span(place.clone()).label(message));
    }
    let title = level.primary_title(&shown.message).id(&shown.code);
    let mut group = Group::with_title(title).element(snippet);
    for action in shown.actions.iter().take(3) {
        group = group.element(Level::HELP.message(action));
    }
    group
}

#[cfg(test)]
mod tests {
    use super::{Paint, Shown};

    #[test]
    fn a_verdict_looks_like_a_compiler_error() {
        let text = "kind: Pod\nspec:\n  imag: nginx\n";
        let place = text.find("imag").map(|start| start..start + 4).expect("it is there");
        let shown = Shown {
            severity: 1,
            code: "apply/unknown-field".to_owned(),
            message: "unknown field \"imag\"".to_owned(),
            place,
            related: Vec::new(),
            actions: vec!["Rename it to image".to_owned()],
        };
        let expected = expect_test::expect![[r#"
            error[apply/unknown-field]: unknown field "imag"
             --> web.yaml:3:3
              |
            3 |   imag: nginx
              |   ^^^^
              |
              = help: Rename it to image"#]];
        expected.assert_eq(&Paint::Plain.verdict("web.yaml", text, &[shown]));
    }
}
