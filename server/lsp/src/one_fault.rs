//! One fault is one diagnostic: what several sources say of one cause is shown once.
//!
//! The fast answer comes from a build and a dry run, the true one from Flux, which often says the same of the same place.
//! Each source keeps what it says, in the ledger; what is shown is decided when it is shown, so that nothing has to be
//! taken back when one of them has nothing to say any more.

use gitops_model::{Finding, ObjectKey, Severity, Source};

use crate::ledger::Ledger;

/// What Flux says of an object that does not become healthy: the consequence of something.
const CONSEQUENCE: &str = "health-check-failed";

/// What is shown of a file: what it is said, without what others say better.
pub(crate) fn shown<'a>(ledger: &'a Ledger, file: &'a str) -> Vec<&'a Finding> {
    let all: Vec<&Finding> = ledger.of_file(file).collect();
    let is_said_better = |finding: &Finding| {
        all.iter().any(|other| is_same_cause(finding, other))
            || is_consequence(finding) && ledger.of_all().any(|other| is_first_cause(finding, other))
    };
    let mut kept = Vec::with_capacity(all.len());
    for finding in &all {
        let is_repeated = |earlier: &&Finding| {
            (earlier.span, earlier.code, &earlier.message) == (finding.span, finding.code, &finding.message)
        };
        if !is_said_better(finding) && !kept.iter().any(is_repeated) {
            kept.push(*finding);
        }
    }
    kept
}

/// Whether it depends on what is said in other files that this is shown.
pub(crate) fn is_consequence(finding: &Finding) -> bool {
    finding.code.source == Source::Flux && finding.code.slug == CONSEQUENCE
}

/// Whether `other` says of the same place what `finding` says, and is to be kept.
fn is_same_cause(finding: &Finding, other: &Finding) -> bool {
    let overlap =
        finding.span.start < other.span.end && other.span.start < finding.span.end || finding.span == other.span;
    if !overlap || std::ptr::eq(finding, other) {
        return false;
    }
    match (finding.code.source, other.code.source) {
        (Source::Flux, Source::Flux) => finding.span == other.span && is_consequence(finding) && !is_consequence(other),
        (Source::Flux, _) => other.severity <= finding.severity,
        // A warning of what would happen, by what has happened.
        (Source::Model, Source::Flux) => other.severity < finding.severity,
        // The API server has warned of what the pods have run into.
        (Source::Apply, Source::Runtime) => {
            finding.severity == Severity::Warning && (finding.span, finding.code.slug) == (other.span, other.code.slug)
        }
        _ => false,
    }
}

/// Whether `other` is what `finding`, which Flux says of an object, comes from.
fn is_first_cause(finding: &Finding, other: &Finding) -> bool {
    if other.severity != Severity::Error || std::ptr::eq(finding, other) {
        return false;
    }
    let (Some(object), Some(other_object)) = (&finding.object, &other.object) else {
        return false;
    };
    match other.code.source {
        // Which of its objects was not healthy is not always told.
        Source::Runtime => object.gvk.kind == "Kustomization" || is_of(object, other_object),
        Source::Flux => !is_consequence(other) && is_same(object, other_object),
        _ => false,
    }
}

fn is_same(one: &ObjectKey, other: &ObjectKey) -> bool {
    one.gvk.kind == other.gvk.kind && one.name == other.name && one.namespace == other.namespace
}

/// Whether what is wrong with `part` keeps `whole` from being healthy: itself, or a pod of it, whose name begins with its.
fn is_of(whole: &ObjectKey, part: &ObjectKey) -> bool {
    is_same(whole, part) || whole.namespace == part.namespace && part.name.starts_with(&format!("{}-", whole.name))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gitops_model::{Code, Finding, Gvk, ObjectKey, Severity, Source};
    use gitops_text::Span;

    use super::shown;
    use crate::ledger::Ledger;

    fn finding(source: Source, slug: &'static str, span: (u32, u32), object: Option<(&str, &str)>) -> Finding {
        Finding {
            code: Code { source, slug },
            severity: if source == Source::Model {
                Severity::Warning
            } else {
                Severity::Error
            },
            span: Span::new(span.0, span.1),
            message: slug.to_owned(),
            detail: None,
            related: Vec::new(),
            fixes: Vec::new(),
            object: object.map(|(kind, name)| ObjectKey {
                gvk: Gvk::parse("apps/v1", kind),
                namespace: Some("apps".to_owned()),
                name: name.to_owned(),
            }),
        }
    }

    fn codes(findings: &[(&str, Finding)], file: &str) -> Vec<String> {
        let mut ledger = Ledger::default();
        for (name, finding) in findings {
            let name: Arc<str> = Arc::from(*name);
            let source = finding.code.source;
            let mut all = ledger.of(&name, source).to_vec();
            all.push(finding.clone());
            ledger.set(&name, source, 1, all);
        }
        shown(&ledger, file)
            .iter()
            .map(|finding| finding.code.to_string())
            .collect()
    }

    #[test]
    fn what_flux_says_of_a_place_is_not_said_beside_the_fast_answer() {
        let fast = ("a", finding(Source::Render, "variable-not-set", (5, 9), None));
        let slow = (
            "a",
            finding(Source::Flux, "build-failed", (5, 9), Some(("Kustomization", "apps"))),
        );
        assert_eq!(codes(&[fast, slow.clone()], "a"), ["render/variable-not-set"]);
        let elsewhere = ("a", finding(Source::Render, "file-not-found", (20, 25), None));
        assert_eq!(
            codes(&[elsewhere, slow], "a"),
            ["render/file-not-found", "flux/build-failed"]
        );
    }

    #[test]
    fn a_warning_gives_way_to_what_has_happened() {
        let warning = ("a", finding(Source::Model, "not-there", (5, 9), None));
        let failed = (
            "a",
            finding(
                Source::Flux,
                "dependency-not-found",
                (5, 9),
                Some(("Kustomization", "apps")),
            ),
        );
        assert_eq!(codes(&[warning, failed], "a"), ["flux/dependency-not-found"]);
    }

    #[test]
    fn a_consequence_gives_way_to_its_cause_in_another_file() {
        let health = (
            "a",
            finding(Source::Flux, "health-check-failed", (0, 4), Some(("Deployment", "web"))),
        );
        let pod = (
            "b",
            finding(Source::Runtime, "image-pull", (7, 9), Some(("Deployment", "web"))),
        );
        assert_eq!(codes(&[health.clone(), pod], "a"), [""; 0]);
        let other = (
            "b",
            finding(Source::Runtime, "image-pull", (7, 9), Some(("Deployment", "shop"))),
        );
        assert_eq!(codes(&[health, other], "a"), ["flux/health-check-failed"]);
    }
}
