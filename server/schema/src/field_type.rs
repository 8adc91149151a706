//! What is known about one field.

/// The type of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldKind {
    /// A Kubernetes quantity: `100m`, `1.5`, `512Mi`.
    Quantity,
    /// A whole number or a text: a port, a percentage.
    IntOrString,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A text.
    String,
    /// A map.
    Object,
    /// A list.
    Array,
    /// Anything, or not known.
    Any,
}

/// What is known about one field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldType {
    /// Its type.
    pub kind: FieldKind,
    /// E.g. `int32`, `date-time`, `byte`.
    pub format: Option<String>,
    /// The values that it may have, as text; empty when it is not an enumeration.
    pub enumeration: Vec<String>,
    /// The keys by which the items of this list are told apart (`x-kubernetes-list-map-keys`).
    pub list_keys: Vec<String>,
    /// The fields that this map must have.
    pub required: Vec<String>,
    /// What the field is for, in the words of its kind; may be long and in Markdown.
    pub description: Option<String>,
    /// The value that is filled in where none is written, as JSON.
    pub defaults: Option<String>,
    /// Whether fields that are not declared are kept (`x-kubernetes-preserve-unknown-fields`).
    pub keeps_unknown_fields: bool,
}

/// A validation rule (`x-kubernetes-validations`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rule {
    /// The expression; `self` is the value that it stands at.
    pub rule: String,
    /// What the server says when it does not hold.
    pub message: Option<String>,
    /// An expression that makes that text.
    pub message_expression: Option<String>,
}
