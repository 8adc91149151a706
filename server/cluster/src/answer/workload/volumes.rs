//! Why a volume of a pod cannot be mounted: `MountVolume.SetUp failed for volume "pages" : configmap "pages" not found`.

use super::super::Answer;
use super::super::sent::{value_at, with_index, with_key};
use super::super::wording::{between, cut};
use super::containers::{missing_words, what_is_missing};
use super::references::{places, references};
use super::{MAX_WORDS, Subject, VOLUME_FAILED, named};
use serde_json::Value;

/// The answers to the text of a `FailedMount` or `FailedAttachVolume` event.
pub(super) fn answers(subject: &Subject<'_>, text: &str) -> Vec<Answer> {
    let volume = between(text, "for volume \"", "\"");
    let why = text.split_once("\" : ").map_or(text, |(_, why)| why);
    if let Some((kind, name, key)) = what_is_missing(why) {
        let paths = places(subject, kind, &name, key.as_deref());
        let words = format!(
            "volume cannot be mounted: {}",
            missing_words(kind, &name, key.as_deref())
        );
        if !paths.is_empty() {
            return paths
                .iter()
                .map(|path| subject.at(path, VOLUME_FAILED, words.clone()).with_detail(text))
                .collect();
        }
    }
    // pkg/volume/configmap/configmap.go and pkg/volume/secret/secret.go
    let key = why
        .split_once("references non-existent ")
        .and_then(|(_, rest)| rest.split_once("key: "));
    if let Some((_, key)) = key {
        let key = key.trim();
        let found = references(subject.gvk, subject.sent)
            .into_iter()
            .filter(|reference| reference.key.as_deref() == Some(key) && reference.volume.is_some())
            .filter(|reference| volume.is_none() || reference.volume.as_deref() == volume);
        let found: Vec<Answer> = found
            .map(|reference| {
                let words = missing_words(reference.kind, &reference.name, Some(key));
                let words = format!("volume cannot be mounted: {words}");
                subject.at(&reference.path, VOLUME_FAILED, words).with_detail(text)
            })
            .collect();
        if !found.is_empty() {
            return found;
        }
    }
    let shown = volume.map_or_else(|| "a volume".to_owned(), |volume| format!("volume {}", named(volume)));
    let words = format!("{shown} cannot be mounted: {}", cut(why.trim(), MAX_WORDS));
    let answer = match volume.and_then(|volume| item(subject, volume)) {
        Some(path) => subject.at(&path, VOLUME_FAILED, words),
        None => Answer::about_object(VOLUME_FAILED, words),
    };
    vec![answer.with_detail(text)]
}

/// Where a volume stands. Of a claim's volume the kubelet says the name of the `PersistentVolume`, which stands nowhere.
fn item(subject: &Subject<'_>, name: &str) -> Option<gitops_yaml::FieldPath> {
    let (list, items) = subject.of_spec(&["volumes"])?;
    let position = items
        .as_array()?
        .iter()
        .position(|item| item.get("name").and_then(Value::as_str) == Some(name))?;
    let path = with_index(&list, position);
    let host_path = with_key(&path, "hostPath");
    Some(if value_at(subject.sent, &host_path).is_some() {
        host_path
    } else {
        path
    })
}
