//! Health checks of Kustomizations that are never made.

use serde_json::Value;

use super::ObjectFinding;
use super::index::Index;
use super::words::{list, path, text};
use crate::flux::FluxSpec;
use crate::object::Gvk;

/// kustomize-controller (`checkHealth`) asks for the health of everything with `wait`, else of what `healthChecks` lists,
/// else of nothing; `healthCheckExprs` only say how.
pub(super) fn look(index: &Index<'_>, found: &mut Vec<ObjectFinding>) {
    for (at, flux) in index.flux() {
        let FluxSpec::Kustomization(kustomization) = &flux.spec else {
            continue;
        };
        let Some(spec) = index.object(at).and_then(|object| object.get("spec")) else {
            continue;
        };
        let is_listed = |field: &str| {
            spec.get(field)
                .and_then(Value::as_array)
                .is_some_and(|list| !list.is_empty())
        };
        if kustomization.waits && is_listed("healthChecks") {
            let message = "healthChecks is never looked at beside \"wait: true\", which waits for all that is applied; \
                           take one of the two out";
            found.push(
                ObjectFinding::warning(
                    at,
                    path(&["spec", "healthChecks"]),
                    "health-check-ignored",
                    message.to_owned(),
                )
                .on_key()
                .beside(at, path(&["spec", "wait"]), "this waits for everything"),
            );
        }
        if !kustomization.waits && !is_listed("healthChecks") && is_listed("healthCheckExprs") {
            let message = "healthCheckExprs is never evaluated without \"wait: true\" or healthChecks";
            found.push(
                ObjectFinding::warning(
                    at,
                    path(&["spec", "healthCheckExprs"]),
                    "health-check-ignored",
                    message.to_owned(),
                )
                .on_key(),
            );
        }
        if !kustomization.waits && is_listed("healthChecks") {
            found.extend(of_other_kinds(at, spec));
        }
    }
}

/// Expressions for kinds of which none is listed.
fn of_other_kinds(at: usize, spec: &Value) -> Vec<ObjectFinding> {
    let kind_of = |item: &Value| {
        let kind = text(item, "/kind")?;
        Some(Gvk::parse(text(item, "/apiVersion")?, kind))
    };
    let same = |one: &Gvk, other: &Gvk| one.group == other.group && one.kind == other.kind;
    let checked: Vec<Gvk> = list(spec, "/healthChecks")
        .filter_map(|(_, item)| kind_of(item))
        .collect();
    let unused = list(spec, "/healthCheckExprs").filter_map(|(number, item)| {
        let kind = kind_of(item)?;
        let is_used = checked.iter().any(|checked| same(checked, &kind));
        (!is_used).then_some((number, kind))
    });
    let findings = unused.map(|(number, kind)| {
        let number = number.to_string();
        let message = format!(
            "this expression is never evaluated: healthChecks lists no {}, and there is no \"wait: true\"",
            kind.kind
        );
        ObjectFinding::warning(
            at,
            path(&["spec", "healthCheckExprs", &number, "kind"]),
            "health-check-ignored",
            message,
        )
    });
    findings.collect()
}
