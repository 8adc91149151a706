//! Why a claim gets no volume.

use super::super::Answer;
use super::super::sent::{keys, value_at};
use super::super::wording::{cut, quoted};
use super::{CLAIM_PENDING, MAX_WORDS, Subject, as_warning, named};

/// The answers to what is said of a `PersistentVolumeClaim` that waits.
pub(super) fn answers(subject: &Subject<'_>, reason: &str, text: &str) -> Vec<Answer> {
    let class = keys(&["spec", "storageClassName"]);
    let volume = keys(&["spec", "volumeName"]);
    let (path, words) = if text.contains("storageclass.storage.k8s.io") && text.contains("not found") {
        let name = quoted(text).into_iter().next().unwrap_or_default();
        (
            class,
            format!(
                "StorageClass {} not found: nobody provides a volume for the claim",
                named(&name)
            ),
        )
    } else if reason == "VolumeMismatch" {
        // pkg/controller/volume/persistentvolume/pv_controller.go, `checkVolumeSatisfyClaim`
        let field = if text.contains("too small") {
            keys(&["spec", "resources", "requests", "storage"])
        } else if text.contains("accessMode") {
            keys(&["spec", "accessModes"])
        } else if text.contains("storageClassName") {
            class
        } else if text.contains("volumeMode") {
            keys(&["spec", "volumeMode"])
        } else {
            volume
        };
        (field, format!("the claim is not bound: {}", cut(text, MAX_WORDS)))
    } else {
        let field = if value_at(subject.sent, &volume).is_some() {
            volume
        } else {
            class
        };
        (field, format!("the claim is not bound: {}", cut(text, MAX_WORDS)))
    };
    let answer = if value_at(subject.sent, &path).is_some() {
        subject.at(&path, CLAIM_PENDING, words)
    } else {
        Answer::about_object(CLAIM_PENDING, words)
    };
    let answer = answer.with_detail(text);
    // A mismatch is in what is written; that nobody provides volumes may be so here only.
    vec![if reason == "VolumeMismatch" {
        answer
    } else {
        as_warning(answer)
    }]
}
