//! Asking the renderer: a candidate is changed in memory, and the field moves or it does not.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gitops_model::kustomize::Tree;
use gitops_text::Span;
use gitops_yaml::{FieldPath, Step, Style};
use serde_json::Value;

use super::hit::At;
use super::pick::key_of;
use crate::{BuiltObject, Gone, Kustomize, ObjectId, Renderer};

/// A change of one scalar, by which it can be known in what is built.
#[derive(Clone, Debug)]
pub struct Trial {
    file: Arc<str>,
    span: Span,
    put: String,
    mark: Mark,
}

#[derive(Clone, Debug)]
enum Mark {
    /// A text that stands in the field when it comes from here.
    Text(String),
    /// The digits of the number that it becomes.
    Number(String),
    /// There is only another one: it can be tried only by itself.
    Other,
}

/// The change that makes a scalar another of the same type; `None` where there is no scalar that can be changed.
pub(super) fn trial(tree: &Tree, at: &At, number: usize) -> Option<Trial> {
    let mark = format!("-zq{number}z");
    match at {
        At::Text { file, span } => {
            let text = tree.text(file)?;
            let kept = span.slice(text).trim_end_matches(['\n', '\r']).len();
            let end = span.start.saturating_add(u32::try_from(kept).ok()?);
            Some(Trial {
                file: Arc::clone(file),
                span: Span::empty(end),
                put: mark.clone(),
                mark: Mark::Text(mark),
            })
        }
        At::Spot(spot) => {
            let node = spot.node()?.resolved();
            let scalar = node.scalar()?;
            if !spot.sheet.is_exact() {
                return None;
            }
            let file = Arc::clone(spot.sheet.file());
            let span = node.span();
            let end = match scalar.style {
                Style::SingleQuoted | Style::DoubleQuoted => span.end.saturating_sub(1),
                Style::Plain | Style::Literal | Style::Folded => span.end,
            };
            let end = spot.sheet.outer(Span::empty(end));
            let json = spot.field()?.json()?;
            let (span, put, mark) = match json {
                Value::Bool(value) => (spot.sheet.outer(span), (!value).to_string(), Mark::Other),
                Value::Number(_) => {
                    let digits = format!("{}", 10 + number);
                    let whole = format!("{}{digits}", scalar.value);
                    (end, digits, Mark::Number(whole))
                }
                Value::Null if scalar.value.is_empty() => return None,
                Value::Null => (spot.sheet.outer(span), "7".to_owned(), Mark::Other),
                _ => (end, mark.clone(), Mark::Text(mark)),
            };
            Some(Trial { file, span, put, mark })
        }
    }
}

/// What is asked of the renderer, and about which field.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) tree: &'a Tree,
    pub(super) renderer: &'a dyn Renderer,
    pub(super) request: &'a Kustomize,
    pub(super) built: &'a BuiltObject,
    pub(super) path: &'a FieldPath,
}

impl Asking<'_> {
    /// Which of the trials move the field: all in one request where their marks tell them apart.
    pub(super) async fn moved(self, trials: &[Option<Trial>]) -> Result<Vec<bool>, Gone> {
        let mut moved = vec![false; trials.len()];
        let marked = |trial: &&Trial| !matches!(trial.mark, Mark::Other);
        let together: Vec<&Trial> = trials.iter().flatten().filter(marked).collect();
        let mut alone = together.is_empty();
        if !together.is_empty() {
            match self.field_with(&together).await? {
                Some(value) => {
                    for (moved, trial) in moved.iter_mut().zip(trials) {
                        *moved = trial.as_ref().is_some_and(|trial| shows(&value, &trial.mark));
                    }
                }
                None => alone = true,
            }
        }
        if moved.contains(&true) {
            return Ok(moved);
        }
        let before = value_at(&self.built.object, self.path);
        for (moved, trial) in moved.iter_mut().zip(trials) {
            let Some(trial) = trial else { continue };
            if alone || matches!(trial.mark, Mark::Other) || together.len() > 1 {
                let value = self.field_with(&[trial]).await?;
                *moved = value.is_some_and(|value| Some(&value) != before);
            }
        }
        Ok(moved)
    }

    /// The field when these are changed; `None` where nothing is built, or the object or the field is not there.
    async fn field_with(self, trials: &[&Trial]) -> Result<Option<Value>, Gone> {
        let key = key_of(&self.built.object);
        let request = Kustomize {
            overlay: overlay(self.tree, &self.request.overlay, trials),
            only: vec![ObjectId {
                api_version: key.gvk.api_version(),
                kind: key.gvk.kind.clone(),
                namespace: key.namespace.clone().unwrap_or_default(),
                name: key.name.clone(),
            }],
            origins: true,
            ..self.request.clone()
        };
        let answer = self.renderer.kustomize(&request).await?;
        if answer.fault.is_some() {
            return Ok(None);
        }
        let same = |built: &&BuiltObject| key_of(&built.object) == key;
        let alike = |built: &&BuiltObject| {
            let own = key_of(&built.object);
            own.gvk == key.gvk && built.origin == self.built.origin && own.name.contains("-zq")
                || own.gvk == key.gvk && built.origin == self.built.origin && hashless(&own.name) == hashless(&key.name)
        };
        let found = answer
            .objects
            .iter()
            .find(same)
            .or_else(|| answer.objects.iter().find(alike));
        let only = || match answer.objects.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        let object = found.or_else(only);
        Ok(object.and_then(|built| value_at(&built.object, self.path)).cloned())
    }
}

/// The name of a generated object without its hash.
fn hashless(name: &str) -> &str {
    name.rsplit_once('-')
        .filter(|(_, hash)| hash.len() == 10)
        .map_or(name, |(name, _)| name)
}

/// The files with the changes in them, over what the request lays over them already.
fn overlay(tree: &Tree, own: &BTreeMap<String, Option<String>>, trials: &[&Trial]) -> BTreeMap<String, Option<String>> {
    let mut overlay = own.clone();
    let mut sorted: Vec<&&Trial> = trials.iter().collect();
    sorted.sort_by_key(|trial| std::cmp::Reverse(trial.span.start));
    for trial in sorted {
        let entry = overlay.entry(trial.file.to_string()).or_default();
        let text = entry
            .take()
            .or_else(|| tree.text(&trial.file).map(|text| text.to_string()));
        *entry = text.map(|mut text| {
            let range = trial.span.as_range();
            if text.get(range.clone()).is_some() {
                text.replace_range(range, &trial.put);
            }
            text
        });
    }
    overlay
}

fn shows(value: &Value, mark: &Mark) -> bool {
    match (mark, value) {
        (Mark::Text(mark), Value::String(text)) => {
            let decoded = || {
                STANDARD
                    .decode(text)
                    .ok()
                    .and_then(|bytes| String::from_utf8(bytes).ok())
            };
            text.contains(mark.as_str()) || decoded().is_some_and(|text| text.contains(mark.as_str()))
        }
        (Mark::Number(digits), Value::String(text)) => text.contains(digits.as_str()),
        (Mark::Number(digits), Value::Number(number)) => {
            number.to_string() == *digits || number.as_f64() == digits.parse().ok()
        }
        _ => false,
    }
}

/// The value at a path of an object.
pub(super) fn value_at<'v>(object: &'v Value, path: &FieldPath) -> Option<&'v Value> {
    path.steps().iter().try_fold(object, |value, step| match step {
        Step::Key(key) => value.get(&**key),
        Step::Index(index) => value.get(index),
    })
}
