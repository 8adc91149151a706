//! The Helm charts that a workspace offers.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use gitops_yaml::{Node, parse};

use super::{CHART_FILE, read_small};
use crate::workspace::is_yaml;

/// The charts of a folder, and the files of values beside their own.
#[derive(Default)]
pub(super) struct Charts {
    directories: BTreeSet<Utf8PathBuf>,
    values: BTreeSet<Utf8PathBuf>,
}

impl Charts {
    /// Notes a file that makes its directory a chart, or that may be one with values for it.
    pub(super) fn look_at(&mut self, path: &Utf8Path) {
        if path.file_name() == Some(CHART_FILE) {
            self.directories.extend(path.parent().map(Utf8Path::to_owned));
        }
        let stem = path.file_stem().unwrap_or_default();
        let is_values =
            is_yaml(path) && (stem.starts_with("values-") || stem.ends_with("-values") || stem.starts_with("values."));
        if is_values {
            self.values.insert(path.to_owned());
        }
    }

    /// Whether a file is in one of them.
    pub(super) fn have(&self, path: &Utf8Path) -> bool {
        path.ancestors().any(|above| self.directories.contains(above))
    }

    /// The charts that are in no other and can be installed, each followed by its values files.
    pub(super) fn offered(&self) -> impl Iterator<Item = Utf8PathBuf> {
        let outer = self
            .directories
            .iter()
            .filter(|own| own.parent().is_none_or(|parent| !self.have(parent)) && !is_library(own));
        outer.flat_map(|chart| {
            let of_chart = self.values.iter().filter(move |file| {
                let own = file.strip_prefix(chart).ok();
                own.is_some_and(|own| !own.starts_with("templates") && !own.starts_with("charts"))
            });
            std::iter::once(chart).chain(of_chart).cloned()
        })
    }
}

/// Whether a chart is only there for other charts.
fn is_library(chart: &Utf8Path) -> bool {
    read_small(&chart.join(CHART_FILE)).is_some_and(|text| {
        let parsed = parse(&text);
        let root = parsed.documents.first().and_then(|document| document.root(&text));
        root.and_then(|root| root.get("type")).and_then(Node::as_str) == Some("library")
    })
}
