//! A `path:` of a Flux Kustomization that leads nowhere.

use std::collections::BTreeSet;

use camino::Utf8Path;
use gitops_model::{Code, Finding, Fix, FixKind, Source, Want, nearest};
use gitops_render::Fault;

use super::Findings;
use super::worker::Worker;

/// Says of each unit whose directory is not there just that, with the directory that was meant, in place of what the
/// renderer says of it.
pub(super) fn mend(worker: &Worker, faults: &[(usize, Fault)], findings: &mut Findings) {
    let tree = worker.tree.texts();
    for (number, _) in faults {
        let Some(unit) = worker.units.get(*number) else {
            continue;
        };
        let is_missing = unit.is_of_repository() && tree.below(&unit.path).next().is_none();
        let Some(mut spot) = unit.spot(tree).filter(|_| is_missing) else {
            continue;
        };
        spot.path.push_key("spec");
        spot.path.push_key("path");
        let span = spot.span(Want::Value);
        let known = findings.get_mut(&worker.name(spot.sheet.file()));
        let Some(finding) = known.and_then(|known| known.iter_mut().find(|finding| finding.span == span)) else {
            continue;
        };
        let directories: BTreeSet<&str> = tree.below("").flat_map(|(path, _)| above(path)).collect();
        let near = near(&unit.path, &directories);
        let hint = near.map_or_else(String::new, |near| format!("; did you mean \"./{near}\"?"));
        *finding = Finding {
            code: Code {
                source: Source::Model,
                slug: "path-not-found",
            },
            message: format!(
                "path not found: there is no directory \"./{}\" in this repository{hint}",
                unit.path
            ),
            fixes: near.map(|near| write(near, span)).into_iter().collect(),
            ..finding.clone()
        };
    }
}

/// The directories that a file is in.
fn above(path: &str) -> impl Iterator<Item = &str> {
    let parents = Utf8Path::new(path).ancestors().skip(1);
    parents.map(Utf8Path::as_str).filter(|path| !path.is_empty())
}

/// The directory that is nearly called so: beside it, else one of the same name elsewhere.
fn near<'a>(wanted: &str, directories: &BTreeSet<&'a str>) -> Option<&'a str> {
    let parts = |path: &'a str| path.rsplit_once('/').unwrap_or(("", path));
    let (parent, name) = wanted.rsplit_once('/').unwrap_or(("", wanted));
    let beside = directories.iter().filter(|path| parts(path).0 == parent);
    let beside: Vec<&str> = beside.map(|path| parts(path).1).collect();
    if let Some(near) = nearest(name, beside.iter().copied()) {
        return directories.iter().find(|path| parts(path) == (parent, near)).copied();
    }
    let mut same = directories.iter().filter(|path| parts(path).1 == name);
    let only = same.next().copied();
    only.filter(|_| same.next().is_none())
        .or_else(|| nearest(wanted, directories.iter().copied()))
}

fn write(near: &str, span: gitops_text::Span) -> Fix {
    Fix {
        title: format!("Write ./{near}"),
        kind: FixKind::Edit(vec![(span, format!("./{near}"))]),
        preferred: true,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::near;

    #[test]
    fn the_directory_that_was_meant() {
        let directories = BTreeSet::from(["apps", "apps/base", "clusters", "clusters/east", "infra"]);
        assert_eq!(near("aps", &directories), Some("apps"));
        assert_eq!(near("apps/bsae", &directories), Some("apps/base"));
        assert_eq!(near("east", &directories), Some("clusters/east"));
        assert_eq!(near("nothing", &directories), None);
    }
}
