//! The files of a chart in the tree.

use std::collections::BTreeSet;

use gitops_model::kustomize::{Tree, join};
use gitops_yaml::Dialect;
use serde_json::Value;

/// How many directories one chart consists of at most.
const MAX_DIRECTORIES: usize = 100;

/// A path below a directory, which can be the top of the tree.
pub(super) fn below(directory: &str, path: &str) -> String {
    join(directory, path).unwrap_or_default()
}

/// The directories of a chart: its own, and those of the dependencies that lie beside it (`file://`), and of theirs.
pub(super) fn local_directories(tree: &Tree, chart: &str) -> Vec<String> {
    let mut found = vec![chart.to_owned()];
    let mut seen = BTreeSet::from([chart.to_owned()]);
    let mut at = 0;
    while let Some(directory) = found.get(at).cloned() {
        at += 1;
        for dependency in dependencies(tree, &directory) {
            let beside = dependency
                .repository
                .strip_prefix("file://")
                .and_then(|beside| join(&directory, beside));
            if let Some(beside) = beside
                && found.len() < MAX_DIRECTORIES
                && seen.insert(beside.clone())
            {
                found.push(beside);
            }
        }
    }
    found
}

/// One entry of `dependencies` of a `Chart.yaml`.
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) alias: String,
    pub(super) repository: String,
    pub(super) condition: String,
    /// Whether values of it are taken over by the chart around it.
    pub(super) exports: bool,
}

pub(super) fn dependencies(tree: &Tree, directory: &str) -> Vec<Dependency> {
    let Some(chart) = yaml(tree, directory, "Chart.yaml") else {
        return Vec::new();
    };
    let listed = chart.get("dependencies").and_then(Value::as_array);
    let read = |dependency: &Value| {
        let text = |key: &str| {
            dependency
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Dependency {
            name: text("name"),
            alias: text("alias"),
            repository: text("repository"),
            condition: text("condition"),
            exports: dependency.get("import-values").is_some(),
        }
    };
    listed.into_iter().flatten().map(read).collect()
}

/// The name that a chart has in its `Chart.yaml`.
pub(super) fn name_of(tree: &Tree, directory: &str) -> Option<String> {
    let chart = yaml(tree, directory, "Chart.yaml")?;
    chart.get("name").and_then(Value::as_str).map(str::to_owned)
}

/// A file of a chart as Helm reads it.
pub(super) fn yaml(tree: &Tree, directory: &str, file: &str) -> Option<Value> {
    let sheet = tree.sheet(&join(directory, file)?)?;
    sheet.documents().first()?.to_json(sheet.text(), Dialect::Kubectl).ok()
}

/// A chart inside of another, with the key of the values that are for it.
pub(super) struct SubChart {
    /// The key, through all charts around it.
    pub(super) keys: Vec<String>,
    pub(super) directory: String,
}

/// The chart itself and all that are in it or beside it.
pub(super) fn charts(tree: &Tree, chart: &str) -> Vec<SubChart> {
    let mut found = vec![SubChart {
        keys: Vec::new(),
        directory: chart.to_owned(),
    }];
    let mut at = 0;
    while let Some(around) = found.get(at) {
        at += 1;
        let (keys, directory) = (around.keys.clone(), around.directory.clone());
        let mut inside: Vec<(String, String)> = Vec::new();
        let inner = below(&directory, "charts");
        for (path, _) in tree.below(&inner) {
            let rest = path.get(inner.len() + 1..).unwrap_or_default();
            if let Some((name, "Chart.yaml")) = rest.split_once('/') {
                inside.push((name.to_owned(), format!("{inner}/{name}")));
            }
        }
        let listed = dependencies(tree, &directory);
        for dependency in &listed {
            let beside = dependency.repository.strip_prefix("file://");
            if let Some(beside) = beside.and_then(|beside| join(&directory, beside)) {
                inside.push((dependency.name.clone(), beside));
            }
        }
        for (directory_name, directory) in inside {
            let own = name_of(tree, &directory).unwrap_or(directory_name);
            let mut names: Vec<&str> = listed
                .iter()
                .filter(|dependency| dependency.name == own && !dependency.alias.is_empty())
                .map(|dependency| dependency.alias.as_str())
                .collect();
            if names.is_empty() {
                names.push(own.as_str());
            }
            for name in names {
                if found.len() < MAX_DIRECTORIES {
                    let mut keys = keys.clone();
                    keys.push(name.to_owned());
                    found.push(SubChart {
                        keys,
                        directory: directory.clone(),
                    });
                }
            }
        }
    }
    found
}
