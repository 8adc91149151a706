//! Findings: what is shown on a line, whoever says it.

use std::fmt;

use gitops_text::Span;
use gitops_yaml::{SyntaxError, SyntaxErrorKind};

use crate::ObjectKey;

/// Who says it. Each source has its own entry in the ledger, so that one never clears another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Source {
    /// The text itself.
    Syntax,
    /// OpenAPI and CRDs.
    Schema,
    /// References and identities.
    Model,
    /// kustomize or Helm.
    Render,
    /// The API server.
    Apply,
    /// Flux.
    Flux,
    /// Rollouts, pods, events.
    Runtime,
}

impl Source {
    /// The first half of a code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Schema => "schema",
            Self::Model => "model",
            Self::Render => "render",
            Self::Apply => "apply",
            Self::Flux => "flux",
            Self::Runtime => "runtime",
        }
    }
}

/// By consequence: an error keeps the object from the cluster or makes it fail.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// The object does not get to the cluster, or fails there.
    Error,
    /// It gets there, but probably not as meant.
    Warning,
    /// Worth knowing.
    Information,
    /// A suggestion.
    Hint,
}

/// `source/slug`; each has a page in `docs/codes`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Code {
    /// Who says it.
    pub source: Source,
    /// What is said, in kebab case.
    pub slug: &'static str,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source.as_str(), self.slug)
    }
}

/// One thing to say about one span of one file.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// Which page explains it.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// Where it belongs, in bytes of the file.
    pub span: Span,
    /// For people: short, in YAML's words, with what to do.
    pub message: String,
    /// The words of whoever said it, where they differ.
    pub detail: Option<String>,
    /// Other places that are involved.
    pub related: Vec<Related>,
    /// What can be done about it in one keystroke.
    pub fixes: Vec<Fix>,
    /// The object it is about.
    pub object: Option<ObjectKey>,
}

/// Another place that is involved.
#[derive(Clone, PartialEq, Debug)]
pub struct Related {
    /// Name of the file; `None` for the file of the finding.
    pub file: Option<String>,
    /// Where, in bytes.
    pub span: Span,
    /// What is there.
    pub message: String,
}

/// A code action.
#[derive(Clone, PartialEq, Debug)]
pub struct Fix {
    /// What the menu says.
    pub title: String,
    /// What is done.
    pub kind: FixKind,
    /// Whether an editor may apply it as *the* fix: only where one answer is right beyond doubt.
    pub preferred: bool,
}

/// What a code action does.
#[derive(Clone, PartialEq, Debug)]
pub enum FixKind {
    /// Changes the text. Spans are bytes of the file.
    Edit(Vec<(Span, String)>),
    /// Takes the conflicting fields over from their manager.
    TakeOver,
    /// Deletes the object on the sandbox and creates it anew.
    Recreate,
}

/// What the text itself gets wrong, as findings.
pub fn from_syntax(errors: &[SyntaxError]) -> Vec<Finding> {
    errors
        .iter()
        .map(|error| Finding {
            code: Code {
                source: Source::Syntax,
                slug: error.kind.slug(),
            },
            severity: match error.kind {
                SyntaxErrorKind::DialectDifference => Severity::Warning,
                _ => Severity::Error,
            },
            span: error.span,
            message: error.message.clone(),
            detail: None,
            related: error
                .related
                .iter()
                .map(|(span, message)| Related {
                    file: None,
                    span: *span,
                    message: message.clone(),
                })
                .collect(),
            fixes: Vec::new(),
            object: None,
        })
        .collect()
}
