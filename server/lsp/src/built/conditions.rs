//! What Flux says about its objects, on the lines that earned it.
//!
//! The words of a condition are read for which fault it is and what it is about ([`said::Said`]), and that is looked for in
//! what was built: the object that says it, or another that it names, field by field through origins, as answers of the
//! API server are.

mod code;
mod kustomization;
mod published;
mod release;
mod said;
mod source;
mod spot;
mod values;

use gitops_model::{Code, Finding, Fix, ObjectKey, Related, Severity, Source};
use gitops_session::{Condition, Readiness};
use serde_json::Value;

use super::Findings;
use super::worker::Worker;
use crate::reference_fix::written_instead;
use said::{Named, Said};
use spot::Spotted;

/// How long words are that stand in a message; the whole is shown beside it.
const LONGEST_WORDS: usize = 400;

/// The findings about one object: none where nothing failed, or where what is said is not about the newest save.
pub(super) async fn place(worker: &mut Worker, condition: &Condition) -> Findings {
    let Readiness::Failed { reason, message } = &condition.readiness else {
        return Findings::new();
    };
    if !condition.current || worker.releases.says(&condition.key) {
        return Findings::new();
    }
    // Nobody writes a chart of its own: it comes from the template in a release.
    let written = match &condition.made_for {
        Some((namespace, name)) => Named {
            api_version: None,
            kind: "HelmRelease".to_owned(),
            namespace: Some(namespace.clone()),
            name: name.clone(),
        },
        None => Named {
            api_version: None,
            kind: condition.key.gvk.kind.clone(),
            namespace: condition.key.namespace.clone(),
            name: condition.key.name.clone(),
        },
    };
    let index = index_of(worker, &written);
    let object = index.and_then(|index| worker.objects.get(index));
    let object = object.map_or(Value::Null, |built| Value::clone(&built.object));
    let all = match condition.key.gvk.kind.as_str() {
        "Kustomization" => kustomization::read(&object, reason, message),
        "HelmRelease" => release::read(&object, reason, message),
        "HelmChart" if condition.made_for.is_some() => source::read_chart(&object, reason, message),
        _ => source::read(&object, reason, message),
    };
    let mut findings = Findings::new();
    for said in all {
        let hint = published::hint(worker, &object, &said).await;
        for spotted in spot::all(worker, index, &condition.key, &said).await {
            let (file, mut finding) = finding(worker, &condition.key, &said, spotted, message);
            if let Some(hint) = &hint {
                finding.message = format!("{}; {}", finding.message, hint.words);
                let text = worker.path_of(&file).and_then(|path| worker.tree.texts().text(&path));
                let fix = text.and_then(|text| written_instead(text, finding.span, &hint.instead));
                finding.fixes.extend(fix.map(|fix| Fix {
                    preferred: false,
                    ..fix
                }));
            }
            findings.entry(file).or_default().push(finding);
        }
    }
    findings
}

fn finding(
    worker: &Worker,
    key: &ObjectKey,
    said: &Said,
    spotted: Spotted,
    message: &str,
) -> (std::sync::Arc<str>, Finding) {
    let words = spotted.message.unwrap_or_else(|| said.message.clone());
    let words = shortened(&words);
    let file = worker.name(&spotted.file);
    let related = spotted.related.into_iter().map(|(path, span, message)| Related {
        file: Some(worker.name(&path).to_string()),
        span,
        message: message.to_owned(),
    });
    let finding = Finding {
        code: Code {
            source: Source::Flux,
            slug: said.slug.as_str(),
        },
        severity: Severity::Error,
        span: spotted.span,
        detail: (words != *message).then(|| message.to_owned()),
        message: words,
        related: related.collect(),
        fixes: Vec::new(),
        object: Some(spotted.object.unwrap_or_else(|| key.clone())),
    };
    (file, finding)
}

fn shortened(words: &str) -> String {
    match words.char_indices().nth(LONGEST_WORDS) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or(words)),
        None => words.to_owned(),
    }
}

/// Where an object is among what was built.
fn index_of(worker: &Worker, named: &Named) -> Option<usize> {
    worker.objects.iter().position(|built| {
        let text = |pointer: &str| built.object.pointer(pointer).and_then(Value::as_str);
        let api_version = text("/apiVersion").unwrap_or_default();
        // kustomize's own Kustomizations are never objects.
        let is_version = named
            .api_version
            .as_deref()
            .is_none_or(|version| version == api_version);
        text("/kind") == Some(&named.kind)
            && text("/metadata/name") == Some(&named.name)
            && text("/metadata/namespace").is_none_or(|namespace| named.namespace.as_deref() == Some(namespace))
            && is_version
    })
}
