//! What can be wrong with a text as YAML.

use gitops_text::Span;

/// One thing that is wrong, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// Where the fault is, which can be elsewhere than where reading stopped.
    pub span: Span,
    /// What sort of fault it is.
    pub kind: SyntaxErrorKind,
    /// The fault in words for people.
    pub message: String,
    /// Another place that explains it, and what is there.
    pub related: Option<(Span, String)>,
}

/// The sorts of faults, each with a name that is stable for settings and documentation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SyntaxErrorKind {
    /// The text does not follow YAML's grammar.
    NotYaml,
    /// A key stands twice in one mapping.
    DuplicateKey,
    /// kubectl and Flux read the same text as different values.
    DialectDifference,
    /// YAML allows it, kubectl and Flux refuse it or leave it unread.
    Refused,
    /// A tab stands where YAML counts blanks.
    Tab,
    /// Collections are nested deeper than is read.
    TooDeep,
    /// Aliases expand to more than is read, or without end.
    TooManyAliases,
    /// An alias names an anchor that is not there.
    UnknownAnchor,
    /// A character that YAML does not allow in a text.
    ControlCharacter,
    /// A quote is opened and not closed.
    UnclosedQuote,
    /// A bracket or brace is opened and not closed, or closed by the wrong one.
    UnclosedBracket,
    /// A line stands at a column where nothing can stand.
    Indentation,
    /// A `%` line, or a tag that needs one, is wrong.
    Directive,
}

impl SyntaxErrorKind {
    /// The name in kebab case, as in `syntax/duplicate-key`.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::NotYaml => "not-yaml",
            Self::DuplicateKey => "duplicate-key",
            Self::DialectDifference => "dialect-difference",
            Self::Refused => "refused",
            Self::Tab => "tab",
            Self::TooDeep => "too-deep",
            Self::TooManyAliases => "too-many-aliases",
            Self::UnknownAnchor => "unknown-anchor",
            Self::ControlCharacter => "control-character",
            Self::UnclosedQuote => "unclosed-quote",
            Self::UnclosedBracket => "unclosed-bracket",
            Self::Indentation => "indentation",
            Self::Directive => "directive",
        }
    }
}
