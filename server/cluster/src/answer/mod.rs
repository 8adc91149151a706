//! What the API server answered, as findings about fields: pure functions over text and JSON.
//!
//! The server has several layers, each with its own words: structured merge (`typed`), conversion (`conversion`), validation (`invalid`), admission (`denied`, `policy`, `webhook`).
//! It stops at the first that refuses; [`PeelRecord`] takes away what was refused so that the next dry run shows more.
//! Every text decodes to at least one answer, and no text makes this panic.

mod base64_fields;
mod causes;
pub mod codes;
mod conflict;
mod consequences;
mod conversion;
mod denied;
mod expression;
mod expression_tokens;
mod forbidden;
mod go_value;
mod immutable;
mod internal_path;
mod invalid;
mod invalid_names;
mod invalid_value;
mod knowledge;
mod limits;
mod merge_path;
mod metadata;
mod missing;
mod peel;
mod pod_security;
mod pod_security_demand;
mod pods;
mod policy;
mod quantity;
mod reads;
mod refusal;
mod request;
mod sent;
mod template_labels;
#[cfg(test)]
mod tests;
mod typed;
mod unknown_field;
mod validation_path;
mod warning;
mod webhook;
mod wording;
mod workload;
mod wrong_type;

use gitops_model::{Gvk, Severity};
use gitops_yaml::FieldPath;
use serde_json::Value;

pub use knowledge::{Knowledge, NoKnowledge, Policy, Rule, ScalarType, Validation};
pub use metadata::{is_sound_name, metadata_of_unserved_kind};
pub use peel::{PeelRecord, peel};
pub use pods::decode_creation_failure;
pub use refusal::{Cause, Refusal};
pub use warning::{decode_warning, decode_warnings};
pub use workload::{
    PodReference, Probe, RUNTIME_CODES, Referent, Trouble, decode_trouble, images, of_any_pod, references,
};

/// One thing that the server said about one field.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    /// The field in the JSON that was sent, list items by index. It exists there.
    pub path: FieldPath,
    /// Which part of it is meant.
    pub place: Place,
    /// One of [`codes`].
    pub slug: &'static str,
    /// For people: short, in YAML's words, with what to do where that is known.
    pub message: String,
    /// The server's own words for this item, dumps shortened, values of Secrets left out.
    pub detail: String,
    /// Errors keep the object from the cluster; what comes as a warning header is a warning.
    pub severity: Severity,
    /// Other fields involved, and what they have to do with it.
    pub related: Vec<(FieldPath, String)>,
    /// What would mend it.
    pub suggestion: Suggestion,
    /// What to take away so that the next dry run shows more.
    pub peel: Peel,
    /// Whether a CRD that is not there yet could bring what is missing; a slip in the name of a kind is none.
    pub may_come: bool,
}

/// Which part of a field is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// The key.
    Key,
    /// The value, or the item of a list.
    Value,
    /// The field is not there; the answer's path is its nearest existing ancestor.
    Missing {
        /// What is missing below the ancestor, e.g. `image` or `resources.limits.memory`.
        field: String,
    },
    /// The object as a whole: its `kind:` line.
    Object,
}

/// What would mend it; the answer's path and place say where.
#[derive(Clone, PartialEq, Debug)]
pub enum Suggestion {
    /// Nothing that could be done by itself.
    None,
    /// Write one of these as the key, the likeliest first.
    Rename(Vec<String>),
    /// Write one of these as the value, the likeliest first; each is YAML text as it is to stand there.
    Replace(Vec<String>),
    /// Write the field below the answer's path.
    Insert {
        /// As in [`Place::Missing`].
        field: String,
        /// Its value as YAML text, where one is known.
        value: Option<String>,
    },
    /// Put the scalar in quotes.
    Quote,
    /// Write the value in base64.
    EncodeBase64,
    /// Take the entry away.
    Remove,
    /// Delete the live object and create it anew (sandbox only).
    Recreate,
    /// Take the field over from its manager.
    TakeOver {
        /// The manager's name.
        manager: String,
    },
    /// Write this value at this path, whether it is there or not.
    SetField {
        /// From the top of the object.
        path: FieldPath,
        /// The value to write.
        value: Value,
    },
    /// Write all of these.
    SetFields(Vec<(FieldPath, Value)>),
}

/// What to take away so that the next dry run shows more.
#[derive(Clone, PartialEq, Debug)]
pub enum Peel {
    /// Leave the field out.
    Remove(FieldPath),
    /// Write what the server would take: better than leaving out a field that must be there.
    Set {
        /// The field.
        path: FieldPath,
        /// A value that is good enough to get past this layer.
        value: Value,
    },
    /// Nothing can be taken away to see more.
    Stop,
}

impl Answer {
    /// An error at a field, without suggestion, that nothing can be peeled from.
    pub fn new(path: FieldPath, place: Place, slug: &'static str, message: impl Into<String>) -> Self {
        Self {
            path,
            place,
            slug,
            message: message.into(),
            detail: String::new(),
            severity: Severity::Error,
            related: Vec::new(),
            suggestion: Suggestion::None,
            peel: Peel::Stop,
            may_come: false,
        }
    }

    /// An error about the whole object.
    fn about_object(slug: &'static str, message: impl Into<String>) -> Self {
        Self::new(FieldPath::new(), Place::Object, slug, message)
    }

    fn with_detail(mut self, detail: &str) -> Self {
        self.detail = wording::shorten(detail);
        self
    }

    fn with_suggestion(mut self, suggestion: Suggestion) -> Self {
        self.suggestion = suggestion;
        self
    }

    fn that_may_come(mut self, may_come: bool) -> Self {
        self.may_come = may_come;
        self
    }

    fn with_peel(mut self, peel: Peel) -> Self {
        self.peel = peel;
        self
    }

    fn with_related(mut self, path: FieldPath, message: impl Into<String>) -> Self {
        self.related.push((path, message.into()));
        self
    }

    /// Peeled by leaving out the field that it is about.
    fn removable(self) -> Self {
        let path = self.path.clone();
        self.with_peel(Peel::Remove(path))
    }
}

/// Everything that a decoder looks at.
#[derive(Clone, Copy)]
struct Context<'a> {
    refusal: &'a Refusal,
    gvk: &'a Gvk,
    sent: &'a Value,
    live: Option<&'a Value>,
    knowledge: &'a dyn Knowledge,
}

impl Context<'_> {
    /// Whether what stands at the path must not be repeated anywhere.
    fn is_secret(&self, path: &FieldPath) -> bool {
        sent::is_secret(self.gvk, path)
    }
}

/// Reads the server's refusal of `sent`; never empty.
///
/// `live` is the object as the server has it, where that is known: without it, answers about a whole object that "is immutable" stay at the whole.
pub fn decode(
    refusal: &Refusal,
    gvk: &Gvk,
    sent: &Value,
    live: Option<&Value>,
    knowledge: &dyn Knowledge,
) -> Vec<Answer> {
    let context = Context {
        refusal,
        gvk,
        sent,
        live,
        knowledge,
    };
    let decoders: [fn(&Context<'_>) -> Vec<Answer>; 9] = [
        typed::decode,
        conflict::decode,
        policy::decode,
        webhook::decode,
        conversion::decode,
        invalid::decode,
        denied::decode,
        missing::decode,
        request::decode,
    ];
    let mut answers = decoders
        .iter()
        .map(|decoder| decoder(&context))
        .find(|found| !found.is_empty())
        .unwrap_or_default();
    if answers.is_empty() {
        answers.push(request::anything(&context));
    }
    without_repeats(answers.into_iter().map(|answer| grounded(answer, sent)).collect())
}

/// Leads an answer about a field that was not sent (the server may have filled it in) to the nearest ancestor that was.
fn grounded(mut answer: Answer, sent: &Value) -> Answer {
    let found = sent::existing(sent, &answer.path);
    if found.len() < answer.path.len() {
        if let Place::Key | Place::Value = answer.place {
            answer.place = Place::Missing {
                field: sent::below(&answer.path, &found),
            };
            // What would have been done to the field itself cannot be.
            if !matches!(
                answer.suggestion,
                Suggestion::SetField { .. }
                    | Suggestion::SetFields(_)
                    | Suggestion::Recreate
                    | Suggestion::TakeOver { .. }
            ) {
                answer.suggestion = Suggestion::None;
            }
        }
        answer.path = found;
    }
    if answer.path.is_empty() && matches!(answer.place, Place::Key | Place::Value) {
        answer.place = Place::Object;
    }
    answer
}

/// The answer about an object whose kind discovery does not know, so that it cannot be sent at all.
pub fn not_served(gvk: &Gvk, sent: &Value, knowledge: &dyn Knowledge) -> Vec<Answer> {
    let said = format!(
        "no matches for kind \"{}\" in version \"{}\"",
        gvk.kind,
        gvk.api_version()
    );
    let refusal = Refusal {
        status: 404,
        reason: String::new(),
        message: said,
        causes: Vec::new(),
    };
    missing::decode(&Context {
        refusal: &refusal,
        gvk,
        sent,
        live: None,
        knowledge,
    })
}

/// The answer about an object that has no name, so that it cannot be sent at all.
pub fn name_missing(sent: &Value) -> Vec<Answer> {
    vec![invalid::name_missing(sent).with_detail("name must be provided")]
}

/// Drops an answer that says what an earlier one has said.
fn without_repeats(answers: Vec<Answer>) -> Vec<Answer> {
    let mut kept: Vec<Answer> = Vec::with_capacity(answers.len());
    for answer in answers {
        let said = kept.iter().any(|earlier| {
            earlier.path == answer.path && earlier.place == answer.place && earlier.message == answer.message
        });
        if !said {
            kept.push(answer);
        }
    }
    kept
}
