//! What helm-controller (v1.6) says of a release, and Helm (v4) through it, read.

use gitops_model::Want;
use serde_json::Value;

use super::code::Slug;
use super::kustomization::dependency;
use super::said::{About, Named, Said, after, between, entry, first_line, first_of, keys, text};

/// Before the faults of one action.
const ACTIONS: [(&str, Slug); 6] = [
    ("Helm install failed for release ", Slug::InstallFailed),
    ("Helm upgrade failed for release ", Slug::UpgradeFailed),
    ("Helm test failed for release ", Slug::TestFailed),
    ("Helm uninstall failed for release ", Slug::UninstallFailed),
    ("Helm rollback to previous release ", Slug::UpgradeFailed),
    ("Helm uninstall remediation for release ", Slug::UninstallFailed),
];

/// Between the faults of several objects of one release (`helm.sh/helm/v4/pkg/kube`).
const AND: &str = " && ";

/// The faults in a failed condition; at least one.
pub(super) fn read(object: &Value, reason: &str, message: &str) -> Vec<Said> {
    match reason {
        "DependencyNotReady" => return vec![dependency(object, message)],
        "ArtifactFailed" | "ChartMutateError" => return vec![chart(object, message)],
        "ValuesError" => return vec![values_from(object, message)],
        "AccessDenied" => return vec![access(object, message)],
        "InvalidCELExpression" => {
            let path = first_of(object, &[&["spec", "healthCheckExprs"], &["spec", "dependsOn"]]);
            return vec![Said::of_field(Slug::BadExpression, path, first_line(message))];
        }
        "RESTClientError" | "ResourceManagerError" | "FactoryError" => {
            let path = first_of(
                object,
                &[
                    &["spec", "kubeConfig"],
                    &["spec", "serviceAccountName"],
                    &["metadata", "name"],
                ],
            );
            return vec![Said::of_field(Slug::Failed, path, first_line(message))];
        }
        _ => {}
    }
    let action = ACTIONS.iter().find(|(start, _)| message.starts_with(start));
    let slug = action.map_or(Slug::Failed, |(_, slug)| *slug);
    // `ns/name with chart name@version: ` stands before the cause, and none of it has a colon.
    let cause = match action {
        Some((start, _)) => message.get(start.len()..).and_then(|rest| rest.split_once(": ")),
        None => None,
    };
    let cause = cause.map_or(message, |(_, cause)| cause);
    faults(object, slug, cause.split("\n\nLast Helm logs:").next().unwrap_or(cause))
}

fn chart(object: &Value, message: &str) -> Said {
    let path = first_of(
        object,
        &[&["spec", "chartRef", "name"], &["spec", "chart", "spec", "chart"]],
    );
    if message.ends_with("not found") {
        let of = |field: &str| text(object, &format!("/spec/chartRef/{field}"));
        let own = text(object, "/metadata/namespace");
        let namespace = Some(of("namespace"))
            .filter(|namespace| !namespace.is_empty())
            .unwrap_or(own);
        let words = format!(
            "there is no {} {namespace}/{} to take the chart from",
            of("kind"),
            of("name")
        );
        return Said::of_field(Slug::ChartNotFound, path, words);
    }
    Said::of_field(Slug::ArtifactFailed, path, first_line(message))
}

fn access(object: &Value, message: &str) -> Said {
    let path = first_of(
        object,
        &[
            &["spec", "chartRef", "namespace"],
            &["spec", "chartRef", "name"],
            &["spec", "chart", "spec", "sourceRef", "namespace"],
            &["spec", "chart", "spec", "sourceRef", "name"],
        ],
    );
    Said::of_field(Slug::AccessDenied, path, message)
}

/// `could not resolve ConfigMap chart values reference 'apps/values' with key 'values.yaml': …`.
fn values_from(object: &Value, message: &str) -> Said {
    let kind = between(message, "could not resolve ", " chart values reference").unwrap_or_default();
    let named = between(message, "chart values reference '", "'").unwrap_or_default();
    let name = named.split_once('/').map_or(named, |(_, name)| name);
    let key = between(message, "with key '", "'").unwrap_or("values.yaml");
    let cause = message.split_once("': ").map_or(message, |(_, cause)| cause);
    let cause = cause.rsplit_once("': ").map_or(cause, |(_, cause)| cause);
    let is_missing_key = message.contains("missing key");
    let written_key = |entry: &Value| {
        let written = text(entry, "/valuesKey");
        if written.is_empty() { "values.yaml" } else { written }.to_owned()
    };
    let is_it = |entry: &Value| text(entry, "/kind") == kind && text(entry, "/name") == name;
    let fits = |entry: &Value| is_it(entry) && written_key(entry) == key;
    let has_key = object
        .pointer("/spec/valuesFrom")
        .and_then(Value::as_array)
        .is_some_and(|items| {
            items
                .iter()
                .any(|entry| fits(entry) && entry.get("valuesKey").is_some())
        });
    let field = if is_missing_key && has_key {
        "valuesKey"
    } else if message.contains("target path") || message.contains("unable to merge value") {
        "targetPath"
    } else {
        "name"
    };
    let words = if message.ends_with("not found") {
        format!("there is no {kind} {named} to take values from: values come from the release's own namespace only")
    } else if is_missing_key {
        format!("{kind} {named} has no key {key} to take values from")
    } else {
        format!("no values can be taken from {kind} {named}: {cause}")
    };
    Said::of_field(
        Slug::ValuesNotFound,
        entry(object, &["spec", "valuesFrom"], fits, field),
        words,
    )
}

/// The faults in what Helm says about an action.
fn faults(object: &Value, slug: Slug, cause: &str) -> Vec<Said> {
    if let Some(list) = after(cause, "specifications of the schema(s) in the following chart(s):") {
        let root = chart_name(object);
        let said = against_schema(list, &root);
        if !said.is_empty() {
            return said;
        }
    }
    if let Some(words) = after(cause, "error while running post render on files: ") {
        return vec![post_render(object, words)];
    }
    if let Some(said) = template(cause) {
        return vec![said];
    }
    let said = cause
        .split(AND)
        .map(|one| of_object(object, slug, one.trim()))
        .collect::<Vec<_>>();
    let mut kept: Vec<Said> = Vec::with_capacity(said.len());
    for one in said {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

/// The name that Helm gives the chart of a release, as far as it is written in it.
fn chart_name(object: &Value) -> String {
    let chart = text(object, "/spec/chart/spec/chart");
    chart.rsplit('/').next().unwrap_or(chart).to_owned()
}

/// Lines of `NAME:` for each chart and below it `- at '/cron': additional properties 'x' not allowed`.
fn against_schema(list: &str, root: &str) -> Vec<Said> {
    let mut said = Vec::new();
    let mut above: Vec<String> = Vec::new();
    let mut is_first = true;
    for line in list.lines() {
        let line = line.trim_end();
        if let Some(name) = line.strip_suffix(':').filter(|name| !name.starts_with([' ', '-'])) {
            // The chart itself comes first, and those in it by their names; its directory need not be called like it.
            above = if is_first || name == root {
                Vec::new()
            } else {
                vec![name.to_owned()]
            };
            is_first = false;
            continue;
        }
        let Some(rest) = line.trim_start().strip_prefix("- at '") else {
            continue;
        };
        let Some((pointer, words)) = rest.split_once("': ") else {
            continue;
        };
        let mut path = above.clone();
        let steps = pointer
            .split('/')
            .skip(1)
            .map(|step| step.replace("~1", "/").replace("~0", "~"));
        path.extend(steps);
        // Each of them is a key that a person has written; what is missing is missing where it should be.
        let unknown = after(words, "additional properties ").and_then(|rest| rest.strip_suffix(" not allowed"));
        let unknown: Vec<&str> = unknown.map(|names| names.split(", ").collect()).unwrap_or_default();
        let at = if path.is_empty() {
            "the values".to_owned()
        } else {
            path.join(".")
        };
        if unknown.is_empty() {
            said.push(Said {
                slug: Slug::ValuesNotValid,
                message: format!("the chart does not take {at}: {words}"),
                about: About::Value(path, Want::Value),
            });
            continue;
        }
        for name in unknown {
            let name = name.trim_matches('\'');
            let mut path = path.clone();
            path.push(name.to_owned());
            said.push(Said {
                slug: Slug::ValuesNotValid,
                message: format!(
                    "the chart has no value {}: additional properties are not allowed in {at}",
                    path.join(".")
                ),
                about: About::Value(path, Want::Key),
            });
        }
    }
    said
}

fn post_render(object: &Value, words: &str) -> Said {
    let named = between(words, "strategic merge patch \"", "\"").or_else(|| between(words, "no matches for Id ", ";"));
    let kind_and_name = named.and_then(|id| {
        let (kind, rest) = id.split_once('.')?;
        let name = rest.split_once('/')?.1;
        Some((kind, name.rsplit_once('.').map_or(name, |(name, _)| name)))
    });
    let patch = kind_and_name.and_then(|(kind, name)| patch_of(object, kind, name));
    let message = match kind_and_name {
        Some((kind, name)) if patch.is_some() => format!("the chart has no {kind} {name} to be patched"),
        _ if words.contains("already registered id") => {
            let id = after(words, "already registered id: ").unwrap_or(words);
            format!(
                "the chart has one object twice, which a post renderer does not take: already registered id {}",
                id.split('\'').next().unwrap_or(id)
            )
        }
        _ => format!("the post renderer failed: {}", first_line(words)),
    };
    let path = patch.unwrap_or_else(|| first_of(object, &[&["spec", "postRenderers"], &["metadata", "name"]]));
    Said::of_field(Slug::PostRenderFailed, path, message)
}

/// The patch of the post renderers that is for this object.
fn patch_of(object: &Value, kind: &str, name: &str) -> Option<gitops_yaml::FieldPath> {
    let renderers = object.pointer("/spec/postRenderers").and_then(Value::as_array)?;
    for (number, renderer) in renderers.iter().enumerate() {
        let patches = renderer.pointer("/kustomize/patches").and_then(Value::as_array);
        for (at, patch) in patches.into_iter().flatten().enumerate() {
            let written = text(patch, "/patch");
            let has = |key: &str, value: &str| {
                written.lines().any(|line| {
                    let found = line.trim().strip_prefix(key).and_then(|rest| rest.strip_prefix(':'));
                    found.is_some_and(|found| found.trim().trim_matches(['"', '\'']) == value)
                })
            };
            if has("kind", kind) && has("name", name) {
                let mut path = keys(&["spec", "postRenderers"]);
                path.push_index(number);
                path.push_key("kustomize");
                path.push_key("patches");
                path.push_index(at);
                path.push_key("patch");
                return Some(path);
            }
        }
    }
    None
}

/// What went wrong in a template: `execution error at (web/templates/all.yaml:19:52): image.tag is required`, several
/// lines that end at `<.Values.a.b>`, or `parse error at (web/templates/all.yaml:8): function "nope" not defined`.
fn template(cause: &str) -> Option<Said> {
    let said = |message: String, about: About| Said {
        slug: Slug::TemplateFailed,
        message,
        about,
    };
    let place = between(cause, "error at (", ")").or_else(|| between(cause, "template: ", ": "));
    let first = || cause.lines().find_map(place_in_template);
    let place = place.and_then(place_in_template).or_else(first);
    if let Some(rest) = after(cause, "at <.Values.") {
        let (path, words) = rest.split_once('>')?;
        let words = words.trim_start_matches(':').trim();
        let message = format!("the chart cannot use .Values.{path}: {}", first_line(words));
        let path: Vec<String> = path.split(['.', ' ']).map(str::to_owned).collect();
        return Some(said(message, About::Value(path, Want::Value)));
    }
    let (file, line) = place?;
    let words = after(cause, "): ").unwrap_or(cause);
    Some(said(
        format!("the chart does not render: {}", first_line(words)),
        About::Template(file, line),
    ))
}

/// `web/templates/all.yaml:19:52`: the file in the chart, and the line.
fn place_in_template(text: &str) -> Option<(String, u32)> {
    let text = text.trim();
    let start = text.find("/templates/")?;
    let chart = text.get(..start)?.rsplit([' ', '(', '/']).next()?;
    let rest = text.get(start + 1..)?;
    let mut parts = rest.splitn(3, ':');
    let file = parts.next()?;
    let line = parts.next()?.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    (!chart.is_empty()).then_some((file.to_owned(), line.parse().ok()?))
}

/// `server-side apply failed for object apps/web apps/v1, Kind=Deployment: WORDS`, and others that name an object.
fn of_object(object: &Value, slug: Slug, cause: &str) -> Said {
    let applied = after(cause, "server-side apply failed for object ").and_then(|rest| {
        let (named, rest) = rest.split_once(' ')?;
        let (kind, words) = rest.split_once(": ")?;
        let (version, kind) = kind.split_once(", Kind=")?;
        let (namespace, name) = named.split_once('/')?;
        let named = Named {
            api_version: Some(version.trim_start_matches('/').to_owned()),
            kind: kind.to_owned(),
            namespace: Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty()),
            name: name.to_owned(),
        };
        Some((named, words.to_owned()))
    });
    if let Some((named, words)) = applied {
        return Said {
            slug,
            message: words,
            about: About::Object(named),
        };
    }
    let waited = ["resource ", "resource not ready, name: "]
        .iter()
        .find_map(|start| after(cause, start))
        .and_then(|rest| Named::read(rest.split([' ', ',']).next()?));
    if let Some(named) = waited {
        return Said {
            slug,
            message: first_line(cause).to_owned(),
            about: About::Whole(named),
        };
    }
    let chart = first_of(
        object,
        &[
            &["spec", "chartRef", "name"],
            &["spec", "chart", "spec", "chart"],
            &["metadata", "name"],
        ],
    );
    Said {
        slug,
        message: first_line(cause).to_owned(),
        about: About::Field(chart, Want::Value),
    }
}

#[cfg(test)]
#[path = "release_tests.rs"]
mod tests;
