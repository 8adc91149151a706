//! What the objects of a folder of plain manifests say about each other.
//!
//! Each file is applied for itself, and anything else may be on the cluster, so only slips are said: names that are nearly
//! those of objects that are there, or that are there in another namespace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camino::Utf8Path;
use gitops_model::references::{self, ObjectFinding, Scene};
use gitops_model::{Code, Finding, Manifest, Related, Source, Want, place};
use gitops_session::{Supplied, Supply};
use gitops_text::Span;
use gitops_yaml::FieldPath;
use serde_json::Value;

use crate::event::{Event, TaskDone};
use crate::follow;
use crate::parsed::Parsed;
use crate::reference_fix::written_instead;
use crate::state::State;
use crate::workspace::read_file;

/// What the files of one session supply, and what is said of that.
#[derive(Default)]
pub(crate) struct PlainReferences {
    supplied: BTreeMap<Arc<str>, Vec<Supplied>>,
    /// The files that something is said in.
    said_in: BTreeSet<Arc<str>>,
    /// Whether it is being looked at.
    is_looking: bool,
    /// Whether files were saved since.
    is_outdated: bool,
}

/// What was found.
pub(crate) struct Found {
    /// For which session.
    number: u64,
    /// The findings by file, with the text that they are about; none in a file that is only involved.
    files: BTreeMap<Arc<str>, (Arc<Parsed>, Vec<Finding>)>,
}

/// Files were saved into a session: all of its objects are held against each other, off the loop.
pub(crate) fn supplied(state: &mut State, number: u64, supplies: &[Supply]) {
    let plain = state.plain.entry(number).or_default();
    for supply in supplies {
        if supply.objects.is_empty() {
            plain.supplied.remove(&supply.file);
        } else {
            plain.supplied.insert(Arc::clone(&supply.file), supply.objects.clone());
        }
    }
    look(state, number);
}

fn look(state: &mut State, number: u64) {
    let Some(plain) = state.plain.get_mut(&number) else {
        return;
    };
    // One look at a time; what is saved meanwhile is looked at once, afterwards.
    if plain.is_looking {
        plain.is_outdated = true;
        return;
    }
    plain.is_looking = true;
    plain.is_outdated = false;
    let supplied: Vec<(Arc<str>, Vec<Supplied>)> = plain
        .supplied
        .iter()
        .map(|(name, supplied)| (Arc::clone(name), supplied.clone()))
        .collect();
    let known = supplied.iter().filter_map(|(name, _)| {
        let file = state.files.get(name)?;
        Some((Arc::clone(name), file.saved.clone().or_else(|| file.parsed.clone())?))
    });
    let known: BTreeMap<Arc<str>, Arc<Parsed>> = known.collect();
    let inbox = state.inbox.clone();
    state.runtime.spawn_blocking(move || {
        let files = find(&supplied, known);
        let _ = inbox.send(Event::Task(TaskDone::ReferencesFound(Found { number, files })));
    });
}

/// What was found is said, unless something was saved meanwhile.
pub(crate) fn on_found(state: &mut State, found: Found) {
    let Found { number, files } = found;
    let Some(plain) = state.plain.get_mut(&number) else {
        return;
    };
    plain.is_looking = false;
    if plain.is_outdated {
        return look(state, number);
    }
    let mut earlier = std::mem::take(&mut plain.said_in);
    plain.said_in = files.keys().cloned().collect();
    earlier.retain(|name| !files.contains_key(name));
    let generation = state.generation;
    for name in earlier {
        state.ledger.set(&name, Source::Render, generation, Vec::new());
    }
    for (name, (text, mut findings)) in files {
        if let Some((_, file)) = state.files.at_path(Utf8Path::new(&*name)) {
            match &file.parsed {
                Some(now) if file.version.is_some() => findings = follow::all(&text, now, findings),
                _ => file.parsed = Some(text),
            }
        }
        state.ledger.set(&name, Source::Render, generation, findings);
    }
}

fn find(
    supplied: &[(Arc<str>, Vec<Supplied>)],
    mut known: BTreeMap<Arc<str>, Arc<Parsed>>,
) -> BTreeMap<Arc<str>, (Arc<Parsed>, Vec<Finding>)> {
    let objects: Vec<(&Arc<str>, &Manifest, Value)> = supplied
        .iter()
        .flat_map(|(name, objects)| objects.iter().map(move |object| (name, object)))
        .map(|(name, object)| (name, &object.manifest, object.object.value()))
        .collect();
    let values: Vec<&Value> = objects.iter().map(|(.., value)| value).collect();
    let found = references::findings(Scene {
        objects: &values,
        owners: &[],
        written_names: &[],
        variables: &[],
        given: &[],
        repository: None,
        is_flux: false,
        with_pods: false,
    });
    let mut files: BTreeMap<Arc<str>, (Arc<Parsed>, Vec<Finding>)> = BTreeMap::new();
    let mut spot = |object: usize, path: &FieldPath, want: Want| {
        let (name, manifest, _) = objects.get(object)?;
        let text = text_of(&mut known, name)?;
        let document = text.parse.documents.get(manifest.document)?;
        let span = if path.is_empty() {
            manifest.kind_span
        } else {
            place(document, text.text.as_str(), &manifest.base, path, want)
        };
        Some((Arc::clone(name), text, span))
    };
    // What is missing without anything near to it may be on the cluster.
    for found in found.iter().filter(|found| !found.related.is_empty()) {
        let Some((name, text, span)) = spot(found.object, &found.path, found.want) else {
            continue;
        };
        let mut related = Vec::new();
        for (object, path, message) in &found.related {
            let Some((name, text, span)) = spot(*object, path, Want::Value) else {
                continue;
            };
            related.push(Related {
                file: Some(name.to_string()),
                span,
                message: message.clone(),
            });
            files.entry(name).or_insert_with(|| (text, Vec::new()));
        }
        let key = objects.get(found.object).map(|(_, manifest, _)| manifest.key.clone());
        let finding = finding(found, span, text.text.as_str(), related, key);
        files.entry(name).or_insert_with(|| (text, Vec::new())).1.push(finding);
    }
    files
}

fn finding(
    found: &ObjectFinding,
    span: Span,
    text: &str,
    related: Vec<Related>,
    object: Option<gitops_model::ObjectKey>,
) -> Finding {
    let fix = found
        .instead
        .as_deref()
        .and_then(|instead| written_instead(text, span, instead));
    Finding {
        code: Code {
            source: Source::Model,
            slug: found.slug,
        },
        severity: found.severity,
        span,
        message: found.message.clone(),
        detail: None,
        related,
        fixes: fix.into_iter().collect(),
        object,
    }
}

/// The text of a file: that of the editor, or what is on the disk.
fn text_of(known: &mut BTreeMap<Arc<str>, Arc<Parsed>>, name: &Arc<str>) -> Option<Arc<Parsed>> {
    if !known.contains_key(name)
        && let Ok(Some(parsed)) = read_file(Utf8Path::new(&**name))
    {
        known.insert(Arc::clone(name), parsed);
    }
    known.get(name).cloned()
}
