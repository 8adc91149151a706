//! What there is in place of a chart or a version that nobody has published.

use gitops_model::nearest;
use gitops_model::references::there_are;
use gitops_session::Published;
use serde_json::Value;

use super::code::Slug;
use super::said::{Said, text};
use crate::built::worker::Worker;

/// What can be said and written instead.
pub(super) struct Hint {
    /// Added to what is said.
    pub(super) words: String,
    /// Written in its place.
    pub(super) instead: String,
}

/// Looks into the repository that a release, or a `HelmChart`, names.
pub(super) async fn hint(worker: &Worker, object: &Value, said: &Said) -> Option<Hint> {
    if !matches!(said.slug, Slug::VersionNotFound | Slug::ChartNotFound) {
        return None;
    }
    let template = match text(object, "/kind") {
        "HelmRelease" => object.pointer("/spec/chart/spec")?,
        "HelmChart" => object.get("spec")?,
        _ => return None,
    };
    if text(template, "/sourceRef/kind") != "HelmRepository" {
        return None;
    }
    let own = text(object, "/metadata/namespace");
    let namespace = Some(text(template, "/sourceRef/namespace")).filter(|namespace| !namespace.is_empty());
    let published = Published::by(
        worker.cluster.as_ref()?,
        namespace.unwrap_or(own),
        text(template, "/sourceRef/name"),
    )
    .await?;
    of_published(&published, text(template, "/chart"), said.slug)
}

fn of_published(published: &Published, chart: &str, slug: Slug) -> Option<Hint> {
    if slug == Slug::ChartNotFound {
        let near = nearest(chart, published.charts())?;
        return Some(Hint {
            words: format!("did you mean {near}?"),
            instead: near.to_owned(),
        });
    }
    let all = published.versions(chart);
    // What is still to be released is only offered where there is nothing else.
    let released: Vec<&String> = all.iter().filter(|version| !version.contains('-')).collect();
    let offered = if released.is_empty() {
        all.iter().collect()
    } else {
        released
    };
    let newest = (*offered.first()?).clone();
    let offered: Vec<String> = offered.into_iter().cloned().collect();
    let words = there_are(&offered);
    Some(Hint { words, instead: newest })
}
