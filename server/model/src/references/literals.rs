//! `${…}` in objects that nobody substitutes: the text itself is applied, and nothing says so.

use std::collections::{BTreeMap, BTreeSet};

use gitops_yaml::FieldPath;
use serde_json::Value;

use super::ObjectFinding;
use super::index::Index;
use super::words::{below, item, path, shown, text, texts};
use crate::flux::{FluxSpec, Substitution};

/// Fields whose texts are for programs that may have variables of their own.
const FOR_PROGRAMS: [&str; 9] = [
    "data",
    "stringData",
    "binaryData",
    "command",
    "args",
    "values",
    "script",
    "template",
    "expr",
];

/// The names of the variables in a text, as Flux reads it: what follows a second `$` is none.
pub fn variables_in(text: &str) -> BTreeSet<String> {
    written(text).map(|(name, _)| name.to_owned()).collect()
}

/// Each variable of a text: its name, and all of it, such as `${NAME:=default}`.
fn written(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices("${").filter_map(|(at, _)| {
        let before = text.get(..at)?;
        let dollars = before.len() - before.trim_end_matches('$').len();
        let inside = text.get(at + 2..)?;
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let name = inside.get(..inside.find(|letter| !is_part(letter))?)?;
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let whole = text.get(at..at + 3 + inside.find('}')?)?;
        (is_name && dollars.is_multiple_of(2)).then_some((name, whole))
    })
}

pub(super) fn look(index: &Index<'_>, found: &mut Vec<ObjectFinding>) {
    let known = known_variables(index);
    for (at, key, object) in index.objects() {
        // What a Kustomization holds for its own build is substituted by itself.
        if key.gvk.kind == "Kustomization" && key.gvk.group.ends_with(".fluxcd.io") {
            continue;
        }
        let owner = index.scene.owners.get(at).copied().flatten();
        if !index.has_variables(at) || is_substituted(index, owner) || is_exempt(object) {
            continue;
        }
        let mut texts = Vec::new();
        collect(object, &FieldPath::new(), false, &mut texts);
        for (field, value, is_for_programs) in texts {
            for name in variables_in(value) {
                let supplier = known.get(name.as_str());
                if supplier.is_none() && (is_for_programs || value.contains('\n')) {
                    continue;
                }
                found.push(of_variable(index, at, owner, &field, value, &name, supplier));
            }
        }
    }
}

/// Whether somebody substitutes in what a Kustomization builds.
fn is_substituted(index: &Index<'_>, owner: Option<usize>) -> bool {
    let flux = owner.and_then(|owner| index.flux_of(owner));
    match flux.map(|flux| &flux.spec) {
        Some(FluxSpec::Kustomization(kustomization)) => match kustomization.substitution {
            Substitution::Never => false,
            Substitution::Always => true,
            Substitution::WithVariables => {
                !kustomization.substitute.is_empty() || !kustomization.substitute_from.is_empty()
            }
        },
        // Of the Kustomization of an entry that nobody wrote it is known that it has none.
        _ => false,
    }
}

/// Whether an object asks to be left as it is.
fn is_exempt(object: &Value) -> bool {
    ["annotations", "labels"].iter().any(|field| {
        let pointer = format!("/metadata/{field}/kustomize.toolkit.fluxcd.io~1substitute");
        text(object, &pointer) == Some("disabled")
    })
}

/// The variables that some Kustomization of the repository has a value for, and where.
fn known_variables(index: &Index<'_>) -> BTreeMap<String, (usize, FieldPath)> {
    let mut known = BTreeMap::new();
    for (at, flux) in index.flux() {
        let FluxSpec::Kustomization(kustomization) = &flux.spec else {
            continue;
        };
        for name in kustomization.substitute.keys() {
            let field = path(&["spec", "postBuild", "substitute", name]);
            known.entry(name.clone()).or_insert((at, field));
        }
        for reference in &kustomization.substitute_from {
            let namespace = reference.namespace.as_deref().unwrap_or_else(|| index.namespace(at));
            let there = index.find("", &reference.kind, Some(namespace), &reference.name);
            let Some((there, object)) = there.and_then(|there| Some((there, index.object(there)?))) else {
                continue;
            };
            for field in ["data", "stringData"] {
                for (name, _) in texts(object.get(field)) {
                    known.entry(name.to_owned()).or_insert((there, path(&[field, name])));
                }
            }
        }
    }
    known
}

/// The texts of an object that have variables, each with its field and whether that is for a program.
/// Whether there is something to collect: of most objects there is not.
pub(super) fn has_variables(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${"),
        Value::Array(items) => items.iter().any(has_variables),
        Value::Object(entries) => entries.values().any(has_variables),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn collect<'a>(value: &'a Value, at: &FieldPath, is_for_programs: bool, found: &mut Vec<(FieldPath, &'a str, bool)>) {
    match value {
        Value::String(text) if text.contains("${") => found.push((at.clone(), text, is_for_programs)),
        Value::Array(items) => {
            for (number, value) in items.iter().enumerate() {
                collect(value, &item(at, number), is_for_programs, found);
            }
        }
        Value::Object(entries) => {
            for (key, value) in entries {
                // The value of an environment variable is for whoever reads it.
                let for_programs =
                    is_for_programs || FOR_PROGRAMS.contains(&key.as_str()) || key == "env" || key.contains("snippet");
                collect(value, &below(at, &[key]), for_programs, found);
            }
        }
        _ => {}
    }
}

fn of_variable(
    index: &Index<'_>,
    at: usize,
    owner: Option<usize>,
    field: &FieldPath,
    value: &str,
    name: &str,
    supplier: Option<&(usize, FieldPath)>,
) -> ObjectFinding {
    let whole = written(value)
        .find(|(found, _)| *found == name)
        .map(|(_, whole)| whole.to_owned());
    let written = whole.clone().unwrap_or_else(|| format!("${{{name}}}"));
    let who = owner.map_or_else(
        || "the Kustomization of this entry".to_owned(),
        |owner| shown(index, owner),
    );
    let message =
        format!("{written} is applied as it stands: {who} has no variables in postBuild, so nobody substitutes here");
    let mut finding = ObjectFinding::warning(at, field.clone(), "variable-not-substituted", message);
    finding.part = whole;
    if let Some((supplier, field)) = supplier {
        finding = finding.beside(
            *supplier,
            field.clone(),
            format!("elsewhere {name} has its value from here"),
        );
    }
    if let Some(owner) = owner {
        finding = finding.beside(owner, FieldPath::new(), "this builds it without variables");
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::variables_in;

    #[test]
    fn variables_are_read_as_flux_reads_them() {
        let names = |text: &str| variables_in(text).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(names("${a} $${b} $$${c} ${d:=e} ${f//,/ }"), "a c d f");
        assert_eq!(names("${1} ${} ${-x} ${open $(g) $h"), "");
    }
}
