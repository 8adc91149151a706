//! Taking away what was refused, so that the next dry run shows the next layer; and not taking the traces of that for new faults.

use gitops_yaml::{FieldPath, Step};
use serde_json::Value;

use super::sent::{remove, replace, scalar_text, value_at};
use super::{Answer, Peel, Place, Suggestion, codes};

/// What only validation says, after structured merge and conversion.
const VALIDATION: &[&str] = &[
    codes::REQUIRED,
    codes::UNSUPPORTED_VALUE,
    codes::INVALID_VALUE,
    codes::TOO_LONG,
    codes::TOO_MANY,
    codes::TOO_FEW,
    codes::IMMUTABLE_FIELD,
    codes::REFERENCE_NOT_FOUND,
];

/// Takes away, or sets right, what the answers name. True when something was changed.
///
/// Never touches `apiVersion`, `kind`, `metadata.name` and `metadata.namespace`, except that a number becomes a text of the
/// same digits. [`PeelRecord`] does the same and remembers it.
pub fn peel(object: &mut Value, answers: &[Answer]) -> bool {
    PeelRecord::default().peel(object, answers)
}

/// What was taken away from an object in the rounds so far.
///
/// Use: decode against the peeled object, [`restore`](Self::restore) the answers, show those, [`peel`](Self::peel) with the answers as decoded, ask again.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PeelRecord {
    /// In the order in which they were done; each path is of the object as it was just before.
    changes: Vec<Change>,
    /// Whether validation has said all that it has to say.
    validated: bool,
}

#[derive(Clone, PartialEq, Debug)]
struct Change {
    /// The path in the object just before.
    path: FieldPath,
    /// The path in the object as it was sent at first.
    original: FieldPath,
    /// Whether it was taken away, and not set to something else.
    removed: bool,
    /// Fields that it was probably meant to be, in the object as it was sent at first: that they are missing is no news.
    meant: Vec<FieldPath>,
    /// Whether the server did not know the field at all.
    unknown: bool,
    /// Whether the map or list that it was taken from has nothing in it any more.
    emptied: bool,
}

impl PeelRecord {
    /// Takes away, or sets right, what the answers name. True when something was changed.
    pub fn peel(&mut self, object: &mut Value, answers: &[Answer]) -> bool {
        // Items further back go first, so that the indices of those before them still hold.
        let mut ordered: Vec<&Answer> = answers
            .iter()
            .filter(|answer| target(answer).is_some_and(|path| !is_identity(path)) || keeps_name(object, answer))
            .collect();
        ordered.sort_by(|left, right| target(right).cmp(&target(left)));
        // Validation of built-in kinds says everything at once: what it says after something was taken away comes of that.
        // That of a CRD leaves its rules out while the object does not fit its schema.
        let of_validation = |answer: &Answer| {
            VALIDATION.contains(&answer.slug) && !is_of_allocation(answer) && !answer.detail.contains(" is forbidden: ")
        };
        self.validated |= is_built_in(object) && answers.iter().any(of_validation);
        let mut changed = false;
        let before = self.clone();
        for answer in ordered {
            let (path, done, removed) = match &answer.peel {
                Peel::Stop => continue,
                Peel::Remove(path) => (path, remove(object, path).is_some(), true),
                Peel::Set { path, value } => (path, set(object, path, value), false),
            };
            if done {
                changed = true;
                let meant = meant(answer).iter().map(|path| before.original(path)).collect();
                let emptied = removed && path.parent().is_some_and(|parent| is_empty(object, &parent));
                self.changes.push(Change {
                    emptied,
                    path: path.clone(),
                    original: before.original(path),
                    removed,
                    meant,
                    unknown: answer.slug == codes::UNKNOWN_FIELD,
                });
            }
        }
        changed
    }

    /// Where a field of the peeled object stands in the object as it was at first: items may have moved up.
    pub fn original(&self, path: &FieldPath) -> FieldPath {
        self.changes.iter().rev().fold(path.clone(), |path, change| {
            if change.removed {
                moved_back(&path, &change.path)
            } else {
                path
            }
        })
    }

    /// The answers to a peeled object as answers to the one that was sent at first; without those that the peeling itself has made.
    pub fn restore(&self, answers: Vec<Answer>) -> Vec<Answer> {
        answers
            .into_iter()
            .filter(|answer| !(self.validated && VALIDATION.contains(&answer.slug)) || is_of_allocation(answer))
            .filter(|answer| answer.place == Place::Object || !self.is_echo(answer))
            .map(|mut answer| {
                answer.path = self.original(&answer.path);
                for (path, _) in &mut answer.related {
                    *path = self.original(path);
                }
                match &mut answer.suggestion {
                    Suggestion::SetField { path, .. } => *path = self.original(path),
                    Suggestion::SetFields(fields) => {
                        for (path, _) in fields {
                            *path = self.original(path);
                        }
                    }
                    _ => {}
                }
                answer
            })
            .collect()
    }

    /// Whether an answer only says that something is missing, or has a value, that peeling has made so.
    fn is_echo(&self, answer: &Answer) -> bool {
        let path = self.original(&answer.path);
        self.changes.iter().any(|change| {
            if let Place::Missing { field } = &answer.place {
                let Some(below) = FieldPath::parse(field) else {
                    return false;
                };
                let missing = path.join(&below);
                let renamed = change.meant.iter().any(|meant| missing.starts_with(meant));
                return renamed || change.original.starts_with(&missing) || missing.starts_with(&change.original);
            }
            // A map that lacks what was taken away may break rules that it did not break before; what the server did not
            // know cannot have kept any, unless it was all that there was.
            let about_map = change.removed
                && (!change.unknown || change.emptied)
                && change.original.parent().as_ref() == Some(&path)
                && matches!(answer.slug, codes::INVALID_VALUE | codes::REQUIRED | codes::TOO_FEW);
            // What had an entry or an item that could be taken away is a map or a list, as empty as it may be now.
            let emptied =
                change.removed && change.original.parent().as_ref() == Some(&path) && answer.slug == codes::WRONG_TYPE;
            // `must specify one of configMapRef or secretRef` is no news where `configMap` was probably meant to be the first.
            let named = change.meant.iter().any(|meant| {
                meant.starts_with(&path) && meant.last_key().is_some_and(|name| names(&answer.message, name))
            });
            // Another choice than the one that was made may forbid what stands beside it.
            let by_choice = !change.removed
                && answer.slug == codes::FORBIDDEN_FIELD
                && change.original.parent().is_some_and(|map| path.starts_with(&map));
            if named || by_choice {
                return true;
            }
            about_map || emptied || path.starts_with(&change.original)
        })
    }
}

/// The fields that an unknown one was probably meant to be: of another name, or in another map.
fn meant(answer: &Answer) -> Vec<FieldPath> {
    let with = |parent: &FieldPath, name: &str| {
        let mut path = parent.clone();
        path.push_key(name);
        path
    };
    match (&answer.suggestion, answer.path.parent(), answer.path.last_key()) {
        (Suggestion::Rename(names), Some(parent), _) => names.iter().map(|name| with(&parent, name)).collect(),
        (_, _, Some(name)) if answer.slug == codes::UNKNOWN_FIELD => {
            answer.related.iter().map(|(map, _)| with(map, name)).collect()
        }
        _ => Vec::new(),
    }
}

fn is_empty(object: &Value, path: &FieldPath) -> bool {
    match value_at(object, path) {
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        _ => false,
    }
}

/// Whether a message speaks of a field.
fn names(message: &str, field: &str) -> bool {
    message
        .split(|character: char| !character.is_alphanumeric())
        .any(|word| word == field)
}

/// Ports and addresses of services are handed out beside validation: what is wrong with them says nothing of the rest.
fn is_of_allocation(answer: &Answer) -> bool {
    ["provided port ", "provided IP "]
        .iter()
        .any(|words| answer.message.contains(words))
}

/// Whether an object is of a kind that the server brings itself.
fn is_built_in(object: &Value) -> bool {
    let api_version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    !group.contains('.') || group.ends_with(".k8s.io")
}

fn target(answer: &Answer) -> Option<&FieldPath> {
    match &answer.peel {
        Peel::Remove(path) | Peel::Set { path, .. } => Some(path),
        Peel::Stop => None,
    }
}

fn set(object: &mut Value, path: &FieldPath, value: &Value) -> bool {
    if let Some(written) = value_at(object, path) {
        return written != value && replace(object, path, value.clone());
    }
    let (Some(parent), Some(Step::Key(key))) = (path.parent(), path.steps().last()) else {
        return false;
    };
    let Some(Value::Object(map)) = value_at(object, &parent) else {
        return false;
    };
    let mut map = map.clone();
    map.insert(key.to_string(), value.clone());
    replace(object, &parent, Value::Object(map))
}

/// What an object is known by.
fn is_identity(path: &FieldPath) -> bool {
    let text = path.to_string();
    matches!(
        text.as_str(),
        "" | "apiVersion" | "kind" | "metadata" | "metadata.name" | "metadata.namespace" | "metadata.generateName"
    )
}

/// Whether only the type of a name is set right: `name: 123` is sent to the address of "123" as it is.
fn keeps_name(object: &Value, answer: &Answer) -> bool {
    let Peel::Set { path, value } = &answer.peel else {
        return false;
    };
    value_at(object, path).is_some_and(|written| scalar_text(written).as_deref() == value.as_str())
}

/// Where a path led before an item of a list was removed.
fn moved_back(path: &FieldPath, removed: &FieldPath) -> FieldPath {
    let (Some(Step::Index(index)), Some(list)) = (removed.steps().last(), removed.parent()) else {
        return path.clone();
    };
    if !path.starts_with(&list) {
        return path.clone();
    }
    path.steps()
        .iter()
        .enumerate()
        .map(|(at, step)| match step {
            Step::Index(own) if at == list.len() && own >= index => Step::Index(own + 1),
            step => step.clone(),
        })
        .collect()
}
