//! One version of one file, parsed and understood.

use gitops_cluster::SentObject;
use gitops_model::{
    Code, FileRole, Finding, Manifest, NotAnObject, Reading, Severity, Source, file_role, first_line_of_object,
    from_syntax, read, reads_as_template,
};
use gitops_session::Supplied;
use gitops_text::{MAX_FILE_BYTES, Span, Text};
use gitops_yaml::{Document, Parse, SyntaxErrorKind, parse};

/// A file as it was at one moment. Never changes; whoever needs it keeps it.
pub(crate) struct Parsed {
    /// The text.
    pub(crate) text: Text,
    /// Its trees. Empty for a file that is left alone.
    pub(crate) parse: Parse,
    /// What each document is.
    pub(crate) readings: Vec<Reading>,
    /// Whether the file is read at all, and if not, why.
    pub(crate) standing: Standing,
}

/// Whether a file concerns us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// May hold objects.
    Manifests,
    /// YAML, but never objects for the cluster: its text is checked, nothing else.
    Data,
    /// A template, which is YAML only later, or no YAML at all: nothing is said about it.
    Template,
    /// Larger than [`MAX_FILE_BYTES`].
    TooLarge,
}

impl Parsed {
    /// Parses a text. `path` tells what kind of file it is.
    pub(crate) fn new(path: &str, text: Text) -> Self {
        let source = text.as_str();
        let role = file_role(path);
        if source.len() as u64 > MAX_FILE_BYTES {
            return Self::left_alone(text, Standing::TooLarge);
        }
        if role == FileRole::Template
            || (role != FileRole::Foreign && in_chart_templates(path) && reads_as_template(source))
        {
            return Self::left_alone(text, Standing::Template);
        }
        let parse = parse(source);
        // Whether `{{ … }}` is a template or a text cannot be told from what parses; where it is what is wrong, it can.
        if parse
            .errors
            .iter()
            .any(|error| reads_as_template(lines_around(&text, error.span)))
        {
            return Self::left_alone(text, Standing::Template);
        }
        let standing = if role == FileRole::Manifests {
            Standing::Manifests
        } else {
            Standing::Data
        };
        let readings = parse
            .documents
            .iter()
            .enumerate()
            .map(|(index, document)| read(document, source, index))
            .collect();
        Self {
            text,
            parse,
            readings,
            standing,
        }
    }

    /// A file that is no YAML, such as a script that a generator takes.
    pub(crate) fn of_another_language(text: Text) -> Self {
        Self::left_alone(text, Standing::Template)
    }

    fn left_alone(text: Text, standing: Standing) -> Self {
        Self {
            text,
            parse: Parse {
                documents: Vec::new(),
                errors: Vec::new(),
            },
            readings: Vec::new(),
            standing,
        }
    }

    /// What the text itself gets wrong.
    pub(crate) fn syntax_findings(&self) -> Vec<Finding> {
        match self.standing {
            Standing::Template => Vec::new(),
            Standing::TooLarge => vec![Finding {
                code: Code {
                    source: Source::Syntax,
                    slug: "file-too-large",
                },
                severity: Severity::Information,
                span: Span::new(0, 0),
                message: format!("this file is over {} MiB and is left alone", MAX_FILE_BYTES >> 20),
                detail: None,
                related: Vec::new(),
                fixes: Vec::new(),
                object: None,
            }],
            // A dialect only matters where the cluster reads the file.
            Standing::Data => from_syntax(&self.parse.errors)
                .into_iter()
                .filter(|finding| finding.severity == Severity::Error)
                .collect(),
            Standing::Manifests => {
                let mut findings = from_syntax(&self.parse.errors);
                findings.retain(|finding| finding.severity == Severity::Error || self.concerns_object(finding.span));
                findings
            }
        }
    }

    /// Documents that look like objects and are not sent, each said on its own line.
    pub(crate) fn not_sent_findings(&self) -> Vec<Finding> {
        if self.standing == Standing::Manifests {
            // What a broken document lacks may stand in what could not be read of it.
            let sound = self
                .readings
                .iter()
                .zip(&self.parse.documents)
                .filter(|(_, document)| !document.is_broken());
            sound
                .flat_map(|(reading, _)| reading.not_objects())
                .filter_map(not_sent)
                .collect()
        } else {
            Vec::new()
        }
    }

    /// Whether a span lies in a document that the cluster reads.
    fn concerns_object(&self, span: Span) -> bool {
        self.parse
            .documents
            .iter()
            .zip(&self.readings)
            .any(|(document, reading)| {
                document.span().contains(span.start) && matches!(reading, Reading::Objects { .. })
            })
    }

    /// Whether a document can be sent: all of it could be read, and it says one thing only.
    ///
    /// What could be read of a broken document may be half of an object, and of a key that stands twice one value is lost.
    fn is_sound(&self, document: &Document) -> bool {
        !document.is_broken()
            && !self.parse.errors.iter().any(|error| {
                error.kind != SyntaxErrorKind::DialectDifference && document.span().contains(error.span.start)
            })
    }

    /// The objects of the file, in documents that are sound.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        let readings = if self.standing == Standing::Manifests {
            self.readings.as_slice()
        } else {
            &[]
        };
        readings
            .iter()
            .enumerate()
            .filter(|(index, _)| {
                self.parse
                    .documents
                    .get(*index)
                    .is_some_and(|document| self.is_sound(document))
            })
            .flat_map(|(_, reading)| reading.manifests())
    }

    /// The line on which an object of the file begins.
    pub(crate) fn first_line(&self, manifest: &Manifest) -> Span {
        match self.parse.documents.get(manifest.document) {
            Some(document) => first_line_of_object(document, self.text.as_str(), &manifest.base),
            None => manifest.kind_span,
        }
    }

    /// Whether all of the file could be read.
    pub(crate) fn is_complete(&self) -> bool {
        self.standing != Standing::TooLarge && self.parse.documents.iter().all(|document| self.is_sound(document))
    }

    /// The objects as they are sent.
    pub(crate) fn supplied(&self) -> Vec<Supplied> {
        gitops_render::plain(&self.parse.documents, self.text.as_str(), self.manifests())
            .into_iter()
            .map(|rendered| Supplied {
                manifest: rendered.manifest,
                object: SentObject::new(&rendered.object),
                manager: None,
            })
            .collect()
    }
}

fn not_sent(why: &NotAnObject) -> Option<Finding> {
    let (slug, severity, span, message) = match why {
        NotAnObject::NoApiVersion(span) => (
            "api-version-missing",
            Severity::Warning,
            *span,
            "apiVersion is missing: the object is not sent to the cluster",
        ),
        NotAnObject::NoKind(span) => (
            "kind-missing",
            Severity::Warning,
            *span,
            "kind is missing: the object is not sent to the cluster",
        ),
        NotAnObject::Encrypted(span) => (
            "encrypted",
            Severity::Information,
            *span,
            "encrypted by SOPS: not sent, since the cluster would only see ciphertext",
        ),
        NotAnObject::NoIdentity | NotAnObject::LocalConfig => return None,
    };
    Some(Finding {
        code: Code {
            source: Source::Model,
            slug,
        },
        severity,
        span,
        message: message.to_owned(),
        detail: None,
        related: Vec::new(),
        fixes: Vec::new(),
        object: None,
    })
}

/// A chart's templates lie in `templates/` beside a `Chart.yaml`; the path alone shows only the first half.
fn in_chart_templates(path: &str) -> bool {
    path.split('/').rev().skip(1).any(|directory| directory == "templates")
}

/// The lines of a span, and those before and after: a parser may notice a fault one line late.
fn lines_around(text: &Text, span: Span) -> &str {
    let index = text.index();
    let first = index.line_of(span.start).saturating_sub(1);
    let last = (index.line_of(span.end) + 1).min(index.line_count().saturating_sub(1));
    match (index.line_span(first), index.line_span(last)) {
        (Some(first), Some(last)) => first.cover(last).slice(text.as_str()),
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use gitops_text::Text;

    use super::{Parsed, Standing};

    fn standing(path: &str, text: &str) -> Standing {
        Parsed::new(path, Text::new(text)).standing
    }

    #[test]
    fn templates_are_left_alone_and_texts_about_templates_are_not() {
        assert_eq!(standing("a.yaml", "kind: Pod\nimage: {{ x }}\n"), Standing::Template);
        assert_eq!(
            standing("a.yaml", "kind: Pod\n{{- if .x }}\na: b\n{{- end }}\n"),
            Standing::Template
        );
        assert_eq!(standing("a.yaml", "a: \"{{ x }}\"\n"), Standing::Manifests);
        let rule = "summary: |\n  {{ $value }} is high\nb: 1\nb: 2\n";
        assert_eq!(
            standing("a.yaml", &format!("{}{rule}", "# a\n".repeat(3))),
            Standing::Manifests,
            "the fault is elsewhere"
        );
    }
}
