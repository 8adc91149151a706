//! What the decoder may ask about kinds and policies.

use gitops_model::Gvk;
use gitops_yaml::FieldPath;

/// What is known about the kinds and policies of a cluster.
///
/// Implemented on top of schemas by whoever has them, so that this room does not know them.
/// Every question may be answered with nothing; the decoder then says less, but nothing wrong.
pub trait Knowledge {
    /// Names of the fields of the map at `path`; empty when unknown or free-form.
    fn fields(&self, gvk: &Gvk, path: &FieldPath) -> Vec<String>;
    /// Whether the field is a Kubernetes quantity.
    fn is_quantity(&self, gvk: &Gvk, path: &FieldPath) -> bool;
    /// The type of the scalar at `path`; `None` when unknown or no scalar.
    fn scalar_type(&self, gvk: &Gvk, path: &FieldPath) -> Option<ScalarType>;
    /// The keys by which the server tells the items of the list at `path` apart; empty when it does not.
    fn list_keys(&self, gvk: &Gvk, path: &FieldPath) -> Vec<String>;
    /// The validation rules (CEL) of a CRD at exactly this place.
    fn rules(&self, gvk: &Gvk, path: &FieldPath) -> Vec<Rule>;
    /// A `ValidatingAdmissionPolicy` of this name.
    fn policy(&self, name: &str) -> Option<Policy>;
    /// The kinds that the server serves; of each group the preferred version first.
    fn served(&self) -> Vec<Gvk>;
}

/// The type of a scalar field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScalarType {
    /// Text.
    String,
    /// Whole number.
    Integer,
    /// Number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Quantity: a number or a text such as `512Mi`.
    Quantity,
    /// A port, a percentage: number or text.
    IntOrString,
    /// Bytes, written in base64.
    Bytes,
    /// Time, as RFC 3339 writes it.
    Time,
}

/// A validation rule of a CRD (`x-kubernetes-validations`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rule {
    /// The expression; `self` is the value that it stands at.
    pub rule: String,
    /// What the server says when it does not hold.
    pub message: Option<String>,
    /// An expression that makes that text.
    pub message_expression: Option<String>,
}

/// What a `ValidatingAdmissionPolicy` checks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Policy {
    /// Its validations, in order.
    pub validations: Vec<Validation>,
    /// Its variables: name and expression.
    pub variables: Vec<(String, String)>,
    /// Expressions of its match conditions.
    pub match_conditions: Vec<String>,
}

/// One validation of a policy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Validation {
    /// The expression; `object` is what was sent.
    pub expression: String,
    /// What the server says when it does not hold.
    pub message: Option<String>,
    /// An expression that makes that text.
    pub message_expression: Option<String>,
}

/// Nothing is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NoKnowledge;

impl Knowledge for NoKnowledge {
    fn fields(&self, _: &Gvk, _: &FieldPath) -> Vec<String> {
        Vec::new()
    }

    fn is_quantity(&self, _: &Gvk, _: &FieldPath) -> bool {
        false
    }

    fn scalar_type(&self, _: &Gvk, _: &FieldPath) -> Option<ScalarType> {
        None
    }

    fn list_keys(&self, _: &Gvk, _: &FieldPath) -> Vec<String> {
        Vec::new()
    }

    fn rules(&self, _: &Gvk, _: &FieldPath) -> Vec<Rule> {
        Vec::new()
    }

    fn policy(&self, _: &str) -> Option<Policy> {
        None
    }

    fn served(&self) -> Vec<Gvk> {
        Vec::new()
    }
}
