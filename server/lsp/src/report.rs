//! From the cluster's answers to findings on lines.

use std::sync::Arc;

use gitops_cluster::answer::{Answer, Place};
use gitops_model::{Code, Finding, Manifest, ObjectKey, Origin, Related, Source, Want, anchor_of_object};
use gitops_session::ObjectVerdict;
use gitops_text::Span;
use gitops_yaml::{Document, FieldPath};

use crate::files::{At, File, Judged, ObjectState, PlacedAnswer};
use crate::fix;
use crate::parsed::Parsed;

/// Takes the verdicts about a file: what they say, and what was written where they say it.
pub(crate) fn judged(saved: &Parsed, verdicts: &[Arc<ObjectVerdict>], applying: bool) -> Vec<Judged> {
    verdicts
        .iter()
        .map(|verdict| {
            let answers: Vec<PlacedAnswer> = verdict
                .judgement
                .answers
                .iter()
                .chain(&verdict.judgement.warnings)
                .map(|answer| PlacedAnswer {
                    answer: answer.clone(),
                    written: saved
                        .parse
                        .documents
                        .get(verdict.manifest.document)
                        .and_then(|document| written(document, saved.text.as_str(), &verdict.manifest.base, answer)),
                    at: None,
                })
                .collect();
            Judged {
                manifest: verdict.manifest.clone(),
                state: Some(ObjectState::of(verdict, applying)),
                answers,
            }
        })
        .collect()
}

/// What was said about a file, placed in the text as it is now.
///
/// An answer goes on pointing at its field while text moves around it, and is gone as soon as the field itself is
/// changed: what the cluster said was about something else then.
pub(crate) fn place_all(name: &Arc<str>, file: &File, now: &Arc<Parsed>) -> Vec<Finding> {
    place_judged(name, &file.objects, now)
}

/// [`place_all`] for objects that belong to no file of an editor.
pub(crate) fn place_judged(name: &Arc<str>, objects: &[Judged], now: &Parsed) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for judged in objects {
        let nothing = Document::default();
        let Some((manifest, document)) = find(now, judged).or_else(|| in_no_yaml(now, judged, &nothing)) else {
            continue;
        };
        for placed in &judged.answers {
            if let Some(at) = &placed.at {
                findings.extend(
                    at.now(now)
                        .map(|span| finding_at(now, document, manifest, &placed.answer, at, span)),
                );
            } else if written(document, now.text.as_str(), &manifest.base, &placed.answer) == placed.written {
                findings.push(finding(name, now, document, manifest, &placed.answer));
            }
        }
        if let Some(ObjectState::Unreachable(reason)) = &judged.state {
            findings.push(Finding {
                code: Code {
                    source: Source::Apply,
                    slug: "unreachable",
                },
                severity: gitops_model::Severity::Information,
                span: manifest.kind_span,
                message: format!("not applied: {reason}; it is tried again when the cluster answers"),
                detail: None,
                related: Vec::new(),
                fixes: Vec::new(),
                object: Some(ObjectKey::clone(&manifest.key)),
            });
        }
    }
    // Two fields that come from one anchor stand in one place; what is wrong with it is said once.
    findings.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
    findings.dedup_by(|a, b| a.span == b.span && a.code == b.code && a.message == b.message);
    findings
}

/// The object in the text as it is now: by its identity, and where that stands twice, by its number. What is no object,
/// such as a kustomization, has nothing but its number.
fn find<'a>(now: &'a Parsed, judged: &'a Judged) -> Option<(&'a Manifest, &'a Document)> {
    let wanted = &judged.manifest;
    let mut same: Vec<&Manifest> = now
        .readings
        .iter()
        .flat_map(gitops_model::Reading::manifests)
        .filter(|manifest| manifest.key == wanted.key)
        .collect();
    same.sort_by_key(|manifest| manifest.document.abs_diff(wanted.document));
    let no_object = judged.state.is_none().then_some(wanted);
    let manifest = same.into_iter().next().or(no_object)?;
    Some((manifest, now.parse.documents.get(manifest.document)?))
}

/// What is no object in a file that is no YAML, such as a script or a template, has no document.
fn in_no_yaml<'a>(now: &Parsed, judged: &'a Judged, nothing: &'a Document) -> Option<(&'a Manifest, &'a Document)> {
    (judged.state.is_none() && now.parse.documents.is_empty()).then_some((&judged.manifest, nothing))
}

/// What an answer about a manifest is about, as it is written in a text.
pub(crate) fn written_in(text: &Parsed, manifest: &Manifest, answer: &Answer) -> Option<String> {
    let document = text.parse.documents.get(manifest.document)?;
    written(document, text.text.as_str(), &manifest.base, answer)
}

/// What an answer is about, as it is written; `None` for what is not written.
fn written(document: &Document, text: &str, base: &FieldPath, answer: &Answer) -> Option<String> {
    let path = base.join(&answer.path);
    let located = document.locate(text, &path);
    let exact = located.matched == path.steps().len();
    match &answer.place {
        Place::Value if exact => located.value.map(|span| span.slice(text).to_owned()),
        Place::Key if exact => Some(located.key.map_or("", |span| span.slice(text)).to_owned()),
        Place::Value | Place::Key => Some(format!("up to {}", located.matched)),
        Place::Missing { field } => {
            let first = field.split(['.', '[']).next().unwrap_or(field);
            let mut child = path.clone();
            child.push_key(first);
            // A parent that is there already, such as `resources` of `resources.limits.memory`, counts as it is written.
            let child_located = document.locate(text, &child);
            (child_located.matched == child.steps().len())
                .then(|| child_located.value.map_or("", |span| span.slice(text)).to_owned())
        }
        Place::Object => None,
    }
}

fn finding(name: &Arc<str>, now: &Parsed, document: &Document, manifest: &Manifest, answer: &Answer) -> Finding {
    let text = now.text.as_str();
    let origin = |path: &FieldPath| Origin::of_manifest(name, manifest, path);
    Finding {
        code: Code {
            source: Source::Apply,
            slug: answer.slug,
        },
        severity: answer.severity,
        span: span_of(document, text, &origin(&answer.path), &answer.place),
        message: answer.message.clone(),
        detail: (!answer.detail.is_empty() && answer.detail != answer.message).then(|| answer.detail.clone()),
        related: answer
            .related
            .iter()
            .map(|(path, message)| Related {
                file: None,
                span: origin(path).span(document, text, Want::Value),
                message: message.clone(),
            })
            .collect(),
        fixes: fix::of(document, text, &manifest.base, answer),
        object: Some(ObjectKey::clone(&manifest.key)),
    }
}

/// A finding whose place was found by where its field comes from.
fn finding_at(now: &Parsed, document: &Document, manifest: &Manifest, answer: &Answer, at: &At, span: Span) -> Finding {
    let fixes = fix::of(document, now.text.as_str(), &manifest.base, answer);
    Finding {
        code: Code {
            source: Source::Apply,
            slug: answer.slug,
        },
        severity: answer.severity,
        span,
        message: answer.message.clone(),
        detail: (!answer.detail.is_empty() && answer.detail != answer.message).then(|| answer.detail.clone()),
        related: at
            .related
            .iter()
            .map(|(file, span, message)| Related {
                file: Some(file.to_string()),
                span: *span,
                message: (*message).to_owned(),
            })
            .collect(),
        fixes,
        object: Some(ObjectKey::clone(&manifest.key)),
    }
}

fn span_of(document: &Document, text: &str, origin: &Origin, wanted: &Place) -> Span {
    match wanted {
        Place::Object => anchor_of_object(document, text, &origin.base),
        Place::Key | Place::Missing { .. } => origin.span(document, text, Want::Key),
        Place::Value => origin.span(document, text, Want::Value),
    }
}
