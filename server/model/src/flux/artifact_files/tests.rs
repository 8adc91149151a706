//! The rows are those of source-watcher's own `builder_test.go` and of what its documentation says.

use std::collections::BTreeMap;

use super::{Assembled, Listing, assemble};
use crate::flux::{Copy, GeneratedArtifact};

fn copy(written: &str) -> Copy {
    let mut words = written.split(' ');
    let mut next = || words.next().unwrap_or_default().to_owned();
    let (from, to, strategy) = (next(), next(), next());
    Copy {
        from,
        to,
        strategy: if strategy.is_empty() {
            "Overwrite".to_owned()
        } else {
            strategy
        },
        exclude: words.map(str::to_owned).collect(),
    }
}

/// What copies make of files: `TARGET <- SOURCE`, or what is wrong.
fn check(files: &[&str], copies: &[&str], expected: &[&str]) {
    let listing: Listing = files.iter().map(|path| (*path).into()).collect();
    let sources = BTreeMap::from([("repo".to_owned(), Some(&listing)), ("oci".to_owned(), None)]);
    let artifact = GeneratedArtifact {
        name: "apps".to_owned(),
        copies: copies.iter().map(|written| copy(written)).collect(),
    };
    let made = match assemble(&artifact, &sources) {
        Assembled::Made(made) => made
            .files
            .iter()
            .map(|(target, from)| {
                let from: Vec<&str> = from.iter().map(|copied| &*copied.path).collect();
                format!("{target} <- {}", from.join(" + "))
            })
            .collect(),
        Assembled::Faulty(fault) => vec![format!("{}: {}: {}", fault.copy, fault.field, fault.message)],
        Assembled::Unknown => vec!["unknown".to_owned()],
    };
    assert_eq!(made, expected, "{copies:?}");
}

const APPS: [&str; 6] = [
    "README.md",
    "apps/base/kustomization.yaml",
    "apps/base/podinfo/release.yaml",
    "apps/staging/kustomization.yaml",
    "apps/staging/notes.md",
    "apps/staging/values.yaml",
];

#[test]
fn a_pattern_that_ends_in_two_stars_means_what_is_in_the_directory() {
    check(
        &APPS,
        &["@repo/apps/base/** @artifact/base/", "@repo/apps/staging/** @artifact/"],
        &[
            "base/kustomization.yaml <- apps/base/kustomization.yaml",
            "base/podinfo/release.yaml <- apps/base/podinfo/release.yaml",
            "kustomization.yaml <- apps/staging/kustomization.yaml",
            "notes.md <- apps/staging/notes.md",
            "values.yaml <- apps/staging/values.yaml",
        ],
    );
}

#[test]
fn other_patterns_keep_the_whole_path() {
    check(
        &APPS,
        &["@repo/apps/*/kustomization.yaml @artifact/x"],
        &[
            "x/apps/base/kustomization.yaml <- apps/base/kustomization.yaml",
            "x/apps/staging/kustomization.yaml <- apps/staging/kustomization.yaml",
        ],
    );
    check(&APPS, &["@repo/*.md @artifact/"], &["README.md <- README.md"]);
}

#[test]
fn a_directory_keeps_its_name_and_a_file_takes_that_of_its_destination() {
    check(
        &APPS,
        &[
            "@repo/apps/base @artifact/all",
            "@repo/README.md @artifact/all/about.md",
        ],
        &[
            "all/about.md <- README.md",
            "all/base/kustomization.yaml <- apps/base/kustomization.yaml",
            "all/base/podinfo/release.yaml <- apps/base/podinfo/release.yaml",
        ],
    );
    check(
        &APPS,
        &[
            "@repo/README.md @artifact/docs/",
            "@repo/apps/staging/notes.md @artifact/docs",
        ],
        &["docs/README.md <- README.md", "docs/notes.md <- apps/staging/notes.md"],
    );
}

#[test]
fn what_is_excluded_stays_behind() {
    check(
        &APPS,
        &["@repo/apps/** @artifact/ Overwrite *.md base/podinfo"],
        &[
            "base/kustomization.yaml <- apps/base/kustomization.yaml",
            "staging/kustomization.yaml <- apps/staging/kustomization.yaml",
            "staging/values.yaml <- apps/staging/values.yaml",
        ],
    );
}

#[test]
fn a_later_copy_overwrites_or_is_merged() {
    let values = ["a/values.yaml", "b/values.yaml"];
    check(
        &values,
        &[
            "@repo/a/values.yaml @artifact/values.yaml",
            "@repo/b/values.yaml @artifact/values.yaml",
        ],
        &["values.yaml <- b/values.yaml"],
    );
    check(
        &values,
        &[
            "@repo/a/values.yaml @artifact/values.yaml",
            "@repo/b/values.yaml @artifact/values.yaml Merge",
        ],
        &["values.yaml <- a/values.yaml + b/values.yaml"],
    );
}

#[test]
fn what_no_artifact_has_is_left_out() {
    check(
        &[
            "apps/web.yaml",
            "apps/logo.png",
            "apps/.sops.yaml",
            "apps/.github/ci.yaml",
            "apps/.gitignore",
        ],
        &["@repo/apps/** @artifact/"],
        &["web.yaml <- apps/web.yaml"],
    );
}

#[test]
fn what_cannot_be_copied_is_said_of_its_copy() {
    for (copies, expected) in [
        (
            &["@repo/app/** @artifact/"][..],
            "0: from: no file of the source `repo` matches `app/**`",
        ),
        (
            &["@repo/apps/** @artifact/", "@repo/nowhere @artifact/"],
            "1: from: `nowhere` is not in the source `repo`",
        ),
        (
            &["@other/apps/** @artifact/"],
            "0: from: there is no source with the alias `other`",
        ),
        (
            &["@repo/apps/** @artifact/../x"],
            "0: to: the destination must stay within the artifact",
        ),
        (
            &["@repo/*.md @artifact/ Overwrite *.md"],
            "0: exclude: everything that matches `*.md` is excluded",
        ),
        (&["@repo/apps/[x @artifact/"], "0: from: `apps/[x` is no pattern"),
    ] {
        check(&APPS, copies, &[expected]);
    }
}

#[test]
fn what_only_flux_has_is_left_to_flux() {
    check(&APPS, &["@oci/manifests/** @artifact/"], &["unknown"]);
    check(
        &["charts/x.tgz"],
        &["@repo/charts/x.tgz @artifact/ Extract"],
        &["unknown"],
    );
}
