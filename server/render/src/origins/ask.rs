//! Asking the renderer: a candidate is changed in memory, and the field moves or it does not.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gitops_model::kustomize::{Sheet, Spot, Tree};
use gitops_text::Span;
use gitops_yaml::{FieldPath, Style};
use serde_json::Value;

use super::hit::At;
use super::pick::key_of;
use crate::value_at::value_at;
use crate::{BuiltObject, Gone, Kustomize, ObjectId, Renderer};

/// A change of one scalar, by which it can be known in what is built.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    file: Arc<str>,
    span: Span,
    put: String,
    mark: Mark,
    /// The variable of post-build substitution whose value it is, which is asked beside the files.
    pub(super) variable: Option<String>,
}

/// What became of a field when something was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tried {
    /// It is another, or it is gone.
    Moved,
    /// It is as it was.
    Still,
    /// Nothing can be built with the change, or the object is not found in what is built.
    NotBuilt,
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
                variable: None,
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
                    let digits = format!("{}", 77_100 + number);
                    (spot.sheet.outer(span), digits.clone(), Mark::Number(digits))
                }
                Value::Null if scalar.value.is_empty() => return None,
                Value::Null => (spot.sheet.outer(span), "7".to_owned(), Mark::Other),
                _ => (end, mark.clone(), Mark::Text(mark)),
            };
            Some(Trial {
                file,
                span,
                put,
                mark,
                variable: None,
            })
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
    pub(super) flux: Option<&'a Spot>,
}

impl Asking<'_> {
    /// Whether trials move the field together.
    pub(super) async fn tried(self, trials: &[&Trial]) -> Result<Tried, Gone> {
        let Some(value) = self.field_with(trials).await? else {
            return Ok(Tried::NotBuilt);
        };
        let before = value_at(&self.built.object, self.path);
        Ok(match value {
            Some(value) if Some(&value) == before => Tried::Still,
            _ => Tried::Moved,
        })
    }

    /// Which of the trials move the field: all in one request where their marks tell them apart.
    pub(super) async fn moved(self, trials: &[Option<Trial>]) -> Result<Vec<bool>, Gone> {
        let mut moved = vec![false; trials.len()];
        let marked = |trial: &&Trial| !matches!(trial.mark, Mark::Other);
        let together: Vec<&Trial> = trials.iter().flatten().filter(marked).collect();
        let mut alone = together.is_empty();
        if !together.is_empty() {
            match self.field_with(&together).await? {
                Some(Some(value)) => {
                    for (moved, trial) in moved.iter_mut().zip(trials) {
                        *moved = trial.as_ref().is_some_and(|trial| shows(&value, &trial.mark));
                    }
                }
                _ => alone = true,
            }
        }
        if moved.contains(&true) {
            return Ok(moved);
        }
        for (moved, trial) in moved.iter_mut().zip(trials) {
            let Some(trial) = trial else { continue };
            if alone || matches!(trial.mark, Mark::Other) || together.len() > 1 {
                *moved = self.tried(&[trial]).await? == Tried::Moved;
            }
        }
        Ok(moved)
    }

    /// The field when these are changed: `None` where nothing is built, `Some(None)` where it is not there any more.
    async fn field_with(self, trials: &[&Trial]) -> Result<Option<Option<Value>>, Gone> {
        let key = key_of(&self.built.object);
        let mut request = Kustomize {
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
        if let Some(flux) = self.flux
            && let Some(Some(text)) = request.overlay.get(&**flux.sheet.file())
        {
            // What the Flux Kustomization says is asked beside the files.
            request.kustomization = changed_object(flux, text).map(Arc::new).or(request.kustomization);
        }
        for variable in trials.iter().filter_map(|trial| trial.variable.as_ref()) {
            let value = request
                .variables
                .as_mut()
                .and_then(|variables| variables.get_mut(variable));
            if let Some(value) = value {
                value.push_str("-zq0z");
            }
        }
        let answer = self.renderer.kustomize(&request).await?;
        if answer.fault.is_some() {
            return Ok(None);
        }
        let built = self.same_object(&answer.objects);
        Ok(built.map(|built| value_at(&built.object, self.path).cloned()))
    }

    /// The object in another build, in which its identity can be another.
    fn same_object(self, objects: &[BuiltObject]) -> Option<&BuiltObject> {
        let key = key_of(&self.built.object);
        let comes_alike = |built: &&BuiltObject| built.origin == self.built.origin;
        let bare = hashless(&key.name);
        let like: [&dyn Fn(&gitops_model::ObjectKey) -> bool; 5] = [
            &|own| *own == key,
            &|own| own.gvk == key.gvk && hashless(&own.name) == bare,
            &|own| own.gvk == key.gvk && hashless(&unmarked(&own.name)) == bare,
            &|own| own.name == key.name && own.gvk.kind == key.gvk.kind,
            &|own| own.name == key.name && own.gvk.kind.starts_with(&key.gvk.kind),
        ];
        let find = |is_like: &dyn Fn(&gitops_model::ObjectKey) -> bool| {
            objects
                .iter()
                .filter(comes_alike)
                .find(|built| is_like(&key_of(&built.object)))
        };
        let only = || match objects {
            [only] => Some(only),
            _ => None,
        };
        like.into_iter().find_map(find).or_else(only)
    }
}

/// The Flux Kustomization in a changed text of its file.
fn changed_object(flux: &Spot, text: &str) -> Option<Value> {
    let sheet = Arc::new(Sheet::of_file(Arc::clone(flux.sheet.file()), text.into()));
    let spot = Spot { sheet, ..flux.clone() };
    spot.field()?.json()
}

/// A name without the mark of a trial.
fn unmarked(name: &str) -> String {
    let Some((before, rest)) = name.split_once("-zq") else {
        return name.to_owned();
    };
    let after = rest.split_once('z').map_or("", |(_, after)| after);
    format!("{before}{after}")
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
        let text = entry.take().or_else(|| tree.text(&trial.file).map(ToString::to_string));
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
