//! Where what Flux says is said.

use gitops_cluster::Judgement;
use gitops_cluster::answer::{Answer, NoKnowledge, Place as Wanted, Refusal, decode};
use gitops_model::flux::{Chart, FluxObject, FluxSpec};
use gitops_model::{Manifest, ObjectKey, Want, anchor_of_object, place as place_field};
use gitops_render::Fault;
use gitops_render::origins::Place;
use gitops_session::{ObjectVerdict, Outcome};
use gitops_text::Span;
use gitops_yaml::FieldPath;
use serde_json::Value;

use super::said::{About, Said, keys};
use super::{index_of, values};
use crate::built::readings::Written;
use crate::built::worker::Worker;
use crate::built::{placed, releases};

/// A place, with what is said there where that is not what was said at first.
pub(super) struct Spotted {
    /// From the root of the workspace folder.
    pub(super) file: String,
    pub(super) span: Span,
    /// Other words, where the place has some of its own.
    pub(super) message: Option<String>,
    /// The object that it is about, where that is another one than says it.
    pub(super) object: Option<ObjectKey>,
    /// Other places: file, span, what is there.
    pub(super) related: Vec<(String, Span, &'static str)>,
}

/// The places of one thing that was said by an object, which is number `index` of what was built.
pub(super) async fn all(worker: &mut Worker, index: Option<usize>, by: &ObjectKey, said: &Said) -> Vec<Spotted> {
    match &said.about {
        About::Field(path, want) => one(of_field(worker, index, path, *want).await),
        About::Object(named) => match index_of(worker, named) {
            Some(other) => of_answers(worker, index, other, said).await,
            None => one(of_unknown(worker, index, by, &said.message).await),
        },
        About::Whole(named) => match index_of(worker, named) {
            Some(other) => one(of_whole(worker, other)),
            None => one(of_unknown(worker, index, by, &said.message).await),
        },
        About::Build => one(of_build(worker, index, by, &said.message).await),
        About::Value(path, want) => one(of_value(worker, index, path, *want).await),
        About::Template(file, line) => one(of_template(worker, index, file, *line).await),
    }
}

fn one(spotted: Option<Spotted>) -> Vec<Spotted> {
    spotted.into_iter().collect()
}

async fn of_field(worker: &mut Worker, index: Option<usize>, path: &FieldPath, want: Want) -> Option<Spotted> {
    let index = index?;
    match spotted_at(places(worker, index, path, want).await) {
        Some(spotted) => Some(spotted),
        None => in_the_base(worker, index, path, want),
    }
}

/// The first of some places, with the others as places on the way.
fn spotted_at(places: Vec<Place>) -> Option<Spotted> {
    let mut places = places.into_iter();
    let first = places.next()?;
    let others = places.filter(|place| place.span != first.span);
    let related = others.map(|place| {
        let what = placed::on_the_way(place.origin.supplier);
        (place.origin.file.to_string(), place.span, what)
    });
    Some(Spotted {
        file: first.origin.file.to_string(),
        span: first.span,
        message: None,
        object: None,
        related: related.collect(),
    })
}

/// Who supplies a field of an object, best first.
async fn places(worker: &Worker, index: usize, path: &FieldPath, want: Want) -> Vec<Place> {
    let (Some(built), Some(&number)) = (worker.objects.get(index), worker.unit_of.get(index)) else {
        return Vec::new();
    };
    let Some(unit) = worker.units.get(number) else {
        return Vec::new();
    };
    let origins = worker.origins_of(unit, &worker.objects);
    worker.suppliers(unit, &origins, (index, built), path, want).await
}

fn in_the_base(worker: &mut Worker, index: usize, path: &FieldPath, want: Want) -> Option<Spotted> {
    let built = worker.objects.get(index).cloned()?;
    let written = worker.base(&built)?;
    let Written { text, manifest, .. } = &*written;
    let document = text.parse.documents.get(manifest.document)?;
    let span = if path.is_empty() {
        anchor_of_object(document, text.text.as_str(), &manifest.base)
    } else {
        place_field(document, text.text.as_str(), &manifest.base, path, want)
    };
    Some(Spotted {
        file: written.path.clone(),
        span,
        message: None,
        object: None,
        related: Vec::new(),
    })
}

/// What the API server has said of another object, as it is said of those that it is asked about here.
async fn of_answers(worker: &mut Worker, index: Option<usize>, other: usize, said: &Said) -> Vec<Spotted> {
    let Some(built) = worker.objects.get(other).cloned() else {
        return Vec::new();
    };
    let key = ObjectKey::of(&built.object);
    let refusal = refusal(&said.message);
    let answers: Vec<Answer> = decode(&refusal, &key.gvk, &built.object, None, &NoKnowledge);
    if let Some(release) = worker.releases.owner(other) {
        return of_release(worker, release, other, answers).await;
    }
    let forced = index
        .and_then(|index| worker.objects.get(index))
        .map(|by| force(&by.object));
    let mut spotted = Vec::with_capacity(answers.len());
    for answer in answers {
        let mut path = answer.path.clone();
        let found = match &answer.place {
            Wanted::Value => of_field(worker, Some(other), &path, Want::Value).await,
            Wanted::Key => of_field(worker, Some(other), &path, Want::Key).await,
            Wanted::Missing { field } => {
                path.push_key(field.split(['.', '[']).next().unwrap_or(field));
                of_field(worker, Some(other), &path, Want::Key).await
            }
            Wanted::Object => in_the_base(worker, other, &FieldPath::default(), Want::Value),
        };
        let is_immutable = answer.slug == gitops_cluster::answer::codes::IMMUTABLE_FIELD;
        let words = match forced {
            Some(words) if is_immutable => format!("{}; {words}", answer.message),
            _ => answer.message,
        };
        spotted.extend(found.map(|found| Spotted {
            message: Some(words),
            object: Some(key.clone()),
            ..found
        }));
    }
    spotted
}

/// What the API server has said of an object that a release brings: on the values that supply its fields.
async fn of_release(worker: &mut Worker, release: usize, other: usize, mut answers: Vec<Answer>) -> Vec<Spotted> {
    let Some(built) = worker.objects.get(other).cloned() else {
        return Vec::new();
    };
    let key = ObjectKey::of(&built.object);
    for answer in &mut answers {
        worker.releases.explain(other, &built, answer);
    }
    let verdict = ObjectVerdict {
        manifest: Manifest {
            key: key.clone().into(),
            document: other,
            base: FieldPath::default(),
            kind_span: Span::empty(0),
        },
        judgement: Judgement {
            answers,
            ..Judgement::default()
        },
        outcome: Outcome::Rejected,
    };
    let supplied = releases::suppliers(worker, &worker.objects, &verdict).await;
    let mut supplied = supplied.unwrap_or_default().into_iter();
    let mut spotted = Vec::new();
    for answer in verdict.judgement.answers {
        let found = match supplied.next().and_then(spotted_at) {
            Some(found) => Some(found),
            None => in_the_base(worker, release, &FieldPath::default(), Want::Value),
        };
        spotted.extend(found.map(|found| Spotted {
            message: Some(answer.message),
            object: Some(key.clone()),
            ..found
        }));
    }
    spotted
}

/// What `force` of the one who applies would do about a field that cannot be changed.
fn force(by: &Value) -> &'static str {
    let is = |pointer: &str| by.pointer(pointer) == Some(&Value::Bool(true));
    if is("/spec/force") || is("/spec/upgrade/force") {
        "force is set, and it could not be deleted to be made anew"
    } else if by.get("kind").and_then(Value::as_str) == Some("HelmRelease") {
        "spec.upgrade.force: true would delete it and make it anew, and so would another name"
    } else {
        "spec.force: true in the Kustomization of Flux would delete it and make it anew, and so would another name"
    }
}

/// The answer of the API server, of which Flux has passed on the words.
fn refusal(words: &str) -> Refusal {
    let status = if words.contains("failed to create typed") || words.contains("failed to convert new object") {
        500
    } else if words.contains("no matches for kind") || words.ends_with("not found") {
        404
    } else if words.starts_with("Apply failed with ") {
        409
    } else if words.contains(" is forbidden: ") {
        403
    } else {
        422
    };
    Refusal {
        status,
        reason: String::new(),
        message: words.to_owned(),
        causes: Vec::new(),
    }
}

/// An object that is waited for and does not come: on what keeps it, if it says so itself.
fn of_whole(worker: &mut Worker, other: usize) -> Option<Spotted> {
    let object = worker.objects.get(other)?.object.clone();
    let is_suspended = object.pointer("/spec/suspend") == Some(&Value::Bool(true));
    let path = if is_suspended {
        keys(&["spec", "suspend"])
    } else {
        FieldPath::default()
    };
    // What a release brings is written where the release is.
    let written = worker.releases.owner(other).unwrap_or(other);
    let spotted = in_the_base(worker, written, &path, Want::Value)?;
    Some(Spotted {
        message: is_suspended.then(|| "this is suspended, and never gets ready for what waits for it".to_owned()),
        object: Some(ObjectKey::of(&object)),
        ..spotted
    })
}

/// An object that was not built here: one of a chart, or what a Kustomization of elsewhere has.
async fn of_unknown(worker: &mut Worker, index: Option<usize>, by: &ObjectKey, words: &str) -> Option<Spotted> {
    let index = index?;
    let object = worker.objects.get(index)?.object.clone();
    if by.gvk.kind == "HelmRelease" {
        if let Some(path) = values::named_in(&object, words) {
            return of_field(worker, Some(index), &path, Want::Value).await;
        }
        let path = super::said::first_of(
            &object,
            &[&["spec", "chartRef", "name"], &["spec", "chart", "spec", "chart"]],
        );
        return of_field(worker, Some(index), &path, Want::Value).await;
    }
    let path = super::said::first_of(&object, &[&["spec", "path"], &["metadata", "name"]]);
    of_field(worker, Some(index), &path, Want::Value).await
}

/// What Flux cannot build is not built here either, and the words lead to the line.
async fn of_build(worker: &mut Worker, index: Option<usize>, by: &ObjectKey, message: &str) -> Option<Spotted> {
    let name = (by.namespace.clone().unwrap_or_default(), by.name.clone());
    let is_it = |unit: &&crate::built::unit::Unit| unit.flux.as_ref().is_some_and(|flux| *flux.name == name);
    // The one that the session has made for the entry has no name here.
    let unit = worker.units.iter().find(is_it).or_else(|| worker.units.first())?;
    let fault = Fault {
        step: "build".to_owned(),
        message: message.to_owned(),
        object: None,
    };
    match worker.placed(unit, &fault) {
        Some(placed) => Some(Spotted {
            file: placed.file,
            span: placed.span,
            message: Some(placed.message),
            object: None,
            related: Vec::new(),
        }),
        None => of_field(worker, index, &keys(&["spec", "path"]), Want::Value).await,
    }
}

async fn of_value(worker: &mut Worker, index: Option<usize>, path: &[String], want: Want) -> Option<Spotted> {
    let object = worker.objects.get(index?)?.object.clone();
    let (found, is_exact) = values::nearest(&object, path);
    let want = if is_exact { want } else { Want::Key };
    of_field(worker, index, &found, want).await
}

/// A line of a template: the value that it asks for, where it asks for one; else the line, if the chart is here.
async fn of_template(worker: &mut Worker, index: Option<usize>, file: &str, line: u32) -> Option<Spotted> {
    let object = worker.objects.get(index?)?.object.clone();
    let template = chart_directory(&object).map(|directory| {
        if directory.is_empty() {
            file.to_owned()
        } else {
            format!("{directory}/{file}")
        }
    });
    let text = template
        .as_ref()
        .and_then(|path| worker.tree.texts().text(path))
        .cloned();
    if let (Some(path), Some(text)) = (template, text) {
        let start: usize = text
            .split_inclusive('\n')
            .take(line.saturating_sub(1) as usize)
            .map(str::len)
            .sum();
        let written = text
            .get(start..)
            .and_then(|rest| rest.lines().next())
            .unwrap_or_default();
        if written.contains("required ")
            && let Some(value) = values::asked_in(written)
        {
            return of_value(worker, index, &value, Want::Value).await;
        }
        let blanks = written.len() - written.trim_start().len();
        let offset = |at: usize| u32::try_from(at).unwrap_or_default();
        return Some(Spotted {
            file: path,
            span: Span::new(offset(start + blanks), offset(start + written.trim_end().len())),
            message: None,
            object: None,
            related: Vec::new(),
        });
    }
    let path = super::said::first_of(
        &object,
        &[&["spec", "chartRef", "name"], &["spec", "chart", "spec", "chart"]],
    );
    of_field(worker, index, &path, Want::Value).await
}

/// The directory of the chart of a release, where it is in a Git repository.
fn chart_directory(object: &Value) -> Option<String> {
    let FluxSpec::HelmRelease(release) = FluxObject::read(object)?.spec else {
        return None;
    };
    match release.chart {
        Chart::Template(template) => template.directory(),
        Chart::Named(_) | Chart::None => None,
    }
}
