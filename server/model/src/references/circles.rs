//! Objects of Flux's that wait for each other: a Kustomization for Kustomizations, a release for releases.

use std::collections::{BTreeMap, VecDeque};

use gitops_yaml::FieldPath;

use super::ObjectFinding;
use super::index::Index;
use crate::finding::Severity;
use crate::flux::{FluxSpec, Reference};

/// Who waits for whom, and where that is written.
type Links = BTreeMap<usize, Vec<(usize, FieldPath)>>;

/// Circles longer than this are not written out.
const LONGEST_SHOWN: usize = 8;

/// Every link of every circle is a fault of its own: taking any one of them away opens the circle.
pub(super) fn look(index: &Index<'_>, found: &mut Vec<ObjectFinding>) {
    let links = links(index);
    for (from, waits_for) in &links {
        for (to, field) in waits_for {
            let Some(back) = way(&links, *to, *from) else { continue };
            found.push(of_link(index, &links, *from, field, &back));
        }
    }
}

fn links(index: &Index<'_>) -> Links {
    let mut links = Links::new();
    for (at, flux) in index.flux() {
        let depends_on: &[Reference] = match &flux.spec {
            FluxSpec::Kustomization(kustomization) => &kustomization.depends_on,
            FluxSpec::HelmRelease(release) => &release.depends_on,
            _ => continue,
        };
        for reference in depends_on {
            let namespace = reference.namespace.as_deref().unwrap_or_else(|| index.namespace(at));
            let other = index.find(&reference.group, &reference.kind, Some(namespace), &reference.name);
            if let Some(other) = other {
                links.entry(at).or_default().push((other, reference.field.clone()));
            }
        }
    }
    links
}

/// The shortest way from one to another, both ends included.
fn way(links: &Links, from: usize, to: usize) -> Option<Vec<usize>> {
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut waiting = VecDeque::from([from]);
    while let Some(at) = waiting.pop_front() {
        if at == to {
            let mut way = vec![at];
            let mut last = at;
            while last != from {
                last = *came_from.get(&last)?;
                way.push(last);
            }
            way.reverse();
            return Some(way);
        }
        for (next, _) in links.get(&at).into_iter().flatten() {
            if *next != from && !came_from.contains_key(next) {
                came_from.insert(*next, at);
                waiting.push_back(*next);
            }
        }
    }
    None
}

/// `back` leads from what the link names to who has it.
fn of_link(index: &Index<'_>, links: &Links, from: usize, field: &FieldPath, back: &[usize]) -> ObjectFinding {
    let name = |at: usize| index.key(at).map_or("", |key| key.name.as_str());
    let message = if back == [from] {
        format!(
            "circular dependency: {} waits for itself, so it is never reconciled",
            name(from)
        )
    } else {
        let mut circle: Vec<&str> = vec![name(from)];
        circle.extend(back.iter().map(|at| name(*at)));
        if circle.len() > LONGEST_SHOWN + 1 {
            let last = circle.split_off(circle.len() - 2);
            circle.truncate(LONGEST_SHOWN - 2);
            circle.push("…");
            circle.extend(last);
        }
        format!(
            "circular dependency: {}; each waits for the next, so none of them is ever reconciled",
            circle.join(" → ")
        )
    };
    let mut finding = ObjectFinding::new(from, field.clone(), "dependency-cycle", Severity::Error, message);
    for pair in back.windows(2) {
        let [one, next] = pair else { continue };
        let link = links.get(one).and_then(|links| links.iter().find(|(to, _)| to == next));
        if let Some((_, field)) = link {
            finding = finding.beside(
                *one,
                field.clone(),
                format!("{} waits for {} here", name(*one), name(*next)),
            );
        }
    }
    finding
}
